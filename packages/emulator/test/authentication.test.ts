// Who may call: missing, unknown, expired and revoked tokens, scopes, unknown paths.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, startAccount, TICKETS } from './help.ts'

test('a call without a token, or with one nobody minted, is 401 INVALID_AUTHENTICATION', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  for (const token of [null, 'CJunk', 'pat-na1-00000000-0000-4000-a000-000000000000']) {
    const answer = await account.call('GET', TICKETS, { token })
    assert.equal(answer.status, 401)
    assert.equal(answer.json.category, 'INVALID_AUTHENTICATION')
    assert.match(answer.json.message, /^Authentication credentials not found\. This API supports OAuth 2\.0/)
    assert.equal(answer.headers.get('x-hubspot-auth-failure'), '401 Unauthorized')
  }
  const odd = await ask(account.emulator.url, 'GET', TICKETS, { headers: { authorization: 'Basic abc' } })
  assert.equal(odd.status, 401)
})

test('every error carries one correlation id, in the body and in the header', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const answer = await account.call('GET', TICKETS, { token: null })
  assert.match(answer.json.correlationId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  assert.equal(answer.headers.get('x-hubspot-correlation-id'), answer.json.correlationId)
  const next = await account.call('GET', TICKETS, { token: null })
  assert.notEqual(next.json.correlationId, answer.json.correlationId)
})

test('an OAuth token works for 1800 seconds and then is 401 EXPIRED_AUTHENTICATION', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const { token } = world.addToken(account.portal_id, { kind: 'oauth' })
  world.clock.advance(1799_000)
  assert.equal((await account.call('GET', TICKETS, { token })).status, 200)
  world.clock.advance(1_500)
  const answer = await account.call('GET', TICKETS, { token })
  assert.equal(answer.status, 401)
  assert.equal(answer.json.category, 'EXPIRED_AUTHENTICATION')
  assert.equal(answer.json.message, 'The OAuth token used to make this call expired 0 second(s) ago.')
  assert.match(answer.json.context['expire time'][0], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(answer.headers.get('x-hubspot-auth-failure'), '401 Unauthorized')
  world.clock.advance(5 * 3600_000)
  assert.match((await account.call('GET', TICKETS, { token })).json.message, /expired 5 hour\(s\) ago/)
})

test('a pasted token does not run out, by time or by order', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  account.emulator.world.clock.advance(400 * 86_400_000)
  account.emulator.world.tokens.expire({})
  assert.equal((await account.get(TICKETS)).status, 200)
})

test('a revoked token is unknown afterwards, and only in its own account', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const other = world.addPortal({ tickets: 1 })
  const { token } = world.addToken(other.portal_id, { kind: 'oauth' })
  world.tokens.revoke({ portal_id: other.portal_id })
  assert.equal((await account.call('GET', TICKETS, { token })).json.category, 'INVALID_AUTHENTICATION')
  assert.equal((await account.get(TICKETS)).status, 200)
})

test('a missing scope is 403 and names what is needed', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { token } = account.emulator.world.addToken(account.portal_id, { kind: 'static', scopes: ['oauth'] })
  const answer = await account.call('GET', TICKETS, { token })
  assert.equal(answer.status, 403)
  assert.equal(answer.json.category, 'MISSING_SCOPES')
  assert.deepEqual(answer.json.errors[0].context.requiredScopes, ['tickets'])
  assert.deepEqual(answer.json.links, { scopes: 'https://developers.hubspot.com/scopes' })
  const owners = await account.call('GET', '/crm/owners/2026-09', { token })
  assert.deepEqual(owners.json.errors[0].context.requiredScopes, ['crm.objects.owners.read'])
  assert.equal((await account.call('GET', '/account-info/2026-09/details', { token })).status, 200)
})

test('scopes taken away by the account count at once, and again when they are restored', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const scopes = (body: object) =>
    ask(account.emulator.url, 'POST', `/_emulator/portals/${account.portal_id}/scopes`, { body })
  await scopes({ remove: ['tickets'] })
  assert.equal((await account.get(TICKETS)).status, 403)
  await scopes({ restore: ['tickets'] })
  assert.equal((await account.get(TICKETS)).status, 200)
})

test('a path that nothing serves is an HTML 404, a wrong method a 405, an unknown type a 400 without category', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  for (const path of ['/crm/objects/2031-09/tickets', '/crm/v9/objects/tickets', '/nothing']) {
    const answer = await account.get(path)
    assert.equal(answer.status, 404)
    assert.match(answer.headers.get('content-type') ?? '', /text\/html/)
  }
  const put = await account.call('PUT', TICKETS, { body: {} })
  assert.equal(put.status, 405)
  assert.equal(put.headers.get('allow'), 'GET, POST')
  const widgets = await account.get('/crm/v3/objects/widgets')
  assert.equal(widgets.status, 400)
  assert.deepEqual(Object.keys(widgets.json), ['status', 'message', 'correlationId'])
  assert.equal(widgets.json.message, 'Unable to infer object type from: widgets')
  assert.equal(
    (await account.get('/crm/v3/objects/0-9999')).json.message,
    'Invalid object or event type id: 0-9999',
  )
})

test('a pasted token that names no data centre gets a page of the edge, or is unknown like others', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const token = 'pat-nowhere-00000000'
  const page = await account.call('GET', TICKETS, { token })
  assert.deepEqual([page.status, page.json], [530, null])
  account.emulator.world.changeQuirks({ unknown_hublet: 401 })
  const answer = await account.call('GET', TICKETS, { token })
  assert.deepEqual([answer.status, answer.json.category], [401, 'INVALID_AUTHENTICATION'])
})

test('a 403 for scopes names them in the form that is asked for, or not at all', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const { token } = world.addToken(account.portal_id, { kind: 'private_app', scopes: [] })
  const names = { required: ['requiredScopes'], granular: ['requiredGranularScopes'] }
  for (const [missing_scopes, fields] of Object.entries<string[]>({
    ...names,
    both: [...names.required, ...names.granular],
    unnamed: [],
  })) {
    world.changeQuirks({ missing_scopes })
    const { status, json } = await account.call('GET', TICKETS, { token })
    assert.deepEqual([status, json.category], [403, 'MISSING_SCOPES'])
    for (const field of [...names.required, ...names.granular])
      assert.equal(
        JSON.stringify(json).includes(`"${field}":["tickets"]`),
        fields.includes(field),
        missing_scopes,
      )
  }
})

test('naming a property that became sensitive is a 403, told in the form that is asked for', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  await account.call('PATCH', `/_emulator/portals/${account.portal_id}/properties/content`, {
    body: { sensitivity: 'sensitive' },
  })
  const said = {
    granular: '"requiredGranularScopes":["tickets.sensitive.v2"]',
    required: '"requiredScopes":["tickets.sensitive.v2"]',
    property: 'the property content,',
  }
  for (const sensitive_refusal of ['granular', 'required', 'property', 'unnamed']) {
    world.changeQuirks({ sensitive_refusal })
    const { status, json } = await account.get(`${TICKETS}?properties=content`)
    assert.equal(status, 403)
    for (const [form, words] of Object.entries(said))
      assert.equal(JSON.stringify(json).includes(words), form === sensitive_refusal, sensitive_refusal)
    assert.equal((await account.get(`${TICKETS}?properties=subject`)).status, 200)
  }
})
