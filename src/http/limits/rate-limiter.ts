/** Counts requests per minute by name, in the memory of this process. */
import type { Clock } from '../../lib/clock.ts'

export interface RateDecision {
  allowed: boolean
  /** What is left in this minute. */
  remaining: number
  /** Time until the minute ends, ms. */
  resetMs: number
  /** The first refusal of this name in this minute. */
  isFirstRefusal: boolean
}

/** Spends one request of the name's limit. */
export type RateLimiter = (name: string) => RateDecision

/** About 2 MB. Beyond that the least recently used name is evicted, and starts from zero again. */
const maxNames = 20_000
const minuteMs = 60_000

/** @param limit requests per minute of each name; the minute is the same for all names */
export function createRateLimiter(limit: number, clock: Clock): RateLimiter {
  const counts = new Map<string, number>()
  let endsAt = clock.monotonic() + minuteMs

  return (name) => {
    const now = clock.monotonic()
    if (now >= endsAt) {
      counts.clear()
      endsAt = now + minuteMs
    }
    const count = (counts.get(name) ?? 0) + 1
    // Reinserting moves the name to the end, so the map is in order of last use.
    if (!counts.delete(name) && counts.size >= maxNames) counts.delete(counts.keys().next().value as string)
    counts.set(name, count)
    return {
      allowed: count <= limit,
      remaining: Math.max(0, limit - count),
      resetMs: endsAt - now,
      isFirstRefusal: count === limit + 1,
    }
  }
}
