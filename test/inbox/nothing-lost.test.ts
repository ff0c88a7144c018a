/** Failures that must lose nothing: of the database while HubSpot sends, and of HubSpot's webhooks themselves. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { idle } from '../http/http-fixture.ts'
import { truthOf } from '../support/emulator.ts'
import { eventually } from '../support/service.ts'
import { wireTo } from '../support/wire.ts'
import { type Account, differences, type InboxBench, startInboxBench } from './inbox-fixture.ts'

let bench: InboxBench
let account: Account
let wire: Awaited<ReturnType<typeof wireTo>>

before(async () => {
  bench = await startInboxBench(
    {},
    { index_lag_jitter_ms: 0, index_outlier_ms: 0 },
    undefined,
    async (database) => {
      wire = await wireTo(database)
      return wire.url
    },
  )
  account = await bench.account({ tickets: 40 })
})
after(async () => {
  await bench?.stop()
  wire?.close()
})

test('with every webhook lost the next incremental and full run make it equal', async () => {
  const { portal, tenant, integration } = account
  await bench.emulator.control('PATCH', '/webhooks', { send: false })
  const act = (method: string, path: string, body: object) =>
    bench.emulator.control(method, `/portals/${portal}/tickets${path}`, body)
  const [a, b, c, d, e, f] = (
    await bench.runSql<{ id: string }>(
      `select ticket_id as id from issues where integration_id = '${integration}' order by 1`,
    )
  ).map(({ id }) => id)
  await act('POST', '', { count: 5, properties: { subject: 'new' } })
  await act('PATCH', '', { ids: [a, b], properties: { subject: 'edited' } })
  await act('DELETE', '', { ids: [b, c] })
  await act('POST', '/restore', { ids: [c] })
  await act('DELETE', '', { ids: [d], permanent: true })
  await act('POST', '/merge', { primary: e, loser: f })
  assert.ok((await differences(bench, account)).length >= 5)
  const sync = async (sync_type: string) => {
    const { status } = await bench.service.post(`/api/hubspot/sync/${tenant}/${integration}`, { sync_type })
    assert.equal(status, 202)
    await idle(bench.service, bench.database)
  }
  // HubSpot's index is late, and its Date counts whole seconds: the next one, or the one after it. Deletions are the full run's.
  await eventually(async () => {
    await sync('incremental')
    return (await differences(bench, account)).every((fault) => fault.endsWith('is a ghost'))
  }, 'what is live is equal')
  await sync('full')
  assert.deepEqual(await differences(bench, account), [])
  assert.deepEqual(await bench.runSql('select from inbox_entries'), [])
  await bench.emulator.control('PATCH', '/webhooks', { send: true })
})

test('batch reads that leave out live tickets delete none of them, and set no change aside', async () => {
  const { portal, integration } = account
  const { emulator } = bench
  const edited = [...(await truthOf(emulator, portal)).keys()].slice(0, 21)
  const archived = () =>
    bench.runSql(`select from issues where integration_id = '${integration}' and archived`)
  const before = (await archived()).length
  const { id } = await emulator.control('POST', '/faults', {
    kind: 'omit',
    match: { path: '/objects/2026-09/tickets/batch/read', portal_id: portal },
    times: null,
  })
  await emulator.control('PATCH', `/portals/${portal}/tickets`, {
    ids: edited,
    properties: { subject: 'edited in an outage' },
  })
  await eventually(async () => (emulator.world.faults.get(id)?.hits ?? 0) >= 5, 'HubSpot was called again')
  await emulator.control('DELETE', '/faults')
  await bench.drained()
  assert.equal((await archived()).length, before)
  assert.deepEqual(await differences(bench, account), [])
  assert.deepEqual(await bench.runSql('select from inbox_entries'), [])
})

for (const missing_ids_in_batch of ['named', 'silent'])
  test(`a ticket that is deleted for good is a tombstone at once (missing ids in batches: ${missing_ids_in_batch})`, async () => {
    const { portal, integration } = account
    await bench.emulator.control('PATCH', '/quirks', { missing_ids_in_batch })
    const [deleted] = [...(await truthOf(bench.emulator, portal)).keys()]
    const began = Date.now()
    await bench.emulator.control('DELETE', `/portals/${portal}/tickets`, { ids: [deleted], permanent: true })
    await eventually(async () => {
      const [found] = await bench.runSql<{ deleted_at: Date | null }>(
        `select deleted_at from issues where integration_id = '${integration}' and ticket_id = '${deleted}'`,
      )
      return found?.deleted_at
    }, 'it is a tombstone')
    assert.ok(Date.now() - began < 10_000)
    await bench.drained()
  })

test('whatever happens to the database, a delivery answered 2xx is stored', async () => {
  // Nothing drains it, so that everything that was stored is visible.
  await bench.runSql(`
    insert into inboxes (tenant_id, integration_id, lease_owner, lease_until)
    values ('${account.tenant}', '${account.integration}', 'the test', now() + interval '1 hour')
    on conflict (tenant_id, integration_id) do update set lease_owner = excluded.lease_owner, lease_until = excluded.lease_until`)
  const { app_id: appId } = await bench.emulator.control('GET', '/apps/test-client/webhooks')
  let next = 1
  const acknowledged: string[] = []
  const statuses = new Map<string, number[]>()
  async function deliver(state: string): Promise<void> {
    const id = next++
    const answer = await bench.deliver([
      {
        subscriptionType: 'ticket.propertyChange',
        portalId: account.portal,
        appId,
        objectId: id,
        occurredAt: Date.now(),
      },
    ])
    await answer.arrayBuffer()
    statuses.set(state, [...(statuses.get(state) ?? []), answer.status])
    if (answer.status < 300) acknowledged.push(String(id))
  }
  const some = (state: string) => Promise.all(Array.from({ length: 10 }, () => deliver(state)))
  await some('whole')
  wire.set('cut')
  await some('cut')
  wire.set('whole')
  await eventually(async () => (await bench.service.get('/readyz')).status === 200, 'it is back')
  // Cut while they are in flight: it is unknown whose commit succeeded.
  const torn = some('torn')
  await new Promise((done) => setTimeout(done, 5))
  wire.set('cut')
  await torn
  wire.set('silent')
  await some('silent')
  wire.set('cut')
  wire.set('whole')
  await eventually(async () => (await bench.service.get('/readyz')).status === 200, 'it is back again')
  await some('back')
  assert.deepEqual(new Set(statuses.get('whole')), new Set([204]))
  assert.deepEqual(new Set(statuses.get('back')), new Set([204]))
  for (const state of ['cut', 'silent'])
    assert.deepEqual(new Set(statuses.get(state)), new Set([503]), `${state}: ${statuses.get(state)}`)
  const saved = new Set(
    (await bench.runSql<{ id: string }>('select unnest(ticket_ids) as id from inbox_entries')).map(
      ({ id }) => id,
    ),
  )
  assert.deepEqual(
    acknowledged.filter((id) => !saved.has(id)),
    [],
  )
  assert.ok(acknowledged.length >= 20)
})
