/** When a webhook that did not arrive is tried again. Pure. */

const [seconds, minutes, hours] = [1_000, 60_000, 3_600_000]

/** After each try that failed; eight tries in about a day and a half. As Svix does it. */
const waits = [5 * seconds, 5 * minutes, 30 * minutes, 2 * hours, 5 * hours, 10 * hours, 10 * hours]
/** Either way, or all that failed together would come back together. */
const jitter = 0.2
const mostAsked = 24 * hours

/**
 * @param tries so many have failed
 * @param askedMs the receiver asked to wait so long; it is given at least that, up to a day
 * @param random a number in [0, 1)
 * @returns ms until the next; undefined after the last
 */
export function waitAfter(tries: number, askedMs: number | undefined, random: number): number | undefined {
  const wait = waits[tries - 1]
  if (wait === undefined) return undefined
  const own = Math.round(wait * (1 + jitter * (2 * random - 1)))
  return Math.max(own, Math.min(askedMs ?? 0, mostAsked))
}
