/** The arithmetic of a rate limit: slots to take at once, and slots granted. Pure. */

/**
 * A process takes what is left divided by this. Shares shrink to single slots near the limit, so a
 * process that goes idle leaves few slots unused.
 */
const shareOf = 20

/**
 * @param left what was left at the last query, at most the limit
 * @param waiting requests that wait for a slot now
 */
export const rateSlotsToTake = (limit: number, left: number, waiting: number): number =>
  Math.min(limit, Math.max(1, Math.floor(left / shareOf), waiting))

/**
 * @param total slots taken by all processes, including these; may exceed the limit
 * @returns the slots within the limit, and what is left for all processes
 */
export const rateSlotsGranted = (
  limit: number,
  slots: number,
  total: number,
): { slots: number; left: number } => ({
  slots: Math.max(0, Math.min(slots, limit - (total - slots))),
  left: Math.max(0, limit - total),
})
