/** SQL on tenants that are marked for erasure. */
import { sql } from 'kysely'
import type { ErasureScope, SystemScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'

/**
 * Marks the tenant for erasure, if it is not marked yet.
 *
 * @returns false when the tenant does not exist
 */
export async function markTenantErasing({ query, tenantId }: ErasureScope): Promise<boolean> {
  const rows = await query(sql`
    update tenants set erasing_at = coalesce(erasing_at, clock_timestamp()) where tenant_id = ${tenantId}
    returning tenant_id`)
  return rows.length > 0
}

export async function isMarkedForErasure({ query, tenantId }: ErasureScope): Promise<boolean> {
  const rows = await query(sql`
    select tenant_id from tenants where tenant_id = ${tenantId} and erasing_at is not null`)
  return rows.length > 0
}

export async function deleteErasedTenant({ query, tenantId }: ErasureScope): Promise<void> {
  await query(sql`delete from tenants where tenant_id = ${tenantId}`)
}

/** Marked tenants, the longest-marked first. */
export async function findErasingTenants({ query }: SystemScope, limit: number): Promise<TenantId[]> {
  const rows = await query(sql<{ tenant_id: TenantId }>`
    select tenant_id from tenants where erasing_at is not null order by erasing_at, tenant_id limit ${limit}`)
  return rows.map((row) => row.tenant_id)
}
