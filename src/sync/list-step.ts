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
  easierOf,
  idsOf,
  modifiedOf,
  optionsOf,
  owedLinks,
  type SaveStep,
  type StepParts,
  startOf,
  unverifiedOf,
  without,
} from './step.ts'
import { afterList, type Cursor, type ListWalk } from './stream.ts'

export async function listStep(parts: StepParts, cursor: Cursor, walk: ListWalk): Promise<SaveStep> {
  const { kind, integrationId, mode } = parts
  const began = parts.clock.monotonic()
  const { page, missing, total } = await parts.withAccess(async (access) => {
    const options = optionsOf(parts, access)
    const total = cursor.startedAt === null ? await countIfPossible(parts, options) : undefined
    return { total, ...(await readList(parts, walk, options)) }
  })
  const startedAt = cursor.startedAt ?? startOf(parts, page.observedAt, began)
  const learnt = total === undefined ? {} : { total }
  return async (scope) => {
    const report = await kind.upsert(scope, integrationId, page.records, page.observedAt, 'read')
    const { settles } = walk
    const found = settles && settles.found + missedIn(parts, settles.from, startedAt, page.records, report)
    const next = afterList(
      mode,
      { ...walk, ...(settles && found !== undefined ? { settles: { ...settles, found } } : {}) },
      page.after,
    )
    return {
      next: {
        ...cursor,
        ...learnt,
        startedAt,
        walk: next,
        ...(found === 0 && next.at === 'end' ? { listWasIdle: true } : {}),
        ...unverifiedOf(cursor, report, missing),
        ...owedLinks(parts, cursor, report),
      },
      report,
      done: walk.archived ? 0 : page.records.length,
      ...learnt,
    }
  }
}

/**
 * Counts records written here although the search should have returned them: changed within its
 * window, and long enough ago for the index to be complete.
 */
function missedIn(
  parts: StepParts,
  from: string,
  startedAt: string,
  records: readonly unknown[],
  { touched }: UpsertReport,
): number {
  const written = new Set(touched)
  const until = Date.parse(startedAt) - parts.indexLagMs
  return records.filter((record) => {
    const time = Date.parse(modifiedOf(parts.kind, record) ?? '')
    return time >= Date.parse(from) && time <= until && idsOf([record]).some((id) => written.has(id))
  }).length
}

/** If the search fails, the total stays unknown and the run continues. */
async function countIfPossible(parts: StepParts, options: CallOptions): Promise<number | null> {
  const at = { filters: [], sortBy: 'hs_object_id', after: undefined, limit: 1 }
  const quick = { ...options, patience: { tries: 2, totalMs: 5_000 } }
  try {
    const page = await searchPage(parts.hubspot, { ...parts.kind, properties: [] }, at, quick)
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
  parts: StepParts,
  walk: ListWalk,
  options: CallOptions,
): Promise<{ page: Page; missing: string[] }> {
  const { hubspot, kind } = parts
  const at = { after: walk.after, limit: easierOf(parts, listLimit), archived: walk.archived }
  if (fitsList(kind)) return { page: await listPage(hubspot, kind, at, options), missing: [] }
  const page = await listPage(hubspot, { ...kind, properties: ['hs_object_id'] }, at, options)
  const ids = idsOf(page.records)
  if (ids.length === 0) return { page, missing: [] }
  const { records } = await batchRead(hubspot, kind, [...new Set(ids)], walk.archived, options)
  return { page: { ...page, records }, missing: without([...new Set(ids)], records) }
}
