/**
 * 2. How much of what HubSpot allows a first load uses, and how often it is refused: a portal connected by OAuth, the
 * emulator's limits as HubSpot's are, one process. Counted by the emulator, not by Spoke.
 */
import { type Harness, newAccount, pause, startHubSpot } from './harness.ts'
import { type BenchResult, round } from './result.ts'
import { startService } from './service.ts'

/** Of an OAuth app, per account: so many calls in so many ms. */
const allowed = { calls: 110, ms: 10_000 }
/**
 * How Spoke spaces its slots (src/hubspot/budget/budget-store.ts): as if HubSpot's window were so much longer, so that a
 * call which the network delays never hits a full one. That is the background budget while no one else calls.
 */
const reserveMs = 170
/** A connect is interactive, and for ten seconds after it a share is reserved for such calls. */
const settleMs = 15_000

interface Entry {
  time: number
  path: string
  status: number
}

export async function budgetUse(harness: Harness): Promise<BenchResult> {
  const seconds = Math.max(20, Math.round(120 * harness.scale))
  const hubspot = await startHubSpot()
  const databaseUrl = await harness.createDatabase()
  const service = await startService(hubspot, databaseUrl)
  try {
    // More than can be read in that time, so that the load never ends before the measuring does.
    const tickets = Math.ceil((seconds + settleMs / 1_000 + 10) * (allowed.calls / allowed.ms) * 1_000 * 100)
    const { hubId } = await newAccount(hubspot, { tickets, plan: 'starter' })
    const connected = await service.connectByOauth(hubId)
    harness.say(`2. budget: ${seconds} s of a first load under HubSpot's limit`)
    await pause(settleMs + seconds * 1_000 + 2_000)
    const [run] = await service.rows<{ state: string }>(
      "select state from sync_events where integration_id = $1 and sync_type = 'full'",
      [connected.integrationId],
    )
    if (run?.state !== 'running') throw new Error(`the load is ${run?.state} before the measuring was over`)
    const { results } = await hubspot.control<{ results: Entry[] }>(
      'GET',
      `/requests?portal_id=${hubId}&limit=200000`,
    )
    // Searches and associations have limits of their own.
    const calls = results.filter(
      ({ path }) =>
        path.startsWith('/crm/') && !path.endsWith('/search') && !path.startsWith('/crm/associations/'),
    )
    const from = (calls[0]?.time ?? 0) + settleMs
    const within = calls.filter(({ time }) => time >= from && time < from + seconds * 1_000)
    const granted = within.filter(({ status }) => status < 400).length
    const refused = results.filter(({ status }) => status === 429).length
    const hubspots = (seconds * 1_000 * allowed.calls) / allowed.ms
    const ours = (seconds * 1_000 * allowed.calls) / (allowed.ms + reserveMs)
    const share = granted / ours
    return {
      number: 2,
      name: "use of the background's budget",
      aim: "at least 97 % of the background's budget over two minutes, and no 429",
      met: share >= 0.97 && refused === 0,
      figures: {
        share_of_the_background_budget: round(share, 4),
        share_of_hubspots_limit: round(granted / hubspots, 4),
        self_made_429: refused,
        calls_granted: granted,
        budget_in_that_time: Math.floor(ours),
        hubspots_limit_in_that_time: Math.floor(hubspots),
        most_calls_in_ten_seconds: mostWithin(
          calls.map(({ time }) => time),
          allowed.ms,
        ),
        measured_seconds: seconds,
        calls_since_connecting: results.length,
      },
      notes: [`measured from ${settleMs / 1_000} s after the first call on`],
    }
  } finally {
    await service.stop()
    await harness.dropDatabase(databaseUrl)
    await hubspot.stop()
  }
}

/** The fullest window of that length. */
function mostWithin(times: number[], ms: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  let [most, first] = [0, 0]
  for (const [last, time] of sorted.entries()) {
    while (time - (sorted[first] as number) >= ms) first += 1
    most = Math.max(most, last - first + 1)
  }
  return most
}
