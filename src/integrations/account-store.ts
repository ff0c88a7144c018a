/** SQL on a tenant's HubSpot accounts. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'

/** All accounts of a tenant, including those of disconnected integrations. */
export async function hubIdsOf({ query, tenantId }: TenantScope): Promise<number[]> {
  const rows = await query(sql<{ hubId: number }>`
    select hub_id as "hubId" from tenant_integrations where tenant_id = ${tenantId} and hub_id is not null`)
  return rows.map(({ hubId }) => hubId)
}
