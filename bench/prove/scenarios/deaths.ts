/**
 * What befalls a ticket: archived, deleted for good, restored, merged away.
 * Longer than most files because it is a list, each entry of which reads alone.
 */
import { listCalls, type Scenario, searchCalls } from '../scenario.ts'

export const deathScenarios: readonly Scenario[] = [
  {
    name: 'deletions arrive with the next full run',
    source: 'H21; Airbyte 19838 and 35017, Nango, Singer tap 64',
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(scene) {
      await scene.full()
      await scene.later()
      const ids = await scene.edit({
        count: 20,
        properties: { subject: 'edited just before it was deleted' },
      })
      await scene.remove({ ids })
      await scene.later()
      scene.count()
      await scene.full()
    },
  },
  {
    name: 'archived in the second in which the list showed it',
    source: 'HubSpot’s Date counts whole seconds, and so the order of two answers may not be told',
    portal: { tickets: 100 },
    ideal: {
      requests: 3,
      how: '1 list page of live tickets, 1 of archived ones, 1 read by id to tell them apart',
    },
    async script(scene) {
      const ids = await scene.someIds(10)
      await scene.during(
        () => scene.full(),
        { match: listCalls, after: 1 },
        async () => {
          await scene.remove({ ids })
          // The answer that shows them archived is to bear the second of the one that showed them live.
          const { now } = await scene.control('GET', '/clock')
          await scene.control('POST', '/clock', { advance_ms: -(now % 1_000) })
        },
      )
    },
  },
  {
    name: 'archived before the first load',
    source: 'H21; only the list of archived tickets knows them',
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(scene) {
      await scene.remove({ count: 30 })
      await scene.full()
      const archived = (await scene.sut.rows()).filter((one) => one.state === 'archived')
      scene.check(`30 are kept as archived (${archived.length} are)`, archived.length === 30)
    },
  },
  {
    name: 'deleted for good',
    source: 'H21; GDPR deletion: neither live nor archived',
    ideal: { requests: 6, how: '3 live pages (280), 1 archived page, 2 reads by id to be sure' },
    async script(scene) {
      await scene.full()
      const gone = await scene.remove({ count: 10 })
      await scene.full()
      await scene.later()
      await scene.remove({ ids: gone.slice(0, 5), permanent: true })
      await scene.remove({ count: 10, permanent: true })
      await scene.later()
      scene.count()
      await scene.full()
    },
  },
  {
    name: 'six of ten archived at once',
    source: 'H22: the guard stops guesses, not what HubSpot itself lists as archived',
    ideal: { requests: 4, how: '2 list pages of live tickets, 2 of archived ones' },
    async script(scene) {
      await scene.full()
      await scene.remove({ count: 180 })
      await scene.later()
      scene.count()
      await scene.full()
      scene.countEnds()
      // Where that is held back once, the second pass that agrees must carry it.
      await scene.later()
      await scene.full()
    },
  },
  {
    name: 'restored after its deletion was kept',
    source: 'H24: delete, full, restore, full; the modified time does not move',
    quirks: { restore_bumps: false },
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(scene) {
      await scene.full()
      const ids = await scene.remove({ count: 20 })
      await scene.later()
      await scene.full()
      await scene.control('POST', `/portals/${scene.portal}/tickets/restore`, { ids: ids.slice(0, 10) })
      await scene.later()
      scene.count()
      await scene.full()
    },
  },
  {
    name: 'restored, and found by the search',
    source: 'H24: the restore moves the modified time, so an incremental run meets a tombstone',
    quirks: { restore_bumps: true },
    ideal: { requests: 2, how: '1 search, 1 read by id before the tombstone is lifted' },
    async script(scene) {
      await scene.full()
      const ids = await scene.remove({ count: 20 })
      await scene.later()
      await scene.full()
      await scene.later(1_800)
      await scene.control('POST', `/portals/${scene.portal}/tickets/restore`, { ids: ids.slice(0, 10) })
      await scene.later()
      scene.count()
      await scene.incremental()
    },
  },
  {
    name: 'deleted and restored while nobody looked',
    source: 'H24: both between two runs, and edited since',
    ideal: { requests: 1, how: '1 search' },
    async script(scene) {
      await scene.full()
      await scene.later(1_800)
      const ids = await scene.remove({ count: 20 })
      await scene.later(60)
      await scene.control('POST', `/portals/${scene.portal}/tickets/restore`, { ids })
      await scene.edit({ ids: ids.slice(0, 10) })
      await scene.later()
      scene.count()
      await scene.incremental()
      scene.countEnds()
      await scene.later()
      await scene.full()
    },
  },
  {
    name: 'deleted, and found by a search whose index is old',
    source: 'no raising from the dead; index_keeps_archived',
    quirks: { index_keeps_archived: true, index_lag_ms: 240_000, index_lag_jitter_ms: 0 },
    ideal: { requests: 2, how: '1 search, 1 read by id of what it claims' },
    async script(scene) {
      await scene.full()
      await scene.later(1_800)
      const ids = await scene.edit({ count: 20, properties: { subject: 'edited, then deleted' } })
      await scene.later(250)
      await scene.remove({ ids })
      await scene.later(10)
      await scene.full()
      await scene.later(10)
      const found = await scene.hubspot('POST', '/crm/objects/2026-09/tickets/search', {
        filterGroups: [
          { filters: [{ propertyName: 'subject', operator: 'EQ', value: 'edited, then deleted' }] },
        ],
        limit: 1,
      })
      // In one of the worlds a total counts what is dropped from the pages too, and is up to three off.
      scene.check(`the index still holds the deleted ones (${found.total})`, found.total >= 17)
      scene.count()
      await scene.incremental()
    },
  },
  {
    name: 'deleted between the search and its keeping',
    source: 'law 4: a page of before the deletion, kept after it',
    quirks: { index_keeps_archived: true },
    ideal: { requests: 1, how: '1 search' },
    async script(scene) {
      await scene.full()
      await scene.later(1_800)
      const ids = await scene.edit({ count: 20 })
      await scene.later(60)
      scene.count()
      await scene.during(
        () => scene.incremental(),
        { match: searchCalls },
        () => scene.remove({ ids: ids.slice(0, 10) }),
      )
      scene.countEnds()
      await scene.later()
      await scene.full()
      await scene.incremental()
    },
  },
  {
    name: 'a merge: the losers go, the survivor has a new id',
    source: 'H23; ghost and missing survivor in every public sync',
    ideal: { requests: 1, how: '1 search; the survivor names its losers' },
    async script(scene) {
      await scene.full()
      await scene.later(1_800)
      const [primary, loser] = await scene.someIds(2)
      await merge(scene, primary, loser)
      await scene.later()
      scene.count()
      await scene.incremental()
    },
  },
  {
    name: 'a merge of merged ones, within one interval and over two',
    source: 'H23: chains',
    ideal: { requests: 1, how: '1 search; each survivor names all who were merged into it' },
    async script(scene) {
      await scene.full()
      await scene.later(1_800)
      const [a, b, c, d, e, f] = await scene.someIds(6)
      const first = await merge(scene, a, b)
      const other = await merge(scene, d, e)
      await scene.later(30)
      const second = await merge(scene, first, c)
      await scene.later()
      await scene.incremental()
      await merge(scene, other, f)
      await scene.later()
      scene.count()
      await scene.incremental()
      scene.countEnds()
      await merge(scene, second, (await scene.someIds(7)).at(-1))
      await scene.later()
      await scene.incremental()
    },
  },
  {
    name: 'merged before the first load',
    source: 'H23: losers stand in the archived list or in none',
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(scene) {
      const [a, b, c] = await scene.someIds(3)
      await merge(scene, await merge(scene, a, b), c)
      await scene.full()
      await scene.later()
      await scene.full()
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
