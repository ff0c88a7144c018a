/**
 * 5. Many tenants on one process: 2,000 integrations on the five-minute schedule with 0 to 3 changes each, first alone,
 * then while one more tenant loads 200,000 tickets as fast as it can. HubSpot's limits hold for all but that one, whom
 * they would slow down to a harmless rate.
 */
import { type Harness, newAccount, noLimits, pause, startHubSpot } from './harness.ts'
import { cpuMicros } from './processes.ts'
import { type BenchResult, type Figure, round } from './result.ts'
import { type Connected, type Service, startService } from './service.ts'
import { type Lags, lagsOf } from './slots.ts'
import { connectAll, fewTickets, keepChanging, longestSeconds, periodMs } from './tenants.ts'

/** The issue names none; a person who waits for a change would call that late. */
const latestMs = 30_000

export async function manyTenants(harness: Harness): Promise<BenchResult> {
  const count = Math.max(20, Math.round(2_000 * harness.scale))
  const large = Math.max(10_000, Math.round(200_000 * harness.scale))
  const measureMs = Math.max(60_000, Math.round(360_000 * harness.scale))
  const hubspot = await startHubSpot()
  const databaseUrl = await harness.createDatabase()
  try {
    await hubspot.control('POST', '/limits', {
      private_ten_secondly: { starter: 100, professional: 190, enterprise: noLimits.private_ten_secondly },
    })
    const tenants = await connectAll(harness, hubspot, databaseUrl, count)
    const service = await startService(hubspot, databaseUrl)
    try {
      await pause(15_000)
      const changing = keepChanging(hubspot, tenants)
      try {
        harness.say(`   measuring ${measureMs / 1_000} s of the schedule`)
        const alone = await measure(harness, service, tenants, () => pause(measureMs))
        harness.say(`   and again while one tenant loads ${large} tickets`)
        let loadSeconds = 0
        const beside = await measure(harness, service, tenants, async () => {
          const { token } = await newAccount(hubspot, { tickets: large, plan: 'enterprise' })
          const run = await service.ended(await service.connect(token), 'full', longestSeconds)
          loadSeconds = ((run.finished_at as Date).getTime() - run.requested_at.getTime()) / 1_000
        })
        const failed = await failures(service)
        const worst = Math.max(alone.lags.max_s, beside.lags.max_s) * 1_000
        return {
          number: 5,
          name: `${count} tenants on a five-minute schedule`,
          aim: `no slot missed, no run failed, and the slowest run ended within ${latestMs / 1_000} s of its slot, also beside a load of ${large} tickets (a bound of our own: none was set)`,
          met: alone.lags.missed + beside.lags.missed + failed === 0 && worst <= latestMs,
          figures: {
            alone: show(alone),
            beside_a_large_load: {
              ...show(beside),
              slowest_tenants_delay_s: beside.lags.max_s,
              large_load_tickets: large,
              large_load_seconds: round(loadSeconds, 1),
            },
            runs_that_failed: failed,
            changes_made: changing.made(),
            tickets_of_each: fewTickets,
          },
          notes: [
            'lag: from the slot of the schedule to the end of its run, by the database clock',
            'CPU as a share of one core',
          ],
        }
      } finally {
        await changing.stop()
      }
    } finally {
      await service.stop()
    }
  } finally {
    await harness.dropDatabase(databaseUrl)
    await hubspot.stop()
  }
}

interface Measured {
  seconds: number
  serviceShare: number
  postgresShare: number
  lags: Lags
}

async function measure(
  harness: Harness,
  service: Service,
  tenants: readonly Connected[],
  during: () => Promise<void>,
): Promise<Measured> {
  const now = async () => {
    const [row] = await service.rows<{ at: Date }>('select clock_timestamp() as at')
    return (row as { at: Date }).at
  }
  const [from, began] = [await now(), performance.now()]
  const before = [cpuMicros(service.pid), cpuMicros(harness.postgresPid)] as const
  await during()
  const elapsed = (performance.now() - began) * 1_000
  const serviceShare = (cpuMicros(service.pid) - before[0]) / elapsed
  const postgresShare = (cpuMicros(harness.postgresPid) - before[1]) / elapsed
  const to = await now()
  // What was due at the very end may still end well.
  await pause(latestMs)
  const lags = await lagsOf(service, tenants, { from, to, periodMs })
  return { seconds: elapsed / 1e6, serviceShare, postgresShare, lags }
}

async function failures(service: Service): Promise<number> {
  const [row] = await service.rows<{ count: number }>(
    "select count(*)::int as count from sync_events where state in ('failed', 'partial')",
  )
  return row?.count ?? Number.NaN
}

function show({ seconds, serviceShare, postgresShare, lags }: Measured): Record<string, Figure> {
  return {
    seconds: round(seconds, 0),
    cpu_share_service: round(serviceShare, 3),
    cpu_share_postgres: round(postgresShare, 3),
    cpu_share_together: round(serviceShare + postgresShare, 3),
    slots: lags.slots,
    slots_missed: lags.missed,
    lag_median_s: lags.median_s,
    lag_p95_s: lags.p95_s,
    lag_p99_s: lags.p99_s,
    lag_max_s: lags.max_s,
  }
}
