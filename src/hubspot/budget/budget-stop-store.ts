/** SQL for pauses of a budget: after a 429, and the daily stop with its single prober. */
import { sql } from 'kysely'
import { fromNow, type Query } from '../../db/database.ts'
import type { RateLimitPolicy } from '../hubspot-error.ts'
import { type Bucket, type BudgetKey, minPace, ms, recoveryPerMs, row } from './budget-store.ts'

/** A 429 multiplies the pace by this factor. */
const slowdown = 0.9
/** A probe without a response after this time counts as unanswered, ms. */
const probeMs = 30_000

/**
 * The buckets that a daily stop closes: the limit counts the whole account. Always in this order,
 * so that two stops do not deadlock.
 */
const all: readonly Bucket[] = ['calls', 'search', 'associations']

/**
 * The next quarter hour in UTC that is at least fifteen minutes away, plus a few seconds. HubSpot's
 * day ends at midnight in the account's time zone. Every time zone differs from UTC by whole
 * quarter hours, so a probe finds a new day as soon as it begins, without knowing the zone.
 */
const nextQuarter = sql`to_timestamp((floor(extract(epoch from clock_timestamp()) / 900) + 2) * 900 + 5 + 20 * random())`

/**
 * Moves every slot to at least `waitMs` from now. After a limit that is not daily, also lowers the
 * pace, once per pause.
 *
 * @param asked whether HubSpot named the time itself; otherwise a daily stop lasts until a quarter
 *   hour
 * @returns ms until it opens
 */
export async function closeBudget(
  query: Query,
  key: BudgetKey,
  bucket: Bucket,
  stop: { waitMs: number; policy: RateLimitPolicy; asked: boolean },
): Promise<number> {
  const daily = stop.policy === 'daily'
  const until = daily && !stop.asked ? nextQuarter : fromNow(stop.waitMs)
  const grown = sql`least(1, b.pace + greatest(0, extract(epoch from clock_timestamp() - b.paced_at)::float8 * 1000)
    * ${recoveryPerMs}::float8)`
  // Many calls may be in flight when the first is refused; they all report the same excess.
  const again = sql`(${daily}::boolean or b.closed_until > clock_timestamp())`
  let opensIn = stop.waitMs
  for (const one of daily ? all : [bucket]) {
    const [closed] = await query(sql<{ wait_ms: number }>`
      insert into budgets as b (app, hub_id, bucket, next_slot_at, closed_until, closed_by)
      values (${key.app}, ${key.hubId}, ${one}, clock_timestamp(), ${until}, ${stop.policy})
      on conflict (app, hub_id, bucket) do update set
        closed_until = greatest(b.closed_until, excluded.closed_until),
        -- A daily stop ends for all buckets together, by a probe; no other 429 takes its place.
        closed_by = case when b.closed_by = 'daily' then 'daily' else excluded.closed_by end,
        probing_until = case when ${daily}::boolean then 'epoch' else b.probing_until end,
        pace = case when ${again} then b.pace else greatest(${minPace}::float8, ${slowdown}::float8 * ${grown}) end,
        paced_at = case when ${again} then b.paced_at else excluded.closed_until end
      returning ${ms(sql`b.closed_until - clock_timestamp()`)} as wait_ms`)
    if (one === bucket) opensIn = closed?.wait_ms ?? opensIn
  }
  return opensIn
}

/** @returns ms until it opens; 0: it is open */
export async function readBudgetClosedMs(query: Query, key: BudgetKey, bucket: Bucket): Promise<number> {
  const [found] = await query(sql<{ left_ms: number }>`
    select ${ms(sql`b.closed_until - clock_timestamp()`)} as left_ms from budgets b where ${row(key, bucket)}`)
  return Math.max(0, found?.left_ms ?? 0)
}

/**
 * @returns whether the caller is the only one, among all processes, that may probe whether a daily
 *   stop still applies
 */
export async function claimBudgetProbe(query: Query, key: BudgetKey): Promise<boolean> {
  const mark = sql`
    closed_until = ${nextQuarter}, probing_until = ${fromNow(probeMs)}`
  const won = await query(sql`
    update budgets b set ${mark}
    where ${row(key, 'calls')} and closed_by = 'daily' and closed_until <= clock_timestamp()
    returning 1`)
  if (won.length === 0) return false
  for (const bucket of all.slice(1))
    await query(sql`update budgets b set ${mark} where ${row(key, bucket)} and closed_by = 'daily'`)
  return true
}

/** Call when the probe succeeded: a new day has begun. */
export async function reopenBudget(query: Query, key: BudgetKey): Promise<void> {
  for (const bucket of all)
    await query(sql`
      update budgets b set closed_until = 'epoch', closed_by = null, probing_until = 'epoch'
      where ${row(key, bucket)} and closed_by = 'daily'`)
}
