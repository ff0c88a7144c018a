/** The arithmetic of a limit: which share of a minute's budget to take, and what was got. Pure. */

/** One share is so much of what is left, so that the last ones are single: whoever falls silent holds little back. */
const shareOf = 20

/**
 * @param left what was left when last heard of, at most the limit
 * @param waiting requests that wait for a turn now
 */
export const wanted = (limit: number, left: number, waiting: number): number =>
  Math.min(limit, Math.max(1, Math.floor(left / shareOf), waiting))

/**
 * @param total taken by all processes, these turns included; may exceed the limit
 * @returns the turns that the limit had room for, and what is left for everybody
 */
export const got = (limit: number, turns: number, total: number): { turns: number; left: number } => ({
  turns: Math.max(0, Math.min(turns, limit - (total - turns))),
  left: Math.max(0, limit - total),
})
