/**
 * Handles records that a full pass did not find or that only a search reported: counts them, then
 * reads them by id. A tombstone needs proof.
 */
import { batchLimit } from '../hubspot/objects.ts'
import { fullJitter } from '../lib/backoff.ts'
import { readByIds } from './read-by-ids.ts'
import { confirmUnverified, queueAssociationReads, type SaveStep, type StepContext } from './step.ts'
import { type CountAbsentWalk, type Cursor, tooManyAbsent } from './stream.ts'

export function countAbsentStep(context: StepContext, cursor: Cursor, walk: CountAbsentWalk): SaveStep {
  return async (scope) => {
    const range = await context.kind.findAbsent(
      scope,
      context.integrationId,
      new Date(cursor.startedAt ?? 0),
      walk.beyond,
      Number.MAX_SAFE_INTEGER,
    )
    const { beyond: _previous, ...before } = walk
    const counted: CountAbsentWalk = {
      ...before,
      live: walk.live + range.live,
      absent: walk.absent + range.absent.length,
      absentLive: walk.absentLive + range.absentLive,
      ...(range.beyond === undefined ? {} : { beyond: range.beyond }),
    }
    if (range.beyond !== undefined) return { next: { ...cursor, walk: counted } }
    if (tooManyAbsent(counted, context.maxDeletedShare) && !context.deletionsConfirmed)
      return { next: { ...cursor, walk: { at: 'associations' }, deletionsHeldBack: counted.absentLive } }
    return { next: { ...cursor, walk: counted.absent > 0 ? { at: 'read_absent' } : { at: 'associations' } } }
  }
}

export async function checkAbsentStep(
  context: StepContext,
  cursor: Cursor,
  walk: { beyond?: string },
): Promise<SaveStep> {
  const since = new Date(cursor.startedAt ?? 0)
  const range = await context.within((scope) =>
    context.kind.findAbsent(scope, context.integrationId, since, walk.beyond, batchLimit),
  )
  const next: Cursor = {
    ...cursor,
    walk: range.beyond === undefined ? { at: 'associations' } : { at: 'read_absent', beyond: range.beyond },
  }
  return range.absent.length > 0 ? await readByIdsStep(context, next, range.absent) : async () => ({ next })
}

/** HubSpot's Date header counts whole seconds: a response this much later has a later date. */
const secondMs = 1_000

export async function confirmStep(context: StepContext, cursor: Cursor, ids: string[]): Promise<SaveStep> {
  const some = [...new Set(ids)].slice(0, batchLimit)
  const asked = new Set(some)
  if (cursor.tooSoon) await context.clock.sleep(secondMs, context.signal)
  return await readByIdsStep(context, { ...cursor, confirm: ids.filter((id) => !asked.has(id)) }, some)
}

async function readByIdsStep(context: StepContext, next: Cursor, ids: readonly string[]): Promise<SaveStep> {
  const { save, undecided, unanswered, isShort } = await readByIds(context, ids)
  const unresolved = [...undecided, ...unanswered]
  // While each round settles some ids, the next one follows at once.
  const retry = retryUnresolved(context, next, unresolved, isShort || undecided.length > 0)
  return async (scope) => {
    const report = await save(scope)
    const { tooSoon: _over, shortRounds: _last, ...rest } = next
    return {
      next: {
        ...rest,
        ...retry.next,
        ...confirmUnverified(next, report, retry.ids),
        ...queueAssociationReads(context, next, report),
      },
      report,
      ...(retry.waitMs === undefined ? {} : { waitMs: retry.waitMs }),
    }
  }
}

/** How many consecutive rounds a run waits for complete responses; about a minute in total. */
const maxShortRounds = 4
const betweenShortRounds = { base: 2_000, cap: 30_000 }

/**
 * Decides what happens to ids that HubSpot said nothing about: they are read again, after a pause
 * if its responses are incomplete. If they stay incomplete, the run continues without these ids,
 * reports it, and does not wait for later ones.
 */
function retryUnresolved(
  context: StepContext,
  { shortRounds = 0, unproven }: Cursor,
  ids: readonly string[],
  waits: boolean,
) {
  if (ids.length === 0 || !waits) return { ids, next: {} }
  if (shortRounds >= maxShortRounds || unproven !== undefined)
    return { ids: [], next: { unproven: (unproven ?? 0) + ids.length } }
  const { base } = betweenShortRounds
  const waitMs = base + fullJitter(betweenShortRounds, shortRounds, context.clock.random())
  return { ids, next: { shortRounds: shortRounds + 1 }, waitMs }
}
