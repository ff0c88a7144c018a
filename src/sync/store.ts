/**
 * All SQL on streams and events. Over 200 lines because a stream and its event always move together, and every
 * write on a run carries the epoch of its claim: seen side by side it can be checked that none forgets it.
 */
import { sql } from 'kysely'
import { liveStatuses } from '../integrations/integration.ts'
import { newId } from '../lib/ids.ts'
import type { SystemScope, TenantScope } from '../tenants/scope.ts'
import type { Cursor, EventState, Mode, Trigger } from './stream.ts'

/** A run holds its stream this long without a sign of life; the next sweep (4 s) finds it, so a killed process costs half a minute. */
const leaseFor = sql`interval '25 seconds'`

export interface StreamKey {
  integrationId: string
  kind: string
  mode: Mode
}

/** Who claims: in an embedded database a lease of any other process is a dead process's. */
export interface Claimant {
  instance: string
  exclusive: boolean
}

const isStream = (scope: TenantScope, key: StreamKey) => sql`
  tenant_id = ${scope.tenantId} and integration_id = ${key.integrationId}
    and kind = ${key.kind} and mode = ${key.mode}`

const leaseIsFree = ({ instance, exclusive }: Claimant) => sql`
  (lease_until is null or lease_until <= clock_timestamp() or (${exclusive} and lease_by is distinct from ${instance}))`

const mayRun = sql`sync_event_id is not null and (not_before is null or not_before <= clock_timestamp())`

export interface SyncEvent {
  syncEventId: string
  integrationId: string
  kind: string
  syncType: Mode
  trigger: Trigger
  state: EventState
  version: number
  total: number | null
  done: number
  inserted: number
  changed: number
  unchanged: number
  failed: number
  pages: number
  waitingFor: string | null
  waitingUntil: Date | null
  errorCode: string | null
  error: string | null
  requestedAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  /** By the database's clock; for the rate. */
  runningMs: number
}

const eventColumns = sql`
  sync_event_id as "syncEventId", integration_id as "integrationId", kind, sync_type as "syncType", trigger, state,
  version, total, done, inserted, changed, unchanged, failed, pages, waiting_for as "waitingFor",
  waiting_until as "waitingUntil", error_code as "errorCode", error, requested_at as "requestedAt",
  started_at as "startedAt", finished_at as "finishedAt",
  coalesce(extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at) * 1000, 0)::float8 as "runningMs"`

/** Gives the run under way of this stream, or queues a new one. */
export async function requestRun(
  scope: TenantScope,
  key: StreamKey,
  trigger: Trigger,
): Promise<{ event: SyncEvent; already: boolean }> {
  await scope.query(sql`
    insert into sync_streams (tenant_id, integration_id, kind, mode)
    values (${scope.tenantId}, ${key.integrationId}, ${key.kind}, ${key.mode})
    on conflict do nothing`)
  const [stream] = await scope.query(sql<{ sync_event_id: string | null }>`
    select sync_event_id from sync_streams where ${isStream(scope, key)} for update`)
  const running = stream?.sync_event_id
    ? await findEvent(scope, key.integrationId, stream.sync_event_id)
    : undefined
  if (running) return { event: running, already: true }
  const [event] = await scope.query(sql<SyncEvent>`
    insert into sync_events (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state)
    values (${scope.tenantId}, ${newId()}, ${key.integrationId}, ${key.kind}, ${key.mode}, ${trigger}, 'queued')
    returning ${eventColumns}`)
  await scope.query(sql`
    update sync_streams set sync_event_id = ${event?.syncEventId}, cursor = null, failures = 0, not_before = null
    where ${isStream(scope, key)}`)
  return { event: event as SyncEvent, already: false }
}

export interface Claim {
  epoch: number
  syncEventId: string
  cursor: Cursor | null
  watermark: Date | null
  failures: number
}

/** Takes the stream for one process. @returns undefined when nothing is to do or another has it */
export async function claimStream(
  scope: TenantScope,
  key: StreamKey,
  by: Claimant,
): Promise<Claim | undefined> {
  const [claim] = await scope.query(sql<Claim>`
    update sync_streams
    set epoch = epoch + 1, lease_until = clock_timestamp() + ${leaseFor}, lease_by = ${by.instance}, not_before = null
    where ${isStream(scope, key)} and ${mayRun} and ${leaseIsFree(by)}
    returning epoch, sync_event_id as "syncEventId", cursor, watermark, failures`)
  if (!claim) return undefined
  await scope.query(sql`
    update sync_events set state = 'running', started_at = coalesce(started_at, clock_timestamp()),
      waiting_for = null, waiting_until = null, version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${claim.syncEventId}`)
  return claim
}

/** A sign of life. @returns false when a newer claim has the stream */
export async function extendLease(scope: TenantScope, key: StreamKey, epoch: number): Promise<boolean> {
  const rows = await scope.query(sql`
    update sync_streams set lease_until = clock_timestamp() + ${leaseFor}
    where ${isStream(scope, key)} and epoch = ${epoch} returning epoch`)
  return rows.length > 0
}

/** Sets the cursor where the page just kept ends. @returns false when a newer claim has the stream */
export async function checkpoint(
  scope: TenantScope,
  key: StreamKey,
  epoch: number,
  cursor: Cursor,
): Promise<boolean> {
  const rows = await scope.query(sql`
    update sync_streams set cursor = ${JSON.stringify(cursor)}::jsonb, failures = 0,
      lease_until = clock_timestamp() + ${leaseFor}
    where ${isStream(scope, key)} and epoch = ${epoch} returning epoch`)
  return rows.length > 0
}

export async function keepTotalOfEvent(
  scope: TenantScope,
  syncEventId: string,
  total: number | null,
): Promise<void> {
  await scope.query(sql`
    update sync_events set total = ${total}, version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${syncEventId}`)
}

export interface Counts {
  inserted: number
  changed: number
  unchanged: number
  failed: number
}

export async function addProgress(
  scope: TenantScope,
  syncEventId: string,
  { inserted, changed, unchanged, failed }: Counts,
): Promise<void> {
  await scope.query(sql`
    update sync_events set pages = pages + 1, done = done + ${inserted + changed + unchanged + failed},
      inserted = inserted + ${inserted}, changed = changed + ${changed}, unchanged = unchanged + ${unchanged},
      failed = failed + ${failed}, version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${syncEventId}`)
}

/** Gives the stream back in the middle of a run; the sweep starts it again at once, or after `wait.ms`. */
export async function releaseStream(
  scope: TenantScope,
  key: StreamKey,
  epoch: number,
  wait?: { ms: number; failures: number; restart: boolean },
): Promise<boolean> {
  const rows = await scope.query(sql<{ sync_event_id: string }>`
    update sync_streams set lease_until = null, lease_by = null,
      not_before = clock_timestamp() + ${wait?.ms ?? null}::float8 * interval '1 ms',
      failures = coalesce(${wait?.failures ?? null}::integer, failures),
      cursor = case when ${wait?.restart ?? false} then null else cursor end
    where ${isStream(scope, key)} and epoch = ${epoch} returning sync_event_id`)
  if (rows[0] && wait?.restart) {
    await scope.query(sql`
      update sync_events set done = 0, inserted = 0, changed = 0, unchanged = 0, failed = 0, pages = 0,
        version = version + 1
      where tenant_id = ${scope.tenantId} and sync_event_id = ${rows[0].sync_event_id}`)
  }
  return rows.length > 0
}

export async function markWaiting(
  scope: TenantScope,
  syncEventId: string,
  waitingFor: string,
  waitMs: number,
): Promise<void> {
  await scope.query(sql`
    update sync_events set state = 'waiting', waiting_for = ${waitingFor},
      waiting_until = clock_timestamp() + ${waitMs}::float8 * interval '1 ms', version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${syncEventId}`)
}

export interface Ending {
  /** A run that succeeded but could not keep some records ends as `partial`. */
  state: 'succeeded' | 'failed'
  errorCode?: string
  error?: string
  /** Of a run that saw everything since its start. */
  watermark?: Date
}

/** Ends a run. A full run also moves the incremental's watermark: it has read all that one would. @returns undefined when it is another's */
export async function finishRun(
  scope: TenantScope,
  key: StreamKey,
  claim: { epoch: number; syncEventId: string },
  { state, errorCode, error, watermark }: Ending,
): Promise<EventState | undefined> {
  const mark = watermark?.toISOString() ?? null
  // An answer dated in the future must not make the next runs blind until then.
  const later = sql`greatest(watermark, least(${mark}::timestamptz, clock_timestamp() + interval '1 minute'))`
  const rows = await scope.query(sql`
    update sync_streams set sync_event_id = null, cursor = null, lease_until = null, lease_by = null, failures = 0,
      not_before = null, watermark = ${later}
    where ${isStream(scope, key)} and epoch = ${claim.epoch} returning epoch`)
  if (rows.length === 0) return undefined
  if (mark) {
    await scope.query(sql`
      update sync_streams set watermark = ${later}
      where ${isStream(scope, { ...key, mode: 'incremental' })}`)
    await scope.query(sql`
      update tenant_integrations set last_sync_at = clock_timestamp()
      where tenant_id = ${scope.tenantId} and integration_id = ${key.integrationId}`)
  }
  const [event] = await scope.query(sql<{ state: EventState }>`
    update sync_events set
      state = case when ${state} = 'succeeded' and failed > 0 then 'partial' else ${state} end, error_code = ${errorCode ?? null}, error = ${error ?? null},
      waiting_for = null, waiting_until = null, finished_at = clock_timestamp(), version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${claim.syncEventId}
    returning state`)
  return event?.state
}

/** Ends all work of an integration and its schedule; whoever runs is fenced. */
export async function cancelRuns(scope: TenantScope, integrationId: string): Promise<void> {
  await scope.query(sql`
    update sync_streams set epoch = epoch + 1, sync_event_id = null, cursor = null, lease_until = null,
      lease_by = null, not_before = null, next_at = null
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}`)
  await scope.query(sql`
    update sync_events set state = 'cancelled', finished_at = clock_timestamp(), waiting_for = null,
      waiting_until = null, version = version + 1
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}
      and state in ('queued', 'running', 'waiting')`)
}

/** Slots lie at `offset` in each period; the next one from now. */
const nextSlot = (periodMs: number, offsetMs: number) => sql`
  to_timestamp((floor((extract(epoch from clock_timestamp()) * 1000 - ${offsetMs}::float8) / ${periodMs}::float8)
    * ${periodMs}::float8 + ${periodMs}::float8 + ${offsetMs}::float8) / 1000)`

/** Puts a stream on the schedule unless it is on it. */
export async function scheduleStream(
  scope: TenantScope,
  key: StreamKey,
  periodMs: number,
  offsetMs: number,
): Promise<void> {
  await scope.query(sql`
    insert into sync_streams as s (tenant_id, integration_id, kind, mode, next_at)
    values (${scope.tenantId}, ${key.integrationId}, ${key.kind}, ${key.mode}, ${nextSlot(periodMs, offsetMs)})
    on conflict (tenant_id, integration_id, kind, mode) do update set next_at = coalesce(s.next_at, excluded.next_at)`)
}

/** Takes a slot that has come. @returns false when another sweep was first */
export async function claimSlot(
  scope: TenantScope,
  key: StreamKey,
  periodMs: number,
  offsetMs: number,
): Promise<boolean> {
  const rows = await scope.query(sql`
    update sync_streams set next_at = ${nextSlot(periodMs, offsetMs)}
    where ${isStream(scope, key)} and next_at <= clock_timestamp() returning mode`)
  return rows.length > 0
}

/** Whether the schedule's run would be of use: the integration is live, and no first full run reads everything anyway. */
export async function slotIsOfUse(scope: TenantScope, key: StreamKey): Promise<boolean> {
  const rows = await scope.query(sql`
    select from tenant_integrations i
    where i.tenant_id = ${scope.tenantId} and i.integration_id = ${key.integrationId}
      and i.status = any(${[...liveStatuses]})
      and not exists (
        select from sync_streams s
        where s.tenant_id = i.tenant_id and s.integration_id = i.integration_id and s.kind = ${key.kind}
          and s.mode = 'full' and s.watermark is null and s.sync_event_id is not null)`)
  return rows.length > 0
}

/** Whether a full run of the kind has ever come to its end. */
export async function hasWatermark(scope: TenantScope, key: StreamKey): Promise<boolean> {
  const rows = await scope.query(sql`
    select from sync_streams where ${isStream(scope, key)} and watermark is not null`)
  return rows.length > 0
}

export interface DueStream extends StreamKey {
  tenantId: string
  epoch: number
  /** A slot of the schedule has come. */
  slot: boolean
  /** A run may go on now. */
  run: boolean
}

/** What should be done now, over all tenants: ids and times only. */
export async function findDue(scope: SystemScope, by: Claimant, limit: number): Promise<DueStream[]> {
  return await scope.query(sql<DueStream>`
    select tenant_id as "tenantId", integration_id as "integrationId", kind, mode, epoch,
      coalesce(next_at <= clock_timestamp(), false) as slot, ${mayRun} and ${leaseIsFree(by)} as run
    from sync_streams
    where next_at <= clock_timestamp() or (${mayRun} and ${leaseIsFree(by)})
    order by coalesce(not_before, next_at) nulls first
    limit ${limit}`)
}

export async function findEvent(
  scope: TenantScope,
  integrationId: string,
  syncEventId: string,
): Promise<SyncEvent | undefined> {
  const rows = await scope.query(sql<SyncEvent>`
    select ${eventColumns} from sync_events
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and sync_event_id = ${syncEventId}`)
  return rows[0]
}

export async function findEvents(scope: TenantScope, syncEventIds: readonly string[]): Promise<SyncEvent[]> {
  return await scope.query(sql<SyncEvent>`
    select ${eventColumns} from sync_events
    where tenant_id = ${scope.tenantId} and sync_event_id = any(${[...syncEventIds]}::uuid[])`)
}

/** The history, newest first. */
export async function listEvents(
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
