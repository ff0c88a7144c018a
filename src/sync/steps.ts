/** Chooses the next step at a cursor; each walk leaves a cursor from which nothing is lost. */
import { confirmStep, sweepStep, weighStep } from './absence-steps.ts'
import { listStep } from './list-step.ts'
import { recountStep, searchStep } from './search-step.ts'
import { optionsOf, type SaveStep, type StepParts } from './step.ts'
import { type Cursor, linksAtOnce } from './stream.ts'

/** After this many consecutive errors a run continues without the associations that fail. */
const linksTries = 3

/** Associations are read for a thousand tickets at a time, and for the rest at the end. */
const owesLinks = ({ links, walk }: Cursor): boolean =>
  (links?.length ?? 0) >= (walk.at === 'end' ? 1 : linksAtOnce)

/**
 * Reads what comes next at `cursor`. If the process dies before the result is saved, the step is
 * repeated.
 */
export async function readStep(parts: StepParts, cursor: Cursor): Promise<SaveStep> {
  if (cursor.confirm?.length) return await confirmStep(parts, cursor, cursor.confirm)
  if (owesLinks(cursor)) {
    const owed = cursor.links ?? []
    return await linksStep(parts, owed.slice(0, linksAtOnce), { ...cursor, links: owed.slice(linksAtOnce) })
  }
  const { walk } = cursor
  switch (walk.at) {
    case 'list':
      return await listStep(parts, cursor, walk)
    case 'search':
      return await searchStep(parts, cursor, walk)
    case 'recount':
      return await recountStep(parts, cursor, walk)
    case 'weigh':
      return weighStep(parts, cursor, walk)
    case 'sweep':
      return await sweepStep(parts, cursor, walk)
    case 'links': {
      const ids = await parts.within((scope) =>
        parts.kind.findLive(scope, parts.integrationId, walk.beyond, linksAtOnce),
      )
      const beyond = ids.length < linksAtOnce ? undefined : ids.at(-1)
      return await linksStep(parts, ids, {
        ...cursor,
        walk: beyond === undefined ? { at: 'end' } : { at: 'links', beyond },
      })
    }
    default:
      return async () => ({ next: cursor })
  }
}

/** A kind that failed before gets one attempt. */
const briefly = { tries: 1, totalMs: 15_000 }

/**
 * Associations that HubSpot fails to return do not delay the tickets: after some errors the run
 * continues without them, and reports at its end which kinds could not be read. The next full pass
 * reads them all again.
 */
async function linksStep(parts: StepParts, ids: readonly string[], next: Cursor): Promise<SaveStep> {
  if (ids.length === 0) return async () => ({ next })
  const failed = next.unread ?? []
  const tolerant = parts.failures >= linksTries || failed.length > 0
  const { save, unread } = await parts.withAccess((access) => {
    const options = optionsOf(tolerant ? { ...parts, patience: briefly } : parts, access)
    // A few tickets say nothing about those that a full pass could not read.
    const problems = parts.mode === 'full' ? 'all' : 'found'
    return parts.kind.readAssociations(parts.hubspot, [...new Set(ids)], options, {
      tolerant,
      failed,
      problems,
    })
  })
  const all = [...new Set([...failed, ...unread])].sort()
  return async (scope) => {
    await save(scope, parts.integrationId)
    return { next: all.length > 0 ? { ...next, unread: all } : next }
  }
}
