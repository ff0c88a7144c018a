/**
 * How many records one call may ask for, where more have taken longer than the deadline: learnt by account and kind of call. In
 * the memory of each process: one that starts anew, or another one, learns it by one call that is too slow.
 */
import type { Clock } from '../lib/clock.ts'

export interface PageSizes {
  /** @returns how many of `wanted` records to ask for, 1 at least */
  fit(portalId: number, endpoint: string, wanted: number): number
  /** A call that asked for so many was not answered in time. */
  tooSlow(portalId: number, endpoint: string, records: number): void
  /** A call that asked for so many was answered. @param share of the deadline that it took, 0 to 1 */
  answered(portalId: number, endpoint: string, records: number, share: number): void
}

/** After this long twice as many are tried again; ms. */
const tryMoreAfterMs = 600_000
/** An answer that took a smaller share of the deadline leaves room for twice as many. */
const quickShare = 0.25
/** No call asks for more records. */
const mostRecords = 1_000
const mostKept = 10_000

export function createPageSizes(clock: Clock): PageSizes {
  const sizes = new Map<string, { records: number; since: number }>()
  const keyOf = (portalId: number, endpoint: string) => `${portalId} ${endpoint}`

  return {
    fit: (portalId, endpoint, wanted) =>
      Math.min(wanted, sizes.get(keyOf(portalId, endpoint))?.records ?? wanted),

    tooSlow(portalId, endpoint, records) {
      const key = keyOf(portalId, endpoint)
      // The one learnt first goes first.
      if (sizes.size >= mostKept) for (const oldest of [...sizes.keys()].slice(0, 100)) sizes.delete(oldest)
      sizes.delete(key)
      sizes.set(key, { records: Math.max(1, records >> 1), since: clock.monotonic() })
    },

    answered(portalId, endpoint, records, share) {
      const key = keyOf(portalId, endpoint)
      const known = sizes.get(key)
      // One that asked for fewer anyway says nothing of more.
      if (!known || records < known.records) return
      const now = clock.monotonic()
      if (share > quickShare && now - known.since < tryMoreAfterMs) return
      if (known.records * 2 > mostRecords) sizes.delete(key)
      else sizes.set(key, { records: known.records * 2, since: now })
    },
  }
}
