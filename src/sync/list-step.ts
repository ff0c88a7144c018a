/** A page of HubSpot's list: everything, live or archived, in HubSpot's own order. */
import { HubSpotError } from '../hubspot/errors.ts'
import {
  batchRead,
  type CallOptions,
  fitsList,
  listLimit,
  listPage,
  type Page,
  searchPage,
} from '../hubspot/objects.ts'
import { idsOf, type Keep, optionsOf, owedLinks, type StepParts, startOf } from './step.ts'
import { afterList, type Cursor, type ListWalk } from './stream.ts'

export async function listStep(parts: StepParts, cursor: Cursor, walk: ListWalk): Promise<Keep> {
  const { kind, integrationId, mode } = parts
  const began = parts.clock.monotonic()
  const { page, total } = await parts.withAccess(async (access) => {
    const options = optionsOf(parts, access)
    const total = cursor.startedAt === null ? await countIfPossible(parts, options) : undefined
    return { total, page: await readList(parts, walk, options) }
  })
  const startedAt = cursor.startedAt ?? startOf(parts, page.observedAt, began)
  const learnt = total === undefined ? {} : { total }
  return async (scope) => {
    const report = await kind.keep(scope, integrationId, page.records, page.observedAt, 'read')
    const { settles } = walk
    const found = settles === undefined ? undefined : settles.found + report.inserted + report.changed
    const next = afterList(
      mode,
      { ...walk, ...(found === undefined ? {} : { settles: { found } }) },
      page.after,
    )
    return {
      next: {
        ...cursor,
        ...learnt,
        startedAt,
        walk: next,
        ...(found === 0 && next.at === 'end' ? { listWasIdle: true } : {}),
        ...owedLinks(parts, cursor, report),
      },
      report,
      done: walk.archived ? 0 : page.records.length,
      ...learnt,
    }
  }
}

/** Without search the count stays unknown, and the run goes on. */
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

/** Where the properties do not fit a URL, the ids come by list and the values by batch read. */
async function readList(parts: StepParts, walk: ListWalk, options: CallOptions): Promise<Page> {
  const { hubspot, kind } = parts
  const at = { after: walk.after, limit: listLimit, archived: walk.archived }
  if (fitsList(kind)) return await listPage(hubspot, kind, at, options)
  const page = await listPage(hubspot, { ...kind, properties: ['hs_object_id'] }, at, options)
  const ids = idsOf(page.records)
  if (ids.length === 0) return page
  const { records } = await batchRead(hubspot, kind, [...new Set(ids)], walk.archived, options)
  return { ...page, records }
}
