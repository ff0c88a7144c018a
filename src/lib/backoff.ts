/** How long to wait before the next try: pure, so that the timing can be read and tested apart from the doing. */

export interface Backoff {
  /** First wait's upper bound, ms. */
  base: number
  /** No wait is longer, ms. */
  cap: number
}

/**
 * Full jitter: a uniform draw from [0, min(cap, base * 2^attempt)], so that many callers that failed together
 * do not return together.
 *
 * @param attempt 0 for the wait after the first failure
 * @param random a number in [0, 1)
 */
export function fullJitter({ base, cap }: Backoff, attempt: number, random: number): number {
  return Math.round(random * Math.min(cap, base * 2 ** Math.min(attempt, 30)))
}
