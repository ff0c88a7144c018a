/** Changes that no run finds and events alone bring: associations, by webhook and by the journal. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Scenario, ScenarioContext } from '../scenario.ts'
import { sameAssociations } from './records.ts'

const clientId = 'test-client'
const partners = ['contacts', 'companies', 'deals'] as const
const publicUrl = 'https://spoke.example.test'
const webhooksPath = '/api/hubspot/webhooks'

const common: Pick<Scenario, 'oauth' | 'portal' | 'withoutNaive'> = {
  oauth: 'stable',
  portal: { tickets: 30, associations: { contacts: 2, companies: 1, deals: 1 } },
  withoutNaive: 'it reads no associations',
}

const scopesOf = partners.map((what) => `crm.objects.${what}.read`).join(' ')

export const eventScenarios: readonly Scenario[] = [
  ...['object', 'ticket'].map(
    (family): Scenario => ({
      ...common,
      name: `associations change and only ${family}.associationChange reports it`,
      source: "HubSpot's guide to generic webhook subscriptions; events without objectId",
      env: {
        HUBSPOT_OPTIONAL_SCOPES: scopesOf,
        HUBSPOT_APP_ID: '1160001',
        SPOKE_PUBLIC_URL: publicUrl,
        SPOKE_WEBHOOK_WINDOW: '100ms',
      },
      ideal: { requests: 3, how: '1 read for each of 3 types' },
      // Two more reads, where events come in two deliveries.
      atMost: 9,
      async script(context) {
        const { control } = context
        const { app_id } = await control('PUT', `/apps/${clientId}/webhooks`, {
          target_url: `${publicUrl}${webhooksPath}`,
          subscriptions: [`${family}.associationChange`],
        })
        context.check(`the app is the one that Spoke is (${app_id})`, app_id === 1_160_001)
        await control('PATCH', '/webhooks', { send: false, record: true })
        await context.full()
        context.count()
        const changed = await changeAssociations(context)
        await deliver(context)
        await arrived(context, changed)
        context.countEnds()
        await sameAssociations(context, changed)
        await context.later()
        await context.incremental()
      },
    }),
  ),
  {
    ...common,
    name: 'associations change and only the journal reports it',
    source: 'files of the journal with fromObjectId and toObjectId',
    // Its files are read every few seconds, and there is none where the journal is not to be had.
    env: { HUBSPOT_OPTIONAL_SCOPES: scopesOf, SPOKE_JOURNAL: 'true', SPOKE_WEBHOOK_WINDOW: '100ms' },
    ideal: { requests: 3, how: '1 read for each of 3 types' },
    async script(context) {
      const { journal_available } = await context.control('GET', '/quirks')
      await context.full()
      const asked = () => context.emulator.world.journal.wanted()
      for (let turn = 0; turn < 100 && journal_available && !asked(); turn++) await pause(100)
      // Its subscription to associations is made just after the first.
      await pause(500)
      context.count()
      const changed = await changeAssociations(context)
      if (!journal_available) {
        await context.later()
        await context.full()
      }
      await arrived(context, changed)
      context.countEnds()
      await sameAssociations(context, changed)
      await context.later()
      await context.incremental()
    },
  },
]

/** Some come, some go, and one becomes primary. @returns the tickets */
async function changeAssociations({ control, portal, someIds }: ScenarioContext): Promise<string[]> {
  const ids = await someIds(8)
  const [a, b, c] = ids
  const change = (ticket_id: string | undefined, to: string, to_id: number, more = {}) =>
    control('POST', `/portals/${portal}/associations`, { ticket_id, to, to_id, ...more })
  await change(a, 'contacts', 90_000_001)
  await change(a, 'contacts', 90_000_002)
  await change(a, 'contacts', 90_000_001, { remove: true })
  await change(b, 'companies', 90_000_003, { types: [{ category: 'HUBSPOT_DEFINED', typeId: 26 }] })
  await change(c, 'deals', 90_000_004)
  return ids
}

/** What HubSpot recorded, signed for the address that Spoke is known by. */
async function deliver({ control, spoke, check }: ScenarioContext): Promise<void> {
  const { results } = await control('GET', '/webhooks/events')
  const events = results.map(({ event }: { event: unknown }) => event)
  check(`there are events of both sides (${events.length})`, events.length >= 5)
  const { headers } = await control('POST', `/apps/${clientId}/webhooks/sign`, {
    body: JSON.stringify(events),
    url: `${publicUrl}${webhooksPath}`,
    timestamp: Date.now(),
    which: 'v3',
  })
  const reply = await spoke?.server.post(webhooksPath, events, headers)
  check(`Spoke takes the delivery (${reply?.status})`, reply?.status === 204)
}

/** Waits until the last of the changes is here, for a bounded time; whether it is right is checked afterwards. */
async function arrived({ spoke }: ScenarioContext, [a, b, c]: readonly string[]): Promise<void> {
  const wanted = [
    [a, 'contacts', '90000002'],
    [b, 'companies', '90000003'],
    [c, 'deals', '90000004'],
  ] as const
  for (let turn = 0; turn < 240; turn++) {
    const issues = new Map((await spoke?.tenant.issues())?.map((one) => [one.ticket_id, one.associations]))
    const has = ([id, kind, other]: (typeof wanted)[number]) =>
      ((issues.get(id ?? '') as Record<string, { id: string }[]> | null)?.[kind] ?? []).some(
        (one) => one.id === other,
      )
    if (wanted.every(has)) return
    await pause(250)
  }
}
