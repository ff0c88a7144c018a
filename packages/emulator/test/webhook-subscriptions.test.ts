// The public paths of an app's webhook settings and subscriptions, and the token of an app itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, startAccount, TICKETS } from './help.ts'

const BASES = ['/webhooks/v3', '/webhooks/2026-03', '/app-webhooks/2025-09', '/app-webhooks/2026-09']
const TARGET = 'https://hooks.example.test/hubspot'

async function start(t: { after(act: () => unknown): void }, quirks = {}) {
  const account = await startAccount({}, quirks)
  t.after(account.close)
  const { world, url } = account.emulator
  const app = world.addApp({ required_scopes: ['oauth', 'tickets'] })
  const hooks = (await ask(url, 'GET', `/_emulator/apps/${app.client_id}/webhooks`)).json
  const key = `?hapikey=${hooks.hapikey}`
  const token = (scope: string, more = {}, version = '2026-09') =>
    ask(url, 'POST', `/oauth/${version}/token`, {
      form: {
        grant_type: 'client_credentials',
        client_id: app.client_id,
        client_secret: app.client_secret,
        scope,
        ...more,
      },
    })
  const api = (method: string, path: string, body?: unknown, base = BASES[3]) =>
    ask(url, method, `${base}/${app.app_id}${path}${key}`, body === undefined ? {} : { body })
  return { account, world, url, app, key, token, api }
}

test('settings and subscriptions are set, read and taken away under every version', async (t) => {
  const { api } = await start(t)
  const settings = { targetUrl: TARGET, throttling: { maxConcurrentRequests: 10 } }
  for (const base of BASES) {
    assert.equal((await api('GET', '/settings', undefined, base)).status, 404)
    const put = await api('PUT', '/settings', settings, base)
    assert.equal(put.status, 200)
    const { createdAt, updatedAt, ...rest } = put.json
    assert.deepEqual(rest, settings)
    assert.match(createdAt, /^\d{4}-.*Z$/)
    assert.ok(updatedAt >= createdAt)
    assert.deepEqual((await api('GET', '/settings', undefined, base)).json, put.json)

    const made = await api('POST', '/subscriptions', { eventType: 'ticket.creation' }, base)
    assert.equal(made.status, 201)
    assert.equal(typeof made.json.id, 'string')
    assert.equal(made.json.active, false)
    const change = { eventType: 'ticket.propertyChange', propertyName: 'subject', active: true }
    const changed = await api('POST', '/subscriptions', change, base)
    assert.deepEqual([changed.json.propertyName, changed.json.active], ['subject', true])
    const generic = { eventType: 'object.restore', objectTypeId: '0-5', active: true }
    assert.equal((await api('POST', '/subscriptions', generic, base)).json.objectTypeId, '0-5')
    assert.equal((await api('GET', '/subscriptions', undefined, base)).json.results.length, 3)

    const path = `/subscriptions/${made.json.id}`
    assert.equal((await api('PATCH', path, { active: true }, base)).json.active, true)
    assert.equal((await api('GET', path, undefined, base)).json.active, true)
    const inputs = [
      { id: Number(made.json.id), active: false },
      { id: 99, active: true },
    ]
    const batch = await api('POST', '/subscriptions/batch/update', { inputs }, base)
    assert.equal(batch.status, 200)
    assert.deepEqual([batch.json.status, batch.json.numErrors], ['COMPLETE', 1])
    assert.deepEqual(
      batch.json.results.map((one: { id: string; active: boolean }) => [one.id, one.active]),
      [[made.json.id, false]],
    )
    for (const one of (await api('GET', '/subscriptions', undefined, base)).json.results)
      assert.equal((await api('DELETE', `/subscriptions/${one.id}`, undefined, base)).status, 204)
    assert.equal((await api('DELETE', path, undefined, base)).status, 404)
    assert.equal((await api('GET', path, undefined, base)).status, 404)
    assert.equal((await api('DELETE', '/settings', undefined, base)).status, 204)
  }
})

test('what HubSpot would not take is refused', async (t) => {
  const { api } = await start(t)
  await api('POST', '/subscriptions', { eventType: 'ticket.merge', active: true })
  const wrong: [string, string, unknown][] = [
    ['PUT', '/settings', { targetUrl: 'http://example.com/', throttling: { maxConcurrentRequests: 10 } }],
    ['PUT', '/settings', { targetUrl: TARGET, throttling: { maxConcurrentRequests: 5 } }],
    ['PUT', '/settings', { targetUrl: TARGET }],
    ['PUT', '/settings', { throttling: { maxConcurrentRequests: 10 } }],
    ['POST', '/subscriptions', { eventType: 'ticket.explosion' }],
    ['POST', '/subscriptions', { active: true }],
    ['POST', '/subscriptions', { eventType: 'ticket.merge' }],
    ['POST', '/subscriptions', { eventType: 'ticket.propertyChange' }],
    ['POST', '/subscriptions', { eventType: 'ticket.propertyChange', propertyName: 'hs_lastmodifieddate' }],
    ['POST', '/subscriptions', { eventType: 'object.creation' }],
    ['POST', '/subscriptions/batch/update', { inputs: [{ id: 1 }] }],
    ['POST', '/subscriptions', 'no json'],
  ]
  for (const [method, path, body] of wrong) {
    const answer = await api(method, path, body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(answer.json.status, 'error')
  }
  assert.equal((await api('GET', '/subscriptions')).json.results.length, 1)
})

test('an app has no more than a thousand subscriptions', async (t) => {
  const { api, url, app } = await start(t)
  const subscriptions = Array.from({ length: 1000 }, (_, i) => `ticket.propertyChange:p${i}`)
  await ask(url, 'PUT', `/_emulator/apps/${app.client_id}/webhooks`, { body: { subscriptions } })
  assert.equal((await api('POST', '/subscriptions', { eventType: 'ticket.merge' })).status, 400)
})

test('the developer key or a token with the scope opens the paths, of that app alone; which of them is a switch', async (t) => {
  const { world, url, app, key, token } = await start(t)
  const other = world.addApp({})
  const path = (app_id = app.app_id) => `/app-webhooks/2026-09/${app_id}/subscriptions`
  const status = async (method: string, rest: string, bearer?: string) =>
    (
      await ask(url, method, rest, {
        token: bearer ?? null,
        ...(method === 'GET' ? {} : { body: { eventType: 'ticket.creation' } }),
      })
    ).status
  const read = (await token('developers-read')).json.access_token
  const write = (await token('developers-read developers-write')).json.access_token
  assert.equal(await status('GET', path() + key), 200)
  assert.equal(await status('GET', path()), 401)
  assert.equal(await status('GET', `${path()}?hapikey=wrong`), 401)
  assert.equal(await status('GET', path(other.app_id) + key), 401)
  assert.equal(await status('GET', path(1) + key), 401)
  assert.equal(await status('GET', path(), read), 200)
  assert.equal(await status('GET', path(other.app_id), read), 401)
  assert.equal(await status('POST', path(), read), 403)
  assert.equal(await status('POST', path(), write), 201)
  world.changeQuirks({ webhook_api_auth: 'hapikey' })
  assert.deepEqual([await status('GET', path(), read), await status('GET', path() + key)], [401, 200])
  world.changeQuirks({ webhook_api_auth: 'scopes' })
  assert.deepEqual([await status('GET', path(), read), await status('GET', path() + key)], [200, 401])
  // Neither key nor token is in the log.
  const log = JSON.stringify(world.log.list())
  for (const secret of [key.split('=')[1] as string, read, write]) assert.ok(!log.includes(secret))
  assert.ok(world.log.list().some((one) => one.token_kind === 'client_credentials'))
})

test('client_credentials gives an app a token for itself: no account’s data, no unknown scope, an end', async (t) => {
  const { account, world, token, url, app } = await start(t)
  const answer = await token('developer.webhooks_journal.read developers-read')
  assert.equal(answer.status, 200)
  const { access_token, ...rest } = answer.json
  assert.deepEqual(rest, {
    token_type: 'bearer',
    expires_in: 1800,
    token_use: 'client_credentials',
  })
  assert.equal((await account.call('GET', TICKETS, { token: access_token })).status, 401)
  for (const scope of ['', 'webhooks-journal-data-access', 'made.up'])
    assert.equal((await token(scope)).json.status, 'BAD_SCOPES', scope)
  world.changeQuirks({ journal_scopes: 'spec' })
  assert.equal((await token('webhooks-journal-data-access')).status, 200)
  assert.equal((await token('developer.webhooks_journal.read')).json.error, 'invalid_scope')
  assert.equal((await token('developers-read', { client_secret: 'x' })).json.status, 'BAD_CLIENT_SECRET')
  world.changeQuirks({ client_credentials_versions: 'not_2026_09' })
  assert.equal((await token('developers-read')).json.status, 'BAD_GRANT_TYPE')
  assert.equal((await token('developers-read', {}, '2026-03')).status, 200)
  world.clock.advance(1_800_001)
  const late = await ask(url, 'GET', `/app-webhooks/2026-09/${app.app_id}/settings`, { token: access_token })
  assert.deepEqual([late.status, late.json.category], [401, 'EXPIRED_AUTHENTICATION'])
})
