/**
 * All SQL on streams and events. Over 200 lines because a stream and its event always change
 * together, and every write on a run carries the epoch of its claim: side by side, it is easy to
 * check that none lacks it.
 */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import { type Claimant, leaseIsFree } from '../db/lease.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import { liveStatuses } from '../integrations/integration.ts'
import { clearFirstLoad, saveSyncTime } from '../integrations/store.ts'
import { newId } from '../lib/ids.ts'
import type { Cursor, EventState, SyncTrigger, SyncType } from './stream.ts'

export interface StreamKey {
  integrationId: string
  kind: string
  syncType: SyncType
}

const whereStream = (scope: TenantScope, key: StreamKey) => sql`
  tenant_id = ${scope.tenantId} and integration_id = ${key.integrationId}
    and kind = ${key.kind} and sync_type = ${key.syncType}`

const isRunnable = sql`sync_event_id is not null and (not_before is null or not_before <= clock_timestamp())`

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
  /** By the database's clock; used for the rate. */
  runningMs: number
}

const eventColumns = sql`
  sync_event_id as "syncEventId", integration_id as "integrationId", kind, sync_type as "syncType", trigger, state,
  version, total, done, inserted, changed, unchanged, archived, failed, repaired, pages, waiting_for as "waitingFor",
  waiting_until as "waitingUntil", error_code as "errorCode", error, requested_at as "requestedAt",
  started_at as "startedAt", finished_at as "finishedAt",
  coalesce(extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at) * 1000, 0)::float8 as "runningMs"`

export interface RequestedRun {
  event: SyncEvent
  /** It was already queued, running or waiting. */
  already: boolean
  /** It waited for its next attempt, which is due now. */
  resumed: boolean
}

/**
 * Returns the current run of this stream, or queues a new one. An API request resumes a run that
 * waits for HubSpot at once; the schedule leaves it waiting.
 */
export async function requestRun(
  scope: TenantScope,
  key: StreamKey,
  trigger: SyncTrigger,
): Promise<RequestedRun> {
  await scope.query(sql`
    insert into sync_streams (tenant_id, integration_id, kind, sync_type)
    values (${scope.tenantId}, ${key.integrationId}, ${key.kind}, ${key.syncType})
    on conflict do nothing`)
  const [stream] = await scope.query(sql<{ sync_event_id: string | null }>`
    select sync_event_id from sync_streams where ${whereStream(scope, key)} for update`)
  const running = stream?.sync_event_id
    ? await findSyncEvent(scope, key.integrationId, stream.sync_event_id)
    : undefined
  if (running)
    return { event: running, already: true, resumed: trigger === 'api' && (await resumeStream(scope, key)) }
  const [event] = await scope.query(sql<SyncEvent>`
    insert into sync_events (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state)
    values (${scope.tenantId}, ${newId()}, ${key.integrationId}, ${key.kind}, ${key.syncType}, ${trigger}, 'queued')
    returning ${eventColumns}`)
  // A failed run leaves its cursor, so that a new run need not repeat its reads unless they are too
  // old.
  await scope.query(sql`
    update sync_streams set sync_event_id = ${event?.syncEventId}, failures = 0, not_before = null,
      cursor = case when (cursor->>'startedAt')::timestamptz > clock_timestamp() - interval '1 day' then cursor end
    where ${whereStream(scope, key)}`)
  return { event: event as SyncEvent, already: false, resumed: false }
}

/** Ends a run's wait for its next attempt. @returns whether it waited */
async function resumeStream(scope: TenantScope, key: StreamKey): Promise<boolean> {
  const rows = await scope.query(sql`
    update sync_streams set not_before = null
    where ${whereStream(scope, key)} and sync_event_id is not null and not_before > clock_timestamp()
    returning sync_type`)
  return rows.length > 0
}

export interface StreamClaim {
  epoch: number
  syncEventId: string
  cursor: Cursor | null
  watermark: Date | null
  failures: number
  /** How many absent issues the last full pass did not mark deleted. */
  deletionsHeldBack: number | null
  /** A list read because of a count found nothing, less than an hour ago. */
  listWasIdle: boolean
  /** It waited for HubSpot to return. */
  awaitedHubSpot: boolean
  /** Resumed before its time, to check whether HubSpot is back. */
  isProbe: boolean
}

/**
 * Claims the stream for one process.
 *
 * @returns undefined if there is nothing to do or another process has it
 */
export async function claimStream(
  scope: TenantScope,
  key: StreamKey,
  by: Claimant,
): Promise<StreamClaim | undefined> {
  const [claim] = await scope.query(sql<StreamClaim>`
    update sync_streams
    set epoch = epoch + 1, lease_until = ${fromNow(by.leaseMs)}, lease_owner = ${by.instance},
      is_probe = awaits_hubspot and not_before is null, not_before = null
    where ${whereStream(scope, key)} and ${isRunnable} and ${leaseIsFree(by)}
    returning epoch, sync_event_id as "syncEventId", cursor, watermark, failures, deletions_held_back as "deletionsHeldBack",
      coalesce(list_checked_at > clock_timestamp() - interval '1 hour', false) as "listWasIdle",
      awaits_hubspot as "awaitedHubSpot", is_probe as "isProbe"`)
  if (!claim) return undefined
  await scope.query(sql`
    update sync_events set state = 'running', started_at = coalesce(started_at, clock_timestamp()),
      waiting_for = null, waiting_until = null, version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${claim.syncEventId}`)
  return claim
}

type ClaimId = Pick<StreamClaim, 'epoch' | 'syncEventId'>

/** The claim is still valid: no newer claim has the stream, and the run has not ended. */
const ownsClaim = ({ epoch, syncEventId }: ClaimId) =>
  sql`epoch = ${epoch} and sync_event_id = ${syncEventId}`

/** Renews the lease. @returns false if a newer claim has the stream or the run has ended */
export async function extendLease(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  leaseMs: number,
): Promise<boolean> {
  const rows = await scope.query(sql`
    update sync_streams set lease_until = ${fromNow(leaseMs)}
    where ${whereStream(scope, key)} and ${ownsClaim(claim)} and lease_until is not null returning epoch`)
  return rows.length > 0
}

/**
 * Sets the cursor to the end of the page just saved.
 *
 * @returns false if a newer claim has the stream
 */
export async function saveCheckpoint(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  leaseMs: number,
  cursor: Cursor,
): Promise<boolean> {
  const rows = await scope.query(sql`/* prepared */
    update sync_streams set cursor = ${JSON.stringify(cursor)}::jsonb, failures = 0, lease_until = ${fromNow(leaseMs)},
      awaits_hubspot = false
    where ${whereStream(scope, key)} and ${ownsClaim(claim)} returning epoch`)
  return rows.length > 0
}

/**
 * Called when a full run has begun: changes from its start on are read by the incremental stream,
 * which need not wait for the full run to end.
 */
export async function startIncrementalWindow(
  scope: TenantScope,
  key: StreamKey,
  watermark: Date,
): Promise<void> {
  const incremental: StreamKey = { ...key, syncType: 'incremental' }
  await scope.query(sql`
    insert into sync_streams as s (tenant_id, integration_id, kind, sync_type, watermark)
    values (${scope.tenantId}, ${key.integrationId}, ${key.kind}, ${incremental.syncType}, ${watermark.toISOString()})
    on conflict (tenant_id, integration_id, kind, sync_type) do update
      set watermark = coalesce(s.watermark, excluded.watermark)`)
}

/** What one step adds to its event. */
export interface RunProgress {
  pages: number
  done: number
  inserted: number
  changed: number
  unchanged: number
  archived: number
  failed: number
  repaired: number
  /** undefined: nothing new is known. */
  total: number | null | undefined
}

export async function addProgress(scope: TenantScope, syncEventId: string, step: RunProgress): Promise<void> {
  await scope.query(sql`/* prepared */
    update sync_events set pages = pages + ${step.pages}, done = done + ${step.done},
      inserted = inserted + ${step.inserted}, changed = changed + ${step.changed},
      unchanged = unchanged + ${step.unchanged}, archived = archived + ${step.archived},
      failed = failed + ${step.failed}, repaired = repaired + ${step.repaired},
      total = case when ${step.total !== undefined} then ${step.total ?? null}::bigint else total end,
      version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${syncEventId}`)
}

/**
 * Releases the stream in the middle of a run; the scheduler starts it again at once, or after
 * `wait.ms`.
 */
export async function releaseStream(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  wait?: { ms: number; failures: number; restart: Cursor | undefined; awaitsHubSpot?: boolean },
): Promise<boolean> {
  const rows = await scope.query(sql<{ sync_event_id: string }>`
    update sync_streams set lease_until = null, lease_owner = null,
      not_before = ${fromNow(wait?.ms ?? null)},
      failures = coalesce(${wait?.failures ?? null}::integer, failures),
      awaits_hubspot = coalesce(${wait?.awaitsHubSpot ?? null}::boolean, awaits_hubspot),
      cursor = coalesce(${wait?.restart === undefined ? null : JSON.stringify(wait.restart)}::jsonb, cursor)
    where ${whereStream(scope, key)} and ${ownsClaim(claim)} returning sync_event_id`)
  if (rows[0] && wait?.restart) {
    await scope.query(sql`
      update sync_events set done = 0, inserted = 0, changed = 0, unchanged = 0, archived = 0, failed = 0,
        repaired = 0, pages = 0, version = version + 1
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
      waiting_until = ${fromNow(waitMs)}, version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${syncEventId}`)
}

export type Ending =
  /**
   * Read everything since its start. Ends as `partial` if some records could not be saved or some
   * were not marked deleted.
   */
  | {
      state: 'succeeded'
      watermark: Date
      lookBackMs: number
      /** How many absent issues were not marked deleted; `errorCode` and `error` say why. */
      deletionsHeldBack: number | null
      errorCode: string | null
      error: string | null
      listWasIdle: boolean
    }
  /**
   * The cursor stays and the next run resumes at it, unless it is `lost`: HubSpot refused it, or it
   * led in a circle.
   */
  | { state: 'failed'; errorCode: string; error: string; lost: boolean }

/** How soon a failed first full run is tried again; later ones wait for their schedule slot. */
const firstRunRetry = sql`interval '15 minutes'`

/** Ends a run. @returns the state it ended in; undefined if another claim has the stream */
export async function finishRun(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  ending: Ending,
): Promise<EventState | undefined> {
  const ended =
    ending.state === 'succeeded'
      ? await endSucceededRun(scope, key, claim, ending)
      : await endFailedRun(scope, key, claim, ending)
  if (!ended) return undefined
  const { state, errorCode, error } = ending
  const [event] = await scope.query(sql<{ state: EventState }>`
    update sync_events set
      state = case when ${state} = 'succeeded' and (failed > 0 or ${errorCode}::text is not null)
        then 'partial' else ${state} end,
      error_code = ${errorCode}, error = ${error}, waiting_for = null, waiting_until = null,
      finished_at = clock_timestamp(), version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${claim.syncEventId}
    returning state`)
  return event?.state
}

/**
 * A full run also advances the incremental watermark, because it has read everything an incremental
 * run would.
 */
async function endSucceededRun(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  { watermark, lookBackMs, deletionsHeldBack, listWasIdle }: Extract<Ending, { state: 'succeeded' }>,
): Promise<boolean> {
  // A response dated in the future must not hide changes from the next runs until then. One dated
  // earlier than the last, because HubSpot's clock was set back, only causes more reads.
  const mark = sql`least(${watermark.toISOString()}::timestamptz, ${fromNow(-lookBackMs)})`
  const rows = await scope.query(sql`
    update sync_streams set sync_event_id = null, cursor = null, lease_until = null, lease_owner = null, failures = 0,
      not_before = null, awaits_hubspot = false, watermark = ${mark}, deletions_held_back = ${deletionsHeldBack},
      list_checked_at = case when ${listWasIdle} then clock_timestamp() else list_checked_at end
    where ${whereStream(scope, key)} and ${ownsClaim(claim)} returning epoch`)
  if (rows.length === 0) return false
  if (key.syncType === 'full') {
    await scope.query(sql`
      update sync_streams set watermark = greatest(watermark, ${mark})
      where ${whereStream(scope, { ...key, syncType: 'incremental' })}`)
  }
  await saveSyncTime(scope, key.integrationId, key.syncType === 'full')
  return true
}

async function endFailedRun(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  { lost }: Extract<Ending, { state: 'failed' }>,
): Promise<boolean> {
  const rows = await scope.query(sql`
    update sync_streams set sync_event_id = null, lease_until = null, lease_owner = null, failures = 0, not_before = null,
      awaits_hubspot = false,
      cursor = case when ${lost} then null else cursor end,
      next_run_at = case when sync_type = 'full' and watermark is null
        then least(next_run_at, clock_timestamp() + ${firstRunRetry}) else next_run_at end
    where ${whereStream(scope, key)} and ${ownsClaim(claim)} returning epoch`)
  return rows.length > 0
}

/** Ends all runs of an integration and its schedule; a process that still runs one is fenced. */
export async function cancelRuns(scope: TenantScope, integrationId: string): Promise<void> {
  await scope.query(sql`
    update sync_streams set epoch = epoch + 1, sync_event_id = null, cursor = null, lease_until = null,
      lease_owner = null, not_before = null, next_run_at = null, awaits_hubspot = false
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}`)
  await scope.query(sql`
    update sync_events set state = 'cancelled', finished_at = clock_timestamp(), waiting_for = null,
      waiting_until = null, version = version + 1
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}
      and state in ('queued', 'running', 'waiting')`)
}

/**
 * Resets the streams of an integration whose data is deleted: connected again, it starts with a
 * full sync.
 */
export async function resetStreams(scope: TenantScope, integrationId: string): Promise<void> {
  await scope.query(sql`
    update sync_streams set watermark = null, cursor = null, deletions_held_back = null
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}`)
  await clearFirstLoad(scope, integrationId)
}

/** Slots are at `offset` in each period; returns the next one from now. */
const nextSlot = (periodMs: number, offsetMs: number) => sql`
  to_timestamp((floor((extract(epoch from clock_timestamp()) * 1000 - ${offsetMs}::float8) / ${periodMs}::float8)
    * ${periodMs}::float8 + ${periodMs}::float8 + ${offsetMs}::float8) / 1000)`

/** Puts a stream on the schedule unless it is already there. */
export async function scheduleStream(
  scope: TenantScope,
  key: StreamKey,
  periodMs: number,
  offsetMs: number,
): Promise<void> {
  await scope.query(sql`
    insert into sync_streams as s (tenant_id, integration_id, kind, sync_type, next_run_at)
    values (${scope.tenantId}, ${key.integrationId}, ${key.kind}, ${key.syncType}, ${nextSlot(periodMs, offsetMs)})
    on conflict (tenant_id, integration_id, kind, sync_type) do update
      set next_run_at = coalesce(s.next_run_at, excluded.next_run_at)`)
}

/** Takes a schedule slot that is due. @returns false if another process was first */
export async function claimScheduleSlot(
  scope: TenantScope,
  key: StreamKey,
  periodMs: number,
  offsetMs: number,
): Promise<boolean> {
  const rows = await scope.query(sql`
    update sync_streams set next_run_at = ${nextSlot(periodMs, offsetMs)}
    where ${whereStream(scope, key)} and next_run_at <= clock_timestamp() returning sync_type`)
  return rows.length > 0
}

/**
 * Whether a scheduled run would be useful: the integration is live, and an incremental run has a
 * window to search.
 */
export async function isSlotUseful(scope: TenantScope, key: StreamKey): Promise<boolean> {
  const rows = await scope.query(sql`
    select from tenant_integrations i
    where i.tenant_id = ${scope.tenantId} and i.integration_id = ${key.integrationId}
      and i.status = any(${[...liveStatuses]})
      and (${key.syncType} = 'full' or exists (
        select from sync_streams s
        where s.tenant_id = i.tenant_id and s.integration_id = i.integration_id and s.kind = ${key.kind}
          and s.sync_type = 'incremental' and s.watermark is not null))`)
  return rows.length > 0
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

export interface DueStream extends StreamKey {
  tenantId: string
  epoch: number
  /** A schedule slot is due. */
  slot: boolean
  /** A run may continue now. */
  run: boolean
}

/** What is due now, over all tenants: ids and times only. */
export async function findDueStreams(scope: SystemScope, by: Claimant, limit: number): Promise<DueStream[]> {
  return await scope.query(sql<DueStream>`
    select tenant_id as "tenantId", integration_id as "integrationId", kind, sync_type as "syncType", epoch,
      coalesce(next_run_at <= clock_timestamp(), false) as slot, ${isRunnable} and ${leaseIsFree(by)} as run
    from sync_streams
    where next_run_at <= clock_timestamp() or (${isRunnable} and ${leaseIsFree(by)})
    order by coalesce(not_before, next_run_at) nulls first
    limit ${limit}`)
}

export interface AwaitingStream extends StreamKey {
  tenantId: string
}

/**
 * Runs of all tenants that wait for HubSpot to return; those with the latest next attempt come
 * first.
 */
export async function findAwaitingStreams(scope: SystemScope, limit: number): Promise<AwaitingStream[]> {
  return await scope.query(sql<AwaitingStream>`
    select tenant_id as "tenantId", integration_id as "integrationId", kind, sync_type as "syncType" from sync_streams
    where awaits_hubspot and not_before > clock_timestamp()
    order by not_before desc
    limit ${limit}`)
}

/** Lets one of these runs continue now. @returns false if it no longer waits */
export async function resumeAwaitingStream(scope: TenantScope, key: StreamKey): Promise<boolean> {
  return (await isAwaiting(scope, key)) && (await resumeStream(scope, key))
}

async function isAwaiting(scope: TenantScope, key: StreamKey): Promise<boolean> {
  const rows = await scope.query(sql`
    select sync_type from sync_streams where ${whereStream(scope, key)} and awaits_hubspot for update`)
  return rows.length > 0
}

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
