/**
 * The calls one portal may still take, shared by all processes through the database. A caller reserves its turn
 * and waits for it; nobody fails because others are busy, except a caller that cannot wait that long.
 */
import { sql } from 'kysely'
import type { Clock } from '../lib/clock.ts'
import type { Query } from '../lib/db.ts'
import type { Metrics } from '../lib/metrics.ts'
import { HubSpotError } from './errors.ts'

export type Bucket = 'calls' | 'search'

/** Whose budget a call spends: HubSpot counts per app and account. */
export interface BudgetKey {
  app: string
  portalId: number
}

/**
 * A steady rate with a burst, chosen so that no ten seconds hold more than HubSpot's limit: burst + 10 * rate is at
 * most 100 (the smallest plan's window, and below OAuth's 110), and for search 1 + 4 a second under its 5.
 */
const rates: Record<Bucket, { everyMs: number; burstMs: number }> = {
  calls: { everyMs: 125, burstMs: 125 * 18 },
  search: { everyMs: 250, burstMs: 0 },
}

export interface Budget {
  /**
   * Waits for a turn.
   * @throws HubSpotError rate_limited when the turn is later than `patienceMs` away; nothing is reserved then
   */
  take(key: BudgetKey, bucket: Bucket, patienceMs: number, signal: AbortSignal): Promise<void>
  /** HubSpot said stop: nobody's turn comes before `ms` from now. */
  pause(key: BudgetKey, bucket: Bucket, ms: number): Promise<void>
}

/** Runs statements on the budget table as one short transaction. */
export type BudgetRows = <T>(work: (query: Query) => Promise<T>) => Promise<T>

/** The generic cell rate algorithm in one statement: `next_at` is when the next call would be due at a steady pace. */
export function createBudget(rows: BudgetRows, clock: Clock, metrics: Metrics): Budget {
  return {
    async take(key, bucket, patienceMs, signal) {
      const { everyMs, burstMs } = rates[bucket]
      const due = sql`greatest(b.next_at, clock_timestamp())`
      const turn = await rows(async (query) => {
        const [reserved] = await query(sql<{ wait_ms: number }>`
          insert into budgets as b (app, portal_id, bucket, next_at)
          values (${key.app}, ${key.portalId}, ${bucket}, clock_timestamp() + ${everyMs}::float8 * interval '1 ms')
          on conflict (app, portal_id, bucket) do update
            set next_at = ${due} + ${everyMs}::float8 * interval '1 ms'
            where ${due} <= clock_timestamp() + ${burstMs + patienceMs}::float8 * interval '1 ms'
          returning (extract(epoch from b.next_at - clock_timestamp()) * 1000)::float8 - ${everyMs + burstMs}::float8
            as wait_ms`)
        if (reserved) return { ...reserved, taken: true }
        const [away] = await query(sql<{ wait_ms: number }>`
          select (extract(epoch from b.next_at - clock_timestamp()) * 1000)::float8 - ${burstMs}::float8 as wait_ms
          from budgets b
          where b.app = ${key.app} and b.portal_id = ${key.portalId} and b.bucket = ${bucket}`)
        return { wait_ms: away?.wait_ms ?? patienceMs, taken: false }
      })
      if (!turn.taken) {
        const retryAfterMs = Math.max(1_000, Math.ceil(turn.wait_ms))
        throw new HubSpotError('rate_limited', bucket, { policy: 'unknown', retryAfterMs })
      }
      const wait = Math.max(0, Math.ceil(turn.wait_ms))
      metrics.hubspotWait.observe({ bucket }, wait / 1_000)
      if (wait > 0) await clock.sleep(wait, signal)
    },

    async pause(key, bucket, ms) {
      const until = rates[bucket].burstMs + ms
      await rows((query) =>
        query(sql`
          insert into budgets as b (app, portal_id, bucket, next_at)
          values (${key.app}, ${key.portalId}, ${bucket}, clock_timestamp() + ${until}::float8 * interval '1 ms')
          on conflict (app, portal_id, bucket) do update set next_at = greatest(b.next_at, excluded.next_at)`),
      )
    },
  }
}
