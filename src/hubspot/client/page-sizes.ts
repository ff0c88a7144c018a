/**
 * How many records one call may ask for, where more have taken longer than the deadline: learnt by account and kind of call. In
 * the memory of each process: one that starts anew, or another one, learns it by one call that is too slow.
 */
import type { Clock } from '../../lib/clock.ts'

export interface PageSizes {
  /** @returns how many of `wanted` records to ask for, 1 at least */
  fit(portalId: number, endpoint: string, wanted: number): number
  /** A call that asked for so many was not answered in time. */
  tooSlow(portalId: number, endpoint: string, records: number): void
  /** A call that asked for so many was answered. @param share of the deadline that it took, 0 to 1 */
  answered(portalId: number, endpoint: string, records: number, share: number): void
}

/** After this long twice as many are tried again, also where so many were too slow before; ms. */
const tryMoreAfterMs = 600_000
/** An answer that took a smaller share of the deadline leaves room for twice as many, if so many were not too slow. */
const quickShare = 0.25
/** No call asks for more records. */
const mostRecords = 1_000
const mostKept = 10_000

interface Known {
  /** How many to ask for. */
  records: number
  /** The fewest that were too slow. */
  below: number
  /** When either changed last, ms. */
  since: number
}

export function createPageSizes(clock: Clock): PageSizes {
  const sizes = new Map<string, Known>()
  const keyOf = (portalId: number, endpoint: string) => `${portalId} ${endpoint}`

  return {
    fit: (portalId, endpoint, wanted) =>
      Math.min(wanted, sizes.get(keyOf(portalId, endpoint))?.records ?? wanted),

    tooSlow(portalId, endpoint, records) {
      const key = keyOf(portalId, endpoint)
      const known = sizes.get(key)
      // A call that began before fewer were learnt says nothing new.
      if (known && records > known.records) return
      // The one learnt first goes first.
      if (sizes.size >= mostKept) for (const oldest of [...sizes.keys()].slice(0, 100)) sizes.delete(oldest)
      sizes.delete(key)
      // Where one alone is too slow it is not their number.
      const below = records > 1 ? records : Number.POSITIVE_INFINITY
      sizes.set(key, { records: Math.max(1, records >> 1), below, since: clock.monotonic() })
    },

    answered(portalId, endpoint, records, share) {
      const key = keyOf(portalId, endpoint)
      const known = sizes.get(key)
      // One that asked for fewer anyway says nothing of more.
      if (!known || records < known.records) return
      const now = clock.monotonic()
      const more = known.records * 2
      const isLate = now - known.since >= tryMoreAfterMs
      if (!isLate && (share > quickShare || more >= known.below)) return
      if (more > mostRecords) sizes.delete(key)
      else
        sizes.set(key, {
          records: more,
          below: more < known.below ? known.below : Number.POSITIVE_INFINITY,
          since: now,
        })
    },
  }
}
