/**
 * One run of a stream, from its claim to its end: each step reads from HubSpot without a transaction, then is kept
 * together with the cursor in one. Killed anywhere, the next claim goes on at the cursor and does at most one step again.
 * Over 200 lines because a run is one story: claim, steps, end, and each way it can be cut short.
 */
import { recordChange } from '../changes/store.ts'
import type { Database } from '../db/database.ts'
import { heartbeat } from '../db/heartbeat.ts'
import type { Claimant } from '../db/lease.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { asAppError, codeOf } from '../hubspot/as-app-error.ts'
import { askedWait, awaitsReturn } from '../hubspot/client/circuit.ts'
import type { HubSpot } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { isConnected } from '../integrations/integration.ts'
import { lockIntegration, moveTo } from '../integrations/store.ts'
import { holdAccess } from '../integrations/tokens/hold-access.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import { fullJitter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError, isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { ObjectKind } from './object-kind.ts'
import { logRecords } from './report.ts'
import type { Keep, Kept, StepParts } from './step.ts'
import { readStep } from './steps.ts'
import {
  addProgress,
  type Claim,
  checkpoint,
  claimStream,
  type Ending,
  extendLease,
  finishRun,
  markWaiting,
  openWindow,
  releaseStream,
  type StreamKey,
} from './store.ts'
import {
  type Cursor,
  type EventState,
  firstCursor,
  isCursor,
  isOver,
  markAt,
  maxFailures,
  unprovenWords,
  unreadWords,
  watermarkAfter,
  withheldWords,
} from './stream.ts'

export interface RunParts {
  db: Database
  hubspot: HubSpot
  tokens: Tokens
  claimant: Claimant
  sync: SyncSettings
  /** Told within the transaction of a step of what came to light that nothing had told of before. */
  onFound?: (scope: TenantScope, integrationId: string, newestAt: string) => Promise<void>
  /** Called when a run that waited for HubSpot to come back got through. */
  onHubSpotBack?: () => void
  clock: Clock
  metrics: Metrics
  log: Log
}

/** What an operator may set; times in ms. */
export interface SyncSettings {
  /** How far each incremental reads back before the start of the last. */
  lookBackMs: number
  /** How far HubSpot's index may be behind. */
  indexLagMs: number
  /** The share of the live issues (0 to 1) beyond which one full pass alone buries nothing. */
  sweepShare: number
}

export type Outcome =
  /** Nothing to do, or another process has it. */
  | 'idle'
  /** Came to its end. */
  | 'caught_up'
  /** Gave its worker back in the middle; wants to go on at once. */
  | 'yielded'
  /** Waits for HubSpot; the sweep goes on with it when the time has come. */
  | 'backed_off'
  | 'failed'
  /** A newer claim, a disconnect, a purge or an erasure took the stream away. */
  | 'fenced'

/** After this long the worker is given back between two pages, so that many tenants share few workers. */
const sliceMs = 20_000
const patience = { tries: 4, totalMs: 30_000 }
const betweenFailures = { base: 2_000, cap: 300_000 }

/** Thrown inside a run when the stream is no longer its own. */
class Fenced extends Error {}

/** @param signal aborts when the process stops: the page in hand is finished or given back, nothing is lost */
export async function runStream(
  parts: RunParts,
  tenantId: TenantId,
  key: StreamKey,
  kind: ObjectKind,
  signal: AbortSignal,
): Promise<Outcome> {
  const { db, metrics } = parts
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, tenantId, work)
  const claim = await within((scope) => claimStream(scope, key, parts.claimant))
  if (!claim) return 'idle'
  const run: Run = {
    ...parts,
    key,
    kind,
    claim,
    within,
    awaitsHubSpot: claim.awaitedHubSpot,
    failures: claim.failures,
    cursor: null,
    endedAs: 'succeeded',
  }
  const log = parts.log.child({
    tenant_id: tenantId,
    integration_id: key.integrationId,
    sync_event_id: claim.syncEventId,
  })
  const stop = new AbortController()
  const lost = () => stop.abort(new Fenced())
  const beats = heartbeat({
    leaseMs: parts.claimant.leaseMs,
    renew: () => within((scope) => extendLease(scope, key, claim, parts.claimant.leaseMs)),
    lost,
    failed: (err) =>
      isTenantErasing(err) ? lost() : run.log.warn({ err }, 'a sync run could not renew its lease'),
  })
  const whose = { tenantId, integrationId: key.integrationId }
  const working = AbortSignal.any([signal, stop.signal])
  const steps = {
    hubspot: parts.hubspot,
    mode: key.mode,
    integrationId: key.integrationId,
    clock: parts.clock,
    within,
    patience,
    signal: working,
    indexLagMs: parts.sync.indexLagMs,
    sweepShare: parts.sync.sweepShare,
    sweepAgreed: claim.withheld !== null,
    listWasIdle: claim.listWasIdle,
    failures: claim.failures,
    withAccess: holdAccess(parts, whose, { patience, signal: working }),
  }
  try {
    const mayKeep = (scope: TenantScope) => extendLease(scope, key, claim, parts.claimant.leaseMs)
    const reader = await kind.prepare(whose, { patience, signal: working, mayKeep })
    const outcome = await walk(run, { ...steps, kind: { ...kind, ...reader } }, signal)
    if (outcome === 'caught_up') metrics.syncRuns.inc({ type: key.mode, state: run.endedAs })
    log.info({ mode: key.mode, outcome }, 'sync run')
    return outcome
  } catch (error) {
    if (error instanceof Fenced || isTenantErasing(error) || stop.signal.aborted) {
      metrics.syncFenced.inc()
      return 'fenced'
    }
    if (signal.aborted) {
      await within((scope) => releaseStream(scope, key, claim))
      return 'yielded'
    }
    return await giveUpOrWait(run, error, log)
  } finally {
    clearInterval(beats)
  }
}

interface Run extends RunParts {
  key: StreamKey
  kind: ObjectKind
  claim: Claim
  /** In a row, without a page between. */
  failures: number
  /** Waited for HubSpot to come back, and has read nothing since. */
  awaitsHubSpot: boolean
  /** Of the step under way. */
  cursor: Cursor | null
  /** partial: some records could not be kept. */
  endedAs: EventState
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
}

async function walk(run: Run, steps: StepParts, signal: AbortSignal): Promise<Outcome> {
  const { clock, claim, within, key } = run
  const sliceEnds = clock.monotonic() + sliceMs
  let cursor: Cursor = isCursor(claim.cursor) ? claim.cursor : firstCursor(key.mode, claim.watermark)
  for (;;) {
    run.cursor = cursor
    const mark = markAt(cursor)
    if (!mark) throw new HubSpotError('invalid', circle)
    const at = { ...cursor, mark }
    const read = () => readStep({ ...steps, failures: run.failures }, at)
    const kept = await keepStep(
      run,
      cursor,
      await read().catch(async (error: unknown) => {
        const properties = await steps.kind.omitRefused?.(error, steps.kind.properties)
        if (!properties) throw error
        steps.kind = { ...steps.kind, properties }
        return await read()
      }),
    )
    if (!kept) return 'caught_up'
    cursor = kept.next
    if (kept.waitMs !== undefined) {
      await waitFor(run, 'hubspot_unavailable', kept.waitMs)
      return 'backed_off'
    }
    if (signal.aborted || clock.monotonic() >= sliceEnds) {
      await within((scope) => releaseStream(scope, key, claim))
      return 'yielded'
    }
  }
}

/** What a step brought, the cursor after it and, with the last one, the end of the run: one transaction. */
async function keepStep(run: Run, at: Cursor, keep: Keep): Promise<Kept | undefined> {
  const { key, claim, claimant, within, metrics } = run
  const kept = await within(async (scope) => {
    const status = await lockIntegration(scope, key.integrationId)
    if (!isConnected(status)) throw new Fenced()
    const kept = await keep(scope)
    if (!(await checkpoint(scope, key, claim, claimant.leaseMs, kept.next))) throw new Fenced()
    if (at.startedAt === null && kept.next.startedAt !== null && key.mode === 'full')
      await openWindow(scope, key, watermarkAfter(kept.next.startedAt, lookBackOf(run)))
    await addProgress(scope, claim.syncEventId, {
      pages: kept.done ? 1 : 0,
      done: kept.done ?? 0,
      inserted: kept.report?.inserted ?? 0,
      changed: kept.report?.changed ?? 0,
      unchanged: kept.report?.unchanged ?? 0,
      archived: kept.report?.archived ?? 0,
      failed: kept.report?.rejected.length ?? 0,
      repaired: kept.report?.repaired ?? 0,
      total: kept.total,
    })
    if (key.mode === 'incremental' && kept.report?.newestAt !== undefined)
      await run.onFound?.(scope, key.integrationId, kept.report.newestAt)
    if (isOver(kept.next)) await finish(run, scope, kept.next, status)
    return kept
  })
  run.failures = 0
  if (run.awaitsHubSpot) run.onHubSpotBack?.()
  run.awaitsHubSpot = false
  if (kept.report) {
    metrics.syncPages.inc({ type: key.mode })
    logRecords(run, kept.report, { sync_event_id: claim.syncEventId })
  }
  return isOver(kept.next) ? undefined : kept
}

/** Gives the stream back until the run may go on. @param restart where it goes on instead of at its cursor */
async function waitFor(
  { key, claim, within, failures }: Run,
  reason: string,
  ms: number,
  more: { failures?: number; restart?: Cursor | undefined; awaitsHubSpot?: boolean } = {},
): Promise<void> {
  await within(async (scope) => {
    const wait = { ms, failures, restart: undefined, awaitsHubSpot: false, ...more }
    const held = await releaseStream(scope, key, claim, wait)
    if (held) await markWaiting(scope, claim.syncEventId, reason, ms)
  })
}

/** The watermark stays behind what the index is sure to hold, however short the look-back. */
const lookBackOf = ({ sync }: Run) => Math.max(sync.lookBackMs, sync.indexLagMs)

async function finish(run: Run, scope: TenantScope, cursor: Cursor, status: string): Promise<void> {
  const { key, claim } = run
  const { withheld = null, unproven } = cursor
  const watermark = watermarkAfter(cursor.startedAt ?? new Date(0).toISOString(), lookBackOf(run))
  const ending: Ending = {
    state: 'succeeded',
    // What an incremental run could not read is searched for again.
    watermark: key.mode === 'incremental' && unproven ? (claim.watermark ?? watermark) : watermark,
    lookBackMs: lookBackOf(run),
    withheld,
    ...shortcomingOf(cursor),
    listWasIdle: cursor.listWasIdle ?? false,
  }
  run.endedAs = (await finishRun(scope, key, claim, ending)) ?? 'cancelled'
  // An incremental run tells what it found, change by change, and need not say that it ended.
  if (key.mode === 'full' && run.endedAs !== 'cancelled')
    await recordChange(scope, 'sync.completed', key.integrationId, {
      sync_event_id: claim.syncEventId,
      state: run.endedAs,
      first: claim.watermark === null,
    })
  if (status === 'degraded') await moveTo(scope, key.integrationId, 'active', null)
}

/** Why a run that came to its end is `partial`, beside records that could not be kept. */
function shortcomingOf({ withheld, unproven, unread }: Cursor): {
  errorCode: string | null
  error: string | null
} {
  if (withheld !== undefined) return { errorCode: 'sweep_withheld', error: withheldWords(withheld) }
  if (unproven !== undefined) return { errorCode: 'answers_incomplete', error: unprovenWords(unproven) }
  if (unread?.length) return { errorCode: 'associations_unread', error: unreadWords(unread) }
  return { errorCode: null, error: null }
}

const circle = 'paging in a circle'

/** Begins again where HubSpot no longer takes its own paging token, or led us in a circle. */
function restartOf({ key, claim, cursor }: Run, failure: unknown): Cursor | undefined {
  if (!(failure instanceof HubSpotError) || !cursor) return undefined
  const { walk } = cursor
  const refused =
    failure.kind === 'rejected' && (walk.at === 'list' || walk.at === 'search') && walk.after !== undefined
  if (!refused && failure.endpoint !== circle) return undefined
  return { ...firstCursor(key.mode, claim.watermark), restarts: (cursor.restarts ?? 0) + 1 }
}

/** After an error: wait and go on at the cursor, or end the run with a code that says what to do. */
async function giveUpOrWait(run: Run, failure: unknown, log: Log): Promise<Outcome> {
  const { key, claim, within, clock, metrics } = run
  const error = asAppError(failure)
  const code = codeOf(failure)
  // A bare 401 came through a fresh token: it may pass. A token that is refused for good comes as an AppError.
  // So may a 403 that is not about scopes.
  const passing = failure instanceof HubSpotError && !failure.missing
  const final = error instanceof AppError && !passing
  const awaitsHubSpot = awaitsReturn(failure)
  // A limit is no failure, and neither is a circuit that let no call through, or an attempt before its time: the run waits at
  // its cursor.
  const spared =
    code === 'hubspot_limit' ||
    (failure instanceof HubSpotError && failure.circuit) ||
    (awaitsHubSpot && run.awaitsHubSpot && claim.isProbe)
  const restart = restartOf(run, failure)
  // What leads back to the beginning is counted on its own: the good steps on the way there would hide it.
  const failures = Math.max(spared ? run.failures : run.failures + 1, restart?.restarts ?? 0)
  log[code === 'internal' ? 'error' : 'warn']({ err: failure, code, failures }, 'a sync run met an error')
  if (final || failures > maxFailures) {
    const message = error instanceof AppError ? error.message : 'An error of this service; see its log'
    await within(async (scope) => {
      await lockIntegration(scope, key.integrationId)
      const ended = await finishRun(scope, key, claim, {
        state: 'failed',
        errorCode: code,
        error: message,
        lost: restart !== undefined,
      })
      if (ended)
        await recordChange(scope, 'sync.failed', key.integrationId, {
          sync_event_id: claim.syncEventId,
          sync_type: key.mode,
          code,
        })
      if (ended && !final)
        await moveTo(
          scope,
          key.integrationId,
          code === 'token_invalid' ? 'reauth_required' : 'degraded',
          code,
        )
    })
    metrics.syncRuns.inc({ type: key.mode, state: 'failed' })
    return 'failed'
  }
  const refused = restart && (failure as HubSpotError).kind === 'rejected'
  const waitMs =
    askedWait(failure, clock) ?? betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
  await waitFor(run, refused ? 'cursor_refused' : code, waitMs, { failures, restart, awaitsHubSpot })
  return 'backed_off'
}
