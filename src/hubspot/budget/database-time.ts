/** Times of the database's clock as times of ours. Turns are given in its time, and waited for in ours. */

/** Two crystals drift apart by less than this, ms per ms. */
const drift = 0.0002

export interface DatabaseTime {
  /** The database read `databaseMs` on its clock at some moment between our `before` and `after`. */
  saw(databaseMs: number, before: number, after: number): void
  toOurs(databaseMs: number): number
}

/**
 * Each reading bounds the difference between the clocks from both sides; all of them together bound it far closer
 * than one that met a slow answer. Taking the answer's own time instead would shift whole blocks of turns by
 * whatever a busy event loop added.
 */
export function createDatabaseTime(): DatabaseTime {
  let least = Number.NEGATIVE_INFINITY
  let most = Number.POSITIVE_INFINITY
  let at = 0
  return {
    saw(databaseMs, before, after) {
      const aged = Math.max(0, after - at) * drift
      least = Math.max(least - aged, before - databaseMs)
      most = Math.min(most + aged, after - databaseMs)
      // A clock was set: what was known before is worth nothing.
      if (least > most) [least, most] = [before - databaseMs, after - databaseMs]
      at = after
    },
    toOurs: (databaseMs) => databaseMs + (least + most) / 2,
  }
}
