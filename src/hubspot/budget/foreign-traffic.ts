/**
 * Estimates how many calls of a window were not ours. HubSpot reports how many calls are left; the
 * budget's row counts every slot given to any of our processes. Pure: takes times, returns a share.
 */

/** At this time, `given` slots had been given in all. */
interface Count {
  at: number
  given: number
}

interface Seen {
  at: number
  max: number
  used: number
  intervalMs: number
}

export interface ForeignTraffic {
  /**
   * One reservation: `given` slots before it, all past at `before`; then `count` more, evenly
   * spaced from `first` to `end`.
   */
  reserved(at: { before: number; first: number; end: number }, given: number, count: number): void
  /** One response: at `at`, `used` of `max` calls were spent in the window that ends there. */
  answered(seen: Seen): void
  /**
   * The part of the limit that is ours, 0 to 1, or undefined when nothing indicates foreign calls.
   */
  ownShare(): number | undefined
}

/** Between counts further apart than this, ms, the times of other processes' slots are unknown. */
const gapMs = 3_000
/** This many responses must agree. */
const requiredSamples = 3
/** Fewer foreign calls than this cannot be distinguished from calls in flight. */
const minForeignCalls = 3

export function createForeignTraffic(): ForeignTraffic {
  let counts: Count[] = []
  let seen: Seen[] = []

  function givenAt(at: number): number | undefined {
    const after = counts.findIndex((count) => count.at >= at)
    const [before, next] = [counts[after - 1], counts[after]]
    if (!before || !next) return undefined
    if (next.at - before.at > gapMs && next.given !== before.given) return undefined
    const part = next.at === before.at ? 1 : (at - before.at) / (next.at - before.at)
    return before.given + part * (next.given - before.given)
  }

  function push(count: Count): void {
    const last = counts.at(-1)
    // A slot of the interactive share lies before background slots already given: the next count
    // includes it.
    if (last && (count.at < last.at || count.given < last.given)) return
    counts.push(count)
  }

  return {
    reserved({ before, first, end }, given, count) {
      // Two of our reservations may return out of order. A larger difference means that the row was
      // reset.
      if (given + count < (counts.at(-1)?.given ?? 0) - 500) counts = []
      push({ at: before, given })
      push({ at: first, given })
      push({ at: end, given: given + count })
      const longest = Math.max(10_000, ...seen.map((one) => one.intervalMs))
      const old = counts.findLastIndex((count) => count.at < end - longest - 5_000)
      if (old > 0) counts = counts.slice(old)
    },
    answered(one) {
      seen.push(one)
      if (seen.length > 200) seen.shift()
    },
    ownShare() {
      const known = counts.at(-1)?.at ?? 0
      const deps: { foreign: number; max: number }[] = []
      for (const { at, max, used, intervalMs } of seen.filter((one) => one.at <= known)) {
        const [until, from] = [givenAt(at), givenAt(at - intervalMs)]
        if (until !== undefined && from !== undefined) deps.push({ foreign: used - (until - from), max })
      }
      seen = seen.filter((one) => one.at > known && one.at > known - 15_000)
      const least = deps.sort((a, b) => a.foreign / a.max - b.foreign / b.max)[0]
      if (!least || deps.length < requiredSamples) return undefined
      // Take the minimum: a response that overtook another looks like foreign traffic too.
      if (least.foreign < Math.max(minForeignCalls, 0.02 * least.max)) return undefined
      // Leave them a little more, because their calls come in bursts.
      return Math.max(0.1, 1 - (1.1 * least.foreign + 2) / least.max)
    },
  }
}
