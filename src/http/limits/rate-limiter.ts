/**
 * Budgets of a minute, shared by all processes through the database: a process takes a share at a time and spends it in
 * memory, so that most requests cost the database nothing. While the database is away each process counts for itself.
 * Over 200 lines because all of it works on one map and one minute.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { got, wanted } from './rate.ts'
import type { Ask, Taken } from './rate-store.ts'

export interface Verdict {
  ok: boolean
  /** What the minute still allows, as far as this process knows. */
  left: number
  /** Until the minute is over, ms. */
  againMs: number
  /** The first refusal of this name in this minute by this process. */
  news: boolean
}

export interface Limiter {
  /**
   * Spends one of `limit` a minute.
   *
   * @param name what is limited; the database sees a hash of it
   */
  spend(name: string, limit: number): Verdict | Promise<Verdict>
  /** The refusal, if it is known that nothing is left; spends and asks nothing. */
  refusal(name: string): Verdict | undefined
  /** What the minute still allows, as far as this process knows. */
  left(name: string, limit: number): number
  /** How many names it knows now; bounded. */
  size(): number
  /** Resolves when nothing is under way at the database. */
  settle(): Promise<void>
}

export interface LimiterParts {
  take(asks: readonly Ask[]): Promise<Taken>
  /** Deletes some of what is over. @returns how many rows went */
  forget(most: number): Promise<number>
  clock: Clock
  log: Log
}

/** Names in memory, some 4 MB; beyond them the one that was not met for longest goes, and is asked for again. */
export const mostNames = 20_000
const mostAtOnce = 500
/** Requests wait no longer than this for a share. */
const patienceMs = 1_000
/** After a failure nobody asks for so long. */
const awayMs = 5_000
const minuteMs = 60_000
const forgetAtOnce = 1_000

interface Entry {
  /** Turns taken and not spent. */
  held: number
  spent: number
  /** What was left for everybody when last heard of; undefined: not yet asked. */
  left: number | undefined
  /** Nothing more is to be had in this minute. */
  over: boolean
  reported: boolean
}

interface Asked {
  limit: number
  waiting: ((verdict: Verdict) => void)[]
}

export function createLimiter({ take, forget, clock, log }: LimiterParts): Limiter {
  const entries = new Map<string, Entry>()
  const asked = new Map<string, Asked>()
  const underWay = new Set<Promise<unknown>>()
  /** As the database counts: the start of the present minute, epoch ms. Undefined until it has said so. */
  let minute: number | undefined
  let tidied: number | undefined
  let endsAt = Number.NEGATIVE_INFINITY
  let awayUntil = Number.NEGATIVE_INFINITY
  let asking = false

  /** All names share the database's minute, so its end empties the map. */
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
    // The map keeps the order in which names were last met.
    if (!entries.delete(name) && entries.size >= mostNames)
      entries.delete(entries.keys().next().value as string)
    entries.set(name, entry)
    return entry
  }

  function spendHeld(entry: Entry): Verdict {
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

  /** For the rest of the minute this process counts alone. */
  function goAlone(entry: Entry, limit: number): void {
    Object.assign(entry, { held: Math.max(0, limit - entry.spent), left: 0, over: true })
  }

  function ask(name: string, limit: number): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    const one = asked.get(name) ?? { limit, waiting: [] }
    one.waiting.push(resolve)
    asked.set(name, one)
    void keepAsking()
    return promise
  }

  /** One statement at a time, for all who came meanwhile: a flood of names takes one connection. */
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
      // Turns of the last share go to those who wait before those who come meanwhile.
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

  /** What the database says holds, even when its clock was set back or this process thought the minute over. */
  function startMinute(taken: Taken, began: number): void {
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

  /** @returns undefined when the database cannot say, or not in time */
  async function patiently(taking: Promise<Taken>): Promise<Taken | undefined> {
    track(taking)
    const enough = new AbortController()
    const late = clock.sleep(patienceMs, enough.signal).then(
      () => new Error('no answer in time'),
      () => new Error('answered'),
    )
    const answer = await Promise.race([taking.catch((error: unknown) => error), late])
    enough.abort()
    if (!(answer instanceof Error)) return answer as Taken
    awayUntil = clock.monotonic() + awayMs
    log.warn({ err: answer }, 'limits are counted by this process alone')
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
      // Whoever waits already has a place in the queue.
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

const toAsk = ({ key, turns }: Ask): Ask => ({ key, turns })

/** Addresses are somebody's; the database need not know them. */
const keyOf = (name: string) => createHash('sha256').update(name).digest('base64url').slice(0, 22)
