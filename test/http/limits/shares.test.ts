/** Each tenant has a share of the concurrent requests of a process; event streams are counted separately. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { after, before, test } from 'node:test'
import { startTestEmulator } from '../../support/emulator.ts'
import { eventually } from '../../support/service.ts'
import { newAccount, startOn } from '../http-fixture.ts'
import { checkShape, type Watched } from '../oracle.ts'
import { type Answer, send } from '../send.ts'

const adminKey = 'the-admin-key-of-the-stream-tests'
const admin = { authorization: `Bearer ${adminKey}` }

/** 20 streams in all, two of a tenant; 15 requests at once, three of a tenant. No worker, so that runs stay queued. */
const env = {
  SPOKE_ADMIN_KEY: adminKey,
  SPOKE_ROLE: 'api',
  SPOKE_MAX_STREAMS: '20',
  SPOKE_MAX_REQUESTS: '15',
  // What hangs does so for as long as the test needs.
  HUBSPOT_TIMEOUT: '60s',
}

interface Tenant {
  /** The events of its run. */
  path: string
  runs: string
  tickets: string
  portal: number
  headers: Record<string, string>
}

let bench: Watched
let first: Tenant
let second: Tenant
before(async () => {
  const emulator = await startTestEmulator()
  bench = { emulator, ...(await startOn(emulator, env)) }
  first = await newTenant()
  second = await newTenant()
})
after(async () => {
  for (const stream of open) stream.destroy()
  await bench.service.stop()
  await bench.emulator.close()
})

/** A tenant with a key, and a run to watch. */
async function newTenant(): Promise<Tenant> {
  const tenant = randomUUID()
  const post = async (path: string, body: object) => {
    const headers = { ...admin, 'content-type': 'application/json' }
    const answer = await send(bench.service.url, {
      method: 'POST',
      path,
      headers,
      body: JSON.stringify(body),
    })
    assert.ok(answer.status < 300, answer.text)
    return answer.json
  }
  const { token, portal } = newAccount(bench.emulator)
  const connected = await post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
  const { api_key } = await post(`/api/tenants/${tenant}/api-keys`, { name: 'k', scopes: ['read'] })
  const runs = `/api/hubspot/sync/${tenant}/${connected.integration_id}`
  const { json } = await send(bench.service.url, { path: runs, headers: admin })
  return {
    path: `${runs}/${json.events[0].sync_event_id}/events`,
    runs,
    tickets: `/api/hubspot/tickets/${tenant}/${connected.integration_id}`,
    portal,
    headers: { authorization: `Bearer ${api_key}` },
  }
}

const open = new Set<IncomingMessage>()

/** @returns the status; a stream that opened stays open */
function watch({ path }: Tenant, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(bench.service.url)
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, headers, agent: false }, (response) => {
      response.on('error', () => {})
      response.resume()
      if (response.statusCode === 200) open.add(response)
      resolve(response.statusCode ?? 0)
    })
    request.on('error', reject)
    request.end()
  })
}

async function watchMany(count: number, tenant: Tenant, headers: Record<string, string>): Promise<number[]> {
  const statuses: number[] = []
  for (let n = 0; n < count; n++) statuses.push(await watch(tenant, headers))
  return statuses
}

function closeAll(): void {
  for (const stream of open) stream.destroy()
  open.clear()
}

const ask = (tenant: Tenant, headers: Record<string, string>): Promise<Answer> =>
  send(bench.service.url, { path: tenant.path, headers })

test('a tenant has its tenth of the streams, and others still get theirs', async () => {
  assert.deepEqual(await watchMany(3, first, first.headers), [200, 200, 429])
  const refused = await ask(first, first.headers)
  checkShape(refused, { what: 'a third stream', status: 429, code: 'rate_limited' })
  assert.equal(refused.headers['retry-after'], '5')
  assert.deepEqual(await watchMany(2, second, second.headers), [200, 200])
  closeAll()
  await eventually(async () => (await watch(first, first.headers)) === 200, 'a closed stream makes room')
  closeAll()
})

test('streams have a bound in all, and take no room from requests', async () => {
  await eventually(async () => {
    closeAll()
    return (await watchMany(20, first, admin)).every((status) => status === 200)
  }, 'twenty streams open')
  const refused = await ask(first, admin)
  checkShape(refused, { what: 'one more', status: 503, code: 'overloaded' })
  assert.match(String(refused.headers['retry-after']), /^[1-3]$/)
  for (let n = 0; n < 20; n++)
    assert.equal((await send(bench.service.url, { path: first.runs, headers: first.headers })).status, 200)
  const { text } = await send(bench.service.url, { path: '/metrics', headers: admin })
  assert.match(text, /^spoke_http_shed_total\{reason="streams"\} [1-9]/m)
  assert.match(text, /^spoke_http_limited_total\{limit="streams"\} [1-9]/m)
  closeAll()
})

test('a tenant whose requests hang has its fifth of them in flight, and the others are served as usual', async () => {
  bench.emulator.world.faults.add({ kind: 'hang', match: { portal_id: first.portal }, times: null })
  const of = (tenant: Tenant, path: string, headers = tenant.headers) =>
    send(bench.service.url, { path, headers })
  const leaving = new AbortController()
  const hanging = Array.from({ length: 3 }, () =>
    fetch(bench.service.url + first.tickets, { headers: first.headers, signal: leaving.signal }).catch(
      () => 'left',
    ),
  )
  await eventually(async () => (await of(first, first.runs)).status === 429, 'its share is taken', 10_000)
  for (let n = 0; n < 20; n++) {
    const refused = await of(first, n % 2 === 0 ? first.tickets : first.runs)
    checkShape(refused, { what: 'a fourth request', status: 429, code: 'rate_limited' })
    assert.equal(refused.headers['retry-after'], '1')
    assert.equal((await of(second, second.tickets)).status, 200)
    assert.equal((await of(second, second.runs)).status, 200)
    assert.equal((await of(first, first.runs, admin)).status, 200, 'the operator is not of the tenant')
  }
  leaving.abort()
  assert.deepEqual(await Promise.all(hanging), ['left', 'left', 'left'])
  bench.emulator.world.faults.clear()
  await eventually(
    async () => (await of(first, first.runs)).status === 200,
    'a caller that disconnected makes room',
  )
})

test('a stream that is refused, or has nothing to watch, leaves no trace in the counts', async () => {
  const nothing = { path: first.path.replace(/[^/]+\/events$/, `${randomUUID()}/events`) }
  for (let n = 0; n < 60; n++) {
    const one =
      n % 2 === 0
        ? await send(bench.service.url, { ...nothing, headers: first.headers })
        : await ask(first, {})
    assert.ok([404, 401].includes(one.status), one.text)
  }
  await eventually(async () => {
    closeAll()
    return (await watchMany(2, first, first.headers)).every((status) => status === 200)
  }, 'both streams of the tenant open')
  closeAll()
})
