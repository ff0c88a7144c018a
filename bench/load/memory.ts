/** 4. Whether memory grows with what is loaded: resident size of the service, each second of a first load of a million. */
import { type Harness, newAccount, noLimits, pause, startHubSpot } from './harness.ts'
import { residentMiB } from './processes.ts'
import { ascending, type BenchResult, quantile, round } from './result.ts'
import { startService } from './service.ts'

const most = 250
/** A last quarter that lies no more than this part above the first is flat. */
const tolerance = 0.1
const warmUpMs = 30_000
/** Stops by itself then, with what it has. */
const longestMs = 25 * 60_000

interface Sample {
  /** Since the connect. */
  ms: number
  mib: number
}

export async function memory(harness: Harness): Promise<BenchResult> {
  const tickets = Math.max(10_000, Math.round(1_000_000 * harness.scale))
  const hubspot = await startHubSpot()
  const databaseUrl = await harness.createDatabase()
  const service = await startService(hubspot, databaseUrl)
  try {
    await hubspot.control('POST', '/limits', noLimits)
    const { token } = await newAccount(hubspot, { tickets })
    const atRest = residentMiB(service.pid)
    const { integrationId } = await service.connect(token)
    harness.say(`4. memory: a first load of ${tickets} tickets`)
    const began = performance.now()
    const samples: Sample[] = []
    let run: { state: string; done: number } | undefined
    while (performance.now() - began < longestMs) {
      await pause(1_000)
      samples.push({ ms: performance.now() - began, mib: residentMiB(service.pid) })
      ;[run] = await service.rows<{ state: string; done: number }>(
        `select state, done::float8 as done from sync_events where integration_id = $1 and sync_type = 'full'`,
        [integrationId],
      )
      if (samples.length % 30 === 0)
        harness.say(
          `   ${samples.length} s: ${run?.done} tickets, ${Math.round(samples.at(-1)?.mib ?? 0)} MiB`,
        )
      if (run && !['queued', 'running', 'waiting'].includes(run.state)) break
    }
    const complete = run?.state === 'succeeded' && run.done === tickets
    const lasted = samples.at(-1)?.ms ?? 0
    const warm = samples.filter(({ ms }) => ms > Math.min(warmUpMs, lasted / 5))
    const part = (from: number, to: number) =>
      ascending(warm.slice(Math.floor(from * warm.length), Math.ceil(to * warm.length)).map(({ mib }) => mib))
    const [all, first, last] = [part(0, 1), part(0, 0.25), part(0.75, 1)]
    const growth = quantile(last, 0.5) / quantile(first, 0.5) - 1
    const highest = Math.max(...samples.map(({ mib }) => mib))
    return {
      number: 4,
      name: 'memory of a first load',
      aim: `resident size flat (last quarter at most ${tolerance * 100} % above the first) and under ${most} MiB`,
      met: complete && highest < most && growth <= tolerance,
      figures: {
        tickets_loaded: run?.done ?? 0,
        tickets_asked: tickets,
        ended_as: run?.state ?? 'nothing',
        seconds: round(lasted / 1_000, 0),
        at_rest_mib: round(atRest, 1),
        min_mib: round(all[0] ?? Number.NaN, 1),
        median_mib: round(quantile(all, 0.5), 1),
        max_mib: round(highest, 1),
        first_quarter_median_mib: round(quantile(first, 0.5), 1),
        last_quarter_median_mib: round(quantile(last, 0.5), 1),
        growth_from_first_to_last_quarter: round(growth, 3),
        every_tenth_mib: Array.from({ length: 10 }, (_, i) =>
          round(quantile(part(i / 10, (i + 1) / 10), 0.5), 1),
        ).join(' '),
      },
      notes: [
        'min, median and the quarters are those after the warm-up, max is of the whole run',
        ...(complete ? [] : ['it was stopped before its end, and shows what it has']),
      ],
    }
  } finally {
    await service.stop()
    await harness.dropDatabase(databaseUrl)
    await hubspot.stop()
  }
}
