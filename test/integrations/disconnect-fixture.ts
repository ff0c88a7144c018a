/** Shared by the tests of disconnecting: connected integrations of both kinds, and checks of what remains. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { runSql } from '../http/database.ts'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { checkShape } from '../http/oracle.ts'
import { send } from '../http/send.ts'
import { eventually } from '../support/service.ts'
import { startOAuth } from './oauth/oauth-fixture.ts'

export type Ids = { tenant: string; integration: string }

export async function startDisconnects() {
  const bench = await startOAuth({ HUBSPOT_TIMEOUT: '3s' })

  const pathOf = ({ tenant, integration }: Ids) => `/api/hubspot/integrations/${tenant}/${integration}`
  const drop = (ids: Ids, query = '') =>
    send(bench.service.url, { method: 'DELETE', path: `${pathOf(ids)}${query}` })
  const revokes = () =>
    bench.emulator.world.log.list().filter(({ path }) => path.endsWith('/token/revoke')).length

  async function byOAuth(portal = bench.portal(), tenant: string = randomUUID()) {
    const { integration, code, state } = await bench.start(portal, tenant)
    assert.equal((await bench.post(code, state)).status, 200)
    await idle(bench.service, bench.database)
    return { tenant, integration, portal }
  }

  async function byToken() {
    const { token, portal } = newAccount(bench.emulator)
    const ids = await connectTenant(bench.service, token)
    await idle(bench.service, bench.database)
    return { ...ids, portal, token }
  }

  const living = (portal: number) =>
    [...bench.emulator.world.tokens.refresh.values()].filter(
      ({ grant, revoked }) => grant.portal_id === portal && !revoked,
    ).length

  async function rowsOf(tenant: string): Promise<Record<string, number>> {
    const found: Record<string, number> = {}
    for (const table of [
      'tenant_integrations',
      'integration_tokens',
      'issues',
      'sync_events',
      'sync_streams',
      'authorizations',
      'account_routes',
    ]) {
      const [row] = await runSql(
        bench.database,
        `select count(*)::int as n from ${table} where tenant_id = '${tenant}'`,
      )
      found[table] = Number(row?.n)
    }
    return found
  }

  /** A call that HubSpot left hanging is logged when its caller disconnects. */
  const hubspotIsQuiet = () =>
    eventually(async () => bench.emulator.world.log.stats().in_flight === 0, 'no call is in flight')

  async function isDisconnected(ids: Ids): Promise<void> {
    await hubspotIsQuiet()
    const headers = { 'content-type': 'application/json' }
    const path = `/${ids.tenant}/${ids.integration}`
    for (const sent of [
      { path: `/api/hubspot/tickets${path}` },
      { method: 'POST', path: `/api/hubspot/sync${path}`, headers, body: '{}' },
    ]) {
      const asked = bench.emulator.world.log.list().length
      const answer = await send(bench.service.url, sent)
      checkShape(answer, { what: sent.path, status: 409, code: 'integration_not_connected' })
      assert.equal(bench.emulator.world.log.list().length, asked, 'HubSpot was called')
    }
    const { body } = await bench.service.get(pathOf(ids))
    assert.equal(body.status, 'disconnected')
    const [row] = await runSql(
      bench.database,
      `select count(*)::int as n from integration_tokens where integration_id = '${ids.integration}'
        and coalesce(access_token, refresh_token) is not null`,
    )
    assert.equal(row?.n, 0, 'tokens are still stored')
    const list = await bench.service.get(`/api/hubspot/sync${path}`)
    assert.ok(list.body.events.length > 0, 'the history stays')
    const issues = await bench.service.get(
      `/api/hubspot/issues/${ids.tenant}?integration_id=${ids.integration}`,
    )
    assert.ok(issues.body.issues.length > 0, 'the data stays')
  }

  return { ...bench, pathOf, drop, revokes, byOAuth, byToken, living, rowsOf, hubspotIsQuiet, isDisconnected }
}

export type Disconnects = Awaited<ReturnType<typeof startDisconnects>>
