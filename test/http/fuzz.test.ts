/** A short run of the fuzzer with a fixed seed, and proof that its oracle can fail. `npm run fuzz` is the long one. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fuzz, judge } from './fuzz.ts'
import { type FuzzFixture, startFuzzFixture } from './fuzz-fixture.ts'
import { canary } from './fuzz-values.ts'
import type { Answer } from './send.ts'

const seed = 20_261_126
let world: FuzzFixture
before(async () => {
  world = await startFuzzFixture()
})
after(() => world.stop())

test('3,000 requests generated from the document get no undeclared status, no unexpected format, and no echo of the input', async (context) => {
  const result = await fuzz(world, { seed, requests: 3_000, withinMs: 150_000 })
  context.diagnostic(
    `seed ${seed}, ${result.passed} requests, ${result.byStatus.size} statuses, p99 ${result.p99Ms.toFixed(1)} ms`,
  )
  assert.deepEqual(result.findings, [])
  assert.ok(result.passed >= 1_000, `${result.passed} in the time there is`)
  const names = world.operations.map(({ name }) => name)
  // These need a code of HubSpot's to succeed, the public URL's host, a list without a word twice, of types or of ids, or a property of the
  // account, which chance rarely makes; the others received a valid request too.
  const rare = [
    'GET /api/hubspot/oauth/callback',
    'GET /connect/{confirmation_id}',
    'POST /api/hubspot/client/{tenant_id}/{integration_id}/crm/v3/objects/tickets/search',
    'POST /api/hubspot/endpoints/{tenant_id}',
    'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}',
    'POST /api/hubspot/issues/{tenant_id}/read',
    'POST /api/hubspot/issues/{tenant_id}/search',
    'POST /api/hubspot/oauth/callback',
    'POST /api/session',
    'POST /api/tenants/{tenant_id}/api-keys',
    'POST /connect/{confirmation_id}',
  ]
  assert.deepEqual(
    names.filter((name) => !result.succeeded.has(name) && !rare.includes(name)),
    [],
  )
  assert.deepEqual(
    names.filter((name) => !result.refused.has(name)),
    [],
  )
})

test('the service still answers after it', async () => {
  const [operation] = world.operations
  assert.ok(operation)
  assert.equal((await fetch(`${world.url}/readyz`)).status, 200)
})

const good = {
  success: false,
  error: 'Integration not found',
  code: 'integration_not_found',
  request_id: 'r1',
  type: 'urn:spoke:problem:integration_not_found',
  title: 'Integration not found',
  status: 404,
  detail: 'Integration not found',
}
const headers = {
  'request-id': 'r1',
  'x-content-type-options': 'nosniff',
  'content-type': 'application/json; charset=utf-8',
}
const answer = (json: object = good, over: Partial<Answer> = {}): Answer => ({
  status: 404,
  headers,
  text: JSON.stringify(json),
  json,
  ...over,
})

const faults: [what: string, answer: () => Answer][] = [
  ['a 500', () => answer({ ...good, status: 500 }, { status: 500 })],
  ['a 503', () => answer({ ...good, status: 503 }, { status: 503 })],
  ['an undeclared status', () => answer({ ...good, status: 418 }, { status: 418 })],
  ['a success that is not declared', () => answer({}, { status: 206 })],
  ['no request id', () => answer(good, { headers: { ...headers, 'request-id': undefined } })],
  ['another request id', () => answer({ ...good, request_id: 'r2' })],
  [
    'no security headers',
    () => answer(good, { headers: { ...headers, 'x-content-type-options': undefined } }),
  ],
  ['a page', () => answer(good, { headers: { ...headers, 'content-type': 'text/html' } })],
  ['the input', () => answer({ ...good, detail: `no ${canary}` })],
  ['the input in a header', () => answer(good, { headers: { ...headers, location: `/${canary}` } })],
  ['a stack', () => answer({ ...good, detail: 'Error at f (/srv/spoke/src/http/server.ts:1:1)' })],
  ['SQL', () => answer({ ...good, detail: 'syntax error in select id from tenants' })],
  ['a field too many', () => answer({ ...good, stack: 'x' })],
  ['no code', () => answer({ ...good, code: undefined })],
]

for (const [what, made] of faults) {
  test(`the oracle sees an answer with ${what}`, () => {
    const operation = world.operations.find(({ name }) => name.startsWith('GET /api/hubspot/status'))
    assert.ok(operation)
    const request = { operation, method: 'GET', path: '/x', headers: {}, body: undefined }
    judge(request, answer())
    assert.throws(() => judge(request, made()))
  })
}
