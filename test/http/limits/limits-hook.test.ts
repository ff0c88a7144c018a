/** Rate limits before the gate: per credential, for any request, and with the database unavailable. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Authenticate } from '../../../src/auth/authenticate.ts'
import { parseTenantId } from '../../../src/db/tenant-id.ts'
import { replyError } from '../../../src/http/error-reply.ts'
import { authorizeRequest, requireAccessRules } from '../../../src/http/gate.ts'
import { createLimits, type Rates } from '../../../src/http/limits/limits.ts'
import { createRateLimiter } from '../../../src/http/limits/rate-limiter.ts'
import type { MinuteTotals, RateRequest } from '../../../src/http/limits/rate-store.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { createMetrics } from '../../../src/lib/metrics.ts'
import { handClock } from '../../support/clock.ts'
import { quiet } from '../../support/engines.ts'

const one = '5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11'
const other = '5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f12'

const pause = (ms: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(resolve, ms, undefined).unref())

interface TestApp {
  app: FastifyInstance
  /** Credentials that were checked. */
  looked: string[]
  /** How long a check takes, ms. */
  slow(ms: number): void
  /** Checks do not end. @returns a function that lets them end */
  hold(): () => void
  away(): void
  revoke(key: string): void
}

/** Keys are `tenant-<n>`, all of tenant `one`, `other-<name>` of tenant `other` under the same name, and `admin`. */
async function startTestApp(given: Partial<Rates>, clock: Clock = systemClock): Promise<TestApp> {
  const booked = new Map<string, number>()
  let isAway = false
  let lookMs = 0
  let held: Promise<void> | undefined
  const looked: string[] = []
  const revoked = new Set<string>()
  const takeSlots = async (asks: readonly RateRequest[]): Promise<MinuteTotals> => {
    if (isAway) throw new Error('away')
    for (const { key, slots } of asks) booked.set(key, (booked.get(key) ?? 0) + slots)
    return { minute: 0, leftMs: 60_000, totals: new Map(asks.map(({ key }) => [key, booked.get(key) ?? 0])) }
  }
  const authenticate: Authenticate = async ({ headers }) => {
    const key = String(headers.authorization ?? headers.cookie ?? '').replace('Bearer ', '')
    if (!key) return undefined
    looked.push(key)
    if (lookMs > 0) await new Promise((resolve) => setTimeout(resolve, lookMs))
    await held
    if (key === 'admin') return { principal: { kind: 'admin' } }
    if (!/^(other|tenant)-/.test(key) || revoked.has(key)) return undefined
    const tenantId = parseTenantId(key.startsWith('other-') ? other : one)
    return {
      principal: { kind: 'tenant', tenantId, scopes: ['read'], by: `jwt:${key.replace(/^[a-z]+-/, '')}` },
    }
  }
  const limiter = createRateLimiter({ takeSlots, deleteExpired: async () => 0, clock, log: quiet })
  const rates = { key: 0, tenant: 0, address: 0, failed: 0, ...given }
  const limits = createLimits({ rates, limiter, metrics: createMetrics(), clock })
  const app = Fastify()
  app.setErrorHandler(replyError)
  requireAccessRules(app)
  app.decorateRequest('abortSignal', undefined as unknown as AbortSignal)
  app.addHook('onRequest', async (request, reply) => {
    request.abortSignal = AbortSignal.timeout(60_000)
    await limits(request, reply, () => authorizeRequest(request, authenticate))
  })
  app.get('/of/:tenant_id', { config: { access: 'read' } }, async () => ({ success: true }))
  return {
    app,
    looked,
    slow: (ms) => {
      lookMs = ms
    },
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    away: () => {
      isAway = true
    },
    revoke: (key) => void revoked.add(key),
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

test('wrong credentials beyond the limit are refused as such, and verified four at a time, one after the other or all at once', async () => {
  const app = await startTestApp({ key: 0, address: 0, failed: 10 })
  assert.deepEqual(await askMany(app, 100, 'wrong'), { 401: 10, 429: 90 })
  const atOnce = await startTestApp({ key: 0, address: 0, failed: 10 }, handClock())
  const release = atOnce.hold()
  const asked = Array.from({ length: 400 }, (_, n) => ask(atOnce, `wrong-${n}`))
  // What finds no place in the line is refused before it is verified, and at once.
  const refused = await Promise.race([...asked.slice(314), pause(5_000)])
  assert.deepEqual([refused?.statusCode, refused?.headers['retry-after']], [429, '1'])
  assert.equal(atOnce.looked.length, 14, 'ten that may be wrong, and four beyond')
  release()
  const answers = await Promise.all(asked)
  assert.equal(answers.filter(({ statusCode }) => statusCode === 401).length, 10)
  assert.equal(answers.filter(({ statusCode }) => statusCode === 429).length, 390)
  assert.equal(atOnce.looked.length, 314)
})

test('a right credential passes where others have sent too many wrong ones, and elsewhere it never knew of them', async () => {
  const app = await startTestApp({ key: 0, address: 0, failed: 3 })
  assert.deepEqual(await askMany(app, 10, 'wrong'), { 401: 3, 429: 7 })
  for (const key of ['tenant-1', 'admin']) {
    assert.equal((await ask(app, key)).statusCode, 200)
    assert.equal((await ask(app, key, one, '203.0.113.2')).statusCode, 200)
  }
})

test('a key that was right from an address stays in there, until it is revoked', async () => {
  const app = await startTestApp({ key: 0, address: 0, failed: 3 })
  for (const key of ['tenant-1', 'tenant-3']) assert.equal((await ask(app, key)).statusCode, 200)
  assert.deepEqual(await askMany(app, 10, 'wrong'), { 401: 3, 429: 7 })
  assert.equal((await ask(app, 'tenant-1')).statusCode, 200)
  app.revoke('tenant-1')
  assert.deepEqual(await askMany(app, 3, 'tenant-1'), { 429: 3 })
  assert.equal((await ask(app, 'tenant-3')).statusCode, 200)
  assert.equal((await ask(app, '')).statusCode, 401)
})

test('many keys of one backend, all new to the process, are checked one after the other and none is refused', async () => {
  // A stopped clock: whether all of them are checked within two seconds depends on the machine.
  const app = await startTestApp({ key: 0, address: 0, failed: 10 }, handClock())
  app.slow(5)
  const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => ask(app, `tenant-${n}`)))
  assert.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 300)
})

test('checks that do not end make no caller wait for more than two seconds', async () => {
  const clock = handClock()
  const app = await startTestApp({ key: 0, address: 0, failed: 2 }, clock)
  const release = app.hold()
  const stuck = Array.from({ length: 6 }, (_, n) => ask(app, `wrong-${n}`))
  while (app.looked.length < 6) await new Promise((resolve) => setTimeout(resolve, 5))
  const began = clock.now()
  let waited: number | undefined
  const third = ask(app, 'tenant-1').finally(() => {
    waited = clock.now() - began
  })
  while (waited === undefined) {
    clock.move(100)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.ok(waited >= 2_000, `${waited}`)
  const { statusCode, headers } = await third
  assert.deepEqual([statusCode, headers['retry-after']], [429, '1'])
  assert.equal(app.looked.length, 6)
  release()
  await Promise.all(stuck)
  assert.equal((await ask(app, 'tenant-1')).statusCode, 200)
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
  const app = await startTestApp({ key: 0, address: 0, failed: 0 })
  assert.deepEqual(await askMany(app, 40, 'wrong'), { 401: 40 })
  assert.deepEqual(await askMany(app, 40, 'tenant-1'), { 200: 40 })
})

test('with the database unavailable each limit applies per process', async () => {
  const app = await startTestApp({ key: 50, address: 200, failed: 10 })
  app.away()
  assert.deepEqual(await askMany(app, 60, 'tenant-1'), { 200: 50, 429: 10 })
  assert.deepEqual(await askMany(app, 20, 'wrong', one, '203.0.113.2'), { 401: 10, 429: 10 })
  assert.deepEqual(await askMany(app, 210, '', one, '203.0.113.3'), { 401: 200, 429: 10 })
})
