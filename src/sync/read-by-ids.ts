/** What becomes of records that somebody has asked after by id: a full pass that missed them, or a webhook that named them. */
import type { HubSpot, Patience } from '../hubspot/client.ts'
import { batchRead, readIdOf } from '../hubspot/objects.ts'
import type { TenantScope } from '../tenants/scope.ts'
import type { WithAccess } from './access.ts'
import type { KeepReport, ObjectKind } from './object-kind.ts'
import { optionsOf, without } from './step.ts'

export interface ReadParts {
  hubspot: HubSpot
  kind: ObjectKind
  integrationId: string
  withAccess: WithAccess
  patience: Patience
  signal: AbortSignal
}

export interface Reading {
  /** Keeps what was read, within the caller's transaction under the integration's lock. */
  keep(scope: TenantScope): Promise<KeepReport>
  /** HubSpot would not say whether they are there. */
  undecided: string[]
  /** HubSpot knows them not. */
  gone: string[]
}

/** HubSpot is asked for at most so many ids one by one. */
const oneByOne = 20

/**
 * Reads by id: live ones, then archived ones. What is neither may have been merged into another, which HubSpot tells for
 * a single id; else it is gone for good.
 *
 * @param ids 1 to 100, none twice
 */
export async function readByIds(parts: ReadParts, ids: readonly string[]): Promise<Reading> {
  const { hubspot, kind, integrationId } = parts
  const { live, archived, gone, undecided } = await parts.withAccess(async (access) => {
    const options = optionsOf(parts, access)
    const live = await batchRead(hubspot, kind, ids, false, options)
    const missing = without(ids, live.records)
    const archived = missing.length > 0 ? await batchRead(hubspot, kind, missing, true, options) : undefined
    const undecided = new Set([...(live.undecided ?? []), ...(archived?.undecided ?? [])])
    const nowhere = archived ? without(missing, archived.records).filter((id) => !undecided.has(id)) : []
    const shown = new Map<string, string>()
    for (const id of nowhere.slice(0, oneByOne)) {
      const found = await readIdOf(hubspot, kind, id, options)
      if (found !== undefined) shown.set(id, found)
    }
    const survivors = [...new Set(shown.values())]
    const read = survivors.length > 0 ? await batchRead(hubspot, kind, survivors, false, options) : undefined
    return {
      live: { ...live, records: [...live.records, ...(read?.records ?? [])] },
      archived,
      gone: nowhere.filter((id) => !shown.has(id)),
      undecided: missing.filter((id) => undecided.has(id)),
    }
  })
  const keep = async (scope: TenantScope) => {
    const report = await kind.keep(scope, integrationId, live.records, live.observedAt, 'read')
    if (archived)
      add(report, await kind.keep(scope, integrationId, archived.records, archived.observedAt, 'read'))
    // The earlier of the two answers is the proof: one restored between them was in neither.
    if (gone.length > 0) {
      const { buried, doubtful } = await kind.buryDeleted(scope, integrationId, gone, live.observedAt)
      report.archived += buried.length
      report.doubtful.push(...doubtful)
    }
    return report
  }
  return { keep, undecided, gone }
}

function add(into: KeepReport, more: KeepReport): void {
  for (const name of ['inserted', 'changed', 'archived', 'unchanged', 'repaired'] as const)
    into[name] += more[name]
  into.rejected.push(...more.rejected)
  into.doubtful.push(...more.doubtful)
  into.merged.push(...more.merged)
  into.touched.push(...more.touched)
  into.arrived.push(...more.arrived)
  into.newestAt ??= more.newestAt
}
