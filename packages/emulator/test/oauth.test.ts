// The OAuth round: authorize, code, refresh in its modes, introspection, revocation, the end of v1.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Quirks } from '../src/quirks.ts'
import { startEmulator } from '../src/server.ts'
import type { RefreshMode } from '../src/token-types.ts'
import { ask, TICKETS } from './help.ts'

const REDIRECT = 'http://localhost:8000/callback'
const SCOPES = ['oauth', 'tickets']

async function start(refresh: RefreshMode = 'stable', quirks: Partial<Quirks> = {}) {
  const emulator = await startEmulator({ quirks })
  const { world, url } = emulator
  const portal = world.addPortal({ tickets: 3, hub_domain: 'acme.example.com' })
  const app = world.addApp({ redirect_uris: [REDIRECT], required_scopes: SCOPES, refresh })
  const client = { client_id: app.client_id, client_secret: app.client_secret }
  const authorize = (params: Record<string, string>, path = '/oauth/authorize') => {
    const query = new URLSearchParams({
      client_id: app.client_id,
      redirect_uri: REDIRECT,
      scope: SCOPES.join(' '),
      ...params,
    })
    return ask(url, 'GET', `${path}?${query}`)
  }
  const code = async (params: Record<string, string> = {}) => {
    const answer = await authorize({ auto: '1', ...params })
    return new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
  }
  const token = (form: Record<string, string>, version = '2026-09') =>
    ask(url, 'POST', `/oauth/${version}/token`, { form: { ...client, ...form } })
  const redeem = (one: string, more = {}) =>
    token({ grant_type: 'authorization_code', code: one, redirect_uri: REDIRECT, ...more })
  const refreshWith = (refresh_token: string, more = {}) =>
    token({ grant_type: 'refresh_token', refresh_token, ...more })
  const introspect = (one: string, version = '2026-09') =>
    ask(url, 'POST', `/oauth/${version}/token/introspect`, { form: { ...client, token: one } })
  const works = async (one: string) => (await ask(url, 'GET', TICKETS, { token: one })).status
  return {
    emulator,
    world,
    url,
    portal,
    app,
    client,
    authorize,
    code,
    token,
    redeem,
    refreshWith,
    introspect,
    works,
  }
}

function assertOAuthError(
  answer: { status: number; json: Record<string, unknown> },
  status: string,
  error: string,
) {
  assert.equal(answer.status, 400)
  assert.equal(answer.json.status, status)
  assert.equal(answer.json.error, error)
  assert.equal(answer.json.message, answer.json.error_description)
  assert.match(String(answer.json.correlationId), /^[0-9a-f-]{36}$/)
}

test('a whole round: authorize, exchange the code, call, refresh', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const answer = await o.authorize({ auto: '1', state: 'tenant:integration:nonce' })
  assert.equal(answer.status, 302)
  const back = new URL(answer.headers.get('location') ?? '')
  assert.equal(back.origin + back.pathname, REDIRECT)
  assert.equal(back.searchParams.get('state'), 'tenant:integration:nonce')
  const first = await o.redeem(back.searchParams.get('code') ?? '')
  assert.equal(first.status, 200)
  assert.equal(first.json.token_type, 'bearer')
  assert.equal(first.json.expires_in, 1800)
  assert.equal(first.json.hub_id, o.portal.portal_id)
  assert.deepEqual(first.json.scopes, SCOPES)
  assert.equal(first.json.token_use, 'access_token')
  assert.match(first.json.refresh_token, /^na1-/)
  assert.equal(await o.works(first.json.access_token), 200)
  const second = await o.refreshWith(first.json.refresh_token)
  assert.equal(second.json.refresh_token, first.json.refresh_token)
  assert.notEqual(second.json.access_token, first.json.access_token)
  assert.equal(await o.works(first.json.access_token), 200)
})

test('a code works once, for its own redirect URL, and not for long', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const code = await o.code()
  assertOAuthError(
    await o.redeem(code, { redirect_uri: 'http://localhost:8000/other' }),
    'BAD_REDIRECT_URI',
    'invalid_request',
  )
  assert.equal((await o.redeem(code)).status, 200)
  assertOAuthError(await o.redeem(code), 'BAD_AUTH_CODE', 'invalid_grant')
  const late = await o.code()
  o.world.clock.advance(300_001)
  assertOAuthError(await o.redeem(late), 'BAD_AUTH_CODE', 'invalid_grant')
})

test('the token endpoint names what is wrong with the client, the grant and the form', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  assertOAuthError(await o.refreshWith('x', { client_id: 'nobody' }), 'BAD_CLIENT_ID', 'invalid_client')
  assertOAuthError(
    await o.refreshWith('x', { client_secret: 'wrong' }),
    'BAD_CLIENT_SECRET',
    'invalid_client',
  )
  assertOAuthError(await o.refreshWith('x'), 'BAD_REFRESH_TOKEN', 'invalid_grant')
  assertOAuthError(await o.token({ grant_type: 'password' }), 'BAD_GRANT_TYPE', 'unsupported_grant_type')
  const json = await ask(o.url, 'POST', '/oauth/2026-09/token', {
    body: { ...o.client, grant_type: 'refresh_token' },
  })
  assert.equal(json.status, 415)
})

test('another app cannot redeem a code or use a refresh token', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const thief = o.world.addApp({ redirect_uris: [REDIRECT], required_scopes: SCOPES })
  const as = { client_id: thief.client_id, client_secret: thief.client_secret }
  assertOAuthError(await o.redeem(await o.code(), as), 'BAD_AUTH_CODE', 'invalid_grant')
  const { json } = await o.redeem(await o.code())
  // Recorded in the older shape.
  const refused = await o.refreshWith(json.refresh_token, as)
  assert.deepEqual(
    [refused.status, refused.json.status, refused.json.error],
    [400, 'MISMATCH_REFRESH_TOKEN_CLIENT', undefined],
  )
})

test('PKCE: a code that was asked for with a challenge needs the verifier', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const verifier = 'a-verifier-that-is-long-enough-for-the-rfc-0123456789'
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const params = { code_challenge: challenge, code_challenge_method: 'S256' }
  const code = await o.code(params)
  assertOAuthError(await o.redeem(code), 'BAD_CODE_VERIFIER', 'invalid_grant')
  assertOAuthError(await o.redeem(code, { code_verifier: 'wrong' }), 'BAD_CODE_VERIFIER', 'invalid_grant')
  assert.equal((await o.redeem(code, { code_verifier: verifier })).status, 200)
})

test('authorize shows an error page, and never redirects, when client, redirect URL or scopes are wrong', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const wrongs: [Record<string, string>, RegExp][] = [
    [{ client_id: 'nobody' }, /not known/],
    [{ redirect_uri: `${REDIRECT}/` }, /redirect URL doesn’t match/],
    [{ redirect_uri: 'http://evil.example.com' }, /redirect URL doesn’t match/],
    [{ scope: 'oauth' }, /scope mismatch/],
  ]
  for (const [params, text] of wrongs) {
    const answer = await o.authorize({ auto: '1', ...params })
    assert.equal(answer.status, 400)
    assert.equal(answer.headers.get('location'), null)
    assert.match(answer.text, text)
  }
})

test('an app that lists its optional scopes refuses others, and grants those it lists', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  o.app.optional_scopes = ['crm.objects.owners.read']
  const { json } = await o.redeem(await o.code({ optional_scope: 'crm.objects.owners.read' }))
  assert.deepEqual(json.scopes, [...SCOPES, 'crm.objects.owners.read'])
  const extra = await o.authorize({ auto: '1', scope: 'oauth tickets forms' })
  assert.match(extra.text, /forms/)
})

test('denying comes back as access_denied with the state', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const answer = await o.authorize({ auto: 'deny', state: 's' })
  const back = new URL(answer.headers.get('location') ?? '')
  assert.equal(back.searchParams.get('error'), 'access_denied')
  assert.equal(back.searchParams.get('state'), 's')
  assert.equal(back.searchParams.get('code'), null)
})

test('a person sees the app, its scopes and the accounts, and nothing of the URL can become markup', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const page = await o.authorize({ state: '"><script>alert(1)</script>' })
  assert.equal(page.status, 200)
  for (const text of [o.app.name, 'tickets', String(o.portal.portal_id), 'Connect app', 'Deny']) {
    assert.ok(page.text.includes(text), text)
  }
  assert.ok(!page.text.includes('<script>'))
  // Pressing Connect sends what the form holds.
  const plain = await o.authorize({ state: 'a:b:c' })
  const fields = [...plain.text.matchAll(/type="(?:hidden|radio)" name="(\w+)" value="([^"]*)"/g)]
  const form = new URLSearchParams([
    ...fields.map((one): [string, string] => [one[1] ?? '', one[2] ?? '']),
    ['auto', '1'],
  ])
  const pressed = await ask(o.url, 'GET', `/oauth/authorize?${form}`)
  assert.equal(pressed.status, 302)
  assert.equal(new URL(pressed.headers.get('location') ?? '').searchParams.get('state'), 'a:b:c')
})

test('an account in the path preselects it, and an unknown one is refused', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const second = o.world.addPortal({ hublet: 'eu1' })
  const answer = await o.authorize({ auto: '1' }, `/oauth/${second.portal_id}/authorize`)
  const { json } = await o.redeem(
    new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '',
  )
  assert.equal(json.hub_id, second.portal_id)
  assert.match(json.refresh_token, /^eu1-/)
  assert.equal((await o.authorize({ auto: '1' }, '/oauth/999/authorize')).status, 400)
})

test('strict rotation: the old refresh token is dead as soon as the new one exists', async (t) => {
  const o = await start('rotating')
  t.after(o.emulator.close)
  const first = (await o.redeem(await o.code())).json.refresh_token
  const second = (await o.refreshWith(first)).json.refresh_token
  assert.notEqual(second, first)
  assertOAuthError(await o.refreshWith(first), 'BAD_REFRESH_TOKEN', 'invalid_grant')
  assert.equal((await o.refreshWith(second)).status, 200)
})

test('rotation with grace: the old refresh token leads to the same successor for 60 seconds', async (t) => {
  const o = await start('rotating_grace')
  t.after(o.emulator.close)
  const first = (await o.redeem(await o.code())).json.refresh_token
  const second = (await o.refreshWith(first)).json.refresh_token
  o.world.clock.advance(50_000)
  assert.equal((await o.refreshWith(first)).json.refresh_token, second)
  o.world.clock.advance(20_000)
  assertOAuthError(await o.refreshWith(first), 'BAD_REFRESH_TOKEN', 'invalid_grant')
})

test('a refresh answer that is lost after the work leaves the old token dead under strict rotation', async (t) => {
  const o = await start('rotating')
  t.after(o.emulator.close)
  const first = (await o.redeem(await o.code())).json.refresh_token
  o.world.faults.add({ match: { path: '/oauth/2026-09/token' }, kind: 'reset', phase: 'after' })
  await assert.rejects(o.refreshWith(first))
  assertOAuthError(await o.refreshWith(first), 'BAD_REFRESH_TOKEN', 'invalid_grant')
  // The same fault before the work changes nothing.
  const other = (await o.redeem(await o.code())).json.refresh_token
  o.world.faults.add({ match: { path: '/oauth/2026-09/token' }, kind: 'reset' })
  await assert.rejects(o.refreshWith(other))
  assert.equal((await o.refreshWith(other)).status, 200)
})

test('introspection describes access and refresh tokens, and calls everything else inactive with 200', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const { json } = await o.redeem(await o.code())
  const access = (await o.introspect(json.access_token)).json
  assert.equal(access.active, true)
  assert.equal(access.hub_id, o.portal.portal_id)
  assert.equal(access.hub_domain, 'acme.example.com')
  assert.equal(access.token_use, 'access_token')
  assert.ok(access.expires_in > 1790 && access.expires_in <= 1800)
  const refresh = (await o.introspect(json.refresh_token, 'v3')).json
  assert.equal(refresh.token_use, 'refresh_token')
  assert.equal(refresh.user, o.portal.user)
  const { token: pasted } = o.world.addToken(o.portal.portal_id, { kind: 'private_app' })
  const { token: foreign } = o.world.addToken(o.portal.portal_id, { kind: 'oauth' })
  for (const one of ['junk', pasted, foreign]) {
    const answer = await o.introspect(one)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json, { active: false })
  }
  o.world.clock.advance(1_801_000)
  assert.deepEqual((await o.introspect(json.access_token)).json, { active: false })
  const bad = await ask(o.url, 'POST', '/oauth/2026-09/token/introspect', {
    form: { ...o.client, client_secret: 'x', token: 'y' },
  })
  assertOAuthError(bad, 'BAD_CLIENT_SECRET', 'invalid_client')
})

test('revoking ends the refresh token, leaves access tokens alone, and an unknown token is a success', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const { json } = await o.redeem(await o.code())
  const revoke = (token: string) =>
    ask(o.url, 'POST', '/oauth/2026-09/token/revoke', { form: { ...o.client, token } })
  assert.equal((await revoke('unknown')).status, 200)
  assert.equal((await revoke(json.refresh_token)).status, 200)
  assertOAuthError(await o.refreshWith(json.refresh_token), 'BAD_REFRESH_TOKEN', 'invalid_grant')
  assert.deepEqual((await o.introspect(json.refresh_token)).json, { active: false })
  assert.equal(await o.works(json.access_token), 200)
})

test('removing the app by external-install is 204 and ends refresh and access tokens of this account only', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const second = o.world.addPortal({})
  const mine = (await o.redeem(await o.code({ portal_id: String(o.portal.portal_id) }))).json
  const other = (await o.redeem(await o.code({ portal_id: String(second.portal_id) }))).json
  const answer = await ask(o.url, 'DELETE', '/appinstalls/2026-09/external-install', {
    token: mine.access_token,
  })
  assert.equal(answer.status, 204)
  assert.equal(answer.text, '')
  assertOAuthError(await o.refreshWith(mine.refresh_token), 'BAD_REFRESH_TOKEN', 'invalid_grant')
  assert.equal(await o.works(mine.access_token), 401)
  assert.equal((await o.refreshWith(other.refresh_token)).status, 200)
})

test('refreshing for a deleted account is BAD_HUB', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const { json } = await o.redeem(await o.code())
  await ask(o.url, 'DELETE', `/_emulator/portals/${o.portal.portal_id}`)
  assertOAuthError(await o.refreshWith(json.refresh_token), 'BAD_HUB', 'access_denied')
})

test('the same refresh token works on v3, 2026-03 and 2026-09, and v1 has ended', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const { json } = await o.redeem(await o.code())
  const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token }
  for (const version of ['v3', '2026-03', '2026-09']) assert.equal((await o.token(form, version)).status, 200)
  assert.equal((await o.token(form, 'v1')).status, 404)
  for (const path of [`access-tokens/${json.access_token}`, `refresh-tokens/${json.refresh_token}`]) {
    const answer = await ask(o.url, 'GET', `/oauth/v1/${path}`)
    assert.equal(answer.status, 404)
    assert.equal(answer.json.status, 'error')
  }
})

test('v1 can be kept alive by a switch', async (t) => {
  const o = await start('stable', { oauth_v1: 'alive' })
  t.after(o.emulator.close)
  const { json } = await o.redeem(await o.code())
  assert.equal(
    (await o.token({ grant_type: 'refresh_token', refresh_token: json.refresh_token }, 'v1')).status,
    200,
  )
  const info = await ask(o.url, 'GET', `/oauth/v1/access-tokens/${json.access_token}`)
  assert.equal(info.json.hub_id, o.portal.portal_id)
  assert.equal(info.json.token_type, 'access')
  assert.equal((await ask(o.url, 'DELETE', `/oauth/v1/refresh-tokens/${json.refresh_token}`)).status, 204)
  assert.equal((await o.refreshWith(json.refresh_token)).status, 400)
})

test('two authorisations by one user get two refresh tokens, or one when the switch says so', async (t) => {
  for (const shared of [false, true]) {
    const o = await start('stable', { shared_refresh_token: shared })
    t.after(o.emulator.close)
    const first = (await o.redeem(await o.code())).json.refresh_token
    const second = (await o.redeem(await o.code())).json.refresh_token
    assert.equal(first === second, shared)
    const somebody = (await o.redeem(await o.code({ user_id: '777' }))).json
    assert.notEqual(somebody.refresh_token, first)
    assert.equal(somebody.user_id, 777)
  }
})

test('access tokens can be made to die at a refresh', async (t) => {
  const o = await start('stable', { access_token_survives_refresh: false })
  t.after(o.emulator.close)
  const first = (await o.redeem(await o.code())).json
  const second = (await o.refreshWith(first.refresh_token)).json
  assert.equal(await o.works(first.access_token), 401)
  assert.equal(await o.works(second.access_token), 200)
})

test('who a pasted token belongs to is told without any scope, also for service keys, and not for OAuth tokens', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const info = (tokenKey: unknown, token: string | null = null) =>
    ask(o.url, 'POST', '/oauth/v2/private-apps/get/access-token-info', { body: { tokenKey }, token })
  const { token } = o.world.addToken(o.portal.portal_id, { kind: 'service_key', scopes: ['tickets'] })
  const answer = await info(token)
  assert.equal(answer.status, 200)
  assert.deepEqual(Object.keys(answer.json).sort(), ['appId', 'hubId', 'scopes', 'userId'])
  assert.equal(answer.json.hubId, o.portal.portal_id)
  assert.deepEqual(answer.json.scopes, ['tickets'])
  assert.equal((await info('pat-na1-nobody')).status, 401)
  assert.equal((await info((await o.redeem(await o.code())).json.access_token)).status, 401)
  o.world.changeQuirks({ token_info_unknown: 404, token_info_needs_bearer: true })
  assert.equal((await info(token)).status, 401)
  assert.equal((await info(token, token)).status, 200)
  assert.equal((await info('pat-na1-nobody', token)).status, 404)
})

test('refreshes are counted per line of refresh tokens, with the most at one time', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const { json } = await o.redeem(await o.code())
  o.world.faults.add({ match: { path: '/token' }, kind: 'delay', delay_ms: 150, times: null })
  await Promise.all([o.refreshWith(json.refresh_token), o.refreshWith(json.refresh_token)])
  await o.refreshWith(json.refresh_token)
  const [line] = (await ask(o.url, 'GET', '/_emulator/stats')).json.refreshes
  assert.equal(line.refreshes, 3)
  assert.equal(line.ok, 3)
  assert.equal(line.max_concurrent, 2)
  assert.equal(line.portal_id, o.portal.portal_id)
})

test('2026-09 may tell no more than that a token is active, by switch; the other versions tell all', async (t) => {
  const o = await start('stable', { introspect: 'active_only' })
  t.after(o.emulator.close)
  const { json } = await o.redeem(await o.code())
  assert.deepEqual((await o.introspect(json.access_token)).json, { active: true })
  assert.deepEqual((await o.introspect(json.refresh_token)).json, { active: true })
  assert.equal((await o.introspect(json.access_token, '2026-03')).json.hub_id, o.portal.portal_id)
})

test('the domain of an account can be unknown, for one account or by switch for all', async (t) => {
  const o = await start()
  t.after(o.emulator.close)
  const { json } = await o.redeem(await o.code())
  const domain = async () => (await o.introspect(json.access_token)).json.hub_domain
  assert.equal(await domain(), 'acme.example.com')
  o.world.changeQuirks({ hub_domain_null: true })
  assert.equal(await domain(), null)
  o.world.changeQuirks({ hub_domain_null: false })
  await ask(o.url, 'PATCH', `/_emulator/portals/${o.portal.portal_id}`, { body: { hub_domain: null } })
  assert.equal(await domain(), null)
})

test('the lives of codes and tokens, the grace of rotation and what an uninstall kills are switches', async (t) => {
  const o = await start('rotating_grace', {
    code_ttl_ms: 1000,
    access_token_ttl_s: 60,
    refresh_reuse_grace_ms: 2000,
    access_token_survives_uninstall: true,
  })
  t.after(o.emulator.close)
  const late = await o.code()
  o.world.clock.advance(1001)
  assert.equal((await o.redeem(late)).status, 400)
  const { json } = await o.redeem(await o.code())
  assert.equal(json.expires_in, 60)
  await o.refreshWith(json.refresh_token)
  o.world.clock.advance(2001)
  assert.equal((await o.refreshWith(json.refresh_token)).status, 400)
  assert.equal(
    (await ask(o.url, 'DELETE', '/appinstalls/2026-09/external-install', { token: json.access_token }))
      .status,
    204,
  )
  assert.equal(await o.works(json.access_token), 200)
  o.world.clock.advance(60_000)
  assert.equal(await o.works(json.access_token), 401)
})
