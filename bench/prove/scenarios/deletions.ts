/**
 * What happens to a ticket: archived, deleted permanently, restored, merged away.
 * Longer than most files because it is a list, each entry of which reads alone.
 */
import { listCalls, type Scenario, searchCalls } from '../scenario.ts'

export const deletionScenarios: readonly Scenario[] = [
  {
    name: 'deletions arrive with the next full run',
    source: 'H21; Airbyte 19838 and 35017, Nango, Singer tap 64',
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.full()
      await context.later()
      const ids = await context.edit({
        count: 20,
        properties: { subject: 'edited just before it was deleted' },
      })
      await context.remove({ ids })
      await context.later()
      context.count()
      await context.full()
    },
  },
  {
    name: 'archived in the second in which the list showed it',
    source: 'HubSpot’s Date counts whole seconds, and so the order of two responses may be unknown',
    portal: { tickets: 100 },
    ideal: {
      requests: 3,
      how: '1 list page of live tickets, 1 of archived ones, 1 read by id to distinguish them',
    },
    async script(context) {
      const ids = await context.someIds(10)
      await context.during(
        () => context.full(),
        { match: listCalls, after: 1 },
        async () => {
          await context.remove({ ids })
          // The answer that shows them archived is to bear the second of the one that showed them live.
          const { now } = await context.control('GET', '/clock')
          await context.control('POST', '/clock', { advance_ms: -(now % 1_000) })
        },
      )
    },
  },
  {
    name: 'archived before the first load',
    source: 'H21; only the list of archived tickets knows them',
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.remove({ count: 30 })
      await context.full()
      const archived = (await context.sut.rows()).filter((one) => one.state === 'archived')
      context.check(`30 are stored as archived (${archived.length} are)`, archived.length === 30)
    },
  },
  {
    name: 'deleted for good',
    source: 'H21; GDPR deletion: neither live nor archived',
    ideal: { requests: 6, how: '3 live pages (280), 1 archived page, 2 reads by id to be sure' },
    async script(context) {
      await context.full()
      const gone = await context.remove({ count: 10 })
      await context.full()
      await context.later()
      await context.remove({ ids: gone.slice(0, 5), permanent: true })
      await context.remove({ count: 10, permanent: true })
      await context.later()
      context.count()
      await context.full()
    },
  },
  {
    name: 'six of ten archived at once',
    source: 'H22: the guard stops guesses, not what HubSpot itself lists as archived',
    ideal: { requests: 4, how: '2 list pages of live tickets, 2 of archived ones' },
    async script(context) {
      await context.full()
      await context.remove({ count: 180 })
      await context.later()
      context.count()
      await context.full()
      context.countEnds()
      // Where that is held back once, the second pass that agrees must carry it.
      await context.later()
      await context.full()
    },
  },
  {
    name: 'restored after its deletion was stored',
    source: 'H24: delete, full, restore, full; the modified time does not move',
    quirks: { restore_bumps: false },
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.full()
      const ids = await context.remove({ count: 20 })
      await context.later()
      await context.full()
      await context.control('POST', `/portals/${context.portal}/tickets/restore`, { ids: ids.slice(0, 10) })
      await context.later()
      context.count()
      await context.full()
    },
  },
  {
    name: 'restored, and found by the search',
    source: 'H24: the restore moves the modified time, so an incremental run meets a tombstone',
    quirks: { restore_bumps: true },
    ideal: { requests: 2, how: '1 search, 1 read by id before the tombstone is lifted' },
    async script(context) {
      await context.full()
      const ids = await context.remove({ count: 20 })
      await context.later()
      await context.full()
      await context.later(1_800)
      await context.control('POST', `/portals/${context.portal}/tickets/restore`, { ids: ids.slice(0, 10) })
      await context.later()
      context.count()
      await context.incremental()
    },
  },
  {
    name: 'deleted and restored between two runs',
    source: 'H24: both between two runs, and edited since',
    ideal: { requests: 1, how: '1 search' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      const ids = await context.remove({ count: 20 })
      await context.later(60)
      await context.control('POST', `/portals/${context.portal}/tickets/restore`, { ids })
      await context.edit({ ids: ids.slice(0, 10) })
      await context.later()
      context.count()
      await context.incremental()
      context.countEnds()
      await context.later()
      await context.full()
    },
  },
  {
    name: 'deleted, and found by a search whose index is old',
    source: 'no raising from the dead; index_keeps_archived',
    quirks: { index_keeps_archived: true, index_lag_ms: 240_000, index_lag_jitter_ms: 0 },
    ideal: { requests: 2, how: '1 search, 1 read by id of what it claims' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      const ids = await context.edit({ count: 20, properties: { subject: 'edited, then deleted' } })
      await context.later(250)
      await context.remove({ ids })
      await context.later(10)
      await context.full()
      await context.later(10)
      const found = await context.hubspot('POST', '/crm/objects/2026-09/tickets/search', {
        filterGroups: [
          { filters: [{ propertyName: 'subject', operator: 'EQ', value: 'edited, then deleted' }] },
        ],
        limit: 1,
      })
      // In one configuration a total also counts what is dropped from the pages, and is up to three off.
      context.check(`the index still holds the deleted ones (${found.total})`, found.total >= 17)
      context.count()
      await context.incremental()
    },
  },
  {
    name: 'deleted between the search and its keeping',
    source: 'invariant 4: a page from before the deletion, stored after it',
    quirks: { index_keeps_archived: true },
    ideal: { requests: 1, how: '1 search' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      const ids = await context.edit({ count: 20 })
      await context.later(60)
      context.count()
      await context.during(
        () => context.incremental(),
        { match: searchCalls },
        () => context.remove({ ids: ids.slice(0, 10) }),
      )
      context.countEnds()
      await context.later()
      await context.full()
      await context.incremental()
    },
  },
  {
    name: 'a merge: the losers go, the survivor has a new id',
    source: 'H23; ghost and missing survivor in every public sync',
    ideal: { requests: 1, how: '1 search; the survivor names its losers' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      const [primary, loser] = await context.someIds(2)
      await merge(context, primary, loser)
      await context.later()
      context.count()
      await context.incremental()
    },
  },
  {
    name: 'a merge of merged ones, within one interval and over two',
    source: 'H23: chains',
    ideal: { requests: 1, how: '1 search; each survivor names all who were merged into it' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      const [a, b, c, d, e, f] = await context.someIds(6)
      const first = await merge(context, a, b)
      const other = await merge(context, d, e)
      await context.later(30)
      const second = await merge(context, first, c)
      await context.later()
      await context.incremental()
      await merge(context, other, f)
      await context.later()
      context.count()
      await context.incremental()
      context.countEnds()
      await merge(context, second, (await context.someIds(7)).at(-1))
      await context.later()
      await context.incremental()
    },
  },
  {
    name: 'merged before the first load',
    source: 'H23: losers stand in the archived list or in none',
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      const [a, b, c] = await context.someIds(3)
      await merge(context, await merge(context, a, b), c)
      await context.full()
      await context.later()
      await context.full()
    },
  },
]

/** @returns the survivor's id */
async function merge(
  { control, portal }: Parameters<Scenario['script']>[0],
  primary: string | undefined,
  loser: string | undefined,
): Promise<string> {
  const { survivor } = await control('POST', `/portals/${portal}/tickets/merge`, { primary, loser })
  return typeof survivor === 'object' ? survivor.id : String(survivor)
}
