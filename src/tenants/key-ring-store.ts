/** All SQL on the key ring: which keys the database knows, and how many tenants each key seals. */
import { sql } from 'kysely'
import type { SystemScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'

/** Every key the database knows, with its sentinel. */
export async function findRingKeys({ query }: SystemScope): Promise<{ kid: string; sentinel: string }[]> {
  return await query(sql`select key_id as kid, sentinel from ring_keys order by first_used_at, key_id`)
}

/**
 * An existing sentinel is never replaced: a second process that uses the same key name with other
 * bytes reads it back and detects the conflict.
 */
export async function insertRingKey({ query }: SystemScope, kid: string, sentinel: string): Promise<void> {
  await query(sql`
    insert into ring_keys (key_id, sentinel) values (${kid}, ${sentinel}) on conflict (key_id) do nothing`)
}

export async function deleteRingKeys({ query }: SystemScope, kids: readonly string[]): Promise<void> {
  if (kids.length > 0) await query(sql`delete from ring_keys where key_id in (${sql.join(kids)})`)
}

/** How many tenants' data keys a key seals, and one of those tenants that is not being erased. */
export interface RingKeyUse {
  kid: string
  tenants: number
  /** null: all of them are being erased. */
  example: TenantId | null
}

/** Reads all tenants: about 20 ms for 100,000. */
export async function findRingKeyUses({ query }: SystemScope): Promise<RingKeyUse[]> {
  return await query(sql<RingKeyUse>`
    select key_id as kid, count(*) as tenants,
      min(tenant_id::text) filter (where erasing_at is null) as example
    from tenants group by key_id order by key_id`)
}

/**
 * The next tenants, by id, that are sealed by another key than `kid`. Tenants being erased are left
 * out.
 */
export async function tenantsNotSealedUnder(
  { query }: SystemScope,
  kid: string,
  after: TenantId | undefined,
  limit: number,
): Promise<TenantId[]> {
  const rows = await query(sql<{ tenant_id: TenantId }>`
    select tenant_id from tenants
    where key_id <> ${kid} and erasing_at is null and (${after ?? null}::uuid is null or tenant_id > ${after ?? null}::uuid)
    order by tenant_id limit ${limit}`)
  return rows.map((row) => row.tenant_id)
}
