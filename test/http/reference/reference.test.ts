/** The API reference over HTTP: its own policy, and a script that is compressed and cached. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestService, type TestService } from '../../support/service.ts'
import { checkShape } from '../oracle.ts'
import { type Sent, send } from '../send.ts'

let service: TestService
before(async () => {
  service = await startTestService('http://127.0.0.1:9')
})
after(() => service?.stop())

const ask = (sent: Sent) => send(service.url, { ...sent, headers: { host: 'localhost', ...sent.headers } })

/** Where the page says that its script is. */
async function scriptPath(): Promise<string> {
  const { text } = await ask({ path: '/docs' })
  const [, relative = assert.fail('no script')] = /<script [^>]*src="([^"]+)"/.exec(text) ?? []
  return new URL(relative, 'http://localhost/docs').pathname
}

test('the page runs only what carries its nonce, which is new for each response', async () => {
  const nonces = new Set<string>()
  for (const method of ['GET', 'GET', 'HEAD']) {
    const { status, headers, text } = await ask({ path: '/docs', method })
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /^text\/html/)
    assert.equal(headers['cache-control'], 'no-store')
    const policy = String(headers['content-security-policy'])
    const [, nonce = assert.fail(policy)] = /script-src 'nonce-([\w-]{22})';/.exec(policy) ?? []
    nonces.add(nonce)
    assert.equal(
      policy,
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    if (method === 'GET') assert.equal(text.split(`<script nonce="${nonce}"`).length, 3)
  }
  assert.equal(nonces.size, 3)
})

test('every address in the page is relative to it, for a proxy that adds a path', async () => {
  const { text } = await ask({ path: '/docs' })
  const addresses = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address)
  assert.ok(addresses.length >= 2)
  for (const address of addresses)
    assert.match(address as string, /^(data:|docs\/|openapi\.json|https:\/\/scalar\.com$)/)
})

test('the script is sent compressed, or whole to a client that cannot decompress it', async () => {
  const path = await scriptPath()
  const gzip = { 'accept-encoding': 'br, gzip' }
  const [compressed, again, plain] = await Promise.all([
    ask({ path, headers: gzip }),
    ask({ path, headers: gzip }),
    ask({ path, headers: { 'accept-encoding': 'gzip;q=0' } }),
  ])
  for (const { status, headers } of [compressed, again, plain]) {
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'text/javascript; charset=utf-8')
    assert.equal(headers.vary, 'accept-encoding')
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; base-uri/)
  }
  assert.equal(compressed.headers['content-encoding'], 'gzip')
  assert.equal(again.headers['content-encoding'], 'gzip')
  assert.ok(Number(compressed.headers['content-length']) < 1_600_000)
  assert.equal(plain.headers['content-encoding'], undefined)
  assert.ok(plain.text.length > 4_000_000)
  assert.match(plain.text.slice(-300), /createApiReference/)
  assert.doesNotMatch(plain.text.slice(-300), /sourceMappingURL/)
})

test('a browser that has the script gets a 304, and HEAD no body', async () => {
  const path = await scriptPath()
  const head = await ask({ path, method: 'HEAD', headers: { 'accept-encoding': 'gzip' } })
  assert.equal(head.status, 200)
  assert.equal(head.text, '')
  assert.match(String(head.headers.etag), /^W\/"[\d.]+"$/)
  assert.match(path, /\/scalar-[\d.]+\.js$/)
  const same = await ask({ path, headers: { 'if-none-match': String(head.headers.etag) } })
  assert.equal(same.status, 304)
  assert.equal(same.text, '')
  assert.equal(same.headers.etag, head.headers.etag)
  assert.equal((await ask({ path, headers: { 'if-none-match': 'W/"0"' } })).status, 200)
})

test('other paths and methods are refused in the usual form', async () => {
  const path = await scriptPath()
  for (const unknown of ['/docs/', '/docs/x', '/docs/scalar-0.0.1.js', `${path}/x`, `${path}.map`])
    checkShape(await ask({ path: unknown }), { what: unknown, status: 404, code: 'not_found' })
  for (const known of ['/docs', path]) {
    const refused = await ask({ path: known, method: 'DELETE' })
    checkShape(refused, { what: known, status: 405, code: 'method_not_allowed' })
    assert.equal(refused.headers.allow, 'GET, HEAD')
  }
})
