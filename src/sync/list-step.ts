/** Reads a page of HubSpot's list: all records, live or archived, in HubSpot's own order. */
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import {
  batchRead,
  type CallOptions,
  fitsList,
  listLimit,
  listPage,
  type Page,
  searchPage,
} from '../hubspot/objects.ts'
import type { UpsertReport } from './object-kind.ts'
import {
  callOptionsOf,
  callStartOf,
  confirmUnverified,
  idsWithoutRecord,
  modifiedTimeOf,
  queueAssociationReads,
  recordIdsOf,
  reducedLimit,
  type SaveStep,
  type StepContext,
} from './step.ts'
import { afterList, type Cursor, type ListWalk } from './stream.ts'

export async function listStep(context: StepContext, cursor: Cursor, walk: ListWalk): Promise<SaveStep> {
  const { kind, integrationId, syncType } = context
  const began = context.clock.monotonic()
  const { page, missing, total } = await context.withAccess(async (access) => {
    const options = callOptionsOf(context, access)
    const total = cursor.startedAt === null ? await countIfPossible(context, options) : undefined
    return { total, ...(await readList(context, walk, options)) }
  })
  const startedAt = cursor.startedAt ?? callStartOf(context, page.observedAt, began)
  const totals = total === undefined ? {} : { total }
  return async (scope) => {
    const report = await kind.upsert(scope, integrationId, page.records, page.observedAt, 'read')
    const { settles } = walk
    const found = settles && settles.found + missedIn(context, settles.from, startedAt, page.records, report)
    const next = afterList(
      syncType,
      { ...walk, ...(settles && found !== undefined ? { settles: { ...settles, found } } : {}) },
      page.after,
    )
    return {
      next: {
        ...cursor,
        ...totals,
        startedAt,
        walk: next,
        ...(found === 0 && next.at === 'end' ? { listWasIdle: true } : {}),
        ...confirmUnverified(cursor, report, missing),
        ...queueAssociationReads(context, cursor, report),
      },
      report,
      done: walk.archived ? 0 : page.records.length,
      ...totals,
    }
  }
}

/**
 * Counts records written here although the search should have returned them: changed within its
 * window, and long enough ago for the index to be complete.
 */
function missedIn(
  context: StepContext,
  from: string,
  startedAt: string,
  records: readonly unknown[],
  { touched }: UpsertReport,
): number {
  const written = new Set(touched)
  const until = Date.parse(startedAt) - context.indexLagMs
  return records.filter((record) => {
    const time = Date.parse(modifiedTimeOf(context.kind, record) ?? '')
    return time >= Date.parse(from) && time <= until && recordIdsOf([record]).some((id) => written.has(id))
  }).length
}

/** If the search fails, the total stays unknown and the run continues. */
async function countIfPossible(context: StepContext, options: CallOptions): Promise<number | null> {
  const at = { filters: [], sortBy: 'hs_object_id', after: undefined, limit: 1 }
  const quick = { ...options, retryLimits: { maxAttempts: 2, totalMs: 5_000 } }
  try {
    const page = await searchPage(context.hubspot, { ...context.kind, properties: [] }, at, quick)
    return page.total ?? null
  } catch (error) {
    if (error instanceof HubSpotError && error.kind !== 'unauthorized') return null
    throw error
  }
}

/**
 * If the properties do not fit a URL, lists only the ids and reads the values by batch. A record
 * that was listed but not read must be read by its id.
 */
async function readList(
  context: StepContext,
  walk: ListWalk,
  options: CallOptions,
): Promise<{ page: Page; missing: string[] }> {
  const { hubspot, kind } = context
  const at = { after: walk.after, limit: reducedLimit(context, listLimit), archived: walk.archived }
  if (fitsList(kind)) return { page: await listPage(hubspot, kind, at, options), missing: [] }
  const page = await listPage(hubspot, { ...kind, properties: ['hs_object_id'] }, at, options)
  const ids = recordIdsOf(page.records)
  if (ids.length === 0) return { page, missing: [] }
  const { records } = await batchRead(hubspot, kind, [...new Set(ids)], walk.archived, options)
  return { page: { ...page, records }, missing: idsWithoutRecord([...new Set(ids)], records) }
}
