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
  callOptionsOf,
  callStartOf,
  confirmUnverified,
  modifiedTimeOf,
  queueAssociationReads,
  recordIdsOf,
  reducedLimit,
  type SaveStep,
  type StepContext,
} from './step.ts'
import { afterRecount, afterSearch, type Cursor, type RecountWalk, type SearchWalk } from './stream.ts'

export async function searchStep(context: StepContext, cursor: Cursor, walk: SearchWalk): Promise<SaveStep> {
  const { kind, integrationId, indexLagMs } = context
  const began = context.clock.monotonic()
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
    limit: reducedLimit(context, searchLimit),
  }
  const { page, records, missing } = await context.withAccess((access) =>
    readSearch(context, at, callOptionsOf(context, access)),
  )
  const startedAt = cursor.startedAt ?? callStartOf(context, page.observedAt, began)
  const ids = recordIdsOf(page.records)
  const times = new Map(
    page.records.flatMap((record) =>
      recordIdsOf([record]).map((id) => [id, Date.parse(modifiedTimeOf(kind, record) ?? '')] as const),
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
        ...confirmUnverified(cursor, report, [...report.merged, ...missing]),
        ...queueAssociationReads(context, cursor, report),
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
async function readSearch(context: StepContext, at: SearchAt, options: CallOptions) {
  const { hubspot, kind, integrationId } = context
  const asOf = (page: Page) => new Date(page.observedAt.getTime() - context.indexLagMs)
  if (fitsSearch(kind, at)) {
    const page = await searchPage(hubspot, kind, at, options)
    const records = { given: page.records, observedAt: asOf(page), source: 'search' as const }
    return { page, records, missing: [] }
  }
  const narrow = { ...kind, properties: ['hs_object_id', kind.modifiedProperty] }
  const page = await searchPage(hubspot, narrow, at, options)
  const hits = page.records.flatMap((record) => {
    const [id] = recordIdsOf([record])
    const modifiedAt = modifiedTimeOf(kind, record)
    return id === undefined || modifiedAt === undefined ? [] : [{ id, modifiedAt }]
  })
  const outdated = await context.within((scope) => kind.findOutdated(scope, integrationId, hits, asOf(page)))
  const ids = [...new Set(outdated)]
  const given: unknown[] = []
  let { observedAt } = page
  for (let i = 0; i < ids.length; i += batchLimit) {
    const batch = await batchRead(hubspot, kind, ids.slice(i, i + batchLimit), false, options)
    given.push(...batch.records)
    if (i === 0) observedAt = batch.observedAt
  }
  const read = new Set(recordIdsOf(given))
  const missing = ids.filter((id) => !read.has(id))
  return { page, records: { given, observedAt, source: 'read' as const }, missing }
}

export async function recountStep(
  context: StepContext,
  cursor: Cursor,
  walk: RecountWalk,
): Promise<SaveStep> {
  const { hubspot, kind } = context
  const until = Date.parse(cursor.startedAt ?? '') - context.indexLagMs
  const time = (operator: 'GTE' | 'LTE', ms: number): Filter => ({
    propertyName: kind.modifiedProperty,
    operator,
    value: String(ms),
  })
  const filters = [time('GTE', Date.parse(walk.from)), time('LTE', until)]
  const at = { filters, sortBy: 'hs_object_id', after: undefined, limit: 1 }
  const { total = 0 } = await context.withAccess((access) =>
    searchPage(hubspot, { ...kind, properties: [] }, at, callOptionsOf(context, access)),
  )
  const next = { ...cursor, walk: afterRecount(walk, total, context.listWasIdle) }
  return async () => ({ next })
}
