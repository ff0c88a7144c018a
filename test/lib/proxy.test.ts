/** Which targets use the operator's proxy, and which error a failed tunnel returns. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Agent, request } from 'undici'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { createEgress, noProxyRules, ProxyError, parseProxy } from '../../src/lib/proxy.ts'
import { freePort } from '../support/free-port.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'

describe('NO_PROXY', () => {
  const cases: [text: string, exempt: [string, number][], other: [string, number][]][] = [
    ['', [], [['a.example', 443]]],
    [
      '*',
      [
        ['a.example', 443],
        ['10.0.0.1', 80],
      ],
      [],
    ],
    [
      'example.com',
      [
        ['example.com', 443],
        ['a.example.com', 443],
      ],
      [
        ['badexample.com', 443],
        ['example.co', 443],
      ],
    ],
    [
      '.example.com',
      [
        ['example.com', 443],
        ['a.example.com', 443],
      ],
      [['badexample.com', 443]],
    ],
    ['*.example.com', [['a.example.com', 443]], [['example.org', 443]]],
    [
      'localhost, Intra.Example',
      [
        ['localhost', 80],
        ['intra.example', 443],
      ],
      [['example', 443]],
    ],
    ['a.example:8443', [['a.example', 8443]], [['a.example', 443]]],
    [
      '127.0.0.1',
      [['127.0.0.1', 80]],
      [
        ['127.0.0.2', 80],
        ['a127.0.0.1', 80],
      ],
    ],
    [
      '10.0.0.0/8',
      [['10.200.3.4', 443]],
      [
        ['11.0.0.1', 443],
        ['10.example', 443],
      ],
    ],
    [
      '::1 fd00::/8',
      [
        ['::1', 80],
        ['fd12::1', 443],
      ],
      [
        ['::2', 80],
        ['10.0.0.1', 80],
      ],
    ],
    ['[::1]:8080', [['::1', 8080]], [['::1', 80]]],
    ['10.0.0.0/99', [], [['10.0.0.1', 80]]],
  ]
  for (const [text, exempt, other] of cases)
    test(`"${text}"`, () => {
      const rules = noProxyRules(text)
      const is = ([host, port]: [string, number]) => rules.some((rule) => rule(host, port))
      for (const one of exempt) assert.equal(is(one), true, one.join(':'))
      for (const one of other) assert.equal(is(one), false, one.join(':'))
    })
})

test('a proxy is a URL or host and port; its login is never printed', () => {
  const read = parseProxy('http://me:p%40ss@proxy.example:3128')
  assert.equal(read?.origin, 'http://proxy.example:3128')
  assert.equal(read?.authorization?.reveal(), `Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  assert.doesNotMatch(JSON.stringify(read), /p@ss|p%40ss|bWU6/)
  assert.equal(parseProxy('proxy.example:3128')?.origin, 'http://proxy.example:3128')
  assert.equal(parseProxy('https://proxy.example/')?.authorization, undefined)
  for (const text of [
    'socks5://p:1',
    'http://p/x',
    'http://p?x',
    'ftp://p',
    'http://',
    'http://a:%zz@p',
    ' ',
  ])
    assert.equal(parseProxy(text), undefined, text)
})

describe('a tunnel', () => {
  let proxy: TestProxy
  before(async () => {
    proxy = await startProxy()
  })
  after(() => proxy.close())

  const egressOf = (url: string, lines: string[] = [], noProxy = '') => {
    const server = parseProxy(url)
    const egress = createEgress(
      { https: server, http: server, except: noProxyRules(noProxy) },
      systemClock,
      createLog('warn', (line) => lines.push(line)),
      1_000,
    )
    assert.ok(egress)
    return egress
  }
  const get = async (url: string, through: string, lines: string[] = []) => {
    const egress = egressOf(through, lines)
    const dispatcher = new Agent({ connect: egress.connector(2_000) })
    try {
      return await request(url, { dispatcher, signal: AbortSignal.timeout(8_000) })
    } finally {
      await dispatcher.destroy()
      await egress.close()
    }
  }
  const secret = 'http://me:hidden-word@'

  test('TLS ends at the target: its name is in CONNECT and in TLS, and the credentials are sent to the proxy only', async () => {
    let hello = ''
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (bytes) => {
        hello = bytes.toString('latin1')
        socket.destroy()
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    proxy.portOf = () => (server.address() as AddressInfo).port
    await assert.rejects(get('https://api.hubapi.example/x', proxy.url.replace('http://', secret)))
    assert.equal(proxy.targets.at(-1), 'api.hubapi.example:443')
    assert.equal(proxy.authorization, `Basic ${Buffer.from('me:hidden-word').toString('base64')}`)
    assert.ok(hello.startsWith('\x16\x03') && hello.includes('api.hubapi.example'))
    server.close()
  })

  for (const [answer, words] of [
    [407, 'answered 407'],
    [403, 'answered 403'],
    ['reset', 'cannot be reached'],
    ['hang', 'did not answer in time'],
    ['away', 'cannot be reached (ECONNREFUSED)'],
  ] as const)
    test(`a proxy that does not open it (${answer}) is named, without its login`, async () => {
      const url = answer === 'away' ? `http://127.0.0.1:${await freePort()}` : proxy.url
      if (answer !== 'away') proxy.answer = answer
      const lines: string[] = []
      const began = performance.now()
      const error = await get('https://api.hubapi.example/x', url.replace('http://', secret), lines).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      proxy.answer = 200
      assert.ok(error instanceof ProxyError, String(error))
      assert.ok(error.message.includes(`the proxy ${url} ${words}`), error.message)
      assert.ok(performance.now() - began < 4_000)
      assert.equal(lines.length, 1)
      assert.ok(lines[0]?.includes(url) && lines[0].includes('the proxy did not open a connection'), lines[0])
      assert.doesNotMatch(lines.join() + String(error.stack), /hidden-word|bWU6/)
    })

  test('is for its protocol, for what NO_PROXY does not name, and never for loopback', async () => {
    const only = createEgress(
      { https: parseProxy(proxy.url), http: undefined, except: noProxyRules('hubspot.example') },
      systemClock,
      createLog('silent', () => {}),
    )
    const through = (url: string) => {
      const { protocol, hostname, port } = new URL(url)
      return only?.proxyFor({ protocol, hostname, port }) !== undefined
    }
    assert.equal(through('https://api.hubapi.com'), true)
    assert.equal(through('http://api.hubapi.com'), false)
    assert.equal(through('https://api.HUBSPOT.example.'), false)
    for (const host of ['127.0.0.1', '127.9.8.7', '[::1]', '[::ffff:127.0.0.1]', 'LOCALHOST.', 'a.localhost'])
      assert.equal(through(`https://${host}:8443`), false, host)
    for (const host of ['128.0.0.1', '[::2]', '[::ffff:10.0.0.1]', 'localhost.example', 'alocalhost'])
      assert.equal(through(`https://${host}:8443`), true, host)
    const none = { https: undefined, http: undefined, except: [] }
    assert.equal(
      createEgress(
        none,
        systemClock,
        createLog('silent', () => {}),
      ),
      undefined,
    )
    await only?.close()
  })
})
