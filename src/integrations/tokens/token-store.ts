/**
 * All SQL on tokens; writes under a claim check its epoch, so that a stale refresher changes
 * nothing.
 *
 * Over 200 lines because every statement that checks or advances the epoch is here.
 */
import { sql } from 'kysely'
import { fromNow } from '../../db/database.ts'
import type { TenantScope } from '../../db/scope.ts'
import { type KeyRing, type TenantSealer, tenantSealer } from '../../lib/seal.ts'
import type { Secret } from '../../lib/secret.ts'
import { tenantSealerOf } from '../../tenants/store.ts'
import type { IntegrationRef, TokenKind } from '../integration.ts'

/** Longest lifetime of a refresher's claim; its call to HubSpot has a much shorter limit. */
const refreshLease = sql`interval '20 seconds'`

export interface StoredToken {
  kind: TokenKind
  accessToken: Secret
  refreshToken: Secret | undefined
  epoch: number
  /** It is time to refresh it. */
  due: boolean
  /** A process is refreshing it now. */
  leased: boolean
  /** Remaining lifetime, ms; undefined when it does not expire or this is unknown. */
  expiresInMs: number | undefined
  /** ms since HubSpot last confirmed it; undefined: never. */
  confirmedMsAgo: number | undefined
}

/** As stored, with what opens it. */
export interface SealedToken {
  data_key: string
  kind: TokenKind
  access_token: string
  refresh_token: string | null
  epoch: number
  due: boolean
  leased: boolean
  expires_in_ms: number | null
  confirmed_ms_ago: number | null
}

const field = (integration: string, name: 'access_token' | 'refresh_token') => ({ integration, field: name })

/** @returns undefined when the integration has no token (never connected, or deleted) */
export async function readSealedToken(scope: TenantScope, id: string): Promise<SealedToken | undefined> {
  const rows = await scope.query(
    sql<SealedToken>`
    select o.data_key, t.kind, t.access_token, t.refresh_token, t.epoch,
      coalesce(t.refresh_at <= clock_timestamp(), false) as due,
      coalesce(t.lease_until > clock_timestamp(), false) as leased,
      (extract(epoch from t.expires_at - clock_timestamp()) * 1000)::float8 as expires_in_ms,
      (extract(epoch from clock_timestamp() - t.confirmed_at) * 1000)::float8 as confirmed_ms_ago
    from integration_tokens t
    join tenants o on o.tenant_id = t.tenant_id
    where t.tenant_id = ${scope.tenantId} and t.integration_id = ${id} and t.access_token is not null`,
    { prepare: true },
  )
  return rows[0]
}

/** @throws SealError when the ring does not open it */
export async function openToken(
  ring: KeyRing,
  { tenantId, integrationId: id }: IntegrationRef,
  row: SealedToken,
): Promise<StoredToken> {
  const sealer = await tenantSealer(ring, tenantId, row.data_key)
  return {
    kind: row.kind,
    accessToken: await sealer.open(row.access_token, field(id, 'access_token')),
    refreshToken:
      row.refresh_token === null
        ? undefined
        : await sealer.open(row.refresh_token, field(id, 'refresh_token')),
    epoch: row.epoch,
    due: row.due,
    leased: row.leased,
    expiresInMs: row.expires_in_ms ?? undefined,
    confirmedMsAgo: row.confirmed_ms_ago ?? undefined,
  }
}

/**
 * @returns undefined when the integration has no token (never connected, or deleted)
 * @throws SealError when the ring does not open it
 */
export async function readToken(
  scope: TenantScope,
  ring: KeyRing,
  id: string,
): Promise<StoredToken | undefined> {
  const sealed = await readSealedToken(scope, id)
  return sealed && (await openToken(ring, { tenantId: scope.tenantId, integrationId: id }, sealed))
}

/**
 * Blocks other writes of the token until the transaction ends, so that the token read is the token
 * deleted.
 */
export async function lockToken(scope: TenantScope, id: string): Promise<void> {
  await scope.query(sql`
    select from integration_tokens
    where tenant_id = ${scope.tenantId} and integration_id = ${id} for update`)
}

/** The token from a connect or a refresh. `refreshToken` undefined: the stored one stays. */
export interface NewToken {
  kind: TokenKind
  accessToken: Secret
  refreshToken: Secret | undefined
  expiresInMs: number | null
}

/**
 * Refresh two minutes before expiry, or at half the lifetime if that is shorter than four minutes.
 */
const refreshAfterMs = (expiresInMs: number) => Math.max(expiresInMs - 120_000, expiresInMs / 2)

async function sealToken(sealer: TenantSealer, id: string, token: NewToken) {
  return {
    access: await sealer.seal(token.accessToken, field(id, 'access_token')),
    refresh: token.refreshToken ? await sealer.seal(token.refreshToken, field(id, 'refresh_token')) : null,
    expiresInMs: token.expiresInMs,
    refreshInMs:
      token.expiresInMs === null || token.kind !== 'oauth' ? null : refreshAfterMs(token.expiresInMs),
  }
}

/** Replaces any stored token; a token that was just issued or checked counts as confirmed. */
export async function replaceToken(
  scope: TenantScope,
  ring: KeyRing,
  id: string,
  token: NewToken,
): Promise<void> {
  const sealer = await tenantSealerOf(scope, ring)
  if (!sealer) throw new Error('cannot store a token for a tenant that does not exist')
  const { access, refresh, expiresInMs, refreshInMs } = await sealToken(sealer, id, token)
  await scope.query(sql`
    insert into integration_tokens as t
      (tenant_id, integration_id, kind, access_token, refresh_token, expires_at, refresh_at, confirmed_at)
    values (${scope.tenantId}, ${id}, ${token.kind}, ${access}, ${refresh},
      ${fromNow(expiresInMs)},
      ${fromNow(refreshInMs)}, clock_timestamp())
    on conflict (tenant_id, integration_id) do update set
      kind = excluded.kind, access_token = excluded.access_token, refresh_token = excluded.refresh_token,
      expires_at = excluded.expires_at, refresh_at = excluded.refresh_at, confirmed_at = excluded.confirmed_at,
      epoch = t.epoch + 1, lease_until = null`)
}

/**
 * Claims the refresh for one process.
 *
 * @returns the claim's epoch, or undefined when another process was first
 */
export async function claimTokenRefresh(
  scope: TenantScope,
  id: string,
  epoch: number,
): Promise<number | undefined> {
  const rows = await scope.query(sql<{ epoch: number }>`
    update integration_tokens set epoch = epoch + 1, lease_until = clock_timestamp() + ${refreshLease}
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and epoch = ${epoch}
      and (lease_until is null or lease_until <= clock_timestamp()) and access_token is not null
    returning epoch`)
  return rows[0]?.epoch
}

/**
 * Stores the result of a claim.
 *
 * @returns false when a newer claim or a reconnect came first; nothing changed then
 */
export async function saveRefreshedToken(
  scope: TenantScope,
  ring: KeyRing,
  id: string,
  claim: number,
  token: NewToken,
): Promise<boolean> {
  const sealer = await tenantSealerOf(scope, ring)
  if (!sealer) return false
  const { access, refresh, expiresInMs, refreshInMs } = await sealToken(sealer, id, token)
  const rows = await scope.query(sql`
    update integration_tokens set
      access_token = ${access}, refresh_token = coalesce(${refresh}, refresh_token),
      expires_at = ${fromNow(expiresInMs)},
      refresh_at = ${fromNow(refreshInMs)},
      confirmed_at = clock_timestamp(), epoch = epoch + 1, lease_until = null
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and epoch = ${claim}
    returning epoch`)
  return rows.length > 0
}

/** Releases the claim without a new token. @returns whether the claim was still valid */
export async function releaseTokenRefresh(scope: TenantScope, id: string, claim: number): Promise<boolean> {
  const rows = await scope.query(sql`
    update integration_tokens set lease_until = null
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and epoch = ${claim}
    returning epoch`)
  return rows.length > 0
}

export async function confirmToken(scope: TenantScope, id: string, epoch: number): Promise<void> {
  await scope.query(sql`
    update integration_tokens set confirmed_at = clock_timestamp()
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and epoch = ${epoch}`)
}

/** Forces a refresh before the next use, regardless of the remaining lifetime. */
export async function makeTokenDue(scope: TenantScope, id: string): Promise<void> {
  await scope.query(sql`
    update integration_tokens set refresh_at = clock_timestamp()
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and kind = 'oauth' and access_token is not null`)
}

/** Lists some of the tenant's tokens, for an erasure that works in batches. */
export async function listTokens(
  scope: TenantScope,
  atMost: number,
): Promise<{ integration_id: string; hub_id: number | null }[]> {
  return await scope.query(sql`
    select t.integration_id, i.hub_id
    from integration_tokens t
    join tenant_integrations i on i.tenant_id = t.tenant_id and i.integration_id = t.integration_id
    where t.tenant_id = ${scope.tenantId} limit ${atMost}`)
}

export async function deleteToken(scope: TenantScope, id: string): Promise<void> {
  await scope.query(sql`
    delete from integration_tokens where tenant_id = ${scope.tenantId} and integration_id = ${id}`)
}

/** The row stays for its epoch, which fences any refresher still running. */
export async function clearToken(scope: TenantScope, id: string): Promise<void> {
  await scope.query(sql`
    update integration_tokens set access_token = null, refresh_token = null, expires_at = null, refresh_at = null,
      confirmed_at = null, epoch = epoch + 1, lease_until = null
    where tenant_id = ${scope.tenantId} and integration_id = ${id}`)
}
