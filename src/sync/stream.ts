/** A sync stream: one kind of object of one integration, full or incremental. Its cursor and what follows. Pure. */

export type Mode = 'full' | 'incremental'

export type Trigger = 'api' | 'connect' | 'schedule'

export type EventState = 'queued' | 'running' | 'waiting' | 'succeeded' | 'partial' | 'failed' | 'cancelled'

export const isFinished = (state: EventState): boolean =>
  state === 'succeeded' || state === 'partial' || state === 'failed' || state === 'cancelled'

/** Where a run goes on: kept with each page in one transaction. `startedAt` is the run's start on HubSpot's clock. */
export type Cursor =
  /** All objects, in HubSpot's order; `after` is HubSpot's own paging token. */
  | { walk: 'list'; startedAt: string; after?: string }
  /** What changed since `from`, by id: `beyond` is the last id of the page before, in HubSpot's order. */
  | { walk: 'search'; startedAt: string; from: string; beyond?: string; after?: string }

/**
 * The cursor of a new run. An incremental run that has no watermark yet has everything before it, so it walks the
 * whole list.
 */
export function firstCursor(mode: Mode, startedAt: Date, watermark: Date | null): Cursor {
  const start = startedAt.toISOString()
  if (mode === 'full' || !watermark) return { walk: 'list', startedAt: start }
  return { walk: 'search', startedAt: start, from: watermark.toISOString() }
}

/**
 * Where the next incremental begins after this run: its start minus an overlap, never the newest time seen, because
 * the index lags behind and what changed while the run went on must be read again.
 */
export function watermarkAfter(cursor: Cursor, overlapMs: number): Date {
  return new Date(Date.parse(cursor.startedAt) - overlapMs)
}

/** One page of a run, and where to go on after it. */
export interface StreamPage {
  records: readonly unknown[]
  observedAt: Date
  /** Of a search: how many it matches. */
  total: number | undefined
  /** undefined: this was the last. */
  next: Cursor | undefined
}

/** A run that finds HubSpot out of reach this many times in a row, without one page between, is given up. */
export const maxFailures = 8

/** When the schedule next starts a stream: its own offset in the period, so that integrations spread over it. */
export const scheduleOffset = (integrationId: string, periodMs: number): number =>
  Number(BigInt(`0x${integrationId.replaceAll('-', '').slice(-12)}`) % BigInt(periodMs))
