/** Shows that one tenant's integration does not exist for another. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { DemoContext, Tenant } from './tenants.ts'

/** Under B, A's integration and one that never was are the same: 404, byte for byte. */
export async function checkIsolation(
  { spoke, api, screen, step }: DemoContext,
  a: Tenant,
  b: Tenant,
): Promise<void> {
  step('tenant A’s integration does not exist for tenant B')
  const route = (tenant: string, integration: string) => `/api/hubspot/status/${tenant}/${integration}`
  const own = await spoke.tenant(a.id).integrations.status(a.integrationId)
  assert.equal(own.connected, true)
  const foreign = await api.getAny(route(b.id, a.integrationId))
  const unknown = await api.getAny(route(b.id, randomUUID()))
  assert.equal(foreign.status, 404)
  assert.equal(unknown.status, 404)
  // Every answer carries an id of its own; nothing but that may differ.
  assert.notEqual(foreign.body.request_id, unknown.body.request_id)
  const bytes = (answer: typeof foreign) => answer.text.replace(answer.body.request_id, '')
  assert.equal(bytes(foreign), bytes(unknown))
  screen.held('A asks for A', `200  connected to ${own.hub_domain ?? own.hub_id}`)
  screen.held('B asks for A', `404  ${foreign.body.error}`)
  screen.held('B asks for none', `404  ${unknown.body.error}`, 'the same bytes, but for the request’s id')
}
