/**
 * All SQL on tenants' keys. Times are the database's.
 *
 * A revoked or expired key never authenticates a caller.
 */
import { sql } from 'kysely'
import type { z } from 'zod'
import type { Scope } from '../api/principal.ts'
import type { RowOf } from '../api/wire.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { apiKey } from '../tenants/schema.ts'

/** A key as it is shown, without its secret or hash. */
export type ApiKey = RowOf<
  z.infer<typeof apiKey>,
  'created_at' | 'expires_at' | 'revoked_at' | 'last_used_at'
>

const shown = sql`key_id, name, scopes, created_at, expires_at, revoked_at, last_used_at`

/** What a caller's key is verified against. */
export interface StoredApiKey {
  key_id: string
  tenant_id: TenantId
  scopes: Scope[]
  key_hash: string
}

/** Those of the keys that are neither revoked nor expired. */
export async function findLiveApiKeys(
  { query }: SystemScope,
  keyIds: readonly string[],
): Promise<StoredApiKey[]> {
  return await query(
    sql<StoredApiKey>`
    select key_id, tenant_id, scopes, key_hash from api_keys
    where key_id = any(${[...keyIds]}::text[])
      and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())`,
    { prepare: true },
  )
}

/** Records the use at most once a minute, so that a busy key does not write on every request. */
export async function recordApiKeyUse({ query }: SystemScope, keyId: string): Promise<void> {
  await query(sql`
    update api_keys set last_used_at = now()
    where key_id = ${keyId} and (last_used_at is null or last_used_at < now() - interval '1 minute')`)
}

/** Whether any key would authenticate a caller. */
export async function anyLiveApiKey({ query }: SystemScope): Promise<boolean> {
  const rows = await query(sql`
    select from api_keys where revoked_at is null and (expires_at is null or expires_at > now()) limit 1`)
  return rows.length > 0
}

export interface NewKey {
  keyId: string
  name: string
  scopes: readonly Scope[]
  keyHash: string
  /** null: it does not expire */
  lifeMs: number | null
}

/**
 * Inserts only if the tenant exists, and locks the tenant until the transaction ends.
 *
 * @returns undefined when there is no such tenant
 */
export async function insertApiKey(scope: TenantScope, key: NewKey): Promise<ApiKey | undefined> {
  const [row] = await scope.query(sql<ApiKey>`
    with whose as (select tenant_id from tenants where tenant_id = ${scope.tenantId} for share)
    insert into api_keys (key_id, tenant_id, name, scopes, key_hash, expires_at)
    select ${key.keyId}, tenant_id, ${key.name}, ${key.scopes}::text[], ${key.keyHash},
      now() + ${key.lifeMs}::float8 * interval '1 millisecond'
    from whose
    returning ${shown}`)
  return row
}

export async function listApiKeys(
  scope: TenantScope,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<ApiKey[]> {
  return await scope.query(sql<ApiKey>`
    select ${shown} from api_keys
    where tenant_id = ${scope.tenantId} and key_id > ${after ?? ''}
    order by key_id limit ${limit}`)
}

/** Locks the key's row until the transaction ends. */
export async function lockApiKey(
  scope: TenantScope,
  keyId: string,
): Promise<(ApiKey & { live: boolean }) | undefined> {
  const [row] = await scope.query(sql<ApiKey & { live: boolean }>`
    select ${shown}, revoked_at is null and (expires_at is null or expires_at > now()) as live from api_keys
    where tenant_id = ${scope.tenantId} and key_id = ${keyId} for update`)
  return row
}

/** Ends the key after `ms`, unless it ends sooner. */
export async function expireApiKeyWithin(scope: TenantScope, keyId: string, ms: number): Promise<void> {
  await scope.query(sql`
    update api_keys set expires_at = least(expires_at, now() + ${ms} * interval '1 millisecond')
    where tenant_id = ${scope.tenantId} and key_id = ${keyId}`)
}

/** Revoking again does not change the time. @returns undefined when there is no such key */
export async function markApiKeyRevoked(scope: TenantScope, keyId: string): Promise<ApiKey | undefined> {
  const [row] = await scope.query(sql<ApiKey>`
    update api_keys set revoked_at = coalesce(revoked_at, now())
    where tenant_id = ${scope.tenantId} and key_id = ${keyId}
    returning ${shown}`)
  return row
}
