/** SQL that reads runs: one, some, and the history. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import type { EventState, SyncTrigger, SyncType } from './stream.ts'

export interface SyncEvent {
  syncEventId: string
  integrationId: string
  kind: string
  syncType: SyncType
  trigger: SyncTrigger
  state: EventState
  version: number
  total: number | null
  done: number
  inserted: number
  changed: number
  unchanged: number
  archived: number
  failed: number
  repaired: number
  pages: number
  waitingFor: string | null
  waitingUntil: Date | null
  errorCode: string | null
  error: string | null
  requestedAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  /** How many scheduled runs directly before this one found nothing either; this row stands for them. */
  repeatCount: number
  /** When the first of them started. */
  repeatsSince: Date | null
  /** By the database's clock; used for the rate. */
  runningMs: number
}

/** Of a SyncEvent. */
export const eventColumns = sql`
  sync_event_id as "syncEventId", integration_id as "integrationId", kind, sync_type as "syncType", trigger, state,
  version, total, done, inserted, changed, unchanged, archived, failed, repaired, pages, waiting_for as "waitingFor",
  waiting_until as "waitingUntil", error_code as "errorCode", error, requested_at as "requestedAt",
  started_at as "startedAt", finished_at as "finishedAt",
  repeat_count as "repeatCount", repeats_since as "repeatsSince",
  coalesce(extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at) * 1000, 0)::float8 as "runningMs"`

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
