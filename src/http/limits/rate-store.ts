/** All SQL on the minutes' budgets. A minute is the database's: processes need not agree on the time. */
import { sql } from 'kysely'
import type { SystemScope } from '../../db/scope.ts'

/** Turns wanted of one key. */
export interface Ask {
  key: string
  turns: number
}

export interface Taken {
  /** Which minute it is: its start, epoch ms of the database's clock, and how much of it is left, ms. */
  minute: number
  leftMs: number
  /** By key: what all processes together have taken, these turns included. */
  totals: ReadonlyMap<string, number>
}

const minute = sql`interval '1 minute'`

/** Books turns of the present minute, of many keys in one statement. Whether the limit had room is the caller's arithmetic. */
export async function takeTurns({ query }: SystemScope, asks: readonly Ask[]): Promise<Taken> {
  // In one order everywhere, so that two processes never wait for each other.
  const sorted = asks.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const rows = await query<{
    key: string
    taken: number
    minute: number
    left_ms: number
  }>(sql`/* prepared */
    insert into rate_windows as w (window_start, key, taken)
    select date_bin(${minute}, now(), 'epoch'), asked.key, asked.turns
    from unnest(${sorted.map(({ key }) => key)}::text[], ${sorted.map(({ turns }) => turns)}::bigint[]) as asked(key, turns)
    on conflict (window_start, key) do update set taken = w.taken + excluded.taken
    returning key, taken, (extract(epoch from window_start) * 1000)::float8 as minute,
      (extract(epoch from window_start + ${minute} - clock_timestamp()) * 1000)::float8 as left_ms`)
  const [first] = rows
  if (!first) throw new TypeError('nothing was asked for')
  return {
    minute: first.minute,
    leftMs: Math.max(0, first.left_ms),
    totals: new Map(rows.map(({ key, taken }) => [key, taken])),
  }
}

/** Deletes some of what is over. @returns how many rows went */
export async function forgetMinutes({ query }: SystemScope, most: number): Promise<number> {
  const rows = await query(sql`
    delete from rate_windows where (window_start, key) in (
      select window_start, key from rate_windows where window_start < now() - interval '2 minutes'
      order by window_start, key limit ${most})
    returning 1 as gone`)
  return rows.length
}
