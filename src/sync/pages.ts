/** The pages of a run as an async iterator, from any cursor: by list for all, by search for what changed. */
import type { Access, HubSpot, Patience } from '../hubspot/client.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import {
  countObjects,
  listLimit,
  listPage,
  type ObjectPaths,
  type Page,
  searchLimit,
  searchPage,
} from '../hubspot/objects.ts'
import type { Cursor, StreamPage } from './stream.ts'

/** Runs a call with a valid token; each use is one request, so the token is confirmed at most once a page. */
export type WithAccess = <T>(work: (access: Access) => Promise<T>) => Promise<T>

export interface PageParts {
  hubspot: HubSpot
  kind: ObjectPaths
  withAccess: WithAccess
  patience: Patience
  signal: AbortSignal
}

/** Yields from `cursor` to the end. Stopping between two pages and starting again from `next` loses nothing. */
export async function* pagesFrom(parts: PageParts, cursor: Cursor): AsyncGenerator<StreamPage> {
  let at: Cursor | undefined = cursor
  const seen = new Set<string>()
  while (at) {
    const here: Cursor = at
    // A HubSpot that sends us back to where we were would be paged through for ever.
    const place = JSON.stringify([here.after, here.walk === 'search' && here.beyond])
    if (seen.has(place)) throw new HubSpotError('invalid', `${here.walk} paging`)
    seen.add(place)
    const page = await parts.withAccess((access) => fetchPage(parts, here, access))
    at = nextCursor(here, page)
    yield { records: page.records, observedAt: page.observedAt, total: page.total, next: at }
  }
}

async function fetchPage(parts: PageParts, cursor: Cursor, access: Access): Promise<Page> {
  const { hubspot, kind, patience, signal } = parts
  const options = { access, patience, signal }
  if (cursor.walk === 'list')
    return await listPage(hubspot, kind, { after: cursor.after, limit: listLimit }, options)
  const since = {
    propertyName: kind.modifiedProperty,
    operator: 'GTE' as const,
    value: String(Date.parse(cursor.from)),
  }
  const beyond =
    cursor.beyond === undefined
      ? []
      : [{ propertyName: 'hs_object_id', operator: 'GT' as const, value: cursor.beyond }]
  const at = { filters: [since, ...beyond], sortBy: 'hs_object_id', after: cursor.after, limit: searchLimit }
  return await searchPage(hubspot, kind, at, options)
}

/**
 * A page that has a next one is followed, however short it is. A search goes on beyond its last id instead of by
 * offset: rows that leave the result while we read would pull others over the border of a page, and no query gets
 * near HubSpot's 10,000.
 */
function nextCursor(cursor: Cursor, page: Page): Cursor | undefined {
  const { after } = page
  if (after === undefined) return undefined
  if (cursor.walk === 'list') return { ...cursor, after }
  const last = page.records.at(-1) as { id?: unknown } | undefined
  if (typeof last?.id !== 'string') return { ...cursor, after }
  const { after: _spent, ...rest } = cursor
  return { ...rest, beyond: last.id }
}

/**
 * HubSpot's clock before the first page, and its count where the run is to read all. Without search the count stays
 * unknown; the clock is still to be had from the list.
 */
export async function measure(
  parts: PageParts,
  count: boolean,
): Promise<{ total: number | null; startedAt: Date }> {
  const { hubspot, kind, patience, signal } = parts
  return await parts.withAccess(async (access) => {
    const options = { access, patience, signal }
    const { observedAt } = await listPage(
      hubspot,
      { ...kind, properties: [] },
      { after: undefined, limit: 1 },
      options,
    )
    if (!count) return { total: null, startedAt: observedAt }
    const quick = { ...options, patience: { tries: 2, totalMs: 5_000 } }
    const total = await countObjects(hubspot, kind, quick).catch((error: unknown) => {
      if (error instanceof HubSpotError && error.kind !== 'unauthorized') return null
      throw error
    })
    return { total, startedAt: observedAt }
  })
}
