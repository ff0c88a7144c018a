/** Reads records by id and finds their state, after a pass missed or a webhook named them. */
import type { TenantScope } from '../db/scope.ts'
import type { HubSpot, RetryLimits } from '../hubspot/client/client.ts'
import { batchRead, type CallOptions, fitsList, readOne } from '../hubspot/objects.ts'
import type { WithAccess } from '../integrations/tokens/reuse-access.ts'
import type { ObjectKind, UpsertReport } from './object-kind.ts'
import { callOptionsOf, idsWithoutRecord, recordIdsOf } from './step.ts'

export interface ReadDependencies {
  hubspot: HubSpot
  kind: ObjectKind
  integrationId: string
  withAccess: WithAccess
  retryLimits: RetryLimits
  signal: AbortSignal
}

export interface RecordsRead {
  /** Saves what was read, within the caller's transaction under the integration's lock. */
  save(scope: TenantScope): Promise<UpsertReport>
  /** HubSpot would not say whether these exist. */
  undecided: string[]
  /**
   * HubSpot left these out of its responses without a reason, and they were not read one by one. To
   * be read again.
   */
  unanswered: string[]
  /** Some records that exist were left out: HubSpot's batch reads are incomplete at the moment. */
  isShort: boolean
  /** HubSpot said of each of these that it does not exist. */
  gone: string[]
}

/** At most this many ids are read one by one. */
const maxSingleReads = 20

/**
 * Reads by id: live records, then archived ones. Only what HubSpot says about an id proves its
 * absence: a batch error that names it, or a 404 for it alone. Ids that both batches leave out are
 * read one by one. If one of these exists, the responses were incomplete, and the rest is left for
 * later.
 *
 * @param ids 1 to 100, without duplicates
 */
export async function readByIds(deps: ReadDependencies, ids: readonly string[]): Promise<RecordsRead> {
  const { hubspot, kind, integrationId } = deps
  const { live, archived, single, undecided } = await deps.withAccess(async (access) => {
    const options = callOptionsOf(deps, access)
    const live = await batchRead(hubspot, kind, ids, false, options)
    const missing = idsWithoutRecord(ids, live.records)
    const archived = missing.length > 0 ? await batchRead(hubspot, kind, missing, true, options) : undefined
    const refused = new Set([...(live.undecided ?? []), ...(archived?.undecided ?? [])])
    const notFound = archived
      ? idsWithoutRecord(missing, archived.records).filter((id) => !refused.has(id))
      : []
    const [inLive, inArchive] = [new Set(live.absent), new Set(archived?.absent)]
    const named = notFound.filter((id) => inLive.has(id) && inArchive.has(id))
    const leftOut = notFound.filter((id) => !inLive.has(id) || !inArchive.has(id))
    const single = await readOneByOne(deps, named, leftOut, options)
    return { live, archived, single, undecided: missing.filter((id) => refused.has(id)) }
  })
  const save = async (scope: TenantScope) => {
    const page = [...live.records, ...single.live]
    const report = await kind.upsert(scope, integrationId, page, live.observedAt, 'read')
    const inArchive = [...(archived?.records ?? []), ...single.archived]
    if (archived)
      addReport(report, await kind.upsert(scope, integrationId, inArchive, archived.observedAt, 'read'))
    // The earliest response is the proof: a record restored between the two reads is in neither.
    if (single.gone.length > 0) {
      const { markedDeleted, unverified } = await kind.markDeleted(
        scope,
        integrationId,
        single.gone,
        live.observedAt,
      )
      report.archived += markedDeleted.length
      report.unverified.push(...unverified)
    }
    return report
  }
  const { gone, unanswered, isShort } = single
  return { save, undecided: [...undecided, ...single.undecided], unanswered, isShort, gone }
}

interface Single {
  live: unknown[]
  archived: unknown[]
  gone: string[]
  undecided: string[]
  unanswered: string[]
  isShort: boolean
}

/**
 * Reads one by one what no batch returned: only there does HubSpot report what a merged record
 * became.
 *
 * @param named HubSpot said that these do not exist; only the first are read for their survivors
 * @param leftOut HubSpot said nothing about these
 */
async function readOneByOne(
  deps: ReadDependencies,
  named: readonly string[],
  leftOut: readonly string[],
  options: CallOptions,
): Promise<Single> {
  const { hubspot, kind } = deps
  const found: Single = { live: [], archived: [], gone: [], undecided: [], unanswered: [], isShort: false }
  const addFound = async (id: string, record: unknown, archived: boolean) => {
    const [shown = id] = recordIdsOf([record])
    const into = archived ? found.archived : found.live
    if (fitsList(kind)) return void into.push(record)
    const { records } = await batchRead(hubspot, kind, [shown], archived, options)
    into.push(...records)
    if (idsWithoutRecord([shown], records).length > 0) found.undecided.push(id)
  }
  for (const [at, id] of leftOut.entries()) {
    if (found.isShort || at >= maxSingleReads) {
      found.unanswered.push(id)
      continue
    }
    const live = await readOne(hubspot, kind, id, false, options)
    const archived = live ?? (await readOne(hubspot, kind, id, true, options))
    if (archived === undefined) found.gone.push(id)
    else await addFound(id, archived, live === undefined)
    // A merged record is always left out without a reason: it does not exist under its own id.
    found.isShort ||= recordIdsOf([archived])[0] === id
  }
  for (const [at, id] of named.entries()) {
    const record = at < maxSingleReads ? await readOne(hubspot, kind, id, false, options) : undefined
    if (record === undefined) found.gone.push(id)
    else await addFound(id, record, false)
  }
  return found
}

function addReport(into: UpsertReport, more: UpsertReport): void {
  for (const name of ['inserted', 'changed', 'archived', 'unchanged', 'repaired'] as const)
    into[name] += more[name]
  into.rejected.push(...more.rejected)
  into.unverified.push(...more.unverified)
  into.merged.push(...more.merged)
  into.touched.push(...more.touched)
  into.arrived.push(...more.arrived)
  into.newestAt ??= more.newestAt
}
