/** Attacks from RFC 9700, at both callback routes: stolen codes, changed redirects, poisoned hosts. docs/security/checks-oauth.md has the list. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { idle } from '../../http/http-fixture.ts'
import { checkShape } from '../../http/oracle.ts'
import { send } from '../../http/send.ts'
import { callback, type OAuthBench, startOAuth } from './oauth-fixture.ts'

let bench: OAuthBench
before(async () => {
  bench = await startOAuth()
})
after(() => bench.stop())

const status = async ({ tenant, integration }: { tenant: string; integration: string }) =>
  (await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration}`)).body.status

test('each authorization has a PKCE challenge of its own, by S256', async () => {
  const challenges = new Set<string>()
  for (let n = 0; n < 3; n++) {
    const { json } = await bench.authorize('11111111-1111-4111-8111-111111111111')
    const query = new URL(json.authorization_url).searchParams
    assert.equal(query.get('code_challenge_method'), 'S256')
    assert.match(String(query.get('code_challenge')), /^[\w-]{43}$/)
    assert.equal(query.get('code_verifier'), null)
    challenges.add(String(query.get('code_challenge')))
  }
  assert.equal(challenges.size, 3)
})

test("a code that was given for another authorization is refused: a stranger's, and one from another own authorization", async () => {
  const [mine, stolen, again, injected] = await Promise.all(
    [0, 1, 2, 3].map(() => bench.start(bench.portal())),
  )
  assert.ok(mine && stolen && again && injected)
  const program = await bench.post(stolen.code, mine.state)
  checkShape(program, { what: 'by a program', status: 400, code: 'oauth_code_rejected' })
  const query = `?${new URLSearchParams({ code: injected.code, state: again.state })}`
  const browser = await bench.browse(query, 'application/json')
  checkShape(browser, { what: 'by a browser', status: 400, code: 'oauth_code_rejected' })
  assert.equal(browser.headers['set-cookie'], undefined)
  for (const one of [mine, stolen, again, injected]) assert.equal(await status(one), 'pending')
})

test('neither a query nor a header moves the redirect: it is a 303 to our own page, without any of the input', async () => {
  const evil = 'https://evil.example'
  const { search, code, state } = await bench.start(bench.portal())
  const more = new URLSearchParams({ redirect_uri: evil, return_to: `//evil.example`, next: evil, iss: evil })
  const answer = await send(bench.service.url, {
    path: `${callback}${search}&${more}`,
    headers: {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      referer: evil,
      origin: evil,
    },
  })
  assert.equal(answer.status, 303)
  const location = String(answer.headers.location)
  assert.match(location, /^\/connect\/[0-9a-f-]{36}$/)
  const all = JSON.stringify(answer.headers) + answer.text
  for (const word of ['evil', code, state]) assert.ok(!all.includes(word), word)
  assert.equal(answer.headers['referrer-policy'], 'no-referrer')
  const cookie = String(answer.headers['set-cookie']?.[0]).split(';')[0] as string
  const pressed = await bench.browser.press({ path: location, cookie })
  assert.deepEqual([pressed.status, /^\/connected\?hub_id=\d+$/.test(pressed.location)], [303, true])
  await idle(bench.service, bench.database)
})

test('the code is sent to HubSpot in a body, with the registered redirect, and no other address is called', async () => {
  const from = bench.emulator.world.log.list().length
  const { search } = await bench.start(bench.portal())
  const came = await bench.browser.comeBack(`${callback}${search}`)
  const seen = bench.emulator.world.log.list().slice(from)
  const tokens = seen.filter(({ path }) => /\/token$/.test(path))
  assert.deepEqual(
    tokens.map(({ method, path, status }) => [method, path, status]),
    [['POST', '/oauth/2026-09/token', 200]],
  )
  assert.deepEqual(
    seen.filter(({ secret_in_url }) => secret_in_url),
    [],
  )
  assert.equal((await bench.browser.press(came, 'cancel')).status, 200)
})

test('where the service is reached by HTTPS the cookie is Secure, and has the __Secure- prefix', async () => {
  const secure = await startOAuth({ SPOKE_PUBLIC_URL: 'https://spoke.example' })
  try {
    const { search } = await secure.start(secure.portal())
    const headers = { host: 'localhost' }
    const back = await send(secure.service.url, { path: `${callback}${search}`, headers })
    const [set = ''] = back.headers['set-cookie'] ?? []
    assert.match(
      set,
      /^__Secure-spoke_connect=\S+; Path=\/connect\/\S+; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
    )
    const path = String(back.headers.location)
    const cookie = set.split(';')[0] as string
    const plain = cookie.replace('__Secure-', '')
    assert.equal((await send(secure.service.url, { path, headers: { cookie: plain } })).status, 400)
    const form = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://spoke.example' }
    const body = 'decision=cancel'
    const pressed = await send(secure.service.url, {
      method: 'POST',
      path,
      headers: { ...form, cookie },
      body,
    })
    assert.equal(pressed.status, 200, pressed.text)
    const [ends = ''] = pressed.headers['set-cookie'] ?? []
    assert.match(
      ends,
      /^__Secure-spoke_connect=; Path=\/connect\/\S+; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/,
    )
  } finally {
    await secure.stop()
  }
})
