/** All SQL on authorizations in progress and the pending integrations that they are for. */
import { sql } from 'kysely'
import type { TenantScope } from '../../db/scope.ts'

/** Time that a person has to finish on HubSpot's page, and then again on ours. */
export const pendingLifetime = sql`interval '10 minutes'`

/**
 * Per tenant; the oldest are deleted first. People need a few, and a loop must not grow a tenant.
 */
export const maxUnfinished = 20

export async function insertPendingIntegration(scope: TenantScope, id: string): Promise<void> {
  await scope.query(sql`
    insert into tenant_integrations (tenant_id, integration_id, status)
    values (${scope.tenantId}, ${id}, 'pending')`)
}

/** A person is being asked to confirm the account now. */
const hasWaitingConfirmation = (scope: TenantScope) => sql`
  exists (
    select from confirmations c
    where c.tenant_id = ${scope.tenantId} and c.integration_id = tenant_integrations.integration_id
      and c.expires_at > now())`

/**
 * A row of tenant_integrations that was begun and can no longer be finished: it has no account and
 * no data.
 */
export const isStalePending = (scope: TenantScope) => sql`(
  status = 'pending' and created_at < now() - ${pendingLifetime}
  and not exists (
    select from authorizations a
    where a.tenant_id = ${scope.tenantId} and a.integration_id = tenant_integrations.integration_id
      and a.expires_at > now())
  and not ${hasWaitingConfirmation(scope)})`

export const hasStalePendingIntegrations = (scope: TenantScope) => sql<boolean>`exists (
  select from tenant_integrations where tenant_id = ${scope.tenantId} and ${isStalePending(scope)})`

/** @returns how many were deleted */
export async function deleteStalePendingIntegrations(scope: TenantScope): Promise<number> {
  const rows = await scope.query(sql`
    delete from tenant_integrations where tenant_id = ${scope.tenantId} and ${isStalePending(scope)}
    returning 1 as one`)
  return rows.length
}

/**
 * Makes room for one more of each, under the tenant's lock: deletes the oldest pending integrations
 * and authorizations.
 */
export async function deleteOldestAuthorizations(scope: TenantScope): Promise<void> {
  await scope.query(sql`
    delete from tenant_integrations where tenant_id = ${scope.tenantId} and integration_id in (
      select integration_id from tenant_integrations
      where tenant_id = ${scope.tenantId} and status = 'pending' and not ${hasWaitingConfirmation(scope)}
      order by created_at desc, integration_id desc offset ${maxUnfinished - 1})`)
  await scope.query(sql`
    delete from authorizations where tenant_id = ${scope.tenantId} and state_hash in (
      select state_hash from authorizations where tenant_id = ${scope.tenantId}
      order by expires_at desc, state_hash offset ${maxUnfinished - 1})`)
}

/**
 * Stores an authorization in progress: the state as a hash, the PKCE verifier sealed, and the name
 * of the caller.
 */
export async function insertAuthorization(
  scope: TenantScope,
  row: { integrationId: string; stateHash: string; codeVerifier: string; requestedBy: string },
): Promise<void> {
  await deleteExpiredAuthorizations(scope)
  await scope.query(sql`
    insert into authorizations (tenant_id, state_hash, integration_id, code_verifier, requested_by, expires_at)
    values (${scope.tenantId}, ${row.stateHash}, ${row.integrationId}, ${row.codeVerifier}, ${row.requestedBy},
      now() + ${pendingLifetime})`)
}

export const hasExpiredAuthorizations = ({ tenantId }: TenantScope) => sql<boolean>`exists (
  select from authorizations where tenant_id = ${tenantId} and expires_at < now())`

/** @returns how many were deleted */
export async function deleteExpiredAuthorizations(scope: TenantScope): Promise<number> {
  const rows = await scope.query(sql`
    delete from authorizations where tenant_id = ${scope.tenantId} and expires_at < now() returning 1 as one`)
  return rows.length
}

/** Whether the authorization exists and can be used. */
export async function isAuthorizationPending(
  scope: TenantScope,
  integrationId: string,
  stateHash: string,
): Promise<boolean> {
  const rows = await scope.query(sql`
    select from authorizations
    where tenant_id = ${scope.tenantId} and state_hash = ${stateHash}
      and integration_id = ${integrationId} and expires_at > now()`)
  return rows.length > 0
}

export interface TakenAuthorization {
  /** Sealed. */
  code_verifier: string
  requested_by: string
}

/**
 * Consumes an authorization.
 *
 * @returns undefined when it is invalid, used, expired or of another tenant
 */
export async function takeAuthorization(
  scope: TenantScope,
  integrationId: string,
  stateHash: string,
): Promise<TakenAuthorization | undefined> {
  const rows = await scope.query(sql<TakenAuthorization>`
    delete from authorizations
    where tenant_id = ${scope.tenantId} and state_hash = ${stateHash}
      and integration_id = ${integrationId} and expires_at > now()
    returning code_verifier, requested_by`)
  return rows[0]
}

/**
 * The same for a state without its nonce: only while exactly one authorization of the tenant is
 * pending.
 */
export async function takeOnlyAuthorization(
  scope: TenantScope,
  integrationId: string,
): Promise<TakenAuthorization | undefined> {
  const rows = await scope.query(sql<TakenAuthorization>`
    delete from authorizations
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and expires_at > now()
      and (select count(*) from authorizations a
           where a.tenant_id = ${scope.tenantId} and a.expires_at > now()) = 1
    returning code_verifier, requested_by`)
  return rows[0]
}
