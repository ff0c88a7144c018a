/** Malformed requests on the wire: slow, duplicated, oversized or smuggled; refused in the one format and closed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { tableCounts } from './database.ts'
import { type Bench, startBench } from './http-fixture.ts'
import { checkLog, checkShape } from './oracle.ts'
import { sendRaw } from './send.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

const mark = 'zqmark7'
const sync = () => `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
const host = 'Host: localhost\r\n'
const full = '{"sync_type":"full"}'
const typed = 'Content-Type: application/json\r\n'

interface Wire {
  what: string
  bytes: () => string
  status: number
  code: string
}

const badRequest = { status: 400, code: 'bad_request' }
const late = { status: 408, code: 'bad_request' }
const tooLarge = { status: 431, code: 'request_too_large' }

/** They are sent at the same moment, because each takes its seconds. */
const slow: Pick<Wire, 'what' | 'bytes'>[] = [
  {
    what: 'one byte of a hundred, then silence',
    bytes: () => `POST ${sync()} HTTP/1.1\r\n${host}${typed}Content-Length: 100\r\n\r\n{`,
  },
  {
    what: 'a chunk, then silence',
    bytes: () => `POST ${sync()} HTTP/1.1\r\n${host}${typed}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
  },
  { what: 'half of the headers, then silence', bytes: () => `POST ${sync()} HTTP/1.1\r\n${host}` },
]

const wires: Wire[] = [
  {
    what: 'Content-Length and Transfer-Encoding together',
    bytes: () =>
      `POST ${sync()} HTTP/1.1\r\n${host}${typed}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ...badRequest,
  },
  {
    what: 'two lengths',
    bytes: () =>
      `POST ${sync()} HTTP/1.1\r\n${host}${typed}Content-Length: 20\r\nContent-Length: 5\r\n\r\n${full}`,
    ...badRequest,
  },
  {
    what: 'a length below zero',
    bytes: () => `POST ${sync()} HTTP/1.1\r\n${host}${typed}Content-Length: -1\r\n\r\n${full}`,
    ...badRequest,
  },
  {
    what: 'an unknown transfer encoding',
    bytes: () => `POST ${sync()} HTTP/1.1\r\n${host}${typed}Transfer-Encoding: xchunked\r\n\r\n${full}`,
    ...badRequest,
  },
  {
    what: 'a chunk size that is no number',
    bytes: () => `POST ${sync()} HTTP/1.1\r\n${host}${typed}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ...badRequest,
  },
  { what: 'an unknown method', bytes: () => `FOO ${sync()} HTTP/1.1\r\n${host}\r\n`, ...badRequest },
  { what: 'no HTTP', bytes: () => `${mark}\r\n\r\n`, ...badRequest },
  { what: 'HTTP of another version', bytes: () => `GET / HTTP/9.9\r\n${host}\r\n`, ...badRequest },
  { what: 'a blank in the path', bytes: () => `GET /a b HTTP/1.1\r\n${host}\r\n`, ...badRequest },
  { what: 'a TLS greeting', bytes: () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', ...badRequest },
  {
    what: 'a bare CR in a header',
    bytes: () => `GET /livez HTTP/1.1\r\n${host}X-A: ${mark}\rX-B: 1\r\n\r\n`,
    ...badRequest,
  },
  {
    what: 'a NUL in a header',
    bytes: () => `GET /livez HTTP/1.1\r\n${host}X-A: ${mark}\u0000\r\n\r\n`,
    ...badRequest,
  },
  {
    what: 'a folded header',
    bytes: () => `GET /livez HTTP/1.1\r\n${host} ${mark}: 1\r\n\r\n`,
    ...badRequest,
  },
  {
    what: 'a header of 20 KB',
    bytes: () => `GET ${sync()} HTTP/1.1\r\n${host}X-A: ${'a'.repeat(20 << 10)}\r\n\r\n`,
    ...tooLarge,
  },
  {
    what: '500 headers',
    bytes: () => {
      const many = Array.from({ length: 500 }, (_, at) => `X-Header-Of-A-Client-${at}: ${mark}\r\n`)
      return closing(`GET ${sync()} HTTP/1.1\r\n${host}${many.join('')}\r\n`)
    },
    ...tooLarge,
  },
  {
    what: 'a URL of 20 KB',
    bytes: () => `GET ${sync()}?a=${'a'.repeat(20 << 10)} HTTP/1.1\r\n${host}\r\n`,
    ...tooLarge,
  },
]

const closing = (bytes: string) => bytes.replace('\r\n', '\r\nConnection: close\r\n')

/** Sends, and holds the answer against the oracle; `withinMs` is when it must have been answered and closed. */
async function refusedRaw({ what, bytes, ...expected }: Wire, withinMs: number): Promise<void> {
  const from = bench.service.lines.length
  const answer = await sendRaw(bench.service.url, Buffer.from(bytes(), 'latin1'))
  checkShape(answer, { what, ...expected })
  assert.ok(answer.ms < withinMs, `${what} took ${answer.ms} ms`)
  assert.equal(String(answer.headers.connection).toLowerCase(), 'close')
  checkLog(bench.service, from, answer, what)
  assert.ok(!answer.text.includes(mark), answer.text)
  assert.ok(!bench.service.lines.slice(from).join('').includes(mark))
}

async function changesNothing(act: () => Promise<void>): Promise<void> {
  const counts = await tableCounts(bench.database)
  const asked = bench.emulator.world.log.list().length
  await act()
  assert.deepEqual(await tableCounts(bench.database), counts)
  assert.equal(bench.emulator.world.log.list().length, asked)
}

for (const wire of wires) {
  test(`${wire.what} is ${wire.status} and the connection is closed`, async () => {
    await changesNothing(() => refusedRaw(wire, 2_000))
  })
}

test('a request that stops half-way is 408 in about 4 s and the connection is closed', async () => {
  await changesNothing(async () => {
    await Promise.all(slow.map((one) => refusedRaw({ ...one, ...late }, 4_500)))
  })
})

test('an unknown Expect is 417 in the one format, or ignored', async () => {
  const bytes = `GET /livez HTTP/1.1\r\n${host}Expect: ${mark}\r\n\r\n`
  const answer = await sendRaw(bench.service.url, closing(bytes))
  if (answer.status !== 200) checkShape(answer, { what: 'Expect', status: 417, code: 'bad_request' })
})

test('a target in absolute form of another host is not answered as if it were ours', async () => {
  const bytes = `GET http://evil.example/livez HTTP/1.1\r\n${host}\r\n`
  const answer = await sendRaw(bench.service.url, closing(bytes))
  const code = ['not_found', 'bad_request', 'misdirected_request']
  checkShape(answer, { what: 'absolute form', status: answer.status, code })
})
