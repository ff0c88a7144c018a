/**
 * Computes how long to wait before the next attempt. Pure, so that timing can be tested separately.
 */

export interface Backoff {
  /** Upper bound of the first wait, ms. */
  base: number
  /** Upper bound of any wait, ms. */
  cap: number
}

/**
 * Full jitter: a uniform draw from [0, min(cap, base * 2^attempt)], so that callers that failed
 * together do not retry together.
 *
 * @param attempt 0 for the wait after the first failure
 * @param random a number in [0, 1)
 */
export function fullJitter({ base, cap }: Backoff, attempt: number, random: number): number {
  return Math.round(random * Math.min(cap, base * 2 ** Math.min(attempt, 30)))
}
