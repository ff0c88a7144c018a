/** SQL on when streams are due: their schedule, their waits, and what a worker finds to do now. */
import { type RawBuilder, sql } from 'kysely'
import type { Claimant } from '../db/lease.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import type { Slots, StreamKey, SyncType } from './stream.ts'

export const whereStream = (scope: TenantScope, key: StreamKey) => sql`
  tenant_id = ${scope.tenantId} and integration_id = ${key.integrationId}
    and kind = ${key.kind} and sync_type = ${key.syncType}`

/** The next slot from now. */
export const nextSlot = ({ periodMs, offsetMs }: Slots) => sql`
  to_timestamp((floor((extract(epoch from clock_timestamp()) * 1000 - ${offsetMs}::float8) / ${periodMs}::float8)
    * ${periodMs}::float8 + ${periodMs}::float8 + ${offsetMs}::float8) / 1000)`

/** Puts a stream on the schedule unless it is already there. */
export async function scheduleStream(scope: TenantScope, key: StreamKey, slots: Slots): Promise<void> {
  await scope.query(sql`
    insert into sync_streams as s (tenant_id, integration_id, kind, sync_type, next_run_at)
    values (${scope.tenantId}, ${key.integrationId}, ${key.kind}, ${key.syncType}, ${nextSlot(slots)})
    on conflict (tenant_id, integration_id, kind, sync_type) do update
      set next_run_at = coalesce(s.next_run_at, excluded.next_run_at)`)
}

/**
 * Whether the stream has a watermark: for a full stream, whether one of its runs has ever
 * succeeded.
 */
export async function hasWatermark(scope: TenantScope, key: StreamKey): Promise<boolean> {
  const rows = await scope.query(sql`
    select from sync_streams where ${whereStream(scope, key)} and watermark is not null`)
  return rows.length > 0
}

export interface TenantStream {
  tenant_id: string
  integration_id: string
  kind: string
  sync_type: SyncType
}

/**
 * The streams of all tenants with something to do now, the longest due first: an SQL expression
 * whose value is a JSON array of TenantStream. The index on due_at leads to them.
 *
 * @param except tenants that have their share of the workers already
 */
export const dueStreams = (
  { instance, exclusive }: Claimant,
  syncType: SyncType,
  { atMost, except }: { atMost: number; except: readonly string[] },
): RawBuilder<TenantStream[]> => {
  // Not clock_timestamp(), with which no index is searched. In an embedded database a lease of another
  // process is one of a dead process.
  const isDue = exclusive
    ? sql`(due_at <= statement_timestamp() or lease_until is not null and lease_owner is distinct from ${instance})`
    : sql`due_at <= statement_timestamp()`
  return sql`(
    select coalesce(json_agg(d), '[]') from (
      select tenant_id, integration_id, kind, sync_type from sync_streams
      where sync_type = ${syncType} and ${isDue} and tenant_id <> all(${[...except]}::uuid[])
      order by due_at
      limit ${atMost}) d)`
}

/** How many streams of all tenants are due and not running, up to `atMost`. */
export async function countDueStreams({ query }: SystemScope, atMost: number): Promise<number> {
  const [row] = await query(sql<{ due: number }>`
    select count(*)::int as due from (
      select from sync_streams
      where sync_type in ('full', 'incremental') and due_at <= statement_timestamp() limit ${atMost}) d`)
  return row?.due ?? 0
}

/**
 * Runs of all tenants that wait for HubSpot to return; those with the latest next attempt come
 * first.
 */
export async function findAwaitingStreams(scope: SystemScope, limit: number): Promise<TenantStream[]> {
  return await scope.query(sql<TenantStream>`
    select tenant_id, integration_id, kind, sync_type from sync_streams
    where awaits_hubspot and not_before > statement_timestamp()
    order by not_before desc
    limit ${limit}`)
}

/**
 * Ends a run's wait for its next attempt.
 *
 * @param condition on the stream, if not every wait is to end
 * @returns whether it waited
 */
export async function resumeStream(
  scope: TenantScope,
  key: StreamKey,
  condition: RawBuilder<unknown> = sql`true`,
): Promise<boolean> {
  const rows = await scope.query(sql`
    update sync_streams set not_before = null
    where ${whereStream(scope, key)} and sync_event_id is not null and not_before > clock_timestamp() and ${condition}
    returning sync_type`)
  return rows.length > 0
}

/** Lets a run that waits for HubSpot to return continue now. */
export async function resumeAwaitingStream(scope: TenantScope, key: StreamKey): Promise<void> {
  await resumeStream(scope, key, sql`awaits_hubspot`)
}
