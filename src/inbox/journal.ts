/** Reads HubSpot's webhooks journal on: the inbox gets what it tells of, and an uninstalled app is asked after at once. */
import { asAppError } from '../hubspot/as-app-error.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import type { Journal, JournalFile } from '../hubspot/journal.ts'
import { type JournalEvents, readJournalFile } from '../hubspot/journal-event.ts'
import type { Whose } from '../integrations/integration.ts'
import { makeDue } from '../integrations/token-store.ts'
import { fullJitter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Database } from '../lib/db.ts'
import { AppError, isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Claimant } from '../sync/lease-store.ts'
import { withSystem, withTenant } from '../tenants/scope.ts'
import { parseTenantId } from '../tenants/tenant.ts'
import { claimJournal, keepEnd, keepFile, type Place, releaseJournal } from './journal-store.ts'
import { askAgain, installsOn } from './subscription-store.ts'
import { whileRoutesChange } from './while-routes-change.ts'

export interface JournalParts {
  db: Database
  journal: Journal
  /** Our app's: HubSpot keeps one journal for it. */
  clientId: string
  claimant: Claimant
  /** What arrives within it is drained together, ms. */
  windowMs: number
  clock: Clock
  metrics: Metrics
  log: Log
}

export interface Turn {
  /** Something was read, so that there may be more. */
  more: boolean
  /** Their account has uninstalled our app, says HubSpot. */
  uninstalled: Whose[]
}

const nothing: Turn = { more: false, uninstalled: [] }

const betweenFailures = { base: 1_000, cap: 60_000 }
/** A file that cannot be read so often in a row is passed over, so that it does not hold up all that come after. */
const mostTries = 5
/** HubSpot keeps a file for three days. */
const keptMs = 3 * 86_400_000

/** The file itself is at fault, and not the way to it. */
class BadFile extends Error {
  readonly file: JournalFile

  constructor(file: JournalFile, cause: unknown) {
    super('a file of the journal cannot be read', { cause })
    this.file = file
  }
}

/**
 * Reads one file, when this process is the one that reads. Killed anywhere it is read again, and kept once.
 *
 * @param signal aborts when the process stops
 */
export async function readOn(parts: JournalParts, signal: AbortSignal): Promise<Turn> {
  const { db, clientId, claimant, metrics } = parts
  const place = await withSystem(db, (scope) => claimJournal(scope, clientId, claimant))
  if (!place) return nothing
  try {
    const turn = await readNext(parts, place, signal)
    metrics.journalFailures.set(0)
    return turn
  } catch (error) {
    if (signal.aborted) return nothing
    const file = error instanceof BadFile && place.failures + 1 >= mostTries ? error.file : undefined
    if (!file) return await giveUp(parts, place, error)
    await passOver(parts, place, file, error)
    return { more: true, uninstalled: [] }
  }
}

/** For another process to read on. */
export async function letGo({ db, clientId, claimant }: JournalParts): Promise<void> {
  await withSystem(db, (scope) => releaseJournal(scope, clientId, claimant))
}

async function readNext(parts: JournalParts, place: Place, signal: AbortSignal): Promise<Turn> {
  const { db, clientId, windowMs, metrics } = parts
  const from = place.position
  const { file, lost } = await findNext(parts, place, signal)
  if (!file) {
    await withSystem(db, (scope) => keepEnd(scope, clientId, from, lost))
    return nothing
  }
  const events = await contentOf(parts.journal, file, signal)
  // Before it counts as read: who has uninstalled our app is told once.
  const uninstalled = await markUninstalled(parts, events.uninstalled)
  const at = { from, to: file.offset }
  const { replayed, unknown } = await whileRoutesChange(() =>
    withSystem(db, (scope) => keepFile(scope, clientId, at, events.changes, windowMs)),
  )
  metrics.journalFiles.inc({ outcome: replayed ? 'replayed' : 'kept' })
  if (!replayed) count(metrics, events, unknown)
  return { more: true, uninstalled }
}

/** @returns lost: HubSpot does not know the place any more, and what it still has is read from its beginning */
async function findNext(
  { journal, log, metrics }: JournalParts,
  { position, readMsAgo }: Place,
  signal: AbortSignal,
): Promise<{ file: JournalFile | undefined; lost: boolean }> {
  try {
    return { file: await journal.next(position ?? undefined, signal), lost: false }
  } catch (error) {
    const lost = position !== null && error instanceof HubSpotError && error.kind === 'not_found'
    if (!lost) throw error
    const file = await journal.next(undefined, signal)
    // Where little happens the file that was kept last grows old and goes, and nothing is missing.
    if (readMsAgo !== null && readMsAgo > keptMs) {
      metrics.journalFiles.inc({ outcome: 'missed' })
      log.warn(
        { read_hours_ago: Math.round(readMsAgo / 3_600_000) },
        'the webhooks journal was not read for longer than HubSpot keeps it; what it told of meanwhile is left to the next syncs',
      )
    }
    return { file, lost }
  }
}

const faultsOfFile = new Set(['invalid', 'too_large', 'not_found', 'rejected', 'forbidden', 'unauthorized'])

/** @throws BadFile */
async function contentOf(journal: Journal, file: JournalFile, signal: AbortSignal): Promise<JournalEvents> {
  const body = await journal.read(file, signal).catch((error: unknown) => {
    throw error instanceof HubSpotError && faultsOfFile.has(error.kind) ? new BadFile(file, error) : error
  })
  const events = readJournalFile(body)
  if (!events) throw new BadFile(file, new HubSpotError('invalid', 'journal file'))
  return events
}

/** An event is a hint: their tokens are refreshed before they are used again, and HubSpot says what holds. */
async function markUninstalled(
  { db, clientId }: JournalParts,
  portalIds: readonly number[],
): Promise<Whose[]> {
  if (portalIds.length === 0) return []
  const routes = await withSystem(db, async (scope) => {
    // What was subscribed to may have ended with it; and this may be an old event of an account that is connected again.
    await askAgain(scope, clientId, portalIds)
    return await installsOn(scope, portalIds)
  })
  const marked: Whose[] = []
  for (const route of routes) {
    const whose = { tenantId: parseTenantId(route.tenantId), integrationId: route.integrationId }
    await withTenant(db, whose.tenantId, (scope) => makeDue(scope, whose.integrationId)).then(
      () => marked.push(whose),
      (error: unknown) => {
        if (!isTenantErasing(error)) throw error
      },
    )
  }
  return marked
}

async function passOver(
  { db, clientId, windowMs, metrics, log }: JournalParts,
  { position }: Place,
  { offset }: JournalFile,
  err: unknown,
): Promise<void> {
  await withSystem(db, (scope) => keepFile(scope, clientId, { from: position, to: offset }, [], windowMs))
  metrics.journalFiles.inc({ outcome: 'passed_over' })
  log.error(
    { err, offset },
    'a file of the webhooks journal cannot be read and was passed over; what it told of is left to the next syncs',
  )
}

async function giveUp(
  { db, clientId, claimant, clock, metrics, log }: JournalParts,
  place: Place,
  failure: unknown,
): Promise<Turn> {
  const cause = failure instanceof BadFile ? failure.cause : failure
  const error = asAppError(cause)
  const code = error instanceof AppError ? error.code : 'internal'
  const failures = place.failures + 1
  const asked = cause instanceof HubSpotError ? cause.retryAfterMs : undefined
  const waitMs = asked ?? betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
  metrics.journalFailures.set(failures)
  log.warn({ err: failure, code, failures }, 'the webhooks journal could not be read')
  await withSystem(db, (scope) => releaseJournal(scope, clientId, claimant, { code, failures, waitMs }))
  return nothing
}

function count(
  { journalEvents }: Metrics,
  { changes, uninstalled, otherKind, malformed }: JournalEvents,
  unknown: number,
): void {
  journalEvents.inc({ outcome: 'heard' }, changes.length)
  journalEvents.inc({ outcome: 'unknown_account' }, unknown)
  journalEvents.inc({ outcome: 'uninstalled' }, uninstalled.length)
  journalEvents.inc({ outcome: 'other_kind' }, otherKind)
  journalEvents.inc({ outcome: 'malformed' }, malformed)
}
