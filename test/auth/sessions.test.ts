/** Browser sessions over HTTP: how they are issued, what they may do, and everything that ends them. Over 200 lines because the tests share one service. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { sessionHash } from '../../src/auth/session.ts'
import { everyRow, runSql } from '../http/database.ts'
import { connectTenant, idle, newAccount, startOn } from '../http/http-fixture.ts'
import { pathOf, readOperations } from '../http/operations.ts'
import { checkShape, refused, type Watched } from '../http/oracle.ts'
import { type Answer, type Sent, send } from '../http/send.ts'
import { canary, formsOf } from '../support/canaries.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { long } from '../support/long.ts'
import {
  claimsFor,
  environmentOf,
  now,
  type Provider,
  type SigningKey,
  sign,
  startProvider,
} from '../support/provider.ts'
import { eventually, startTestService, type TestService, testKeys } from '../support/service.ts'

const adminKey = 'an-admin-key-of-the-session-tests'
const ours = 'https://spoke.example'
const host = 'spoke.example'
const tenant = randomUUID()

interface LoggedIn {
  token: string
  cookie: string
  csrf: string
  answer: Answer
}

describe('sessions', () => {
  let provider: Provider
  let bench: Watched
  let integration: string
  let env: Record<string, string>

  before(async () => {
    provider = await startProvider()
    const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
    env = { SPOKE_ADMIN_KEY: adminKey, SPOKE_PUBLIC_URL: ours, ...environmentOf(provider) }
    bench = { emulator, ...(await startOn(emulator, env)) }
    const asAdmin = { authorization: `Bearer ${adminKey}` }
    const service = {
      ...bench.service,
      post: (path: string, body: unknown) => bench.service.post(path, body, asAdmin),
    }
    integration = (await connectTenant(service, newAccount(emulator).token, tenant)).integration
    await idle(bench.service, bench.database)
  })
  after(async () => {
    await bench?.service.stop()
    await bench?.emulator.close()
    await provider?.close()
  })

  /** Another process on the same database. */
  const second = (over: Record<string, string> = {}): Promise<TestService> =>
    startTestService(bench.emulator.url, { ...env, DATABASE_URL: bench.database, SPOKE_ROLE: 'api', ...over })

  const ask = (sent: Sent, url = bench.service.url) =>
    send(url, { ...sent, headers: { host, ...sent.headers } })
  const jwt = (over: Record<string, unknown> = {}) =>
    sign(provider.keys[0] as SigningKey, { ...claimsFor(provider, tenant), ...over })

  async function logIn(bearer: string, headers: Sent['headers'] = {}, url?: string): Promise<LoggedIn> {
    const authorization = `Bearer ${bearer}`
    const answer = await ask(
      { method: 'POST', path: '/api/session', headers: { authorization, ...headers } },
      url,
    )
    assert.equal(answer.status, 200, answer.text)
    const [set = ''] = answer.headers['set-cookie'] ?? []
    const cookie = set.split(';')[0] as string
    return { token: cookie.split('=')[1] as string, cookie, csrf: answer.json.csrf_token, answer }
  }
  const fromUs = { 'sec-fetch-site': 'same-origin' }
  const whoami = ({ cookie }: { cookie: string }, url?: string) =>
    ask({ path: '/api/session', headers: { cookie, ...fromUs } }, url)
  const logOut = ({ cookie, csrf }: LoggedIn, url?: string) =>
    ask({ method: 'DELETE', path: '/api/session', headers: { cookie, 'x-spoke-csrf': csrf, ...fromUs } }, url)
  const isOver = async (session: { cookie: string }, what: string, url?: string) =>
    checkShape(await whoami(session, url), { what, status: 401, code: 'unauthenticated' })
  const row = ({ token }: LoggedIn) => sessionHash(token)
  const change = async (session: LoggedIn, set: string) =>
    await runSql(bench.database, `update sessions set ${set} where token_hash = '${row(session)}'`)

  test('the cookie is for this host alone, for HTTPS, for no script and for no other site', async () => {
    const { answer } = await logIn(adminKey)
    assert.equal(answer.headers['set-cookie']?.length, 1)
    const [set = ''] = answer.headers['set-cookie'] ?? []
    assert.match(set, /^__Host-spoke_session=sps_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
    assert.equal(answer.headers['cache-control'], 'no-store')
  })

  test('reads still work, by key and by session, while the database is read-only', async () => {
    const sessions = [await logIn(adminKey), await logIn(await jwt({ scope: 'read manage' }))]
    for (const session of sessions) await change(session, "last_used_at = now() - interval '2 minutes'")
    await runSql(
      bench.database,
      `insert into tenant_integrations (tenant_id, integration_id, status, created_at)
       values ('${tenant}', '${randomUUID()}', 'pending', now() - interval '1 hour')`,
    )
    const [run] = await runSql(
      bench.database,
      `select sync_event_id from sync_events where tenant_id = '${tenant}'`,
    )
    const ids = { tenant_id: tenant, integration_id: integration, sync_event_id: String(run?.sync_event_id) }
    // Written down before it happens, or with an effect, or a call to HubSpot, which is counted, or a stream.
    const others = /authorize|callback|export|status|tickets|events$|^GET \/connect|readyz/
    const operations = (await readOperations(bench.service.url)).filter(
      ({ name }) => name.startsWith('GET ') && !others.test(name),
    )
    const readOnly = new URL(bench.database)
    readOnly.searchParams.set('options', '-c default_transaction_read_only=on')
    const other = await second({ DATABASE_URL: readOnly.href })
    try {
      const failed: string[] = []
      for (const headers of [
        { authorization: `Bearer ${adminKey}` },
        ...sessions.map(({ cookie }) => ({ cookie, ...fromUs })),
      ])
        for (const operation of operations) {
          const all = new Proxy(ids, { get: (of, id: keyof typeof ids) => of[id] ?? randomUUID() })
          const { status, text } = await ask({ path: pathOf(operation, all), headers }, other.url)
          if (status >= 500) failed.push(`${operation.name} ${Object.keys(headers)[0]}: ${text}`)
        }
      assert.deepEqual(failed, [])
    } finally {
      await other.stop()
    }
  })

  test('without HTTPS the cookie has no __Host- prefix, and is otherwise the same', async () => {
    const plain = await second({ SPOKE_PUBLIC_URL: 'http://spoke.local:8000' })
    try {
      const headers = { authorization: `Bearer ${adminKey}`, host: 'spoke.local:8000' }
      const answer = await send(plain.url, { method: 'POST', path: '/api/session', headers })
      const [set = ''] = answer.headers['set-cookie'] ?? []
      assert.match(set, /^spoke_session=sps_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
      const cookie = set.split(';')[0] as string
      const seen = await send(plain.url, {
        path: '/api/session',
        headers: { cookie, host: 'spoke.local:8000' },
      })
      assert.equal(seen.status, 200)
      await isOver({ cookie }, 'the plain name where HTTPS is promised')
    } finally {
      await plain.stop()
    }
  })

  test('it returns who the caller is, by the admin key and by a JWT, at creation and on request', async () => {
    const admin = await logIn(adminKey)
    const { expires_at, csrf_token, ...rest } = (await whoami(admin)).json
    assert.deepEqual(rest, {
      success: true,
      principal: 'admin',
      tenant_id: null,
      scopes: ['read', 'sync', 'manage'],
      actor: 'admin',
    })
    assert.equal(csrf_token, admin.csrf)
    const hours = (Date.parse(expires_at) - Date.now()) / 3_600_000
    assert.ok(hours > 11.9 && hours < 12.1, expires_at)
    const one = await logIn(await jwt({ scope: 'read' }))
    const seen = (await whoami(one)).json
    assert.deepEqual(one.answer.json, seen)
    assert.deepEqual(
      [seen.principal, seen.tenant_id, seen.scopes, seen.actor],
      ['tenant', tenant, ['read'], 'jwt:alice'],
    )
  })

  test('it has the permissions of its credential, and no more', async () => {
    const reader = await logIn(await jwt({ scope: 'read' }))
    const get = (path: string) => ask({ path, headers: { cookie: reader.cookie } })
    assert.equal((await get(`/api/hubspot/integrations/${tenant}/${integration}`)).status, 200)
    assert.equal((await get(`/api/hubspot/integrations/${randomUUID()}`)).status, 404)
    const headers = {
      cookie: reader.cookie,
      'x-spoke-csrf': reader.csrf,
      ...fromUs,
      'content-type': 'application/json',
    }
    const path = `/api/hubspot/sync/${tenant}/${integration}`
    const answer = await ask({ method: 'POST', path, headers, body: '{}' })
    checkShape(answer, { what: 'a reader syncs', status: 403, code: 'insufficient_scope' })
  })

  test('the database holds a hash, and neither the token nor the CSRF token in any form', async () => {
    const made = [await logIn(adminKey), await logIn(await jwt())]
    const all = Buffer.from(await everyRow(bench.database))
    for (const session of made) {
      assert.ok(all.includes(row(session)), 'its row is there')
      for (const secret of [session.token, session.csrf, adminKey])
        for (const [form, text] of formsOf(canary('x', secret))) assert.ok(!all.includes(text), form)
    }
    const written = bench.service.lines.join('')
    for (const { token, csrf } of made) assert.ok(!written.includes(token) && !written.includes(csrf))
  })

  test('a token that somebody else has chosen is never taken over, and each login has a new one', async () => {
    const chosen = `sps_${'A'.repeat(43)}`
    const first = await logIn(adminKey, { cookie: `__Host-spoke_session=${chosen}` })
    assert.notEqual(first.token, chosen)
    await isOver({ cookie: `__Host-spoke_session=${chosen}` }, 'chosen')
    const again = await logIn(adminKey, { cookie: first.cookie })
    assert.notEqual(again.token, first.token)
    assert.notEqual(again.csrf, first.csrf)
    await isOver(first, 'the session before')
    assert.equal((await whoami(again)).status, 200)
  })

  test('a session cannot create a session, so that none outlives its credential', async () => {
    const session = await logIn(adminKey)
    const headers = { cookie: session.cookie, 'x-spoke-csrf': session.csrf, ...fromUs }
    const answer = await ask({ method: 'POST', path: '/api/session', headers })
    checkShape(answer, { what: 'by cookie', status: 401, code: 'unauthenticated' })
    assert.equal(answer.headers['set-cookie'], undefined)
    assert.equal((await whoami(session)).status, 200)
  })

  test('a logout takes effect at once, in other processes too, and clears the cookie', async () => {
    const other = await second()
    try {
      const session = await logIn(adminKey)
      assert.equal((await whoami(session, other.url)).status, 200)
      const gone = await logOut(session)
      assert.deepEqual(gone.json, { success: true, ended: true })
      assert.deepEqual(gone.headers['set-cookie'], [
        '__Host-spoke_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure',
      ])
      await isOver(session, 'here')
      await isOver(session, 'there', other.url)
      checkShape(await logOut(session), { what: 'twice', status: 401, code: 'unauthenticated' })
    } finally {
      await other.stop()
    }
  })

  test('it ends after half an hour without a request, and each request begins the half hour anew', async () => {
    const session = await logIn(adminKey)
    await change(session, `last_used_at = now() - interval '29 minutes'`)
    assert.equal((await whoami(session)).status, 200)
    const [{ age } = {}] = await runSql(
      bench.database,
      `select extract(epoch from now() - last_used_at)::float8 as age from sessions where token_hash = '${row(session)}'`,
    )
    assert.ok(Number(age) < 5, `${age} s`)
    await change(session, `last_used_at = now() - interval '30 minutes 1 second'`)
    await isOver(session, 'idle')
  })

  test('it ends after twelve hours, however much it is used', async () => {
    const session = await logIn(adminKey)
    const [{ hours } = {}] = await runSql(
      bench.database,
      `select extract(epoch from expires_at - now())::float8 / 3600 as hours from sessions where token_hash = '${row(session)}'`,
    )
    assert.ok(Number(hours) > 11.99 && Number(hours) <= 12, `${hours}`)
    await change(session, `expires_at = now() - interval '1 second'`)
    await isOver(session, 'old')
  })

  test('a forged, changed or copied row gives no access', async () => {
    const victim = randomUUID()
    const theirs = '0123456789abcdef'
    await runSql(
      bench.database,
      `insert into tenants (tenant_id, data_key) select '${victim}', data_key from tenants limit 1;
       insert into api_keys (key_id, tenant_id, name, scopes, key_hash) values ('${theirs}', '${victim}', 'x', '{read}', 'x')`,
    )
    const byKey = await logIn((await newTenantKey()).api_key)
    const byJwt = await logIn(await jwt({ scope: 'read' }))
    const byAdmin = await logIn(adminKey)
    const columns = ['tenant_id', 'scopes', 'created_by', 'binding', 'expires_at'] as const
    type Row = Record<(typeof columns)[number], string | null>
    const text = columns.map((column) => `${column}::text as ${column}`).join(', ')
    const read = async (session: LoggedIn) =>
      (
        await runSql(bench.database, `select ${text} from sessions where token_hash = '${row(session)}'`)
      )[0] as Row
    /** With what the serving login may do in the service's own role. */
    const write = (token: string, values: Row) => {
      const literals = columns.map((column) => (values[column] === null ? 'null' : `'${values[column]}'`))
      return runSql(
        bench.database,
        `begin; set local role spoke_system; delete from sessions where token_hash = '${sessionHash(token)}';
         insert into sessions (token_hash, ${columns.join(', ')}) values ('${sessionHash(token)}', ${literals.join(', ')}); commit`,
      )
    }
    const all = '{read,sync,manage}'
    const later = new Date(Date.now() + 864_000_000).toISOString()
    const forgeries: [what: string, from: LoggedIn, over: Partial<Row>][] = [
      ['another tenant by my key', byKey, { tenant_id: victim }],
      ['another tenant by its key', byKey, { tenant_id: victim, created_by: `key:${theirs}` }],
      ['another tenant and more', byKey, { tenant_id: victim, created_by: `key:${theirs}`, scopes: all }],
      ['another tenant by a JWT', byJwt, { tenant_id: victim }],
      ['another subject', byJwt, { created_by: 'jwt:somebody' }],
      ['a JWT for a key', byKey, { created_by: 'jwt:somebody' }],
      ['more than the key may', byKey, { scopes: all }],
      ['more than the JWT may', byJwt, { scopes: all }],
      ['a longer life', byKey, { expires_at: later }],
      ['a longer life of the operator', byAdmin, { expires_at: later }],
      ['the operator for a key', byKey, { tenant_id: null, created_by: 'admin' }],
      ['nothing that ties it', byKey, { binding: '' }],
      ['tied as another is', byKey, { binding: (await read(byJwt)).binding }],
      ['tied as the operator is', byKey, { ...(await read(byAdmin)) }],
    ]
    const made = { cookie: '', token: `sps_${randomBytes(32).toString('base64url')}` }
    made.cookie = `__Host-spoke_session=${made.token}`
    for (const [what, from, over] of forgeries) {
      const saved = await read(from)
      await write(made.token, { ...saved, ...over })
      await isOver(made, `${what}, under a token made up`)
      await write(from.token, { ...saved, ...over })
      await isOver(from, what)
      await write(from.token, saved)
      assert.equal((await whoami(from)).status, 200, 'as it was')
    }
    for (const from of [byKey, byJwt, byAdmin]) {
      await write(made.token, await read(from))
      await isOver(made, 'a copy')
    }
  })

  test('a rotation of the key ring ends no session; removing a key ends those that it authenticated', async () => {
    const [k1, k2] = [testKeys, `k2:${Buffer.alloc(32, 9).toString('base64')}`]
    const turned = await second({ SPOKE_ENCRYPTION_KEYS: `${k2},${k1}` })
    try {
      const [old, young] = [await logIn(adminKey), await logIn(adminKey, {}, turned.url)]
      assert.equal((await whoami(old, turned.url)).status, 200)
      assert.equal((await whoami(young, turned.url)).status, 200)
      await isOver(young, 'where the key is not known')
    } finally {
      await turned.stop()
      await runSql(bench.database, `delete from ring_keys where key_id = 'k2'`)
    }
  })

  test('it ends with the JWT it was made with', async () => {
    const session = await logIn(await jwt({ exp: now() + 3 }))
    assert.equal(Date.parse(session.answer.json.expires_at) <= (now() + 3) * 1_000, true)
    assert.equal((await whoami(session)).status, 200)
    await eventually(async () => (await whoami(session)).status === 401, 'it has ended', 5_000)
    const authorization = `Bearer ${await jwt({ exp: now() - 10 })}`
    const late = await ask({ method: 'POST', path: '/api/session', headers: { authorization } })
    checkShape(late, { what: 'within the tolerance', status: 401, code: 'unauthenticated' })
  })

  test('it ends when the admin key is changed, and when another provider is named', async () => {
    const admin = await logIn(adminKey)
    const one = await logIn(await jwt())
    const turned = await second({ SPOKE_ADMIN_KEY: 'another-admin-key-of-the-session-tests' })
    const named = await second({ SPOKE_JWT_AUDIENCE: 'another' })
    try {
      await isOver(admin, 'another admin key', turned.url)
      assert.equal((await whoami(one, turned.url)).status, 200)
      await isOver(one, 'another provider', named.url)
      assert.equal((await whoami(admin, named.url)).status, 200)
    } finally {
      await turned.stop()
      await named.stop()
    }
  })

  const asOperator = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
  async function newTenantKey(body: object = {}): Promise<{ api_key: string; key_id: string }> {
    const path = `/api/tenants/${tenant}/api-keys`
    const wanted = JSON.stringify({ name: 'of a browser', scopes: ['read'], ...body })
    const answer = await ask({ method: 'POST', path, headers: asOperator, body: wanted })
    assert.equal(answer.status, 201, answer.text)
    return answer.json
  }
  async function revoke(keyId: string, of = tenant): Promise<void> {
    const path = `/api/tenants/${of}/api-keys/${keyId}`
    const answer = await ask({ method: 'DELETE', path, headers: { authorization: `Bearer ${adminKey}` } })
    assert.equal(answer.status, 200, answer.text)
  }

  test("it ends at once, in every process, when the tenant's key it was made with is revoked, expired or deleted", async () => {
    const other = await second()
    try {
      for (const end of [
        (keyId: string) => revoke(keyId),
        (keyId: string) =>
          runSql(bench.database, `update api_keys set expires_at = now() where key_id = '${keyId}'`),
        (keyId: string) => runSql(bench.database, `delete from api_keys where key_id = '${keyId}'`),
      ]) {
        const { api_key, key_id } = await newTenantKey()
        const session = await logIn(api_key)
        const { json } = await whoami(session, other.url)
        assert.deepEqual([json.tenant_id, json.scopes, json.actor], [tenant, ['read'], `key:${key_id}`])
        await end(key_id)
        await isOver(session, 'here')
        await isOver(session, 'there', other.url)
      }
    } finally {
      await other.stop()
    }
  })

  test('a key that was just revoked, and is still cached as valid, creates no session that works', async () => {
    const { api_key, key_id } = await newTenantKey()
    const headers = { authorization: `Bearer ${api_key}` }
    assert.equal((await ask({ path: '/api/session', headers })).status, 200)
    await revoke(key_id)
    const answer = await ask({ method: 'POST', path: '/api/session', headers })
    if (answer.status === 200)
      await isOver({ cookie: answer.headers['set-cookie']?.[0]?.split(';')[0] as string }, 'a late login')
    else checkShape(answer, { what: 'a late login', status: 401, code: 'unauthenticated' })
  })

  test('the metrics key creates no session', async () => {
    const metricsKey = 'a-metrics-key-of-the-session-tests'
    const other = await second({ SPOKE_METRICS_KEY: metricsKey })
    try {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const headers = { authorization: `Bearer ${metricsKey}` }
        const answer = await ask({ method, path: '/api/session', headers }, other.url)
        checkShape(answer, { what: method, status: 403, code: 'insufficient_scope' })
      }
    } finally {
      await other.stop()
    }
  })

  test('it ends with its tenant, even if its row is left behind', async () => {
    const gone = randomUUID()
    await runSql(
      bench.database,
      `insert into tenants (tenant_id, data_key) select '${gone}', data_key from tenants limit 1`,
    )
    const session = await logIn(await jwt({ tenant_id: gone }))
    assert.equal((await whoami(session)).status, 200)
    await runSql(bench.database, `delete from tenants where tenant_id = '${gone}'`)
    await isOver(session, 'no tenant')
  })

  test('an Authorization header takes precedence over the cookie, and a cookie never replaces a bad header', async () => {
    const session = await logIn(adminKey)
    const reader = await jwt({ scope: 'read' })
    const by = (authorization: string) =>
      ask({ path: '/api/session', headers: { cookie: session.cookie, authorization, ...fromUs } })
    assert.deepEqual((await by(`Bearer ${reader}`)).json.actor, 'jwt:alice')
    assert.equal((await by(`Bearer ${reader}`)).json.csrf_token, null)
    for (const bad of ['Bearer nonsense', 'Basic x', '', 'Bearer'])
      checkShape(await by(bad), { what: bad, status: 401, code: 'unauthenticated' })
    const odd = await ask({ path: '/api/session', headers: { cookie: 'x', authorization: 'y' } })
    checkShape(odd, { what: 'both', status: 401, code: 'unauthenticated' })
    assert.equal((await whoami(session)).status, 200, 'none of it has ended the session')
  })

  test('a malformed, duplicate, misnamed or invented cookie authenticates nobody', async () => {
    const { cookie, token } = await logIn(adminKey)
    for (const odd of [
      `${cookie}x`,
      `${cookie}; ${cookie}`,
      `__Host-spoke_session=sps_${'B'.repeat(43)}; ${cookie}`,
      `spoke_session=${token}`,
      `__host-spoke_session=${token}`,
      `__Host-spoke_session="${token}"`,
      `__Host-spoke_session=`,
      `__Host-spoke_session=${encodeURIComponent(`${token}'`)}`,
      `__Host-spoke_session=${token.slice(0, -1)}`,
      `__Host-spoke_session=sps_${'C'.repeat(43)}`,
    ])
      await refused(bench, {
        what: odd,
        path: '/api/session',
        headers: { host, cookie: odd, ...fromUs },
        status: 401,
        code: 'unauthenticated',
        secret: [token],
      })
    const among = await ask({ path: '/api/session', headers: { cookie: `a=b; ${cookie}; c=d` } })
    assert.equal(among.status, 200)
  })

  test('a session is accepted only for requests from our own pages: every method, site, origin and header', async (t) => {
    const session = await logIn(adminKey)
    const { csrf: anothers } = await logIn(adminKey)
    const path = `/api/hubspot/integrations/${tenant}/${randomUUID()}`
    const sites = [
      undefined,
      'same-origin',
      'same-site',
      'cross-site',
      'none',
      'odd',
      'same-origin, cross-site',
    ]
    const origins = [
      undefined,
      ours,
      'https://evil.example',
      'http://spoke.example',
      'https://spoke.example.evil',
      'null',
    ]
    const tokens = [undefined, session.csrf, anothers, '', `${session.csrf}x`]
    const counts = { passed: 0, refused: 0 }
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH'])
      for (const site of sites)
        for (const origin of origins)
          for (const csrf of tokens) {
            // GET and POST get every combination, the other methods those that differ from an accepted
            // request in one header at most.
            const differs =
              Number(site !== undefined && site !== 'same-origin') +
              Number(origin !== ours) +
              Number(csrf !== session.csrf)
            if (!long && method !== 'GET' && method !== 'POST' && differs > 1) continue
            const given = { 'sec-fetch-site': site, origin, 'x-spoke-csrf': csrf }
            const headers = Object.fromEntries(
              Object.entries(given).filter(([, value]) => value !== undefined),
            )
            const answer = await ask({
              method,
              path,
              headers: { cookie: session.cookie, ...headers } as Record<string, string>,
            })
            const safe = method === 'GET' || method === 'HEAD'
            const passes = safe
              ? site === undefined || site === 'same-origin' || site === 'none'
              : csrf === session.csrf && (site === 'same-origin' || (site === undefined && origin === ours))
            const what = JSON.stringify({ method, ...given })
            // What passes gets a 404 for the integration, or a 405.
            if (passes) assert.ok(answer.status === 404 || answer.status === 405, `${what}: ${answer.status}`)
            else assert.equal(answer.status, 403, what)
            if (!passes && method !== 'HEAD')
              checkShape(answer, { what, status: 403, code: 'forged_request' })
            counts[passes ? 'passed' : 'refused'] += 1
          }
    assert.equal((await whoami(session)).status, 200)
    t.diagnostic(`${counts.passed} passed, ${counts.refused} refused`)
  })

  test('a refused request does not extend the session', async () => {
    const session = await logIn(adminKey)
    await change(session, `last_used_at = now() - interval '20 minutes'`)
    const headers = { cookie: session.cookie, 'sec-fetch-site': 'cross-site' }
    assert.equal((await ask({ path: '/api/session', headers })).status, 403)
    const [{ old } = {}] = await runSql(
      bench.database,
      `select last_used_at < now() - interval '19 minutes' as old from sessions where token_hash = '${row(session)}'`,
    )
    assert.equal(old, true)
  })

  test('a session is valid only under the name of the public address, and is not issued under another', async () => {
    const session = await logIn(adminKey)
    for (const name of [
      'evil.example',
      'spoke.example.evil.example',
      'spoke.example:8443',
      '127.0.0.1',
      'localhost',
      'spoke.example.',
      'spoke.example@evil.example',
      'spoke.example/evil',
    ]) {
      const headers = { host: name, cookie: session.cookie, 'x-spoke-csrf': session.csrf, ...fromUs }
      for (const method of ['GET', 'DELETE'])
        checkShape(await ask({ method, path: '/api/session', headers }), {
          what: name,
          status: 421,
          code: 'misdirected_request',
        })
      const login = { host: name, authorization: `Bearer ${adminKey}` }
      const answer = await ask({ method: 'POST', path: '/api/session', headers: login })
      checkShape(answer, { what: name, status: 421, code: 'misdirected_request' })
      assert.equal(answer.headers['set-cookie'], undefined)
    }
    for (const name of ['SPOKE.example', 'spoke.example:443'])
      assert.equal(
        (await ask({ path: '/api/session', headers: { host: name, cookie: session.cookie } })).status,
        200,
      )
  })

  test('a request of a session takes no body, and a login none either', async () => {
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
    for (const body of ['{"tenant_id":"x"}', '[1]', '"x"', '1']) {
      const answer = await ask({ method: 'POST', path: '/api/session', headers, body })
      checkShape(answer, { what: body, status: 400, code: 'validation_failed' })
      assert.equal(answer.headers['set-cookie'], undefined)
    }
    assert.equal((await ask({ method: 'POST', path: '/api/session', headers, body: '{}' })).status, 200)
  })

  /** Opens the stream of a run that does not end. @returns resolves with the milliseconds until it ended */
  async function watch(
    headers: Record<string, string>,
    path: string,
    url = bench.service.url,
  ): Promise<{ ended: Promise<number> }> {
    const { hostname, port } = new URL(url)
    const opened = Promise.withResolvers<void>()
    const ended = new Promise<number>((resolve, reject) => {
      const began = performance.now()
      httpRequest({ hostname, port, path, headers: { host, ...headers }, agent: false }, (response) => {
        assert.equal(response.statusCode, 200)
        response.resume()
        response.on('data', () => opened.resolve())
        response.on('end', () => resolve(performance.now() - began))
        response.on('error', reject)
      })
        .on('error', reject)
        .end()
    })
    await opened.promise
    return { ended }
  }

  test('a stream of events ends within about a second of the logout, a revocation, and every other end of its credential', async (t) => {
    // A run that hangs in HubSpot for as long as this test lasts.
    bench.emulator.world.faults.add({
      kind: 'delay',
      delay_ms: 900,
      match: { path: '/crm/objects' },
      times: null,
    })
    const { token } = newAccount(bench.emulator, { tickets: 5_000 })
    const slow = randomUUID()
    const asAdmin = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
    const made = await ask({
      method: 'POST',
      path: `/api/hubspot/integrations/${slow}`,
      headers: asAdmin,
      body: JSON.stringify({ access_token: token }),
    })
    assert.equal(made.status, 201, made.text)
    const base = `/api/hubspot/sync/${slow}/${made.json.integration_id}`
    const history = await ask({ path: base, headers: asAdmin })
    const events = `${base}/${history.json.events[0].sync_event_id}/events`
    const forIt = (over: Record<string, unknown> = {}) => jwt({ tenant_id: slow, ...over })

    const [leaver, stayer, idler] = [await logIn(await forIt()), await logIn(adminKey), await logIn(adminKey)]
    const keyPath = `/api/tenants/${slow}/api-keys`
    const wanted = JSON.stringify({ name: 'of a stream', scopes: ['read'] })
    const key = (await ask({ method: 'POST', path: keyPath, headers: asAdmin, body: wanted })).json
    const byKey = await logIn(key.api_key)
    const revokedHeader = await watch({ authorization: `Bearer ${key.api_key}` }, events)
    const revokedCookie = await watch({ cookie: byKey.cookie }, events)
    const left = await watch({ cookie: leaver.cookie }, events)
    const stays = await watch({ cookie: stayer.cookie }, events)
    const idles = await watch({ cookie: idler.cookie }, events)
    const soon = await watch({ authorization: `Bearer ${await forIt({ exp: now() + 2 })}` }, events)
    const began = performance.now()
    const took = async (ended: Promise<number>) => {
      await ended
      return Math.round(performance.now() - began)
    }
    assert.equal((await logOut(leaver)).status, 200)
    await change(idler, `last_used_at = now() - interval '31 minutes'`)
    await revoke(key.key_id, slow)
    const [byLogout, byIdling, byExpiry, byHeader, byRevoked] = await Promise.all(
      [left, idles, soon, revokedHeader, revokedCookie].map(({ ended }) => took(ended)),
    )
    assert.ok(Number(byLogout) < 1_500 && Number(byIdling) < 1_500, `${byLogout} ${byIdling} ms`)
    assert.ok(Number(byHeader) < 1_500 && Number(byRevoked) < 1_500, `${byHeader} ${byRevoked} ms`)
    assert.ok(Number(byExpiry) < 3_500, `${byExpiry} ms`)
    const still = await Promise.race([
      stays.ended.then(() => 'ended'),
      new Promise((resolve) => setTimeout(resolve, 1_500, 'open')),
    ])
    assert.equal(still, 'open', 'no other stream is closed')
    t.diagnostic(
      `logout ${byLogout} ms, idle ${byIdling} ms, JWT ${byExpiry} ms, key revoked ${byHeader} and ${byRevoked} ms`,
    )
    assert.equal((await logOut(stayer)).status, 200)
    await stays.ended
    bench.emulator.world.faults.clear()
    await ask({
      method: 'DELETE',
      path: `/api/hubspot/integrations/${slow}/${made.json.integration_id}`,
      headers: { authorization: `Bearer ${adminKey}` },
    })
  })

  test('a long poll whose credential ends meanwhile gets 401, and nothing else', async () => {
    const path = `/api/hubspot/changes/${tenant}?after=now&wait=30`
    const { api_key, key_id } = await newTenantKey()
    const session = await logIn(await jwt())
    const waiting = [
      ask({ path, headers: { authorization: `Bearer ${api_key}` } }),
      ask({ path, headers: { cookie: session.cookie, ...fromUs } }),
      ask({ path, headers: { authorization: `Bearer ${await jwt({ exp: now() + 2 })}` } }),
    ]
    await new Promise((resolve) => setTimeout(resolve, 300))
    await revoke(key_id)
    assert.equal((await logOut(session)).status, 200)
    for (const answer of await Promise.all(waiting))
      checkShape(answer, { what: 'a long poll', status: 401, code: 'unauthenticated' })
  })

  test('every credential of a tenant ends when it is erased, within about a second and in every process', async (t) => {
    bench.emulator.world.faults.add({
      kind: 'delay',
      delay_ms: 900,
      match: { path: '/crm/objects' },
      times: null,
    })
    const leaving = randomUUID()
    const { token } = newAccount(bench.emulator, { tickets: 5_000 })
    const asAdmin = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ access_token: token })
    const connectPath = `/api/hubspot/integrations/${leaving}`
    const made = await ask({ method: 'POST', path: connectPath, headers: asAdmin, body })
    assert.equal(made.status, 201, made.text)
    const base = `/api/hubspot/sync/${leaving}/${made.json.integration_id}`
    const [event] = (await ask({ path: base, headers: asAdmin })).json.events
    const wanted = JSON.stringify({ name: 'of one who leaves', scopes: ['read', 'manage'] })
    const keyPath = `/api/tenants/${leaving}/api-keys`
    const key = (await ask({ method: 'POST', path: keyPath, headers: asAdmin, body: wanted })).json.api_key
    const bearer = await jwt({ tenant_id: leaving, scope: 'read sync manage' })
    const session = await logIn(bearer)
    const other = await second()
    try {
      const credentials = {
        session: { cookie: session.cookie },
        key: { authorization: `Bearer ${key}` },
        jwt: { authorization: `Bearer ${bearer}` },
      }
      const urls = [bench.service.url, other.url]
      // Each process has seen each of them, and caches its permissions.
      for (const url of urls)
        for (const headers of Object.values(credentials))
          assert.equal((await ask({ path: connectPath, headers }, url)).status, 200)
      const streams = await Promise.all(
        [...Object.values(credentials), asAdmin].map((headers) =>
          watch(headers, `${base}/${event.sync_event_id}/events`, other.url),
        ),
      )
      const began = performance.now()
      const erased = await ask({
        method: 'DELETE',
        path: `/api/tenants/${leaving}`,
        headers: { authorization: asAdmin.authorization },
      })
      assert.equal(erased.status, 202, erased.text)
      await Promise.all(streams.map(({ ended }) => ended))
      const took = Math.round(performance.now() - began)
      assert.ok(took < 5_000, `streams ended after ${took} ms`)
      t.diagnostic(
        `${streams.length} streams of another process ended ${took} ms after the erasure was requested`,
      )
      // A JWT is not bound to a row: it creates no session and no tenant. Keys and sessions are unknown by now.
      for (const url of urls) {
        const json = { ...credentials.jwt, 'content-type': 'application/json' }
        for (const sent of [
          { path: connectPath, headers: credentials.jwt },
          { method: 'POST', path: connectPath, headers: json, body },
          { path: `/api/hubspot/authorize/${leaving}`, headers: credentials.jwt },
          { method: 'POST', path: '/api/session', headers: credentials.jwt },
        ]) {
          const what = `${sent.method ?? 'GET'} ${sent.path}`
          checkShape(await ask(sent, url), { what, status: 404, code: 'integration_not_found' })
        }
        for (const headers of [credentials.session, credentials.key])
          await eventually(
            async () => (await ask({ path: connectPath, headers }, url)).status === 401,
            'the credential is forgotten',
          )
      }
      const held = await runSql(bench.database, `select from sessions where tenant_id = '${leaving}'`)
      assert.equal(held.length, 0)
    } finally {
      bench.emulator.world.faults.clear()
      await other.stop()
    }
  })

  test('expired sessions are deleted at the next login', async () => {
    const [old, unused] = [await logIn(adminKey), await logIn(adminKey)]
    await change(old, `expires_at = now() - interval '1 second'`)
    await change(unused, `last_used_at = now() - interval '1 hour'`)
    const next = await logIn(adminKey)
    const rows = (await runSql(bench.database, 'select token_hash from sessions')).map(
      ({ token_hash }) => token_hash,
    )
    assert.deepEqual(
      [row(old), row(unused), row(next)].map((hash) => rows.includes(hash)),
      [false, false, true],
    )
  })
})
