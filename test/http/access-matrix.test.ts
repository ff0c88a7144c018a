/**
 * Every route of the service × every method × every principal: who passes the gate. The routes come from the service itself; what
 * each requires is repeated here, so that neither can change alone.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startTestEmulator } from '../support/emulator.ts'
import { long } from '../support/long.ts'
import { adminQuery } from '../support/postgres.ts'
import {
  claimsFor,
  environmentOf,
  type Provider,
  type SigningKey,
  sign,
  startProvider,
} from '../support/provider.ts'
import { tableCounts } from './database.ts'
import { idle, newAccount, startOn } from './http-fixture.ts'
import { pathOf, readOperations } from './operations.ts'
import { checkShape, type Watched } from './oracle.ts'
import { type Answer, type Sent, send } from './send.ts'

const rules: Record<string, string> = {
  'POST /api/tenants': 'admin',
  'GET /api/tenants': 'admin',
  'GET /api/tenants/{tenant_id}': 'read',
  'DELETE /api/tenants/{tenant_id}': 'admin',
  'GET /api/tenants/{tenant_id}/export': 'manage',
  'POST /api/tenants/{tenant_id}/api-keys': 'admin',
  'GET /api/tenants/{tenant_id}/api-keys': 'manage',
  'POST /api/tenants/{tenant_id}/api-keys/{key_id}/rotate': 'admin',
  'DELETE /api/tenants/{tenant_id}/api-keys/{key_id}': 'admin',
  'GET /api/tenants/{tenant_id}/audit': 'manage',
  'GET /api/audit': 'admin',
  'GET /api/hubspot/integrations/{tenant_id}': 'read',
  'POST /api/hubspot/integrations/{tenant_id}': 'manage',
  'GET /api/hubspot/integrations/{tenant_id}/{integration_id}': 'read',
  'DELETE /api/hubspot/integrations/{tenant_id}/{integration_id}': 'manage',
  'GET /api/hubspot/status/{tenant_id}/{integration_id}': 'read',
  'GET /api/hubspot/authorize/{tenant_id}': 'manage',
  'POST /api/hubspot/oauth/callback': 'manage',
  'GET /api/hubspot/oauth/callback': 'public',
  'GET /connect/{confirmation_id}': 'public',
  'POST /connect/{confirmation_id}': 'public',
  'GET /connected': 'public',
  'GET /api/hubspot/tickets/{tenant_id}/{integration_id}': 'read',
  'GET /api/hubspot/issues/{tenant_id}': 'read',
  'GET /api/hubspot/issues/{tenant_id}/facets': 'read',
  'POST /api/hubspot/issues/{tenant_id}/read': 'read',
  'GET /api/hubspot/issues/{tenant_id}/export': 'read',
  'GET /api/hubspot/issues/{tenant_id}/{issue_id}': 'read',
  'POST /api/hubspot/issues/{tenant_id}/search': 'read',
  'POST /api/hubspot/client/{tenant_id}/{integration_id}/crm/v3/objects/tickets/search': 'read',
  'GET /api/hubspot/problems/{tenant_id}/{integration_id}': 'read',
  'GET /api/hubspot/changes/{tenant_id}': 'read',
  'GET /api/hubspot/endpoints/{tenant_id}': 'manage',
  'POST /api/hubspot/endpoints/{tenant_id}': 'manage',
  'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}': 'manage',
  'DELETE /api/hubspot/endpoints/{tenant_id}/{endpoint_id}': 'manage',
  'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/rotate': 'manage',
  'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/test': 'manage',
  'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/recover': 'manage',
  'GET /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries': 'manage',
  'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries/{change_id}/resend': 'manage',
  'GET /api/hubspot/inbox/{tenant_id}/{integration_id}': 'read',
  'POST /api/hubspot/inbox/{tenant_id}/{integration_id}/replay': 'sync',
  'POST /api/hubspot/webhooks': 'signed',
  'POST /api/hubspot/sync/{tenant_id}/{integration_id}': 'sync',
  'GET /api/hubspot/sync/{tenant_id}/{integration_id}': 'read',
  'GET /api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}': 'read',
  'GET /api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}/events': 'read',
  'POST /api/session': 'session',
  'GET /api/session': 'session',
  'DELETE /api/session': 'session',
  'GET /livez': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'metrics',
}
/** Of these a HEAD would wait for a stream, or have an effect. */
const withoutHead = [
  'GET /api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}/events',
  'GET /api/hubspot/authorize/{tenant_id}',
  'GET /api/hubspot/oauth/callback',
  'GET /api/hubspot/issues/{tenant_id}/export',
  'GET /api/tenants/{tenant_id}/export',
]

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const adminKey = randomBytes(32).toString('base64url')
const metricsKey = randomBytes(32).toString('base64url')
const scopes = ['read', 'sync', 'manage']

const host = 'spoke.example'

let bench: Watched
let provider: Provider
/** The tenant whose ids are in every path, and another one. */
const [own, other] = [randomUUID(), randomUUID()]
const ids: Record<string, string> = { tenant_id: own, confirmation_id: randomUUID() }
/** What each sends, and what it may do: scopes of `own`, or above tenants. */
const principals = new Map<string, { headers: Record<string, string>; may: readonly string[]; of?: string }>()

const ask = (sent: Sent) => send(bench.service.url, sent)
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const everything = [...scopes, 'session', 'admin', 'metrics']

async function made(path: string, body: object): Promise<Answer['json']> {
  const headers = { ...bearer(adminKey), 'content-type': 'application/json' }
  const answer = await ask({ method: 'POST', path, headers, body: JSON.stringify(body) })
  assert.ok([200, 201, 202].includes(answer.status), `${path}: ${answer.text}`)
  return answer.json
}

async function principal(name: string, tenant: string, given: string[], may = given): Promise<string> {
  const { api_key, key_id } = await made(`/api/tenants/${tenant}/api-keys`, { name, scopes: given })
  principals.set(name, { headers: bearer(api_key), may: [...may, 'session'], of: tenant })
  return key_id
}

/** The same by a cookie: a page of ours has logged in with it. */
async function byCookie(name: string): Promise<void> {
  const who = principals.get(name)
  assert.ok(who)
  const answer = await ask({ method: 'POST', path: '/api/session', headers: { ...who.headers, host } })
  assert.equal(answer.status, 200, answer.text)
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] as string
  const page = { host, cookie, 'sec-fetch-site': 'same-origin', 'x-spoke-csrf': answer.json.csrf_token }
  principals.set(`${name}, by cookie`, { ...who, headers: page })
}

before(async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  provider = await startProvider()
  const env = {
    SPOKE_ADMIN_KEY: adminKey,
    SPOKE_METRICS_KEY: metricsKey,
    SPOKE_PUBLIC_URL: `http://${host}`,
    ...environmentOf(provider),
  }
  bench = { emulator, ...(await startOn(emulator, env)) }
  for (const tenant of [own, other]) {
    const { integration_id } = await made(`/api/hubspot/integrations/${tenant}`, {
      access_token: newAccount(emulator).token,
    })
    if (tenant === own) ids.integration_id = integration_id
  }
  await idle(bench.service, bench.database)
  const { events } = (
    await ask({ path: `/api/hubspot/sync/${own}/${ids.integration_id}`, headers: bearer(adminKey) })
  ).json
  ids.sync_event_id = events[0].sync_event_id
  const { issues } = (await ask({ path: `/api/hubspot/issues/${own}`, headers: bearer(adminKey) })).json
  ids.issue_id = issues[0].issue_id
  const endpoint = await made(`/api/hubspot/endpoints/${own}`, { url: 'https://example.com/' })
  ids.endpoint_id = endpoint.endpoint_id
  const sent = await made(`/api/hubspot/endpoints/${own}/${endpoint.endpoint_id}/test`, {})
  ids.change_id = sent.change_id
  await adminQuery("update deliveries set due_at = 'infinity'", bench.database)
  principals.set('nobody', { headers: {}, may: [] })
  principals.set('a wrong key', { headers: bearer(randomBytes(32).toString('base64url')), may: [] })
  principals.set('the admin key', { headers: bearer(adminKey), may: everything, of: 'all' })
  principals.set('the metrics key', { headers: bearer(metricsKey), may: ['metrics'], of: 'none' })
  for (const scope of scopes) ids.key_id = await principal(`own, ${scope}`, own, [scope])
  await principal('own, all scopes', own, scopes)
  await principal("another's, all scopes", other, scopes)
  for (const [name, tenant] of [
    ['own, by a JWT', own],
    ["another's, by a JWT", other],
  ] as const) {
    const token = await sign(provider.keys[0] as SigningKey, claimsFor(provider, tenant))
    principals.set(name, { headers: bearer(token), may: [...scopes, 'session'], of: tenant })
  }
  for (const name of ['the admin key', 'own, read', "another's, all scopes", 'own, by a JWT'])
    await byCookie(name)
  const revoked = await principal('own, revoked', own, scopes, [])
  const over = await principal('own, over', own, scopes, [])
  const path = `/api/tenants/${own}/api-keys/${revoked}`
  assert.equal((await ask({ method: 'DELETE', path, headers: bearer(adminKey) })).status, 200)
  await adminQuery(`update api_keys set expires_at = now() where key_id = '${over}'`, bench.database)
  for (const name of ['own, revoked', 'own, over']) delete principals.get(name)?.of
})
after(async () => {
  await bench.service.stop()
  await bench.emulator.close()
  await provider.close()
})

test('each route declares what it requires, and this list matches', async () => {
  const { json } = await ask({ path: '/openapi.json' })
  const declared = Object.entries(json.paths as Record<string, Record<string, Record<string, string>>>)
    .flatMap(([path, described]) =>
      Object.entries(described).map(([method, one]) => [
        `${method.toUpperCase()} ${path}`,
        one['x-spoke-access'],
      ]),
    )
    .sort()
  assert.deepEqual(declared, Object.entries(rules).sort())
})

/** What a principal gets of a route; 'past' when the gate lets it through. */
function expected(rule: string, { may, of }: { may: readonly string[]; of?: string }, template: string) {
  // The route accepts a signature only, and reads no credential.
  if (rule === 'public') return 'past'
  if (rule === 'signed') return 'invalid_signature'
  if (of === undefined) return 'unauthenticated'
  const ofTenant = scopes.includes(rule)
  if (ofTenant && of === 'none')
    return template.includes('{tenant_id}') ? 'integration_not_found' : 'insufficient_scope'
  if (ofTenant && template.includes('{tenant_id}') && of !== own && of !== 'all')
    return 'integration_not_found'
  return may.includes(rule) ? 'past' : 'insufficient_scope'
}

test('every route × method × principal', async () => {
  const operations = await readOperations(bench.service.url)
  const templates = [...new Set(operations.map(({ template }) => template))]
  const before = await tableCounts(bench.database)
  const calls = bench.emulator.world.log.list().length
  const wrong: string[] = []
  let cells = 0
  for (const template of templates) {
    const taken = operations.filter((one) => one.template === template).map((one) => one.method)
    const path = pathOf({ template } as (typeof operations)[number], ids)
    for (const method of methods) {
      const read = method === 'HEAD' ? 'GET' : method
      const there = taken.includes(read) && !(method === 'HEAD' && withoutHead.includes(`GET ${template}`))
      const rule = there ? (rules[`${read} ${template}`] as string) : undefined
      // A method that a route does not have is tried as a quarter of the principals, different ones each time.
      const chosen = [...principals].filter((_, n) => long || rule || (n + cells) % 4 === 0)
      for (const [name, who] of chosen) {
        cells += 1
        // Refused by every schema, so that a caller that passes the gate changes nothing.
        const sent = method === 'POST' ? { headers: { ...who.headers, ...json }, body: '{"zz":1}' } : who
        const answer = await ask({
          method,
          path: `${path}?zz=1`,
          headers: sent.headers,
          ...('body' in sent ? { body: sent.body } : {}),
        })
        const want = rule
          ? expected(rule, who, template)
          : who.of === undefined
            ? 'unauthenticated'
            : 'method_not_allowed'
        const got = verdict(answer, method)
        const same = got === want || (method === 'HEAD' && sameStatus(answer.status, want))
        if (!same) wrong.push(`${method} ${template} as ${name}: ${got} (${answer.status}), not ${want}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
  assert.ok(cells > 1_500, `${cells} cells`)
  assert.deepEqual(await tableCounts(bench.database), before)
  assert.equal(bench.emulator.world.log.list().length, calls, 'HubSpot was called')
})

const json = { 'content-type': 'application/json' }

function verdict(answer: Answer, method: string): string {
  if (method === 'HEAD') return String(answer.status)
  const code = answer.json?.code
  const past = ['validation_failed', 'invalid_state', 'unsupported_media_type']
  if (answer.status === 200 || past.includes(code)) return 'past'
  return String(code)
}

/** A HEAD has no body that contains a code. */
function sameStatus(status: number, want: string): boolean {
  const statuses: Record<string, number[]> = {
    past: [200, 400, 415],
    unauthenticated: [401],
    insufficient_scope: [403],
    integration_not_found: [404],
    method_not_allowed: [405],
  }
  return statuses[want]?.includes(status) ?? false
}

test('another tenant gets the same response for existing and unknown ids, byte for byte', async () => {
  const headers = principals.get("another's, all scopes")?.headers ?? {}
  const operations = await readOperations(bench.service.url)
  for (const operation of operations.filter(({ template }) => template.includes('{tenant_id}'))) {
    const there = await ask({ method: operation.method, path: pathOf(operation, ids), headers })
    const nowhere = Object.fromEntries(Object.keys(ids).map((id) => [id, randomUUID()]))
    const path = pathOf(operation, { ...nowhere, key_id: '0123456789abcdef' })
    const notThere = await ask({ method: operation.method, path, headers })
    if (rules[operation.name] === 'admin') {
      checkShape(there, { what: operation.name, status: 403, code: 'insufficient_scope' })
    } else {
      checkShape(there, { what: operation.name, status: 404, code: 'integration_not_found' })
    }
    assert.equal(withoutId(there), withoutId(notThere), operation.name)
  }
})

const withoutId = ({ text, headers, json: { request_id } }: Answer) =>
  `${text} ${JSON.stringify({ ...headers, date: '' })}`.replaceAll(request_id, '')

test('what each scope is for works with it', async () => {
  const as = (name: string) => principals.get(name)?.headers ?? {}
  const get = async (name: string, template: string) => {
    const path = pathOf({ template } as never, ids)
    const answer = await ask({ path, headers: as(name) })
    assert.equal(answer.status, 200, `${name}: ${template}: ${answer.text}`)
    return answer
  }
  for (const [route, rule] of Object.entries(rules)) {
    const [method, template = ''] = route.split(' ')
    if (method !== 'GET' || template.endsWith('/events') || !scopes.includes(rule)) continue
    await get(`own, ${rule}`, template)
  }
  await get('the metrics key', '/metrics')
  await get('the admin key', '/metrics')
  const started = await ask({
    method: 'POST',
    path: pathOf({ template: '/api/hubspot/sync/{tenant_id}/{integration_id}' } as never, ids),
    headers: { ...as('own, sync'), ...json },
    body: '{"sync_type":"incremental"}',
  })
  assert.equal(started.status, 202, started.text)
  await idle(bench.service, bench.database)
  const connected = await ask({
    method: 'POST',
    path: `/api/hubspot/integrations/${own}`,
    headers: { ...as('own, manage'), ...json },
    body: JSON.stringify({ access_token: newAccount(bench.emulator).token }),
  })
  assert.equal(connected.status, 201, connected.text)
  await idle(bench.service, bench.database)
})

test("a tenant's key finishes its own authorization by POST, and no other", async () => {
  const begin = async (name: string, tenant: string) => {
    const headers = principals.get(name)?.headers ?? {}
    const url = new URL(
      (await ask({ path: `/api/hubspot/authorize/${tenant}`, headers })).json.authorization_url,
    )
    url.searchParams.set('auto', '1')
    url.searchParams.set('portal_id', String(bench.emulator.world.addPortal({ tickets: 1 }).portal_id))
    const { searchParams } = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '')
    return { code: searchParams.get('code'), state: searchParams.get('state') }
  }
  const finish = (name: string, body: object) =>
    ask({
      method: 'POST',
      path: '/api/hubspot/oauth/callback',
      headers: { ...principals.get(name)?.headers, ...json },
      body: JSON.stringify(body),
    })
  const begun = await begin("another's, all scopes", other)
  const calls = bench.emulator.world.log.list().length
  checkShape(await finish('own, all scopes', begun), { what: 'foreign', status: 400, code: 'invalid_state' })
  assert.equal(bench.emulator.world.log.list().length, calls, 'HubSpot was called')
  assert.equal((await finish("another's, all scopes", begun)).status, 200)
  await idle(bench.service, bench.database)
})
