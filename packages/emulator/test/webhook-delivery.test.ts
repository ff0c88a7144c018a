// How events reach a receiver: batches, signatures, side by side, to what the app has set, and never after the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signatureV1, signatureV3 } from '../src/webhooks/signing.ts'
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
