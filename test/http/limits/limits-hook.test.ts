/** Rate limits around authentication: per credential, tenant and address, and what no caller can do to another. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Authenticate } from '../../../src/auth/authenticate.ts'
import { parseTenantId } from '../../../src/db/tenant-id.ts'
import { replyError } from '../../../src/http/error-reply.ts'
import { authenticateRequest, authorizeRequest, requireAccessRules } from '../../../src/http/gate.ts'
import { createLimits, type Rates } from '../../../src/http/limits/limits.ts'
import { AppError } from '../../../src/lib/errors.ts'
import { createMetrics } from '../../../src/lib/metrics.ts'
import { handClock } from '../../support/clock.ts'

const one = '5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11'
const other = '5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f12'

interface TestApp {
  app: FastifyInstance
  /** From now on no credential can be looked up. @returns ends that */
  away(error: unknown): () => void
}

/** Keys are `tenant-<n>`, all of tenant `one`, `other-<name>` of tenant `other` under the same name, and `admin`. */
async function startTestApp(given: Partial<Rates>): Promise<TestApp> {
  let away: unknown
  const authenticate: Authenticate = async ({ headers }) => {
    const key = String(headers.authorization ?? headers.cookie ?? '').replace('Bearer ', '')
    if (!key) return undefined
    // All that arrive at the same moment are verified at the same time.
    await new Promise((resolve) => setImmediate(resolve))
    if (away) throw away
    if (key === 'admin') return { principal: { kind: 'admin' } }
    if (!/^(other|tenant)-/.test(key)) return undefined
    const tenantId = parseTenantId(key.startsWith('other-') ? other : one)
    return {
      principal: { kind: 'tenant', tenantId, scopes: ['read'], by: `jwt:${key.replace(/^[a-z]+-/, '')}` },
    }
  }
  const rates = { key: 0, tenant: 0, address: 0, failed: 0, ...given }
  const limits = createLimits({ rates, metrics: createMetrics(), clock: handClock() })
  const app = Fastify()
  app.setErrorHandler(replyError)
  requireAccessRules(app)
  app.addHook('onRequest', async (request, reply) => {
    await limits(request, reply, () => authenticateRequest(request, authenticate))
    authorizeRequest(request)
  })
  app.get('/of/:tenant_id', { config: { access: 'read' } }, async () => ({ success: true }))
  app.get('/public', { config: { access: 'public' } }, async () => ({ success: true }))
  return {
    app,
    away: (error) => {
      away = error
      return () => {
        away = undefined
      }
    },
  }
}

const ask = async ({ app }: TestApp, key: string, tenant = one, remoteAddress = '203.0.113.1') =>
  await app.inject({
    path: `/of/${tenant}`,
    remoteAddress,
    headers: key === '' ? {} : { authorization: `Bearer ${key}` },
  })

/** @returns how many answers there were of each status */
async function askMany(
  app: TestApp,
  count: number,
  ...rest: Parameters<typeof ask> extends [TestApp, ...infer R] ? R : never
) {
  const tally: Record<number, number> = {}
  for (let n = 0; n < count; n++) {
    const { statusCode } = await ask(app, ...rest)
    tally[statusCode] = (tally[statusCode] ?? 0) + 1
  }
  return tally
}

test('a credential has one limit across addresses, and each credential has its own', async () => {
  const app = await startTestApp({ key: 60, address: 0, failed: 0 })
  for (let n = 0; n < 60; n++)
    assert.equal((await ask(app, 'tenant-1', one, `203.0.113.${n}`)).statusCode, 200)
  const refused = await ask(app, 'tenant-1')
  assert.equal(refused.statusCode, 429)
  assert.equal(refused.json().code, 'rate_limited')
  assert.match(String(refused.headers['retry-after']), /^\d+$/)
  assert.equal(refused.headers['ratelimit-policy'], '"key";q=60;w=60')
  const fine = await ask(app, 'tenant-2')
  assert.equal(fine.statusCode, 200)
  assert.match(String(fine.headers.ratelimit), /^"key";r=59;t=60$/)
  assert.deepEqual(await askMany(app, 100, 'admin'), { 200: 100 })
})

test('subjects of the same name in two tenants have a limit each', async () => {
  const app = await startTestApp({ key: 10, address: 0, failed: 0 })
  assert.deepEqual(await askMany(app, 12, 'tenant-1'), { 200: 10, 429: 2 })
  assert.deepEqual(await askMany(app, 12, 'other-1', other), { 200: 10, 429: 2 })
})

test('a tenant has a limit over all of its credentials', async () => {
  const app = await startTestApp({ key: 10, tenant: 25 })
  const statuses = async (key: string) => await askMany(app, 10, key)
  assert.deepEqual(await statuses('tenant-1'), { 200: 10 })
  assert.deepEqual(await statuses('tenant-2'), { 200: 10 })
  assert.deepEqual(await statuses('tenant-3'), { 200: 5, 429: 5 })
  const refused = await ask(app, 'tenant-4')
  assert.equal(refused.statusCode, 429)
  assert.equal(refused.headers['ratelimit-policy'], '"tenant";q=25;w=60')
  // What one credential has used up costs the tenant nothing more.
  const alike = await startTestApp({ key: 5, tenant: 15 })
  assert.deepEqual(await askMany(alike, 50, 'tenant-1'), { 200: 5, 429: 45 })
  assert.deepEqual(await askMany(alike, 20, 'tenant-2'), { 200: 5, 429: 15 })
  assert.equal((await ask(alike, 'admin')).statusCode, 200)
})

test("another tenant's path costs a credential as much as its own", async () => {
  const app = await startTestApp({ key: 10, address: 0, failed: 0 })
  assert.deepEqual(await askMany(app, 12, 'tenant-1', other), { 404: 10, 429: 2 })
  assert.deepEqual(await askMany(app, 2, 'tenant-1', one), { 429: 2 })
})

test('wrong credentials beyond the limit get 429, whether sent one after the other or all at once', async () => {
  const app = await startTestApp({ failed: 10 })
  assert.deepEqual(await askMany(app, 100, 'wrong'), { 401: 10, 429: 90 })
  const refused = await ask(app, 'wrong')
  assert.deepEqual(
    [refused.headers['ratelimit-policy'], refused.headers.ratelimit, refused.headers['retry-after']],
    ['"failed";q=10;w=60', '"failed";r=0;t=60', '60'],
  )
  assert.equal((await ask(app, 'wrong', one, '203.0.113.2')).statusCode, 401, 'another address')
  const atOnce = await startTestApp({ failed: 10 })
  const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => ask(atOnce, `wrong-${n}`)))
  assert.equal(answers.filter(({ statusCode }) => statusCode === 401).length, 10)
  assert.equal(answers.filter(({ statusCode }) => statusCode === 429).length, 390)
})

test('a valid credential passes from an address where others have used up both limits, also in their midst', async () => {
  const app = await startTestApp({ key: 1_000, address: 20, failed: 3 })
  assert.deepEqual(await askMany(app, 10, 'wrong'), { 401: 3, 429: 7 })
  assert.deepEqual(await askMany(app, 20, ''), { 401: 10, 429: 10 })
  for (const key of ['tenant-1', 'admin']) assert.deepEqual(await askMany(app, 30, key), { 200: 30 })
  const keys = Array.from({ length: 400 }, (_, n) => (n % 4 === 0 ? `tenant-${n}` : `wrong-${n}`))
  const answers = await Promise.all(keys.map((key) => ask(app, key)))
  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    keys.map((key) => (key.startsWith('tenant') ? 200 : 429)),
  )
})

test('requests that are not authenticated have one limit per address, and authenticated ones take nothing from it', async () => {
  const app = await startTestApp({ address: 30 })
  const publicly = async (count: number) => {
    const answers = []
    for (let n = 0; n < count; n++)
      answers.push((await app.app.inject({ path: '/public', remoteAddress: '203.0.113.1' })).statusCode)
    return answers.filter((status) => status === 200).length
  }
  assert.deepEqual(await askMany(app, 100, 'tenant-1'), { 200: 100 })
  assert.equal(await publicly(10), 10)
  assert.deepEqual(await askMany(app, 10, ''), { 401: 10 })
  assert.deepEqual(await askMany(app, 15, 'wrong'), { 401: 10, 429: 5 })
  assert.equal(await publicly(5), 0)
})

test('a session has the budget of the credential that it was created with, and a wrong cookie counts for no credential', async () => {
  const app = await startTestApp({ key: 10, address: 0, failed: 2 })
  const byCookie = async (cookie: string) =>
    (await app.app.inject({ path: `/of/${one}`, headers: { cookie } })).statusCode
  for (let n = 0; n < 8; n++) assert.equal(await byCookie('tenant-1'), 200)
  assert.deepEqual(await askMany(app, 3, 'tenant-1'), { 200: 2, 429: 1 })
  assert.equal(await byCookie('tenant-1'), 429)
  for (let n = 0; n < 5; n++) assert.equal(await byCookie('wrong'), 401)
  assert.equal((await ask(app, 'tenant-2')).statusCode, 200)
})

test('0 is no limit', async () => {
  const app = await startTestApp({})
  assert.deepEqual(await askMany(app, 40, 'wrong'), { 401: 40 })
  assert.deepEqual(await askMany(app, 40, 'tenant-1'), { 200: 40 })
})

test('a credential that cannot be looked up is not a wrong one, and a credential of a foreign page is refused', async () => {
  const app = await startTestApp({ address: 5, failed: 5 })
  for (const [error, status] of [
    [new AppError('unavailable', 'The identity provider cannot be reached'), 503],
    [Object.assign(new Error('the database'), { code: '57P01' }), 503],
  ] as const) {
    const back = app.away(error)
    assert.deepEqual(await askMany(app, 10, 'tenant-1'), { [status]: 10 })
    back()
  }
  assert.deepEqual(await askMany(app, 10, 'wrong'), { 401: 5, 429: 5 })
  const other = await startTestApp({ address: 5 })
  other.away(new AppError('forged_request', 'This request does not come from a page of Spoke'))
  assert.deepEqual(await askMany(other, 10, 'tenant-1'), { 403: 5, 429: 5 })
})
