/** SQL on what is kept by HubSpot account and not by tenant: it goes with the last integration on the account. */
import { sql } from 'kysely'
import type { SystemScope, TenantScope } from '../tenants/scope.ts'

const unused = sql`not exists (select from portal_routes r where r.portal_id = b.portal_id)`

/** All accounts of a tenant, also of integrations that are disconnected. */
export async function portalsOf({ query, tenantId }: TenantScope): Promise<number[]> {
  const rows = await query(sql<{ portalId: number }>`
    select portal_id as "portalId" from tenant_integrations where tenant_id = ${tenantId} and portal_id is not null`)
  return rows.map(({ portalId }) => portalId)
}

/** The place for whatever else is kept by account: an inbox of webhooks is to be cleared here too. */
export async function forgetPortals({ query }: SystemScope, portalIds: readonly number[]): Promise<void> {
  await query(sql`
    delete from budgets b where b.portal_id = any(${[...portalIds]}::bigint[]) and ${unused}`)
}

/** Budgets of accounts that nobody is connected to any more, a day after their last call. @returns how many went */
export async function deleteIdleBudgets({ query }: SystemScope, atMost: number): Promise<number> {
  const rows = await query(sql`
    delete from budgets where ctid = any(array(
      select b.ctid from budgets b
      where greatest(b.next_at, b.closed_until) < clock_timestamp() - interval '1 day' and ${unused}
      limit ${atMost}))
    returning 1 as one`)
  return rows.length
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
