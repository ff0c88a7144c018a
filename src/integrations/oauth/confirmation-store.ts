/** All SQL on grants that wait for a person's confirmation; tokens are passed sealed. */
import { sql } from 'kysely'
import { fromNow } from '../../db/database.ts'
import type { SystemScope, TenantScope } from '../../db/scope.ts'
import type { ConnectedAccount } from '../integration.ts'
import { maxUnfinished, pendingLifetime } from './authorization-store.ts'

/** A waiting grant, with its integration and account. */
export interface WaitingGrant extends Omit<ConnectedAccount, 'kind'> {
  confirmation_id: string
  integration_id: string
  /** Sealed; null when already confirmed. */
  access_token: string | null
  refresh_token: string | null
}

const columns = sql`
  confirmation_id, integration_id, hub_id, hub_domain, ui_domain, hub_user, scopes, access_token, refresh_token,
  (extract(epoch from token_expires_at - clock_timestamp()) * 1000)::float8 as expires_in_ms`

/** For the system scope: the tenant is not being erased. */
export const tenantNotErasing = sql`not exists (
  select from tenants t where t.tenant_id = confirmations.tenant_id and t.erasing_at is not null)`

/**
 * Stores the grant for as long as a person may take. Beyond a tenant's limit, the oldest expire.
 */
export async function insertConfirmation(
  scope: TenantScope,
  secretHash: string,
  row: WaitingGrant,
): Promise<void> {
  await scope.query(sql`
    update confirmations set expires_at = now() where tenant_id = ${scope.tenantId} and confirmation_id in (
      select confirmation_id from confirmations where tenant_id = ${scope.tenantId} and expires_at > now()
      order by expires_at desc, confirmation_id offset ${maxUnfinished - 1})`)
  await scope.query(sql`
    insert into confirmations
      (tenant_id, confirmation_id, integration_id, secret_hash, hub_id, hub_domain, ui_domain, hub_user, scopes,
        access_token, refresh_token, token_expires_at, expires_at)
    values
      (${scope.tenantId}, ${row.confirmation_id}, ${row.integration_id}, ${secretHash}, ${row.hub_id},
        ${row.hub_domain}, ${row.ui_domain}, ${row.hub_user}, ${row.scopes}::text[], ${row.access_token},
        ${row.refresh_token}, ${fromNow(row.expires_in_ms)}, now() + ${pendingLifetime})`)
}

/**
 * Locks the row until the transaction ends, so that of two concurrent decisions the second sees the
 * first.
 *
 * @returns undefined when it does not exist, has expired, or belongs to another browser
 */
export async function lockConfirmation(
  scope: TenantScope,
  id: string,
  secretHash: string,
): Promise<WaitingGrant | undefined> {
  const rows = await scope.query(sql<WaitingGrant>`
    select ${columns} from confirmations
    where tenant_id = ${scope.tenantId} and confirmation_id = ${id} and secret_hash = ${secretHash}
      and expires_at > now()
    for update`)
  return rows[0]
}

/** The row stays without its tokens, so that a second press of the button works. */
export async function markConfirmed(scope: TenantScope, id: string): Promise<void> {
  await scope.query(sql`
    update confirmations set access_token = null, refresh_token = null, confirmed_at = now()
    where tenant_id = ${scope.tenantId} and confirmation_id = ${id}`)
}

export async function deleteConfirmation(scope: TenantScope, id: string): Promise<void> {
  await scope.query(
    sql`delete from confirmations where tenant_id = ${scope.tenantId} and confirmation_id = ${id}`,
  )
}

/**
 * Lists some of the tenant's confirmations, including expired and confirmed ones, for an erasure
 * that works in batches.
 */
export async function listConfirmations(scope: TenantScope, atMost: number): Promise<WaitingGrant[]> {
  return await scope.query(sql<WaitingGrant>`
    select ${columns} from confirmations where tenant_id = ${scope.tenantId} limit ${atMost}`)
}

/**
 * Lists expired confirmations of all tenants that are not being erased; an erasure revokes its own.
 */
export async function findExpiredConfirmations(
  scope: SystemScope,
  limit: number,
): Promise<{ tenant_id: string; confirmation_id: string }[]> {
  return await scope.query(sql`
    select tenant_id, confirmation_id from confirmations
    where expires_at <= now() and ${tenantNotErasing} order by expires_at limit ${limit}`)
}

/** @returns undefined when another process was first */
export async function takeExpiredConfirmation(
  scope: TenantScope,
  id: string,
): Promise<WaitingGrant | undefined> {
  const rows = await scope.query(sql<WaitingGrant>`
    delete from confirmations
    where tenant_id = ${scope.tenantId} and confirmation_id = ${id} and expires_at <= now()
    returning ${columns}`)
  return rows[0]
}
