/** The state of an integration's inbox, its dead letters, and how they are drained again; on PostgreSQL. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { eventually } from '../support/service.ts'
import { type Account, differences, type InboxBench, startInboxBench } from './inbox-fixture.ts'

let bench: InboxBench
let account: Account
let other: Account

before(async () => {
  bench = await startInboxBench()
  account = await bench.account({ tickets: 5 })
  other = await bench.account({ tickets: 5 })
})
after(() => bench?.stop())

const path = ({ tenant, integration }: Account = account) => `/api/hubspot/inbox/${tenant}/${integration}`
const state = async (query = '', of?: Account) => (await bench.service.get(`${path(of)}${query}`)).body
const ids = async () =>
  (
    await bench.runSql<{ id: string }>(
      `select ticket_id as id from issues where integration_id = '${account.integration}' order by 1`,
    )
  ).map(({ id }) => id)
/** Changes that could not be drained, a second of receipt apart. */
const deadLettered = (tickets: readonly string[], of: Account = account) =>
  bench.runSql(`
    insert into inbox_entries (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at, received_at, attempt_count, dead_letter_reason)
    select '${of.tenant}', '${of.integration}', 'infinity', array[id], 'propertyChange', now(),
      timestamptz '2026-01-01T00:00:00Z' + n * interval '1 s', 5, 'HubSpot tickets batch read: rejected (400)'
    from unnest(array[${tickets.map((id) => `'${id}'`).join()}]) with ordinality as u(id, n)`)

test('an integration without webhooks reports none', async () => {
  const { body } = await bench.service.get(path())
  assert.equal(body.webhooks, true)
  assert.deepEqual(
    [
      body.last_received_at,
      body.webhooks_missing_since,
      body.waiting,
      body.dead_lettered,
      body.dead_letters,
      body.next_after,
    ],
    [null, null, 0, 0, [], null],
  )
})

test('a drained change is reported with its times', async () => {
  const before = Date.now()
  const [id] = await ids()
  await bench.emulator.control('PATCH', `/portals/${account.portal}/tickets`, {
    ids: [id],
    properties: { subject: 'x' },
  })
  await bench.drained()
  const { last_received_at: received, last_occurred_at: occurred, waiting } = await state()
  assert.equal(waiting, 0)
  for (const time of [received, occurred]) assert.ok(Math.abs(Date.parse(time) - before) < 60_000, time)
  assert.equal((await state('', other)).last_received_at, null)
})

test('what was dead-lettered is listed page by page, and replayed by id, by time, and all', async () => {
  const five = await ids()
  await deadLettered(five)
  await deadLettered(['1'], other)
  const first = await state('?limit=2')
  assert.equal(first.dead_lettered, 5)
  assert.deepEqual(
    first.dead_letters.map(({ ticket_id }: { ticket_id: string }) => ticket_id),
    five.slice(0, 2),
  )
  assert.match(first.dead_letters[0].dead_letter_reason, /rejected/)
  const second = await state(`?limit=4&after=${first.next_after}`)
  assert.deepEqual(
    second.dead_letters.map(({ ticket_id }: { ticket_id: string }) => ticket_id),
    five.slice(2),
  )
  assert.equal(second.next_after, null)

  const replay = async (body: object, headers?: Record<string, string>) => {
    const answer = await bench.service.post(`${path()}/replay`, body, headers)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body.replayed
  }
  assert.equal(await replay({ ticket_ids: [five[0], '404'] }), 1)
  const range = { received_from: '2026-01-01T00:00:02Z', received_to: '2026-01-01T01:00:03+01:00' }
  const key = { 'idempotency-key': randomUUID() }
  assert.equal(await replay(range, key), 2)
  assert.equal(await replay(range, key), 2, 'the same answer again')
  assert.equal(await replay(range), 0)
  assert.equal(await replay({}), 2)
  await eventually(async () => (await state()).waiting === 0, 'all is drained')
  assert.equal((await state()).dead_lettered, 0)
  assert.equal((await state('', other)).dead_lettered, 1, 'another tenant’s stays')
  assert.deepEqual(await differences(bench, account), [])
})

test('invalid requests are refused', async () => {
  for (const body of [
    { ticket_ids: [] },
    { ticket_ids: ['x'] },
    { ticket_ids: [1] },
    { received_from: 'yesterday' },
    { received_from: '2026-01-01' },
    { received_from: '0000-11-30T20:00:00-20:00' },
    { received_to: '9999-12-31T23:59:59-01:00' },
    { everything: true },
    [],
  ]) {
    const answer = await bench.service.post(`${path()}/replay`, body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(answer.body.code, 'validation_failed')
  }
  await deadLettered(['1', '2', '3'])
  const cursor = (await state('?limit=1')).next_after
  assert.equal((await bench.service.get(`${path(other)}?after=${cursor}`)).body.code, 'invalid_cursor')
  const made = Buffer.from(JSON.stringify([account.integration, 'x'])).toString('base64url')
  assert.equal((await bench.service.get(`${path()}?after=${made}`)).body.code, 'invalid_cursor')
  const foreign = { ...account, integration: other.integration }
  assert.equal((await bench.service.get(path(foreign))).status, 404)
  assert.equal((await bench.service.post(`${path(foreign)}/replay`, {})).status, 404)
})

test('while HubSpot is unavailable, entries wait; they are drained when it is back', async () => {
  await bench.runSql('delete from inbox_entries')
  const [id] = await ids()
  bench.emulator.world.faults.add({
    kind: 'status',
    status: 503,
    match: { path: '/batch/read' },
    times: null,
  })
  await bench.emulator.control('PATCH', `/portals/${account.portal}/tickets`, {
    ids: [id],
    properties: { subject: 'late' },
  })
  const waits = await eventually(async () => {
    const body = await state()
    return body.failures > 0 && body.next_attempt_at !== null && body
  }, 'a drain has failed')
  assert.equal(waits.error_code, 'hubspot_unavailable')
  assert.ok(waits.waiting > 0 && waits.waiting_since !== null, JSON.stringify(waits))
  bench.emulator.world.faults.clear()
  await bench.drained()
  assert.deepEqual(await differences(bench, account), [])
  const { failures, error_code } = await state()
  assert.deepEqual([failures, error_code], [0, null])
})

test('a lease that a dead process left runs out; one that is held is respected', async () => {
  const [id] = await ids()
  const hold = (until: string) =>
    bench.runSql(`
      insert into inboxes (tenant_id, integration_id, lease_owner, lease_until)
      values ('${account.tenant}', '${account.integration}', 'another process', now() + interval '${until}')
      on conflict (tenant_id, integration_id) do update
        set lease_owner = excluded.lease_owner, lease_until = excluded.lease_until`)
  await hold('1 hour')
  await bench.emulator.control('PATCH', `/portals/${account.portal}/tickets`, {
    ids: [id],
    properties: { subject: 'held' },
  })
  await bench.emulator.control('POST', '/webhooks/wait', {})
  // A later change in an inbox that nobody holds is drained: a poll has passed.
  await bench.emulator.control('PATCH', `/portals/${other.portal}/tickets`, {
    count: 1,
    properties: { subject: 'not held' },
  })
  await eventually(async () => {
    const { last_received_at: received, waiting } = await state('', other)
    return received !== null && waiting === 0
  }, 'the inbox that nobody holds is drained')
  await new Promise((done) => setTimeout(done, 500))
  assert.ok((await state()).waiting > 0, 'an inbox that another process holds is not drained')
  await hold('0 s')
  await bench.drained()
  assert.deepEqual(await differences(bench, account), [])
})
