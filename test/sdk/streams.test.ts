/** Streams of the client against a real Spoke: changes and runs over connections that break, or let no events through. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createCaller } from '../../packages/sdk/src/call.ts'
import { streamChanges } from '../../packages/sdk/src/event-streams.ts'
import { type Change, createSpoke, type SpokeError, type SpokeTenant } from '../../packages/sdk/src/spoke.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'

let emulator: TestEmulator
let service: TestService
let tenant: SpokeTenant
let integrationId: string
let hubId: number
let ids: string[]
/** Before every edit of this file. */
let beginning: string

before(async () => {
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  service = await startTestService(emulator.url)
  hubId = emulator.world.addPortal({ tickets: 20 }).portal_id
  const { token } = emulator.world.addToken(hubId, { kind: 'private_app' })
  tenant = createSpoke({ baseUrl: service.url }).tenant(randomUUID())
  integrationId = (await tenant.integrations.connect({ access_token: token })).integration_id
  await eventually(
    async () => (await tenant.integrations.get(integrationId)).last_sync,
    'the first sync ends',
  )
  ids = (await tenant.issues.list()).issues.map(({ ticket_id }) => ticket_id)
  beginning = await now()
})

after(async () => {
  await service?.stop()
  await emulator?.close()
})

const now = async () => (await tenant.changes.list({ after: 'now' })).next_after

/** Edits one ticket, and syncs until its change is in the feed. */
async function edit(id: string, subject: string): Promise<void> {
  const from = await now()
  await emulator.control('PATCH', `/portals/${hubId}/tickets`, { ids: [id], properties: { subject } })
  await eventually(async () => {
    const { sync_event_id: run } = await tenant.sync.start(integrationId, { sync_type: 'incremental' })
    for await (const _ of tenant.sync.follow(integrationId, run));
    return (await tenant.changes.list({ after: from })).changes.length > 0
  }, `${subject} is in the feed`)
}

/** A tenant whose streams go through `through`. */
function tenantThrough(through: (request: Request, number: number) => Promise<Response>) {
  const requests: Request[] = []
  const own = createSpoke({
    baseUrl: service.url,
    retry: { baseMs: 5, attempts: 3 },
    fetch: (request) => through(request, requests.push(request)),
  }).tenant(tenant.id)
  return { own, requests }
}

const subjectOf = ({ changed }: Change) => changed?.subject?.to

/** The response, cut off after its events so far. */
async function cutAfterEvents(request: Request, events: number): Promise<Response> {
  const response = await fetch(request)
  let seen = 0
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      seen += new TextDecoder().decode(chunk).split('\ndata: ').length - 1
      controller.enqueue(chunk)
      if (seen >= events) controller.error(new TypeError('terminated'))
    },
  })
  return new Response(response.body?.pipeThrough(cut) ?? null, response)
}

test('changes arrive while the stream is open, over connections that break, each once and in order', async () => {
  const after = beginning
  const failures: SpokeError[] = []
  const { own, requests } = tenantThrough(async (request, number) => {
    if (number === 2) throw new TypeError('fetch failed')
    if (number === 3) return new Response('', { status: 503, headers: { 'retry-after': '0' } })
    return number === 1 ? await cutAfterEvents(request, 1) : await fetch(request)
  })
  const subjects: unknown[] = []
  await edit(ids[0] as string, 'one')
  const stop = new AbortController()
  for await (const change of own.changes.stream({
    after,
    include: 'issue',
    signal: stop.signal,
    onRetry: ({ error }) => failures.push(error),
  })) {
    subjects.push(subjectOf(change))
    assert.equal((change.issue as { subject?: string } | undefined)?.subject, subjects.at(-1))
    // Made while the stream is open, or broken.
    if (subjects.length === 1) await edit(ids[1] as string, 'two')
    if (subjects.length === 2) await edit(ids[2] as string, 'three')
    if (subjects.length === 3) break
  }
  assert.deepEqual(subjects, ['one', 'two', 'three'])
  assert.deepEqual(
    failures.map(({ code, status }) => [code, status]),
    [
      ['connection_failed', 0],
      ['connection_failed', 0],
      ['unexpected_response', 503],
    ],
  )
  assert.equal(requests.length, 4)
  assert.equal(new URL(requests[0]?.url as string).searchParams.get('after'), after)
  assert.equal(requests[0]?.headers.get('last-event-id'), null)
  for (const request of requests.slice(1)) assert.ok(request.headers.get('last-event-id'))
})

test('a stream from now that breaks before the first change misses none', async () => {
  const broken = Promise.withResolvers<void>()
  const { own } = tenantThrough(async (request, number) => {
    if (number > 1) {
      await broken.promise
      return await fetch(request)
    }
    // The head and the first event, which has only an id.
    const response = await fetch(request)
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
    let text = ''
    while (!text.includes('id: ')) text += new TextDecoder().decode((await reader.read()).value)
    await reader.cancel()
    return new Response(text, response)
  })
  const stream = own.changes.stream({ after: 'now' })
  const first = stream.next()
  await edit(ids[3] as string, 'between')
  broken.resolve()
  assert.equal(subjectOf((await first).value as Change), 'between')
  await stream.return()
})

test('where no events come through, the feed is read by long polls', async () => {
  const after = beginning
  const { own, requests } = tenantThrough(async (request) =>
    // As a proxy that rewrites Accept: Spoke then sends a page.
    request.headers.get('accept') === 'text/event-stream'
      ? await fetch(new Request(request, { headers: { accept: '*/*' } }))
      : await fetch(request),
  )
  const subjects: unknown[] = []
  for await (const change of own.changes.stream({ after })) {
    subjects.push(subjectOf(change))
    if (subjects.length === 4) await edit(ids[4] as string, 'polled')
    if (subjects.length === 5) break
  }
  assert.deepEqual(subjects, ['one', 'two', 'three', 'between', 'polled'])
  assert.equal(requests.filter(({ url }) => new URL(url).searchParams.has('wait')).length, 2)
  const strict = own.changes.stream({ after, transport: 'events' })
  await assert.rejects(strict.next(), { name: 'SpokeError', code: 'unexpected_response' })
})

test('where a proxy collects what it is sent, or the connection falls silent, the stream goes on', async () => {
  const after = beginning
  const never = () => new ReadableStream<Uint8Array>({ start() {} })
  const head = { headers: { 'content-type': 'text/event-stream' } }
  const caller = (through: (request: Request, number: number) => Promise<Response>) => {
    let number = 0
    const send = (request: Request) => through(request, ++number)
    return createCaller({ baseUrl: service.url, retry: { baseMs: 1 }, fetch: send })
  }
  const collects = caller(async (request) =>
    request.headers.get('accept') === 'text/event-stream'
      ? new Response(never(), head)
      : await fetch(request),
  )
  const periods = { firstMs: 50, silentMs: 60_000 }
  const polled = streamChanges(collects, tenant.id, { after }, periods)
  assert.equal(subjectOf((await polled.next()).value as Change), 'one')
  await polled.return()
  const wrong = streamChanges(collects, tenant.id, { after: 'no-cursor' }, periods)
  await assert.rejects(wrong.next(), { name: 'SpokeError', code: 'invalid_cursor' })

  const silent = caller(async (request, number) => {
    if (number > 1) return await fetch(request)
    const begun = never()
    const start = new TransformStream({
      start: (one) => one.enqueue(new TextEncoder().encode(': alive\n\n')),
    })
    return new Response(begun.pipeThrough(start), head)
  })
  const again = streamChanges(silent, tenant.id, { after }, { firstMs: 60_000, silentMs: 50 })
  assert.equal(subjectOf((await again.next()).value as Change), 'one')
  await again.return()
})

test('what another connection does not mend ends the stream', async () => {
  const { own, requests } = tenantThrough((request) => fetch(request))
  const wrong = own.changes.stream({ after: 'no-cursor' })
  await assert.rejects(wrong.next(), { name: 'SpokeError', code: 'invalid_cursor' })
  const polled = own.changes.stream({ after: 'no-cursor', transport: 'poll' })
  await assert.rejects(polled.next(), { name: 'SpokeError', code: 'invalid_cursor' })
  assert.equal(requests.length, 2)
})

test('a poll continues where the one before it ended, also when that brought nothing', async () => {
  const edited = Promise.withResolvers<void>()
  const { own, requests } = tenantThrough(async (request, number) => {
    if (number === 1) return await fetch(request.url.replace('wait=25', 'wait=0'))
    await edited.promise
    return await fetch(request)
  })
  const stream = own.changes.stream({ after: 'now', transport: 'poll' })
  const first = stream.next()
  await eventually(async () => requests.length > 0, 'the first poll is sent')
  await edit(ids[5] as string, 'between polls')
  edited.resolve()
  assert.equal(subjectOf((await first).value as Change), 'between polls')
  await stream.return()
})

test('a stream that was never connected gives up, and one that was gives up where it is told to', async () => {
  const offline = tenantThrough(() => Promise.reject(new TypeError('fetch failed')))
  await assert.rejects(offline.own.changes.stream().next(), { code: 'connection_failed' })
  assert.equal(offline.requests.length, 3)
  const { own, requests } = tenantThrough(async (request, number) => {
    if (number > 1) throw new TypeError('fetch failed')
    return await cutAfterEvents(request, 1)
  })
  const stream = own.changes.stream({ maxFailures: 5 })
  await assert.rejects(
    async () => {
      for await (const _ of stream);
    },
    { code: 'connection_failed' },
  )
  assert.equal(requests.length, 6)
})

test('a signal ends a stream that waits, and a reader that leaves closes the connection', async () => {
  const stop = new AbortController()
  const reason = new Error('enough')
  const bodies: AbortSignal[] = []
  const { own } = tenantThrough((request) => {
    bodies.push(request.signal)
    return fetch(request)
  })
  const stream = own.changes.stream({ after: 'now', signal: stop.signal })
  setTimeout(() => stop.abort(reason), 50)
  await assert.rejects(stream.next(), reason)
  for await (const _ of own.changes.stream()) break
  const whole = createSpoke({ baseUrl: service.url, signal: stop.signal }).tenant(tenant.id)
  await assert.rejects(whole.changes.stream({ after: 'now' }).next(), reason)
  await assert.rejects(whole.issues.list(), reason)
  assert.deepEqual(
    bodies.map(({ aborted }) => aborted),
    [true, true],
  )
})

test('a run is followed over a connection that breaks', async () => {
  const { sync_event_id: run } = await tenant.sync.start(integrationId)
  const { own, requests } = tenantThrough((request, number) =>
    number === 1 ? cutAfterEvents(request, 1) : fetch(request),
  )
  const states: string[] = []
  for await (const { state } of own.sync.follow(integrationId, run)) states.push(state)
  assert.equal(states.at(-1), 'succeeded')
  assert.ok(requests.length === 2 || states.length === 1, `${requests.length}, ${states}`)
})

test('an export is read line by line, with conditions, and one that is cut off is an error', async () => {
  const read = async (of: SpokeTenant, query = {}) => {
    const found: string[] = []
    for await (const { ticket_id } of of.issues.stream(query)) found.push(ticket_id)
    return found
  }
  assert.deepEqual(await read(tenant), ids)
  const some = { ticket_id: ids.slice(0, 2), sort: 'created_at' as const, fields: ['subject'] }
  assert.deepEqual((await read(tenant, some)).toSorted(), ids.slice(0, 2).toSorted())
  const wrong = { 'properties.no_such': 'x' }
  await assert.rejects(read(tenant, wrong), { code: 'validation_failed', status: 400 })
  for (const end of ['error', 'end'] as const) {
    const { own } = tenantThrough(async (request) => {
      const text = await (await fetch(request)).text()
      const part = new TextEncoder().encode(text.slice(0, text.lastIndexOf('{"complete"')))
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(part)
          if (end === 'end') controller.close()
        },
        pull(controller) {
          if (end === 'error') controller.error(new TypeError('terminated'))
        },
      })
      return new Response(body)
    })
    await assert.rejects(read(own), { code: 'connection_failed', status: 200 })
  }
  const stop = new AbortController()
  const stream = tenant.issues.stream({}, { signal: stop.signal })
  await stream.next()
  stop.abort(new Error('enough'))
  await stream.return()
})
