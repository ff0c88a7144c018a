// How events reach a receiver: batches, signatures, side by side, again after a failure, and never after the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryDelay } from '../../emulator/webhooks/retries.ts'
import { signatureV1, signatureV3 } from '../../emulator/webhooks/signing.ts'
import { createWorld } from '../../emulator/world.ts'
import { ask, TICKETS } from './help.ts'
import { startHooked } from './receiver.ts'

const CREATION = ['ticket.creation']
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

test('events come in arrays of at most a hundred, signed both ways over the address and the bytes', async (t) => {
  const hook = await startHooked(t, ['ticket.creation', 'ticket.propertyChange:subject'])
  const { client_secret } = hook.app
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, {
    target_url: `${hook.receiver.url}?from=hs%3Aapp&x=%28a%29`,
  })
  const raw = `${hook.receiver.url}?from=hs%3Aapp&x=%28a%29`
  hook.world.addTickets(hook.portal_id, { count: 120, properties: { subject: 'Zoë ☕' } })
  assert.equal((await hook.wait()).quiet, true)
  assert.deepEqual(
    hook.receiver.got.map((one) => one.events.length).sort((a, b) => a - b),
    [40, 100, 100],
  )
  for (const { headers, body } of hook.receiver.got) {
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers['x-hubspot-signature'], signatureV1(client_secret, body))
    assert.equal(headers['x-hubspot-signature-version'], 'v1')
    const time = String(headers['x-hubspot-request-timestamp'])
    assert.ok(Math.abs(Number(time) - Date.now()) < 5000)
    const signature = signatureV3(client_secret, 'POST', raw, body, time)
    assert.equal(headers['x-hubspot-signature-v3'], signature)
  }
  const { results } = (await hook.control('GET', '/webhooks/deliveries')).json
  assert.equal(results.length, 3)
  assert.deepEqual([results[0].status, results[0].attempt, results[0].portal_ids], [200, 0, [hook.portal_id]])
  assert.equal(results[0].url, raw)
  const later = (await hook.control('GET', `/webhooks/deliveries?since=${results[1].seq}`)).json.results
  assert.equal(later.length, 1)
})

test('which signatures are sent is a switch, and whose time they carry a setting', async (t) => {
  const hook = await startHooked(t, CREATION, {}, { webhook_signatures: 'v3' })
  hook.world.clock.advance(86_400_000)
  const send = async () => {
    hook.world.addTickets(hook.portal_id)
    await hook.wait()
    return hook.receiver.got.at(-1)?.headers as Record<string, string>
  }
  const first = await send()
  assert.equal(first['x-hubspot-signature'], undefined)
  assert.ok(Number(first['x-hubspot-request-timestamp']) - Date.now() > 86_000_000)
  await hook.control('PATCH', '/webhooks', { timestamps: 'machine' })
  assert.ok(Number((await send())['x-hubspot-request-timestamp']) - Date.now() < 5000)
  hook.world.changeQuirks({ webhook_signatures: 'v1' })
  const old = await send()
  assert.equal(old['x-hubspot-signature-v3'], undefined)
  assert.equal(old['x-hubspot-signature-version'], 'v1')
})

test('an account has no more requests under way than the app allows, and accounts do not wait for each other', async (t) => {
  const hook = await startHooked(t, CREATION)
  const { world, receiver } = hook
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, {
    target_url: receiver.url,
    max_concurrent_requests: 3,
  })
  await hook.control('PATCH', '/webhooks', { batch_events: 1, timeout_ms: 20_000 })
  receiver.answer = () => ({ status: 204, after: 40 })
  world.addTickets(hook.portal_id, { count: 12 })
  await hook.wait()
  assert.equal(receiver.most_running, 3)
  assert.equal(receiver.got.length, 12)
  const other = world.addPortal({}).portal_id
  hook.install(other)
  world.addTickets(hook.portal_id, { count: 6 })
  world.addTickets(other, { count: 6 })
  await hook.wait()
  assert.equal(receiver.most_running, 6)
  assert.ok(receiver.got.every((one) => new Set(one.events.map((each) => each.portalId)).size === 1))
})

test('accounts in one batch is a switch', async (t) => {
  const hook = await startHooked(t, CREATION, {}, { webhook_mixed_portals: true })
  const other = hook.world.addPortal({}).portal_id
  hook.install(other)
  for (const portal_id of [hook.portal_id, other, hook.portal_id]) hook.world.addTickets(portal_id)
  await hook.wait()
  assert.deepEqual(
    hook.receiver.got.map((one) => one.events.map((each) => each.portalId)),
    [[hook.portal_id, other, hook.portal_id]],
  )
})

test('whatever is no success is tried again, counted, and signed anew', async (t) => {
  const hook = await startHooked(t, CREATION)
  const { receiver } = hook
  await hook.control('PATCH', '/webhooks', { compression: 1_000_000, timeout_ms: 1000 })
  const faults = [500, 404, 302, 429, { status: 200, after: 4000 }, 503]
  receiver.answer = () => faults[receiver.got.length - 1] ?? 200
  hook.world.addTickets(hook.portal_id)
  const counts = await hook.wait()
  assert.equal(counts.quiet, true)
  assert.deepEqual(
    receiver.got.map((one) => one.events[0].attemptNumber),
    [0, 1, 2, 3, 4, 5, 6],
  )
  assert.equal(new Set(receiver.got.map((one) => one.events[0].eventId)).size, 1)
  const times = receiver.got.map((one) => Number(one.headers['x-hubspot-request-timestamp']))
  assert.deepEqual([...times].sort(), times)
  assert.ok((times[6] as number) > (times[0] as number))
  assert.equal(new Set(receiver.got.map((one) => one.headers['x-hubspot-signature-v3'])).size, 7)
  const { made, delivered, retried, failed, attempts, refused } = counts
  assert.deepEqual(
    { made, delivered, retried, failed, attempts, refused },
    {
      made: 1,
      delivered: 1,
      retried: 6,
      failed: 0,
      attempts: 7,
      refused: 6,
    },
  )
  const tried = (await hook.control('GET', '/webhooks/deliveries')).json.results
  assert.match(tried[4].error, /no answer within 1000 ms/)
  assert.equal(tried[4].status, null)
})

test('after the tenth retry an event is given up, and a receiver that is not there is a failure too', async (t) => {
  const hook = await startHooked(t, CREATION)
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, {
    target_url: 'http://127.0.0.1:1/nobody',
  })
  await hook.control('PATCH', '/webhooks', { compression: 10_000_000 })
  hook.world.addTickets(hook.portal_id, { count: 2 })
  const counts = await hook.wait()
  assert.equal(counts.quiet, true)
  assert.deepEqual([counts.failed, counts.retried, counts.delivered], [2, 20, 0])
  const tried = (await hook.control('GET', '/webhooks/deliveries')).json.results
  assert.equal(Math.max(...tried.map((one: { attempt: number }) => one.attempt)), 10)
  assert.match(tried[0].error, /ECONNREFUSED/)
})

test('ten retries fill most of a day, never more, and no two events wait alike', () => {
  const sums = Array.from({ length: 200 }, (_, n) => {
    const waits = Array.from({ length: 10 }, (_, i) =>
      retryDelay(i + 1, n, { seed: 1, jitter: 0.25, compression: 1 }),
    )
    return waits.reduce((a, b) => a + b) / 3_600_000
  })
  assert.ok(Math.max(...sums) <= 24, String(Math.max(...sums)))
  assert.ok(Math.min(...sums) > 12, String(Math.min(...sums)))
  assert.ok(new Set(sums).size > 190)
})

test('retries follow HubSpot’s clock: moved by a day, all that waits is sent', async (t) => {
  const hook = await startHooked(t, CREATION)
  hook.receiver.answer = () => (hook.receiver.got.length < 2 ? 500 : 200)
  hook.world.addTickets(hook.portal_id)
  const soon = await hook.wait(300)
  assert.deepEqual([soon.quiet, soon.queued, soon.retried], [false, 1, 1])
  hook.world.clock.advance(120_000)
  assert.equal((await hook.wait()).quiet, true)
  assert.equal(hook.receiver.got.length, 2)
})

test('switches of retries: some errors are final, Retry-After counts, ids are given anew', async (t) => {
  const hook = await startHooked(
    t,
    CREATION,
    {},
    { webhook_retries_4xx: false, webhook_honours_retry_after: true, webhook_retry_keeps_id: false },
  )
  const { receiver } = hook
  await hook.control('PATCH', '/webhooks', { compression: 1_000_000 })
  receiver.answer = () => 400
  hook.world.addTickets(hook.portal_id)
  const { failed, retried } = await hook.wait()
  assert.deepEqual([failed, retried], [1, 0])
  hook.world.changeQuirks({ webhook_retries_4xx: true })
  receiver.got.length = 0
  receiver.answer = () => (receiver.got.length < 2 ? { status: 429, headers: { 'retry-after': '400' } } : 200)
  hook.world.addTickets(hook.portal_id)
  await hook.wait()
  const [first, second] = receiver.got
  assert.ok(first && second && second.at - first.at >= 380)
  assert.notEqual(first?.events[0].eventId, second?.events[0].eventId)
})

test('a pause holds everything back, a flush sends what is delayed, the queue can be dropped', async (t) => {
  const hook = await startHooked(t, CREATION)
  await hook.control('PATCH', '/webhooks', { paused: true })
  hook.world.addTickets(hook.portal_id, { count: 3 })
  assert.equal((await hook.wait(100)).queued, 3)
  assert.equal(hook.receiver.got.length, 0)
  await hook.control('PATCH', '/webhooks', { paused: false })
  assert.equal((await hook.wait()).delivered, 3)
  await hook.control('PATCH', '/webhooks/disorder', { delayed: 1, delay_ms: 3_600_000 })
  hook.world.addTickets(hook.portal_id, { count: 5 })
  assert.equal((await hook.wait(100)).queued, 5)
  const flushed = (await hook.control('POST', '/webhooks/flush', {})).json
  assert.deepEqual([flushed.quiet, flushed.delivered], [true, 8])
  hook.world.addTickets(hook.portal_id, { count: 5 })
  const dropped = (await hook.control('DELETE', '/webhooks/queue')).json
  assert.deepEqual([dropped.queued, dropped.dropped], [0, 5])
})

test('what is sent to is what the app has set when it is sent, with its secret', async (t) => {
  const hook = await startHooked(t, CREATION)
  const path = `/apps/${hook.app.client_id}`
  await hook.control('PATCH', '/webhooks', { paused: true })
  hook.world.addTickets(hook.portal_id)
  await hook.control('PATCH', path, { client_secret: 'another-secret-0002' })
  await hook.control('PUT', `${path}/webhooks`, { target_url: `${hook.receiver.url}/moved` })
  await hook.control('PATCH', '/webhooks', { paused: false })
  await hook.wait()
  const [got] = hook.receiver.got
  assert.equal(got?.url, '/hook/moved')
  assert.equal(got?.headers['x-hubspot-signature'], signatureV1('another-secret-0002', got?.body ?? ''))
  await hook.control('PATCH', '/webhooks', { paused: true })
  hook.world.addTickets(hook.portal_id)
  await hook.control('PUT', `${path}/webhooks`, { target_url: null })
  await hook.control('PATCH', '/webhooks', { paused: false })
  assert.deepEqual([(await hook.wait()).dropped, hook.receiver.got.length], [1, 1])
})

test('HubSpot’s old settings stay in force for a while, and so do deliveries after an uninstall, by setting', async (t) => {
  const hook = await startHooked(t, CREATION)
  await hook.control('PATCH', '/webhooks', { settings_lag_ms: 300_000, after_uninstall_ms: 60_000 })
  hook.world.clock.advance(300_001)
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, { subscriptions: ['ticket.deletion'] })
  const [id] = hook.world.addTickets(hook.portal_id) as [string]
  assert.equal((await hook.events()).length, 1)
  hook.world.clock.advance(300_001)
  hook.world.addTickets(hook.portal_id)
  assert.equal((await hook.events()).length, 1)
  await hook.control('PATCH', '/webhooks', { paused: true })
  hook.world.archiveTickets(hook.portal_id, { ids: [id] })
  await hook.call('DELETE', '/appinstalls/2026-09/external-install', { token: hook.oauth_token })
  await hook.control('PATCH', '/webhooks', { paused: false })
  assert.equal((await hook.events()).length, 2)
  await hook.control('PATCH', '/webhooks', { paused: true, after_uninstall_ms: 0 })
  hook.install(hook.portal_id)
  hook.world.archiveTickets(hook.portal_id, { count: 1 })
  hook.world.tokens.uninstall(hook.app.app_id, hook.portal_id)
  await hook.control('PATCH', '/webhooks', { paused: false })
  assert.equal((await hook.events()).length, 2)
  assert.equal((await hook.wait()).dropped, 1)
})

test('events can be kept without being sent, and a body be signed for whoever posts it', async (t) => {
  const hook = await startHooked(t, CREATION)
  await hook.control('PATCH', '/webhooks', { send: false, record: true })
  hook.world.addTickets(hook.portal_id, { count: 3 })
  await pause(50)
  assert.equal(hook.receiver.got.length, 0)
  const { results } = (await hook.control('GET', `/webhooks/events?portal_id=${hook.portal_id}`)).json
  assert.equal(results.length, 3)
  assert.equal(results[0].client_id, hook.app.client_id)
  const rest = (await hook.control('GET', `/webhooks/events?since=${results[0].seq}`)).json.results
  assert.equal(rest.length, 2)
  const events = results.map((one: { event: unknown }) => one.event).reverse()
  const sign = `/apps/${hook.app.client_id}/webhooks/sign`
  const signed = (await hook.control('POST', sign, { body: events })).json
  assert.equal(signed.url, hook.receiver.url)
  const { client_secret } = hook.app
  const time = signed.headers['X-HubSpot-Request-Timestamp']
  assert.equal(
    signed.headers['X-HubSpot-Signature-v3'],
    signatureV3(client_secret, 'POST', signed.url, signed.body, time),
  )
  assert.equal(
    (await fetch(signed.url, { method: 'POST', headers: signed.headers, body: signed.body })).status,
    200,
  )
  assert.deepEqual(hook.receiver.events(), events)
  const own = (
    await hook.control('POST', sign, {
      body: 'raw  text',
      url: 'https://x.test/a',
      timestamp: 5,
      which: 'v3',
    })
  ).json
  assert.equal(own.body, 'raw  text')
  assert.deepEqual(own.headers, {
    'Content-Type': 'application/json',
    'X-HubSpot-Signature-v3': signatureV3(client_secret, 'POST', 'https://x.test/a', 'raw  text', 5),
    'X-HubSpot-Request-Timestamp': '5',
  })
  await hook.control('DELETE', '/webhooks/events')
  assert.deepEqual((await hook.control('GET', '/webhooks/events')).json.results, [])
})

test('too many events to keep are counted and forgotten', async (t) => {
  const hook = await startHooked(t, CREATION)
  await hook.control('PATCH', '/webhooks', { paused: true, most_queued: 20 })
  hook.world.addTickets(hook.portal_id, { count: 50 })
  const counts = await hook.wait(0)
  assert.deepEqual([counts.made, counts.queued, counts.overflowed], [50, 20, 30])
})

test('mistakes in settings are refused and change nothing', async (t) => {
  const hook = await startHooked(t, CREATION)
  const app = `/apps/${hook.app.client_id}/webhooks`
  const wrong: [string, string, object][] = [
    ['PATCH', '/webhooks', { compresion: 2 }],
    ['PATCH', '/webhooks', { compression: 0 }],
    ['PATCH', '/webhooks', { paused: true, batch_events: 101 }],
    ['PATCH', '/webhooks', { sensitive_properties: 'subject' }],
    ['PATCH', '/webhooks/disorder', { lost: 2 }],
    ['PATCH', '/webhooks/disorder', { lots: 1 }],
    ['PUT', app, { target_url: 'http://example.com/' }],
    ['PUT', app, { target_url: hook.receiver.url, max_concurrent_requests: 0 }],
    ['PUT', app, { subscriptions: 'ticket.creation' }],
    ['PUT', app, { subscriptions: [{}] }],
    ['PUT', app, { url: hook.receiver.url }],
    ['PUT', '/apps/nobody/webhooks', {}],
    ['POST', `${app}/sign`, { which: 'v4' }],
    ['POST', '/webhooks/wait', { timeout_ms: 1e9 }],
  ]
  const before = (await hook.control('GET', '/webhooks')).json
  for (const [method, path, body] of wrong)
    assert.equal((await hook.control(method, path, body)).status, 400, JSON.stringify(body))
  assert.deepEqual((await hook.control('GET', '/webhooks')).json, before)
  assert.deepEqual((await hook.control('GET', app)).json, hook.set)
})

test('when the emulator stops, deliveries under way end and none follow', async (t) => {
  const hook = await startHooked(t, CREATION)
  hook.receiver.answer = () => ({ status: 500, after: 5000 })
  hook.world.addTickets(hook.portal_id, { count: 3 })
  while (hook.receiver.got.length === 0) await pause(5)
  const waiting = hook.world.webhooks.sender.quiet(60_000)
  await hook.emulator.close()
  await waiting
  hook.world.addTickets(hook.portal_id)
  assert.deepEqual(
    [hook.world.webhooks.sender.counts().queued, hook.world.webhooks.sender.counts().in_flight],
    [0, 0],
  )
  assert.equal(hook.receiver.got.length, 1)
})

test('a reset forgets subscriptions, settings and what was waiting', async (t) => {
  const hook = await startHooked(t, CREATION)
  await hook.control('PATCH', '/webhooks', { paused: true, compression: 50 })
  await hook.control('PATCH', '/webhooks/disorder', { lost: 0.5 })
  hook.world.addTickets(hook.portal_id, { count: 9 })
  await ask(hook.url, 'POST', '/_emulator/reset')
  const fresh = createWorld().webhooks
  const { settings, disorder, counts } = (await hook.control('GET', '/webhooks')).json
  assert.deepEqual([settings, disorder], [fresh.sending, fresh.disorder])
  assert.deepEqual(counts, fresh.sender.counts())
  assert.equal(hook.world.news.tell, null)
  assert.equal((await ask(hook.url, 'GET', TICKETS, { token: hook.token })).status, 401)
})
