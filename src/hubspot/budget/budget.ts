/**
 * The calls one portal may still take, shared by all processes through the database. A caller learns when its turn is
 * and waits for it; nobody fails because others are busy, except a caller that cannot wait that long.
 */
import type { Query } from '../../db/database.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { RateFacts } from '../client/rate-headers.ts'
import { HubSpotError, type RateLimitPolicy } from '../hubspot-error.ts'
import { claimProbe, close, reopen } from './budget-stop-store.ts'
import { type Ask, type Bucket, type BudgetKey, graceMs, reserve } from './budget-store.ts'
import { createDatabaseTime } from './database-time.ts'
import { createForeignTraffic, type ForeignTraffic } from './foreign-traffic.ts'
import { createLine, type Got, type Line } from './turns.ts'

export type { Bucket, BudgetKey } from './budget-store.ts'

/** interactive: somebody looks at a screen. A share is kept for those. */
export type Priority = 'interactive' | 'background'

export interface Budget {
  /**
   * Waits for a turn.
   * @throws HubSpotError rate_limited when the turn is later than `patienceMs` away; nothing is reserved then
   */
  take(
    key: BudgetKey,
    bucket: Bucket,
    how: { priority: Priority; patienceMs: number },
    signal: AbortSignal,
  ): Promise<void>
  /**
   * HubSpot answered 429: nobody's turn comes before `waitMs` from now, and a daily stop closes all buckets.
   * @param asked whether HubSpot itself named the time
   * @returns ms until the budget opens, which may be later
   */
  pause(
    key: BudgetKey,
    bucket: Bucket,
    stop: { waitMs: number; policy: RateLimitPolicy; asked: boolean },
  ): Promise<number>
  /**
   * HubSpot took a call; what the answer said of the limit. Costs a statement only after a probe of a daily stop.
   * @param at about when HubSpot counted the call, on our monotonic clock
   */
  answered(key: BudgetKey, bucket: Bucket, facts: RateFacts, at: number): Promise<void>
}

/** Runs statements on the budget table as one short transaction. */
export type BudgetRows = <T>(work: (query: Query) => Promise<T>) => Promise<T>

/** What this process knows of one row. */
interface Known {
  lines: Record<Priority, Line>
  foreign: ForeignTraffic
  /** Not yet told to the database. */
  learnt: Ask['learnt']
  usedAt: number
}

/** Of more rows than this, those that nobody used for so long are forgotten. */
const mostKnown = 1_000
const forgetAfterMs = 600_000
/** A block ahead covers no longer than this, so that another process never waits long behind it. */
const blockMs = 1_000

export function createBudget(rows: BudgetRows, clock: Clock, metrics: Metrics): Budget {
  const time = createDatabaseTime()
  const rowsKnown = new Map<string, Known>()
  /** Accounts whose daily stop this process probes just now. */
  const probing = new Set<string>()
  const account = ({ app, portalId }: BudgetKey) => `${portalId} ${app}`

  function known(key: BudgetKey, bucket: Bucket): Known {
    const name = `${account(key)} ${bucket}`
    const found = rowsKnown.get(name)
    const usedAt = clock.monotonic()
    if (found) {
      found.usedAt = usedAt
      return found
    }
    if (rowsKnown.size >= mostKnown) forgetIdle(usedAt - forgetAfterMs)
    const line = (priority: Priority) =>
      createLine({
        graceMs: graceMs[bucket],
        ahead: priority === 'background',
        now: () => clock.monotonic(),
        reserve: (turns, end) => ask(key, bucket, priority, made, turns, end),
        tooLate: (waitMs) => refusal(bucket, waitMs, 'unknown'),
        onLost: (lost) => metrics.hubspotTurns.inc({ bucket, result: 'lost' }, lost),
      })
    const made: Known = {
      lines: { interactive: line('interactive'), background: line('background') },
      foreign: createForeignTraffic(),
      learnt: {},
      usedAt,
    }
    rowsKnown.set(name, made)
    return made
  }

  function forgetIdle(before: number): void {
    for (const [name, { lines, usedAt }] of rowsKnown)
      if (usedAt < before && lines.interactive.idle() && lines.background.idle()) rowsKnown.delete(name)
  }

  async function ask(
    key: BudgetKey,
    bucket: Bucket,
    priority: Priority,
    row: Known,
    turns: number,
    end: number,
  ): Promise<Got> {
    const { foreign } = row
    const ourPart = foreign.ourPart()
    const reported = { ...row.learnt, ...(ourPart === undefined ? {} : { ourPart }) }
    // Told once: said again later, it would undo what another process has learnt since.
    row.learnt = {}
    const got = await rows(async (query) => {
      const before = clock.monotonic()
      const patienceMs = Math.max(0, end - before)
      const interactive = priority === 'interactive'
      const reserved = await reserve(query, key, bucket, { turns, interactive, patienceMs, learnt: reported })
      time.saw(reserved.now_ms, before, clock.monotonic())
      return reserved
    })
    const { first_ms, spacing_ms, now_ms } = got
    if (got.closed === 'probe_due' && (await rows((query) => claimProbe(query, key)))) {
      probing.add(account(key))
      return { turns: [{ at: clock.monotonic(), probe: true, era: 0 }], mostAhead: 1 }
    }
    if (got.turns === 0) {
      const policy = got.closed_by === 'daily' ? 'daily' : 'unknown'
      return { refuse: () => refusal(bucket, got.again_ms - now_ms, policy) }
    }
    const at = (n: number) => time.toOurs(first_ms + n * spacing_ms)
    foreign.reserved(
      { before: time.toOurs(got.next_ms), first: at(0), end: at(got.turns) },
      got.given,
      got.turns,
    )
    // Unused gaps of the interactive share lie in the past; what comes of them is as good as new.
    const earliest = priority === 'interactive' ? time.toOurs(now_ms) : Number.NEGATIVE_INFINITY
    return {
      turns: Array.from({ length: got.turns }, (_, n) => ({
        at: Math.max(at(n), earliest),
        probe: false,
        era: 0,
      })),
      mostAhead: Math.floor(blockMs / got.every_ms),
    }
  }

  return {
    async take(key, bucket, { priority, patienceMs }, signal) {
      const began = clock.monotonic()
      const line = known(key, bucket).lines[priority]
      for (;;) {
        const turn = await line.next(began + patienceMs, signal)
        const wait = Math.ceil(turn.at - clock.monotonic())
        if (wait > 0) await clock.sleep(wait, signal)
        // Too late, or a pause came between: sent now, this call would crowd the calls that come after it.
        const late = clock.monotonic() > turn.at + graceMs[bucket]
        const good = turn.probe || (turn.era === line.era() && !late)
        metrics.hubspotTurns.inc({ bucket, result: good ? 'used' : 'lost' })
        if (!good) continue
        metrics.hubspotWait.observe({ bucket }, (clock.monotonic() - began) / 1_000)
        return
      }
    },

    async pause(key, bucket, stop) {
      probing.delete(account(key))
      // Held turns lie before the end of the pause.
      const voided: readonly Bucket[] =
        stop.policy === 'daily' ? ['calls', 'search', 'associations'] : [bucket]
      for (const one of voided) for (const line of Object.values(known(key, one).lines)) line.void()
      return await rows((query) => close(query, key, bucket, stop))
    },

    async answered(key, bucket, { max, left, intervalMs, dailyLimit, dailyLeft }, at) {
      const { learnt, foreign } = known(key, bucket)
      if (max !== undefined) learnt.max = max
      if (intervalMs !== undefined) learnt.intervalMs = intervalMs
      if (dailyLimit !== undefined) learnt.dailyLimit = dailyLimit
      if (dailyLeft !== undefined) learnt.dailyLeft = dailyLeft
      if (max !== undefined && left !== undefined && intervalMs !== undefined)
        foreign.answered({ at, max, used: max - left, intervalMs })
      if (probing.delete(account(key))) await rows((query) => reopen(query, key))
    },
  }
}

function refusal(bucket: Bucket, waitMs: number, policy: RateLimitPolicy): HubSpotError {
  return new HubSpotError('rate_limited', bucket, {
    policy,
    retryAfterMs: Math.max(1_000, Math.ceil(waitMs)),
  })
}
