/**
 * Reads HubSpot's webhooks journal: enqueues its changes in the inbox, and has the tokens of
 * uninstalled accounts checked at once. Over 200 lines because claiming, finding, reading, saving
 * and every way these can fail belong together.
 */
import type { Database } from '../db/database.ts'
import type { Claimant } from '../db/lease.ts'
import { withSystem, withSystemStatement, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { appErrorCode } from '../hubspot/as-app-error.ts'
import { type JournalEvents, readJournalFile } from '../hubspot/events/journal-event.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import type { Journal, JournalFile } from '../hubspot/journal-api.ts'
import { retryOnDeletedIntegration } from '../inbox/retry-on-deleted-integration.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import { makeTokenDue } from '../integrations/tokens/token-store.ts'
import { fullJitter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import {
  claimJournal,
  type JournalPosition,
  releaseJournal,
  saveJournalEnd,
  saveJournalFile,
} from './store.ts'
import { findSubscribableIntegrations, makeSubscriptionsDue } from './subscription-store.ts'

export interface JournalDependencies {
  db: Database
  journal: Journal
  /** Our app's client id: HubSpot writes one journal per app. */
  clientId: string
  claimant: Claimant
  /** Changes that arrive within this window are drained together, ms. */
  windowMs: number
  clock: Clock
  metrics: Metrics
  log: Log
}

export interface JournalPoll {
  /** A file was processed, so there may be more. */
  more: boolean
  /** Integrations whose account has uninstalled our app, according to HubSpot. */
  uninstalled: IntegrationRef[]
}

const nothingMore: JournalPoll = { more: false, uninstalled: [] }

/** One process reads for all tenants, so it may retry often. */
const betweenFailures = { base: 1_000, cap: 10_000 }
/** HubSpot retains a file for three days. */
const hubspotRetentionMs = 3 * 86_400_000
/** A malformed file stays malformed. */
const badFileRetryMs = 60_000
/** A refused download may be a fault of the file store. Waiting for it to recover loses nothing. */
const failedDownloadRetryMs = 3_600_000
/**
 * However HubSpot says that there is nothing newer, the whole journal is read again at most this
 * often.
 */
const betweenRestartsMs = 3_600_000

/** A file that HubSpot reports but that cannot be read. */
class BadFile extends Error {
  readonly file: JournalFile
  /** How long the file is retried, ms. */
  readonly retryMs: number

  constructor(file: JournalFile, retryMs: number, cause: unknown) {
    super('a webhooks journal file could not be read', { cause })
    this.file = file
    this.retryMs = retryMs
  }
}

/**
 * Reads one file, if this process owns the journal. After a crash anywhere the file is read again,
 * but saved once.
 *
 * @param signal aborts when the process stops
 */
export async function readJournal(deps: JournalDependencies, signal: AbortSignal): Promise<JournalPoll> {
  const { db, clientId, claimant } = deps
  const position = await withSystemStatement(db, (scope) => claimJournal(scope, clientId, claimant), {
    asyncCommit: true,
  })
  if (!position) return nothingMore
  try {
    return await readNextFile(deps, position, signal)
  } catch (error) {
    if (signal.aborted) return nothingMore
    if (error instanceof BadFile && isRetriedLongEnough(error, position))
      return await skipFile(deps, position, error)
    return await releaseAfterFailure(deps, position, error)
  }
}

const isRetriedLongEnough = (
  { file, retryMs }: BadFile,
  { unreadable_offset, unreadable_ms_ago }: JournalPosition,
) => unreadable_offset === file.offset && unreadable_ms_ago !== null && unreadable_ms_ago > retryMs

/** Releases the journal for another process. */
export async function releaseJournalReader({ db, clientId, claimant }: JournalDependencies): Promise<void> {
  await withSystem(db, (scope) => releaseJournal(scope, clientId, claimant))
}

async function readNextFile(
  deps: JournalDependencies,
  position: JournalPosition,
  signal: AbortSignal,
): Promise<JournalPoll> {
  const { db, clientId, windowMs, metrics } = deps
  const from = position.position
  const { file, restarted } = await findNextFile(deps, position, signal)
  logMissed(deps, position)
  // A file that is reported as its own successor would be read endlessly.
  if (!file || file.offset === from) {
    await withSystemStatement(db, (scope) => saveJournalEnd(scope, clientId, from, restarted))
    return nothingMore
  }
  const events = await readFileContent(deps, file, signal)
  // Before the file counts as read, because HubSpot reports an uninstall only once.
  const uninstalled = await markUninstalled(deps, events.uninstalled)
  const at = { from, to: file.offset, restarted }
  const { replayed, unknown } = await retryOnDeletedIntegration(() =>
    withSystemStatement(db, (scope) => saveJournalFile(scope, clientId, at, events.changes, windowMs)),
  )
  metrics.journalFiles.inc({ outcome: replayed ? 'replayed' : 'stored' })
  if (!replayed) countEvents(deps, file, events, unknown)
  return { more: true, uninstalled }
}

/**
 * Logs a gap, whatever HubSpot responds now: files that it has deleted meanwhile can no longer be
 * read.
 */
function logMissed({ metrics, log }: JournalDependencies, { position, read_ms_ago }: JournalPosition): void {
  if (position === null || read_ms_ago === null || read_ms_ago <= hubspotRetentionMs) return
  metrics.journalFiles.inc({ outcome: 'missed' })
  log.warn(
    { read_hours_ago: Math.round(read_ms_ago / 3_600_000) },
    'the webhooks journal was not read for longer than HubSpot keeps it; the next syncs will find the missed changes',
  )
}

/**
 * @returns restarted: HubSpot no longer knows the position, and its remaining files are read from
 *   the first
 */
async function findNextFile(
  { journal, log, metrics }: JournalDependencies,
  { position, restarted_ms_ago }: JournalPosition,
  signal: AbortSignal,
): Promise<{ file: JournalFile | undefined; restarted: boolean }> {
  try {
    return { file: await journal.next(position ?? undefined, signal), restarted: false }
  } catch (error) {
    const lost = position !== null && error instanceof HubSpotError && error.kind === 'not_found'
    if (!lost) throw error
    if (restarted_ms_ago !== null && restarted_ms_ago < betweenRestartsMs)
      return { file: undefined, restarted: false }
    const file = await journal.next(undefined, signal)
    metrics.journalFiles.inc({ outcome: 'restarted' })
    // Not a warning: if little happens, the last saved file expires at HubSpot, and nothing is
    // missed.
    log.info(
      'HubSpot no longer knows our position in the webhooks journal; reading it again from the beginning',
    )
    return { file, restarted: true }
  }
}

const downloadFailures = new Set(['invalid', 'not_found', 'rejected', 'forbidden', 'unauthorized', 'timeout'])

/** @throws BadFile */
async function readFileContent(
  { journal, clock }: JournalDependencies,
  file: JournalFile,
  signal: AbortSignal,
): Promise<JournalEvents> {
  const body = await journal.read(file, signal).catch((error: unknown) => {
    if (!(error instanceof HubSpotError)) throw error
    if (error.kind === 'too_large') throw new BadFile(file, badFileRetryMs, error)
    throw downloadFailures.has(error.kind) ? new BadFile(file, failedDownloadRetryMs, error) : error
  })
  const events = readJournalFile(body, clock.now())
  if (!events) throw new BadFile(file, badFileRetryMs, new HubSpotError('invalid', 'journal file'))
  return events
}

/**
 * Makes the tokens of these integrations due. The event is only a hint: the refresh before the next
 * use shows whether our app is still installed.
 */
async function markUninstalled(
  { db, clientId }: JournalDependencies,
  hubIds: readonly number[],
): Promise<IntegrationRef[]> {
  if (hubIds.length === 0) return []
  const routes = await withSystem(db, async (scope) => {
    // The uninstall may have ended the subscriptions, or this is an old event of an account that is
    // connected again.
    await makeSubscriptionsDue(scope, clientId, hubIds)
    return await findSubscribableIntegrations(scope, hubIds)
  })
  const marked: IntegrationRef[] = []
  for (const route of routes) {
    const ref = { tenantId: parseTenantId(route.tenant_id), integrationId: route.integration_id }
    await withTenant(db, ref.tenantId, (scope) => makeTokenDue(scope, ref.integrationId)).then(
      () => marked.push(ref),
      (error: unknown) => {
        if (!isTenantErasing(error)) throw error
      },
    )
  }
  return marked
}

async function skipFile(
  { db, clientId, windowMs, metrics, log }: JournalDependencies,
  { position }: JournalPosition,
  { file: { offset }, cause }: BadFile,
): Promise<JournalPoll> {
  const at = { from: position, to: offset, restarted: false }
  await withSystemStatement(db, (scope) => saveJournalFile(scope, clientId, at, [], windowMs))
  metrics.journalFiles.inc({ outcome: 'skipped' })
  log.error(
    { err: cause, offset },
    'a webhooks journal file could not be read and was skipped; the next syncs will find its changes',
  )
  return { more: true, uninstalled: [] }
}

async function releaseAfterFailure(
  { db, clientId, claimant, clock, log }: JournalDependencies,
  position: JournalPosition,
  failure: unknown,
): Promise<JournalPoll> {
  const bad = failure instanceof BadFile ? failure : undefined
  const cause = bad ? bad.cause : failure
  const code = appErrorCode(cause)
  const failures = position.failures + 1
  const requestedMs = cause instanceof HubSpotError ? cause.retryAfterMs : undefined
  const waitMs = requestedMs ?? betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
  log.warn({ err: failure, code, failures }, 'the webhooks journal could not be read')
  const failed = { code, failures, waitMs, unreadableOffset: bad?.file.offset }
  await withSystem(db, (scope) => releaseJournal(scope, clientId, claimant, failed))
  return nothingMore
}

function countEvents(
  { metrics: { journalEvents }, log }: JournalDependencies,
  { offset }: JournalFile,
  { changes, uninstalled, otherKind, malformed }: JournalEvents,
  unknown: number,
): void {
  journalEvents.inc({ outcome: 'queued' }, changes.length)
  journalEvents.inc({ outcome: 'unknown_account' }, unknown)
  journalEvents.inc({ outcome: 'uninstalled' }, uninstalled.length)
  journalEvents.inc({ outcome: 'other_kind' }, otherKind)
  journalEvents.inc({ outcome: 'malformed' }, malformed)
  if (malformed > changes.length)
    log.warn({ offset, malformed }, 'most events in a webhooks journal file have an unknown format')
}
