/** SQL on a tenant's HubSpot accounts. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'

/** All accounts of a tenant, including those of disconnected integrations. */
export async function portalsOf({ query, tenantId }: TenantScope): Promise<number[]> {
  const rows = await query(sql<{ portalId: number }>`
    select portal_id as "portalId" from tenant_integrations where tenant_id = ${tenantId} and portal_id is not null`)
  return rows.map(({ portalId }) => portalId)
}
