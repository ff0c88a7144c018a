/** One call to HubSpot: bounded in time and size, retried by kind of error, and limited by the budget. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { Budget } from '../../src/hubspot/budget/budget.ts'
import type { Circuits } from '../../src/hubspot/client/circuit.ts'
import { createHubSpot, type HubSpot, type HubSpotCall } from '../../src/hubspot/client/client.ts'
import { HubSpotError, type HubSpotErrorKind } from '../../src/hubspot/hubspot-error.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { Secret } from '../../src/lib/secret.ts'
import { quiet } from '../support/engines.ts'
import { within } from '../support/within.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const free: Budget = {
  take: async () => {},
  pause: async (_key, _bucket, { waitMs }) => waitMs,
  answered: async () => {},
}

// One server plays many here: a failure in one test must not open the circuit for the next.
const alwaysClosed: Circuits = { wait: () => 0, enter: () => ({ end: () => {} }) }

const hubspotAt = (apiUrl: string, timeoutMs = 1_500) =>
  createHubSpot({
    apiUrl,
    timeoutMs,
    budget: free,
    circuits: alwaysClosed,
    clock: systemClock,
    metrics: createMetrics(),
    log: quiet,
  })

/** What is never to be called. */
async function startTrap(t: TestContext) {
  let called = 0
  const server = createServer((_request, response) => {
    called += 1
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.after(() => server.close())
  return { port, called: () => called }
}

describe('a call to HubSpot', () => {
  let server: Server
  let hubspot: HubSpot
  let answers: Answer[] = []
  let asked: IncomingMessage[] = []
  before(async () => {
    server = createServer((request, response) => {
      asked.push(request)
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      answer?.(request, response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    hubspot = hubspotAt(apiUrl)
  })
  after(async () => {
    await hubspot.close()
    server.closeAllConnections()
    server.close()
  })

  const json =
    (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
    (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    }
  const call = async (given: Answer[], over: Partial<HubSpotCall> = {}, asks = hubspot) => {
    answers = given
    asked = []
    const whole = {
      endpoint: 'test',
      method: 'GET' as const,
      path: '/x',
      retryLimits: { maxAttempts: 3, totalMs: 1_500 },
      signal: new AbortController().signal,
      ...over,
    }
    return await asks.call(whole)
  }
  const kindOf = async (
    given: Answer[],
    over: Partial<HubSpotCall> = {},
    asks = hubspot,
  ): Promise<HubSpotErrorKind> => {
    const failure = await call(given, over, asks).then(
      () => undefined,
      (error: unknown) => error,
    )
    assert.ok(failure instanceof HubSpotError, String(failure))
    return failure.kind
  }

  test('an address from HubSpot is called only at its own origin or over https, and without our credentials', async (t) => {
    const trap = await startTrap(t)
    const elsewhere = `http://127.0.0.1:${trap.port}/file`
    const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file?signature=s3cr3t`
    const given = [json(200, { here: true })]
    assert.deepEqual((await call(given, { path: new Secret(own) })).body, { here: true })
    assert.equal(asked[0]?.url, '/file?signature=s3cr3t')
    assert.equal(asked[0]?.headers.authorization, undefined)
    for (const address of [
      elsewhere,
      `${own.replace('http://', 'http://user:word@')}`,
      'http://169.254.169.254/latest/meta-data',
      'file:///etc/passwd',
      '/file',
      '',
    ])
      assert.equal(await kindOf(given, { path: new Secret(address) }), 'invalid', address)
    await assert.rejects(call(given, { path: new Secret(own), token: new Secret('t') }), HubSpotError)
    assert.equal(
      await kindOf([json(302, {}, { location: elsewhere })], { path: new Secret(own) }),
      'rejected',
    )
    assert.equal(trap.called(), 0)
  })

  test('an address in a body or in a header is never called', async (t) => {
    const trap = await startTrap(t)
    const link = `http://127.0.0.1:${trap.port}/x?after=1`
    const body = {
      results: [],
      paging: { next: { after: '1', link }, prev: { link } },
      link,
      links: { self: link },
    }
    const headers = { location: link, link: `<${link}>; rel="next"`, refresh: `0; url=${link}` }
    for (const status of [200, 201, 202])
      assert.deepEqual((await call([json(status, body, headers)], { token: new Secret('t') })).body, body)
    for (const status of [301, 302, 303, 307, 308, 401, 429, 503])
      await kindOf([json(status, body, { ...headers, 'retry-after': '0' })], { token: new Secret('t') })
    assert.equal(trap.called(), 0)
  })

  test('gives the body and HubSpot’s own time, and sends the token in the header alone', async () => {
    const { body, date } = await call([json(200, { a: 1 }, { date: 'Sun, 22 Nov 2026 10:00:00 GMT' })], {
      token: new Secret('t0ken'),
      query: { q: 'a b&c' },
    })
    assert.deepEqual(body, { a: 1 })
    assert.equal(date.toISOString(), '2026-11-22T10:00:00.000Z')
    assert.equal(asked[0]?.headers.authorization, 'Bearer t0ken')
    assert.equal(asked[0]?.headers['accept-encoding'], 'identity')
    assert.equal(asked[0]?.url, '/x?q=a+b%26c')
  })

  const once500 = json(500, {})
  const kinds: [string, Answer, HubSpotErrorKind, number][] = [
    ['401', json(401, { category: 'EXPIRED_AUTHENTICATION' }), 'unauthorized', 1],
    ['403', json(403, { category: 'MISSING_SCOPES' }), 'forbidden', 1],
    ['a page with 403', (_request, response) => void response.writeHead(403).end('<html>'), 'unavailable', 3],
    ['a page with 401', (_request, response) => void response.writeHead(401).end('<html>'), 'unavailable', 3],
    [
      'an endless 403',
      (_request, response) => void response.writeHead(403).end('{"a":"'.padEnd(200_000)),
      'unavailable',
      3,
    ],
    ['404', json(404, {}), 'not_found', 1],
    ['400', json(400, { category: 'VALIDATION_ERROR' }), 'rejected', 1],
    ['500', once500, 'unavailable', 3],
    ['521 with HTML', (_request, response) => void response.writeHead(521).end('<html>'), 'unavailable', 3],
    ['HTML with 200', (_request, response) => void response.end('<html>'), 'invalid', 3],
    ['nothing with 200', (_request, response) => void response.end(), 'invalid', 3],
    [
      'a redirect',
      (_request, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'rejected',
      1,
    ],
    ['a reset', (request) => void request.socket.destroy(), 'unavailable', 3],
    [
      'a body cut short',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{"a":')
        setTimeout(() => request.socket.destroy(), 10)
      },
      'unavailable',
      3,
    ],
  ]
  for (const [name, answer, kind, tries] of kinds) {
    test(`${name} is ${kind}, after ${tries} ${tries === 1 ? 'try' : 'tries'}`, async () => {
      assert.equal(await kindOf([answer], { retryLimits: { maxAttempts: 3, totalMs: 20_000 } }), kind)
      assert.equal(asked.length, tries)
    })
  }

  test('a failure that passes is not seen by the caller', async () => {
    const { body } = await call([once500, json(503, {}), json(200, { fine: true })], {
      retryLimits: { maxAttempts: 3, totalMs: 20_000 },
    })
    assert.deepEqual(body, { fine: true })
  })

  const slow: [string, Answer][] = [
    ['a response that never arrives', () => {}],
    [
      'a body that drips without end',
      (_request, response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write(' '), 50)
        response.on('close', () => clearInterval(drip))
      },
    ],
  ]
  for (const [name, answer] of slow) {
    test(`${name} ends at the total deadline`, async () => {
      await within(1_150, async () =>
        assert.equal(await kindOf([answer], { retryLimits: { maxAttempts: 9, totalMs: 900 } }), 'timeout'),
      )
    })
  }

  test('an answer larger than the cap is refused before it fills the memory', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 32)
    const endless: Answer = (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk)) if (response.writableLength > 8e6) break
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    // A slow machine needs seconds for so much.
    const unhurried = hubspotAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 30_000)
    const before = process.memoryUsage().rss
    const retryLimits = { maxAttempts: 3, totalMs: 60_000 }
    assert.equal(await kindOf([endless], { retryLimits }, unhurried), 'too_large')
    await unhurried.close()
    assert.equal(asked.length, 1, 'the same request would get the same long response')
    assert.ok(process.memoryUsage().rss - before < 250e6)
  })

  test('a name that does not resolve, and a HubSpot without TLS where https is configured, are unavailable; nothing is sent in clear text', async () => {
    answers = [json(200, {})]
    asked = []
    const plain = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    for (const apiUrl of ['http://hubspot.invalid', plain]) {
      const away = hubspotAt(apiUrl)
      const given = {
        endpoint: 'test',
        method: 'GET' as const,
        path: '/x',
        token: new Secret('t0ken'),
        retryLimits: { maxAttempts: 2, totalMs: 5_000 },
        signal: new AbortController().signal,
      }
      await assert.rejects(away.call(given), { kind: 'unavailable' }, apiUrl)
      await away.close()
    }
    assert.equal(asked.length, 0)
  })

  test('a caller that aborts gets its own reason, at once', async () => {
    await within(300, async () => {
      const stop = new AbortController()
      setTimeout(() => stop.abort(new Error('enough')), 50)
      await assert.rejects(call([() => {}], { signal: stop.signal }), /enough/)
    })
  })

  test('429 waits as long as HubSpot requires, and pauses every caller of the same budget', async () => {
    const pauses: number[] = []
    const budget: Budget = {
      ...free,
      pause: async (_key, _bucket, { waitMs }) => {
        pauses.push(waitMs)
        return waitMs
      },
    }
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const paced = createHubSpot({
      apiUrl,
      timeoutMs: 1_500,
      budget,
      clock: systemClock,
      metrics: createMetrics(),
      log: quiet,
    })
    answers = [
      json(429, { policyName: 'SECONDLY' }),
      json(429, { policyName: 'TEN_SECONDLY_ROLLING' }),
      json(429, {}, { 'retry-after': '3' }),
      json(429, { policyName: 'DAILY' }),
      json(200, {}),
    ]
    const key = { app: 'a', hubId: 1 }
    const base = {
      endpoint: 'test',
      method: 'GET' as const,
      path: '/x',
      signal: new AbortController().signal,
      budget: { key, bucket: 'calls' as const },
    }
    await assert.rejects(paced.call({ ...base, retryLimits: { maxAttempts: 9, totalMs: 30_000 } }), {
      kind: 'rate_limited',
      policy: 'daily',
    })
    assert.deepEqual(pauses, [1_000, 10_000, 3_000, 900_000])
    await paced.close()
  })

  test('the token endpoint’s refusals are distinguished: a bad grant and a bad configuration', async () => {
    const form = { grant_type: 'refresh_token' }
    const cases: [unknown, HubSpotErrorKind][] = [
      [{ error: 'invalid_grant', status: 'BAD_REFRESH_TOKEN' }, 'grant_refused'],
      [{ status: 'BAD_REFRESH_TOKEN', message: 'missing or invalid refresh token' }, 'grant_refused'],
      [{ error: 'access_denied', status: 'BAD_HUB' }, 'grant_refused'],
      [{ status: 'BAD_AUTH_CODE' }, 'grant_refused'],
      [{ error: 'invalid_client', status: 'BAD_CLIENT_SECRET' }, 'misconfigured'],
      [{ status: 'BAD_CLIENT_ID' }, 'misconfigured'],
      [{ status: 'BAD_REDIRECT_URI' }, 'misconfigured'],
      [{ error: 'invalid_scope', status: 'BAD_SCOPES' }, 'misconfigured'],
      [{ status: 'MISMATCH_REFRESH_TOKEN_CLIENT', message: 'another client’s' }, 'grant_refused'],
      [{ message: 'something new' }, 'unavailable'],
      [{ category: 'MIGRATION_IN_PROGRESS', message: 'come back later' }, 'unavailable'],
      [undefined, 'unavailable'],
    ]
    for (const [body, kind] of cases)
      assert.equal(await kindOf([json(400, body)], { form, method: 'POST' }), kind, JSON.stringify(body))
    const page: Answer = (_request, response) => void response.writeHead(400).end('<html>')
    assert.equal(await kindOf([page], { form, method: 'POST' }), 'unavailable')
    for (const status of [401, 403, 404])
      for (const body of [{}, { category: 'BANNED' }])
        assert.equal(await kindOf([json(status, body)], { form, method: 'POST' }), 'unavailable', `${status}`)
  })

  test('a category that is a sentence or a token is not passed on', async () => {
    for (const category of ['pat-na1-0123', 'a b', 'x'.repeat(61), 7]) {
      const failing = call([json(403, { category })], {})
      await assert.rejects(failing, (error: HubSpotError) => error.category === undefined)
    }
  })
})
