/**
 * One attempt: bounded whatever the receiver does, never redirected, and never to a private address, whatever a name resolves to by then.
 * Over 200 lines because one receiver serves all of it, directly and through a proxy.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { createEgress, type Egress, parseProxy } from '../../src/lib/proxy.ts'
import { createWebhookPoster, type WebhookPoster } from '../../src/outbox/webhook-poster.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'

let answer: (request: IncomingMessage, response: ServerResponse) => void
let connections = 0
let requests: { headers: IncomingMessage['headers']; body: string; path: string | undefined }[] = []
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8'), path: request.url })
  answer(request, response)
}).on('connection', () => {
  connections += 1
})
let poster: WebhookPoster
let url: string

before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  poster = createWebhookPoster({ clock: systemClock, allowPrivate: true, timeoutMs: 700, maxChars: 100 })
})
beforeEach(() => {
  requests = []
  connections = 0
})
after(async () => {
  await poster.close()
  server.closeAllConnections()
  server.close()
})
const never = new AbortController().signal
const post = (to = url, by = poster) => by.post(to, { 'webhook-id': 'x' }, '{"a":1}', never)

test('a delivered request is reported as such, with the given bytes', async () => {
  answer = (_request, response) => response.writeHead(202).end('thank you')
  const { ms, ...sent } = await post()
  assert.deepEqual(sent, {
    outcome: 'delivered',
    status: 202,
    error: undefined,
    response: 'thank you',
    retryAfterMs: undefined,
  })
  assert.ok(ms > 0)
  assert.equal(requests[0]?.body, '{"a":1}')
  assert.deepEqual(
    ['content-type', 'user-agent', 'webhook-id'].map((name) => requests[0]?.headers[name]),
    ['application/json', 'Spoke-Webhooks', 'x'],
  )
})

test('a redirect is a failure, and its target is not called', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    answer = (_request, response) => response.writeHead(status, { location: `${url}/elsewhere` }).end()
    const { outcome, error } = await post()
    assert.deepEqual([outcome, error], ['failed', 'redirect'])
  }
  assert.deepEqual(new Set(requests.map(({ path }) => path)), new Set(['/hook']))
})

test('the receiver’s responses are distinguished', async () => {
  const outcomeOf = async (status: number, headers: Record<string, string> = {}) => {
    answer = (_request, response) => response.writeHead(status, headers).end()
    const { outcome, retryAfterMs } = await post()
    return [outcome, retryAfterMs]
  }
  assert.deepEqual(await outcomeOf(410), ['gone', undefined])
  assert.deepEqual(await outcomeOf(500), ['refused', undefined])
  assert.deepEqual(await outcomeOf(429, { 'retry-after': '17' }), ['refused', 17_000])
  assert.deepEqual(await outcomeOf(503, { 'retry-after': 'soon' }), ['refused', undefined])
  const [outcome, wait] = await outcomeOf(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() })
  assert.equal(outcome, 'refused')
  assert.ok(Number(wait) > 55_000 && Number(wait) <= 60_000)
})

test('a long answer is cut, an odd one is made text, and one without an end ends at the deadline', async () => {
  answer = (_request, response) => response.end(Buffer.alloc(10_000_000, 'x'))
  assert.equal((await post()).response, 'x'.repeat(100))
  // It waits for no more bytes than it stores.
  answer = (_request, response) => void response.write('z'.repeat(200))
  const more = await post()
  assert.deepEqual([more.response, more.ms < 500], ['z'.repeat(100), true])
  answer = (_request, response) => response.end(Buffer.from([0x61, 0x00, 0xff, 0x62]))
  assert.equal((await post()).response, 'a\ufffd\ufffdb')
  answer = (_request, response) => {
    response.write('y')
    const drip = setInterval(() => response.write('y'), 200)
    response.on('close', () => clearInterval(drip))
  }
  const dripping = await post()
  assert.deepEqual([dripping.outcome, dripping.status], ['delivered', 200])
  assert.ok(dripping.ms < 2_000)
})

test('a receiver that never answers, one that hangs up, and one that is not there', async () => {
  answer = () => {}
  const silent = await post()
  assert.deepEqual([silent.outcome, silent.error], ['failed', 'timeout'])
  assert.ok(silent.ms < 2_000)
  answer = (request) => request.socket.destroy()
  assert.deepEqual((await post()).outcome, 'failed')
  assert.equal((await post('http://127.0.0.1:9/')).error, 'connect')
})

test('an aborted attempt returns no result', async () => {
  answer = () => {}
  const stop = new AbortController()
  const sending = poster.post(url, {}, '{}', stop.signal)
  setTimeout(() => stop.abort(new Error('it stops')), 100)
  await assert.rejects(sending, /it stops/)
})

/** A name that resolves to another address at each lookup. */
const rebinding =
  (...addresses: string[]): LookupFunction =>
  (_host, options, done) => {
    const address = addresses.shift() ?? '127.0.0.1'
    const family = address.includes(':') ? 6 : 4
    if (options.all) done(null, [{ address, family }])
    else done(null, address, family)
  }

test('a private address is never connected to: written out, by name, by a name that changes its mind, or beside a public one', async () => {
  const { port } = new URL(url)
  const strict = (lookup?: LookupFunction) =>
    createWebhookPoster({
      clock: systemClock,
      allowPrivate: false,
      timeoutMs: 700,
      ...(lookup ? { lookup } : {}),
    })
  const mixed: LookupFunction = (_host, _options, done) =>
    done(null, [
      { address: '8.8.8.8', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ])
  answer = (_request, response) => response.end()
  const cases: [string, LookupFunction | undefined][] = [
    [`http://127.0.0.1:${port}/`, undefined],
    [`http://[::ffff:127.0.0.1]:${port}/`, undefined],
    [`http://2130706433:${port}/`, undefined],
    [`http://rebound.example:${port}/`, rebinding('127.0.0.1')],
    [`http://rebound.example:${port}/`, rebinding('::1')],
    [`http://rebound.example:${port}/`, rebinding('169.254.169.254')],
    [`http://rebound.example:${port}/`, mixed],
  ]
  for (const [to, lookup] of cases) {
    const by = strict(lookup)
    const { outcome, error } = await post(to, by)
    assert.deepEqual([outcome, error], ['failed', 'private_address'], to)
    await by.close()
  }
  assert.equal(connections, 0)
  // The name was public when it was checked, and is not when it is connected to.
  const changes = rebinding('93.184.215.14', '127.0.0.1')
  const by = strict(changes)
  await new Promise((resolve) => changes('rebound.example', {}, resolve))
  assert.equal((await post(`http://rebound.example:${port}/`, by)).error, 'private_address')
  assert.equal(connections, 0)
  await by.close()
})

describe('through a proxy', () => {
  let proxy: TestProxy
  let egress: Egress
  let port: number
  before(async () => {
    proxy = await startProxy()
    port = Number(new URL(url).port)
    proxy.portOf = () => port
    const server = parseProxy(proxy.url)
    const log = createLog('silent', () => {})
    egress = createEgress({ https: server, http: server, except: [] }, systemClock, log, 1_000) as Egress
  })
  beforeEach(() => {
    proxy.targets = []
    proxy.answer = 200
    answer = (_request, response) => response.writeHead(204).end()
  })
  after(async () => {
    await egress.close()
    await proxy.close()
  })
  const strict = (lookup: LookupFunction) =>
    createWebhookPoster({ clock: systemClock, allowPrivate: false, timeoutMs: 3_000, lookup, egress })

  test('a tenant’s name is resolved here, and the proxy gets the public address', async () => {
    const by = strict(rebinding('93.184.215.14', '127.0.0.1'))
    assert.equal((await post('http://hook.example/in', by)).outcome, 'delivered')
    assert.deepEqual(proxy.targets, ['93.184.215.14:80'])
    assert.equal(requests[0]?.headers.host, 'hook.example')
    await by.close()
    const six = strict(rebinding('2606:2800:21f:cb07::1'))
    await post('http://hook.example/in', six)
    assert.equal(proxy.targets.at(-1), '[2606:2800:21f:cb07::1]:80')
    await six.close()
  })

  test('a private address is never requested: by name, together with a public one, or as a literal', async () => {
    const mixed: LookupFunction = (_host, _options, done) =>
      done(null, [
        { address: '8.8.8.8', family: 4 },
        { address: '10.0.0.7', family: 4 },
      ])
    for (const [to, lookup] of [
      ['https://hook.example/', rebinding('127.0.0.1')],
      ['https://hook.example/', rebinding('169.254.169.254')],
      ['https://hook.example/', rebinding('::1')],
      ['https://hook.example/', mixed],
      ['https://10.0.0.7/', rebinding()],
      ['https://[::1]/', rebinding()],
    ] as const) {
      const by = strict(lookup)
      assert.equal((await post(to, by)).error, 'private_address', to)
      await by.close()
    }
    assert.deepEqual(proxy.targets, [])
    assert.equal(connections, 0)
  })

  test('the operator’s own endpoint is sent by name, which the proxy resolves', async () => {
    const never: LookupFunction = (_host, _options, done) => done(new Error('looked up'), [])
    const by = createWebhookPoster({
      clock: systemClock,
      allowPrivate: true,
      timeoutMs: 3_000,
      lookup: never,
      egress,
    })
    assert.equal((await post('http://app.example:8080/in', by)).outcome, 'delivered')
    assert.deepEqual(proxy.targets, ['app.example:8080'])
    await by.close()
  })

  test('a proxy that refuses, hangs or disconnects is a failure of its own, in time', async () => {
    for (const how of [407, 'hang', 'reset'] as const) {
      proxy.answer = how
      const by = strict(rebinding('93.184.215.14'))
      const sent = await post('https://hook.example/in', by)
      assert.deepEqual([sent.outcome, sent.error], ['failed', 'proxy'], String(how))
      assert.ok(sent.ms < 3_000)
      await by.close()
    }
    assert.equal(connections, 0)
  })
})

test('a name that does not resolve fails as such, and one whose resolver hangs fails by the deadline', async () => {
  const failing: LookupFunction = (_host, _options, done) =>
    done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), [])
  const by = createWebhookPoster({ clock: systemClock, allowPrivate: false, timeoutMs: 500, lookup: failing })
  assert.equal((await post('http://nowhere.example/', by)).error, 'dns')
  await by.close()
  const hanging = createWebhookPoster({
    clock: systemClock,
    allowPrivate: false,
    timeoutMs: 500,
    lookup: () => {},
  })
  const sent = await post('http://nowhere.example/', hanging)
  assert.equal(sent.error, 'timeout')
  assert.ok(sent.ms < 2_000)
  await hanging.close()
})
