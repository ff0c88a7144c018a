/**
 * A sync stream (one kind of object of one integration, full or incremental): its cursor and what
 * follows. Pure. Over 200 lines because the positions of a cursor and the legal transitions between
 * them are one table.
 */
import type { Orders } from './id-order.ts'

export type SyncType = 'full' | 'incremental'

/** What identifies a stream of a tenant. */
export interface StreamKey {
  integrationId: string
  kind: string
  syncType: SyncType
}

export type SyncTrigger = 'api' | 'connect' | 'schedule'

export type EventState = 'queued' | 'running' | 'waiting' | 'succeeded' | 'partial' | 'failed' | 'cancelled'

export const isFinished = (state: EventState): boolean =>
  state === 'succeeded' || state === 'partial' || state === 'failed' || state === 'cancelled'

/** All objects in HubSpot's order, live or archived; `after` is HubSpot's own paging token. */
export interface ListWalk {
  at: 'list'
  archived: boolean
  after?: string
  /**
   * This list settles the window of a search from `from` on; `found` counts what the search had
   * missed.
   */
  settles?: { from: string; found: number }
}

/**
 * Changes since `from`, by id; `beyond` is the last id of the previous page, in HubSpot's own
 * order.
 */
export interface SearchWalk {
  at: 'search'
  from: string
  beyond?: string
  /** HubSpot's own token, if a page had no id to continue from. */
  after?: string
  /** How many records matched when the walk began, and how many of its rows were read. */
  matched?: number
  read: number
  /** Of the rows read: changed before the time up to which the index is known to be complete. */
  settled: number
  orders: Orders
}

/**
 * Counts an incomplete search again, over the period for which its index is known to be complete.
 */
export interface RecountWalk {
  at: 'recount'
  from: string
  settled: number
}

/** Counts the issues that the pass did not find, before any of them is changed. */
export interface CountAbsentWalk {
  at: 'count_absent'
  beyond?: string
  live: number
  absent: number
  absentLive: number
}

export type Walk =
  | ListWalk
  | SearchWalk
  | RecountWalk
  | CountAbsentWalk
  /** Reads each absent record by id; what HubSpot no longer has becomes a tombstone. */
  | { at: 'read_absent'; beyond?: string }
  /**
   * Reads the associations of all live records: HubSpot changes them without updating a record's
   * time.
   */
  | { at: 'associations'; beyond?: string }
  | { at: 'end' }

/** Where a run resumes; saved with each page in one transaction. */
export interface Cursor {
  walk: Walk
  /** The run's start on HubSpot's clock; null before the first response. */
  startedAt: string | null
  /** HubSpot's count before the first page of a full run. */
  total?: number | null
  /** Ids to read before the walk continues: what a search alone reported and could not prove. */
  confirm?: string[]
  /**
   * Consecutive rounds in which two reads of one second disagreed. The ids are then read after that
   * second.
   */
  tooSoon?: number
  /** Consecutive rounds in which HubSpot's responses by id left out some records that exist. */
  shortRounds?: number
  /**
   * How many records were left out in the end: nothing is known about them, and they stay
   * unchanged.
   */
  unproven?: number
  /** Changed records whose associations have not been read since. */
  links?: string[]
  /** Kinds of records whose associations with some tickets could not be read. */
  unread?: string[]
  /** How many absent records were not marked deleted, because there were too many. */
  deletionsHeldBack?: number
  /** A list was read because of a count, and nothing was missing. */
  listWasIdle?: boolean
  /** The walk's position some steps ago, used to detect a circle. */
  mark?: Mark
  /** How often the run restarted, because HubSpot refused its position or led it in a circle. */
  restarts?: number
}

/** Whether what is stored is a cursor that a run can continue from. */
export const isCursor = (stored: Cursor | null): stored is Cursor =>
  typeof (stored?.walk as { at?: unknown } | undefined)?.at === 'string'

/** HubSpot reads the associations of this many records in one call. */
export const associationBatchSize = 1_000

/**
 * The cursor of a new run. An incremental run without a watermark has everything still to read, so
 * it walks the list of live records.
 */
export function firstCursor(syncType: SyncType, watermark: Date | null): Cursor {
  const walk: Walk =
    syncType === 'incremental' && watermark
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

/** What follows a page of a list: the next page, the archived records, then the absent ones. */
export function afterList(syncType: SyncType, walk: ListWalk, after: string | undefined): Walk {
  if (after !== undefined) return { ...walk, after }
  if (syncType === 'incremental') return { at: 'end' }
  return walk.archived
    ? { at: 'count_absent', live: 0, absent: 0, absentLive: 0 }
    : { at: 'list', archived: true }
}

/** The part of a search page that the walk needs. */
export interface SearchedPage {
  ids: readonly string[]
  after: string | undefined
  matched: number | undefined
  /** Rows within the requested window, and how many of these are settled. */
  read: number
  settled: number
  /** The orders that all pages so far follow. */
  orders: Orders
  /** The last id comes after the previous one, in at least one order. */
  advanced: boolean
}

/**
 * A page that has a next one is followed, however short it is. The search continues after its last
 * id instead of by offset: rows that leave the result during the walk would shift others across a
 * page boundary, and no query gets near HubSpot's limit of 10,000. If the ids do not grow in one
 * order, continuing after the last one may skip records, so the list settles the window.
 */
export function afterSearch(walk: SearchWalk, page: SearchedPage): Walk {
  const read = walk.read + page.read
  const settled = walk.settled + page.settled
  const matched = walk.matched ?? page.matched ?? 0
  const settle = rereadByList(walk.from)
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

/**
 * Rows that were edited during the walk have left the window. The list is read only if they do not
 * explain the difference.
 */
export const afterRecount = (walk: RecountWalk, matched: number, listWasIdle: boolean): Walk =>
  matched <= walk.settled || listWasIdle ? { at: 'end' } : rereadByList(walk.from)

const rereadByList = (from: string): ListWalk => ({
  at: 'list',
  archived: false,
  settles: { from, found: 0 },
})

/** Up to this many absent records are never too many. */
const alwaysDeletable = 50

/**
 * Whether a full pass would mark deleted more than a share of the live records; HubSpot's list is
 * then not trusted.
 *
 * @param share 0 to 1
 */
export const tooManyAbsent = ({ live, absentLive }: CountAbsentWalk, share: number): boolean =>
  absentLive > alwaysDeletable && absentLive > live * share

export const deletionsHeldBackMessage = (count: number): string =>
  `${count} issues were missing from HubSpot's list, too many to trust the list, so none was marked as deleted. The next full sync reads those still missing by id, and marks as deleted the ones that no longer exist`

export const unprovenMessage = (count: number): string =>
  `HubSpot left ${count} tickets out of its responses to reads by id without reporting them as deleted. They stay as they are; a later sync reads them again`

export const unreadMessage = (kinds: readonly string[]): string =>
  `The associations of some tickets with ${kinds.join(', ')} could not be read, and stay as they are; the next full sync reads them again`

/** A walk's position, without its counts. */
export function positionOfWalk(walk: Walk): unknown {
  switch (walk.at) {
    case 'list':
      return [walk.at, walk.archived, walk.after]
    case 'search':
      return [walk.at, walk.beyond, walk.after]
    case 'count_absent':
    case 'read_absent':
    case 'associations':
      return [walk.at, walk.beyond]
    default:
      return [walk.at]
  }
}

/** A recorded position; it is moved after 1, 2, 4, 8 steps and so on. */
export interface Mark {
  place: string
  /** Steps until it is moved, and steps since it was. */
  reach: number
  steps: number
}

/**
 * If HubSpot sends us back to an earlier position, paging would never end. Brent's algorithm
 * detects this: a walk in a circle returns to a mark that it left, and one mark is enough. The mark
 * is part of the cursor, because a circle may be longer than a time slice.
 *
 * @returns the mark to continue with; undefined if `cursor` is at the mark again
 */
export function markAt(cursor: Cursor): Mark | undefined {
  const { walk, confirm, tooSoon, shortRounds, links } = cursor
  const place = JSON.stringify([positionOfWalk(walk), confirm?.length, tooSoon, shortRounds, links?.length])
  const { mark } = cursor
  if (!mark) return { place, reach: 1, steps: 0 }
  if (mark.place === place) return undefined
  const steps = mark.steps + 1
  return steps < mark.reach ? { ...mark, steps } : { place, reach: mark.reach * 2, steps: 0 }
}

/** Pending reads by id and of associations come first. */
export const isRunOver = (cursor: Cursor): boolean =>
  cursor.walk.at === 'end' && !cursor.confirm?.length && !cursor.links?.length

/**
 * Where the next incremental run begins after this run: its start minus the look-back. Never the
 * newest time seen, because the index lags behind and what changed during the run must be read
 * again.
 */
export const watermarkAfter = (startedAt: string, lookBackMs: number): Date =>
  new Date(Date.parse(startedAt) - lookBackMs)

/**
 * A run is given up when its consecutive failures, without a page in between, exceed this number.
 */
export const maxFailures = 8

/** How often the schedule starts each sync type, ms. */
export type SyncPeriods = Readonly<Record<SyncType, number>>

/**
 * An integration's own offset in the schedule's period, ms, so that integrations are spread over
 * it.
 */
export const scheduleOffset = (integrationId: string, periodMs: number): number =>
  Number(BigInt(`0x${integrationId.replaceAll('-', '').slice(-12)}`) % BigInt(periodMs))

/** A stream's slots in the schedule: one in each period, always at the same offset, ms. */
export interface Slots {
  periodMs: number
  offsetMs: number
}

export function slotsOf({ integrationId, syncType }: StreamKey, periods: SyncPeriods): Slots {
  const periodMs = periods[syncType]
  return { periodMs, offsetMs: scheduleOffset(integrationId, periodMs) }
}
