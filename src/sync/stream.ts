/**
 * A sync stream: one kind of object of one integration, full or incremental. Its cursor and what follows. Pure. Over 200 lines
 * because the places of a cursor and the legal ways between them are one table.
 */
import type { Orders } from './id-order.ts'

export type Mode = 'full' | 'incremental'

export type Trigger = 'api' | 'connect' | 'schedule'

export type EventState = 'queued' | 'running' | 'waiting' | 'succeeded' | 'partial' | 'failed' | 'cancelled'

export const isFinished = (state: EventState): boolean =>
  state === 'succeeded' || state === 'partial' || state === 'failed' || state === 'cancelled'

/** All objects in HubSpot's order, live or archived; `after` is HubSpot's own paging token. */
export interface ListWalk {
  at: 'list'
  archived: boolean
  after?: string
  /** The window of a search from `from` on is settled by this list; `found` counts what the search had missed. */
  settles?: { from: string; found: number }
}

/** What changed since `from`, by id: `beyond` is the last id of the page before, in HubSpot's own order. */
export interface SearchWalk {
  at: 'search'
  from: string
  beyond?: string
  /** HubSpot's own token, where a page held no id to go on from. */
  after?: string
  /** How many matched when the walk began, and how many of its rows were read. */
  matched?: number
  read: number
  /** Of those read: changed before the index was last sure to be complete. */
  settled: number
  orders: Orders
}

/** A search that came short is counted again, over what its index is sure to hold. */
export interface RecountWalk {
  at: 'recount'
  from: string
  settled: number
}

/** How many issues did the pass not meet? Counted before one of them is touched. */
export interface WeighWalk {
  at: 'weigh'
  beyond?: string
  live: number
  absent: number
  absentLive: number
}

export type Walk =
  | ListWalk
  | SearchWalk
  | RecountWalk
  | WeighWalk
  /** Each absent one is read by id; what HubSpot has no more becomes a tombstone. */
  | { at: 'sweep'; beyond?: string }
  /** Associations of all live ones: HubSpot changes them without moving a record's time. */
  | { at: 'links'; beyond?: string }
  | { at: 'end' }

/** Where a run goes on: kept with each page in one transaction. */
export interface Cursor {
  walk: Walk
  /** The run's start on HubSpot's clock; null before the first answer. */
  startedAt: string | null
  /** HubSpot's count before the first page of a full run. */
  total?: number | null
  /** To be read by id before the walk goes on: what a search alone said and could not prove. */
  confirm?: string[]
  /** Two reads of one second said otherwise, so often in a row: what is to be read by id is not read within it. */
  tooSoon?: number
  /** HubSpot's answers by id left out some that are there, so often in a row. */
  shortRounds?: number
  /** How many were left out in the end: nothing is known of them, and they stay as they are. */
  unproven?: number
  /** Changed, and their associations not read since. */
  links?: string[]
  /** Kinds of records whose associations with some tickets could not be read. */
  unread?: string[]
  /** Absent ones that were not markedDeleted, because they were too many. */
  withheld?: number
  /** The list was asked because of a count, and nothing had been missing. */
  listWasIdle?: boolean
  /** Where the walk stood some steps before, by which a circle is noticed. */
  mark?: Mark
  /** How often the run began again, because HubSpot refused its place or led it in a circle. */
  restarts?: number
}

/** Whether a stored cursor is one of ours, and not of an older version. */
export const isCursor = (stored: Cursor | null): stored is Cursor =>
  typeof (stored?.walk as { at?: unknown } | undefined)?.at === 'string'

/** HubSpot reads the associations of so many records in one call. */
export const linksAtOnce = 1_000

/**
 * The cursor of a new run. An incremental run that has no watermark yet has everything before it, so it walks the
 * list of what is live.
 */
export function firstCursor(mode: Mode, watermark: Date | null): Cursor {
  const walk: Walk =
    mode === 'incremental' && watermark
      ? searchFrom(watermark.toISOString())
      : { at: 'list', archived: false }
  return { walk, startedAt: null }
}

const searchFrom = (from: string): SearchWalk => ({
  at: 'search',
  from,
  read: 0,
  settled: 0,
  orders: { number: true, text: true },
})

/** What follows a list's page: the next page, the archived ones, then the absent ones. */
export function afterList(mode: Mode, walk: ListWalk, after: string | undefined): Walk {
  if (after !== undefined) return { ...walk, after }
  if (mode === 'incremental') return { at: 'end' }
  return walk.archived ? { at: 'weigh', live: 0, absent: 0, absentLive: 0 } : { at: 'list', archived: true }
}

/** One page of a search, as far as the walk looks at it. */
export interface SearchedPage {
  ids: readonly string[]
  after: string | undefined
  matched: number | undefined
  /** Rows within the window that was asked for, and of these the settled ones. */
  read: number
  settled: number
  /** The orders that the pages so far are in. */
  orders: Orders
  /** The last id lies beyond the one before, in one order at least. */
  advanced: boolean
}

/**
 * A page that has a next one is followed, however short it is. The search goes on beyond its last id instead of by
 * offset: rows that leave the result while we read would pull others over the border of a page, and no query gets
 * near HubSpot's 10,000. Where the ids do not grow in one order, beyond the last may lie what was passed over.
 */
export function afterSearch(walk: SearchWalk, page: SearchedPage): Walk {
  const read = walk.read + page.read
  const settled = walk.settled + page.settled
  const matched = walk.matched ?? page.matched ?? 0
  const settle = settleByList(walk.from)
  const paged = page.after !== undefined || walk.beyond !== undefined || walk.after !== undefined
  if (paged && !page.advanced) return settle
  if (page.after !== undefined) {
    const { from } = walk
    const so = { at: 'search' as const, from, matched, read, settled, orders: page.orders }
    const last = page.ids.at(-1)
    if (last !== undefined) return { ...so, beyond: last }
    return { ...so, after: page.after, ...(walk.beyond === undefined ? {} : { beyond: walk.beyond }) }
  }
  if (paged && !page.orders.number && !page.orders.text) return settle
  return read < matched ? { at: 'recount', from: walk.from, settled } : { at: 'end' }
}

/** Rows that were edited while we read have left the window; only if those are not the reason, the list must tell. */
export const afterRecount = (walk: RecountWalk, matched: number, listWasIdle: boolean): Walk =>
  matched <= walk.settled || listWasIdle ? { at: 'end' } : settleByList(walk.from)

const settleByList = (from: string): ListWalk => ({
  at: 'list',
  archived: false,
  settles: { from, found: 0 },
})

/** Fewer than this many absent ones are never too many. */
const alwaysSwept = 50

/**
 * Whether a full pass would mark deleted more than a share of what is live here: then HubSpot's list is not believed.
 *
 * @param share 0 to 1
 */
export const isTooMany = ({ live, absentLive }: WeighWalk, share: number): boolean =>
  absentLive > alwaysSwept && absentLive > live * share

export const withheldWords = (count: number): string =>
  `${count} issues were missing from HubSpot's list, too many to be believed. None was marked as deleted; if the next full sync misses them too, those that HubSpot does not know by id will be`

export const unprovenWords = (count: number): string =>
  `HubSpot left ${count} tickets out of its answers by id without saying that they are gone. They stay as they are; a later sync asks again`

export const unreadWords = (kinds: readonly string[]): string =>
  `The associations of some tickets with ${kinds.join(', ')} could not be read, and stay as they are; the next full sync reads them again`

/** Where a walk stands, without what it has counted so far. */
export function placeOf(walk: Walk): unknown {
  switch (walk.at) {
    case 'list':
      return [walk.at, walk.archived, walk.after]
    case 'search':
      return [walk.at, walk.beyond, walk.after]
    case 'weigh':
    case 'sweep':
    case 'links':
      return [walk.at, walk.beyond]
    default:
      return [walk.at]
  }
}

/** A place on the way; it is moved on after 1, 2, 4, 8 steps and so on. */
export interface Mark {
  place: string
  /** Steps until it is moved, and steps since it was. */
  reach: number
  steps: number
}

/**
 * A HubSpot that sends us back to where we were would be paged through for ever. Brent's way: whoever goes round in a
 * circle comes by a mark that he left there, and one mark is enough. It goes with the cursor, since a circle may be
 * longer than a slice of work.
 *
 * @returns the mark to go on with; undefined when `cursor` stands at the mark again
 */
export function markAt(cursor: Cursor): Mark | undefined {
  const { walk, confirm, tooSoon, shortRounds, links } = cursor
  const place = JSON.stringify([placeOf(walk), confirm?.length, tooSoon, shortRounds, links?.length])
  const { mark } = cursor
  if (!mark) return { place, reach: 1, steps: 0 }
  if (mark.place === place) return undefined
  const steps = mark.steps + 1
  return steps < mark.reach ? { ...mark, steps } : { place, reach: mark.reach * 2, steps: 0 }
}

/** What owes a read by id, or of associations, goes first. */
export const isOver = (cursor: Cursor): boolean =>
  cursor.walk.at === 'end' && !cursor.confirm?.length && !cursor.links?.length

/**
 * Where the next incremental begins after this run: its start minus the look-back, never the newest time seen,
 * because the index lags behind and what changed while the run went on must be read again.
 */
export const watermarkAfter = (startedAt: string, lookBackMs: number): Date =>
  new Date(Date.parse(startedAt) - lookBackMs)

/** A run that finds HubSpot out of reach this many times in a row, without one page between, is given up. */
export const maxFailures = 8

/** When the schedule next starts a stream: its own offset in the period, so that integrations spread over it. */
export const scheduleOffset = (integrationId: string, periodMs: number): number =>
  Number(BigInt(`0x${integrationId.replaceAll('-', '').slice(-12)}`) % BigInt(periodMs))
