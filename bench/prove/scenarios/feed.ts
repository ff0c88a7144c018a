/** What is reported of changes: each edit once, nothing that is no edit, and differences that add up. */
import type { Scenario, ScenarioContext } from '../scenario.ts'

interface Change {
  type: string
  ticket_id: string | null
  changed?: Record<string, { from: string | null; to: string | null }>
}

export const feedScenarios: readonly Scenario[] = [
  {
    name: 'values computed at read time are no changes',
    source: 'recorded: hs_time_in_<stage> differs at each read, and the time of change does not move',
    ideal: { requests: 2, how: '1 search for each of 2 incremental runs' },
    // Beside them the associations of what was edited; nothing is read by id.
    atMost: 5,
    async script(context) {
      await context.full()
      await context.later(3_600)
      const report = feedOf(context)
      const full = await context.full()
      context.check(
        `nothing was edited (${full.event.changed} changed)`,
        Number(full.event.changed ?? 0) === 0,
      )
      context.check('the feed is silent', (await report()).length === 0)
      const [id] = await context.edit({ count: 1, properties: { subject: 'edited once' } })
      await context.later()
      context.count()
      await context.incremental()
      const changes = await report()
      const names = Object.keys(changes[0]?.changed ?? {}).sort()
      context.check(
        `one change, of what was edited (${JSON.stringify(changes)})`,
        changes.length === 1 &&
          changes[0]?.type === 'issue.updated' &&
          changes[0].ticket_id === id &&
          names.join() === 'hs_lastmodifieddate,subject',
      )
      await context.later(60)
      await context.incremental()
      context.countEnds()
      const read = context
        .calls()
        .filter(({ path }) => path.includes('/tickets/batch/read') && !path.includes('associations'))
      context.check(`nothing is read by id (${read.length})`, read.length === 0)
      await context.full()
      context.check('the feed is silent again', (await report()).length === 0)
    },
  },
  {
    name: 'edited and archived between two reads, then restored',
    source: 'a reader that applies differences had the old value for good',
    ideal: {
      requests: 13,
      how: '3 list pages of live tickets and 1 of archived ones for each of 3 full runs, 1 search',
    },
    async script(context) {
      await context.full()
      await context.later(3_600)
      const report = feedOf(context)
      const copies = new Map(await values(context))
      const ids = await context.someIds(5)
      await context.edit({ ids, properties: { subject: 'edited before its deletion', content: '' } })
      await context.remove({ ids })
      await context.later()
      await context.full()
      apply(context, copies, await report())
      await context.control('POST', `/portals/${context.portal}/tickets/restore`, { ids })
      await context.edit({ ids: ids.slice(0, 2), properties: { subject: 'edited once more' } })
      await context.later()
      await context.full()
      await context.later()
      await context.incremental()
      apply(context, copies, await report())
      const wrong = (await values(context)).filter(([id, subject]) => copies.get(id) !== subject)
      context.check(`a copy built from the feed is right (${JSON.stringify(wrong)})`, wrong.length === 0)
    },
  },
  {
    name: 'a cleared value, once "" and once null, is one change',
    source: 'lists and searches show what is empty differently',
    quirks: { cleared_values: 'empty_in_list' },
    ideal: {
      requests: 10,
      how: '3 list pages of live tickets and 1 of archived ones for each of 2 full runs, 2 searches',
    },
    async script(context) {
      await context.full()
      await context.later(3_600)
      const report = feedOf(context)
      const ids = await context.edit({ count: 20, properties: { content: '' } })
      await context.later()
      await context.incremental()
      const changes = await report()
      context.check(`each is one change (${changes.length})`, changes.length === ids.length)
      await context.later(60)
      const full = await context.full()
      await context.later(60)
      await context.incremental()
      context.check(`the list brings none (${full.event.changed})`, Number(full.event.changed ?? 0) === 0)
      context.check('and the feed is silent', (await report()).length === 0)
    },
  },
]

/** Each call returns what was added to the feed since the last one. */
function feedOf({ spoke }: ScenarioContext): () => Promise<Change[]> {
  let after: string | undefined
  const read = async (query: string) => {
    if (!spoke) return []
    const { body } = await spoke.server.get(
      `/api/hubspot/changes/${spoke.tenant.tenantId}?limit=1000&${query}`,
    )
    after = body.next_after
    return body.changes.filter(({ type }: Change) => type.startsWith('issue.'))
  }
  const began = read('after=now')
  return async () => {
    await began
    return await read(`after=${after}`)
  }
}

/** Subjects by ticket id, as the API lists them. */
async function values({ spoke }: ScenarioContext): Promise<[string, string | null][]> {
  const issues = (await spoke?.tenant.issues()) ?? []
  return issues.map(({ ticket_id, properties }) => [ticket_id, (properties.subject as string) || null])
}

function apply(
  context: ScenarioContext,
  copies: Map<string, string | null>,
  changes: readonly Change[],
): void {
  for (const { ticket_id: id, changed } of changes) {
    if (id === null || !changed?.subject) continue
    const { from, to } = changed.subject
    context.check(`${id} begins at ${copies.get(id)} and not at ${from}`, copies.get(id) === from)
    copies.set(id, to)
  }
}
