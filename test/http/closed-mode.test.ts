/** With an admin key every tenant route requires it, probes and the OAuth browser routes do not, and the key is never written. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createBrowser } from '../../demo/browser.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { everyRow } from './database.ts'
import { idle, newAccount, startOn } from './http-fixture.ts'
import { checkLog, checkShape, refused, type Watched } from './oracle.ts'
import { type Sent, send } from './send.ts'

const key = 'kQ7-admin-key-of-the-tests-zqmark7'
const auth = { authorization: `Bearer ${key}` }
const tenant = randomUUID()
let bench: Watched
let integration: string
let token: string

before(async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  bench = { emulator, ...(await startOn(emulator, { SPOKE_ADMIN_KEY: key })) }
  token = newAccount(emulator).token
  const made = await ask({
    method: 'POST',
    path: `/api/hubspot/integrations/${tenant}`,
    headers: { ...auth, 'content-type': 'application/json' },
    body: JSON.stringify({ access_token: token }),
  })
  assert.equal(made.status, 201, made.text)
  integration = made.json.integration_id
  await idle(bench.service, bench.database)
})
after(async () => {
  await bench.service.stop()
  await bench.emulator.close()
})

const ask = (sent: Sent) => send(bench.service.url, sent)

const routes = (): Sent[] => [
  { path: `/api/hubspot/status/${tenant}/${integration}` },
  { path: `/api/hubspot/tickets/${tenant}/${integration}?limit=5` },
  { path: `/api/hubspot/sync/${tenant}/${integration}` },
  { path: `/api/hubspot/integrations/${tenant}` },
  { path: `/api/hubspot/integrations/${tenant}/${integration}` },
  { path: `/api/hubspot/issues/${tenant}` },
  { path: `/api/hubspot/authorize/${tenant}` },
  {
    method: 'POST',
    path: `/api/hubspot/sync/${tenant}/${integration}`,
    headers: { 'content-type': 'application/json' },
    body: '{"sync_type":"full"}',
  },
]

const credentials: [what: string, headers: Record<string, string | string[]>, query?: string][] = [
  ['nothing', {}],
  ['another key', { authorization: 'Bearer another-key-of-twenty-four-characters' }],
  ['the key and a letter', { authorization: `Bearer ${key}x` }],
  ['the key without its last letter', { authorization: `Bearer ${key.slice(0, -1)}` }],
  ['the key in capitals', { authorization: `Bearer ${key.toUpperCase()}` }],
  ['Basic', { authorization: `Basic ${Buffer.from(`spoke:${key}`).toString('base64')}` }],
  ['the key under Basic', { authorization: `Basic ${key}` }],
  ['the key under no scheme', { authorization: key }],
  ['Bearer and nothing', { authorization: 'Bearer ' }],
  ['Bearer alone', { authorization: 'Bearer' }],
  ['a key of 10 KB', { authorization: `Bearer ${'a'.repeat(10 << 10)}` }],
  ['two keys in one', { authorization: `Bearer ${key}, Bearer x` }],
  ['the key in the query', {}, `api_key=${key}`],
  ['the key as access_token in the query', {}, `access_token=${key}`],
  ['the key in a header of its own', { 'x-api-key': key }],
  ['the key in a cookie', { cookie: `key=${key}` }],
]

for (const [what, headers, query] of credentials) {
  test(`a caller with ${what} is 401 on every route, before any other check`, async () => {
    for (const route of routes()) {
      const path = query ? `${route.path}${route.path.includes('?') ? '&' : '?'}${query}` : route.path
      const expected = { what: `${what} at ${path}`, status: 401, code: 'unauthenticated', secret: [key] }
      const sent = { ...route, path, headers: { ...route.headers, ...headers } }
      const answer = await refused(bench, { ...sent, ...expected })
      assert.match(String(answer.headers['www-authenticate']), /^Bearer\b/)
    }
    const bad = { what, path: '/api/hubspot/tickets/not-a-uuid/x', status: 401, code: 'unauthenticated' }
    await refused(bench, { ...bad, headers })
  })
}

test('a caller without the key cannot learn which paths, methods and tenants there are', async () => {
  const path = '/api/hubspot/nope'
  const unknown = await ask({ path })
  assert.ok([401, 404].includes(unknown.status), unknown.text)
  const wrong = await ask({ path: `/api/hubspot/integrations/${tenant}`, method: 'PUT' })
  assert.ok([401, 405].includes(wrong.status), wrong.text)
  const body = '{'.repeat(70_000)
  const headers = { 'content-type': 'application/json' }
  const big = await ask({ method: 'POST', path: `/api/hubspot/integrations/${tenant}`, headers, body })
  checkShape(big, { what: 'a large body', status: 401, code: 'unauthenticated' })
})

test('the key opens every route of the specification', async () => {
  for (const route of routes()) {
    const answer = await ask({ ...route, headers: { ...route.headers, ...auth } })
    assert.ok([200, 202].includes(answer.status), `${route.path}: ${answer.text}`)
  }
  for (const authorization of [`bearer ${key}`, `BEARER ${key}`]) {
    const answer = await ask({ path: `/api/hubspot/integrations/${tenant}`, headers: { authorization } })
    assert.equal(answer.status, 200, authorization)
  }
  await idle(bench.service, bench.database)
})

test('with a key any Host is answered, and a foreign tenant is still 404', async () => {
  const headers = { ...auth, host: 'spoke.example' }
  const answer = await ask({ path: `/api/hubspot/integrations/${tenant}`, headers })
  assert.equal(answer.status, 200)
  const expected = { what: 'unknown tenant', status: 404, code: 'integration_not_found' }
  await refused(bench, { path: `/api/hubspot/integrations/${randomUUID()}`, headers, ...expected })
})

for (const path of ['/livez', '/readyz', '/openapi.json', '/docs']) {
  test(`${path} needs no key`, async () => {
    assert.equal((await ask({ path })).status, 200)
    assert.equal((await ask({ path, headers: { authorization: 'Bearer nonsense' } })).status, 200)
  })
}

test("HubSpot's browser needs no key, and the program's callback does", async () => {
  const authorize = { path: `/api/hubspot/authorize/${tenant}`, headers: auth }
  const url = new URL((await ask(authorize)).json.authorization_url)
  url.searchParams.set('auto', '1')
  url.searchParams.set('portal_id', String(bench.emulator.world.addPortal({ tickets: 1 }).portal_id))
  const back = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '')
  const from = bench.service.lines.length
  const body = JSON.stringify({ code: back.searchParams.get('code'), state: back.searchParams.get('state') })
  const headers = { 'content-type': 'application/json' }
  const program = await ask({ method: 'POST', path: back.pathname, headers, body })
  checkShape(program, { what: 'program', status: 401, code: 'unauthenticated' })
  checkLog(bench.service, from, program, 'program')
  const browser = createBrowser(bench.service.url)
  const pressed = await browser.press(await browser.comeBack(back.href))
  assert.equal(pressed.status, 303, pressed.text)
  const page = await ask({ path: pressed.location })
  assert.equal(page.status, 200, page.text)
  await idle(bench.service, bench.database)
})

test('a bare state is useless without the key', async () => {
  await ask({ path: `/api/hubspot/authorize/${tenant}`, headers: auth })
  const list = await ask({ path: `/api/hubspot/integrations/${tenant}`, headers: auth })
  const state = `${tenant}:${list.json.integrations.at(-1).integration_id}`
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ code: 'x', state })
  const answer = await ask({ method: 'POST', path: '/api/hubspot/oauth/callback', headers, body })
  checkShape(answer, { what: 'bare', status: 401, code: ['unauthenticated'] })
})

test('neither a log line nor the database ever holds the key', async () => {
  await idle(bench.service, bench.database)
  const written = bench.service.lines.join('')
  assert.ok(bench.service.lines.some((line) => line.includes('"status":401')))
  for (const secret of [key, Buffer.from(key).toString('base64'), token]) {
    assert.ok(!written.includes(secret))
    assert.ok(!(await everyRow(bench.database)).includes(secret))
  }
})
