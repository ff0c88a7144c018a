/** Without a key Spoke answers this machine's own names only, and gives no web page a way to read it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { readConfig } from '../../src/config.ts'
import { eventually, testKeys } from '../support/service.ts'
import { type Bench, startBench } from './http-fixture.ts'
import { checkShape } from './oracle.ts'
import { sendRaw } from './send.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

const port = () => new URL(bench.service.url).port
const paths = () => [
  `/api/hubspot/integrations/${bench.tenant}`,
  `/api/hubspot/status/${bench.tenant}/${bench.integration}`,
  '/api/hubspot/oauth/callback?code=a&state=b',
  '/connected?hub_id=1',
  '/connect/0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f11',
  '/openapi.json',
  '/docs',
  '/metrics',
  '/livez',
  '/readyz',
  '/nope',
]

const foreign = [
  'evil.example',
  'evil.example:8000',
  'localhost.evil.example',
  'evil.example?localhost',
  'notlocalhost',
  'localhost.',
  'localhost@evil.example',
  '127.0.0.1.evil.example',
  '127.0.0.2',
  '127.1',
  '0.0.0.0',
  '[::]',
  '::1',
  '[::1].evil.example',
  'localhost:abc',
  'localhost, evil.example',
  '169.254.169.254',
]

for (const host of foreign) {
  test(`the Host "${host}" is 421 on every path`, async () => {
    for (const path of paths()) {
      const expected = { what: `${host} at ${path}`, status: 421, code: 'misdirected_request' }
      await bench.refused({ path, headers: { host }, ...expected, secret: ['evil'] })
    }
  })
}

test('a POST and an unknown method from a foreign Host are 421 before their body is read', async () => {
  const path = `/api/hubspot/integrations/${bench.tenant}`
  const headers = { host: 'evil.example', 'content-type': 'text/plain' }
  const expected = { status: 421, code: 'misdirected_request' }
  await bench.refused({ what: 'POST', method: 'POST', path, headers, body: '{', ...expected })
  await bench.refused({ what: 'PUT', method: 'PUT', path, headers, ...expected })
})

for (const name of ['localhost', 'LocalHost', '127.0.0.1', '[::1]']) {
  test(`the Host ${name} is answered with any port and with none`, async () => {
    for (const host of [name, `${name}:${port()}`, `${name}:1`, `${name}:65535`]) {
      for (const path of [paths()[0] as string, '/livez']) {
        const answer = await bench.send({ path, headers: { host } })
        assert.equal(answer.status, 200, `${host}: ${answer.text}`)
      }
    }
  })
}

const oddHosts: [what: string, version: string, fields: string][] = [
  ['an empty Host', 'HTTP/1.1', 'Host: \r\n'],
  ['no Host', 'HTTP/1.1', ''],
  ['no Host in HTTP/1.0', 'HTTP/1.0', ''],
  ['two Hosts', 'HTTP/1.1', 'Host: localhost\r\nHost: evil.example\r\n'],
  ['two Hosts, the foreign one first', 'HTTP/1.1', 'Host: evil.example\r\nHost: localhost\r\n'],
]

for (const [what, version, fields] of oddHosts) {
  test(`a request with ${what} is refused, as no request or as one for somebody else`, async () => {
    const line = `GET ${paths()[0]} ${version}\r\nConnection: close\r\n`
    const answer = await sendRaw(bench.service.url, `${line}${fields}\r\n`)
    const expected = answer.status === 421 ? [421, 'misdirected_request'] : [400, 'bad_request']
    const [status, code] = expected as [number, string]
    checkShape(answer, { what, status, code })
  })
}

test('no response carries a CORS header, for any origin', async () => {
  const origins = ['https://evil.example', 'null', 'http://localhost:3000', `http://localhost:${port()}`]
  for (const origin of origins) {
    for (const path of paths()) {
      for (const method of ['GET', 'OPTIONS', 'POST']) {
        const headers = {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
          'access-control-request-private-network': 'true',
        }
        const answer = await bench.send({ method, path, headers })
        const given = Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))
        assert.deepEqual(given, [], `${method} ${path} for ${origin}`)
        if (method === 'OPTIONS') assert.ok(answer.status >= 400, `${path}: ${answer.status}`)
      }
    }
  }
})

test('a web page cannot write without a preflight: a body needs a type that forms cannot send', async () => {
  const path = `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const headers = { 'content-type': type }
    const post = (more: object) =>
      bench.send({ method: 'POST', path, headers: { ...headers, ...more }, body: '{}' })
    assert.equal((await post({})).status, 415, type)
    // A browser's Origin or Sec-Fetch-Site header is refused before that.
    assert.equal((await post({ origin: 'https://evil.example' })).json.code, 'forged_request')
  }
})

test('the command warns of open mode at its start', async () => {
  const env = {
    ...process.env,
    DATABASE_URL: bench.database,
    SPOKE_ENCRYPTION_KEYS: testKeys,
    PORT: '0',
    HOST: '127.0.0.1',
    HUBSPOT_API_URL: bench.emulator.url,
  }
  const child = spawn(process.execPath, ['src/main.ts', 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  const ended = once(child, 'exit')
  try {
    await eventually(async () => said.includes('is listening'), 'it listens')
    assert.match(said, /"level":"warn".*open mode/)
  } finally {
    child.kill('SIGTERM')
  }
  assert.equal((await ended)[0], 0)
})

test('on any other address a missing key is a fault of the configuration', () => {
  const rest = {
    DATABASE_URL: 'postgres://x@y/z',
    SPOKE_ENCRYPTION_KEYS: `k:${Buffer.alloc(32).toString('base64')}`,
  }
  for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'spoke.example'])
    assert.throws(() => readConfig({ ...rest, HOST }), /SPOKE_ADMIN_KEY/, HOST)
  assert.ok(readConfig({ ...rest, HOST: '0.0.0.0', SPOKE_ADMIN_KEY: 'a'.repeat(32) }))
})
