/**
 * The specification's four points, shown over HTTP: creating tenant integrations, testing connections with token
 * validation, listing tickets per tenant, tenant isolation. And the sync that depends on them.
 * `npm run test:multi-tenant` runs this file alone.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Emulator, startEmulator } from '../packages/emulator/src/server.ts'
import { eventually, type Reply, runEnded, startTestService, type TestService } from './support/service.ts'

interface Tenant {
  id: string
  hubId: number
  token: string
  integrationId: string
}

let hubspot: Emulator
let spoke: TestService
const a: Tenant = { id: randomUUID(), hubId: 0, token: '', integrationId: '' }
const b: Tenant = { id: randomUUID(), hubId: 0, token: '', integrationId: '' }

before(async () => {
  hubspot = await startEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  for (const [tenant, tickets] of [
    [a, 130],
    [b, 40],
  ] as const) {
    tenant.hubId = hubspot.world.addPortal({ tickets }).portal_id
    tenant.token = hubspot.world.addToken(tenant.hubId, { kind: 'private_app' }).token
  }
  // Every request checks its token again, so that each test sees HubSpot's current state.
  spoke = await startTestService(hubspot.url, { SPOKE_TOKEN_CHECK_EVERY: '0s' })
})

after(async () => {
  await spoke?.stop()
  await hubspot?.close()
})

const connect = (tenantId: string, token: string) =>
  spoke.post(`/api/hubspot/integrations/${tenantId}`, { access_token: token })
const status = (tenantId: string, integrationId: string) =>
  spoke.get(`/api/hubspot/status/${tenantId}/${integrationId}`)
const tickets = (tenantId: string, integrationId: string, query = '') =>
  spoke.get(`/api/hubspot/tickets/${tenantId}/${integrationId}${query}`)
/** Until the sync that begins with a connect has ended. */
const settled = ({ id, integrationId }: Tenant) =>
  eventually(async () => {
    const { body } = await spoke.get(`/api/hubspot/sync/${id}/${integrationId}`)
    return body.running.length === 0
  }, 'the first sync ends')
const truth = (hubId: number) =>
  new Map(hubspot.world.truth(hubId).results.map((ticket) => [ticket.id, ticket.properties]))
const calls = (path: string) => hubspot.world.log.list({ path }).length

async function issues(tenantId: string): Promise<Map<string, Record<string, unknown>>> {
  const { status, body } = await spoke.get(`/api/hubspot/issues/${tenantId}?limit=200`)
  assert.equal(status, 200)
  assert.equal(body.next_after, null)
  return new Map(body.issues.map((issue: { ticket_id: string }) => [issue.ticket_id, issue]))
}

describe('creating tenant integrations', () => {
  test('each tenant connects its own HubSpot account with its own token', async () => {
    for (const tenant of [a, b]) {
      const { status, body } = await connect(tenant.id, tenant.token)
      assert.equal(status, 201)
      assert.equal(body.success, true)
      assert.equal(body.tenant_id, tenant.id)
      assert.equal(body.integration_type, 'hubspot')
      assert.equal(body.status, 'active')
      assert.equal(body.hub_id, tenant.hubId)
      assert.ok(body.scopes.includes('tickets'))
      tenant.integrationId = body.integration_id
    }
    assert.notEqual(a.integrationId, b.integrationId)
  })

  test('a tenant’s list names its own integration and no other', async () => {
    for (const tenant of [a, b]) {
      const { body } = await spoke.get(`/api/hubspot/integrations/${tenant.id}`)
      assert.equal(body.total_count, 1)
      assert.equal(body.integrations[0].integration_id, tenant.integrationId)
    }
  })

  test('the same account connected again has the same id', async () => {
    const { status, body } = await connect(a.id, a.token)
    assert.equal(status, 200)
    assert.equal(body.integration_id, a.integrationId)
  })

  test('a token that HubSpot does not know makes no tenant and no integration', async () => {
    const stranger = randomUUID()
    const refused = await connect(stranger, 'pat-na1-00000000-0000-4000-8000-000000000000')
    assert.equal(refused.status, 422)
    assert.equal(refused.body.code, 'token_invalid')
    assert.equal(refused.body.error, 'Invalid or expired access token')
    assert.equal((await spoke.get(`/api/hubspot/integrations/${stranger}`)).status, 404)
  })
})

describe('testing connections with token validation', () => {
  test('a valid connection returns its account and scopes, after HubSpot confirmed the token', async () => {
    // Calls of all accounts are counted, so neither may still be syncing.
    await Promise.all([a, b].map(settled))
    for (const tenant of [a, b]) {
      const before = calls('/crm/objects')
      const { status: code, body } = await status(tenant.id, tenant.integrationId)
      assert.equal(code, 200)
      assert.equal(body.connected, true)
      assert.equal(body.hub_id, tenant.hubId)
      assert.equal(body.token_type, 'access')
      assert.equal(body.expires_in, null)
      assert.deepEqual([...body.scopes].sort(), ['crm.objects.owners.read', 'oauth', 'tickets'])
      assert.equal(calls('/crm/objects'), before + 1)
    }
  })

  test('a token revoked at HubSpot is noticed at the next request, and only its own tenant is affected', async () => {
    const visitor = randomUUID()
    const portal = hubspot.world.addPortal({ tickets: 3 })
    const { token } = hubspot.world.addToken(portal.portal_id, { kind: 'private_app' })
    const { integration_id: integrationId } = (await connect(visitor, token)).body
    assert.equal((await status(visitor, integrationId)).body.connected, true)

    hubspot.world.tokens.revoke({ token })
    const { status: code, body } = await status(visitor, integrationId)
    assert.equal(code, 200)
    assert.equal(body.connected, false)
    assert.equal(body.error, 'Invalid or expired access token')
    assert.equal(body.code, 'token_invalid')
    assert.equal((await tickets(visitor, integrationId)).status, 409)
    assert.equal((await status(a.id, a.integrationId)).body.connected, true)
  })
})

describe('listing tickets per tenant', () => {
  test('each tenant gets the tickets of its own account, live and with HubSpot’s count', async () => {
    for (const tenant of [a, b]) {
      const { status, body } = await tickets(tenant.id, tenant.integrationId, '?limit=200')
      assert.equal(status, 200)
      assert.equal(body.success, true)
      assert.equal(body.tenant_id, tenant.id)
      const there = truth(tenant.hubId)
      assert.equal(body.total_count, there.size)
      assert.deepEqual(body.tickets.map(({ id }: { id: string }) => id).sort(), [...there.keys()].sort())
      for (const { id, properties } of body.tickets) assert.equal(properties.subject, there.get(id)?.subject)
    }
  })

  test('the limit is respected', async () => {
    const { body } = await tickets(a.id, a.integrationId, '?limit=25')
    assert.equal(body.tickets.length, 25)
    assert.equal(body.total_count, 130)
  })
})

describe('syncing per tenant', () => {
  async function synced(tenant: Tenant, type: 'full' | 'incremental') {
    const started = await spoke.post(`/api/hubspot/sync/${tenant.id}/${tenant.integrationId}`, {
      sync_type: type,
    })
    assert.equal(started.status, 202)
    const { sync_event_id: eventId } = started.body
    const run = await runEnded(spoke, tenant.id, tenant.integrationId, eventId)
    assert.equal(run.state, 'succeeded', run.error)
    return run
  }

  test('a full sync stores every ticket of the tenant’s account, and no other', async () => {
    for (const tenant of [a, b]) {
      await synced(tenant, 'full')
      const [saved, there] = [await issues(tenant.id), truth(tenant.hubId)]
      assert.deepEqual([...saved.keys()].sort(), [...there.keys()].sort())
      for (const [id, properties] of there) assert.equal(saved.get(id)?.subject, properties.subject)
    }
  })

  test('an incremental sync of one tenant brings its changes and leaves the other as it is', async () => {
    const others = await issues(b.id)
    const [changed] = hubspot.world.changeTickets(a.hubId, { count: 1, properties: { subject: 'Mended' } })
    await synced(a, 'incremental')
    assert.equal((await issues(a.id)).get(changed as string)?.subject, 'Mended')
    assert.deepEqual(await issues(b.id), others)
  })
})

describe('tenant isolation', () => {
  /** Every request about one integration, as tenant `tenantId` would send it. */
  const questions: [string, (tenantId: string, integrationId: string) => Promise<Reply>][] = [
    ['its connection', status],
    ['its tickets', tickets],
    ['itself', (tenant, id) => spoke.get(`/api/hubspot/integrations/${tenant}/${id}`)],
    ['its issues', (tenant, id) => spoke.get(`/api/hubspot/issues/${tenant}?integration_id=${id}`)],
    ['its runs', (tenant, id) => spoke.get(`/api/hubspot/sync/${tenant}/${id}`)],
    ['a sync', (tenant, id) => spoke.post(`/api/hubspot/sync/${tenant}/${id}`, { sync_type: 'full' })],
    ['a reconnect', (tenant, id) => spoke.get(`/api/hubspot/authorize/${tenant}?integration_id=${id}`)],
    ['its end', (tenant, id) => spoke.delete(`/api/hubspot/integrations/${tenant}/${id}`)],
  ]

  /** Everything that a caller can observe, except the request id of each response. */
  const seen = ({ status, headers, body }: Reply) => ({
    status,
    type: headers.get('content-type'),
    body: { ...body, request_id: '' },
  })

  for (const [what, ask] of questions) {
    test(`tenant B requests ${what} with A’s id and gets what a made-up id gets: 404`, async () => {
      const since = hubspot.world.log.list({}).at(-1)?.seq ?? 0
      const foreign = await ask(b.id, a.integrationId)
      assert.equal(foreign.status, 404)
      assert.equal(foreign.body.error, 'Integration not found')
      assert.equal(foreign.body.success, false)
      assert.deepEqual(seen(foreign), seen(await ask(b.id, randomUUID())))
      assert.deepEqual(seen(foreign), seen(await ask(randomUUID(), a.integrationId)))
      // A's account must get no request.
      assert.deepEqual(hubspot.world.log.list({ since, portal_id: a.hubId }), [])
    })
  }

  test('after all of this tenant A is connected, and every issue of A is where it was', async () => {
    assert.equal((await status(a.id, a.integrationId)).body.connected, true)
    assert.equal((await issues(a.id)).size, 130)
  })

  test('an issue of A cannot be read by its id under B', async () => {
    const [first] = (await issues(a.id)).values()
    assert.equal((await spoke.get(`/api/hubspot/issues/${a.id}/${first?.issue_id}`)).status, 200)
    assert.equal((await spoke.get(`/api/hubspot/issues/${b.id}/${first?.issue_id}`)).status, 404)
  })

  test('a tenant that disconnects affects no other tenant', async () => {
    const gone = await spoke.delete(`/api/hubspot/integrations/${b.id}/${b.integrationId}?purge=true`)
    assert.equal(gone.status, 200)
    assert.equal((await tickets(b.id, b.integrationId)).status, 404)
    assert.equal((await issues(b.id)).size, 0)
    assert.equal((await status(a.id, a.integrationId)).body.connected, true)
    assert.equal((await issues(a.id)).size, 130)
  })
})
