/** The OpenAPI document says what a client needs, and what the service really sends. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { matches, prose, read } from '../documents/markdown.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { assertFits, type OpenApiOperation, openapi, resolved } from '../support/openapi.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { newAccount } from './http-fixture.ts'
import { type Sent, send } from './send.ts'

const operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    ...operation,
    name: `${method.toUpperCase()} ${path}`,
  })),
)
const webhooks = Object.values(openapi.webhooks).flatMap((methods) => Object.values(methods))
const isSuccess = (status: string) => /^(2..|303)$/.test(status)

test('each operation says more than its summary, and how it succeeds', () => {
  assert.ok(operations.length > 40 && webhooks.length > 10)
  for (const { operationId, summary, description = '', responses } of [...operations, ...webhooks]) {
    assert.ok(description.length > summary.length, `${operationId} has no description`)
    assert.ok(
      Object.keys(responses).some((status) => isSuccess(status) || status === '2XX'),
      operationId,
    )
  }
})

test('each JSON request and response has an example, which its schema allows', () => {
  let checked = 0
  for (const { operationId, requestBody, responses } of operations) {
    const sent = Object.entries(responses).filter(([status]) => isSuccess(status))
    for (const [what, { content }] of [['request', requestBody ?? {}] as const, ...sent]) {
      const media = content?.['application/json']
      if (!media) continue
      assert.notEqual(media.example, undefined, `${operationId} ${what} has no example`)
      assertFits(media.schema, media.example, `the example of ${operationId} ${what}`)
      checked += 1
    }
  }
  assert.ok(checked > 50, `only ${checked} examples`)
})

test('the examples of named schemas are what the schemas allow', () => {
  let checked = 0
  for (const [name, schema] of Object.entries(openapi.components.schemas)) {
    for (const example of schema.examples ?? []) {
      assertFits({ $ref: `#/components/schemas/${name}` }, example, name)
      checked += 1
    }
  }
  assert.ok(checked > 12, `only ${checked} examples`)
})

const codesOf = ({ responses }: OpenApiOperation) =>
  new Set(Object.values(responses).flatMap((one) => resolved(one)['x-error-codes'] ?? []))

test('docs/api.md names only errors that the document has for that route', () => {
  let checked = 0
  for (const part of prose(read('docs/api.md')).split(/^### /m)) {
    const operation = operations.find(({ name }) => part.startsWith(`\`${name}\``))
    const line = /Errors: ([\s\S]*?)\.(?=\s)/.exec(part)?.[1]
    if (!operation || line === undefined) continue
    for (const code of matches(line, /`([a-z]+_[a-z_]+)`/g)) {
      if (code === 'integration_id') continue
      assert.ok(codesOf(operation).has(code), `${operation.name} does not declare ${code}`)
      checked += 1
    }
  }
  assert.ok(checked > 60, `only ${checked} codes`)
})

const adminKey = 'admin-key-of-the-openapi-test-0123456789'
const admin = { authorization: `Bearer ${adminKey}` }
let emulator: TestEmulator
let service: TestService

before(async () => {
  emulator = await startTestEmulator()
  service = await startTestService(emulator.url, {
    SPOKE_ADMIN_KEY: adminKey,
    SPOKE_PUBLIC_URL: 'http://spoke.local',
    SPOKE_RATE_KEY: '4',
  })
})
after(async () => {
  await service?.stop()
  await emulator?.close()
})

/** Of any HTTP server, and the security headers (headers.test.ts). */
const general =
  /^(connection|keep-alive|date|transfer-encoding|content-(length|type|security-policy)|vary|cache-control|x-content-type-options|referrer-policy|cross-origin-resource-policy)$/

test('each header of a response is described', async () => {
  const account = newAccount(emulator)
  const made = await service.post(
    `/api/hubspot/integrations/${randomUUID()}`,
    { access_token: account.token },
    admin,
  )
  assert.equal(made.status, 201)
  const { tenant_id: tenant, integration_id: integration } = made.body
  const keys = `/api/tenants/${tenant}/api-keys`
  const key = await service.post(keys, { name: 'k', scopes: ['read', 'sync'] }, admin)
  const own = { authorization: `Bearer ${key.body.api_key}` }
  const seen = new Set<string>()
  const check = async (operationId: string, status: number, sent: Sent) => {
    const reply = await send(service.url, { ...sent, headers: { host: 'spoke.local', ...sent.headers } })
    assert.equal(reply.status, status, `${operationId}: ${reply.text}`)
    const response = operations.find((one) => one.operationId === operationId)?.responses[status]
    assert.ok(response, `${operationId} does not describe ${status}`)
    const described = new Set(Object.keys(resolved(response).headers ?? {}).map((name) => name.toLowerCase()))
    for (const name of Object.keys(reply.headers)) {
      if (general.test(name)) continue
      assert.ok(described.has(name), `${operationId} ${status} does not describe ${name}`)
      seen.add(name)
    }
  }
  const issues = `/api/hubspot/issues/${tenant}`
  await check('health.live', 200, { path: '/livez' })
  await check('integrations.list', 200, { path: `/api/hubspot/integrations/${tenant}`, headers: own })
  await check('issues.get', 404, { path: `${issues}/${randomUUID()}`, headers: own })
  const sync = { method: 'POST', path: `/api/hubspot/sync/${tenant}/${integration}` }
  await check('sync.start', 202, { ...sync, headers: own })
  await check('endpoints.list', 403, { path: `/api/hubspot/endpoints/${tenant}`, headers: own })
  await check('issues.list', 429, { path: issues, headers: own })
  await check('issues.list', 401, { path: issues })
  await check('session.begin', 200, { method: 'POST', path: '/api/session', headers: admin })
  await check('tenants.export', 200, { path: `/api/tenants/${tenant}/export`, headers: admin })
  await check('oauth.browserCallback', 400, { path: '/api/hubspot/oauth/callback?error=access_denied' })
  const expected =
    'content-disposition location ratelimit ratelimit-policy request-id retry-after set-cookie www-authenticate'
  assert.equal([...seen].sort().join(' '), expected)
})
