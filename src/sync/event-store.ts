/** SQL that reads runs: one, some, and the history. */
import { sql } from 'kysely'
import type { z } from 'zod'
import type { RowOf } from '../api/wire.ts'
import type { TenantScope } from '../db/scope.ts'
import type { syncEvent } from './schema.ts'

export interface SyncEvent
  extends RowOf<
    Omit<z.infer<typeof syncEvent>, 'rate_per_second'>,
    'waiting_until' | 'requested_at' | 'started_at' | 'finished_at' | 'repeats_since'
  > {
  version: number
  /** By the database's clock; used for the rate. */
  running_ms: number
}

/** Of a SyncEvent. */
export const eventColumns = sql`
  sync_event_id, integration_id, kind, sync_type, trigger, state, version, total, done, inserted, changed, unchanged,
  archived, failed, repaired, pages, waiting_for, waiting_until, error_code, error, requested_at, started_at, finished_at,
  repeat_count, repeats_since,
  coalesce(extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at) * 1000, 0)::float8 as running_ms`

export async function findSyncEvent(
  scope: TenantScope,
  integrationId: string,
  syncEventId: string,
): Promise<SyncEvent | undefined> {
  const rows = await scope.query(sql<SyncEvent>`
    select ${eventColumns} from sync_events
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and sync_event_id = ${syncEventId}`)
  return rows[0]
}

export async function findSyncEvents(
  scope: TenantScope,
  syncEventIds: readonly string[],
): Promise<SyncEvent[]> {
  return await scope.query(sql<SyncEvent>`
    select ${eventColumns} from sync_events
    where tenant_id = ${scope.tenantId} and sync_event_id = any(${[...syncEventIds]}::uuid[])`)
}

/** The history, newest first. */
export async function listSyncEvents(
  scope: TenantScope,
  integrationId: string,
  at: { before: string | undefined; limit: number },
): Promise<SyncEvent[]> {
  const older = at.before === undefined ? sql`` : sql`and sync_event_id < ${at.before}`
  return await scope.query(sql<SyncEvent>`
    select ${eventColumns} from sync_events
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} ${older}
    order by sync_event_id desc
    limit ${at.limit}`)
}
