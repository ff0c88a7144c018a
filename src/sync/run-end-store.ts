/** SQL that ends runs: those that succeed or fail, and all of a disconnected integration. */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import type { TenantScope } from '../db/scope.ts'
import { updateSyncTime } from '../integrations/store.ts'
import { whereStream } from './schedule-store.ts'
import { addedProgress, type ClaimId, ownsClaim, type RunProgress } from './store.ts'
import type { EventState, StreamKey } from './stream.ts'

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
      lastStep: RunProgress
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
  return ending.state === 'succeeded'
    ? await endSucceededRun(scope, key, claim, ending)
    : await endFailedRun(scope, key, claim, ending)
}

/**
 * One statement. A full run also advances the incremental watermark, because it has read everything
 * an incremental run would.
 */
async function endSucceededRun(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  ending: Extract<Ending, { state: 'succeeded' }>,
): Promise<EventState | undefined> {
  const { watermark, lookBackMs, deletionsHeldBack, listWasIdle, errorCode, error, lastStep } = ending
  const isFull = key.syncType === 'full'
  // A response dated in the future must not hide changes from the next runs until then. One dated
  // earlier than the last, because HubSpot's clock was set back, only causes more reads.
  const mark = sql`least(${watermark.toISOString()}::timestamptz, ${fromNow(-lookBackMs)})`
  const ended = sql`exists (select from stream)`
  const incremental = sql`incremental as (
      update sync_streams set watermark = greatest(watermark, ${mark})
      where ${whereStream(scope, { ...key, syncType: 'incremental' })} and ${ended}
    ),`
  const repeat = isFull ? undefined : repeatOf(scope, key, claim, lastStep)
  const [event] = await scope.query(
    sql<{ state: EventState }>`
    with stream as (
      update sync_streams set sync_event_id = null, cursor = null, lease_until = null, lease_owner = null, failures = 0,
        not_before = null, awaits_hubspot = false, watermark = ${mark}, deletions_held_back = ${deletionsHeldBack},
        list_checked_at = case when ${listWasIdle} then clock_timestamp() else list_checked_at end
      where ${whereStream(scope, key)} and ${ownsClaim(claim)} returning epoch
    ),
    ${isFull ? incremental : sql``}
    integration as (${updateSyncTime(scope, key.integrationId, isFull, ended)}),
    ${repeat?.previous ?? sql``}
    event as (
      update sync_events set ${addedProgress(lastStep)}, ${repeat?.counted ?? sql``} error_code = ${errorCode}, error = ${error},
        state = case when failed + ${lastStep.failed} > 0 or ${errorCode}::text is not null then 'partial' else 'succeeded' end,
        waiting_for = null, waiting_until = null, finished_at = clock_timestamp()
      where tenant_id = ${scope.tenantId} and sync_event_id = ${claim.sync_event_id} and ${ended}
      returning state, repeat_count
    )
    ${repeat?.folded ?? sql``}
    select state from event`,
    { prepare: true },
  )
  return event?.state
}

/** What a run found; 0: nothing, or only what is stored already. */
const found = sql`inserted + changed + archived + failed + repaired`

/**
 * A scheduled run that found nothing replaces the run directly before it if that found nothing
 * either. 10,000 integrations start 2.9 million such runs a day, and one row says what they say.
 */
function repeatOf(scope: TenantScope, key: StreamKey, { sync_event_id }: ClaimId, step: RunProgress) {
  const isRepeat = sql`trigger = 'schedule' and exists (select from previous)
    and ${found} + ${step.inserted + step.changed + step.archived + step.failed + step.repaired}::bigint = 0`
  return {
    previous: sql`previous as (
      select * from (
        select * from sync_events
        where tenant_id = ${scope.tenantId} and integration_id = ${key.integrationId} and sync_event_id < ${sync_event_id}
        order by sync_event_id desc
        limit 1) p
      where kind = ${key.kind} and sync_type = ${key.syncType} and trigger = 'schedule' and state = 'succeeded'
        and ${found} = 0
    ),`,
    counted: sql`repeat_count = case when ${isRepeat} then (select repeat_count + 1 from previous) else 0 end,
        repeats_since = case when ${isRepeat} then (select coalesce(repeats_since, started_at) from previous) end,`,
    folded: sql`, folded as (
      delete from sync_events
      where tenant_id = ${scope.tenantId} and sync_event_id = (select sync_event_id from previous)
        and exists (select from event where repeat_count > 0)
    )`,
  }
}

async function endFailedRun(
  scope: TenantScope,
  key: StreamKey,
  claim: ClaimId,
  { lost, errorCode, error }: Extract<Ending, { state: 'failed' }>,
): Promise<EventState | undefined> {
  const [event] = await scope.query(sql<{ state: EventState }>`
    with stream as (
      update sync_streams set sync_event_id = null, lease_until = null, lease_owner = null, failures = 0, not_before = null,
        awaits_hubspot = false,
        cursor = case when ${lost} then null else cursor end,
        next_run_at = case when sync_type = 'full' and watermark is null
          then least(next_run_at, clock_timestamp() + ${firstRunRetry}) else next_run_at end
      where ${whereStream(scope, key)} and ${ownsClaim(claim)} returning epoch
    )
    update sync_events set state = 'failed', error_code = ${errorCode}, error = ${error},
      waiting_for = null, waiting_until = null, finished_at = clock_timestamp(), version = version + 1
    where tenant_id = ${scope.tenantId} and sync_event_id = ${claim.sync_event_id} and exists (select from stream)
    returning state`)
  return event?.state
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
