/** Our own side: killed processes, two tenants on one account, clocks that jump. */
import { batchReads, listCalls, type Scenario, searchCalls } from '../scenario.ts'
import { createTenant } from '../spoke.ts'

export const processScenarios: readonly Scenario[] = [
  {
    name: 'kill -9 in the middle of the first load',
    source: 'a killed process costs its lease and nothing else',
    portal: { tickets: 800 },
    ideal: { requests: 9, how: '8 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.edit({ count: 30 })
      await context.during(
        () => context.full(150),
        { match: listCalls, after: 4 },
        async () => {
          await context.edit({ count: 30 })
          await context.sut.killAndRestart()
        },
      )
      await context.later()
      await context.incremental()
    },
  },
  {
    name: 'kill -9 in the middle of an incremental run',
    source: 'cursor and rows are committed together',
    portal: { tickets: 1_000 },
    ideal: { requests: 4, how: '700 changes at 200 a search page' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      // The later ids are edited first, so that a sync that records the highest time before all rows are stored loses them.
      const ids = await context.someIds(700)
      await context.edit({ ids: ids.slice(350) })
      await context.later(2)
      await context.edit({ ids: ids.slice(0, 350) })
      await context.later()
      context.count()
      await context.during(
        () => context.incremental(150),
        { match: searchCalls, after: 2 },
        () => context.sut.killAndRestart(),
      )
      await context.later()
      await context.incremental()
    },
  },
  {
    name: 'kill -9 while a full run verifies deletions',
    source: 'H21: between the pass and its tombstones',
    portal: { tickets: 400 },
    ideal: { requests: 6, how: '4 live pages, 1 archived page, 1 read by id' },
    async script(context) {
      await context.full()
      await context.later()
      await context.remove({ count: 20 })
      await context.remove({ count: 20, permanent: true })
      context.count()
      if (context.spoke) {
        await context.during(
          () => context.full(150),
          { match: batchReads },
          () => context.sut.killAndRestart(),
        )
      } else await context.full()
    },
  },
  {
    name: 'an incremental run beside a full one',
    source: 'a tenant’s incrementals go on while its full pass runs',
    portal: { tickets: 600 },
    ideal: { requests: 8, how: '6 live pages, 1 archived page, 1 search' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      const ids = await context.edit({ count: 50 })
      await context.later(60)
      context.count()
      let beside: Promise<unknown> = Promise.resolve()
      await context.during(
        () => context.full(),
        { match: listCalls, after: 2 },
        async () => {
          await context.remove({ ids: ids.slice(0, 10) })
          if (context.spoke) beside = context.incremental()
        },
      )
      await beside
      context.countEnds()
      await context.later()
      await context.full()
    },
  },
  {
    name: 'two tenants on one HubSpot account',
    source: 'H28',
    portal: { tickets: 300 },
    ideal: { requests: 2, how: 'one search for each tenant' },
    withoutNaive: 'it knows no tenants',
    async script(context) {
      const { server } = context.spoke as NonNullable<typeof context.spoke>
      const other = createTenant(server, context.portal, async (self) => {
        const { token } = await context.control('POST', `/portals/${context.portal}/tokens`, {
          kind: 'private_app',
        })
        return await self.connect(token)
      })
      await context.full()
      await other.full()
      await context.later(1_800)
      await context.edit({ count: 50 })
      await context.later()
      context.count()
      await context.incremental()
      const unread = (await other.rows()).length
      await other.incremental()
      context.countEnds()
      const [mine, theirs] = [await context.sut.rows(), await other.rows()]
      context.check(`each has its own 300 (${mine.length}, ${unread}, ${theirs.length})`, unread === 300)
      const texts = (rows: typeof mine) =>
        rows.map((one) => `${one.id} ${one.properties.subject} ${one.properties.hs_lastmodifieddate}`).sort()
      context.check('both are the same', texts(mine).join('\n') === texts(theirs).join('\n'))
    },
  },
  ...[600, -600].map(
    (seconds): Scenario => ({
      name: `HubSpot's clock jumps ${seconds > 0 ? 'ahead' : 'back'} by ten minutes`,
      source: 'H25',
      portal: { tickets: 600 },
      ideal: { requests: 3, how: 'one search for each of 3 runs' },
      async script(context) {
        // No ticket twice: by HubSpot's own times the older of two edits could then be the newer one.
        const ids = await context.someIds(600)
        const edit = (from: number) => context.edit({ ids: ids.filter((_, i) => i % 60 === from) })
        await context.during(
          () => context.full(),
          { match: listCalls, after: 2 },
          async () => {
            await edit(0)
            await context.later(seconds)
            await edit(1)
          },
        )
        await context.later(20)
        context.count()
        await context.incremental()
        await edit(2)
        await context.later(seconds)
        await edit(3)
        await context.later(20)
        await context.incremental()
        // The schedule continues until the clock is where it was, and past the look-back.
        await context.later(1_300)
        await context.incremental()
      },
    }),
  ),
]
