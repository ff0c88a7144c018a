/**
 * How many records one call may request, after larger calls exceeded the deadline; learnt per
 * account and kind of call. Kept in the memory of each process: a new process learns it by one call
 * that is too slow.
 */
import type { Clock } from '../../lib/clock.ts'

export interface PageSizes {
  /** @returns how many of `wanted` records to request, at least 1 */
  sizeFor(hubId: number, endpoint: string, wanted: number): number
  /** A call for this many records was not answered in time. */
  tooSlow(hubId: number, endpoint: string, records: number): void
  /**
   * A call for this many records was answered.
   *
   * @param share of the deadline that it took, 0 to 1
   */
  answered(hubId: number, endpoint: string, records: number, share: number): void
}

/** After this long twice as many are tried again, even if that was too slow before; ms. */
const retryLargerAfterMs = 600_000
/**
 * A response within this share of the deadline allows twice as many, unless that many were too
 * slow.
 */
const quickShare = 0.25
/** No call requests more records. */
const maxRecords = 1_000
const maxKnown = 10_000

interface Known {
  /** How many to request. */
  records: number
  /** The fewest that were too slow. */
  below: number
  /** When either last changed, ms. */
  since: number
}

export function createPageSizes(clock: Clock): PageSizes {
  const sizes = new Map<string, Known>()
  const keyOf = (hubId: number, endpoint: string) => `${hubId} ${endpoint}`

  return {
    sizeFor: (hubId, endpoint, wanted) =>
      Math.min(wanted, sizes.get(keyOf(hubId, endpoint))?.records ?? wanted),

    tooSlow(hubId, endpoint, records) {
      const key = keyOf(hubId, endpoint)
      const known = sizes.get(key)
      // A call that began before the number was lowered says nothing new.
      if (known && records > known.records) return
      // Evict the oldest entries first.
      if (sizes.size >= maxKnown) for (const oldest of [...sizes.keys()].slice(0, 100)) sizes.delete(oldest)
      sizes.delete(key)
      // If a single record is too slow, the number of records is not the cause.
      const below = records > 1 ? records : Number.POSITIVE_INFINITY
      sizes.set(key, { records: Math.max(1, records >> 1), below, since: clock.monotonic() })
    },

    answered(hubId, endpoint, records, share) {
      const key = keyOf(hubId, endpoint)
      const known = sizes.get(key)
      // A call that requested fewer anyway says nothing about more.
      if (!known || records < known.records) return
      const now = clock.monotonic()
      const more = known.records * 2
      const isLate = now - known.since >= retryLargerAfterMs
      if (!isLate && (share > quickShare || more >= known.below)) return
      if (more > maxRecords) sizes.delete(key)
      else
        sizes.set(key, {
          records: more,
          below: more < known.below ? known.below : Number.POSITIVE_INFINITY,
          since: now,
        })
    },
  }
}
