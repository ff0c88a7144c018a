/** SQL on HubSpot accounts: those of a tenant, and who else is connected to one. */
import { sql } from 'kysely'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import { tenantNotErasing } from './oauth/confirmation-store.ts'

/** All accounts of a tenant, including those of disconnected integrations. */
export async function hubIdsOf({ query, tenantId }: TenantScope): Promise<number[]> {
  const rows = await query(sql<{ hub_id: number }>`
    select hub_id from tenant_integrations where tenant_id = ${tenantId} and hub_id is not null`)
  return rows.map(({ hub_id }) => hub_id)
}

export async function deleteAccountRoute(scope: TenantScope, id: string): Promise<void> {
  await scope.query(sql`
    delete from account_routes where tenant_id = ${scope.tenantId} and integration_id = ${id}`)
}

/**
 * Whether another live integration, of any tenant, or a waiting grant uses the HubSpot account. A
 * tenant that is being erased does not count: it has no routes, and its waiting grants can no
 * longer be confirmed.
 *
 * @param except the integration to ignore; absent: none
 */
export async function accountIsShared(
  scope: SystemScope,
  hubId: number,
  except: string | undefined,
): Promise<boolean> {
  const rows = await scope.query(sql`
    select from account_routes
    where hub_id = ${hubId} and integration_id is distinct from ${except ?? null}::uuid
    union all
    select from confirmations
    where hub_id = ${hubId} and confirmed_at is null and expires_at > now() and ${tenantNotErasing}
    limit 1`)
  return rows.length > 0
}
