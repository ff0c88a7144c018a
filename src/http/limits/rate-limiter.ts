/**
 * Rate limits per minute, shared by all processes through the database.
 *
 * A process takes a share of a budget at a time and spends it in memory, so that most requests do
 * not query the database. While the database is unavailable, each process counts alone. Over 200
 * lines because all of it works on one map and one minute.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { rateSlotsGranted, rateSlotsToTake } from './rate.ts'
import type { MinuteTotals, RateRequest } from './rate-store.ts'

export interface RateDecision {
  allowed: boolean
  /** What is left in this minute, as far as this process knows. */
  remaining: number
  /** Time until the minute ends, ms. */
  resetMs: number
  /** The first refusal of this name in this minute by this process. */
  isFirstRefusal: boolean
}

export interface RateLimiter {
  /**
   * Spends one slot of `limit` per minute.
   *
   * @param name what is limited; the database stores only a hash of it
   */
  consume(name: string, limit: number): RateDecision | Promise<RateDecision>
  /**
   * The refusal, if nothing is known to be left. Spends nothing and does not query the database.
   */
  refusal(name: string): RateDecision | undefined
  /** What is left in this minute, as far as this process knows. */
  remaining(name: string, limit: number): number
  /** How many names are in memory; bounded. */
  size(): number
  /** Resolves when no database query is running. */
  settle(): Promise<void>
}

export interface RateLimiterDependencies {
  takeSlots(requests: readonly RateRequest[]): Promise<MinuteTotals>
  /** Deletes some expired rows. @returns how many rows were deleted */
  deleteExpired(most: number): Promise<number>
  clock: Clock
  log: Log
}

/**
 * Names in memory, about 4 MB. Beyond that the least recently used name is evicted, and its next
 * request queries the database again.
 */
export const maxNames = 20_000
const maxPerQuery = 500
/** A request waits at most this long for a share. */
const queryTimeoutMs = 1_000
/** After a failure the database is not queried for this long. */
const unavailableMs = 5_000
const minuteMs = 60_000
const deleteBatchSize = 1_000

interface Entry {
  /** Slots taken from the database and not spent yet. */
  held: number
  spent: number
  /** What was left for all processes at the last query; undefined: not queried yet. */
  left: number | undefined
  /** The budget of this minute is used up. */
  over: boolean
  reported: boolean
}

interface PendingRequest {
  limit: number
  waiting: ((decision: RateDecision) => void)[]
}

export function createRateLimiter({
  takeSlots,
  deleteExpired,
  clock,
  log,
}: RateLimiterDependencies): RateLimiter {
  const entries = new Map<string, Entry>()
  const pending = new Map<string, PendingRequest>()
  const running = new Set<Promise<unknown>>()
  /**
   * Start of the current minute by the database's clock, epoch ms; undefined until the first query.
   */
  let minute: number | undefined
  let cleanedMinute: number | undefined
  let endsAt = Number.NEGATIVE_INFINITY
  let unavailableUntil = Number.NEGATIVE_INFINITY
  let querying = false

  /** All names share the database's minute, so the map is cleared when it ends. */
  function advanceMinute(): void {
    const late = clock.monotonic() - endsAt
    if (late < 0) return
    entries.clear()
    if (minute === undefined) {
      endsAt = clock.monotonic() + minuteMs
      return
    }
    const passed = Math.floor(late / minuteMs) + 1
    endsAt += passed * minuteMs
    minute += passed * minuteMs
  }

  function entryOf(name: string): Entry {
    const entry = entries.get(name) ?? { held: 0, spent: 0, left: undefined, over: false, reported: false }
    // Reinserting moves the name to the end, so the map is in order of last use.
    if (!entries.delete(name) && entries.size >= maxNames)
      entries.delete(entries.keys().next().value as string)
    entries.set(name, entry)
    return entry
  }

  function consumeHeld(entry: Entry): RateDecision {
    const resetMs = Math.max(0, endsAt - clock.monotonic())
    if (entry.held > 0) {
      entry.held -= 1
      entry.spent += 1
      return { allowed: true, remaining: entry.held + (entry.left ?? 0), resetMs, isFirstRefusal: false }
    }
    const isFirstRefusal = !entry.reported
    entry.reported = true
    return { allowed: false, remaining: 0, resetMs, isFirstRefusal }
  }

  /** This process counts alone for the rest of the minute. */
  function countLocally(entry: Entry, limit: number): void {
    Object.assign(entry, { held: Math.max(0, limit - entry.spent), left: 0, over: true })
  }

  function enqueue(name: string, limit: number): Promise<RateDecision> {
    const { promise, resolve } = Promise.withResolvers<RateDecision>()
    const request = pending.get(name) ?? { limit, waiting: [] }
    request.waiting.push(resolve)
    pending.set(name, request)
    void queryPending()
    return promise
  }

  /**
   * Runs one statement at a time for all names that arrived meanwhile, so a flood of names uses one
   * connection.
   */
  async function queryPending(): Promise<void> {
    if (querying) return
    querying = true
    while (pending.size > 0) {
      const batch = [...pending].slice(0, maxPerQuery)
      for (const [name] of batch) pending.delete(name)
      await serve(batch)
    }
    querying = false
  }

  async function serve(batch: [string, PendingRequest][]): Promise<void> {
    advanceMinute()
    const requests = batch.flatMap(([name, { limit, waiting }]) => {
      const entry = entryOf(name)
      // Requests that already wait get the slots of the last share first.
      for (const resolve of waiting.splice(0, entry.held)) resolve(consumeHeld(entry))
      if (waiting.length === 0) return []
      return [
        {
          name,
          key: keyOf(name),
          slots: rateSlotsToTake(limit, entry.left ?? limit, waiting.length),
          limit,
          waiting,
        },
      ]
    })
    if (requests.length === 0) return
    const began = clock.monotonic()
    const taken =
      clock.monotonic() < unavailableUntil ? undefined : await withTimeout(takeSlots(requests.map(toRequest)))
    if (taken) startMinute(taken, began)
    for (const { name, key, slots, limit, waiting } of requests) {
      const entry = entryOf(name)
      const total = taken?.totals.get(key)
      if (total === undefined) countLocally(entry, limit)
      else {
        const share = rateSlotsGranted(limit, slots, total)
        entry.held += share.slots
        entry.left = share.left
        entry.over = share.left === 0
      }
      for (const resolve of waiting) resolve(consumeHeld(entry))
    }
  }

  /**
   * The database's minute is authoritative, even when its clock was set back or this process had
   * already ended the minute.
   */
  function startMinute(taken: MinuteTotals, began: number): void {
    endsAt = began + taken.leftMs
    if (taken.minute !== minute) entries.clear()
    minute = taken.minute
    if (cleanedMinute === minute) return
    cleanedMinute = minute
    track(deleteExpiredRows())
  }

  async function deleteExpiredRows(): Promise<void> {
    while ((await deleteExpired(deleteBatchSize)) === deleteBatchSize);
  }

  /** @returns undefined when the query fails or takes too long */
  async function withTimeout(taking: Promise<MinuteTotals>): Promise<MinuteTotals | undefined> {
    track(taking)
    const enough = new AbortController()
    const late = clock.sleep(queryTimeoutMs, enough.signal).then(
      () => new Error('the database did not respond in time'),
      () => new Error('answered'),
    )
    const answer = await Promise.race([taking.catch((error: unknown) => error), late])
    enough.abort()
    if (!(answer instanceof Error)) return answer as MinuteTotals
    unavailableUntil = clock.monotonic() + unavailableMs
    log.warn({ err: answer }, 'the shared rate limits are unavailable, so this process counts alone')
    return undefined
  }

  function track(work: Promise<unknown>): void {
    const ended = work.then(
      () => {},
      () => {},
    )
    running.add(ended)
    void ended.then(() => running.delete(ended))
  }

  return {
    consume(name, limit) {
      advanceMinute()
      const entry = entryOf(name)
      if (entry.held > 0 || entry.over) return consumeHeld(entry)
      // Requests that already wait are in the queue.
      if (clock.monotonic() >= unavailableUntil) return enqueue(name, limit)
      countLocally(entry, limit)
      return consumeHeld(entry)
    },
    refusal(name) {
      advanceMinute()
      const entry = entries.get(name)
      return entry?.over && entry.held === 0 ? consumeHeld(entry) : undefined
    },
    remaining(name, limit) {
      advanceMinute()
      const entry = entries.get(name)
      return entry ? entry.held + (entry.left ?? limit) : limit
    },
    size: () => entries.size,
    async settle() {
      await Promise.all(running)
    },
  }
}

const toRequest = ({ key, slots }: RateRequest): RateRequest => ({ key, slots })

/** Addresses are personal data, so the database gets only a hash. */
const keyOf = (name: string) => createHash('sha256').update(name).digest('base64url').slice(0, 22)
