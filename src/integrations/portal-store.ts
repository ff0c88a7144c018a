/** SQL on what is kept by HubSpot account and not by tenant: it goes with the last integration on the account. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'

/** All accounts of a tenant, also of integrations that are disconnected. */
export async function portalsOf({ query, tenantId }: TenantScope): Promise<number[]> {
  const rows = await query(sql<{ portalId: number }>`
    select portal_id as "portalId" from tenant_integrations where tenant_id = ${tenantId} and portal_id is not null`)
  return rows.map(({ portalId }) => portalId)
}

/** A process of an earlier release has written routes that do not say whether our own app is installed. @returns how many were mended */
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
