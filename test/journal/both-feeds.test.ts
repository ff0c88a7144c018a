/** Webhooks and the journal at once: both report the same changes, and the store equals HubSpot. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readJournalFile } from '../../src/hubspot/events/journal-event.ts'
import { readDelivery, type TicketChange } from '../../src/hubspot/events/webhook-event.ts'
import {
  type Account,
  clientId,
  differences,
  type InboxBench,
  startInboxBench,
} from '../inbox/inbox-fixture.ts'
import { eventually } from '../support/service.ts'

let bench: InboxBench
let account: Account

before(async () => {
  bench = await startInboxBench(
    { SPOKE_JOURNAL: 'true' },
    {},
    ['creation', 'deletion', 'merge', 'restore', 'associationChange', 'propertyChange:subject'].map(
      (name) => `ticket.${name}`,
    ),
  )
  account = await bench.account({ tickets: 60 })
  // The bench connects by a pasted token; the account has our app all the same.
  await bench.runSql('update account_routes set installed_at = now()')
  await eventually(async () => {
    const rows = await bench.runSql(
      `select from journal_subscriptions where hub_id = ${account.portal} and failures = 0 and due_at > now() + interval '1 hour'`,
    )
    return rows.length === 1
  }, 'the journal is subscribed to the account')
  await bench.emulator.control('PATCH', '/webhooks', { record: true })
})
after(() => bench?.stop())

/** Twenty rounds of what people do to tickets, the same each time. */
async function rounds(): Promise<void> {
  const act = (method: string, path: string, body: object) =>
    bench.emulator.control(method, `/portals/${account.portal}/tickets${path}`, body)
  const ids = (
    await bench.runSql<{ id: string }>(`select ticket_id as id from issues where not archived order by 1`)
  ).map(({ id }) => id)
  for (let round = 0; round < 20; round++) {
    const [a, b, c] = ids.slice(3 * round)
    await act('POST', '', { count: 1, properties: { subject: `new ${round}` } })
    await act('PATCH', '', { ids: [a, b], properties: { subject: `edited ${round}` } })
    if (round % 3 === 0) await act('DELETE', '', { ids: [b] })
    if (round % 6 === 0) await act('POST', '/restore', { ids: [b] })
    if (round % 5 === 0) await act('POST', '/merge', { primary: a, loser: c })
  }
}

/** Each ticket with its reported kinds of change. Only webhooks report the properties of a new ticket as separate events. */
function kindsByTicket(changes: readonly TicketChange[]): string[] {
  const all = changes.flatMap(({ type, ticketIds }) => ticketIds.map((id) => ({ id, type })))
  const created = new Set(all.filter(({ type }) => type === 'creation').map(({ id }) => id))
  const changed = all.filter(({ id, type }) => type !== 'propertyChange' || !created.has(id))
  return [...new Set(changed.map(({ id, type }) => `${id} ${type}`))].sort()
}

async function ofJournal(): Promise<TicketChange[]> {
  const app = bench.emulator.world.tokens.apps.get(clientId)
  assert.ok(app)
  const json = async (path: string, init: RequestInit) =>
    // biome-ignore lint/suspicious/noExplicitAny: what it reads the test asserts on
    (await (await fetch(`${bench.emulator.url}${path}`, init)).json()) as any
  const { access_token } = await json('/oauth/2026-03/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: app.client_secret,
      scope: 'developer.webhooks_journal.read',
    }),
  })
  const { results } = await json('/webhooks-journal/journal/2026-03/batch/earliest/100', {
    headers: { authorization: `Bearer ${access_token}` },
  })
  const changes: TicketChange[] = []
  for (const { url } of results) {
    const events = readJournalFile(await (await fetch(url)).json(), Date.now())
    assert.equal(events?.malformed, 0)
    changes.push(...(events?.changes ?? []))
  }
  return changes
}

test('both feeds report the same tickets, and the store equals HubSpot', async () => {
  await rounds()
  await bench.drained()
  await eventually(
    async () => (await differences(bench, account)).length === 0,
    'the store is equal to HubSpot',
  )
  const { results } = await bench.emulator.control('GET', '/webhooks/events?limit=10000')
  const delivery = readDelivery(
    results.map(({ event }: { event: unknown }) => event),
    Number((await bench.emulator.control('GET', `/apps/${clientId}/webhooks`)).app_id),
    Date.now(),
  )
  const journal = await ofJournal()
  // A merge names the new record alone there, and both that it replaced here.
  const but = (all: string[], kind: string) => all.filter((one) => !one.endsWith(kind))
  assert.deepEqual(but(kindsByTicket(journal), 'merge'), but(kindsByTicket(delivery?.changes ?? []), 'merge'))
  const merged = kindsByTicket(delivery?.changes ?? []).filter((one) => one.endsWith('merge'))
  for (const one of kindsByTicket(journal).filter((one) => one.endsWith('merge')))
    assert.ok(merged.includes(one), one)
  assert.ok(kindsByTicket(journal).length > 60)
  // The store may be equal by one feed alone, before the other has brought anything.
  for (const feed of ['webhook', 'journal'])
    await eventually(async () => {
      const { body } = await bench.service.get('/metrics')
      return new RegExp(`spoke_${feed}_events_total\\{outcome="queued"\\} [1-9]`).test(body)
    }, `the ${feed} has brought events`)
})
