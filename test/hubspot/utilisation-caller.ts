/**
 * One process that calls HubSpot as fast as its budget lets it, as a worker with many pages to read would. Receives what
 * to do as its first argument (JSON), ends after `seconds`, prints the result as JSON.
 */
import { openDatabase } from '../../src/db/open-database.ts'
import { withSystem } from '../../src/db/scope.ts'
import { createBudget, type Priority } from '../../src/hubspot/budget/budget.ts'
import { createHubSpot } from '../../src/hubspot/client/client.ts'
import { HubSpotError } from '../../src/hubspot/hubspot-error.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { Secret } from '../../src/lib/secret.ts'
import { quiet } from '../support/engines.ts'

export interface CallerTask {
  apiUrl: string
  databaseUrl: string
  token: string
  hubId: number
  bucket: 'calls' | 'search'
  priority: Priority
  /** Calls at the same time. */
  callers: number
  seconds: number
  /** A pause of each caller after each call, ms. */
  restMs: number
}

export interface CallerReport {
  calls: number
  /** Kinds of errors that reached a caller. */
  errors: Record<string, number>
  lost: number
  /** How long callers waited for their call in all, ms, sorted. */
  took: number[]
}

const task = JSON.parse(process.argv[2] ?? '{}') as CallerTask
const metrics = createMetrics()
const db = await openDatabase({ url: task.databaseUrl, dataDir: '', poolSize: 5, statementMs: 5_000 }, quiet)
const budget = createBudget((work) => withSystem(db, ({ query }) => work(query)), systemClock, metrics)
const hubspot = createHubSpot({
  apiUrl: task.apiUrl,
  timeoutMs: 10_000,
  budget,
  clock: systemClock,
  metrics,
  log: quiet,
})

const report: CallerReport = { calls: 0, errors: {}, lost: 0, took: [] }
const ends = performance.now() + task.seconds * 1_000
const stop = AbortSignal.timeout(task.seconds * 1_000)
const objects = '/crm/objects/2026-09/tickets'

async function one(): Promise<void> {
  const search = task.bucket === 'search'
  await hubspot.call({
    endpoint: search ? 'tickets search' : 'tickets list',
    method: search ? 'POST' : 'GET',
    path: search ? `${objects}/search` : objects,
    ...(search ? { json: { filterGroups: [], limit: 1 } } : { query: { limit: '1' } }),
    token: new Secret(task.token),
    budget: { key: { app: 'pasted', hubId: task.hubId }, bucket: task.bucket, priority: task.priority },
    retryLimits: { maxAttempts: 4, totalMs: 40_000 },
    signal: stop,
  })
}

async function caller(): Promise<void> {
  while (performance.now() < ends) {
    const began = performance.now()
    try {
      await one()
      report.calls += 1
      report.took.push(Math.round(performance.now() - began))
    } catch (error) {
      if (stop.aborted) return
      const kind = error instanceof HubSpotError ? error.kind : String(error)
      report.errors[kind] = (report.errors[kind] ?? 0) + 1
    }
    if (task.restMs > 0) await systemClock.sleep(task.restMs, stop).catch(() => {})
  }
}

await Promise.all(Array.from({ length: task.callers }, caller))
for (const { labels, value } of (await metrics.hubspotSlots.get()).values)
  if (labels.result === 'lost') report.lost += value
report.took.sort((a, b) => a - b)
await hubspot.close()
await db.close()
process.stdout.write(JSON.stringify(report))
