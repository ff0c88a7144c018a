/** Our own side: killed processes, two tenants on one account, clocks that jump. */
import { batchReads, listCalls, type Scenario, searchCalls } from '../scenario.ts'
import { createTenant } from '../spoke.ts'

export const processScenarios: readonly Scenario[] = [
  {
    name: 'kill -9 in the middle of the first load',
    source: 'a killed process costs its lease and nothing else',
    portal: { tickets: 800 },
    ideal: { requests: 9, how: '8 list pages of live tickets, 1 of archived ones' },
    async script(scene) {
      await scene.edit({ count: 30 })
      await scene.during(
        () => scene.full(150),
        { match: listCalls, after: 4 },
        async () => {
          await scene.edit({ count: 30 })
          await scene.sut.killAndRestart()
        },
      )
      await scene.later()
      await scene.incremental()
    },
  },
  {
    name: 'kill -9 in the middle of an incremental run',
    source: 'cursor and rows are committed together',
    portal: { tickets: 1_000 },
    ideal: { requests: 4, how: '700 changes at 200 a search page' },
    async script(scene) {
      await scene.full()
      await scene.later(1_800)
      // The later ids are edited first, so that whoever notes the highest time before all rows are kept loses them.
      const ids = await scene.someIds(700)
      await scene.edit({ ids: ids.slice(350) })
      await scene.later(2)
      await scene.edit({ ids: ids.slice(0, 350) })
      await scene.later()
      scene.count()
      await scene.during(
        () => scene.incremental(150),
        { match: searchCalls, after: 2 },
        () => scene.sut.killAndRestart(),
      )
      await scene.later()
      await scene.incremental()
    },
  },
  {
    name: 'kill -9 while a full run makes sure of what is gone',
    source: 'H21: between the pass and its tombstones',
    portal: { tickets: 400 },
    ideal: { requests: 6, how: '4 live pages, 1 archived page, 1 read by id' },
    async script(scene) {
      await scene.full()
      await scene.later()
      await scene.remove({ count: 20 })
      await scene.remove({ count: 20, permanent: true })
      scene.count()
      if (scene.spoke) {
        await scene.during(
          () => scene.full(150),
          { match: batchReads },
          () => scene.sut.killAndRestart(),
        )
      } else await scene.full()
    },
  },
  {
    name: 'an incremental run beside a full one',
    source: 'a tenant’s incrementals go on while its full pass runs',
    portal: { tickets: 600 },
    ideal: { requests: 8, how: '6 live pages, 1 archived page, 1 search' },
    async script(scene) {
      await scene.full()
      await scene.later(1_800)
      const ids = await scene.edit({ count: 50 })
      await scene.later(60)
      scene.count()
      let beside: Promise<unknown> = Promise.resolve()
      await scene.during(
        () => scene.full(),
        { match: listCalls, after: 2 },
        async () => {
          await scene.remove({ ids: ids.slice(0, 10) })
          if (scene.spoke) beside = scene.incremental()
        },
      )
      await beside
      scene.countEnds()
      await scene.later()
      await scene.full()
    },
  },
  {
    name: 'two tenants on one HubSpot account',
    source: 'H28',
    portal: { tickets: 300 },
    ideal: { requests: 2, how: 'one search for each tenant' },
    withoutNaive: 'it knows no tenants',
    async script(scene) {
      const { server } = scene.spoke as NonNullable<typeof scene.spoke>
      const other = createTenant(server, scene.portal, async (self) => {
        const { token } = await scene.control('POST', `/portals/${scene.portal}/tokens`, {
          kind: 'private_app',
        })
        return await self.connect(token)
      })
      await scene.full()
      await other.full()
      await scene.later(1_800)
      await scene.edit({ count: 50 })
      await scene.later()
      scene.count()
      await scene.incremental()
      const unread = (await other.rows()).length
      await other.incremental()
      scene.countEnds()
      const [mine, theirs] = [await scene.sut.rows(), await other.rows()]
      scene.check(`each has its own 300 (${mine.length}, ${unread}, ${theirs.length})`, unread === 300)
      const texts = (rows: typeof mine) =>
        rows.map((one) => `${one.id} ${one.properties.subject} ${one.properties.hs_lastmodifieddate}`).sort()
      scene.check('both are the same', texts(mine).join('\n') === texts(theirs).join('\n'))
    },
  },
  ...[600, -600].map(
    (seconds): Scenario => ({
      name: `HubSpot's clock jumps ${seconds > 0 ? 'ahead' : 'back'} by ten minutes`,
      source: 'H25',
      portal: { tickets: 600 },
      ideal: { requests: 3, how: 'one search for each of 3 runs' },
      async script(scene) {
        // No ticket twice: by HubSpot's own times the older of two edits could then be the newer one.
        const ids = await scene.someIds(600)
        const edit = (from: number) => scene.edit({ ids: ids.filter((_, i) => i % 60 === from) })
        await scene.during(
          () => scene.full(),
          { match: listCalls, after: 2 },
          async () => {
            await edit(0)
            await scene.later(seconds)
            await edit(1)
          },
        )
        await scene.later(20)
        scene.count()
        await scene.incremental()
        await edit(2)
        await scene.later(seconds)
        await edit(3)
        await scene.later(20)
        await scene.incremental()
        // The schedule goes on until the clock is where it was, and past the look-back.
        await scene.later(1_300)
        await scene.incremental()
      },
    }),
  ),
]
