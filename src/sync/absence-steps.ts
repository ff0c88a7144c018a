/** What a full pass did not meet, and what a search alone said: weighed first, then read by id. A tombstone needs proof. */
import { batchLimit, batchRead, readIdOf } from '../hubspot/objects.ts'
import type { KeepReport } from './object-kind.ts'
import { doubtsOf, type Keep, optionsOf, owedLinks, type StepParts, without } from './step.ts'
import { type Cursor, isTooMany, type WeighWalk } from './stream.ts'

export function weighStep(parts: StepParts, cursor: Cursor, walk: WeighWalk): Keep {
  return async (scope) => {
    const stretch = await parts.kind.findAbsent(
      scope,
      parts.integrationId,
      new Date(cursor.startedAt ?? 0),
      walk.beyond,
      Number.MAX_SAFE_INTEGER,
    )
    const { beyond: _stretch, ...before } = walk
    const weighed: WeighWalk = {
      ...before,
      live: walk.live + stretch.live,
      absent: walk.absent + stretch.absent.length,
      absentLive: walk.absentLive + stretch.absentLive,
      ...(stretch.beyond === undefined ? {} : { beyond: stretch.beyond }),
    }
    if (stretch.beyond !== undefined) return { next: { ...cursor, walk: weighed } }
    if (isTooMany(weighed, parts.sweepShare) && !parts.sweepAgreed)
      return { next: { ...cursor, walk: { at: 'links' }, withheld: weighed.absentLive } }
    return { next: { ...cursor, walk: weighed.absent > 0 ? { at: 'sweep' } : { at: 'links' } } }
  }
}

export async function sweepStep(parts: StepParts, cursor: Cursor, walk: { beyond?: string }): Promise<Keep> {
  const since = new Date(cursor.startedAt ?? 0)
  const stretch = await parts.within((scope) =>
    parts.kind.findAbsent(scope, parts.integrationId, since, walk.beyond, batchLimit),
  )
  const next: Cursor = {
    ...cursor,
    walk: stretch.beyond === undefined ? { at: 'links' } : { at: 'sweep', beyond: stretch.beyond },
  }
  return stretch.absent.length > 0 ? await proveStep(parts, next, stretch.absent) : async () => ({ next })
}

/** HubSpot's Date counts whole seconds: an answer that comes so much later has a later one. */
const secondMs = 1_000

export async function confirmStep(parts: StepParts, cursor: Cursor, ids: string[]): Promise<Keep> {
  const some = [...new Set(ids)].slice(0, batchLimit)
  const asked = new Set(some)
  if (cursor.tooSoon) await parts.clock.sleep(secondMs, parts.signal)
  return await proveStep(parts, { ...cursor, confirm: ids.filter((id) => !asked.has(id)) }, some)
}

/** HubSpot is asked for at most so many ids one by one. */
const oneByOne = 20

/**
 * Reads by id what is in doubt: live ones, then archived ones. What is neither may have been merged into another,
 * which HubSpot tells for a single id; else it is gone for good.
 */
async function proveStep(parts: StepParts, next: Cursor, ids: readonly string[]): Promise<Keep> {
  const { hubspot, kind, integrationId } = parts
  const { live, archived, gone } = await parts.withAccess(async (access) => {
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
    }
  })
  return async (scope) => {
    const report = await kind.keep(scope, integrationId, live.records, live.observedAt, 'read')
    if (archived)
      add(report, await kind.keep(scope, integrationId, archived.records, archived.observedAt, 'read'))
    // The earlier of the two answers is the proof: one restored between them was in neither.
    if (gone.length > 0)
      report.archived += (await kind.buryDeleted(scope, integrationId, gone, live.observedAt)).length
    const { tooSoon: _over, ...told } = next
    return { next: { ...told, ...doubtsOf(next, report), ...owedLinks(parts, next, report) }, report }
  }
}

function add(into: KeepReport, more: KeepReport): void {
  for (const name of ['inserted', 'changed', 'archived', 'unchanged', 'repaired'] as const)
    into[name] += more[name]
  into.rejected.push(...more.rejected)
  into.doubtful.push(...more.doubtful)
  into.merged.push(...more.merged)
  into.touched.push(...more.touched)
}
