/** Changes that a sync loses: edits at the wrong moment, too many of them, several in one millisecond. */
import { setTimeout as pause } from 'node:timers/promises'
import { listCalls, type Scenario, searchCalls } from '../scenario.ts'

const bulk = { hs_ticket_priority: 'HIGH' }

export const changeScenarios: readonly Scenario[] = [
  {
    name: 'nothing changed: one request',
    source: 'Singer tap: an incremental run without changes costs 200 requests',
    portal: { tickets: 2_000 },
    ideal: { requests: 1, how: 'one empty search' },
    atMost: 1,
    async script(context) {
      await context.full()
      await context.later(3_600)
      await context.incremental()
      await context.later(3_600)
      context.count()
      await context.incremental()
    },
  },
  {
    name: '100 changes: one page',
    source: 'cost of an ordinary incremental run',
    portal: { tickets: 2_000 },
    ideal: { requests: 1, how: '100 changes fit one search page of 200' },
    atMost: 2,
    async script(context) {
      await context.full()
      await context.later(3_600)
      await context.incremental()
      await context.later(1_800)
      await context.edit({ count: 100 })
      await context.later(1_800)
      context.count()
      await context.incremental()
    },
  },
  {
    name: 'edited while the first load runs',
    source: 'H20; Airbyte PR 16214; Nango template',
    portal: { tickets: 500 },
    ideal: { requests: 6, how: '5 list pages of 100, 1 search' },
    async script(context) {
      const ids = await context.someIds(50)
      // A later edit of a ticket on the last page carries the highest time seen beyond those of the first.
      await context.during(
        () => context.full(),
        { match: listCalls, after: 2 },
        async () => {
          await context.edit({ ids, properties: { subject: 'edited behind the reader' } })
          await context.later(2)
          await context.edit({ count: 5, pick: 'last', properties: { subject: 'edited before the reader' } })
        },
      )
      await context.later()
      await context.incremental()
    },
  },
  {
    name: 'more than 10,000 changes between two runs',
    source: 'Nango template, its PR 647',
    portal: { tickets: 12_500 },
    ideal: { requests: 60, how: '12,000 changes at 200 a search page' },
    atMost: 70,
    naiveWithin: 120,
    async script(context) {
      await context.full(120)
      await context.later(3_600)
      const start = (await context.control('GET', '/clock')).now
      const ids = await context.someIds(12_000)
      for (let i = 0; i < 120; i++)
        await context.edit({
          ids: ids.slice(i * 100, i * 100 + 100),
          at: start + i * 1_000,
          properties: bulk,
        })
      await context.later(3_600)
      context.count()
      await context.incremental(120)
    },
  },
  {
    name: 'bulk edit of 25,000 tickets in one millisecond',
    source: 'H18; Airbyte 43317',
    portal: { tickets: 25_000 },
    ideal: { requests: 125, how: '25,000 changes at 200 a search page' },
    atMost: 140,
    naiveWithin: 120,
    async script(context) {
      await context.full(180)
      await context.later(3_600)
      await context.edit({ count: 25_000, properties: bulk })
      await context.later(3_600)
      context.count()
      await context.incremental(180)
    },
  },
  {
    name: 'a second edit in the same millisecond',
    source: 'GT instead of GTE: Nango template, Airbyte',
    ideal: { requests: 2, how: 'one search for each run' },
    async script(context) {
      await context.full()
      await context.later()
      const { now } = await context.control('GET', '/clock')
      const [one, other] = await context.someIds(2)
      await context.edit({ ids: [one], at: now, properties: { subject: 'first' } })
      await context.later(30)
      context.count()
      await context.incremental()
      await context.edit({ ids: [one], at: now, properties: { subject: 'second' } })
      await context.edit({ ids: [other], at: now, properties: { subject: 'another one' } })
      await context.later(30)
      await context.incremental()
      context.countEnds()
      await context.later()
      await context.incremental()
    },
  },
  {
    name: 'rows slide over a page border while paging',
    source: 'offset paging over a result that moves',
    portal: { tickets: 1_000 },
    quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 },
    ideal: { requests: 3, how: '600 changes at 200 a search page' },
    async script(context) {
      await context.full()
      await context.later(3_600)
      const start = (await context.control('GET', '/clock')).now
      const ids = await context.someIds(600)
      for (const [i, id] of ids.entries())
        await context.edit({ ids: [id], at: start + i, properties: { subject: `moved ${i}` } })
      await context.later(3_600)
      context.count()
      // Three of the first page change again: what lies behind the border slides before it.
      await context.during(
        () => context.incremental(),
        { match: searchCalls, after: 1 },
        () => context.edit({ ids: ids.slice(10, 13), properties: { subject: 'moved again' } }),
      )
      context.countEnds()
      await context.later()
      await context.incremental()
    },
  },
  {
    name: 'somebody writes all the while',
    source: 'H19',
    portal: { tickets: 1_500 },
    ideal: { requests: 4, how: '700 changes at 200 a search page' },
    async script(context) {
      await context.full()
      await context.later(3_600)
      await context.edit({ count: 700 })
      await context.later(60)
      context.count()
      const slow = await context.fault({
        kind: 'delay',
        delay_ms: 150,
        match: { path: '/tickets' },
        times: null,
      })
      let over = false
      const writer = (async () => {
        while (!over) {
          await context.edit({ count: 5 })
          await pause(100)
        }
      })()
      await context.incremental()
      over = true
      await writer
      context.countEnds()
      await context.control('DELETE', `/faults/${slow.id}`)
      await context.later()
      await context.incremental()
    },
  },
]
