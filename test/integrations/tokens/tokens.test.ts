/** A valid token before every call: checked once per request, refreshed in time, and once more after a 401. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { startTestEmulator, type TestEmulator } from '../../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../../support/postgres.ts'
import { eventually, runEnded, startTestService, type TestService } from '../../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
const introspect = '/oauth/2026-09/token/introspect'
const tokenPath = '/oauth/2026-09/token'

/** Connects a portal by OAuth, as a program would. @returns the integration's id */
export async function connectByOAuth(
  service: TestService,
  emulator: TestEmulator,
  hubId: number,
  tickets = 350,
): Promise<string> {
  await emulator.control('POST', '/portals', { portal_id: hubId, tickets, plan: 'enterprise' })
  const { body } = await service.get(`/api/hubspot/authorize/${T}`)
  const back = await fetch(`${body.authorization_url}&auto=1&portal_id=${hubId}`, { redirect: 'manual' })
  const { searchParams } = new URL(back.headers.get('location') as string)
  const answer = { code: searchParams.get('code'), state: searchParams.get('state') }
  const connected = await service.post('/api/hubspot/oauth/callback', answer)
  assert.equal(connected.status, 200, JSON.stringify(connected.body))
  const id = connected.body.integration_id
  await eventually(
    async () => (await service.get(`/api/hubspot/sync/${T}/${id}`)).body.running.length === 0,
    'the first sync ends',
  )
  return id
}

for (const refresh of ['stable', 'rotating'] as const) {
  describe(`tokens where refresh tokens are ${refresh}`, () => {
    let emulator: TestEmulator
    let service: TestService
    let databaseUrl: string
    let portal = 500
    let id: string
    before(async () => {
      emulator = await startTestEmulator({}, refresh)
      databaseUrl = await newPostgresDatabase()
      service = await startTestService(emulator.url, { DATABASE_URL: databaseUrl })
    })
    after(async () => {
      await service.stop()
      await emulator.close()
    })
    beforeEach(async () => {
      portal += 1
      id = await connectByOAuth(service, emulator, portal)
      await emulator.control('DELETE', '/requests')
    })

    const tickets = (limit = 300) => service.get(`/api/hubspot/tickets/${T}/${id}?limit=${limit}`)
    const asked = async (path: string) =>
      (await emulator.requests(path)).filter((request) => request.path === path).length
    const age = (seconds: number) =>
      adminQuery(
        `update integration_tokens set confirmed_at = now() - interval '${seconds} s' where integration_id = '${id}'`,
        databaseUrl,
      )
    const status = async () => (await service.get(`/api/hubspot/integrations/${T}/${id}`)).body

    test('a new token is not checked; one unconfirmed for a minute is, once for a request of three pages', async () => {
      assert.equal((await tickets()).body.tickets.length, 300)
      assert.equal(await asked(introspect), 0)
      await age(61)
      assert.equal((await tickets()).body.tickets.length, 300)
      assert.equal(await asked(introspect), 1)
      await tickets()
      assert.equal(await asked(introspect), 1)
    })

    test('a token that HubSpot calls inactive is refreshed, and the caller sees nothing of it', async () => {
      await emulator.control('POST', '/tokens/expire', { portal_id: portal })
      await age(61)
      assert.equal((await tickets()).status, 200)
      assert.equal(await asked(tokenPath), 1)
    })

    test('a 401 in the middle costs one refresh and one repeat', async () => {
      await emulator.control('POST', '/tokens/expire', { portal_id: portal })
      const { status: code, body } = await tickets()
      assert.deepEqual([code, body.tickets.length], [200, 300])
      assert.equal(await asked(tokenPath), 1)
      assert.equal((await emulator.requests('/crm/')).filter((request) => request.status === 401).length, 1)
    })

    test('a token is refreshed before it runs out, by our own clock', async () => {
      await adminQuery(
        `update integration_tokens set refresh_at = now() where integration_id = '${id}'`,
        databaseUrl,
      )
      assert.equal((await tickets()).status, 200)
      assert.equal(await asked(tokenPath), 1)
      const [row] = await adminQuery(
        `select extract(epoch from refresh_at - now()) as s, extract(epoch from expires_at - now()) as e from integration_tokens where integration_id = '${id}'`,
        databaseUrl,
      )
      assert.ok(
        Number(row?.e) > 1_790 && Number(row?.s) > 1_670 && Number(row?.s) < 1_681,
        JSON.stringify(row),
      )
    })

    test('tokens that expire again and again in the middle of a full sync lose no page and no ticket', async () => {
      await emulator.control('POST', '/faults', {
        match: { path: '/crm/objects', method: 'GET', portal_id: portal },
        kind: 'delay',
        delay_ms: 120,
        times: null,
      })
      const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
      for (let n = 0; n < 3; n++) {
        await new Promise((resolve) => setTimeout(resolve, 150))
        await emulator.control('POST', '/tokens/expire', { portal_id: portal })
      }
      const event = await runEnded(service, T, id, body.sync_event_id)
      await emulator.control('DELETE', '/faults')
      assert.deepEqual(
        { state: event.state, unchanged: event.unchanged, pages: event.pages },
        { state: 'succeeded', unchanged: 350, pages: 4 },
      )
    })

    test('a refused refresh ends in reauth_required with its reason, and HubSpot is not called again', async () => {
      await emulator.control('POST', '/tokens/revoke', { portal_id: portal })
      const first = await tickets()
      assert.deepEqual(
        [first.status, first.body.code, first.body.error],
        [409, 'token_invalid', 'Invalid or expired access token'],
      )
      const { status: state, status_reason: reason } = await status()
      assert.deepEqual([state, reason], ['reauth_required', 'refresh_refused:BAD_REFRESH_TOKEN'])
      await emulator.control('DELETE', '/requests')
      assert.equal((await tickets()).status, 409)
      assert.equal((await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })).status, 409)
      assert.equal((await service.get(`/api/hubspot/status/${T}/${id}`)).body.connected, false)
      assert.deepEqual(await emulator.requests(), [])
    })

    test('a wrong client secret is the operator’s to fix: an error in the log, and no tenant is disconnected', async () => {
      await emulator.control('PATCH', '/apps/test-client', { client_secret: 'rotated-at-hubspot' })
      await emulator.control('POST', '/tokens/expire', { portal_id: portal })
      const answer = await tickets()
      assert.deepEqual([answer.status, answer.body.code], [503, 'oauth_not_configured'])
      assert.equal((await status()).status, 'active')
      assert.ok(
        service.lines.some(
          (line) => line.includes('"level":"error"') && line.includes('HUBSPOT_CLIENT_SECRET'),
        ),
      )
      await emulator.control('PATCH', '/apps/test-client', { client_secret: 'test-secret-of-the-app' })
      assert.equal((await tickets()).status, 200)
    })

    test('HubSpot down while refreshing is 502, and the next request refreshes', async () => {
      await emulator.control('POST', '/tokens/expire', { portal_id: portal })
      await emulator.control('POST', '/faults', {
        match: { path: tokenPath },
        kind: 'status',
        status: 503,
        times: 1,
      })
      const answer = await tickets()
      assert.deepEqual(
        [answer.status, answer.body.code, answer.body.error],
        [502, 'hubspot_unavailable', 'HubSpot connection failed'],
      )
      assert.equal((await tickets()).status, 200)
    })

    test(`a refresh whose answer is lost is ${refresh === 'stable' ? 'recovered by the next one' : 'reported: reconnect'}`, async () => {
      await emulator.control('POST', '/tokens/expire', { portal_id: portal })
      await emulator.control('POST', '/faults', {
        match: { path: tokenPath },
        kind: 'reset',
        phase: 'after',
        times: 1,
      })
      assert.equal((await tickets()).status, 502)
      const next = await tickets()
      assert.deepEqual(
        [next.status, (await status()).status],
        refresh === 'stable' ? [200, 'active'] : [409, 'reauth_required'],
      )
    })

    test('a scope taken away requires a reconnect and names the scope', async () => {
      await emulator.control('POST', `/portals/${portal}/scopes`, { remove: ['tickets'] })
      const answer = await tickets()
      assert.deepEqual([answer.status, answer.body.code], [422, 'missing_scopes'])
      const { status: state, status_reason: reason } = await status()
      assert.deepEqual([state, reason], ['reauth_required', 'missing_scopes:tickets'])
    })
  })
}
