/** SQL on integrations; accounts, tokens and authorizations have stores of their own. */
import { type RawBuilder, sql } from 'kysely'
import { recordChange } from '../changes/store.ts'
import type { TenantScope } from '../db/scope.ts'
import {
  type ConnectedAccount,
  type Integration,
  type IntegrationStatus,
  liveStatuses,
  sourcesOf,
} from './integration.ts'
import { isStalePending } from './oauth/authorization-store.ts'

const columns = sql`
  integration_id, integration_type, status, status_reason, hub_id, hub_domain, scopes, created_at, last_sync_at`

export async function findIntegration(scope: TenantScope, id: string): Promise<Integration | undefined> {
  const rows = await scope.query(
    sql<Integration>`
    select ${columns} from tenant_integrations
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and integration_type = 'hubspot'`,
    { prepare: true },
  )
  return rows[0]
}

export async function findIntegrationByHubId(
  scope: TenantScope,
  hubId: number,
): Promise<Integration | undefined> {
  const rows = await scope.query(sql<Integration>`
    select ${columns} from tenant_integrations
    where tenant_id = ${scope.tenantId} and hub_id = ${hubId}`)
  return rows[0]
}

/** Excludes those that were begun and never finished; retention deletes them. */
export async function listIntegrations(scope: TenantScope): Promise<Integration[]> {
  return await scope.query(sql<Integration>`
    select ${columns} from tenant_integrations
    where tenant_id = ${scope.tenantId} and not ${isStalePending(scope)}
    order by created_at, integration_id`)
}

/**
 * Allows one connect per tenant at a time, until the transaction ends, so that two for one account
 * create one row.
 */
export async function lockTenant(scope: TenantScope): Promise<void> {
  await scope.query(sql`select pg_advisory_xact_lock(hashtextextended(${scope.tenantId}, 0))`)
}

/**
 * Locks the integration's row until the transaction ends. A transaction that changes several of its
 * tables takes this lock first: pages are stored one at a time, and transactions do not deadlock.
 *
 * @returns its status, or undefined when it is gone
 */
export async function lockIntegration(
  scope: TenantScope,
  id: string,
): Promise<IntegrationStatus | undefined> {
  const rows = await scope.query(
    sql<{ status: IntegrationStatus }>`
    select status from tenant_integrations
    where tenant_id = ${scope.tenantId} and integration_id = ${id} for no key update`,
    { prepare: true },
  )
  return rows[0]?.status
}

export async function deleteIntegration(scope: TenantScope, id: string): Promise<void> {
  // These tables have no foreign key to the integration. They are empty by now, except for
  // last-seen rows of quarantined records.
  for (const table of ['issues', 'issue_last_seen', 'issue_search', 'issue_terms'])
    await scope.query(sql`
      delete from ${sql.table(table)} where tenant_id = ${scope.tenantId} and integration_id = ${id}`)
  await scope.query(sql`
    delete from tenant_integrations where tenant_id = ${scope.tenantId} and integration_id = ${id}`)
}

/** Writes what the connect found out, and makes the integration active from any status. */
export async function saveConnectedAccount(
  scope: TenantScope,
  id: string,
  account: ConnectedAccount,
): Promise<Integration> {
  const { tenantId } = scope
  const { kind, hub_id, hub_domain, ui_domain, hub_user, scopes } = account
  const was = await lockIntegration(scope, id)
  const rows = await scope.query(sql<Integration>`
    insert into tenant_integrations as i
      (tenant_id, integration_id, status, hub_id, hub_domain, ui_domain, hub_user, scopes, connected_at)
    values
      (${tenantId}, ${id}, 'active', ${hub_id}, ${hub_domain}, ${ui_domain}, ${hub_user}, ${scopes}::text[], now())
    on conflict (tenant_id, integration_id) do update set
      status = 'active', status_reason = null, hub_id = excluded.hub_id,
      hub_domain = coalesce(excluded.hub_domain, i.hub_domain),
      ui_domain = coalesce(excluded.ui_domain, i.ui_domain),
      hub_user = coalesce(excluded.hub_user, i.hub_user),
      scopes = excluded.scopes, connected_at = now(), updated_at = now()
    returning ${columns}`)
  await scope.query(sql`
    insert into account_routes (hub_id, tenant_id, integration_id, installed_at)
    values (${hub_id}, ${tenantId}, ${id}, ${kind === 'oauth' ? sql`clock_timestamp()` : null})
    on conflict (hub_id, tenant_id, integration_id) do update set installed_at = excluded.installed_at`)
  // A new token for a connected account is not a change worth reporting.
  if (!was || !liveStatuses.includes(was)) await recordChange(scope, 'integration.connected', id, { hub_id })
  return rows[0] as Integration
}

/**
 * Makes a legal transition; one that is not legal from the current status changes nothing.
 *
 * @returns whether it changed
 */
export async function setIntegrationStatus(
  scope: TenantScope,
  id: string,
  to: IntegrationStatus,
  reason: string | null,
): Promise<boolean> {
  const rows = await scope.query(sql`
    update tenant_integrations set status = ${to}, status_reason = ${reason}, updated_at = now()
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and status = any(${sourcesOf(to)})
    returning integration_id`)
  if (rows.length === 0) return false
  if (to === 'reauth_required' || to === 'disconnected')
    await recordChange(scope, `integration.${to}`, id, { reason })
  return true
}

/** HubSpot's own count of tickets, and when it was read. */
export interface TicketTotal {
  count: number
  at: Date
  /** ms since it was read, by the database's clock */
  age_ms: number
}

export async function readTicketTotal(scope: TenantScope, id: string): Promise<TicketTotal | undefined> {
  const rows = await scope.query(sql<TicketTotal>`
    select total_count as count, total_count_at as at,
      (extract(epoch from clock_timestamp() - total_count_at) * 1000)::float8 as age_ms
    from tenant_integrations
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and total_count_at is not null`)
  return rows[0]
}

export async function saveTicketTotal(scope: TenantScope, id: string, count: number): Promise<void> {
  await scope.query(sql`
    update tenant_integrations set total_count = ${count}, total_count_at = clock_timestamp()
    where tenant_id = ${scope.tenantId} and integration_id = ${id}`)
}

/**
 * The statement that records the end of a run, to run together with what ends it.
 *
 * @param whole the run read everything, so the first load is complete
 * @param condition SQL; nothing is written unless it holds
 */
export const updateSyncTime = (
  scope: TenantScope,
  id: string,
  whole: boolean,
  condition: RawBuilder<unknown>,
) => sql`
    update tenant_integrations set last_sync_at = clock_timestamp(),
      loaded_at = case when ${whole} then coalesce(loaded_at, clock_timestamp()) else loaded_at end
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and ${condition}`

/** The integration's data is deleted: when connected again, it is loaded anew. */
export async function clearFirstLoad(scope: TenantScope, id: string): Promise<void> {
  await scope.query(sql`
    update tenant_integrations set loaded_at = null
    where tenant_id = ${scope.tenantId} and integration_id = ${id} and loaded_at is not null`)
}
