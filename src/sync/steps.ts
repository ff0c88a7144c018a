/** Which step comes next at a cursor. Each walk leaves a cursor from which nothing is lost. */
import { confirmStep, sweepStep, weighStep } from './absence-steps.ts'
import { listStep } from './list-step.ts'
import { recountStep, searchStep } from './search-step.ts'
import { type Keep, optionsOf, type StepParts } from './step.ts'
import { type Cursor, linksAtOnce } from './stream.ts'

/** So often a run that meets errors tries associations once more. */
const linksTries = 3

/** Associations are read a thousand tickets at a time, and the rest of them at the end. */
const owesLinks = ({ links, walk }: Cursor): boolean =>
  (links?.length ?? 0) >= (walk.at === 'end' ? 1 : linksAtOnce)

/** Reads what comes next at `cursor`. Died before or while it is kept, the same step is simply done again. */
export async function readStep(parts: StepParts, cursor: Cursor): Promise<Keep> {
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

async function linksStep(parts: StepParts, ids: readonly string[], next: Cursor): Promise<Keep> {
  // Associations that HubSpot fails to give do not hold up the tickets: the next full pass reads them all again.
  if (ids.length === 0 || parts.failures >= linksTries) return async () => ({ next })
  const keepLinks = await parts.withAccess((access) =>
    parts.kind.readLinks(parts.hubspot, [...new Set(ids)], optionsOf(parts, access)),
  )
  return async (scope) => {
    await keepLinks(scope, parts.integrationId)
    return { next }
  }
}
