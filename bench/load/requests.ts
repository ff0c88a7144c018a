/**
 * 3. How many requests an incremental run makes for what has changed, beside the number that it needs. The look-back and
 * the index lag are a second and the emulator's index has none, so that the window contains what was changed and
 * nothing else.
 */
import {
  allScopes,
  type Harness,
  type HubSpotProcess,
  newAccount,
  noLimits,
  pause,
  startHubSpot,
} from './harness.ts'
import type { BenchResult } from './result.ts'
import { type Service, startService } from './service.ts'

/** Longer than look-back and lag together, so that no run's window reaches what the one before has read, ms. */
const restMs = 3_000

interface Case {
  name: string
  changes: number
  /** All in the same millisecond, as a bulk edit makes them. */
  atOnce: boolean
}

interface Counts {
  search: number
  batch_read: number
  list: number
  associations: number
  token: number
  refresh: number
  other: number
}

export async function requests(harness: Harness): Promise<BenchResult> {
  const scaled = (count: number) => Math.round(count * harness.scale)
  const cases: Case[] = [
    { name: 'no change', changes: 0, atOnce: false },
    { name: '100 changes', changes: 100, atOnce: false },
    { name: `${scaled(12_000)} changes`, changes: scaled(12_000), atOnce: false },
    { name: `${scaled(25_000)} in one millisecond`, changes: scaled(25_000), atOnce: true },
  ]
  const hubspot = await startHubSpot()
  const databaseUrl = await harness.createDatabase()
  const service = await startService(hubspot, databaseUrl, {
    SPOKE_SYNC_EVERY: '24h',
    SPOKE_FULL_EVERY: '24h',
    SPOKE_SYNC_OVERLAP: '1s',
    SPOKE_INDEX_LAG: '1s',
  })
  try {
    await hubspot.control('POST', '/limits', noLimits)
    await hubspot.control('PATCH', '/quirks', { index_lag_ms: 0, index_lag_jitter_ms: 0 })
    const tickets = cases.reduce((sum, { changes }) => sum + changes, 1_000)
    const associations = { contacts: 2, companies: 1, deals: 1 }
    const account = await newAccount(hubspot, { tickets, associations }, allScopes)
    const connected = await service.connect(account.token)
    harness.say(`3. requests: a first load of ${tickets} tickets before`)
    await service.ended(connected, 'full', 600)
    const ids = await idsOf(hubspot, account.hubId)
    const rows = []
    // Each case has tickets of its own, so that a window which reaches too far back is seen by what it reads.
    let taken = 0
    for (const one of cases) {
      await pause(restMs)
      const stamps = await change(hubspot, account.hubId, ids.slice(taken, taken + one.changes), one.atOnce)
      taken += one.changes
      await pause(restMs)
      await hubspot.control('DELETE', '/requests')
      const run = await incremental(service, connected)
      const { results } = await hubspot.control<{ results: Entry[] }>('GET', '/requests?limit=200000')
      const counts = count(results)
      // The list is a CRM call as any other, and never needed here.
      const crm = counts.search + counts.batch_read + counts.list + counts.other + counts.associations
      const ideal = Math.max(1, Math.ceil(one.changes / 200)) + 3 * Math.ceil(one.changes / 1_000)
      if (run.done !== one.changes) throw new Error(`${one.name}: the run read ${run.done} tickets`)
      rows.push({ case: one.name, milliseconds_stamped: stamps, crm_calls: crm, ideal, ...counts })
      harness.say(`   ${one.name}: ${crm} CRM calls, ideal ${ideal}`)
    }
    return {
      number: 3,
      name: 'requests of an incremental run',
      aim: '1 CRM call for no change; for n changes the searches at 200 a page and one association read per type and 1,000',
      met: rows.every(({ crm_calls, ideal }) => crm_calls <= ideal),
      figures: { runs: rows },
      notes: ['token calls and the hourly refresh (owners, pipelines, properties) are counted apart'],
    }
  } finally {
    await service.stop()
    await harness.dropDatabase(databaseUrl)
    await hubspot.stop()
  }
}

async function incremental(service: Service, connected: { tenantId: string; integrationId: string }) {
  const path = `/api/hubspot/sync/${connected.tenantId}/${connected.integrationId}`
  const { status, body } = await service.post(path, { sync_type: 'incremental' })
  if (status !== 202) throw new Error(`asking for a run was answered ${status} ${JSON.stringify(body)}`)
  return await service.ended(connected, 'incremental', 600)
}

interface Entry {
  method: string
  path: string
}

function count(entries: Entry[]): Counts {
  const counts: Counts = {
    search: 0,
    batch_read: 0,
    list: 0,
    associations: 0,
    token: 0,
    refresh: 0,
    other: 0,
  }
  for (const { method, path } of entries) counts[kindOf(method, path)] += 1
  return counts
}

function kindOf(method: string, path: string): keyof Counts {
  if (path.startsWith('/oauth/') || path.startsWith('/account-info/')) return 'token'
  if (/^\/crm\/(owners|pipelines|properties)\//.test(path)) return 'refresh'
  if (path.startsWith('/crm/associations/')) return 'associations'
  if (path.endsWith('/search')) return 'search'
  if (path.endsWith('/batch/read')) return 'batch_read'
  return method === 'GET' && path.endsWith('/tickets') ? 'list' : 'other'
}

async function idsOf(hubspot: HubSpotProcess, hubId: number): Promise<string[]> {
  const ids: string[] = []
  let after = ''
  do {
    const page: { results: { id: string }[]; next?: string | null } = await hubspot.control(
      'GET',
      `/portals/${hubId}/truth?limit=10000${after}`,
    )
    ids.push(...page.results.map(({ id }) => id))
    after = page.next ? `&after=${page.next}` : ''
  } while (after !== '')
  return ids
}

/** @returns how many different milliseconds the changes were stamped with, as HubSpot returns them */
async function change(
  hubspot: HubSpotProcess,
  hubId: number,
  ids: string[],
  atOnce: boolean,
): Promise<number> {
  const size = atOnce ? ids.length : Math.max(1, Math.ceil(ids.length / 100))
  for (let at = 0; at < ids.length; at += size) {
    // Each call stamps all of its tickets with one millisecond, and none takes less than that.
    await hubspot.control('PATCH', `/portals/${hubId}/tickets`, { ids: ids.slice(at, at + size) })
  }
  return ids.length === 0 ? 0 : Math.ceil(ids.length / size)
}
