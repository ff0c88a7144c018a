/** What a full pass did not meet, and what a search alone said: weighed first, then read by id. A tombstone needs proof. */
import { batchLimit } from '../hubspot/objects.ts'
import { readByIds } from './read-by-ids.ts'
import { doubtsOf, type Keep, owedLinks, type StepParts } from './step.ts'
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

async function proveStep(parts: StepParts, next: Cursor, ids: readonly string[]): Promise<Keep> {
  const { keep } = await readByIds(parts, ids)
  return async (scope) => {
    const report = await keep(scope)
    const { tooSoon: _over, ...told } = next
    return { next: { ...told, ...doubtsOf(next, report), ...owedLinks(parts, next, report) }, report }
  }
}
