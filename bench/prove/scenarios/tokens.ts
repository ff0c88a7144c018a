/** The right to ask: tokens that expire, are revoked, are refreshed in vain, lose a scope. */
import { setTimeout as pause } from 'node:timers/promises'
import { listCalls, type Scenario, type Scene } from '../scenario.ts'

const tokenCalls = { method: 'POST', path: '/token' }
const pages = { requests: 7, how: '6 list pages of live tickets, 1 of archived ones' }

export const tokenScenarios: readonly Scenario[] = [
  {
    name: 'the token dies in the middle of the first load',
    source: 'H12; Airbyte 62467',
    oauth: 'rotating',
    portal: { tickets: 600 },
    ideal: pages,
    async script(scene) {
      await scene.during(
        () => scene.full(),
        { match: listCalls, after: 3 },
        () => expire(scene),
      )
      const refused = scene.calls().filter((one) => one.status === 401).length
      scene.check(`the refused page was asked once more (${refused} refused)`, refused <= 1)
      scene.check(`refreshed once (${refreshes(scene)})`, refreshes(scene) <= 1)
    },
  },
  {
    name: 'the token dies again and again, hours apart',
    source: 'H12; Airbyte 62467: a load longer than a token lives',
    oauth: 'stable',
    portal: { tickets: 600 },
    ideal: pages,
    async script(scene) {
      await scene.during(
        () => scene.full(),
        { match: listCalls, after: 1, times: 4 },
        () => scene.later(2_400),
      )
    },
  },
  {
    name: 'the answer of a refresh is lost',
    source: 'H15: rotation with grace',
    oauth: 'rotating_grace',
    portal: { tickets: 600 },
    ideal: pages,
    async script(scene) {
      await scene.during(
        () => scene.full(),
        { match: listCalls, after: 3 },
        async () => {
          await scene.fault({ kind: 'reset', phase: 'after', match: tokenCalls })
          await expire(scene)
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
    async script(scene) {
      let killed: Promise<void> | undefined
      await scene.during(
        () => scene.full(150),
        { match: listCalls, after: 3 },
        async () => {
          const refreshing = await scene.fault({ kind: 'drip', delay_ms: 50, match: tokenCalls })
          await expire(scene)
          killed = (async () => {
            const end = Date.now() + 5_000
            while (refreshing.hits() === 0 && Date.now() < end) await pause(20)
            await scene.sut.killAndRestart()
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
    withoutNaive: 'it has nobody to ask for a new token',
    async script(scene) {
      const report = await scene.during(
        () => scene.full(120),
        { match: listCalls, after: 3 },
        () => scene.control('POST', '/tokens/revoke', { portal_id: scene.portal }),
      )
      const { tenant } = scene.spoke as NonNullable<Scene['spoke']>
      scene.check(`the run ends and says why (${report.told})`, /token_invalid/.test(report.told))
      const status = await tenant.status()
      scene.check(
        `the integration waits for a person (${status.status})`,
        status.status === 'reauth_required',
      )
      scene.check(
        `in the words of the specification (${status.error})`,
        status.error === 'Invalid or expired access token',
      )
      scene.check(`3 token calls at most (${refreshes(scene)})`, refreshes(scene) <= 3)
      const before = scene.calls().length
      await scene.full()
      scene.check('nothing more is asked of HubSpot', scene.calls().length === before)
      await scene.edit({ count: 20 })
      await tenant.connectByOauth()
      await tenant.lastRun(120)
      await scene.later()
      await scene.full(120)
    },
  },
  {
    name: 'the scope for tickets is taken away, and given back',
    source: 'H27',
    portal: { tickets: 300 },
    ideal: { requests: 1, how: 'one refused call tells it' },
    async script(scene) {
      const { control, portal } = scene
      await scene.full()
      await scene.edit({ count: 20 })
      await scene.later()
      await control('POST', `/portals/${portal}/scopes`, { remove: ['tickets'] })
      scene.count()
      const report = await scene.incremental()
      scene.check(`missing_scopes is named (${report.told})`, /missing_scopes/.test(report.told))
      scene.check(`2 requests at most (${scene.calls().length})`, scene.calls().length <= 2)
      scene.countEnds()
      if (scene.spoke) {
        const { status, status_reason } = await scene.spoke.tenant.integration()
        const reason = `${status} ${status_reason}`
        scene.check(`with the scope's name (${reason})`, reason === 'reauth_required missing_scopes:tickets')
      }
      await control('POST', `/portals/${portal}/scopes`, { restore: ['tickets'] })
      if (scene.spoke) await reconnect(scene)
      await scene.later()
      await scene.incremental()
    },
  },
]

const expire = ({ control, portal }: Scene) => control('POST', '/tokens/expire', { portal_id: portal })

/** Refreshes that HubSpot saw; the exchange of the code is one token call too. */
function refreshes({ emulator }: Scene): number {
  const all = emulator.world.log.stats().refreshes
  return all.reduce((sum, one) => sum + one.refreshes, 0)
}

async function reconnect(scene: Scene): Promise<void> {
  const { tenant } = scene.spoke as NonNullable<Scene['spoke']>
  const { token } = await scene.control('POST', `/portals/${scene.portal}/tokens`, { kind: 'private_app' })
  await tenant.connect(token)
  await tenant.lastRun()
}
