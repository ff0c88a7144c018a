/**
 * SQL that deletes old tombstones, and old problems of records that are gone. Times are HubSpot's.
 */
import { type RawBuilder, sql } from 'kysely'
import { ago } from '../db/database.ts'
import type { TenantScope } from '../db/scope.ts'
import { deletionOf } from './store.ts'

const seenSince = (id: RawBuilder<unknown>, owner: RawBuilder<unknown>, retentionMs: number) => sql`exists (
  select from issue_last_seen s
  where s.tenant_id = ${owner}.tenant_id and s.integration_id = ${owner}.integration_id and s.ticket_id = ${id}
    and s.seen_at >= ${ago(retentionMs)})`

export const hasOldTombstones = ({ tenantId }: TenantScope, retentionMs: number) => sql<boolean>`exists (
  select from issues where tenant_id = ${tenantId} and archived and archived_at < ${ago(retentionMs)})`

/**
 * Deletes tombstones that no read has returned for `retentionMs`, with their data. While HubSpot still
 * lists a ticket as archived, each full run sees it and the tombstone stays; if deleted, it would
 * come back with the next run. Merges stay recorded, so that a loser that is seen again becomes a
 * tombstone again and never an issue. The caller holds the integration's lock.
 *
 * @returns how many were deleted
 */
export async function deleteOldTombstones(
  scope: TenantScope,
  integrationId: string,
  retentionMs: number,
  atMost: number,
): Promise<number> {
  const { tenantId } = scope
  const rows = await scope.query(sql`
    with old as materialized (
      select i.ticket_id from issues i
      where i.tenant_id = ${tenantId} and i.integration_id = ${integrationId} and i.archived
        and i.archived_at < ${ago(retentionMs)} and i.observed_at < ${ago(retentionMs)}
        and not ${seenSince(sql`i.ticket_id`, sql`i`, retentionMs)}
      order by i.tenant_id, i.archived_at
      limit ${atMost}
    ),
    ${deletionOf(scope, integrationId, sql`array(select ticket_id from old)`)}
    select from old`)
  return rows.length
}

export const hasOldProblems = ({ tenantId }: TenantScope, retentionMs: number) => sql<boolean>`exists (
  select from record_problems where tenant_id = ${tenantId} and found_at < ${ago(retentionMs)})`

/**
 * Deletes problems found longer ago than `retentionMs` whose records no read has returned since. If
 * HubSpot still returns a record unchanged, deleting its problem would only record it again, as if
 * it were new.
 *
 * @returns how many were deleted
 */
export async function deleteOldProblems(
  scope: TenantScope,
  retentionMs: number,
  atMost: number,
): Promise<number> {
  const rows = await scope.query(sql`
    with old as materialized (
      select r.ctid as id from record_problems r
      where r.tenant_id = ${scope.tenantId} and r.found_at < ${ago(retentionMs)}
        and not ${seenSince(sql`r.record_id`, sql`r`, retentionMs)}
        and not exists (
          select from issues i
          where i.tenant_id = r.tenant_id and i.integration_id = r.integration_id and i.ticket_id = r.record_id
            and i.observed_at >= ${ago(retentionMs)})
      order by r.tenant_id, r.found_at
      limit ${atMost}
    )
    delete from record_problems where tenant_id = ${scope.tenantId} and ctid = any(array(select id from old))
    returning 1 as one`)
  return rows.length
}
