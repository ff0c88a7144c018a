/**
 * The webhooks journal as a source: what HubSpot writes there reaches the store, and what may go wrong costs time and nothing else.
 * Over 200 lines because one service and one emulator serve all of it.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { App } from '../../packages/emulator/src/token-types.ts'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { type Account, differences } from '../inbox/inbox-fixture.ts'
import { type OAuthBench, startOAuth } from '../integrations/oauth/oauth-fixture.ts'
import { adminQuery } from '../support/postgres.ts'
import { eventually } from '../support/service.ts'

const clientId = 'test-client'
let bench: OAuthBench

before(async () => {
  bench = await startOAuth({
    SPOKE_JOURNAL: 'true',
    HUBSPOT_APP_ID: '',
    SPOKE_WEBHOOK_WINDOW: '100ms',
    HUBSPOT_TIMEOUT: '3s',
    HUBSPOT_OPTIONAL_SCOPES: 'crm.objects.contacts.read',
  })
})
after(() => bench?.stop())

const runSql = <Row>(statement: string) => adminQuery(statement, bench.database) as Promise<Row[]>

async function connected(
  portal = bench.portal({ tickets: 12 }),
  tenant: string = randomUUID(),
): Promise<Account> {
  const { integration, code, state } = await bench.start(portal, tenant)
  const answer = await bench.post(code, state)
  assert.equal(answer.status, 200, answer.text)
  await idle(bench.service, bench.database)
  return { portal, tenant, integration: answer.json.integration_id ?? integration, token: '' }
}

const appOf = () => bench.emulator.world.tokens.apps.get(clientId) as App
const subscriptions = () => bench.emulator.world.journal.of(appOf()).subscriptions
const lines = (text: string) => bench.service.lines.filter((line) => line.includes(text)).length
const requests = (text: string) => bench.emulator.world.log.list().filter(({ path }) => path.includes(text))

const subscribedTo = (portal: number) =>
  [...subscriptions().values()].filter(({ portal_id }) => portal_id === portal)

const subscribed = (portal: number) =>
  eventually(async () => subscribedTo(portal).length >= 2, 'the journal is subscribed to the account')

const equal = (account: Account) =>
  eventually(
    async () => (await differences({ emulator: bench.emulator, runSql }, account)).length === 0,
    'the store is equal to HubSpot',
  )

const act = (portal: number, method: string, path: string, body: object) =>
  bench.emulator.control(method, `/portals/${portal}/tickets${path}`, body)

const idsOf = async ({ integration }: Account) =>
  (
    await runSql<{ id: string }>(
      `select ticket_id as id from issues where integration_id = '${integration}' and not archived order by 1`,
    )
  ).map(({ id }) => id)

for (const journal_merge_object of ['new', 'primary'] as const)
  test(`every kind of change in the journal reaches the store (a merge names the ${journal_merge_object})`, async () => {
    bench.emulator.world.changeQuirks({ journal_merge_object })
    const account = await connected()
    await subscribed(account.portal)
    const [a, b, c, d, e, f] = await idsOf(account)
    const { portal } = account
    await act(portal, 'POST', '', { count: 3, properties: { subject: 'new' } })
    await act(portal, 'PATCH', '', { ids: [a, b], properties: { subject: 'edited' } })
    await act(portal, 'DELETE', '', { ids: [b, c] })
    await act(portal, 'POST', '/restore', { ids: [c] })
    await act(portal, 'DELETE', '', { ids: [d], permanent: true })
    await act(portal, 'POST', '/merge', { primary: e, loser: f })
    assert.ok((await differences({ emulator: bench.emulator, runSql }, account)).length >= 5)
    if (journal_merge_object === 'new') {
      await equal(account)
      return
    }
    // Then no event names the new record or the other one that it replaced; the next incremental run finds both.
    const only = async (count: number) =>
      (await differences({ emulator: bench.emulator, runSql }, account)).length === count
    await eventually(async () => await only(2), 'all else is equal')
    await eventually(async () => {
      await bench.service.post(`/api/hubspot/sync/${account.tenant}/${account.integration}`, {
        sync_type: 'incremental',
      })
      await idle(bench.service, bench.database)
      return await only(0)
    }, 'the store is equal to HubSpot')
  })

for (const journal_association of ['ends', 'object'] as const)
  test(`an added and a removed association are reported (${journal_association})`, async () => {
    bench.emulator.world.changeQuirks({ journal_association })
    const account = await connected()
    const { portal } = account
    await eventually(
      async () => subscribedTo(portal).length >= 3,
      'the journal is subscribed to associations',
    )
    const [a] = await idsOf(account)
    const change = (more = {}) =>
      bench.emulator.control('POST', `/portals/${portal}/associations`, {
        ticket_id: a,
        to: 'contacts',
        to_id: 501,
        ...more,
      })
    const contacts = async (wanted: number) => {
      const [row] = await runSql<{ n: number }>(
        `select jsonb_array_length(associations -> 'contacts') as n from issue_associations
         where integration_id = '${account.integration}' and ticket_id = '${a}'`,
      )
      return (row?.n ?? 0) === wanted
    }
    await change()
    await eventually(() => contacts(1), 'the association is here')
    await change({ remove: true })
    await eventually(() => contacts(0), 'the association is removed')
    bench.emulator.world.changeQuirks({ journal_association: 'ends' })
  })

test('a change of a custom property is reported', async () => {
  const account = await connected()
  const { portal } = account
  await subscribed(portal)
  const asked = subscribedTo(portal).find(({ type }) => type === 'OBJECT')
  assert.ok(asked?.properties.includes('order_number'), asked?.properties.join(' '))
  const [a] = await idsOf(account)
  await act(portal, 'PATCH', '', { ids: [a], properties: { order_number: 'A-17' } })
  await eventually(async () => {
    const [row] = await runSql<{ value: string | null }>(
      `select properties ->> 'order_number' as value from issues where integration_id = '${account.integration}' and ticket_id = '${a}'`,
    )
    return row?.value === 'A-17'
  }, 'the custom property is here')
})

test('the status reports that changes arrive through the journal, and for a pasted token that they do not', async () => {
  const { tenant, integration } = await connected()
  const { body } = await bench.service.get(`/api/hubspot/status/${tenant}/${integration}`)
  assert.equal(body.change_source, 'journal')
  const { portal, token } = newAccount(bench.emulator)
  const pasted = await connectTenant(bench.service, token)
  await idle(bench.service, bench.database)
  const { body: polled } = await bench.service.get(
    `/api/hubspot/status/${pasted.tenant}/${pasted.integration}`,
  )
  assert.equal(polled.change_source, 'polling')
  const next = await connected()
  await subscribed(next.portal)
  assert.deepEqual(subscribedTo(portal), [])
})

test('a disconnect ends the subscriptions, and a connect renews them', async () => {
  const account = await connected()
  await subscribed(account.portal)
  const path = `/api/hubspot/integrations/${account.tenant}/${account.integration}`
  assert.equal((await bench.service.delete(path)).status, 200)
  await eventually(async () => {
    const rows = await runSql(`select from journal_subscriptions where hub_id = ${account.portal}`)
    return rows.length === 0 && subscribedTo(account.portal).length === 0
  }, 'the journal has no subscription to it')
  const again = await connected(account.portal, account.tenant)
  assert.equal(again.integration, account.integration)
  await subscribed(account.portal)
})

test('one account under two tenants: both get its changes, and it stays subscribed until the last one disconnects', async () => {
  const one = await connected()
  const two = await connected(one.portal)
  await subscribed(one.portal)
  const [a] = await idsOf(one)
  await act(one.portal, 'PATCH', '', { ids: [a], properties: { subject: 'for both' } })
  await Promise.all([equal(one), equal(two)])
  await bench.service.delete(`/api/hubspot/integrations/${one.tenant}/${one.integration}`)
  await act(one.portal, 'PATCH', '', { ids: [a], properties: { subject: 'for the other' } })
  await equal(two)
  assert.ok(subscribedTo(one.portal).length > 0)
})

for (const journal_uninstall_ends_subscriptions of [true, false])
  test(`an uninstall requires a new connect at once, which subscribes again (it ends subscriptions: ${journal_uninstall_ends_subscriptions})`, async () => {
    bench.emulator.world.changeQuirks({ journal_uninstall_ends_subscriptions })
    const account = await connected()
    const other = await connected()
    await Promise.all([subscribed(account.portal), subscribed(other.portal)])
    bench.emulator.world.tokens.uninstall(appOf().app_id, account.portal)
    const status = async ({ tenant, integration }: Account) =>
      (await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration}`)).body.status
    await eventually(async () => (await status(account)) === 'reauth_required', 'it requires a connect')
    assert.equal(await status(other), 'active')
    await connected(account.portal, account.tenant)
    assert.equal(await status(account), 'active')
    await subscribed(account.portal)
    const [a] = await idsOf(account)
    await act(account.portal, 'PATCH', '', { ids: [a], properties: { subject: 'after all' } })
    await equal(account)
    assert.equal(await status(account), 'active', 'an old uninstall disconnects no integration')
  })

for (const journal_lost_offset of ['error', 'earliest'] as const)
  test(`a position that HubSpot no longer has is replaced by the oldest available (HubSpot returns: ${journal_lost_offset})`, async () => {
    bench.emulator.world.changeQuirks({ journal_lost_offset })
    const account = await connected()
    await subscribed(account.portal)
    await runSql(`update journals set position = '${randomUUID()}', restarted_at = null`)
    const [a] = await idsOf(account)
    await act(account.portal, 'PATCH', '', { ids: [a], properties: { subject: journal_lost_offset } })
    await equal(account)
    assert.ok(!lines('was not read for longer'), 'it was read all the time')
  })

for (const journal_lost_offset of ['error', 'earliest'] as const)
  test(`a reader that was away for longer than HubSpot retains files logs it (HubSpot returns: ${journal_lost_offset})`, async () => {
    bench.emulator.world.changeQuirks({ journal_lost_offset })
    const before = lines('was not read for longer than HubSpot keeps it')
    const account = await connected()
    await subscribed(account.portal)
    await runSql(
      `update journals set lease_owner = 'the test', lease_until = now() + interval '1 hour',
     position = '${randomUUID()}', restarted_at = null, read_at = now() - interval '80 hours'`,
    )
    const [a] = await idsOf(account)
    await act(account.portal, 'PATCH', '', {
      ids: [a],
      properties: { subject: `late ${journal_lost_offset}` },
    })
    await runSql('update journals set lease_until = null, lease_owner = null')
    await equal(account)
    assert.equal(lines('was not read for longer than HubSpot keeps it'), before + 1)
  })

test('while another process reads, this one does not', async () => {
  const account = await connected()
  await subscribed(account.portal)
  const [a] = await idsOf(account)
  await runSql(`update journals set lease_owner = 'the test', lease_until = now() + interval '1 hour'`)
  await eventually(
    async () => (await differences({ emulator: bench.emulator, runSql }, account)).length === 0,
    'it is equal',
  )
  const before = requests('/journal/').length
  await act(account.portal, 'PATCH', '', { ids: [a], properties: { subject: 'later' } })
  await new Promise((done) => setTimeout(done, 2_500))
  assert.ok(requests('/journal/').length - before <= 1, 'one may have been under way')
  assert.equal((await differences({ emulator: bench.emulator, runSql }, account)).length, 1)
  await runSql(`update journals set lease_until = now() - interval '1 second'`)
  await equal(account)
})

const faults: [name: string, fault: object][] = [
  [
    'its position is not returned for a while',
    { match: { path: '/webhooks-journal/journal/' }, kind: 'status', status: 503, times: 4 },
  ],
  [
    'half of its position is returned',
    { match: { path: '/webhooks-journal/journal/' }, kind: 'truncate', times: 2 },
  ],
  ['it is cut', { match: { path: '/journal-files/' }, kind: 'truncate', times: 3 }],
  [
    'it is refused for a while',
    { match: { path: '/journal-files/' }, kind: 'status', status: 403, times: 2 },
  ],
  ['the connection breaks', { match: { path: '/journal-files/' }, kind: 'reset', times: 3 }],
  [
    'the app’s token is refused',
    { match: { path: '/webhooks-journal/journal/' }, kind: 'status', status: 401, times: 1 },
  ],
]
for (const [name, fault] of faults)
  test(`a file is late and not lost when ${name}`, async () => {
    const account = await connected()
    await subscribed(account.portal)
    const [a] = await idsOf(account)
    await bench.emulator.control('POST', '/faults', fault)
    await act(account.portal, 'PATCH', '', { ids: [a], properties: { subject: name } })
    await equal(account)
    await bench.emulator.control('DELETE', '/faults')
  })

const placeNow = async () =>
  (
    await runSql<{ position: string; unreadable_offset: string | null }>(
      'select position, unreadable_offset from journals',
    )
  )[0] ?? { position: '', unreadable_offset: null }

test('a file that cannot be read is skipped in the end and not before, and later files are stored', async () => {
  const account = await connected()
  await subscribed(account.portal)
  const [a, b] = await idsOf(account)
  await act(account.portal, 'PATCH', '', { ids: [a], properties: { subject: 'read' } })
  await equal(account)
  const { position } = await placeNow()
  // An outage is over, and does not count against the next file.
  await runSql('update journals set failures = 40')
  const { id } = await bench.emulator.control('POST', '/faults', {
    match: { path: '/journal-files/' },
    kind: 'status',
    status: 403,
    times: null,
  })
  await act(account.portal, 'PATCH', '', { ids: [a], properties: { subject: 'never heard of' } })
  const tryNow = (more = '') => runSql(`update journals set not_before = null ${more}`)
  await eventually(async () => {
    await tryNow()
    return (await placeNow()).unreadable_offset !== null
  }, 'it was tried')
  await tryNow(", unreadable_since = now() - interval '55 minutes'")
  await new Promise((done) => setTimeout(done, 2_500))
  await tryNow()
  assert.equal((await placeNow()).position, position, 'the store of files may be unavailable')
  await eventually(async () => {
    await tryNow(", unreadable_since = now() - interval '61 minutes'")
    return (await placeNow()).position !== position
  }, 'it is passed over')
  await bench.emulator.control('DELETE', `/faults/${id}`)
  assert.equal(lines('could not be read and was skipped'), 1)
  await act(account.portal, 'PATCH', '', { ids: [b], properties: { subject: 'heard of' } })
  await eventually(async () => {
    const [row] = await runSql<{ subject: string }>(
      `select subject from issues where integration_id = '${account.integration}' and ticket_id = '${b}'`,
    )
    return row?.subject === 'heard of'
  }, 'the next is read')
  assert.equal((await placeNow()).unreadable_offset, null)
})

test('a journal that reports a lost position everywhere is not read from its beginning again and again', async () => {
  bench.emulator.world.changeQuirks({ journal_lost_offset: 'error' })
  const account = await connected()
  await subscribed(account.portal)
  const [a] = await idsOf(account)
  await act(account.portal, 'PATCH', '', { ids: [a], properties: { subject: 'before' } })
  await equal(account)
  await runSql(`update journals set restarted_at = null, position = '${randomUUID()}'`)
  await eventually(async () => {
    const [row] = await runSql<{ again: boolean }>('select restarted_at is not null as again from journals')
    return row?.again
  }, 'it was begun again')
  await runSql(`update journals set position = 'nowhere'`)
  const earliest = requests('/earliest').length
  await new Promise((done) => setTimeout(done, 3_500))
  assert.equal(requests('/earliest').length, earliest)
  await runSql(`update journals set restarted_at = now() - interval '61 minutes'`)
  await eventually(async () => requests('/earliest').length > earliest, 'after an hour it is')
})

test('no token is sent to the address of a file, and neither is in the log', () => {
  const files = bench.emulator.world.log.list().filter(({ path }) => path.startsWith('/journal-files/'))
  assert.ok(files.length > 5)
  for (const { token_kind } of files) assert.equal(token_kind, null)
  const log = bench.service.lines.join('\n')
  assert.ok(!/signature=|journal-files/.test(log), 'anyone who reads the address can open the file')
})

test('changes from the journal are counted', async () => {
  const { body } = await bench.service.get('/metrics')
  for (const outcome of ['stored', 'skipped', 'missed', 'restarted'])
    assert.match(body, new RegExp(`spoke_journal_files_total\\{outcome="${outcome}"\\} [1-9]`))
  for (const outcome of ['queued', 'uninstalled'])
    assert.match(body, new RegExp(`spoke_journal_events_total\\{outcome="${outcome}"\\} [1-9]`))
  assert.match(body, /spoke_journal_failures \d/)
})

test('while HubSpot accepts no subscription at all, no account gets a failure', async () => {
  await bench.emulator.control('POST', '/faults', {
    match: { path: '/webhooks-journal/subscriptions' },
    kind: 'status',
    status: 401,
    times: null,
  })
  const accounts = [await connected(), await connected(), await connected()]
  await eventually(async () => lines('"loop":"journal_subscriptions"') > 0, 'it is logged')
  const calls = requests('/subscriptions').length
  await new Promise((done) => setTimeout(done, 5_000))
  assert.ok(requests('/subscriptions').length - calls <= 8, 'not every account is tried')
  const portals = accounts.map(({ portal }) => portal).join(', ')
  const blamed = await runSql(
    `select from journal_subscriptions where hub_id in (${portals}) and failures > 0`,
  )
  assert.deepEqual(blamed, [])
  // An account of an earlier test may have a failure of its own.
  const blame = 'the webhooks journal subscription of an account could not be updated'
  for (const { portal } of accounts)
    assert.deepEqual(
      bench.service.lines.filter((line) => line.includes(blame) && line.includes(String(portal))),
      [],
    )
})
