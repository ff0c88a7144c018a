/** A POST with an Idempotency-Key runs once: its response is replayed, and a different request under the same key is refused. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { everyRow, runSql } from '../http/database.ts'
import { type Bench, idle, newAccount, startBench } from '../http/http-fixture.ts'
import { eventually } from '../support/service.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

const post = (path: string, key: string, body: object) =>
  bench.send({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
const sync = () => `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
const runs = async () =>
  (await runSql(bench.database, `select 1 from sync_events where integration_id = '${bench.integration}'`))
    .length

test('a sync under one key is one run, however long ago it ended, and the answer is the same bytes', async () => {
  const key = randomUUID()
  const before = await runs()
  const first = await post(sync(), key, { sync_type: 'full' })
  assert.equal(first.status, 202, first.text)
  await idle(bench.service, bench.database)
  const again = await post(sync(), key, { sync_type: 'full' })
  assert.deepEqual([again.status, again.json], [202, first.json])
  assert.equal(again.headers.location, first.headers.location)
  assert.equal(await runs(), before + 1)
  // Without the body's only field it means the same.
  assert.deepEqual((await post(sync(), key, {})).json, first.json)
  const other = await post(sync(), randomUUID(), { sync_type: 'full' })
  assert.notEqual(other.json.sync_event_id, first.json.sync_event_id)
  await idle(bench.service, bench.database)
})

test('another body or another path under the key is 422, and does nothing', async () => {
  const key = randomUUID()
  await post(sync(), key, { sync_type: 'full' })
  await idle(bench.service, bench.database)
  const headers = { 'content-type': 'application/json', 'idempotency-key': key }
  const expected = { status: 422, code: 'idempotency_mismatch' }
  const body = '{"sync_type":"incremental"}'
  await bench.refused({ what: 'another body', method: 'POST', path: sync(), headers, body, ...expected })
  const path = `/api/hubspot/integrations/${bench.tenant}`
  const connect = '{"access_token":"zqmark7"}'
  const secret = ['zqmark7']
  await bench.refused({
    what: 'another path',
    method: 'POST',
    path,
    headers,
    body: connect,
    secret,
    ...expected,
  })
})

for (const key of ['x'.repeat(256), 'a b', 'ü', '']) {
  test(`the key "${key.slice(0, 5)}" of ${key.length} characters is 400`, async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key }
    const expected = { status: 400, code: 'validation_failed', pointer: '/idempotency-key' }
    await bench.refused({ what: key, method: 'POST', path: sync(), headers, body: '{}', ...expected })
  })
}

test('100 at once under one key make one run and get one answer', async () => {
  const key = randomUUID()
  const before = await runs()
  const answers = await Promise.all(Array.from({ length: 100 }, () => post(sync(), key, {})))
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202])
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  await idle(bench.service, bench.database)
  assert.equal(await runs(), before + 1)
})

test('a connect is replayed without calling HubSpot, and its token is stored nowhere in plain text', async () => {
  const { token } = newAccount(bench.emulator)
  const path = `/api/hubspot/integrations/${randomUUID()}`
  const key = randomUUID()
  const first = await post(path, key, { access_token: token })
  assert.equal(first.status, 201, first.text)
  await idle(bench.service, bench.database)
  const calls = bench.emulator.world.log.list().length
  const again = await post(path, key, { access_token: token })
  assert.deepEqual([again.status, again.json], [201, first.json])
  assert.equal(bench.emulator.world.log.list().length, calls)
  const other = await post(path, key, { access_token: newAccount(bench.emulator).token })
  assert.equal(other.json.code, 'idempotency_mismatch')
  const rows = await everyRow(bench.database)
  assert.ok(!rows.includes(token) && !rows.includes(key))
})

test('while a connect is in progress its key is 409, and a refused one releases its key', async () => {
  const { token } = newAccount(bench.emulator)
  const path = `/api/hubspot/integrations/${randomUUID()}`
  const key = randomUUID()
  assert.equal((await post(path, key, { access_token: 'pat-na1-nobody' })).status, 422)
  const { faults, log } = bench.emulator.world
  faults.add({ kind: 'delay', delay_ms: 1_500, times: 1 })
  const slow = post(path, key, { access_token: token })
  await eventually(async () => log.stats().in_flight > 0, 'HubSpot is called')
  const early = await post(path, key, { access_token: token })
  assert.deepEqual([early.status, early.json.code], [409, 'idempotency_in_progress'])
  assert.match(String(early.headers['retry-after']), /^\d+$/)
  assert.equal((await slow).status, 201)
  assert.equal((await post(path, key, { access_token: token })).status, 201)
})

test('a callback under one key is answered again, although its state and code are spent', async () => {
  const begun = await bench.send({ path: `/api/hubspot/authorize/${bench.tenant}` })
  const page = new URL(begun.json.authorization_url)
  page.searchParams.set('auto', '1')
  page.searchParams.set('portal_id', String(newAccount(bench.emulator).portal))
  const back = new URL((await fetch(page, { redirect: 'manual' })).headers.get('location') ?? '')
  const body = { code: back.searchParams.get('code'), state: back.searchParams.get('state') }
  const key = randomUUID()
  const first = await post('/api/hubspot/oauth/callback', key, body)
  assert.equal(first.status, 200, first.text)
  const again = await post('/api/hubspot/oauth/callback', key, body)
  assert.deepEqual([again.status, again.json], [200, first.json])
  assert.equal((await post('/api/hubspot/oauth/callback', randomUUID(), body)).json.code, 'invalid_state')
  assert.equal(
    (await post('/api/hubspot/oauth/callback', key, { ...body, state: 'x' })).json.code,
    'invalid_state',
  )
})
