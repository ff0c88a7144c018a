/**
 * How much of HubSpot's limit a portal's background calls use, and how often they run into it: several processes on
 * one PostgreSQL against the emulator with its limits on. As a program it prints JSON:
 *
 *   node test/hubspot/utilisation.ts --seconds 120 --processes 1 --callers 6 [--bucket search] [--plan enterprise]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { startTestEmulator } from '../support/emulator.ts'
import { globalSetup, globalTeardown } from '../support/global-setup.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import type { CallerReport, CallerTask } from './utilisation-caller.ts'

export interface UtilisationOptions {
  seconds: number
  /** Processes with background callers, and callers in each. */
  processes: number
  callers: number
  bucket?: 'calls' | 'search'
  /** Of the portal; absent: an OAuth app's 110 for calls. */
  plan?: 'starter' | 'professional' | 'enterprise'
  /** One more process, whose one caller is interactive and rests so long between two calls, ms. */
  interactiveEveryMs?: number
  /** Calls of somebody else under the same token, per second. */
  foreignPerSecond?: number
}

export interface Utilisation {
  seconds: number
  /** Calls per ten seconds that HubSpot allows. */
  limit: number
  /** Calls of ours that HubSpot took, and what part that is of all it would have taken. */
  granted: number
  share: number
  /** Answers 429 to us. */
  refused429: number
  /** When, in seconds from the first call. */
  refusedAt: number[]
  /** Slots that arrived too late to be used. */
  lost: number
  errors: Record<string, number>
  /** Of the interactive caller, ms. */
  interactive?: { calls: number; median: number; p95: number; max: number }
  foreign?: { taken: number; refused: number }
  /** The row, at the end. */
  row: Record<string, unknown>
}

const objects = '/crm/objects/2026-09/tickets'

/** Needs the server that global-setup.ts started. */
export async function measureUtilisation(options: UtilisationOptions): Promise<Utilisation> {
  const { seconds, processes, callers, bucket = 'calls', plan } = options
  const emulator = await startTestEmulator({ limits: 'hubspot' })
  const hubId = 77
  await emulator.control('POST', '/portals', { portal_id: hubId, tickets: 10, plan: plan ?? 'starter' })
  const { token } = await emulator.control('POST', `/portals/${hubId}/tokens`, {
    kind: plan ? 'private_app' : 'oauth',
  })
  const databaseUrl = await newPostgresDatabase()
  const task = { apiUrl: emulator.url, databaseUrl, token, hubId, bucket, seconds }
  try {
    const foreign = foreignCaller(`${emulator.url}${objects}?limit=2`, token, options.foreignPerSecond ?? 0)
    const background = Array.from({ length: processes }, () =>
      runCaller({ ...task, priority: 'background', callers, restMs: 0 }),
    )
    const rests = options.interactiveEveryMs
    const interactive =
      rests === undefined
        ? undefined
        : runCaller({ ...task, priority: 'interactive', callers: 1, restMs: rests })
    const reports = await Promise.all(background)
    const waited = await interactive
    const others = await foreign.stop()
    const [row] = await adminQuery(`select * from budgets where bucket = '${bucket}'`, databaseUrl)
    const limit = bucket === 'search' ? 50 : plan === undefined ? 110 : plan === 'starter' ? 100 : 190
    const all = waited ? [...reports, waited] : reports
    const sum = (of: (report: CallerReport) => number) => all.reduce((total, report) => total + of(report), 0)
    // By HubSpot's own log, from the first call on: processes do not start at one moment.
    const ours = (await emulator.control('GET', `/requests?limit=100000&path=${objects}`)).results.filter(
      ({ query }: { query: { limit?: string } }) => query.limit !== '2',
    ) as { time: number; status: number }[]
    const began = Math.min(...ours.map(({ time }) => time))
    const ended = began + seconds * 1_000
    const within = ours.filter(({ time }) => time < ended)
    const count = (of: (status: number) => boolean) => within.filter(({ status }) => of(status)).length
    const granted = count((status) => status === 200)
    const errors: Record<string, number> = {}
    for (const report of all)
      for (const [kind, count] of Object.entries(report.errors)) errors[kind] = (errors[kind] ?? 0) + count
    return {
      seconds,
      limit,
      granted,
      share: Math.round((granted / ((limit / 10) * seconds)) * 10_000) / 10_000,
      refused429: count((status) => status === 429),
      refusedAt: within.filter((one) => one.status === 429).map(({ time }) => (time - began) / 1_000),
      lost: sum((report) => report.lost),
      errors,
      ...(waited ? { interactive: latency(waited.took) } : {}),
      ...(options.foreignPerSecond ? { foreign: others } : {}),
      row: row ?? {},
    }
  } finally {
    await emulator.close()
  }
}

function latency(took: number[]) {
  const at = (part: number) => took[Math.min(took.length - 1, Math.floor(part * took.length))] ?? 0
  return { calls: took.length, median: at(0.5), p95: at(0.95), max: at(1) }
}

async function runCaller(task: CallerTask): Promise<CallerReport> {
  const file = join(import.meta.dirname, 'utilisation-caller.ts')
  const child = spawn(process.execPath, [file, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return JSON.parse(out) as CallerReport
}

function foreignCaller(url: string, token: string, perSecond: number) {
  const met = { taken: 0, refused: 0 }
  const running = new Set<Promise<void>>()
  const call = async () => {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    await answer.text()
    met[answer.status === 429 ? 'refused' : 'taken'] += 1
  }
  const timer =
    perSecond === 0
      ? undefined
      : setInterval(() => {
          const one = call().finally(() => running.delete(one))
          running.add(one)
        }, 1_000 / perSecond)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(running)
      return met
    },
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '120' },
      processes: { type: 'string', default: '1' },
      callers: { type: 'string', default: '6' },
      bucket: { type: 'string', default: 'calls' },
      plan: { type: 'string' },
      interactive: { type: 'string' },
      foreign: { type: 'string' },
    },
  })
  const { log } = console
  console.log = (...words: unknown[]) => console.error(...words)
  await globalSetup()
  try {
    const measured = await measureUtilisation({
      seconds: Number(values.seconds),
      processes: Number(values.processes),
      callers: Number(values.callers),
      bucket: values.bucket === 'search' ? 'search' : 'calls',
      ...(values.plan ? { plan: values.plan as 'enterprise' } : {}),
      ...(values.interactive ? { interactiveEveryMs: Number(values.interactive) } : {}),
      ...(values.foreign ? { foreignPerSecond: Number(values.foreign) } : {}),
    })
    log(JSON.stringify(measured))
  } finally {
    await globalTeardown()
  }
}
