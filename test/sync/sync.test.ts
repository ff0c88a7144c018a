/** Runs end to end: full, incremental, resumed, waiting, failing, and what each reports. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { eventually, runEnded, startTestService, type TestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
const noLag = { index_lag_ms: 0, index_lag_jitter_ms: 0 }

describe('a run', () => {
  let emulator: TestEmulator
  let service: TestService
  let databaseUrl: string
  before(async () => {
    emulator = await startTestEmulator({ quirks: noLag })
    databaseUrl = await newPostgresDatabase()
    service = await startTestService(emulator.url, {
      DATABASE_URL: databaseUrl,
      SPOKE_SYNC_OVERLAP: '2s',
      SPOKE_INDEX_LAG: '0s',
    })
  })
  after(async () => {
    await service.stop()
    await emulator.close()
  })

  /** A portal with tickets, connected; its first full run has ended. */
  async function connected(hubId: number, tickets: number): Promise<{ id: string; first: string }> {
    await emulator.control('POST', '/portals', { portal_id: hubId, tickets, plan: 'enterprise' })
    const { token } = await emulator.control('POST', `/portals/${hubId}/tokens`, { kind: 'private_app' })
    const { status, body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    assert.equal(status, 201, JSON.stringify(body))
    const { body: history } = await service.get(`/api/hubspot/sync/${T}/${body.integration_id}`)
    const run = history.events.find((event: { trigger: string }) => event.trigger === 'connect')
    const ended = await runEnded(service, T, body.integration_id, run.sync_event_id)
    assert.equal(ended.state, 'succeeded')
    return { id: body.integration_id, first: run.sync_event_id }
  }

  /** Until the next run does not read what was before; HubSpot's Date counts whole seconds. */
  const pastOverlap = () => new Promise((resolve) => setTimeout(resolve, 3_300))

  async function sync(id: string, sync_type: string) {
    const { status, body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type })
    assert.equal(status, 202, JSON.stringify(body))
    return await runEnded(service, T, id, body.sync_event_id)
  }

  async function readBack(id: string) {
    const found = new Map()
    for (let after = ''; ; ) {
      const { body } = await service.get(`/api/hubspot/issues/${T}?limit=200&integration_id=${id}${after}`)
      for (const issue of body.issues)
        found.set(issue.ticket_id, { subject: issue.subject, updatedAt: issue.modified_at })
      if (!body.next_after) return found
      after = `&after=${body.next_after}`
    }
  }

  test('connecting starts a full one, which stores every ticket and knows the total before the first page', async () => {
    const { id, first } = await connected(101, 750)
    const { body: event } = await service.get(`/api/hubspot/sync/${T}/${id}/${first}`)
    assert.deepEqual(
      {
        type: event.sync_type,
        trigger: event.trigger,
        total: event.total,
        done: event.done,
        inserted: event.inserted,
        pages: event.pages,
      },
      { type: 'full', trigger: 'connect', total: 750, done: 750, inserted: 750, pages: 8 },
    )
    assert.deepEqual(await readBack(id), await truthOf(emulator, 101))
    const { body: integration } = await service.get(`/api/hubspot/integrations/${T}/${id}`)
    assert.ok(Date.parse(integration.last_sync) <= Date.now() && integration.last_sync >= event.started_at)
  })

  test('an incremental one reads what changed and reports its counts; without changes it costs one request', async () => {
    const { id } = await connected(102, 300)
    // Past the first full run's start minus the overlap, so that only what follows is searched.
    await pastOverlap()
    const truth = [...(await truthOf(emulator, 102)).keys()]
    await emulator.control('PATCH', `/portals/102/tickets/${truth[5]}`, {
      properties: { subject: 'Now in red' },
    })
    await emulator.control('POST', '/portals/102/tickets', { properties: { subject: 'Brand new' } })
    const event = await sync(id, 'incremental')
    assert.deepEqual(
      {
        state: event.state,
        inserted: event.inserted,
        changed: event.changed,
        failed: event.failed,
        total: event.total,
      },
      { state: 'succeeded', inserted: 1, changed: 1, failed: 0, total: 2 },
    )
    assert.deepEqual(await readBack(id), await truthOf(emulator, 102))

    await pastOverlap()
    const lookBack = await sync(id, 'incremental')
    // What changed just before the last run began is read once more, and rewrites nothing.
    assert.deepEqual({ done: lookBack.done, unchanged: lookBack.unchanged }, { done: 2, unchanged: 2 })
    await emulator.control('DELETE', '/requests')
    const idle = await sync(id, 'incremental')
    assert.equal(idle.done, 0)
    const asked = (await emulator.requests('/crm/')).map(({ method, path }) => `${method} ${path}`)
    // The connection is checked first, and then the run searches.
    assert.deepEqual(asked, ['GET /crm/objects/2026-09/tickets', 'POST /crm/objects/2026-09/tickets/search'])
  })

  test('a ticket edited while the first load runs is right after the next incremental', async () => {
    await emulator.control('POST', '/portals', { portal_id: 103, tickets: 600, plan: 'enterprise' })
    const { token } = await emulator.control('POST', '/portals/103/tokens', { kind: 'private_app' })
    const ids = [...(await truthOf(emulator, 103)).keys()]
    await emulator.control('POST', '/faults', {
      match: { path: '/tickets', method: 'GET', query: 'properties=', portal_id: 103 },
      kind: 'delay',
      delay_ms: 150,
      times: null,
    })
    const { body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    const id = body.integration_id
    await eventually(
      async () => (await service.get(`/api/hubspot/sync/${T}/${id}`)).body.running[0]?.done >= 300,
      'three pages are stored',
    )
    await emulator.control('PATCH', `/portals/103/tickets/${ids[0]}`, {
      properties: { subject: 'Edited behind the reader' },
    })
    await emulator.control('DELETE', '/faults')
    const { body: history } = await service.get(`/api/hubspot/sync/${T}/${id}`)
    await runEnded(service, T, id, history.events[0].sync_event_id)
    await sync(id, 'incremental')
    assert.deepEqual(await readBack(id), await truthOf(emulator, 103))
  })

  test('more than 10,000 changes at once, all in one millisecond, are all stored', async () => {
    const { id } = await connected(104, 10_450)
    await pastOverlap()
    await emulator.control('PATCH', '/portals/104/tickets', {
      count: 10_300,
      properties: { subject: 'Bulk edit' },
    })
    const event = await sync(id, 'incremental')
    assert.equal(event.changed, 10_300)
    assert.deepEqual(await readBack(id), await truthOf(emulator, 104))
  })

  test('the same type requested twice returns the active run; the other type is a run of its own, and both end correctly', async () => {
    const { id } = await connected(105, 600)
    await emulator.control('POST', '/faults', {
      match: { path: '/tickets', portal_id: 105 },
      kind: 'delay',
      delay_ms: 100,
      times: null,
    })
    const ask = async (sync_type: string) =>
      (await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type })).body
    const [one, two, three, other] = [
      await ask('full'),
      await ask('full'),
      await ask('full'),
      await ask('incremental'),
    ]
    assert.deepEqual([two.sync_event_id, three.sync_event_id], [one.sync_event_id, one.sync_event_id])
    assert.deepEqual([one.already_running, two.already_running, other.already_running], [false, true, false])
    assert.notEqual(other.sync_event_id, one.sync_event_id)
    const running = (await service.get(`/api/hubspot/sync/${T}/${id}`)).body.running
    assert.deepEqual(running.map((event: { sync_type: string }) => event.sync_type).sort(), [
      'full',
      'incremental',
    ])
    for (const { sync_event_id } of [one, other])
      assert.equal((await runEnded(service, T, id, sync_event_id)).state, 'succeeded')
    await emulator.control('DELETE', '/faults')
    assert.deepEqual(await readBack(id), await truthOf(emulator, 105))
  })

  test('a request without a body, of any content type, starts a full one; a body that is no object does not', async () => {
    const { id } = await connected(117, 3)
    const ask = (init: RequestInit) =>
      fetch(`${service.url}/api/hubspot/sync/${T}/${id}`, { method: 'POST', ...init })
    const json = { 'content-type': 'application/json' }
    const empty = () => new ReadableStream({ start: (stream) => stream.close() })
    const without: [string, RequestInit][] = [
      ['nothing', {}],
      ['an empty body', { body: '' }],
      ['an empty form', { body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
      ['an empty JSON body', { body: '', headers: json }],
      ['an empty JSON body in chunks', { body: empty(), headers: json, duplex: 'half' } as RequestInit],
      ['an empty object', { body: '{}', headers: json }],
    ]
    for (const [what, init] of without) {
      const answer = await ask(init)
      const body = (await answer.json()) as Record<string, string>
      assert.equal(answer.status, 202, `${what}: ${JSON.stringify(body)}`)
      assert.equal(body.sync_type, 'full', what)
      assert.equal(body.message, 'HubSpot full sync started in background', what)
      await runEnded(service, T, id, String(body.sync_event_id))
    }
    for (const body of ['null', '[]', '"full"'])
      assert.equal((await ask({ body, headers: json })).status, 400)
    assert.equal((await ask({ body: 'a=b', headers: { 'content-type': 'text/plain' } })).status, 415)
  })

  test('requesting one that waits resumes it at once, and the response reports it', async () => {
    const { id } = await connected(118, 250)
    await emulator.control('POST', '/faults', {
      match: { path: '/tickets', method: 'GET', query: 'properties=', portal_id: 118 },
      kind: 'status',
      status: 503,
      times: null,
    })
    const ask = async () => (await service.post(`/api/hubspot/sync/${T}/${id}`, {})).body
    const started = await ask()
    const event = async () =>
      (await service.get(`/api/hubspot/sync/${T}/${id}/${started.sync_event_id}`)).body
    await eventually(async () => (await event()).state === 'running', 'the run has begun')
    const running = await ask()
    // In one statement, so that no worker resumes it in between; and no probe resumes it afterwards.
    const postpone = `
      update sync_streams set not_before = now() + interval '1 hour', awaits_hubspot = false
      where integration_id = '${id}' and lease_until is null and not_before > now() returning sync_type`
    await eventually(async () => (await adminQuery(postpone, databaseUrl)).length > 0, 'the run waits')
    assert.equal((await event()).state, 'waiting')
    await emulator.control('DELETE', '/faults')
    const resumed = await ask()
    const said = (body: { message: string; already_running: boolean; resumed: boolean }) => [
      body.message,
      body.already_running,
      body.resumed,
    ]
    assert.deepEqual([started, running, resumed].map(said), [
      ['HubSpot full sync started in background', false, false],
      ['HubSpot full sync is already running', true, false],
      ['HubSpot full sync was waiting and has been resumed', true, true],
    ])
    assert.equal(resumed.sync_event_id, started.sync_event_id)
    const ended = await runEnded(service, T, id, started.sync_event_id, 20_000)
    assert.equal(ended.state, 'succeeded')
  })

  test('HubSpot’s 429, 5xx, resets, truncated and malformed responses during a run cost only time', async () => {
    const { id } = await connected(106, 1_000)
    const path = '/crm/objects/2026-09/tickets'
    const faults = [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 503 },
      { kind: 'truncate' },
      { kind: 'invalid_json' },
      { kind: 'html' },
      { kind: 'empty' },
      { kind: 'reset' },
      { kind: 'rate_limit', policy: 'secondly', retry_after: 1 },
    ]
    for (const [n, fault] of faults.entries()) {
      await emulator.control('POST', '/faults', {
        ...fault,
        match: { path, method: 'GET', portal_id: 106 },
        after: 1 + n,
        times: 1,
      })
    }
    const event = await sync(id, 'full')
    assert.deepEqual(
      { state: event.state, unchanged: event.unchanged },
      { state: 'succeeded', unchanged: 1_000 },
    )
    assert.deepEqual(
      (await emulator.control('GET', '/faults')).results?.filter(
        (fault: { left: number | null }) => fault.left,
      ) ?? [],
      [],
    )
    await emulator.control('DELETE', '/faults')
  })

  test('while HubSpot is down the run waits and reports why; afterwards it resumes at its cursor', async () => {
    const { id } = await connected(107, 800)
    const fault = {
      match: { path: '/crm/objects/2026-09/tickets', method: 'GET', query: 'properties=', portal_id: 107 },
      kind: 'status',
      status: 503,
      after: 4,
      times: null,
      retry_after: 2,
    }
    await emulator.control('POST', '/faults', fault)
    const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
    const waiting = await eventually(
      async () => {
        const { body: event } = await service.get(`/api/hubspot/sync/${T}/${id}/${body.sync_event_id}`)
        return event.state === 'waiting' && event
      },
      'the run waits',
      40_000,
    )
    assert.equal(waiting.waiting_for, 'hubspot_unavailable')
    assert.ok(waiting.waiting_until && waiting.done === 400, JSON.stringify(waiting))
    await emulator.control('DELETE', '/faults')
    const ended = await runEnded(service, T, id, body.sync_event_id, 30_000)
    assert.deepEqual(
      { state: ended.state, done: ended.done, waiting: ended.waiting_for },
      { state: 'succeeded', done: 800, waiting: null },
    )
  })

  test('a token that expires during the run ends it with its code and requires a reconnect; after it the run resumes', async () => {
    const { id } = await connected(108, 500)
    await emulator.control('POST', '/faults', {
      match: { path: '/crm/objects', method: 'GET', query: 'properties=', portal_id: 108 },
      kind: 'delay',
      delay_ms: 100,
      times: null,
    })
    const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
    await eventually(
      async () => (await service.get(`/api/hubspot/sync/${T}/${id}/${body.sync_event_id}`)).body.done >= 200,
      'two pages',
    )
    await emulator.control('POST', '/tokens/revoke', { portal_id: 108 })
    const ended = await runEnded(service, T, id, body.sync_event_id)
    assert.deepEqual(
      { state: ended.state, code: ended.error_code, error: ended.error },
      { state: 'failed', code: 'token_invalid', error: 'Invalid or expired access token' },
    )
    assert.equal((await service.get(`/api/hubspot/integrations/${T}/${id}`)).body.status, 'reauth_required')
    assert.equal((await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })).status, 409)

    await emulator.control('DELETE', '/faults')
    const { token } = await emulator.control('POST', '/portals/108/tokens', { kind: 'private_app' })
    const again = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    assert.deepEqual([again.status, again.body.integration_id, again.body.status], [200, id, 'active'])
    await eventually(
      async () => (await service.get(`/api/hubspot/sync/${T}/${id}`)).body.running.length === 0,
      'what reconnecting began ends',
    )
    assert.deepEqual(await readBack(id), await truthOf(emulator, 108))
  })

  test('an integration that is disconnected during a run stops at once, and its data stays', async () => {
    const { id } = await connected(109, 700)
    await emulator.control('POST', '/faults', {
      match: { path: '/crm/objects', method: 'GET', query: 'properties=', portal_id: 109 },
      kind: 'delay',
      delay_ms: 150,
      times: null,
    })
    const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
    await eventually(
      async () => (await service.get(`/api/hubspot/sync/${T}/${id}/${body.sync_event_id}`)).body.done >= 100,
      'a page',
    )
    await service.delete(`/api/hubspot/integrations/${T}/${id}`)
    await emulator.control('DELETE', '/faults')
    assert.equal((await runEnded(service, T, id, body.sync_event_id)).state, 'cancelled')
    await new Promise((resolve) => setTimeout(resolve, 500))
    await emulator.control('DELETE', '/requests')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    // Others of this service have a schedule of their own.
    const requests = await emulator.requests('/crm/')
    assert.deepEqual(
      requests.filter(({ portal_id }) => portal_id === 109),
      [],
    )
    assert.equal((await readBack(id)).size, 700)
  })

  test('a run whose stream a newer claim has taken writes nothing more', async () => {
    const { id } = await connected(110, 500)
    await emulator.control('POST', '/faults', {
      match: { path: '/crm/objects', method: 'GET', query: 'properties=', portal_id: 110 },
      kind: 'delay',
      delay_ms: 400,
      times: null,
    })
    const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
    const read = async () => (await service.get(`/api/hubspot/sync/${T}/${id}/${body.sync_event_id}`)).body
    await eventually(async () => (await read()).pages >= 1, 'a page')
    await adminQuery(
      `update sync_streams set epoch = epoch + 1, lease_until = now() + interval '1 hour' where integration_id = '${id}' and sync_type = 'full'`,
      databaseUrl,
    )
    const { pages } = await read()
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    assert.equal((await read()).pages, pages)
    await adminQuery(`update sync_streams set lease_until = null where integration_id = '${id}'`, databaseUrl)
    await emulator.control('DELETE', '/faults')
    const ended = await runEnded(service, T, id, body.sync_event_id)
    assert.deepEqual(
      { state: ended.state, done: ended.done, pages: ended.pages },
      { state: 'succeeded', done: 500, pages: 5 },
    )
  })

  for (const [what, hubId] of [
    ['waits', 111],
    ['fails', 112],
  ] as const)
    test(`a run that ${what} after a newer claim has taken its stream is counted as fenced, and writes nothing`, async () => {
      const { id } = await connected(hubId, 250)
      const match = { path: '/crm/objects', method: 'GET', query: 'properties=', portal_id: hubId }
      await emulator.control('POST', '/faults', {
        match,
        kind: 'delay',
        delay_ms: 700,
        after: 1,
        times: null,
      })
      if (what === 'waits')
        await emulator.control('POST', '/faults', {
          match,
          kind: 'status',
          status: 503,
          after: 1,
          times: null,
        })
      const fenced = async () =>
        Number(/spoke_sync_fenced_total (\d+)/.exec((await service.get('/metrics')).body)?.[1])
      const before = await fenced()
      const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
      const read = async () => (await service.get(`/api/hubspot/sync/${T}/${id}/${body.sync_event_id}`)).body
      await eventually(async () => (await read()).pages === 1, 'a page')
      await adminQuery(
        `update sync_streams set epoch = epoch + 1, lease_until = now() + interval '1 hour' where integration_id = '${id}' and sync_type = 'full'`,
        databaseUrl,
      )
      if (what === 'fails') await emulator.control('POST', '/tokens/revoke', { portal_id: hubId })
      const event = () =>
        adminQuery(`select * from sync_events where sync_event_id = '${body.sync_event_id}'`, databaseUrl)
      const was = await event()
      await eventually(async () => (await fenced()) === before + 1, 'it finds itself fenced')
      assert.deepEqual(await event(), was)
      await emulator.control('DELETE', '/faults')
    })

  test('no token is in any line that was logged at debug level', () => {
    const lines = service.lines.join('')
    assert.ok(lines.includes('hubspot call'))
    assert.doesNotMatch(lines, /pat-[a-z]{2,4}\d?-[0-9a-f]{8}/)
  })
})
