/** What HubSpot may do to a run: a daily limit, a refused cursor, a paging loop, a date far in the past or future. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { toTime } from '../../src/hubspot/time.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { eventually, runEnded, startTestService, type TestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
const path = '/crm/objects/2026-09/tickets'

describe('a run', () => {
  let emulator: TestEmulator
  let service: TestService
  let databaseUrl: string
  before(async () => {
    emulator = await startTestEmulator()
    databaseUrl = await newPostgresDatabase()
    service = await startTestService(emulator.url, { DATABASE_URL: databaseUrl })
  })
  after(async () => {
    await service.stop()
    await emulator.close()
  })
  async function connected(hubId: number, tickets: number): Promise<string> {
    await emulator.control('POST', '/portals', { portal_id: hubId, tickets, plan: 'enterprise' })
    const { token } = await emulator.control('POST', `/portals/${hubId}/tokens`, { kind: 'private_app' })
    const { body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    await eventually(
      async () =>
        (await service.get(`/api/hubspot/sync/${T}/${body.integration_id}`)).body.running.length === 0,
      'the first full ends',
    )
    return body.integration_id
  }

  test('that hits the daily limit waits until the limit ends, at its cursor, and counts no failure', async () => {
    const id = await connected(201, 600)
    await emulator.control('POST', '/faults', {
      match: { path, method: 'GET', portal_id: 201 },
      kind: 'rate_limit',
      policy: 'daily',
      after: 3,
      times: 1,
    })
    const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
    const read = async () => (await service.get(`/api/hubspot/sync/${T}/${id}/${body.sync_event_id}`)).body
    const waitsLong = async () => {
      const event = await read()
      return event.state === 'waiting' && Date.parse(event.waiting_until) - Date.now() > 800_000 && event
    }
    const waiting = await eventually(waitsLong, 'the run waits about a quarter of an hour', 30_000)
    assert.equal(waiting.waiting_for, 'hubspot_limit')
    const [stream] = await adminQuery(
      `select failures, cursor from sync_streams where integration_id = '${id}' and sync_type = 'full'`,
      databaseUrl,
    )
    assert.equal(stream?.failures, 0)
    assert.ok(stream?.cursor)
    // Callers get the actual time, not an estimate.
    const tickets = await service.get(`/api/hubspot/tickets/${T}/${id}`)
    assert.deepEqual([tickets.status, tickets.body.code], [503, 'hubspot_limit'])
    assert.ok(Number(tickets.headers.get('retry-after')) > 800)
    // The day is over.
    await adminQuery(`delete from budgets; update sync_streams set not_before = null`, databaseUrl)
    const ended = await runEnded(service, T, id, body.sync_event_id)
    assert.deepEqual({ state: ended.state, done: ended.done }, { state: 'succeeded', done: 600 })
  })

  test('whose cursor HubSpot refuses begins again, and its counts with it', async () => {
    const id = await connected(202, 500)
    await emulator.control('POST', '/faults', {
      match: { path, method: 'GET', portal_id: 202 },
      kind: 'status',
      status: 400,
      after: 3,
      times: 1,
    })
    const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
    const ended = await runEnded(service, T, id, body.sync_event_id, 40_000)
    assert.deepEqual(
      { state: ended.state, done: ended.done, pages: ended.pages },
      { state: 'succeeded', done: 500, pages: 5 },
    )
  })

  for (const type of ['full', 'incremental'] as const) {
    test(`whose HubSpot pages in a loop (${type}) waits with an error, and does not run for ever`, async () => {
      const hubId = type === 'full' ? 204 : 205
      const id = await connected(hubId, 150)
      const page = (n: number) => ({ results: [], paging: { next: { after: ['a', 'b', 'c'][n % 3] } } })
      // The test of the connection is answered as ever.
      if (type === 'full')
        await emulator.control('POST', '/faults', {
          match: { path: '/objects/', method: 'GET', portal_id: hubId },
          kind: 'status',
          status: 200,
          body: { results: [] },
        })
      // Each answer of the circle lasts for one call; the four after the first three close it.
      for (const n of [0, 1, 2, 3, 4, 5, 6])
        await emulator.control('POST', '/faults', {
          match: { path: type === 'full' ? '/tickets' : '/search', portal_id: hubId },
          kind: 'status',
          status: 200,
          body: type === 'full' && n === 0 ? { total: 1, results: [] } : { ...page(n), total: 9 },
          times: 1,
        })
      await emulator.control('DELETE', '/requests')
      const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: type })
      const read = async () => (await service.get(`/api/hubspot/sync/${T}/${id}/${body.sync_event_id}`)).body
      const waiting = await eventually(
        async () => {
          const event = await read()
          return event.state === 'waiting' && event
        },
        'the run waits',
        30_000,
      )
      assert.equal(waiting.waiting_for, 'hubspot_unavailable')
      assert.ok((await emulator.requests('/crm/objects')).length <= 8)
      await emulator.control('DELETE', '/faults')
      assert.equal((await runEnded(service, T, id, body.sync_event_id, 40_000)).state, 'succeeded')
    })
  }

  test('an invented cursor is refused as invalid, on each route that pages', async () => {
    const id = await connected(203, 1)
    const made = (of: string) => Buffer.from(JSON.stringify([of, 'zzz'])).toString('base64url')
    for (const route of [
      `issues/${T}?after=${made(T)}`,
      `sync/${T}/${id}?after=${made(id)}`,
      `tickets/${T}/${id}?after=${made(T)}`,
      `tickets/${T}/${id}?after=${made(id)}`,
    ]) {
      const { status, body } = await service.get(`/api/hubspot/${route}`)
      assert.deepEqual([status, body.code], [400, 'invalid_cursor'], route)
    }
  })
})

test('implausible or missing times are no time; both of HubSpot’s formats are valid', () => {
  for (const odd of [
    '+033658-09-27T01:46:40.000Z',
    '-000001-01-01T00:00:00.000Z',
    '0000-01-01T00:00:00Z',
    '253402300800000',
    'soon',
    '',
    null,
    undefined,
    {},
    true,
  ]) {
    assert.equal(toTime(odd), null, String(odd))
  }
  assert.equal(toTime('2026-03-12T07:33:57Z'), '2026-03-12T07:33:57.000Z')
  assert.equal(toTime('1773300837041'), '2026-03-12T07:33:57.041Z')
})
