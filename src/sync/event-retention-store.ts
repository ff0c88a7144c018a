/** SQL for retention of runs that ended long ago. */
import { sql } from 'kysely'
import { ago } from '../db/database.ts'
import type { TenantScope } from '../db/scope.ts'

/** Run ids sort by creation time, so the primary key finds them. A run that has not ended stays, however old it is. */
const oldSyncEvents = ({ tenantId }: TenantScope, retentionMs: number) => sql`
  from sync_events
  where tenant_id = ${tenantId}
    and sync_event_id < (
      select (lpad(to_hex((extract(epoch from ${ago(retentionMs)}) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid)
    and finished_at < ${ago(retentionMs)}`

export const hasOldSyncEvents = (scope: TenantScope, retentionMs: number) =>
  sql<boolean>`exists (select ${oldSyncEvents(scope, retentionMs)})`

/**
 * Deletes runs that ended more than `retentionMs` ago, oldest first.
 *
 * @returns the number of rows deleted
 */
export async function deleteOldSyncEvents(
  scope: TenantScope,
  retentionMs: number,
  atMost: number,
): Promise<number> {
  const rows = await scope.query(sql`
    delete from sync_events
    where tenant_id = ${scope.tenantId} and sync_event_id = any(array(
      select sync_event_id ${oldSyncEvents(scope, retentionMs)} order by tenant_id, sync_event_id limit ${atMost}))
    returning 1 as one`)
  return rows.length
}
