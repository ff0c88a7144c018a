/**
 * All SQL on stored responses. Times are the database's.
 *
 * A tenant's expired rows are deleted when one of its keys is used, and by retention.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { AppError } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { IdempotencyKey } from './idempotency.ts'

export interface StoredResponse<Body = unknown> {
  status: number
  body: Body
}

/** How long a response is repeated. */
const retentionPeriod = sql`interval '24 hours'`
/** Longer than any request may take: when it is over, the process that claimed the key is dead. */
const lease = sql`interval '60 seconds'`

const mismatch = () =>
  new AppError('idempotency_mismatch', 'This Idempotency-Key was used for another request')
const inProgress = () =>
  new AppError('idempotency_in_progress', 'The request with this Idempotency-Key is still in progress', {
    retryAfter: 1,
  })

interface Row {
  salt: string
  request_hash: string
  status: number | null
  response: unknown
  held: boolean
}

/**
 * @returns the stored response, or undefined when the key is free
 * @throws AppError idempotency_mismatch | idempotency_in_progress
 */
export async function findStoredResponse<Body>(
  scope: TenantScope,
  key: IdempotencyKey,
): Promise<StoredResponse<Body> | undefined> {
  await deleteExpiredIdempotencyKeys(scope, 100)
  const [row] = await scope.query(sql<Row>`
    select salt, request_hash, status, response, lease_until > clock_timestamp() as held from idempotency_keys
    where tenant_id = ${scope.tenantId} and key_hash = ${key.keyHash} and expires_at > now()`)
  if (!row) return undefined
  if (row.status === null && !row.held) return undefined
  if (row.request_hash !== key.hashWith(row.salt)) throw mismatch()
  if (row.status === null) throw inProgress()
  return { status: row.status, body: row.response as Body }
}

/** @returns how many were deleted */
export async function deleteExpiredIdempotencyKeys(scope: TenantScope, atMost: number): Promise<number> {
  const rows = await scope.query(sql`
    delete from idempotency_keys where tenant_id = ${scope.tenantId} and key_hash in (
      select key_hash from idempotency_keys
      where tenant_id = ${scope.tenantId} and expires_at <= now() limit ${atMost} for update skip locked)
    returning 1 as one`)
  return rows.length
}

/** Ids of tenants that have expired keys, in order, including tenants that were never created. */
export async function tenantsWithExpiredIdempotencyKeys(
  { query }: SystemScope,
  after: TenantId | undefined,
  limit: number,
): Promise<TenantId[]> {
  const rows = await query(sql<{ tenant_id: TenantId }>`
    select distinct tenant_id from idempotency_keys
    where expires_at <= now() and (${after ?? null}::uuid is null or tenant_id > ${after ?? null}::uuid)
    order by tenant_id limit ${limit}`)
  return rows.map((row) => row.tenant_id)
}

/**
 * Claims a free key before work that spans more than one transaction. Of two concurrent claims one
 * succeeds.
 *
 * @returns the claim, needed to store the response or release the key
 * @throws AppError idempotency_in_progress
 */
export async function claimIdempotencyKey(scope: TenantScope, key: IdempotencyKey): Promise<string> {
  const [claim, salt] = [newId(), randomBytes(16).toString('base64url')]
  const rows = await scope.query(sql`
    insert into idempotency_keys as k (tenant_id, key_hash, claim, salt, request_hash, lease_until, expires_at)
    values (${scope.tenantId}, ${key.keyHash}, ${claim}, ${salt}, ${key.hashWith(salt)},
      clock_timestamp() + ${lease}, now() + ${retentionPeriod})
    on conflict (tenant_id, key_hash) do update set claim = excluded.claim, salt = excluded.salt,
      request_hash = excluded.request_hash, status = null, response = null, lease_until = excluded.lease_until, expires_at = excluded.expires_at
    where (k.status is null and k.lease_until <= clock_timestamp()) or k.expires_at <= now()
    returning 1 as one`)
  if (rows.length === 0) throw inProgress()
  return claim
}

/**
 * Stores the response in the same transaction as the effect.
 *
 * @throws AppError idempotency_in_progress when the claim was lost
 */
export async function saveStoredResponse(
  scope: TenantScope,
  key: IdempotencyKey,
  claim: string,
  { status, body }: StoredResponse,
): Promise<void> {
  const rows = await scope.query(sql`
    update idempotency_keys set status = ${status}, response = ${JSON.stringify(body)}::json, lease_until = null
    where tenant_id = ${scope.tenantId} and key_hash = ${key.keyHash} and claim = ${claim} and status is null
    returning 1 as one`)
  if (rows.length === 0) throw inProgress()
}

/** A failed request had no effect, so its key may be used again. */
export async function releaseIdempotencyKey(
  scope: TenantScope,
  key: IdempotencyKey,
  claim: string,
): Promise<void> {
  await scope.query(sql`
    delete from idempotency_keys
    where tenant_id = ${scope.tenantId} and key_hash = ${key.keyHash} and claim = ${claim} and status is null`)
}
