/**
 * Lists and searches that are not what one would like: short, out of order, behind, or refusing their own cursor.
 * Longer than most files because it is a list, each entry of which reads alone.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { batchReads, listCalls, type Scenario, searchCalls } from '../scenario.ts'

export const pagingScenarios: readonly Scenario[] = [
  {
    name: 'short and empty pages that have a next one',
    source: 'Airbyte 80744',
    portal: { tickets: 1_000 },
    quirks: { short_pages: true },
    ideal: { requests: 4, how: '700 changes at 200 a search page' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      await context.edit({ count: 700 })
      await context.later()
      context.count()
      await context.incremental()
    },
  },
  {
    name: 'the index lags by up to a minute, out of order',
    source: 'H17; Airbyte 69203 and 31176',
    quirks: { index_lag_ms: 1_000, index_lag_jitter_ms: 58_000 },
    env: { SPOKE_INDEX_LAG: '60s' },
    ideal: { requests: 8, how: 'one search for each of 8 runs' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      context.count()
      for (let round = 0; round < 7; round++) {
        for (let i = 0; i < 5; i++) {
          await context.edit({ count: 3 })
          await context.create({ count: 1 })
          await context.later(8)
        }
        await context.incremental()
      }
      await context.later()
      await context.incremental()
    },
  },
  ...[400, 3_600].map(
    (late): Scenario => ({
      name: `one change in fifty is indexed ${late < 600 ? `${late} seconds` : 'an hour'} late`,
      source: `H17: outliers, ${late < 600 ? 'within the look-back' : 'beyond it, fixed by the full run'}`,
      quirks: { index_outlier_ms: late * 1_000 },
      env: { SPOKE_INDEX_LAG: '10s' },
      ideal: { requests: 6, how: 'one search for each of 6 runs; the full run is not counted' },
      async script(context) {
        await context.full()
        await context.later(1_800)
        context.count()
        for (let round = 0; round < 4; round++) {
          for (let i = 0; i < 40; i++) await context.edit({ count: 1 })
          await context.create({ count: 20 })
          await context.later()
          await context.incremental()
        }
        await context.later()
        await context.incremental()
        await context.later()
        await context.incremental()
        context.countEnds()
        if (late < 600) return
        const { missing, stale } = await context.look()
        // Where a window had to be settled by the list, that found them before.
        const listed = context
          .calls()
          .some(({ method, path }) => method === 'GET' && path.includes('/objects/'))
        context.check('the search did not have them', listed || missing.length + stale.length > 0)
        await context.full()
      },
    }),
  ),
  ...(['text', 'mixed'] as const).map(
    (order): Scenario => ({
      name: `record ids in the order of ${order === 'text' ? 'text' : 'text, compared as numbers'}`,
      source: `uncertain fact: ticket_id_sort ${order}; ids of 11 and 12 digits`,
      portal: { tickets: 1_000, first_ticket_id: 99_999_996_000 },
      quirks: { ticket_id_sort: order },
      ideal: { requests: 4, how: '700 changes at 200 a search page' },
      async script(context) {
        await context.full()
        await context.later(1_800)
        await context.edit({ count: 700, properties: { hs_ticket_priority: 'HIGH' } })
        await context.later()
        context.count()
        await context.incremental(120)
      },
    }),
  ),
  {
    name: 'results out of order, outside the window, and a total that wobbles',
    source: 'uncertain facts: search_order, search_outside, search_total, search_values',
    portal: { tickets: 1_000 },
    quirks: {
      search_order: 'shuffled',
      search_outside: true,
      search_total: 'wobbly',
      search_values: 'current',
      index_keeps_archived: true,
    },
    ideal: { requests: 4, how: '700 changes at 200 a search page' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      await context.edit({ count: 500 })
      await context.later(30)
      await context.edit({ count: 300 })
      await context.later()
      context.count()
      await context.incremental(120)
      context.countEnds()
      await context.remove({ count: 20 })
      await context.later()
      await context.full(120)
      await context.incremental(120)
    },
  },
  {
    name: 'HubSpot refuses a saved cursor',
    source: 'a cursor of a list that is retried for ever',
    portal: { tickets: 800 },
    ideal: { requests: 9, how: '8 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.during(
        () => context.full(),
        { match: listCalls, after: 4 },
        () => context.control('POST', `/portals/${context.portal}/cursors/void`),
      )
    },
  },
  {
    name: 'the same cursor twice',
    source: 'H7: a loop of pages',
    naiveWithin: 8,
    portal: { tickets: 500 },
    ideal: { requests: 6, how: '5 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      const list = '/crm/objects/2026-09/tickets?limit=100'
      const first = await context.hubspot('GET', list)
      const { after } = first.paging.next
      const second = await context.hubspot('GET', `${list}&after=${encodeURIComponent(after)}`)
      second.paging = { next: { after } }
      const loop = await context.fault({
        kind: 'status',
        status: 200,
        body: second,
        match: listCalls,
        after: 1,
        times: null,
      })
      let over = false
      const run = context.full(120).finally(() => {
        over = true
      })
      while (loop.hits() < 2 && !over) await pause(20)
      const before = loop.hits()
      await pause(2_000)
      const more = loop.hits() - before
      context.check(`the loop was met (${before})`, before >= 2)
      context.check(`it does not go round in circles (${more} times in 2 s)`, more <= 4)
      // A sync that does not notice never ends.
      if (context.spoke) await context.clearFaults()
      await run
    },
  },
  {
    name: 'an empty page ends a full run early',
    source: 'H22: 0 tombstones',
    portal: { tickets: 1_000 },
    ideal: { requests: 11, how: '10 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.full()
      await context.later()
      await context.fault({ kind: 'status', status: 200, body: { results: [] }, match: listCalls, after: 2 })
      context.count()
      await context.full()
    },
  },
  {
    name: 'an outage that answers everything with nothing',
    source: 'H22: the guard; lists and reads by id are empty',
    portal: { tickets: 1_000 },
    env: { SPOKE_DELETION_LIMIT: '20' },
    ideal: { requests: 11, how: '10 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.full()
      await context.later()
      const nothing = { kind: 'status', status: 200, body: { results: [] }, times: null }
      await context.fault({ ...nothing, match: listCalls, after: 2 })
      await context.fault({ ...nothing, match: batchReads })
      context.count()
      const report = await context.full()
      context.countEnds()
      await context.clearFaults()
      context.check('the run reports that deletions were held back', report.reported !== 'succeeded')
    },
  },
  {
    name: 'a full run cut short deletes nothing',
    source: 'H21: aborted at a page, then it continues',
    portal: { tickets: 600 },
    ideal: { requests: 8, how: '6 list pages of live tickets, 2 of archived ones' },
    async script(context) {
      await context.full()
      await context.later()
      await context.remove({ count: 30 })
      context.count()
      for (const page of [1, 3, 5]) {
        const outage = await context.fault({
          kind: 'status',
          status: 500,
          match: listCalls,
          after: page,
          times: null,
        })
        const run = context.full(120)
        const end = Date.now() + 10_000
        while (outage.hits() < 3 && Date.now() < end) await pause(20)
        const { missing } = await context.look()
        context.check(
          `cut short at page ${page + 1} it marked none deleted (${missing.length})`,
          missing.length === 0,
        )
        await context.clearFaults()
        await run
      }
    },
  },
  {
    name: 'a search page is lost in the middle of an incremental run',
    source: 'H6: a page is stored whole or not at all',
    portal: { tickets: 1_000 },
    ideal: { requests: 4, how: '700 changes at 200 a search page' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      await context.edit({ count: 700 })
      await context.later()
      context.count()
      await context.fault({ kind: 'truncate', match: searchCalls, after: 2, times: 2 })
      await context.incremental()
    },
  },
]
