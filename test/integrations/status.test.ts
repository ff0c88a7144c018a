/** The status of a connection: the request returns 200, whatever HubSpot reports; tickets and sync return errors. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { NewFault } from '../../packages/emulator/src/http/faults.ts'
import { tableCounts } from '../http/database.ts'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { checkLog, checkShape } from '../http/oracle.ts'
import { send } from '../http/send.ts'
import { type OAuthBench, startOAuth } from './oauth/oauth-fixture.ts'

let bench: OAuthBench
type Ids = { tenant: string; integration: string; portal: number }

before(async () => {
  bench = await startOAuth({ HUBSPOT_TIMEOUT: '2s' })
})
after(() => bench.stop())
beforeEach(() => bench.emulator.world.faults.clear())

const statusOf = ({ tenant, integration }: Ids) =>
  bench.service.get(`/api/hubspot/status/${tenant}/${integration}`)

async function byToken(): Promise<Ids & { token: string }> {
  const { portal, token } = newAccount(bench.emulator)
  const ids = await connectTenant(bench.service, token)
  await idle(bench.service, bench.database)
  return { ...ids, portal, token }
}

async function byOAuth(): Promise<Ids> {
  const portal = bench.portal({ hub_domain: 'acme.example.com' })
  const { tenant, integration, code, state } = await bench.start(portal)
  assert.equal((await bench.post(code, state)).status, 200)
  await idle(bench.service, bench.database)
  return { tenant, integration, portal }
}

const asTold = ['crm.objects.owners.read', 'oauth', 'tickets']

test('a pasted token that works is connected, of type access, and does not expire', async () => {
  const ids = await byToken()
  const { status, body } = await statusOf(ids)
  assert.equal(status, 200)
  const { scopes, tenant_id, integration_id, hub_id, status: state, success, resources, ...rest } = body
  assert.deepEqual(rest, {
    connected: true,
    hub_domain: null,
    token_type: 'access',
    expires_in: null,
    change_source: 'polling',
  })
  assert.ok(scopes.includes('tickets'))
  assert.deepEqual(resources.pipelines, { state: 'ok', problem: null, read_at: resources.pipelines.read_at })
  assert.deepEqual([tenant_id, integration_id, hub_id], [ids.tenant, ids.integration, ids.portal])
  assert.deepEqual([state, success], ['active', true])
})

test('a valid OAuth token returns its domain, its scopes and its remaining lifetime', async () => {
  const ids = await byOAuth()
  const { status, body } = await statusOf(ids)
  assert.equal(status, 200)
  assert.deepEqual([body.connected, body.hub_domain, body.token_type], [true, 'acme.example.com', 'access'])
  assert.deepEqual([...body.scopes].sort(), asTold)
  assert.ok(
    Number.isInteger(body.expires_in) && body.expires_in > 1_700 && body.expires_in <= 1_800,
    body.expires_in,
  )
  assert.equal(body.error, undefined)
  assert.equal(body.code, undefined)
})

test('a status calls HubSpot, and is not cached', async () => {
  const ids = await byToken()
  const from = bench.emulator.world.log.list().length
  await statusOf(ids)
  assert.ok(bench.emulator.world.log.list().length > from)
})

test('concurrent statuses share one call to HubSpot, also when the first caller disconnects', async () => {
  const ids = await byToken()
  const from = bench.emulator.world.log.list().at(-1)?.seq ?? 0
  bench.emulator.world.faults.add({ kind: 'delay', delay_ms: 300, match: { portal_id: ids.portal } })
  const path = `/api/hubspot/status/${ids.tenant}/${ids.integration}`
  const gone = AbortSignal.timeout(150)
  const first = fetch(`${bench.service.url}${path}`, { signal: gone })
  const others = Array.from({ length: 8 }, () => statusOf(ids))
  await assert.rejects(first)
  for (const { body } of await Promise.all(others)) assert.equal(body.connected, true, JSON.stringify(body))
  const calls = bench.emulator.world.log.list({ since: from, portal_id: ids.portal })
  assert.deepEqual(
    calls.map(({ method, path }) => `${method} ${path}`),
    ['GET /crm/objects/2026-09/tickets'],
  )
  await statusOf(ids)
  assert.equal(bench.emulator.world.log.list({ since: from, portal_id: ids.portal }).length, 2)
})

const ways: [what: string, connect: () => Promise<Ids>, domain: string | null][] = [
  ['a pasted token', byToken, null],
  ['an OAuth token', byOAuth, 'acme.example.com'],
]

for (const [what, connect, domain] of ways) {
  test(`${what} that HubSpot refuses: status 200 and not connected, tickets and sync 409, with the same message`, async () => {
    const ids = await connect()
    bench.emulator.world.tokens.revoke({ portal_id: ids.portal })
    bench.emulator.world.tokens.expire({ portal_id: ids.portal })
    for (let times = 0; times < 2; times++) {
      const { status, body } = await statusOf(ids)
      assert.equal(status, 200, JSON.stringify(body))
      const { connected, error, code, hub_domain, scopes, token_type } = body
      assert.deepEqual(
        { connected, error, code, hub_domain, token_type },
        {
          connected: false,
          error: 'Invalid or expired access token',
          code: 'token_invalid',
          hub_domain: domain,
          token_type: 'access',
        },
      )
      assert.deepEqual([...scopes].sort(), asTold, 'as last known')
    }
    await refusedBoth(ids, [409], 'token_invalid', 'Invalid or expired access token')
    const { body } = await bench.service.get(`/api/hubspot/integrations/${ids.tenant}/${ids.integration}`)
    assert.equal(body.status, 'reauth_required')
    assert.ok(body.status_reason, 'the reason is stored')
    const issues = await bench.service.get(`/api/hubspot/issues/${ids.tenant}`)
    assert.ok(issues.body.issues.length > 0, 'the data can still be read')
  })
}

async function refusedBoth(ids: Ids, statuses: number[], code: string, sentence: string) {
  const counts = await tableCounts(bench.database)
  const headers = { 'content-type': 'application/json' }
  for (const sent of [
    { path: `/api/hubspot/tickets/${ids.tenant}/${ids.integration}` },
    { method: 'POST', path: `/api/hubspot/sync/${ids.tenant}/${ids.integration}`, headers, body: '{}' },
  ]) {
    const from = bench.service.lines.length
    const answer = await send(bench.service.url, sent)
    assert.ok(statuses.includes(answer.status), `${sent.path}: ${answer.status} ${answer.text}`)
    checkShape(answer, { what: sent.path, status: answer.status, code })
    checkLog(bench.service, from, answer, sent.path)
    assert.equal(answer.json.error, sentence)
    if (answer.status >= 500) assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/, sent.path)
  }
  assert.deepEqual(await tableCounts(bench.database), counts, 'no run was made')
}

const faults: [what: string, fault: NewFault][] = [
  ['answers 503', { kind: 'status', status: 503 }],
  ['answers a page', { kind: 'html', status: 200 }],
  ['answers half a JSON', { kind: 'invalid_json' }],
  ['resets the connection', { kind: 'reset' }],
  ['hangs', { kind: 'hang' }],
]

for (const [way, connect, domain] of ways) {
  test(`while HubSpot is down the status of ${way} is 200 and not connected, and afterwards it is connected`, async () => {
    const ids = await connect()
    for (const [what, fault] of way === 'a pasted token' ? faults : faults.slice(0, 1)) {
      bench.emulator.world.faults.clear()
      bench.emulator.world.faults.add({ ...fault, times: null })
      const began = performance.now()
      const { status, body } = await statusOf(ids)
      assert.equal(status, 200, `${what}: ${JSON.stringify(body)}`)
      assert.deepEqual(
        [body.connected, body.error, body.code, body.hub_domain],
        [false, 'HubSpot connection failed', 'hubspot_unavailable', domain],
        what,
      )
      assert.ok(performance.now() - began < 2_500, what)
      await refusedBoth(ids, [502, 504], 'hubspot_unavailable', 'HubSpot connection failed')
    }
    bench.emulator.world.faults.clear()
    const { body } = await statusOf(ids)
    assert.deepEqual([body.connected, body.status], [true, 'active'])
  })
}

test("at HubSpot's daily limit tickets are 503 hubspot_limit with a time, and no tenant is marked for it", async () => {
  const ids = await byToken()
  bench.emulator.world.faults.add({ kind: 'rate_limit', policy: 'daily', times: null })
  const answer = await send(bench.service.url, {
    path: `/api/hubspot/tickets/${ids.tenant}/${ids.integration}`,
  })
  checkShape(answer, { what: 'daily', status: 503, code: 'hubspot_limit' })
  assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/)
  const { status, body } = await statusOf(ids)
  assert.deepEqual([status, body.connected], [200, false])
  assert.ok(['active', 'degraded'].includes(body.status), body.status)
})

test('the status of a pending integration is not connected', async () => {
  const { tenant, integration } = await bench.start(bench.portal())
  const { status, body } = await statusOf({ tenant, integration, portal: 0 })
  assert.ok((status === 200 && body.connected === false) || status === 409, JSON.stringify(body))
  assert.equal(body.code, 'integration_not_connected')
})

test('a token whose scope for tickets was taken away names the scope, and is no internal error', async () => {
  const ids = await byToken()
  await bench.emulator.control('POST', `/portals/${ids.portal}/scopes`, { remove: ['tickets'] })
  const answer = await send(bench.service.url, {
    path: `/api/hubspot/tickets/${ids.tenant}/${ids.integration}`,
  })
  assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
  checkShape(answer, { what: 'scope', status: answer.status, code: 'missing_scopes' })
  assert.match(answer.text, /tickets/)
})
