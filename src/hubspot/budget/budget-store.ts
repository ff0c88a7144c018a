/** SQL for the slots of a budget. Returned times are epoch ms of the database's clock. */
import { type RawBuilder, sql } from 'kysely'
import type { Query } from '../../db/database.ts'
import type { RateLimitPolicy } from '../hubspot-error.ts'

export type Bucket = 'calls' | 'search' | 'associations'

/** Whose budget a call spends: HubSpot counts per app and account. */
export interface BudgetKey {
  app: string
  hubId: number
}

/**
 * Safe values until HubSpot reports others: the smallest plan's window, and a search limit that no
 * header reports. A window stays within `max` calls as long as no call arrives later than
 * `reserveMs` after its slot. The network and a busy event loop delay calls, so slots are spaced as
 * if the window were that much longer.
 */
const defaultLimits: Record<Bucket, { max: number; intervalMs: number; reserveMs: number }> = {
  calls: { max: 100, intervalMs: 10_000, reserveMs: 170 },
  search: { max: 5, intervalMs: 1_000, reserveMs: 110 },
  associations: { max: 100, intervalMs: 10_000, reserveMs: 170 },
}

/**
 * How long after its time a slot may be used, ms; half of it is for reserving, half for sending.
 */
export const graceMs: Record<Bucket, number> = { calls: 100, search: 50, associations: 100 }

/** The share reserved for interactive calls, while there was one within `lendAfterMs`. */
const share = 0.2
const lendAfterMs = 10_000
/** A pace below 1 grows by 0.1 in 20 s. */
export const recoveryPerMs = 0.1 / 20_000
/** The lowest pace. */
export const minPace = 0.05

export interface SlotRequest {
  count: number
  interactive: boolean
  /** No slot later than this many ms from now. */
  maxWaitMs: number
  /** What responses reported since the last reservation. */
  learned: { max?: number; intervalMs?: number; dailyLimit?: number; dailyLeft?: number; ownShare?: number }
}

export interface Reserved {
  now_ms: number
  /** The first slot, and the distance between slots, ms. */
  first_ms: number
  spacing_ms: number
  slots: number
  /** Slots given before these, and when the last of them ended. */
  given: number
  next_ms: number
  /** ms per call of the whole budget at its present pace. */
  every_ms: number
  closed: 'open' | 'daily' | 'probe_due'
  /** When another request makes sense. */
  again_ms: number
  closed_by: RateLimitPolicy | null
}

export const ms = (time: RawBuilder<unknown>) => sql`(extract(epoch from ${time}) * 1000)::float8`
const column = (name: string) => ms(sql.ref(name))
const number = (value: number | undefined) => sql`${value ?? null}::float8`

export const row = ({ app, hubId }: BudgetKey, bucket: Bucket) =>
  sql`b.app = ${app} and b.hub_id = ${hubId} and b.bucket = ${bucket}`

/**
 * Reserves a block of slots in one statement. One row stores two schedules: `next_slot_at` for the
 * whole budget, in which background slots queue, and `next_reserved_slot_at` for the share reserved
 * for interactive calls, which never queue behind them. Unused slots simply pass.
 *
 * While the share is lent, background slots are spaced without gaps until `dense_until`. An
 * interactive call in that time gets a slot at once and moves the background back by one slot.
 * Otherwise it uses a gap.
 *
 * Every CTE is materialized: inlined, their expressions multiply, and planning took 12 ms for 1 ms
 * of execution.
 */
export async function reserveSlots(
  query: Query,
  key: BudgetKey,
  bucket: Bucket,
  ask: SlotRequest,
): Promise<Reserved> {
  const { max, intervalMs, reserveMs } = defaultLimits[bucket]
  const { learned, interactive } = ask
  const statement = sql<Reserved>`
    with held as materialized (
      select b.*, ${column('next_slot_at')} as next_ms, ${column('next_reserved_slot_at')} as reserved_ms,
        ${column('dense_until')} as dense_ms, ${column('closed_until')} as closed_ms,
        ${column('probing_until')} as probing_ms,
        coalesce(${number(learned.max)}, b.max_calls, ${max}::float8) as max_now,
        coalesce(${number(learned.intervalMs)}, b.interval_ms, ${intervalMs}::float8) as interval_now
      from budgets b where ${row(key, bucket)} for update
    ), timed as materialized (
      -- Read after the row is ours, so that waiting for it costs nobody a slot.
      select held.*, ${ms(sql`clock_timestamp()`)} as now_ms from held
    ), paced as materialized (
      select timed.*, now_ms - ${column('interactive_at')} > ${lendAfterMs}::float8 as lent,
        least(1, pace + greatest(0, now_ms - ${column('paced_at')}) * ${recoveryPerMs}::float8) as grown
      from timed
    ), speed as materialized (
      select paced.*, coalesce(${number(learned.ownShare)} < grown - 0.01, false) as slower,
        least(grown, greatest(coalesce(${number(learned.ownShare)}, 1), ${minPace}::float8)) as pace_now
      from paced
    ), spaced as materialized (
      select speed.*, (interval_now + ${reserveMs}::float8) / max_now / pace_now as every_ms,
        case when closed_by = 'daily' and closed_ms > now_ms then 'daily'
          when closed_by = 'daily' and probing_ms > now_ms then 'daily'
          when closed_by = 'daily' then 'probe_due' else 'open' end as closed
      from speed
    ), credited as materialized (
      -- No slot is given further ahead than two minutes: what says so comes from a clock that was set back.
      -- Gaps of the last moments that nobody used may be used up at once, as far as a window has room for it.
      select spaced.*, greatest(least(next_ms, now_ms + 120000), closed_ms, now_ms - ${graceMs[bucket] / 2}::float8) as total_ms,
        greatest(0, least(4, floor(${share}::float8 * max_now) - 1)) as credit
      from spaced
    ), reserved as materialized (
      select credited.*, greatest(reserved_ms, now_ms - credit * every_ms / ${share}::float8,
          case when lent then least(next_ms, now_ms) else reserved_ms end,
          -- A window of five has no room at all for a call more: there it waits until the gaps begin.
          case when credit > 0 then reserved_ms else dense_ms end) as reserved_from
      from credited
    ), chosen as materialized (
      select reserved.*, ${interactive}::boolean and total_ms > now_ms and greatest(reserved_from, closed_ms) < total_ms as from_reserved
      from reserved
    ), planned as materialized (
      select chosen.*, case when from_reserved then greatest(reserved_from, closed_ms) else total_ms end as first_ms,
        case when from_reserved then every_ms / ${share}::float8
          when ${interactive}::boolean or lent then every_ms
          else every_ms / (1 - ${share}::float8) end as spacing_ms
      from chosen
    ), granted as materialized (
      select planned.*, case when closed <> 'open' then 0
        else greatest(0, least(${ask.count}::float8,
          floor((now_ms + ${ask.maxWaitMs}::float8 - first_ms) / spacing_ms) + 1)) end as n
      from planned
    ), after as materialized (
      select granted.*,
        case when n = 0 then next_ms
          when from_reserved and now_ms >= dense_ms then next_ms
          when from_reserved then next_ms + n * every_ms
          else first_ms + n * spacing_ms end as next_after
      from granted
    )
    update budgets b set
      next_slot_at = to_timestamp(a.next_after / 1000),
      next_reserved_slot_at = case when not ${interactive}::boolean then b.next_reserved_slot_at
        else to_timestamp((case when a.from_reserved then a.first_ms + a.n * a.spacing_ms else a.reserved_from end) / 1000) end,
      dense_until = case when a.n > 0 and a.spacing_ms = a.every_ms
        then to_timestamp(a.next_after / 1000) else b.dense_until end,
      interactive_at = case when ${interactive}::boolean then to_timestamp(a.now_ms / 1000) else b.interactive_at end,
      slots_given = b.slots_given + a.n::bigint,
      max_calls = coalesce(${learned.max ?? null}::int, b.max_calls),
      interval_ms = coalesce(${learned.intervalMs ?? null}::int, b.interval_ms),
      daily_limit = coalesce(${learned.dailyLimit ?? null}::bigint, b.daily_limit),
      daily_left = coalesce(${learned.dailyLeft ?? null}::bigint, b.daily_left),
      pace = case when a.slower then a.pace_now else b.pace end,
      paced_at = case when a.slower then to_timestamp(a.now_ms / 1000) else b.paced_at end
    from after a
    where ${row(key, bucket)}
    returning a.now_ms, a.first_ms, a.spacing_ms, a.n as slots, a.slots_given as given, a.next_ms, a.every_ms, a.closed, a.closed_by,
      case when a.closed = 'open' then a.first_ms
        when a.probing_ms > a.now_ms then a.probing_ms else a.closed_ms end as again_ms`
  const [reserved] = await query(statement, { prepare: true })
  if (reserved) return reserved
  await query(sql`
    insert into budgets (app, hub_id, bucket, next_slot_at)
    values (${key.app}, ${key.hubId}, ${bucket}, 'epoch') on conflict do nothing`)
  const [made] = await query(statement)
  if (!made) throw new Error('a budget row vanished twice')
  return made
}
