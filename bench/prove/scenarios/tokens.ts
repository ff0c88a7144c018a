/** Authorization: tokens that expire, are revoked, fail to refresh, lose a scope. */
import { setTimeout as pause } from 'node:timers/promises'
import { listCalls, type Scenario, type ScenarioContext } from '../scenario.ts'

const tokenCalls = { method: 'POST', path: '/token' }
const pages = { requests: 7, how: '6 list pages of live tickets, 1 of archived ones' }

export const tokenScenarios: readonly Scenario[] = [
  {
    name: 'the token dies in the middle of the first load',
    source: 'H12; Airbyte 62467',
    oauth: 'rotating',
    portal: { tickets: 600 },
    ideal: pages,
    async script(context) {
      await context.during(
        () => context.full(),
        { match: listCalls, after: 3 },
        () => expire(context),
      )
      const refused = context.calls().filter((one) => one.status === 401).length
      context.check(`the refused page was requested once more (${refused} refused)`, refused <= 1)
      context.check(`refreshed once (${refreshes(context)})`, refreshes(context) <= 1)
    },
  },
  {
    name: 'the token dies again and again, hours apart',
    source: 'H12; Airbyte 62467: a load longer than a token lives',
    oauth: 'stable',
    portal: { tickets: 600 },
    ideal: pages,
    async script(context) {
      await context.during(
        () => context.full(),
        { match: listCalls, after: 1, times: 4 },
        () => context.later(2_400),
      )
    },
  },
  {
    name: 'the answer of a refresh is lost',
    source: 'H15: rotation with grace',
    oauth: 'rotating_grace',
    portal: { tickets: 600 },
    ideal: pages,
    async script(context) {
      await context.during(
        () => context.full(),
        { match: listCalls, after: 3 },
        async () => {
          await context.fault({ kind: 'reset', phase: 'after', match: tokenCalls })
          await expire(context)
        },
      )
    },
  },
  {
    name: 'killed between a refresh and its keeping',
    source: 'H16: rotation with grace',
    oauth: 'rotating_grace',
    portal: { tickets: 600 },
    ideal: pages,
    async script(context) {
      let killed: Promise<void> | undefined
      await context.during(
        () => context.full(150),
        { match: listCalls, after: 3 },
        async () => {
          const refreshing = await context.fault({ kind: 'drip', delay_ms: 50, match: tokenCalls })
          await expire(context)
          killed = (async () => {
            const end = Date.now() + 5_000
            while (refreshing.hits() === 0 && Date.now() < end) await pause(20)
            await context.sut.killAndRestart()
          })()
        },
      )
      await killed
    },
  },
  {
    name: 'the app is uninstalled in the middle, and connected again',
    source: 'H13',
    oauth: 'stable',
    portal: { tickets: 600 },
    ideal: pages,
    withoutNaive: 'it cannot request a new token',
    async script(context) {
      const report = await context.during(
        () => context.full(120),
        { match: listCalls, after: 3 },
        () => context.control('POST', '/tokens/revoke', { portal_id: context.portal }),
      )
      const { tenant } = context.spoke as NonNullable<ScenarioContext['spoke']>
      context.check(
        `the run ends with its reason (${report.reported})`,
        /token_invalid/.test(report.reported),
      )
      const status = await tenant.status()
      context.check(
        `the integration waits for a person (${status.status})`,
        status.status === 'reauth_required',
      )
      context.check(
        `in the words of the specification (${status.error})`,
        status.error === 'Invalid or expired access token',
      )
      context.check(`3 token calls at most (${refreshes(context)})`, refreshes(context) <= 3)
      const before = context.calls().length
      await context.full()
      context.check('HubSpot gets no further requests', context.calls().length === before)
      await context.edit({ count: 20 })
      await tenant.connectByOauth()
      await tenant.lastRun(120)
      await context.later()
      await context.full(120)
    },
  },
  {
    name: 'the scope for tickets is taken away, and given back',
    source: 'H27',
    portal: { tickets: 300 },
    ideal: { requests: 1, how: 'one refused call reveals it' },
    async script(context) {
      const { control, portal } = context
      await context.full()
      await context.edit({ count: 20 })
      await context.later()
      await control('POST', `/portals/${portal}/scopes`, { remove: ['tickets'] })
      context.count()
      const report = await context.incremental()
      context.check(`missing_scopes is named (${report.reported})`, /missing_scopes/.test(report.reported))
      context.check(`2 requests at most (${context.calls().length})`, context.calls().length <= 2)
      context.countEnds()
      if (context.spoke) {
        const { status, status_reason } = await context.spoke.tenant.integration()
        const reason = `${status} ${status_reason}`
        // Where HubSpot does not name it, nor do we.
        const named = context.emulator.world.quirks.missing_scopes === 'unnamed' ? '' : ':tickets'
        context.check(
          `with the scope's name (${reason})`,
          reason === `reauth_required missing_scopes${named}`,
        )
      }
      await control('POST', `/portals/${portal}/scopes`, { restore: ['tickets'] })
      if (context.spoke) await reconnect(context)
      await context.later()
      await context.incremental()
    },
  },
  {
    name: 'stray 401s for a token that lives',
    source: 'H12: an integrator saw INVALID_AUTHENTICATION at random for a private-app token',
    portal: { tickets: 600 },
    ideal: pages,
    async script(context) {
      const body = { category: 'INVALID_AUTHENTICATION', message: 'Authentication credentials not found.' }
      for (const after of [1, 3])
        await context.fault({ kind: 'status', status: 401, body, match: listCalls, after })
      const report = await context.full()
      context.check(`the run succeeds (${report.state})`, report.state === 'succeeded')
      await stillConnected(context)
    },
  },
  {
    name: '403s that are not about scopes: the edge shuts us out, the account is refused for a moment',
    source: 'recorded: pages of the edge, BANNED, TRUST_VIOLATION',
    portal: { tickets: 600 },
    ideal: pages,
    async script(context) {
      await context.fault({ kind: 'html', status: 403, match: listCalls, after: 1, times: 2 })
      await context.fault({ kind: 'forbidden', category: 'BANNED', match: listCalls, after: 3 })
      const report = await context.full(120)
      context.check(`the run succeeds (${report.state})`, report.state === 'succeeded')
      await stillConnected(context)
    },
  },
  {
    name: 'a property becomes sensitive in the middle of the first load',
    source: 'HubSpot’s documents: naming it without its scope is a 403',
    portal: { tickets: 600 },
    ideal: { requests: 8, how: '7 pages, one of them requested once more' },
    async script(context) {
      const { control, portal } = context
      const { results } = await control('GET', `/portals/${portal}/truth?limit=1000`)
      const set = new Set(
        results.flatMap((one: { properties: object }): string[] => Object.keys(one.properties)),
      )
      // Without a value in any ticket, so that the copy is whole without it.
      const name = ['hs_resolution', 'first_agent_reply_date', 'source_type', 'hs_was_imported'].find(
        (one) => !set.has(one),
      )
      context.check('there is a property without values', name !== undefined)
      const report = await context.during(
        () => context.full(),
        { match: listCalls, after: 3 },
        () => control('PATCH', `/portals/${portal}/properties/${name}`, { sensitivity: 'sensitive' }),
      )
      context.check(`the run succeeds (${report.state})`, report.state === 'succeeded')
      await stillConnected(context)
      if (context.spoke) {
        const { resources } = await context.spoke.tenant.status()
        const { properties } = resources as { properties: { state: string; problem: string | null } }
        const reported = `${properties.state} ${properties.problem}`
        // Where HubSpot does not name the scope, Spoke cannot either.
        context.check(
          `the resource reports it (${reported})`,
          /^degraded missing_scopes(:tickets\.sensitive\.v2)?$/.test(reported),
        )
      }
    },
  },
]

const expire = ({ control, portal }: ScenarioContext) =>
  control('POST', '/tokens/expire', { portal_id: portal })

/** Refreshes that HubSpot saw; the exchange of the code is one token call too. */
function refreshes({ emulator }: ScenarioContext): number {
  const all = emulator.world.log.stats().refreshes
  return all.reduce((sum, one) => sum + one.refreshes, 0)
}

async function stillConnected({ spoke, check }: ScenarioContext): Promise<void> {
  if (!spoke) return
  const { connected, status } = await spoke.tenant.status()
  check(
    `the integration is still connected (${connected}, ${status})`,
    connected === true && status === 'active',
  )
}

async function reconnect(context: ScenarioContext): Promise<void> {
  const { tenant } = context.spoke as NonNullable<ScenarioContext['spoke']>
  const { token } = await context.control('POST', `/portals/${context.portal}/tokens`, {
    kind: 'private_app',
  })
  await tenant.connect(token)
  await tenant.lastRun()
}
