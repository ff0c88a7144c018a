/** Reads a page of changes by search, and counts again whether the search was incomplete. */
import {
  batchLimit,
  batchRead,
  type CallOptions,
  type Filter,
  fitsSearch,
  type Page,
  type SearchAt,
  searchLimit,
  searchPage,
} from '../hubspot/objects.ts'
import { ordersAfter } from './id-order.ts'
import {
  easierOf,
  idsOf,
  modifiedOf,
  optionsOf,
  owedLinks,
  type SaveStep,
  type StepParts,
  startOf,
  unverifiedOf,
} from './step.ts'
import { afterRecount, afterSearch, type Cursor, type RecountWalk, type SearchWalk } from './stream.ts'

export async function searchStep(parts: StepParts, cursor: Cursor, walk: SearchWalk): Promise<SaveStep> {
  const { kind, integrationId, indexLagMs } = parts
  const began = parts.clock.monotonic()
  const since: Filter = {
    propertyName: kind.modifiedProperty,
    operator: 'GTE',
    value: String(Date.parse(walk.from)),
  }
  const beyond: Filter[] =
    walk.beyond === undefined ? [] : [{ propertyName: 'hs_object_id', operator: 'GT', value: walk.beyond }]
  const at = {
    filters: [since, ...beyond],
    sortBy: 'hs_object_id',
    after: walk.after,
    limit: easierOf(parts, searchLimit),
  }
  const { page, records, missing } = await parts.withAccess((access) =>
    readSearch(parts, at, optionsOf(parts, access)),
  )
  const startedAt = cursor.startedAt ?? startOf(parts, page.observedAt, began)
  const ids = idsOf(page.records)
  const times = new Map(
    page.records.flatMap((record) =>
      idsOf([record]).map((id) => [id, Date.parse(modifiedOf(kind, record) ?? '')] as const),
    ),
  )
  const count = (until: number) =>
    [...times.values()].filter((time) => time >= Date.parse(walk.from) && time <= until).length
  const next = afterSearch(walk, {
    ids,
    after: page.after,
    matched: page.total,
    read: count(Number.POSITIVE_INFINITY),
    settled: count(Date.parse(startedAt) - indexLagMs),
    ...ordersAfter(walk.orders, walk.beyond, ids),
  })
  return async (scope) => {
    const report = await kind.upsert(scope, integrationId, records.given, records.observedAt, records.source)
    return {
      next: {
        ...cursor,
        walk: next,
        startedAt,
        // A merged record is a tombstone already; reading it by id also returns HubSpot's final
        // version of it.
        ...unverifiedOf(cursor, report, [...report.merged, ...missing]),
        ...owedLinks(parts, cursor, report),
      },
      report,
      done: page.records.length,
      ...(walk.matched === undefined ? { total: page.total ?? null } : {}),
    }
  }
}

/**
 * Returns rows with all properties if those fit a search. Otherwise searches for ids and times,
 * then reads by id the records that differ here.
 */
async function readSearch(parts: StepParts, at: SearchAt, options: CallOptions) {
  const { hubspot, kind, integrationId } = parts
  const asOf = (page: Page) => new Date(page.observedAt.getTime() - parts.indexLagMs)
  if (fitsSearch(kind, at)) {
    const page = await searchPage(hubspot, kind, at, options)
    const records = { given: page.records, observedAt: asOf(page), source: 'search' as const }
    return { page, records, missing: [] }
  }
  const narrow = { ...kind, properties: ['hs_object_id', kind.modifiedProperty] }
  const page = await searchPage(hubspot, narrow, at, options)
  const hits = page.records.flatMap((record) => {
    const [id] = idsOf([record])
    const modifiedAt = modifiedOf(kind, record)
    return id === undefined || modifiedAt === undefined ? [] : [{ id, modifiedAt }]
  })
  const outdated = await parts.within((scope) => kind.findOutdated(scope, integrationId, hits, asOf(page)))
  const ids = [...new Set(outdated)]
  const given: unknown[] = []
  let { observedAt } = page
  for (let i = 0; i < ids.length; i += batchLimit) {
    const batch = await batchRead(hubspot, kind, ids.slice(i, i + batchLimit), false, options)
    given.push(...batch.records)
    if (i === 0) observedAt = batch.observedAt
  }
  const read = new Set(idsOf(given))
  const missing = ids.filter((id) => !read.has(id))
  return { page, records: { given, observedAt, source: 'read' as const }, missing }
}

export async function recountStep(parts: StepParts, cursor: Cursor, walk: RecountWalk): Promise<SaveStep> {
  const { hubspot, kind } = parts
  const until = Date.parse(cursor.startedAt ?? '') - parts.indexLagMs
  const time = (operator: 'GTE' | 'LTE', ms: number): Filter => ({
    propertyName: kind.modifiedProperty,
    operator,
    value: String(ms),
  })
  const filters = [time('GTE', Date.parse(walk.from)), time('LTE', until)]
  const at = { filters, sortBy: 'hs_object_id', after: undefined, limit: 1 }
  const { total = 0 } = await parts.withAccess((access) =>
    searchPage(hubspot, { ...kind, properties: [] }, at, optionsOf(parts, access)),
  )
  const next = { ...cursor, walk: afterRecount(walk, total, parts.listWasIdle) }
  return async () => ({ next })
}
