/**
 * One run of a stream, from its claim to its end: each page is fetched without a transaction, then kept together
 * with the cursor in one. Killed anywhere, the next claim goes on at the cursor and reads at most one page again.
 * Over 200 lines because a run is one story: claim, pages, end, and each way it can be cut short.
 */
import { asAppError } from '../hubspot/as-app-error.ts'
import type { HubSpot } from '../hubspot/client.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import { lockIntegration, moveTo } from '../integrations/store.ts'
import type { Tokens } from '../integrations/tokens.ts'
import { fullJitter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Database } from '../lib/db.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { type TenantScope, withTenant } from '../tenants/scope.ts'
import type { TenantId } from '../tenants/tenant.ts'
import type { ObjectKind } from './object-kind.ts'
import { measure, type PageParts, pagesFrom } from './pages.ts'
import {
  addProgress,
  type Claim,
  type Claimant,
  checkpoint,
  claimStream,
  extendLease,
  finishRun,
  keepTotalOfEvent,
  markWaiting,
  releaseStream,
  type StreamKey,
} from './store.ts'
import {
  type Cursor,
  type EventState,
  firstCursor,
  maxFailures,
  type StreamPage,
  watermarkAfter,
} from './stream.ts'

export interface RunParts {
  db: Database
  hubspot: HubSpot
  tokens: Tokens
  claimant: Claimant
  overlapMs: number
  clock: Clock
  metrics: Metrics
  log: Log
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
  /** A newer claim, a disconnect or a purge took the stream away. */
  | 'fenced'

const heartbeatMs = 8_000
/** After this long the worker is given back between two pages, so that many tenants share few workers. */
const sliceMs = 45_000
const pagePatience = { tries: 4, totalMs: 40_000 }
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
  const run: Run = { ...parts, key, kind, claim, within, failures: claim.failures, endedAs: 'succeeded' }
  const log = parts.log.child({
    tenant_id: tenantId,
    integration_id: key.integrationId,
    sync_event_id: claim.syncEventId,
  })
  const stop = new AbortController()
  const beats = heartbeat(run, stop)
  const pages: PageParts = {
    hubspot: parts.hubspot,
    kind,
    patience: pagePatience,
    signal: AbortSignal.any([signal, stop.signal]),
    withAccess: (work) =>
      parts.tokens.use(
        { tenantId, integrationId: key.integrationId },
        { patience: pagePatience, signal: pages.signal },
        (access) => work(access),
      ),
  }
  try {
    const outcome = await walk(run, pages, signal)
    if (outcome === 'caught_up') metrics.syncRuns.inc({ type: key.mode, state: run.endedAs })
    log.info({ mode: key.mode, outcome }, 'sync run')
    return outcome
  } catch (error) {
    if (error instanceof Fenced || stop.signal.aborted) {
      metrics.syncFenced.inc()
      return 'fenced'
    }
    if (signal.aborted) {
      await within((scope) => releaseStream(scope, key, claim.epoch))
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
  /** partial: some records could not be kept. */
  endedAs: EventState
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
}

/** Keeps the lease while a page takes long; stops the run when the stream is another's. */
function heartbeat({ within, key, claim, log }: Run, stop: AbortController): NodeJS.Timeout {
  return setInterval(() => {
    within((scope) => extendLease(scope, key, claim.epoch)).then(
      (held) => held || stop.abort(new Fenced()),
      // The database may be away for a moment; the lease decides, not this beat.
      (err: unknown) => log.warn({ err }, 'a sync run could not renew its lease'),
    )
  }, heartbeatMs)
}

async function walk(run: Run, pages: PageParts, signal: AbortSignal): Promise<Outcome> {
  const { clock, claim, within, key } = run
  const cursor = claim.cursor ?? (await begin(run, pages))
  const sliceEnds = clock.monotonic() + sliceMs
  let first = claim.cursor === null
  for await (const page of pagesFrom(pages, cursor)) {
    await keepPage(run, page, cursor, first)
    first = false
    if (page.next === undefined) return 'caught_up'
    if (signal.aborted || clock.monotonic() >= sliceEnds) {
      await within((scope) => releaseStream(scope, key, claim.epoch))
      return 'yielded'
    }
  }
  return 'caught_up'
}

/** The start of a run: the total is known before the first page, and the start is on HubSpot's clock. */
async function begin(run: Run, pages: PageParts): Promise<Cursor> {
  const { claim, key, within } = run
  const { total, startedAt } = await measure(pages, key.mode === 'full' || claim.watermark === null)
  const cursor = firstCursor(key.mode, startedAt, claim.watermark)
  await within(async (scope) => {
    if (!(await checkpoint(scope, key, claim.epoch, cursor))) throw new Fenced()
    if (cursor.walk === 'list') await keepTotalOfEvent(scope, claim.syncEventId, total)
  })
  return cursor
}

/** A page, the cursor after it and, with the last one, the end of the run: one transaction. */
async function keepPage(run: Run, page: StreamPage, begun: Cursor, first: boolean): Promise<void> {
  const { key, kind, claim, within, metrics, log } = run
  const report = await within(async (scope) => {
    const status = await lockIntegration(scope, key.integrationId)
    if (status === undefined || status === 'pending' || status === 'disconnected') throw new Fenced()
    if (!(await checkpoint(scope, key, claim.epoch, page.next ?? begun))) throw new Fenced()
    const kept = await kind.keep(scope, key.integrationId, page.records, page.observedAt)
    if (first && page.total !== undefined) await keepTotalOfEvent(scope, claim.syncEventId, page.total)
    await addProgress(scope, claim.syncEventId, { ...kept, failed: kept.rejected.length })
    if (!page.next) await finish(run, scope, begun, status)
    return kept
  })
  run.failures = 0
  metrics.syncPages.inc({ type: key.mode })
  for (const op of ['inserted', 'changed', 'unchanged'] as const) metrics.syncRecords.inc({ op }, report[op])
  metrics.syncRecords.inc({ op: 'rejected' }, report.rejected.length)
  for (const rejected of report.rejected) {
    log.warn(
      { sync_event_id: claim.syncEventId, ticket_id: rejected.id, reason: rejected.reason },
      'a record could not be kept',
    )
  }
}

async function finish(run: Run, scope: TenantScope, begun: Cursor, status: string): Promise<void> {
  const { key, claim } = run
  const watermark = watermarkAfter(begun, run.overlapMs)
  run.endedAs = (await finishRun(scope, key, claim, { state: 'succeeded', watermark })) ?? 'cancelled'
  if (status === 'degraded') await moveTo(scope, key.integrationId, 'active', null)
}

/** After an error: wait and go on at the cursor, or end the run with a code that says what to do. */
async function giveUpOrWait(run: Run, failure: unknown, log: Log): Promise<Outcome> {
  const { key, claim, within, clock, metrics } = run
  const error = asAppError(failure)
  const code = error instanceof AppError ? error.code : 'internal'
  // A bare 401 came through a fresh token: it may pass. A token that is refused for good comes as an AppError.
  const passing = failure instanceof HubSpotError && failure.kind !== 'forbidden'
  const final = error instanceof AppError && !passing
  // A limit is no failure: however long it lasts, the run waits for it at its cursor.
  const failures = code === 'hubspot_limit' ? run.failures : run.failures + 1
  log[code === 'internal' ? 'error' : 'warn']({ err: failure, code, failures }, 'a sync run met an error')
  if (final || failures > maxFailures) {
    const message = error instanceof AppError ? error.message : 'An error of this service; see its log'
    await within(async (scope) => {
      await lockIntegration(scope, key.integrationId)
      const ended = await finishRun(scope, key, claim, { state: 'failed', errorCode: code, error: message })
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
  const asked = failure instanceof HubSpotError ? failure.retryAfterMs : undefined
  const waitMs = asked ?? betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
  // A 400 to a page that was fine before is a cursor HubSpot no longer takes: begin again.
  const restart = failure instanceof HubSpotError && failure.kind === 'rejected'
  await within(async (scope) => {
    const held = await releaseStream(scope, key, claim.epoch, { ms: waitMs, failures, restart })
    if (held) await markWaiting(scope, claim.syncEventId, code, waitMs)
  })
  return 'backed_off'
}
