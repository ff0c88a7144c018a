/** Chooses the next step at a cursor; each walk leaves a cursor from which nothing is lost. */
import { checkAbsentStep, confirmStep, countAbsentStep } from './absence-steps.ts'
import { listStep } from './list-step.ts'
import { recountStep, searchStep } from './search-step.ts'
import { callOptionsOf, type SaveStep, type StepContext } from './step.ts'
import { associationBatchSize, type Cursor } from './stream.ts'

/** After this many consecutive errors a run continues without the associations that fail. */
const failuresBeforeTolerant = 3

/** Associations are read for a thousand tickets at a time, and for the rest at the end. */
const hasAssociationsToRead = ({ links, walk }: Cursor): boolean =>
  (links?.length ?? 0) >= (walk.at === 'end' ? 1 : associationBatchSize)

/**
 * Reads what comes next at `cursor`. If the process dies before the result is saved, the step is
 * repeated.
 */
export async function readStep(context: StepContext, cursor: Cursor): Promise<SaveStep> {
  if (cursor.confirm?.length) return await confirmStep(context, cursor, cursor.confirm)
  if (hasAssociationsToRead(cursor)) {
    const queued = cursor.links ?? []
    return await associationsStep(context, queued.slice(0, associationBatchSize), {
      ...cursor,
      links: queued.slice(associationBatchSize),
    })
  }
  const { walk } = cursor
  switch (walk.at) {
    case 'list':
      return await listStep(context, cursor, walk)
    case 'search':
      return await searchStep(context, cursor, walk)
    case 'recount':
      return await recountStep(context, cursor, walk)
    case 'count_absent':
      return countAbsentStep(context, cursor, walk)
    case 'read_absent':
      return await checkAbsentStep(context, cursor, walk)
    case 'associations': {
      const ids = await context.within((scope) =>
        context.kind.findLive(scope, context.integrationId, walk.beyond, associationBatchSize),
      )
      const beyond = ids.length < associationBatchSize ? undefined : ids.at(-1)
      return await associationsStep(context, ids, {
        ...cursor,
        walk: beyond === undefined ? { at: 'end' } : { at: 'associations', beyond },
      })
    }
    default:
      return async () => ({ next: cursor })
  }
}

/** A kind that failed before gets one attempt. */
const briefPatience = { maxAttempts: 1, totalMs: 15_000 }

/**
 * Associations that HubSpot fails to return do not delay the tickets: after some errors the run
 * continues without them, and reports at its end which kinds could not be read. The next full pass
 * reads them all again.
 */
async function associationsStep(
  context: StepContext,
  ids: readonly string[],
  next: Cursor,
): Promise<SaveStep> {
  if (ids.length === 0) return async () => ({ next })
  const failed = next.unread ?? []
  const tolerant = context.failures >= failuresBeforeTolerant || failed.length > 0
  const { save, unread } = await context.withAccess((access) => {
    const options = callOptionsOf(tolerant ? { ...context, retryLimits: briefPatience } : context, access)
    // A few tickets say nothing about those that a full pass could not read.
    const problems = context.syncType === 'full' ? 'all' : 'found'
    return context.kind.readAssociations(context.hubspot, [...new Set(ids)], options, {
      tolerant,
      failed,
      problems,
    })
  })
  const all = [...new Set([...failed, ...unread])].sort()
  return async (scope) => {
    await save(scope, context.integrationId)
    return { next: all.length > 0 ? { ...next, unread: all } : next }
  }
}
