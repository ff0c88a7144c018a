/** When a call is not made, or made again: resets, locks, limits that outlast the caller, and circuits. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Budget } from '../../src/hubspot/budget/budget.ts'
import { createHubSpot, type HubSpot, type HubSpotCall } from '../../src/hubspot/client/client.ts'
import { HubSpotError } from '../../src/hubspot/hubspot-error.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { quiet } from '../support/engines.ts'
import { within } from '../support/within.ts'

type Answer = (response: ServerResponse) => void
const status =
  (code: number, headers: Record<string, string> = {}, body: unknown = {}): Answer =>
  (response) =>
    void response
      .writeHead(code, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body))
const reset: Answer = (response) => void response.socket?.destroy()

describe('a call to HubSpot', () => {
  let server: Server
  let hubspot: HubSpot
  let answers: Answer[] = []
  let sockets: (Socket | null)[] = []
  let waits: number[] = []
  let passed = 0
  let budgetCalls: string[] = []
  before(async () => {
    server = createServer((_request, response) => {
      sockets.push(response.socket)
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      answer?.(response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach((context) => {
    ;[sockets, waits, budgetCalls, passed] = [[], [], [], 0]
    // Sleeps at once, and is that much later then.
    const clock: Clock = {
      now: Date.now,
      monotonic: () => performance.now() + passed,
      random: () => 0.5,
      sleep: async (ms) => {
        waits.push(ms)
        passed += ms
      },
    }
    const budget: Budget = {
      take: async (_key, bucket, { priority }) => void budgetCalls.push(`take ${bucket} ${priority}`),
      pause: async (_key, bucket, { waitMs, policy, asked }) => {
        budgetCalls.push(`pause ${bucket} ${policy} ${waitMs}${asked ? ' as asked' : ''}`)
        return policy === 'daily' && !asked ? 1_200_000 : waitMs
      },
      answered: async (_key, bucket, facts) =>
        void budgetCalls.push(`answered ${bucket} ${JSON.stringify(facts)}`),
    }
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    hubspot = createHubSpot({ apiUrl, timeoutMs: 600, budget, clock, metrics: createMetrics(), log: quiet })
    ;(context as { after(done: () => unknown): void }).after?.(() => hubspot.close())
  })

  const key = { app: 'a', hubId: 1 }
  const call = async (given: Answer[], over: Partial<HubSpotCall> = {}) => {
    answers = [...given]
    return await hubspot.call({
      endpoint: 'test',
      method: 'GET',
      path: '/x',
      budget: { key, bucket: 'calls' },
      retryLimits: { maxAttempts: 3, totalMs: 60_000 },
      signal: new AbortController().signal,
      ...over,
    })
  }
  const failure = async (work: Promise<unknown>): Promise<HubSpotError> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof HubSpotError, String(error))
    return error
  }

  test('that is reset is retried at once on a new connection, and after that with a wait', async () => {
    await Promise.all(Array.from({ length: 4 }, () => call([status(200)])))
    // HubSpot has closed every connection that lay idle; only a new one reaches it.
    const idle = new Set(sockets)
    const stale: Answer = (response) => (idle.has(response.socket) ? reset : status(200))(response)
    await call([stale], { retryLimits: { maxAttempts: 2, totalMs: 60_000 } })
    assert.deepEqual(waits, [0])
    await failure(call([reset]))
    assert.deepEqual([waits.length, waits[1]], [3, 0])
    assert.ok((waits[2] ?? 0) > 0)
  })

  test('for a token is not sent again at once: it may have been carried out', async () => {
    await call([reset, status(200)], { method: 'POST', form: { grant_type: 'refresh_token' } })
    assert.equal(waits.length, 1)
    assert.ok((waits[0] ?? 0) > 0)
  })

  test('waits two seconds for a lock and some for an overload', async () => {
    await call([status(423), status(504), status(200)])
    assert.ok((waits[0] ?? 0) >= 2_000 && (waits[1] ?? 0) >= 1_000, String(waits))
  })

  test('takes a slot with its priority, interactive by default, and reports the rate limit headers', async () => {
    const headers = { 'x-hubspot-ratelimit-max': '190', 'x-hubspot-ratelimit-remaining': '7' }
    await call([status(200, headers)])
    await call([status(200)], { budget: { key, bucket: 'search', priority: 'background' } })
    await failure(call([status(404)]))
    await failure(call([status(401)]))
    assert.deepEqual(budgetCalls, [
      'take calls interactive',
      'answered calls {"max":190,"left":7}',
      'take search background',
      'answered search {}',
      'take calls interactive',
      'answered calls {}',
      'take calls interactive',
    ])
  })

  test('that hits a limit longer than its caller waits ends, with the time when the limit ends', async () => {
    const daily = status(429, {}, { policyName: 'DAILY' })
    const error = await failure(call([daily]))
    assert.deepEqual(
      [error.kind, error.policy, error.retryAfterMs, error.status],
      ['rate_limited', 'daily', 1_200_000, 429],
    )
    assert.equal(sockets.length, 1)
    const asked = await failure(call([status(429, { 'retry-after': '70' }, { policyName: 'SECONDLY' })]))
    assert.equal(asked.retryAfterMs, 70_000)
    await call([status(429, { 'retry-after': '3' }), status(200)])
    assert.deepEqual(
      budgetCalls.filter((line) => line.startsWith('pause')),
      [
        'pause calls daily 900000',
        'pause calls secondly 70000 as asked',
        'pause calls unknown 3000 as asked',
      ],
    )
  })

  test('to a portal that is being moved (477) is not repeated by any caller before HubSpot’s own time', async () => {
    const moved = await failure(call([status(477, { 'retry-after': '7200' })]))
    assert.deepEqual([moved.kind, moved.retryAfterMs, sockets.length], ['unavailable', 7_200_000, 1])
    for (const priority of ['interactive', 'background'] as const) {
      const error = await failure(call([status(200)], { budget: { key, bucket: 'calls', priority } }))
      assert.deepEqual([error.kind, error.circuit, sockets.length], ['unavailable', true, 1])
      assert.ok((error.retryAfterMs ?? 0) > 7_100_000)
    }
    // No slot was spent on it, and other portals are not affected.
    assert.equal(budgetCalls.filter((line) => line.startsWith('take')).length, 1)
    await call([status(200)], { budget: { key: { ...key, hubId: 2 }, bucket: 'calls' } })
    passed += 7_200_001
    await call([status(200)])
    await call([status(200)])
  })

  test('is refused without being sent while nearly all fail, and passes again after one success', async () => {
    for (let n = 0; n < 20; n++)
      await failure(call([status(500)], { retryLimits: { maxAttempts: 1, totalMs: 1_000 } }))
    assert.equal(sockets.length, 20)
    await within(1_000, async () => {
      for (let n = 0; n < 50; n++) assert.equal((await failure(call([status(500)]))).circuit, true)
    })
    assert.equal(sockets.length, 20)
    passed += 5_001
    await call([status(200)])
    await call([status(200)])
    assert.equal(sockets.length, 22)
  })

  test('is refused without being sent once three in a row have hung', async () => {
    const once = { retryLimits: { maxAttempts: 1, totalMs: 60_000 } }
    for (let n = 0; n < 3; n++) assert.equal((await failure(call([() => {}], once))).kind, 'timeout')
    const refused = await failure(call([status(200)], once))
    assert.deepEqual([refused.kind, refused.circuit, sockets.length], ['unavailable', true, 3])
  })

  test('that hit its own short timeout does not count against HubSpot', async () => {
    const brief = { retryLimits: { maxAttempts: 1, totalMs: 20 } }
    for (let n = 0; n < 25; n++) assert.equal((await failure(call([() => {}], brief))).kind, 'timeout')
    assert.equal((await failure(call([status(404)]))).kind, 'not_found')
  })
})
