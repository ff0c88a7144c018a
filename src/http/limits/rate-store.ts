/** All SQL on rate limit windows. The database's clock defines a minute for all processes. */
import { sql } from 'kysely'
import type { SystemScope } from '../../db/scope.ts'

/** The slots wanted for one key. */
export interface RateRequest {
  key: string
  slots: number
}

export interface MinuteTotals {
  /**
   * Start of the current minute by the database's clock, epoch ms, and how much of it is left, ms.
   */
  minute: number
  leftMs: number
  /** By key: slots taken by all processes, including these. */
  totals: ReadonlyMap<string, number>
}

const minute = sql`interval '1 minute'`

/**
 * Takes slots of the current minute for many keys in one statement. The caller works out whether
 * the limit allows them.
 */
export async function takeRateSlots(
  { query }: SystemScope,
  requests: readonly RateRequest[],
): Promise<MinuteTotals> {
  // Sorted, so that two processes lock rows in the same order and cannot deadlock.
  const sorted = requests.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const rows = await query<{
    key: string
    taken: number
    minute: number
    left_ms: number
  }>(
    sql`
    insert into rate_windows as w (window_start, key, taken)
    select date_bin(${minute}, now(), 'epoch'), requested.key, requested.slots
    from unnest(${sorted.map(({ key }) => key)}::text[], ${sorted.map(({ slots }) => slots)}::bigint[]) as requested(key, slots)
    on conflict (window_start, key) do update set taken = w.taken + excluded.taken
    returning key, taken, (extract(epoch from window_start) * 1000)::float8 as minute,
      (extract(epoch from window_start + ${minute} - clock_timestamp()) * 1000)::float8 as left_ms`,
    { prepare: true },
  )
  const [first] = rows
  if (!first) throw new TypeError('no slots were requested')
  return {
    minute: first.minute,
    leftMs: Math.max(0, first.left_ms),
    totals: new Map(rows.map(({ key, taken }) => [key, taken])),
  }
}

/** Deletes some expired rows. @returns how many rows were deleted */
export async function deleteExpiredRateWindows({ query }: SystemScope, most: number): Promise<number> {
  const rows = await query(sql`
    delete from rate_windows where (window_start, key) in (
      select window_start, key from rate_windows where window_start < now() - interval '2 minutes'
      order by window_start, key limit ${most})
    returning 1 as gone`)
  return rows.length
}
