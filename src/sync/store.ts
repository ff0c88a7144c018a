/**
 * SQL on runs, from the request to the last checkpoint; run-end-store.ts ends them. Over 200 lines
 * because a stream and its event always change together, and every write on a run carries the epoch
 * of its claim: side by side, it is easy to check that none lacks it.
 */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import { type Claimant, leaseIsFree } from '../db/lease.ts'
import type { TenantScope } from '../db/scope.ts'
import { type IntegrationStatus, liveStatuses } from '../integrations/integration.ts'
import { clearFirstLoad } from '../integrations/store.ts'
import { newId } from '../lib/ids.ts'
import { eventColumns, findSyncEvent, type SyncEvent } from './event-store.ts'
import { nextSlot, resumeStream, whereStream } from './schedule-store.ts'
import type { Cursor, Slots, StreamKey, SyncTrigger } from './stream.ts'

/**
 * A failed run leaves its cursor, so that the next one need not repeat its reads unless they are too
 * old.
 */
const resumableCursor = sql`
  case when (cursor->>'startedAt')::timestamptz > clock_timestamp() - interval '1 day' then cursor end`

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
  await scope.query(sql`
    update sync_streams set sync_event_id = ${event?.sync_event_id}, failures = 0, not_before = null,
      cursor = ${resumableCursor}
    where ${whereStream(scope, key)}`)
  return { event: event as SyncEvent, already: false, resumed: false }
}

export interface StreamClaim {
  epoch: number
  sync_event_id: string
  cursor: Cursor | null
  watermark: Date | null
  failures: number
  /** How many absent issues the last full pass did not mark deleted. */
  deletions_held_back: number | null
  /** A list read because of a count found nothing, less than an hour ago. */
  list_was_idle: boolean
  /** It waited for HubSpot to return. */
  awaits_hubspot: boolean
  /** Resumed before its time, to check whether HubSpot is back. */
  is_probe: boolean
}

/** What a worker finds when it looks at a due stream. */
interface FoundStream {
  sync_event_id: string | null
  slot_due: boolean
  may_continue: boolean
  has_window: boolean
  status: IntegrationStatus
}

/**
 * Claims a due stream for one process: continues its run, or starts the one that the schedule asks
 * for. A schedule slot that is due is taken either way, also if no run is useful: the integration is
 * not live, an incremental run has no window to search, or a run is in progress.
 *
 * @returns undefined if there is nothing to run or another process has the stream
 */
export async function claimStream(
  scope: TenantScope,
  key: StreamKey,
  by: Claimant,
  slots: Slots,
): Promise<StreamClaim | undefined> {
  const [found] = await scope.query(
    sql<FoundStream>`
    select sync_event_id, coalesce(next_run_at <= clock_timestamp(), false) as slot_due,
      sync_event_id is not null and coalesce(not_before <= clock_timestamp(), true) and ${leaseIsFree(by, 's')} as may_continue,
      sync_type = 'full' or watermark is not null as has_window,
      (select i.status from tenant_integrations i
        where i.tenant_id = s.tenant_id and i.integration_id = s.integration_id) as status
    from sync_streams s
    where ${whereStream(scope, key)}
    for update skip locked`,
    { prepare: true },
  )
  if (!found) return undefined
  const { sync_event_id, slot_due, may_continue, has_window, status } = found
  const starts = sync_event_id === null && slot_due && has_window && liveStatuses.includes(status)
  const taken = sql`next_run_at = ${nextSlot(slots)}`
  if (!starts && !may_continue) {
    if (slot_due) await scope.query(sql`update sync_streams set ${taken} where ${whereStream(scope, key)}`)
    return undefined
  }
  const run = starts
    ? sql`sync_event_id = ${newId()}, failures = 0, is_probe = false, cursor = ${resumableCursor}`
    : sql`is_probe = awaits_hubspot and not_before is null`
  const [claim] = await scope.query(
    sql<StreamClaim>`
    with claimed as (
      update sync_streams set ${slot_due ? sql`${taken},` : sql``} ${run}, not_before = null,
        epoch = epoch + 1, lease_until = ${fromNow(by.leaseMs)}, lease_owner = ${by.instance}
      where ${whereStream(scope, key)}
      returning *
    ),
    event as (
      insert into sync_events as e
        (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state, started_at)
      select tenant_id, sync_event_id, integration_id, kind, sync_type, 'schedule', 'running', clock_timestamp() from claimed
      on conflict (tenant_id, sync_event_id) do update set
        state = 'running', started_at = coalesce(e.started_at, excluded.started_at),
        waiting_for = null, waiting_until = null, version = e.version + 1
    )
    select epoch, sync_event_id, cursor, watermark, failures, deletions_held_back, awaits_hubspot, is_probe,
      coalesce(list_checked_at > clock_timestamp() - interval '1 hour', false) as list_was_idle
    from claimed`,
    { prepare: true },
  )
  return claim
}

export type ClaimId = Pick<StreamClaim, 'epoch' | 'sync_event_id'>

/** The claim is still valid: no newer claim has the stream, and the run has not ended. */
export const ownsClaim = ({ epoch, sync_event_id }: ClaimId) =>
  sql`epoch = ${epoch} and sync_event_id = ${sync_event_id}`

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

export const addedProgress = (step: RunProgress) => sql`
  pages = pages + ${step.pages}, done = done + ${step.done},
  inserted = inserted + ${step.inserted}, changed = changed + ${step.changed},
  unchanged = unchanged + ${step.unchanged}, archived = archived + ${step.archived},
  failed = failed + ${step.failed}, repaired = repaired + ${step.repaired},
  total = case when ${step.total !== undefined} then ${step.total ?? null}::bigint else total end,
  version = version + 1`

/**
 * Sets the cursor to the end of the step just saved, and adds what the step did to the run's event.
 *
 * @returns false if a newer claim has the stream
 */
export async function saveCheckpoint(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  leaseMs: number,
  cursor: Cursor,
  step: RunProgress,
): Promise<boolean> {
  const rows = await scope.query(
    sql`
    with stream as (
      update sync_streams set cursor = ${JSON.stringify(cursor)}::jsonb, failures = 0, lease_until = ${fromNow(leaseMs)},
        awaits_hubspot = false
      where ${whereStream(scope, key)} and ${ownsClaim(claim)} returning epoch
    )
    update sync_events set ${addedProgress(step)}
    where tenant_id = ${scope.tenantId} and sync_event_id = ${claim.sync_event_id} and exists (select from stream)
    returning version`,
    { prepare: true },
  )
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

/**
 * Releases the stream in the middle of a run; it is due again at once, or after `wait.ms`.
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
