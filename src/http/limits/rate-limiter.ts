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
import { got, wanted } from './rate.ts'
import type { MinuteTotals, RateRequest } from './rate-store.ts'

export interface RateDecision {
  ok: boolean
  /** What is left in this minute, as far as this process knows. */
  left: number
  /** Time until the minute ends, ms. */
  againMs: number
  /** The first refusal of this name in this minute by this process. */
  news: boolean
}

export interface Limiter {
  /**
   * Spends one slot of `limit` per minute.
   *
   * @param name what is limited; the database stores only a hash of it
   */
  spend(name: string, limit: number): RateDecision | Promise<RateDecision>
  /**
   * The refusal, if nothing is known to be left. Spends nothing and does not query the database.
   */
  refusal(name: string): RateDecision | undefined
  /** What is left in this minute, as far as this process knows. */
  left(name: string, limit: number): number
  /** How many names are in memory; bounded. */
  size(): number
  /** Resolves when no database query is running. */
  settle(): Promise<void>
}

export interface LimiterParts {
  take(asks: readonly RateRequest[]): Promise<MinuteTotals>
  /** Deletes some expired rows. @returns how many rows were deleted */
  forget(most: number): Promise<number>
  clock: Clock
  log: Log
}

/**
 * Names in memory, about 4 MB. Beyond that the least recently used name is evicted, and its next
 * request queries the database again.
 */
export const mostNames = 20_000
const mostAtOnce = 500
/** A request waits at most this long for a share. */
const patienceMs = 1_000
/** After a failure the database is not queried for this long. */
const awayMs = 5_000
const minuteMs = 60_000
const forgetAtOnce = 1_000

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

interface Asked {
  limit: number
  waiting: ((verdict: RateDecision) => void)[]
}

export function createLimiter({ take, forget, clock, log }: LimiterParts): Limiter {
  const entries = new Map<string, Entry>()
  const asked = new Map<string, Asked>()
  const underWay = new Set<Promise<unknown>>()
  /**
   * Start of the current minute by the database's clock, epoch ms; undefined until the first query.
   */
  let minute: number | undefined
  let tidied: number | undefined
  let endsAt = Number.NEGATIVE_INFINITY
  let awayUntil = Number.NEGATIVE_INFINITY
  let asking = false

  /** All names share the database's minute, so the map is cleared when it ends. */
  function turnMinute(): void {
    const late = clock.monotonic() - endsAt
    if (late < 0) return
    entries.clear()
    if (minute === undefined) {
      endsAt = clock.monotonic() + minuteMs
      return
    }
    const turns = Math.floor(late / minuteMs) + 1
    endsAt += turns * minuteMs
    minute += turns * minuteMs
  }

  function entryOf(name: string): Entry {
    const entry = entries.get(name) ?? { held: 0, spent: 0, left: undefined, over: false, reported: false }
    // Reinserting moves the name to the end, so the map is in order of last use.
    if (!entries.delete(name) && entries.size >= mostNames)
      entries.delete(entries.keys().next().value as string)
    entries.set(name, entry)
    return entry
  }

  function spendHeld(entry: Entry): RateDecision {
    const againMs = Math.max(0, endsAt - clock.monotonic())
    if (entry.held > 0) {
      entry.held -= 1
      entry.spent += 1
      return { ok: true, left: entry.held + (entry.left ?? 0), againMs, news: false }
    }
    const news = !entry.reported
    entry.reported = true
    return { ok: false, left: 0, againMs, news }
  }

  /** This process counts alone for the rest of the minute. */
  function goAlone(entry: Entry, limit: number): void {
    Object.assign(entry, { held: Math.max(0, limit - entry.spent), left: 0, over: true })
  }

  function ask(name: string, limit: number): Promise<RateDecision> {
    const { promise, resolve } = Promise.withResolvers<RateDecision>()
    const one = asked.get(name) ?? { limit, waiting: [] }
    one.waiting.push(resolve)
    asked.set(name, one)
    void keepAsking()
    return promise
  }

  /**
   * Runs one statement at a time for all names that arrived meanwhile, so a flood of names uses one
   * connection.
   */
  async function keepAsking(): Promise<void> {
    if (asking) return
    asking = true
    while (asked.size > 0) {
      const batch = [...asked].slice(0, mostAtOnce)
      for (const [name] of batch) asked.delete(name)
      await serve(batch)
    }
    asking = false
  }

  async function serve(batch: [string, Asked][]): Promise<void> {
    turnMinute()
    const asks = batch.flatMap(([name, { limit, waiting }]) => {
      const entry = entryOf(name)
      // Requests that already wait get the slots of the last share first.
      for (const resolve of waiting.splice(0, entry.held)) resolve(spendHeld(entry))
      if (waiting.length === 0) return []
      return [
        { name, key: keyOf(name), turns: wanted(limit, entry.left ?? limit, waiting.length), limit, waiting },
      ]
    })
    if (asks.length === 0) return
    const began = clock.monotonic()
    const taken = clock.monotonic() < awayUntil ? undefined : await patiently(take(asks.map(toAsk)))
    if (taken) startMinute(taken, began)
    for (const { name, key, turns, limit, waiting } of asks) {
      const entry = entryOf(name)
      const total = taken?.totals.get(key)
      if (total === undefined) goAlone(entry, limit)
      else {
        const share = got(limit, turns, total)
        entry.held += share.turns
        entry.left = share.left
        entry.over = share.left === 0
      }
      for (const resolve of waiting) resolve(spendHeld(entry))
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
    if (tidied === minute) return
    tidied = minute
    track(tidy())
  }

  async function tidy(): Promise<void> {
    while ((await forget(forgetAtOnce)) === forgetAtOnce);
  }

  /** @returns undefined when the query fails or takes too long */
  async function patiently(taking: Promise<MinuteTotals>): Promise<MinuteTotals | undefined> {
    track(taking)
    const enough = new AbortController()
    const late = clock.sleep(patienceMs, enough.signal).then(
      () => new Error('the database did not respond in time'),
      () => new Error('answered'),
    )
    const answer = await Promise.race([taking.catch((error: unknown) => error), late])
    enough.abort()
    if (!(answer instanceof Error)) return answer as MinuteTotals
    awayUntil = clock.monotonic() + awayMs
    log.warn({ err: answer }, 'the shared rate limits are unavailable, so this process counts alone')
    return undefined
  }

  function track(work: Promise<unknown>): void {
    const ended = work.then(
      () => {},
      () => {},
    )
    underWay.add(ended)
    void ended.then(() => underWay.delete(ended))
  }

  return {
    spend(name, limit) {
      turnMinute()
      const entry = entryOf(name)
      if (entry.held > 0 || entry.over) return spendHeld(entry)
      // Requests that already wait are in the queue.
      if (clock.monotonic() >= awayUntil) return ask(name, limit)
      goAlone(entry, limit)
      return spendHeld(entry)
    },
    refusal(name) {
      turnMinute()
      const entry = entries.get(name)
      return entry?.over && entry.held === 0 ? spendHeld(entry) : undefined
    },
    left(name, limit) {
      turnMinute()
      const entry = entries.get(name)
      return entry ? entry.held + (entry.left ?? limit) : limit
    },
    size: () => entries.size,
    async settle() {
      await Promise.all(underWay)
    },
  }
}

const toAsk = ({ key, turns }: RateRequest): RateRequest => ({ key, turns })

/** Addresses are personal data, so the database gets only a hash. */
const keyOf = (name: string) => createHash('sha256').update(name).digest('base64url').slice(0, 22)
