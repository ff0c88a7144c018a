/** All SQL on tenants: creating one, and its data key. */
import { sql } from 'kysely'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { type KeyRing, newDataKey, resealDataKey, type TenantSealer, tenantSealer } from '../lib/seal.ts'

/**
 * Creates the tenant if it does not exist. Concurrent callers create only one.
 *
 * @returns whether this call created it
 */
export async function ensureTenant(scope: TenantScope, ring: KeyRing): Promise<boolean> {
  if (await findDataKey(scope)) return false
  const sealed = await newDataKey(ring, scope.tenantId)
  const rows = await scope.query(sql`
    insert into tenants (tenant_id, data_key) values (${scope.tenantId}, ${sealed})
    on conflict (tenant_id) do nothing returning tenant_id`)
  return rows.length > 0
}

async function findDataKey(scope: TenantScope): Promise<string | undefined> {
  const rows = await scope.query(sql<{ data_key: string }>`
    select data_key from tenants where tenant_id = ${scope.tenantId}`)
  return rows[0]?.data_key
}

/**
 * Seals and opens this tenant's secrets; undefined when the tenant does not exist.
 *
 * @throws SealError
 */
export async function tenantSealerOf(scope: TenantScope, ring: KeyRing): Promise<TenantSealer | undefined> {
  const sealed = await findDataKey(scope)
  return sealed === undefined ? undefined : await tenantSealer(ring, scope.tenantId, sealed)
}

/**
 * Seals the tenant's data key again, under the newest key of the ring. A concurrent second call
 * changes nothing.
 *
 * @returns whether this call did it
 * @throws SealError when the ring does not open it
 */
export async function resealTenant(scope: TenantScope, ring: KeyRing): Promise<boolean> {
  const old = await findDataKey(scope)
  const sealed = old && (await resealDataKey(ring, scope.tenantId, old))
  if (!sealed) return false
  const rows = await scope.query(sql`
    update tenants set data_key = ${sealed} where tenant_id = ${scope.tenantId} and data_key = ${old}
    returning tenant_id`)
  return rows.length > 0
}

export interface Tenant {
  tenant_id: TenantId
  created_at: Date
}

export async function findTenant(scope: TenantScope): Promise<Tenant | undefined> {
  const [row] = await scope.query(sql<Tenant>`
    select tenant_id, created_at from tenants where tenant_id = ${scope.tenantId}`)
  return row
}

/** All tenants, by id. */
export async function listTenants(
  { query }: SystemScope,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<Tenant[]> {
  return await query(sql<Tenant>`
    select tenant_id, created_at from tenants
    where ${after ?? null}::uuid is null or tenant_id > ${after ?? null}::uuid
    order by tenant_id limit ${limit}`)
}

/** Those of the tenants that exist and are not being erased. */
export async function findTenants({ query }: SystemScope, tenantIds: readonly string[]): Promise<TenantId[]> {
  const rows = await query(
    sql<{ tenant_id: TenantId }>`
    select tenant_id from tenants where tenant_id = any(${[...tenantIds]}::uuid[]) and erasing_at is null`,
    { prepare: true },
  )
  return rows.map(({ tenant_id }) => tenant_id)
}

/**
 * When the tenant was created, with the database's full precision: a tenant that was erased and
 * created again has another time. undefined when it does not exist.
 */
export async function tenantSince(scope: TenantScope): Promise<string | undefined> {
  const rows = await scope.query(sql<{ since: string }>`
    select created_at::text as since from tenants where tenant_id = ${scope.tenantId}`)
  return rows[0]?.since
}

export async function tenantExists(scope: TenantScope): Promise<boolean> {
  return (await findDataKey(scope)) !== undefined
}
