/**
 * The rate budget of each HubSpot account, shared by all processes through the database. A caller
 * reserves a slot and waits for it. It fails only if the slot is later than it can wait, never just
 * because others are busy. Over 200 lines because slots, pauses and reported limits share one state
 * per row.
 */
import type { Query } from '../../db/database.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { RateFacts } from '../client/rate-headers.ts'
import { HubSpotError, type RateLimitPolicy } from '../hubspot-error.ts'
import { claimBudgetProbe, closeBudget, reopenBudget } from './budget-stop-store.ts'
import { type Bucket, type BudgetKey, graceMs, reserveSlots, type SlotRequest } from './budget-store.ts'
import { createDatabaseTime } from './database-time.ts'
import { createForeignTraffic, type ForeignTraffic } from './foreign-traffic.ts'
import { createSlotQueue, type SlotQueue, type SlotReservation } from './slot-queue.ts'

export type { Bucket, BudgetKey } from './budget-store.ts'

/** interactive: a user is waiting; a share is reserved for these calls. */
export type Priority = 'interactive' | 'background'

export interface Budget {
  /**
   * Waits for a slot.
   * @throws HubSpotError rate_limited when the slot is more than `maxWaitMs` away; nothing is
   *   reserved then
   */
  take(
    key: BudgetKey,
    bucket: Bucket,
    options: { priority: Priority; maxWaitMs: number },
    signal: AbortSignal,
  ): Promise<void>
  /**
   * HubSpot answered 429: moves every slot to at least `waitMs` from now. A daily stop closes all
   * buckets.
   * @param asked whether HubSpot itself named the time
   * @returns ms until the budget opens, which may be later
   */
  pause(
    key: BudgetKey,
    bucket: Bucket,
    stop: { waitMs: number; policy: RateLimitPolicy; asked: boolean },
  ): Promise<number>
  /**
   * HubSpot accepted a call and its response reported these limits. Runs a statement only after a
   * probe of a daily stop.
   * @param at about when HubSpot counted the call, on our monotonic clock
   */
  answered(key: BudgetKey, bucket: Bucket, facts: RateFacts, at: number): Promise<void>
}

/** Runs statements on the budget table as one short transaction. */
export type BudgetTransaction = <T>(work: (query: Query) => Promise<T>) => Promise<T>

/** What this process knows of one row. */
interface KnownBudget {
  queues: Record<Priority, SlotQueue>
  foreign: ForeignTraffic
  /** Not yet written to the database. */
  learned: SlotRequest['learned']
  usedAt: number
}

/** Beyond this many rows, those unused for this long are dropped from memory. */
const maxKnown = 1_000
const dropAfterMs = 600_000
/**
 * The longest time that a reserved block covers, so that other processes never wait long behind it.
 */
const blockMs = 1_000

export function createBudget(runTransaction: BudgetTransaction, clock: Clock, metrics: Metrics): Budget {
  const time = createDatabaseTime()
  const knownBudgets = new Map<string, KnownBudget>()
  /** Accounts whose daily stop this process is probing. */
  const probing = new Set<string>()
  const account = ({ app, hubId }: BudgetKey) => `${hubId} ${app}`

  function knownBudget(key: BudgetKey, bucket: Bucket): KnownBudget {
    const name = `${account(key)} ${bucket}`
    const found = knownBudgets.get(name)
    const usedAt = clock.monotonic()
    if (found) {
      found.usedAt = usedAt
      return found
    }
    if (knownBudgets.size >= maxKnown) dropIdle(usedAt - dropAfterMs)
    const queue = (priority: Priority) =>
      createSlotQueue({
        graceMs: graceMs[bucket],
        ahead: priority === 'background',
        now: () => clock.monotonic(),
        reserve: (count, end) => reserveBlock(key, bucket, priority, made, count, end),
        tooLate: (waitMs) => refusal(bucket, waitMs, 'unknown'),
        onLost: (lost) => metrics.hubspotSlots.inc({ bucket, result: 'lost' }, lost),
      })
    const made: KnownBudget = {
      queues: { interactive: queue('interactive'), background: queue('background') },
      foreign: createForeignTraffic(),
      learned: {},
      usedAt,
    }
    knownBudgets.set(name, made)
    return made
  }

  function dropIdle(before: number): void {
    for (const [name, { queues, usedAt }] of knownBudgets)
      if (usedAt < before && queues.interactive.idle() && queues.background.idle()) knownBudgets.delete(name)
  }

  async function reserveBlock(
    key: BudgetKey,
    bucket: Bucket,
    priority: Priority,
    row: KnownBudget,
    count: number,
    end: number,
  ): Promise<SlotReservation> {
    const { foreign } = row
    const ownShare = foreign.ownShare()
    const reported = { ...row.learned, ...(ownShare === undefined ? {} : { ownShare }) }
    // Reported once: repeating it later would overwrite what other processes have learnt since.
    row.learned = {}
    const got = await runTransaction(async (query) => {
      const before = clock.monotonic()
      const maxWaitMs = Math.max(0, end - before)
      const interactive = priority === 'interactive'
      const reserved = await reserveSlots(query, key, bucket, {
        count,
        interactive,
        maxWaitMs,
        learned: reported,
      })
      time.observe(reserved.now_ms, before, clock.monotonic())
      return reserved
    })
    const { first_ms, spacing_ms, now_ms } = got
    if (got.closed === 'probe_due' && (await runTransaction((query) => claimBudgetProbe(query, key)))) {
      probing.add(account(key))
      return { slots: [{ at: clock.monotonic(), probe: true, generation: 0 }], maxAhead: 1 }
    }
    if (got.slots === 0) {
      const policy = got.closed_by === 'daily' ? 'daily' : 'unknown'
      return { refuse: () => refusal(bucket, got.again_ms - now_ms, policy) }
    }
    const at = (n: number) => time.toOurs(first_ms + n * spacing_ms)
    foreign.reserved(
      { before: time.toOurs(got.next_ms), first: at(0), end: at(got.slots) },
      got.given,
      got.slots,
    )
    // Unused gaps of the interactive share lie in the past; such a slot counts from now.
    const earliest = priority === 'interactive' ? time.toOurs(now_ms) : Number.NEGATIVE_INFINITY
    return {
      slots: Array.from({ length: got.slots }, (_, n) => ({
        at: Math.max(at(n), earliest),
        probe: false,
        generation: 0,
      })),
      maxAhead: Math.floor(blockMs / got.every_ms),
    }
  }

  return {
    async take(key, bucket, { priority, maxWaitMs }, signal) {
      const began = clock.monotonic()
      const queue = knownBudget(key, bucket).queues[priority]
      for (;;) {
        const slot = await queue.next(began + maxWaitMs, signal)
        const wait = Math.ceil(slot.at - clock.monotonic())
        if (wait > 0) await clock.sleep(wait, signal)
        // Too late, or a pause began meanwhile: sent now, this call would crowd the following
        // calls.
        const late = clock.monotonic() > slot.at + graceMs[bucket]
        const usable = slot.probe || (slot.generation === queue.generation() && !late)
        metrics.hubspotSlots.inc({ bucket, result: usable ? 'used' : 'lost' })
        if (!usable) continue
        metrics.hubspotWait.observe({ bucket }, (clock.monotonic() - began) / 1_000)
        return
      }
    },

    async pause(key, bucket, stop) {
      probing.delete(account(key))
      // Slots already reserved lie before the end of the pause.
      const voided: readonly Bucket[] =
        stop.policy === 'daily' ? ['calls', 'search', 'associations'] : [bucket]
      for (const one of voided) for (const line of Object.values(knownBudget(key, one).queues)) line.void()
      return await runTransaction((query) => closeBudget(query, key, bucket, stop))
    },

    async answered(key, bucket, { max, left, intervalMs, dailyLimit, dailyLeft }, at) {
      const { learned, foreign } = knownBudget(key, bucket)
      if (max !== undefined) learned.max = max
      if (intervalMs !== undefined) learned.intervalMs = intervalMs
      if (dailyLimit !== undefined) learned.dailyLimit = dailyLimit
      if (dailyLeft !== undefined) learned.dailyLeft = dailyLeft
      if (max !== undefined && left !== undefined && intervalMs !== undefined)
        foreign.answered({ at, max, used: max - left, intervalMs })
      if (probing.delete(account(key))) await runTransaction((query) => reopenBudget(query, key))
    },
  }
}

function refusal(bucket: Bucket, waitMs: number, policy: RateLimitPolicy): HubSpotError {
  return new HubSpotError('rate_limited', bucket, {
    policy,
    retryAfterMs: Math.max(1_000, Math.ceil(waitMs)),
  })
}
