/** Callers without a credential cannot block those with one: half-sent bodies, unread responses, idle connections. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { limitSockets, socketLimits } from '../../../src/http/limits/sockets.ts'
import { startInboxBench } from '../../inbox/inbox-fixture.ts'
import { eventually } from '../../support/service.ts'
import { send } from '../send.ts'

const adminKey = 'the-admin-key-of-the-stranger-tests'
const admin = { authorization: `Bearer ${adminKey}` }
/** Sends as if from another machine. */
const elsewhere = '127.0.0.77'

let bench: Awaited<ReturnType<typeof startInboxBench>>
before(async () => {
  bench = await startInboxBench({
    SPOKE_ADMIN_KEY: adminKey,
    SPOKE_ROLE: 'api',
    SPOKE_MAX_REQUESTS: '20',
    SPOKE_MAX_STREAMS: '20',
  })
})
after(() => bench.stop())

const open = new Set<Socket>()
after(() => {
  for (const socket of open) socket.destroy()
})

function dial(text: string, localAddress = elsewhere): Socket {
  const { port } = new URL(bench.service.url)
  const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress })
  open.add(socket.on('error', () => {}).on('close', () => open.delete(socket)))
  socket.resume().write(text)
  return socket
}

const wellFormed = () =>
  `X-HubSpot-Signature-v3: ${Buffer.alloc(32, 1).toString('base64')}\r\nX-HubSpot-Request-Timestamp: ${Date.now()}\r\n`

const status = async (path: string, headers: Record<string, string> = {}) =>
  (await send(bench.service.url, { path, headers })).status

/** Renews them constantly, and sends requests as a tenant's backend and as HubSpot. */
async function besideHalfSent(text: () => string): Promise<void> {
  const path = `/api/hubspot/integrations/${randomUUID()}`
  const statuses: number[] = []
  for (let round = 0; round < 20; round++) {
    for (let n = 0; n < (round === 0 ? 100 : 5); n++) dial(text())
    statuses.push(await status(path, admin))
    if (round >= 10) statuses.push((await bench.deliver([])).status)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.deepEqual([...new Set(statuses)].sort(), [204, 404])
  assert.match(
    (await send(bench.service.url, { path: '/metrics', headers: admin })).text,
    /^spoke_http_shed_total\{reason="unfinished"\} [1-9]/m,
  )
}

test('half-sent webhooks with well-formed headers block neither a tenant nor HubSpot', async () => {
  await besideHalfSent(
    () =>
      `POST /api/hubspot/webhooks HTTP/1.1\r\nHost: localhost\r\n${wellFormed()}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n[`,
  )
})

test('half-sent confirmations block neither a tenant nor HubSpot', async () => {
  await besideHalfSent(
    () =>
      `POST /connect/${randomUUID()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\nd`,
  )
})

test('a webhook that cannot be HubSpot’s is refused before its body', async () => {
  const answerTo = async (headers: string) => {
    const socket = dial(
      `POST /api/hubspot/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n${headers}\r\n[`,
    )
    const [line] = String(await new Promise((resolve) => socket.once('data', resolve))).split('\r\n')
    await new Promise((resolve) => socket.once('close', resolve))
    return line
  }
  const json = 'Content-Type: application/json\r\n'
  assert.equal(await answerTo(json), 'HTTP/1.1 401 Unauthorized')
  assert.equal(
    await answerTo(`${json}X-HubSpot-Signature-v3: no\r\nX-HubSpot-Request-Timestamp: 1\r\n`),
    'HTTP/1.1 401 Unauthorized',
  )
  assert.equal(
    await answerTo(json + wellFormed().replace(/\d{13}/, '1700000000000')),
    'HTTP/1.1 401 Unauthorized',
  )
  assert.equal(
    await answerTo(`Content-Type: text/plain\r\n${wellFormed()}`),
    'HTTP/1.1 415 Unsupported Media Type',
  )
  assert.equal((await bench.deliver([])).status, 204)
})

test('an address may have some idle connections and no more, and gets Connection: close before one is closed', async () => {
  const limits = socketLimits({ requests: 20, streams: 20 })
  const count = limits.idleOfOneAddress + 40
  const sockets = Array.from({ length: count }, () =>
    dial('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n', '127.0.0.78'),
  )
  const answers = await Promise.all(
    sockets.map(
      (socket) => new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data)))),
    ),
  )
  assert.equal(answers.filter((answer) => /^connection: close\r$/im.test(answer)).length, 40)
  await eventually(
    async () => sockets.filter(({ destroyed }) => destroyed).length === 40,
    'those beyond it are closed',
  )
  // The remaining ones still work.
  const [first] = sockets.filter(({ destroyed }) => !destroyed)
  const again = new Promise((resolve) => first?.once('data', resolve))
  first?.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
  assert.match(String(await again), /^HTTP\/1\.1 200/)
  for (const socket of sockets) socket.destroy()
})

test('with every connection taken a silent or idle one makes room, and a busy one does not', async (t) => {
  const busy: (() => void)[] = []
  const server = createServer((request, response) => {
    if (request.url === '/busy') busy.push(() => response.end())
    else response.end()
  })
  let now = 0
  let closed = 0
  limitSockets(
    server,
    { max: 4, ofOneAddress: 3, idleOfOneAddress: 9 },
    { trusted: ['127.0.0.9'], now: () => now, onClosed: () => void closed++ },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const from = (localAddress: string, path?: string) =>
    new Promise<Socket>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress }, () => {
        if (path) socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
        setTimeout(() => resolve(socket), 30)
      })
      t.after(() => socket.destroy())
      socket.on('error', () => {}).resume()
    })
  const alive = (sockets: Socket[]) => sockets.map(({ destroyed }) => !destroyed)
  const one = await from('127.0.0.2', '/idle')
  const two = await from('127.0.0.2', '/busy')
  const three = await from('127.0.0.2')
  assert.deepEqual(alive([one, two, three]), [true, true, true])
  // A fourth one of this address closes its idle one, then its silent one once that is old enough; then there is nothing to close.
  const four = await from('127.0.0.2', '/busy')
  assert.deepEqual(alive([one, two, three, four]), [false, true, true, true])
  const early = await from('127.0.0.2')
  assert.deepEqual(alive([three, four, early]), [true, true, false])
  now = 1_000
  const five = await from('127.0.0.2', '/busy')
  assert.deepEqual(alive([two, three, four, five]), [true, false, true, true])
  assert.equal((await from('127.0.0.2')).destroyed, true, 'all of them are busy')
  // Those of a trusted proxy have no limit but that of all.
  const six = await from('127.0.0.9', '/busy')
  assert.equal((await from('127.0.0.9')).destroyed, true, 'the process has no room')
  assert.deepEqual(alive([two, four, five, six]), [true, true, true, true])
  for (const end of busy) end()
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal((await from('127.0.0.3', '/idle')).destroyed, false)
  assert.equal(closed, 6)
})
