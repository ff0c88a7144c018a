/**
 * Failures of HubSpot, or of the connection to it: limits, 5xx, no response, broken bodies.
 * Longer than most files because it is a list, each entry of which reads alone.
 */
import { setTimeout as pause } from 'node:timers/promises'
import {
  batchReads,
  type Call,
  crmCalls,
  listCalls,
  type Scenario,
  type ScenarioContext,
  searchCalls,
} from '../scenario.ts'

const pages = (tickets: number) => ({
  requests: tickets / 100 + 1,
  how: `${tickets / 100} list pages of live tickets, 1 of archived ones`,
})

export const outageScenarios: readonly Scenario[] = [
  {
    name: '429 of the ten-second window, with Retry-After',
    source: 'H1',
    portal: { tickets: 500 },
    ideal: pages(500),
    async script(context) {
      const limit = { kind: 'rate_limit', policy: 'ten_secondly', retry_after: 3, match: listCalls }
      await context.fault({ ...limit, after: 2 })
      await context.full()
      const early = within(context.calls(), (one) => one.fault === 'rate_limit', 2_900)
      context.check(`no call before Retry-After (${early})`, early === 0)
    },
  },
  {
    name: '429 of the second, on searches',
    source: 'H1',
    portal: { tickets: 1_000 },
    ideal: { requests: 4, how: '700 changes at 200 a search page' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      await context.edit({ count: 700 })
      await context.later()
      context.count()
      await context.fault({ kind: 'rate_limit', policy: 'secondly', match: searchCalls, after: 1, times: 2 })
      await context.incremental()
    },
  },
  {
    name: 'a limit far below the documented one, shared with others',
    source: 'H1: other apps of the account spend the same calls',
    portal: { tickets: 1_500 },
    limits: { private_ten_secondly: 12 },
    ideal: pages(1_500),
    naiveWithin: 60,
    async script(context) {
      await context.control('POST', `/portals/${context.portal}/traffic`, { calls: 4 })
      await context.full(120)
      const refused = context.calls().filter((one) => one.status === 429).length
      context.check(`few calls are refused (${refused})`, refused <= 5)
    },
  },
  {
    name: 'the daily limit: it waits and probes rarely',
    source: 'H2; the clock moves past the account’s midnight',
    portal: { tickets: 1_000, time_zone: 'Europe/Berlin' },
    limits: { daily: 6 },
    ideal: { requests: 11, how: '10 list pages of live tickets, 1 of archived ones' },
    naiveWithin: 15,
    async script(context) {
      const run = context.full(120)
      await seen(context, (calls) => calls.some((one) => one.status === 429), 30)
      const before = context.calls().length
      await pause(7_000)
      const probes = context.calls().length - before
      context.check(`it does not knock while the day lasts (${probes} calls in 7 s)`, probes <= 1)
      if (context.spoke) {
        const { waiting_for, state } = await newestRun(context)
        context.check(
          `it reports it: waiting for hubspot_limit (${state} ${waiting_for})`,
          waiting_for === 'hubspot_limit',
        )
      }
      await context.passHours(25)
      // The new day has calls for the others.
      await context.control('POST', '/limits', { daily: 1_000 })
      await run
      // A sync that gave up is requested again.
      if (!context.spoke) await context.full()
    },
  },
  {
    name: 'the daily limit, and Retry-After contains when it ends',
    source: 'H2',
    portal: { tickets: 500 },
    ideal: pages(500),
    async script(context) {
      const limit = { kind: 'rate_limit', policy: 'daily', retry_after: 6, match: listCalls, after: 2 }
      await context.fault(limit)
      const report = await context.full()
      const early = within(context.calls(), (one) => one.fault === 'rate_limit', 5_900)
      context.check(`no call before Retry-After (${early})`, early === 0)
      context.check(
        `it reports what it waits for (${report.waitedFor})`,
        report.waitedFor.includes('hubspot_limit'),
      )
    },
  },
  {
    name: 'one of each: 500 502 503 504 520 521 522 524 423',
    source: 'H3',
    portal: { tickets: 1_000 },
    ideal: pages(1_000),
    async script(context) {
      for (const [i, status] of [500, 502, 503, 504, 520, 521, 522, 524, 423].entries())
        await context.fault({ kind: 'status', status, match: listCalls, after: i })
      await context.full()
    },
  },
  {
    name: 'the account is being moved: 477 with Retry-After',
    source: 'H3',
    portal: { tickets: 500 },
    ideal: pages(500),
    async script(context) {
      await context.fault({ kind: 'status', status: 477, retry_after: 5, match: listCalls, after: 2 })
      await context.full()
      const early = within(context.calls(), (one) => one.status === 477, 4_900)
      context.check(`no call before Retry-After (${early})`, early === 0)
    },
  },
  {
    name: 'ten seconds without HubSpot',
    source: 'H3: an outage is reported and ends by itself',
    portal: { tickets: 1_000 },
    ideal: pages(1_000),
    async script(context) {
      const outage = await context.fault({
        kind: 'status',
        status: 503,
        match: crmCalls,
        after: 3,
        times: null,
      })
      const run = context.full(150)
      await seen(context, (calls) => calls.some((one) => one.status === 503), 20)
      await pause(10_000)
      const asked = outage.hits()
      context.check(`it does not hammer (${asked} calls in 10 s)`, asked <= 30)
      await context.clearFaults()
      await run
    },
  },
  {
    name: 'half a minute without HubSpot: the run resumes soon after its return',
    source: 'a run that waited a minute and a half more, with HubSpot back',
    portal: { tickets: 500 },
    ideal: pages(500),
    naiveWithin: 5,
    async script(context) {
      await context.fault({ kind: 'status', status: 503, match: crmCalls, after: 3, times: null })
      const run = context.full(150)
      await seen(context, (calls) => calls.some((one) => one.status === 503), 20)
      await pause(30_000)
      await context.clearFaults()
      const began = Date.now()
      await run
      const seconds = Math.round((Date.now() - began) / 1_000)
      context.check(`it ends within 30 s of the return (${seconds} s)`, seconds <= 30)
    },
  },
  {
    name: 'no answer at all, to lists and to searches',
    source: 'H4: a hang in each phase',
    portal: { tickets: 600 },
    env: { HUBSPOT_TIMEOUT: '1s' },
    ideal: { requests: 3, how: '500 changes at 200 a search page' },
    naiveWithin: 10,
    async script(context) {
      await context.fault({ kind: 'hang', match: listCalls, after: 2 })
      await context.full()
      await context.later(1_800)
      await context.edit({ count: 500 })
      await context.later()
      context.count()
      await context.fault({ kind: 'hang', match: searchCalls, after: 1 })
      await context.fault({ kind: 'hang', match: batchReads })
      await context.incremental()
    },
  },
  {
    name: 'an answer that drips',
    source: 'H5: one byte every 100 ms',
    portal: { tickets: 500 },
    env: { HUBSPOT_TIMEOUT: '1s' },
    ideal: pages(500),
    naiveWithin: 10,
    async script(context) {
      await context.fault({ kind: 'drip', delay_ms: 100, match: listCalls, after: 2 })
      await context.full()
    },
  },
  {
    name: 'answers cut in the middle',
    source: 'H6',
    portal: { tickets: 500 },
    ideal: pages(500),
    async script(context) {
      await context.fault({ kind: 'truncate', match: listCalls, after: 1, times: 2 })
      await context.full()
    },
  },
  {
    name: 'bodies that are not HubSpot’s: HTML, nothing, half, no results',
    source: 'H7',
    portal: { tickets: 900 },
    ideal: pages(900),
    async script(context) {
      const bodies = [
        { kind: 'html', status: 200 },
        { kind: 'empty', status: 200 },
        { kind: 'invalid_json' },
        { kind: 'status', status: 200, body: {} },
        { kind: 'status', status: 200, body: { results: 'none' } },
        { kind: 'status', status: 200, body: { results: null, paging: { next: { after: 7 } } } },
        { kind: 'status', status: 200, body: [] },
      ]
      for (const [i, body] of bodies.entries())
        await context.fault({ ...body, match: listCalls, after: i + 1 })
      await context.full(150)
    },
  },
  {
    name: 'pages of 100 take longer than the deadline, those of 50 do not',
    source: 'H4: slow accounts; HubSpot’s edge gives up on large pages',
    portal: { tickets: 400 },
    env: { HUBSPOT_TIMEOUT: '2s' },
    ideal: { requests: 9, how: '8 list pages of 50 live tickets, 1 of archived ones' },
    atMost: 20,
    naiveWithin: 10,
    async script(context) {
      await context.fault({ kind: 'delay', per_record_ms: 30, match: listCalls, times: null })
      const { state } = await context.full(90)
      context.check(`the load gets through (${state})`, state === 'succeeded')
    },
  },
  {
    name: 'lists and batch reads that leave tickets out without a word',
    source: 'H21: what an answer leaves out is not deleted',
    portal: { tickets: 200 },
    ideal: { requests: 3, how: '2 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.full()
      await context.later()
      context.count()
      const gone = (await context.someIds(100)).slice(-3)
      await context.remove({ ids: gone, permanent: true })
      await context.fault({ kind: 'omit', keep: 80, match: listCalls, times: 3 })
      await context.fault({ kind: 'omit', match: batchReads, times: 4 })
      const { state } = await context.full(60)
      context.check(`it ends well once the answers are whole (${state})`, state === 'succeeded')
    },
  },
  {
    name: 'connections reset, before and after the work',
    source: 'H9',
    portal: { tickets: 800 },
    ideal: pages(800),
    async script(context) {
      await context.fault({ kind: 'reset', match: listCalls, after: 1, times: 2 })
      await context.fault({ kind: 'reset', phase: 'after', match: listCalls, after: 4, times: 2 })
      await context.full()
    },
  },
]

/** Calls less than `ms` after one that `which` matches. */
function within(calls: Call[], which: (call: Call) => boolean, ms: number): number {
  const at = calls.find(which)
  if (!at) return -1
  return calls.filter((one) => one.time > at.time && one.time < at.time + ms).length
}

async function seen(
  context: ScenarioContext,
  what: (calls: Call[]) => boolean,
  withinSeconds: number,
): Promise<void> {
  const end = Date.now() + withinSeconds * 1_000
  while (!what(context.calls()) && Date.now() < end) await pause(25)
}

async function newestRun({ spoke }: ScenarioContext): Promise<Record<string, unknown>> {
  const { server, tenant } = spoke as NonNullable<ScenarioContext['spoke']>
  const { body } = await server.get(`/api/hubspot/sync/${tenant.tenantId}/${tenant.integrationId()}`)
  return body.events[0]
}
