/**
 * Converts times of the database's clock to ours: slots are given in database time, and waited for
 * in ours.
 */

/** Two clocks drift apart by less than this, ms per ms. */
const maxDrift = 0.0002

export interface DatabaseTime {
  /**
   * The database read `databaseMs` on its clock at some moment between our `before` and `after`.
   */
  observe(databaseMs: number, before: number, after: number): void
  toOurs(databaseMs: number): number
}

/**
 * Each reading bounds the difference between the clocks from both sides. All readings together give
 * a far tighter bound than a single reading with a slow response. Using the response's own time
 * instead would shift whole blocks of slots by whatever delay a busy event loop added.
 */
export function createDatabaseTime(): DatabaseTime {
  let least = Number.NEGATIVE_INFINITY
  let most = Number.POSITIVE_INFINITY
  let at = 0
  return {
    observe(databaseMs, before, after) {
      const aged = Math.max(0, after - at) * maxDrift
      least = Math.max(least - aged, before - databaseMs)
      most = Math.min(most + aged, after - databaseMs)
      // A clock was set: earlier bounds are worthless.
      if (least > most) [least, most] = [before - databaseMs, after - databaseMs]
      at = after
    },
    toOurs: (databaseMs) => databaseMs + (least + most) / 2,
  }
}
