// Deliveries in the hand of a test: held back, hurried, dropped, kept instead of sent, signed for others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signatureV3 } from '../src/webhooks/signing.ts'
import { createWorld } from '../src/world.ts'
import { ask, TICKETS } from './help.ts'
import { startHooked } from './receiver.ts'

const CREATION = ['ticket.creation']
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

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
  assert.equal(hook.world.emitter.emit, null)
  assert.equal((await ask(hook.url, 'GET', TICKETS, { token: hook.token })).status, 401)
})
