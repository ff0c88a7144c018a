/**
 * One run of a stream, from its claim to its end: each step reads from HubSpot outside a
 * transaction, then saves the result and the cursor in one. After a crash anywhere, the next claim
 * resumes at the cursor and repeats at most one step. Over 200 lines because the claim, the steps
 * and the end of a run belong together.
 */
import { recordChange } from '../changes/store.ts'
import { heartbeat } from '../db/heartbeat.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { isConnected } from '../integrations/integration.ts'
import { readForWork } from '../integrations/read-for-work.ts'
import { lockIntegration, setIntegrationStatus } from '../integrations/store.ts'
import { reuseAccess } from '../integrations/tokens/reuse-access.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { ObjectKind } from './object-kind.ts'
import { logUpsertReport } from './report.ts'
import { type Ending, finishRun } from './run-end-store.ts'
import { handleFailure, pagingCircle } from './run-failure.ts'
import { type RunDependencies, type RunOutcome, type RunState, waitFor } from './run-state.ts'
import type { SavedStep, SaveStep, StepContext } from './step.ts'
import { readStep } from './steps.ts'
import {
  claimStream,
  extendLease,
  type RunProgress,
  releaseStream,
  saveCheckpoint,
  startIncrementalWindow,
} from './store.ts'
import {
  type Cursor,
  deletionsHeldBackMessage,
  firstCursor,
  isCursor,
  isRunOver,
  markAt,
  type StreamKey,
  slotsOf,
  unprovenMessage,
  unreadMessage,
  watermarkAfter,
} from './stream.ts'

/**
 * The worker is released after this time, between two pages, so that many tenants can share a few
 * workers.
 */
const sliceMs = 20_000
const retryLimits = { maxAttempts: 4, totalMs: 30_000 }

/** Thrown inside a run that no longer owns its stream. */
class FencedRun extends Error {}

/**
 * @param signal aborts when the process stops: the current page is finished or released, and
 *   nothing is lost
 */
export async function runStream(
  deps: RunDependencies,
  tenantId: TenantId,
  key: StreamKey,
  kind: ObjectKind,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const { db, metrics } = deps
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, tenantId, work)
  const slots = slotsOf(key, deps.periods)
  const claimed = await within(async (scope) => {
    const claim = await claimStream(scope, key, deps.claimant, slots)
    return claim && { claim, ...(await readForWork(scope, key.integrationId)) }
  })
  if (!claimed) return 'idle'
  const { claim, access, resources } = claimed
  const run: RunState = {
    ...deps,
    key,
    kind,
    claim,
    within,
    awaitsHubSpot: claim.awaits_hubspot,
    failures: claim.failures,
    cursor: null,
    endedAs: 'succeeded',
  }
  const log = deps.log.child({
    tenant_id: tenantId,
    integration_id: key.integrationId,
    sync_event_id: claim.sync_event_id,
  })
  const stop = new AbortController()
  const onLost = () => stop.abort(new FencedRun())
  const beats = heartbeat({
    leaseMs: deps.claimant.leaseMs,
    renew: () => within((scope) => extendLease(scope, key, claim, deps.claimant.leaseMs)),
    onLost,
    onError: (err) =>
      isTenantErasing(err) ? onLost() : run.log.warn({ err }, 'a sync run could not renew its lease'),
  })
  const ref = { tenantId, integrationId: key.integrationId }
  const working = AbortSignal.any([signal, stop.signal])
  const steps = {
    hubspot: deps.hubspot,
    syncType: key.syncType,
    integrationId: key.integrationId,
    clock: deps.clock,
    within,
    retryLimits,
    signal: working,
    indexLagMs: deps.sync.indexLagMs,
    maxDeletedShare: deps.sync.maxDeletedShare,
    deletionsConfirmed: claim.deletions_held_back !== null,
    listWasIdle: claim.list_was_idle,
    failures: claim.failures,
    withAccess: reuseAccess(deps, ref, { retryLimits, signal: working }, access),
  }
  try {
    const maySave = (scope: TenantScope) => extendLease(scope, key, claim, deps.claimant.leaseMs)
    const reader = await kind.prepare(ref, { retryLimits, signal: working, maySave, resources })
    const outcome = await runSteps(run, { ...steps, kind: { ...kind, ...reader } }, signal)
    if (outcome === run.endedAs) metrics.syncRuns.inc({ sync_type: key.syncType, state: outcome })
    log.info({ sync_type: key.syncType, outcome }, 'sync run')
    return outcome
  } catch (error) {
    const isFenced = error instanceof FencedRun || isTenantErasing(error) || stop.signal.aborted
    if (!isFenced && signal.aborted) {
      await within((scope) => releaseStream(scope, key, claim))
      return 'yielded'
    }
    const outcome = isFenced ? 'fenced' : await handleFailure(run, error, log)
    if (outcome === 'fenced') metrics.syncFenced.inc()
    return outcome
  } finally {
    clearInterval(beats)
  }
}

async function runSteps(run: RunState, steps: StepContext, signal: AbortSignal): Promise<RunOutcome> {
  const { clock, claim, within, key } = run
  const sliceEnds = clock.monotonic() + sliceMs
  let cursor: Cursor = isCursor(claim.cursor) ? claim.cursor : firstCursor(key.syncType, claim.watermark)
  for (;;) {
    run.cursor = cursor
    const mark = markAt(cursor)
    if (!mark) throw new HubSpotError('invalid', pagingCircle)
    const at = { ...cursor, mark }
    const read = () => readStep({ ...steps, failures: run.failures }, at)
    const saved = await saveStep(
      run,
      cursor,
      await read().catch(async (error: unknown) => {
        const properties = await steps.kind.omitRefusedProperties?.(error, steps.kind.properties)
        if (!properties) throw error
        steps.kind = { ...steps.kind, properties }
        return await read()
      }),
    )
    if (!saved) return run.endedAs
    cursor = saved.next
    if (saved.waitMs !== undefined) {
      if (!(await waitFor(run, 'hubspot_unavailable', saved.waitMs))) throw new FencedRun()
      return 'backed_off'
    }
    if (signal.aborted || clock.monotonic() >= sliceEnds) {
      await within((scope) => releaseStream(scope, key, claim))
      return 'yielded'
    }
  }
}

/**
 * Saves a step's result, the cursor after it and, with the last step, the end of the run, in one
 * transaction.
 */
async function saveStep(run: RunState, at: Cursor, save: SaveStep): Promise<SavedStep | undefined> {
  const { key, claim, claimant, within, metrics } = run
  const saved = await within(async (scope) => {
    const status = await lockIntegration(scope, key.integrationId)
    if (!isConnected(status)) throw new FencedRun()
    const saved = await save(scope)
    if (at.startedAt === null && saved.next.startedAt !== null && key.syncType === 'full')
      await startIncrementalWindow(scope, key, watermarkAfter(saved.next.startedAt, lookBackOf(run)))
    if (key.syncType === 'incremental' && saved.report?.newestAt !== undefined)
      await run.onFound?.(scope, key.integrationId, saved.report.newestAt)
    if (isRunOver(saved.next)) await finishSucceeded(run, scope, saved, status)
    else if (!(await saveCheckpoint(scope, key, claim, claimant.leaseMs, saved.next, progressOf(saved))))
      throw new FencedRun()
    return saved
  })
  run.failures = 0
  if (run.awaitsHubSpot) run.onHubSpotReturn?.()
  run.awaitsHubSpot = false
  if (saved.report) {
    metrics.syncPages.inc({ sync_type: key.syncType })
    logUpsertReport(run, saved.report, { sync_event_id: claim.sync_event_id })
  }
  return isRunOver(saved.next) ? undefined : saved
}

const progressOf = ({ report, done = 0, total }: SavedStep): RunProgress => ({
  pages: done > 0 ? 1 : 0,
  done,
  inserted: report?.inserted ?? 0,
  changed: report?.changed ?? 0,
  unchanged: report?.unchanged ?? 0,
  archived: report?.archived ?? 0,
  failed: report?.rejected.length ?? 0,
  repaired: report?.repaired ?? 0,
  total,
})

/**
 * The watermark stays behind the time up to which the index is known to be complete, however short
 * the look-back is.
 */
const lookBackOf = ({ sync }: RunState) => Math.max(sync.lookBackMs, sync.indexLagMs)

async function finishSucceeded(
  run: RunState,
  scope: TenantScope,
  saved: SavedStep,
  status: string,
): Promise<void> {
  const { key, claim } = run
  const cursor = saved.next
  const { deletionsHeldBack = null, unproven } = cursor
  const watermark = watermarkAfter(cursor.startedAt ?? new Date(0).toISOString(), lookBackOf(run))
  const ending: Ending = {
    state: 'succeeded',
    // What an incremental run could not read must be searched again.
    watermark: key.syncType === 'incremental' && unproven ? (claim.watermark ?? watermark) : watermark,
    lookBackMs: lookBackOf(run),
    deletionsHeldBack,
    ...shortcomingOf(cursor),
    listWasIdle: cursor.listWasIdle ?? false,
    lastStep: progressOf(saved),
  }
  const endedAs = await finishRun(scope, key, claim, ending)
  if (!endedAs) throw new FencedRun()
  run.endedAs = endedAs
  // An incremental run records each change it finds, so its end need not be announced.
  if (key.syncType === 'full') {
    await run.kind.loaded?.(scope, key.integrationId)
    await recordChange(scope, 'sync.completed', key.integrationId, {
      sync_event_id: claim.sync_event_id,
      state: run.endedAs,
      first: claim.watermark === null,
    })
  }
  if (status === 'degraded') await setIntegrationStatus(scope, key.integrationId, 'active', null)
}

/** Why a completed run is `partial`, apart from records that could not be saved. */
function shortcomingOf({ deletionsHeldBack, unproven, unread }: Cursor): {
  errorCode: string | null
  error: string | null
} {
  if (deletionsHeldBack !== undefined)
    return { errorCode: 'deletions_held_back', error: deletionsHeldBackMessage(deletionsHeldBack) }
  if (unproven !== undefined) return { errorCode: 'answers_incomplete', error: unprovenMessage(unproven) }
  if (unread?.length) return { errorCode: 'associations_unread', error: unreadMessage(unread) }
  return { errorCode: null, error: null }
}
