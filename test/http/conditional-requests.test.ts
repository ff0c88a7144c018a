/** ETag and If-None-Match: a caller that has the response already gets 304, and nobody else does. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { openapi } from '../support/openapi.ts'
import { adminQuery } from '../support/postgres.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { databaseOf } from './database.ts'
import { idle, newAccount } from './http-fixture.ts'
import { type Sent, send } from './send.ts'

const host = 'spoke.local'
const adminKey = 'admin-key-of-the-conditional-requests-0123456789'
const admin = { authorization: `Bearer ${adminKey}` }
let emulator: TestEmulator
let service: TestService
let database: string
let tenant: string
/** The keys of the tenant, and of another one. */
let own: { authorization: string }
let foreign: { authorization: string }

before(async () => {
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  database = await databaseOf()
  service = await startTestService(emulator.url, {
    DATABASE_URL: database,
    SPOKE_ADMIN_KEY: adminKey,
    SPOKE_PUBLIC_URL: `http://${host}`,
  })
  const connect = async (of: string) => {
    const { token } = newAccount(emulator)
    await service.post(`/api/hubspot/integrations/${of}`, { access_token: token }, admin)
    const made = await service.post(`/api/tenants/${of}/api-keys`, { name: 'k', scopes: ['read'] }, admin)
    return { authorization: `Bearer ${made.body.api_key}` }
  }
  tenant = randomUUID()
  own = await connect(tenant)
  foreign = await connect(randomUUID())
  await idle(service, database)
})
after(async () => {
  await service?.stop()
  await emulator?.close()
})

const base = () => `/api/hubspot/issues/${tenant}`
const get = (path: string, headers: Record<string, string> = {}, more: Partial<Sent> = {}) =>
  send(service.url, { path, ...more, headers: { host, ...own, ...headers } })
const firstIssue = async () => (await get(base())).json.issues[0] as { issue_id: string; subject: string }

test('the issue, the list and the facets have a tag of their bytes: with it the response is 304 and empty, until it changes', async () => {
  const { issue_id: id } = await firstIssue()
  for (const path of [`${base()}/${id}`, `${base()}?limit=50`, `${base()}/facets`]) {
    const first = await get(path)
    const etag = String(first.headers.etag)
    assert.match(etag, /^"[\w-]{43}"$/, path)
    assert.equal((await get(path)).headers.etag, etag, 'the same bytes')
    const again = await get(path, { 'if-none-match': etag })
    assert.deepEqual([again.status, again.text], [304, ''], path)
    assert.deepEqual([again.headers.etag, again.headers['content-type']], [etag, undefined])
    assert.ok(again.headers['request-id'])
    for (const { headers } of [first, again])
      assert.deepEqual([headers['cache-control'], headers.vary], ['private, no-cache', 'Authorization'])

    await adminQuery(
      `update issues set properties = properties || jsonb_build_object('subject', 'now ' || clock_timestamp()) where issue_id = '${id}';
       update issue_search set stage_id = stage_id || 'x' where issue_id = '${id}'`,
      database,
    )
    const changed = await get(path, { 'if-none-match': etag })
    assert.equal(changed.status, 200, path)
    assert.notEqual(changed.headers.etag, etag)
    assert.deepEqual(changed.json, (await get(path)).json)
  }
})

test('If-None-Match may be a list, a weak tag or *; what is none of these is ignored', async () => {
  const etag = String((await get(base())).headers.etag)
  for (const [value, status] of [
    [`"other", ${etag}`, 304],
    [`"a,b",${etag} , "c"`, 304],
    [`W/${etag}`, 304],
    ['*', 304],
    [' * ', 304],
    ['"other"', 200],
    [etag.slice(1, -1), 200],
    [etag.slice(0, -1), 200],
    ['', 200],
    ['W/', 200],
    ['"*"', 200],
  ] as const)
    assert.equal((await get(base(), { 'if-none-match': value })).status, status, value)
})

test('HEAD has the tag, and the length that a GET would have', async () => {
  const { headers } = await get(base())
  for (const [value, status] of [
    ['"other"', 200],
    [String(headers.etag), 304],
  ] as const) {
    const head = await get(base(), { 'if-none-match': value }, { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [status, ''])
    assert.equal(head.headers.etag, headers.etag)
    assert.equal(head.headers['content-length'], headers['content-length'])
  }
})

test('a tag opens nothing: refusals come first, have no tag, and may not be stored', async () => {
  const etag = String((await get(base())).headers.etag)
  for (const [path, headers, status] of [
    [base(), { authorization: 'Bearer no-key' }, 401],
    [base(), foreign, 404],
    [`${base()}/${randomUUID()}`, own, 404],
    [`${base()}?limit=0`, own, 400],
  ] as const)
    for (const value of [etag, '*']) {
      const refused = await get(path, { ...headers, 'if-none-match': value })
      assert.equal(refused.status, status, path)
      assert.equal(refused.headers.etag, undefined)
      assert.equal(refused.headers['cache-control'], 'no-store')
    }
})

test('a browser’s session stores nothing, and other routes have no tag', async () => {
  const session = await get('/api/session', {}, { method: 'POST' })
  assert.equal(session.status, 200, session.text)
  const cookie = String(session.headers['set-cookie']).split(';')[0] ?? ''
  const { issue_id: id } = await firstIssue()
  const shown = await send(service.url, {
    path: `${base()}/${id}`,
    headers: { cookie, host, 'sec-fetch-site': 'same-origin' },
  })
  assert.equal(shown.status, 200, shown.text)
  assert.equal(shown.headers['cache-control'], 'no-store')
  const other = await get(`/api/hubspot/integrations/${tenant}`, { 'if-none-match': '*' })
  assert.deepEqual([other.status, other.headers.etag], [200, undefined])
})

test('the document has 304, the tag and If-None-Match for these routes and no others', () => {
  const found = Object.values(openapi.paths).flatMap((path) =>
    Object.values(path).flatMap((operation) => {
      const parameters = JSON.stringify(operation.parameters ?? [])
      const marks = [
        '304' in operation.responses,
        parameters.includes('parameters/If-None-Match"'),
        JSON.stringify(operation.responses['200'] ?? {}).includes('headers/ETag"'),
      ]
      assert.equal(new Set(marks).size, 1, operation.operationId)
      return marks[0] ? [operation.operationId] : []
    }),
  )
  assert.deepEqual(found.sort(), ['issues.facets', 'issues.get', 'issues.list'])
})
