/** JWTs of the operator's identity provider: which ones authenticate, and that every forged, expired or misplaced one is refused. */
import assert from 'node:assert/strict'
import { createHmac, randomUUID, sign as signBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { CompactSign, exportSPKI, importJWK, type JWTPayload } from 'jose'
import { everyRow } from '../http/database.ts'
import { connectTenant, idle, newAccount, startOn } from '../http/http-fixture.ts'
import { checkShape, refused, type Watched } from '../http/oracle.ts'
import { type Answer, send } from '../http/send.ts'
import { startTestEmulator } from '../support/emulator.ts'
import {
  claimsFor,
  environmentOf,
  newKey,
  now,
  type Provider,
  type SigningKey,
  sign,
  startProvider,
} from '../support/provider.ts'

const adminKey = 'an-admin-key-of-the-jwt-tests'
const [tenant, other, nobody] = [randomUUID(), randomUUID(), randomUUID()]
let bench: Watched
let provider: Provider
let integration: string
let otherIntegration: string
let es: SigningKey
let rs: SigningKey

before(async () => {
  provider = await startProvider()
  es = provider.keys[0] as SigningKey
  rs = await provider.newKey('RS256')
  // As some providers do: then only our own list determines the algorithm.
  delete rs.jwk.alg
  await provider.newKey('EdDSA')
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  bench = {
    emulator,
    ...(await startOn(emulator, { SPOKE_ADMIN_KEY: adminKey, ...environmentOf(provider) })),
  }
  const asAdmin = { authorization: `Bearer ${adminKey}` }
  const service = {
    ...bench.service,
    post: (path: string, body: unknown) => bench.service.post(path, body, asAdmin),
  }
  integration = (await connectTenant(service, newAccount(emulator).token, tenant)).integration
  otherIntegration = (await connectTenant(service, newAccount(emulator).token, other)).integration
  await idle(bench.service, bench.database)
})
after(async () => {
  await bench?.service.stop()
  await bench?.emulator.close()
  await provider?.close()
})

const claims = (over: Record<string, unknown> = {}): JWTPayload => {
  const all = { ...claimsFor(provider, tenant), ...over }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
const path = () => `/api/hubspot/integrations/${tenant}/${integration}`
const ask = (bearer: string, where = path(), method = 'GET', body?: string): Promise<Answer> =>
  send(bench.service.url, {
    path: where,
    method,
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
  })
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token of each accepted algorithm gives access to its tenant, with scopes as a list or separated by spaces', async () => {
  for (const key of provider.keys) {
    for (const scope of ['read', 'email read', ['read'], ['x', 'read', 7, null]]) {
      const answer = await ask(await sign(key, claims({ scope })))
      assert.equal(answer.status, 200, `${key.alg} ${JSON.stringify(scope)}: ${answer.text}`)
      assert.equal(answer.json.integration_id, integration)
    }
  }
  const typed = [undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt']
  for (const typ of typed) assert.equal((await ask(await sign(es, claims(), { typ }))).status, 200, typ)
  const many = ['another', 'spoke-of-the-tests']
  assert.equal((await ask(await sign(es, claims({ aud: many })))).status, 200)
  assert.equal((await ask(await sign(es, claims({ tenant_id: tenant.toUpperCase() })))).status, 200)
})

test('a clock difference of thirty seconds is accepted', async () => {
  for (const over of [{ exp: now() - 20 }, { iat: now() + 20 }, { nbf: now() + 20 }])
    assert.equal((await ask(await sign(es, claims(over)))).status, 200, JSON.stringify(over))
})

/** Each is a token that must be refused. */
async function attacks(): Promise<[what: string, token: string][]> {
  const good = await sign(es, claims())
  const [head = '', body = '', signature = ''] = good.split('.')
  const stranger = await newKey('ES256', es.kid)
  const pem = await exportSPKI(
    await importJWK(rs.jwk, 'RS256').then((key) => key as Parameters<typeof exportSPKI>[0]),
  )
  const hs = (secret: string | Buffer, alg = 'HS256') => {
    const text = `${part({ alg, kid: rs.kid })}.${part(claims())}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const unsigned = (alg: string, tail = '') => `${part({ alg, kid: es.kid })}.${part(claims())}.${tail}`
  const with_ = (over: Record<string, unknown>, header: Record<string, unknown> = {}) =>
    sign(es, claims(over), header)
  const raw = (text: string) =>
    new CompactSign(Buffer.from(text)).setProtectedHeader({ alg: 'ES256', kid: es.kid }).sign(es.privateKey)
  const bent = { ...claims() } as Record<string, unknown>
  const ps = `${part({ alg: 'PS256', kid: rs.kid })}.${part(claims())}`
  return [
    ['alg none without a signature', unsigned('none')],
    ['alg None', unsigned('None')],
    ['alg none with the signature of another', unsigned('none', signature)],
    ['alg empty', unsigned('', signature)],
    ['HS256 signed with the public key as PEM', hs(pem)],
    ['HS256 signed with the public key as PEM, trimmed', hs(pem.trim())],
    ['HS256 signed with the public key as JWK', hs(JSON.stringify(rs.jwk))],
    ['HS256 signed with the modulus', hs(Buffer.from(rs.jwk.n as string, 'base64url'))],
    ['HS256 signed with nothing', hs('')],
    ['HS512', hs(pem, 'HS512')],
    [
      'PS256 by the right key',
      `${ps}.${signBytes('sha256', Buffer.from(ps), { key: await pkcs8(rs), padding: 6 }).toString('base64url')}`,
    ],
    ['the signature of a stranger under a known kid', await sign(stranger, claims())],
    ['a stranger’s key in the header', await sign(stranger, claims(), { jwk: stranger.jwk, kid: undefined })],
    [
      'a stranger’s key in the header under a known kid',
      await sign(stranger, claims(), { jwk: stranger.jwk }),
    ],
    ['jku to another address', await sign(stranger, claims(), { jku: `${provider.issuer}/evil`, kid: 'x' })],
    ['x5u to another address', await sign(stranger, claims(), { x5u: `${provider.issuer}/evil`, kid: 'y' })],
    ['an unknown kid', await sign(es, claims(), { kid: 'unknown' })],
    ['a kid that climbs', await sign(es, claims(), { kid: '../../../../dev/null' })],
    ['a kid of SQL', await sign(es, claims(), { kid: "' or '1'='1" })],
    ['ES256 under the kid of an RSA key', await sign(es, claims(), { kid: rs.kid })],
    ['crit with something unknown', await signRaw(es, { crit: ['exp2'], exp2: 1 }, claims())],
    [
      'an unencoded payload',
      await signRaw(es, { crit: ['b64'], b64: false }, claims()).catch(
        () => `${part({ alg: 'ES256', b64: false, crit: ['b64'] })}.${body}.${signature}`,
      ),
    ],
    ['a changed claim', `${head}.${part({ ...claims(), tenant_id: other })}.${signature}`],
    ['a changed signature', `${head}.${body}.${signature.slice(0, -4)}AAAA`],
    ['a cut signature', `${head}.${body}.${signature.slice(0, -2)}`],
    ['no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['four parts', `${good}.x`],
    ['five parts, as if encrypted', `${good}.x.y`],
    ['padding', `${head}=.${body}.${signature}`],
    ['another audience', await with_({ aud: 'another' })],
    ['a list of other audiences', await with_({ aud: ['another', 'spoke-of-the-tests '] })],
    ['no audience', await with_({ aud: undefined })],
    ['another issuer', await with_({ iss: 'https://evil.example' })],
    ['the issuer with a slash', await with_({ iss: `${provider.issuer}/` })],
    ['no issuer', await with_({ iss: undefined })],
    ['expired', await with_({ exp: now() - 31, iat: now() - 100 })],
    ['no expiry', await with_({ exp: undefined })],
    ['an expiry in words', await raw(JSON.stringify({ ...bent, exp: String(now() + 100) }))],
    ['an expiry that is null', await raw(JSON.stringify({ ...bent, exp: null }))],
    ['valid from later on', await with_({ nbf: now() + 60 })],
    ['issued later on', await with_({ iat: now() + 60 })],
    ['no time of issue', await with_({ iat: undefined })],
    ['issued over a day ago', await with_({ iat: now() - 24 * 3_600 - 60 })],
    ['no subject', await with_({ sub: undefined })],
    ['an empty subject', await with_({ sub: '' })],
    ['a subject that is a number', await raw(JSON.stringify({ ...bent, sub: 7 }))],
    ['no tenant', await with_({ tenant_id: undefined })],
    ['a tenant that is no UUID', await with_({ tenant_id: 'acme' })],
    ['a tenant in braces', await with_({ tenant_id: `{${tenant}}` })],
    ['a list of tenants', await with_({ tenant_id: [tenant] })],
    ['two tenants', await with_({ tenant_id: `${tenant} ${other}` })],
    ['a tenant of SQL', await with_({ tenant_id: `${tenant}'; reset role; --` })],
    ['a tenant claim of another name', await with_({ tenant_id: undefined, tenantId: tenant })],
    ['a logout token', await with_({}, { typ: 'logout+jwt' })],
    ['a security event', await with_({}, { typ: 'secevent+jwt' })],
    ['claims that are a list', await raw('[1]')],
    ['claims that are no JSON', await raw('nonsense')],
    ['claims that are null', await raw('null')],
    ['deep claims', await raw('['.repeat(3_000))],
    ['a long token', await with_({ pad: 'x'.repeat(9_000) })],
  ]
}

const pkcs8 = async (key: SigningKey) => {
  const { exportPKCS8 } = await import('jose')
  return await exportPKCS8(key.privateKey)
}

/** Signs a header that SignJWT would refuse to. */
async function signRaw(
  key: SigningKey,
  header: Record<string, unknown>,
  payload: JWTPayload,
): Promise<string> {
  const text = `${part({ alg: key.alg, kid: key.kid, ...header })}.${part(payload)}`
  const signature = signBytes('sha256', Buffer.from(text), {
    key: await pkcs8(key),
    dsaEncoding: 'ieee-p1363',
  })
  return `${text}.${signature.toString('base64url')}`
}

test('every forged, stale or misplaced token is 401, in one shape, and is never written down', async (t) => {
  const all = await attacks()
  for (const [what, token] of all) {
    const secret = token.split('.').filter((text) => text.length > 20)
    await refused(bench, {
      what,
      path: path(),
      headers: { authorization: `Bearer ${token}` },
      status: 401,
      code: 'unauthenticated',
      secret,
    })
  }
  assert.deepEqual(provider.strays, [], 'no URL from a token was followed')
  t.diagnostic(`${all.length} tokens refused; the provider was called ${provider.calls()} times`)
})

test('the raw signer makes valid tokens, so that its changes are the reason of each refusal', async () => {
  assert.equal((await ask(await signRaw(es, {}, claims()))).status, 200)
})

test('of a duplicate claim, the one that was checked is used', async () => {
  const text = JSON.stringify(claims()).replace(/\}$/, `,"tenant_id":${JSON.stringify(other)}}`)
  const token = await new CompactSign(Buffer.from(text))
    .setProtectedHeader({ alg: 'ES256', kid: es.kid })
    .sign(es.privateKey)
  assert.equal((await ask(token)).status, 404)
  assert.equal((await ask(token, `/api/hubspot/integrations/${other}/${otherIntegration}`)).status, 200)
  const expired = JSON.stringify(claims()).replace(/\}$/, `,"exp":${now() - 100}}`)
  const stale = await new CompactSign(Buffer.from(expired))
    .setProtectedHeader({ alg: 'ES256', kid: es.kid })
    .sign(es.privateKey)
  assert.equal((await ask(stale)).status, 401)
})

test('a token of a megabyte is refused before it is read', async () => {
  const answer = await ask(`eyJ${'a'.repeat(1 << 20)}`)
  assert.equal(answer.status, 431)
})

test('scopes are those of the token, and an unknown one is none', async () => {
  const start = `/api/hubspot/sync/${tenant}/${integration}`
  for (const [scope, code] of [
    ['sync manage', 'insufficient_scope'],
    ['READ', 'insufficient_scope'],
    ['admin reader read,sync *', 'insufficient_scope'],
    ['', 'insufficient_scope'],
    [undefined, 'insufficient_scope'],
    [{ read: true }, 'insufficient_scope'],
  ] as const) {
    const answer = await ask(await sign(es, claims({ scope })))
    checkShape(answer, { what: JSON.stringify(scope), status: 403, code })
  }
  assert.equal((await ask(await sign(es, claims({ scope: 'read' })), start, 'POST', '{}')).status, 403)
  assert.equal((await ask(await sign(es, claims({ scope: 'sync' })), start, 'POST', '{}')).status, 202)
  await idle(bench.service, bench.database)
})

test('another tenant’s path, an unknown tenant and an unknown integration return the same bytes', async () => {
  const all = await sign(es, claims())
  const gone = await sign(es, claims({ tenant_id: nobody }))
  const asked: [string, string][] = [
    [all, `/api/hubspot/integrations/${tenant}/${randomUUID()}`],
    [all, `/api/hubspot/integrations/${other}/${otherIntegration}`],
    [all, `/api/hubspot/integrations/${tenant}/${otherIntegration}`],
    [all, `/api/hubspot/integrations/${nobody}/${integration}`],
    [gone, `/api/hubspot/integrations/${nobody}/${randomUUID()}`],
    [gone, `/api/hubspot/integrations/${nobody}`],
    [gone, path()],
    [gone, '/api/session'],
  ]
  const bodies = new Set<string>()
  for (const [token, where] of asked) {
    const { status, json } = await ask(token, where)
    assert.equal(status, 404, where)
    bodies.add(JSON.stringify({ ...json, request_id: '' }))
  }
  assert.equal(bodies.size, 1, [...bodies].join('\n'))
})

test('no token creates a tenant, and none is the operator', async () => {
  const gone = await sign(es, claims({ tenant_id: nobody, scope: 'read sync manage admin' }))
  const { token } = newAccount(bench.emulator)
  const body = JSON.stringify({ access_token: token })
  assert.equal((await ask(gone, `/api/hubspot/integrations/${nobody}`, 'POST', body)).status, 404)
  assert.equal((await ask(gone, `/api/hubspot/authorize/${nobody}`)).status, 404)
  assert.ok(!(await everyRow(bench.database)).includes(nobody))
  const admin = await sign(es, claims({ scope: 'read sync manage admin', role: 'admin', sub: 'admin' }))
  const { json } = await ask(admin, '/api/session')
  assert.deepEqual(
    [json.principal, json.tenant_id, json.scopes, json.actor],
    ['tenant', tenant, ['read', 'sync', 'manage'], 'jwt:admin'],
  )
})

test('a subject becomes a short, harmless name, and two subjects never share one', async () => {
  const nameOf = async (sub: string) =>
    (await ask(await sign(es, claims({ sub })), '/api/session')).json.actor
  const long = `auth0|a b\n{"x"}${'é'.repeat(500)}`
  const [one, two, three] = [await nameOf(long), await nameOf(`${long}é`), await nameOf('auth0|a_b')]
  assert.match(one, /^jwt:auth0\|a_b___x____+~[\w-]{22}$/)
  assert.ok(one.length <= 104)
  assert.notEqual(one, two)
  assert.equal(three, 'jwt:auth0|a_b')
  assert.equal(await nameOf('x'.repeat(100)), `jwt:${'x'.repeat(100)}`)
  assert.match(await nameOf('x'.repeat(101)), /^jwt:x{60}~/)
})
