/**
 * Handles records that a full pass did not find or that only a search reported: counts them, then
 * reads them by id. A tombstone needs proof.
 */
import { batchLimit } from '../hubspot/objects.ts'
import { fullJitter } from '../lib/backoff.ts'
import { readByIds } from './read-by-ids.ts'
import { owedLinks, type SaveStep, type StepParts, unverifiedOf } from './step.ts'
import { type Cursor, isTooMany, type WeighWalk } from './stream.ts'

export function weighStep(parts: StepParts, cursor: Cursor, walk: WeighWalk): SaveStep {
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

export async function sweepStep(
  parts: StepParts,
  cursor: Cursor,
  walk: { beyond?: string },
): Promise<SaveStep> {
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

/** HubSpot's Date header counts whole seconds: a response this much later has a later date. */
const secondMs = 1_000

export async function confirmStep(parts: StepParts, cursor: Cursor, ids: string[]): Promise<SaveStep> {
  const some = [...new Set(ids)].slice(0, batchLimit)
  const asked = new Set(some)
  if (cursor.tooSoon) await parts.clock.sleep(secondMs, parts.signal)
  return await proveStep(parts, { ...cursor, confirm: ids.filter((id) => !asked.has(id)) }, some)
}

async function proveStep(parts: StepParts, next: Cursor, ids: readonly string[]): Promise<SaveStep> {
  const { save, undecided, unanswered, isShort } = await readByIds(parts, ids)
  const open = [...undecided, ...unanswered]
  // While each round settles some ids, the next one follows at once.
  const again = againOf(parts, next, open, isShort || undecided.length > 0)
  return async (scope) => {
    const report = await save(scope)
    const { tooSoon: _over, shortRounds: _last, ...rest } = next
    return {
      next: {
        ...rest,
        ...again.next,
        ...unverifiedOf(next, report, again.ids),
        ...owedLinks(parts, next, report),
      },
      report,
      ...(again.waitMs === undefined ? {} : { waitMs: again.waitMs }),
    }
  }
}

/** How many consecutive rounds a run waits for complete responses; about a minute in total. */
const mostShortRounds = 4
const betweenShortRounds = { base: 2_000, cap: 30_000 }

/**
 * Decides what happens to ids that HubSpot said nothing about: they are read again, after a pause
 * if its responses are incomplete. If they stay incomplete, the run continues without these ids,
 * reports it, and does not wait for later ones.
 */
function againOf(
  parts: StepParts,
  { shortRounds = 0, unproven }: Cursor,
  ids: readonly string[],
  waits: boolean,
) {
  if (ids.length === 0 || !waits) return { ids, next: {} }
  if (shortRounds >= mostShortRounds || unproven !== undefined)
    return { ids: [], next: { unproven: (unproven ?? 0) + ids.length } }
  const { base } = betweenShortRounds
  const waitMs = base + fullJitter(betweenShortRounds, shortRounds, parts.clock.random())
  return { ids, next: { shortRounds: shortRounds + 1 }, waitMs }
}
