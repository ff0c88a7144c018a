/** Sends to the endpoints that have due deliveries; one that hangs delays only itself. */
import type { WorkSource } from '../api/feature.ts'
import { scanInRounds } from '../db/scan.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { dueEndpoints, type TenantEndpoint } from './delivery-store.ts'
import { type SenderDependencies, sendToEndpoint } from './sender.ts'

/** Endpoints per process. Most of the time they wait for their receivers. */
const maxEndpoints = 32
/** Endpoints per tenant, so that one tenant's receivers that hang do not block other tenants. */
const maxEndpointsPerTenant = 4
/** How long an endpoint is left alone when everything due waits for an earlier delivery. */
const idleMs = 1_000

export function outboxSource(deps: SenderDependencies): WorkSource<TenantEndpoint> {
  return {
    name: 'outbox',
    ...scanInRounds<TenantEndpoint>((at) => dueEndpoints({ ...at, withProduct: deps.product !== undefined })),
    keyOf: ({ tenant_id, endpoint_id }) => `${tenant_id} ${endpoint_id}`,
    tenantOf: ({ tenant_id }) => tenant_id,
    limit: () => maxEndpoints,
    perTenant: maxEndpointsPerTenant,
    async run({ tenant_id, endpoint_id }, signal) {
      const taken = await sendToEndpoint(deps, parseTenantId(tenant_id), endpoint_id, signal)
      return taken === 0 ? idleMs : 0
    },
  }
}
