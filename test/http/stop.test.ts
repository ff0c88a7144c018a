/** A stop ends within its ten seconds, whatever requests and HubSpot calls are in flight. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { eventually } from '../support/service.ts'
import { connectTenant, newAccount, startOn } from './http-fixture.ts'

let emulator: TestEmulator
let service: Awaited<ReturnType<typeof startOn>>['service']
let ids: { tenant: string; integration: string }
const sockets: Socket[] = []

beforeEach(async () => {
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  const { token } = newAccount(emulator)
  service = (await startOn(emulator, { HUBSPOT_TIMEOUT: '30s', SPOKE_TOKEN_CHECK_EVERY: '0s' })).service
  ids = await connectTenant(service, token)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await emulator.close()
})

async function open(bytes: string): Promise<Socket> {
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  sockets.push(socket)
  socket.on('error', () => {})
  await new Promise((resolve) => socket.write(bytes, resolve))
  return socket
}

async function stopsWithin(ms: number): Promise<void> {
  const began = performance.now()
  const late = new Promise((resolve) => setTimeout(resolve, ms, 'late').unref())
  assert.notEqual(await Promise.race([service.stop(), late]), 'late', `no end within ${ms} ms`)
  assert.ok(performance.now() - began < ms)
}

const host = 'Host: localhost\r\n'
const half: [what: string, bytes: () => string][] = [
  ['half a request line', () => 'GET /livez HT'],
  ['headers without an end', () => `GET /livez HTTP/1.1\r\n${host}X-A: 1\r\n`],
  [
    'one byte of a body',
    () =>
      `POST /api/hubspot/sync/${ids.tenant}/${ids.integration} HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
  ],
]

test(`callers who have sent ${half.map(([what]) => what).join(', or ')} do not hold up the stop`, async () => {
  for (const [, bytes] of half) await open(bytes())
  await new Promise((resolve) => setTimeout(resolve, 100))
  await stopsWithin(9_000)
})

test('callers that watch a run, hold an idle connection or wait for a slow HubSpot do not delay the stop', async () => {
  emulator.world.faults.add({ kind: 'hang', times: null })
  const path = `/api/hubspot/sync/${ids.tenant}/${ids.integration}`
  const { body } = await service.get(path)
  await open(`GET ${path}/${body.events[0].sync_event_id}/events HTTP/1.1\r\n${host}\r\n`)
  await open(`GET /livez HTTP/1.1\r\n${host}\r\n`)
  const asked = emulator.world.log.list().length
  const stuck = await open(`GET ${path.replace('sync', 'status')} HTTP/1.1\r\n${host}\r\n`)
  let read = ''
  stuck.on('data', (chunk) => {
    read += chunk
  })
  await eventually(async () => emulator.world.log.stats().in_flight > 0 || asked < 0, 'HubSpot is called')
  await stopsWithin(9_000)
  assert.match(read, /^HTTP\/1\.1 503 |^HTTP\/1\.1 200 .*connected":false/s)
})
