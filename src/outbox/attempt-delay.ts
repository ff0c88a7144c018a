/** When a failed webhook is sent again. Pure. */

const [seconds, minutes, hours] = [1_000, 60_000, 3_600_000]

/**
 * The wait after each failed attempt; eight attempts in about 28 hours. The same schedule as Svix.
 */
const delays = [5 * seconds, 5 * minutes, 30 * minutes, 2 * hours, 5 * hours, 10 * hours, 10 * hours]
/** In both directions, so that webhooks that failed together are not repeated together. */
const jitter = 0.2
const maxRequestedMs = 24 * hours

/**
 * @param attempts how many attempts have failed
 * @param requestedMs how long the receiver asked to wait; respected up to a day
 * @param random a number in [0, 1)
 * @returns ms until the next attempt; undefined after the last
 */
export function attemptDelay(
  attempts: number,
  requestedMs: number | undefined,
  random: number,
): number | undefined {
  const wait = delays[attempts - 1]
  if (wait === undefined) return undefined
  const own = Math.round(wait * (1 + jitter * (2 * random - 1)))
  return Math.max(own, Math.min(requestedMs ?? 0, maxRequestedMs))
}
