/** SQL on a tenant's HubSpot accounts and on the routes from accounts to integrations. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'

/** All accounts of a tenant, including those of disconnected integrations. */
export async function portalsOf({ query, tenantId }: TenantScope): Promise<number[]> {
  const rows = await query(sql<{ portalId: number }>`
    select portal_id as "portalId" from tenant_integrations where tenant_id = ${tenantId} and portal_id is not null`)
  return rows.map(({ portalId }) => portalId)
}

/**
 * Repairs routes written by a process of an earlier release, which do not record whether our own
 * app is installed.
 *
 * @returns how many were repaired
 */
export async function mendRoutes({ query, tenantId }: TenantScope): Promise<number> {
  const rows = await query(sql`
    update portal_routes r
    set installed_at = case when t.kind = 'oauth' then clock_timestamp() end
    from integration_tokens t
    where r.tenant_id = ${tenantId} and t.tenant_id = ${tenantId} and t.integration_id = r.integration_id
      and (t.kind = 'oauth') is distinct from (r.installed_at is not null)
    returning 1 as one`)
  return rows.length
}
