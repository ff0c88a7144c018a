/** SQL for claiming an integration's inbox: what is due, who drains it, and how the drain ended. */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import { type Claimant, leaseIsFree } from '../db/lease.ts'
import { type Scan, type ScanRequest, scanForDue } from '../db/scan.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import { type InboxItem, whereInbox } from './store.ts'

export interface TenantInbox {
  tenant_id: string
  integration_id: string
}

export type InboxScan = Scan<TenantInbox>

/**
 * The inboxes of all tenants with due changes that no process drains, the longest due first: an SQL
 * expression whose value is a JSON InboxScan.
 */
export const dueInboxes = (by: Claimant, scan: ScanRequest) =>
  scanForDue(
    {
      table: 'inbox_entries',
      id: 'integration_id',
      rows: sql`due_at < 'infinity'`,
      // One row of an index for each group, never a scan of all inboxes.
      joins: sql`left join lateral (
        select lease_until, lease_owner, not_before from inboxes where tenant_id = g.tenant_id and integration_id = g.id limit 1) s on true`,
      groups: sql`${leaseIsFree(by, 's')} and (s.not_before is null or s.not_before <= clock_timestamp())`,
    },
    scan,
  )

export interface InboxClaim {
  /** Consecutive failures. */
  failures: number
  /** The last drain ended waiting for HubSpot to return. */
  awaits_hubspot: boolean
}

/**
 * Claims the inbox for one process.
 *
 * @returns undefined if another process owns it or its next attempt is not due
 */
export async function claimInbox(
  scope: TenantScope,
  integrationId: string,
  by: Claimant,
): Promise<InboxClaim | undefined> {
  const [claim] = await scope.query(sql<InboxClaim>`
    insert into inboxes as s (tenant_id, integration_id, lease_until, lease_owner)
    values (${scope.tenantId}, ${integrationId}, ${fromNow(by.leaseMs)}, ${by.instance})
    on conflict (tenant_id, integration_id) do update set lease_until = excluded.lease_until, lease_owner = excluded.lease_owner
      where ${leaseIsFree(by, 's')} and (s.not_before is null or s.not_before <= clock_timestamp())
    returning failures, awaits_hubspot`)
  return claim
}

/** Renews the lease. @returns false if another process owns the inbox by now */
export async function renewInboxLease(
  scope: TenantScope,
  integrationId: string,
  by: Claimant,
): Promise<boolean> {
  const renewed = await scope.query(sql`
    update inboxes set lease_until = ${fromNow(by.leaseMs)}
    where ${whereInbox(scope, integrationId)} and lease_owner = ${by.instance}
    returning 1 as one`)
  return renewed.length > 0
}

/**
 * Releases the inbox.
 *
 * @param ended 'well', or the failure and how long to wait before the next attempt; absent: the
 *   drain was interrupted, and the state stays unchanged
 */
export async function releaseInbox(
  scope: TenantScope,
  integrationId: string,
  by: Claimant,
  ended?: 'well' | { code: string; waitMs: number; failures: number; awaitsHubSpot: boolean },
): Promise<void> {
  const outcome =
    ended === undefined
      ? sql``
      : ended === 'well'
        ? sql`, failures = 0, error_code = null, not_before = null, awaits_hubspot = false`
        : sql`, failures = ${ended.failures}, error_code = ${ended.code}, not_before = ${fromNow(ended.waitMs)},
          awaits_hubspot = ${ended.awaitsHubSpot}`
  await scope.query(sql`
    update inboxes set lease_until = null, lease_owner = null${outcome}
    where ${whereInbox(scope, integrationId)} and lease_owner = ${by.instance}`)
}

/**
 * Ends a step, in its transaction: renews the lease and, if changes were drained, clears the record
 * of missing webhooks.
 *
 * @param releases release the inbox, because it is drained
 * @returns false if another process owns the inbox by now
 */
export async function endDrainStep(
  scope: TenantScope,
  integrationId: string,
  by: Claimant,
  { drained, releases }: { drained: readonly InboxItem[]; releases: boolean },
): Promise<boolean> {
  const lease = releases
    ? sql`lease_until = null, lease_owner = null, failures = 0, error_code = null, not_before = null, awaits_hubspot = false`
    : sql`lease_until = ${fromNow(by.leaseMs)}`
  const latest = (times: Date[]) => new Date(Math.max(...times.map(Number))).toISOString()
  const heard = (
    receivedAt: string,
    occurredAt: string,
  ) => sql`, last_received_at = greatest(last_received_at, ${receivedAt}),
      last_occurred_at = greatest(last_occurred_at, least(${occurredAt}::timestamptz, ${receivedAt}::timestamptz)),
      webhooks_missing_since = null`
  const renewed = await scope.query(sql`
    update inboxes set ${lease}${
      drained.length > 0
        ? heard(
            latest(drained.map(({ row }) => row.received_at)),
            latest(drained.map(({ row }) => row.occurred_at)),
          )
        : sql``
    }
    where ${whereInbox(scope, integrationId)} and lease_owner = ${by.instance}
    returning 1 as one`)
  return renewed.length > 0
}

/**
 * Finds the inboxes of all tenants that wait for HubSpot to return; those with the latest next
 * attempt come first.
 */
export async function findAwaitingInboxes({ query }: SystemScope, atMost: number): Promise<TenantInbox[]> {
  return await query(sql<TenantInbox>`
    select tenant_id, integration_id from inboxes
    where awaits_hubspot and not_before > statement_timestamp()
    order by not_before desc
    limit ${atMost}`)
}

/** Ends the wait of one of these inboxes, so that it can be drained now. */
export async function resumeInbox(scope: TenantScope, integrationId: string): Promise<void> {
  await scope.query(sql`
    update inboxes set not_before = null where ${whereInbox(scope, integrationId)} and awaits_hubspot and lease_until is null`)
}

/** Deletes the inbox of a disconnected integration. */
export async function deleteInbox(scope: TenantScope, integrationId: string): Promise<void> {
  await scope.query(sql`delete from inbox_entries where ${whereInbox(scope, integrationId)}`)
  await scope.query(sql`delete from inboxes where ${whereInbox(scope, integrationId)}`)
}
