/** Event streams are counted apart: they take no room from requests, and one tenant's take none from another's. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { after, before, test } from 'node:test'
import { startTestEmulator } from '../support/emulator.ts'
import { eventually } from '../support/service.ts'
import { newAccount, startOn } from './bench.ts'
import { checkShape, type Watched } from './oracle.ts'
import { type Answer, send } from './send.ts'

const adminKey = 'the-admin-key-of-the-stream-tests'
const admin = { authorization: `Bearer ${adminKey}` }

/** 20 streams in all, two of a tenant; and only four requests at once. No worker, so that runs stay queued. */
const env = { SPOKE_ADMIN_KEY: adminKey, SPOKE_ROLE: 'api', SPOKE_MAX_STREAMS: '20', SPOKE_MAX_REQUESTS: '4' }

interface Tenant {
  path: string
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
  const connected = await post(`/api/hubspot/integrations/${tenant}`, {
    access_token: newAccount(bench.emulator).token,
  })
  const { api_key } = await post(`/api/tenants/${tenant}/api-keys`, { name: 'k', scopes: ['read'] })
  const runs = `/api/hubspot/sync/${tenant}/${connected.integration_id}`
  const { json } = await send(bench.service.url, { path: runs, headers: admin })
  return {
    path: `${runs}/${json.events[0].sync_event_id}/events`,
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

test('a tenant has its tenth of the streams, and what it lacks then is not lacking elsewhere', async () => {
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
  const list = first.path.replace(/\/[^/]+\/events$/, '')
  for (let n = 0; n < 20; n++)
    assert.equal((await send(bench.service.url, { path: list, headers: first.headers })).status, 200)
  const { text } = await send(bench.service.url, { path: '/metrics', headers: admin })
  assert.match(text, /^spoke_http_shed_total\{reason="streams"\} [1-9]/m)
  assert.match(text, /^spoke_http_limited_total\{limit="streams"\} [1-9]/m)
  closeAll()
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
