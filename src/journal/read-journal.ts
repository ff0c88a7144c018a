/**
 * Reads HubSpot's webhooks journal on: the inbox gets what it tells of, and an uninstalled app is asked after at once.
 * Over 200 lines because one turn is one story: take, find, read, keep, and each way in which that can fail.
 */
import type { Database } from '../db/database.ts'
import type { Claimant } from '../db/lease.ts'
import { withSystem, withSystemOnce, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { codeOf } from '../hubspot/as-app-error.ts'
import { type JournalEvents, readJournalFile } from '../hubspot/events/journal-event.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import type { Journal, JournalFile } from '../hubspot/journal-api.ts'
import { whileRoutesChange } from '../inbox/while-routes-change.ts'
import type { Whose } from '../integrations/integration.ts'
import { makeDue } from '../integrations/tokens/token-store.ts'
import { fullJitter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { claimJournal, keepEnd, keepFile, type Place, releaseJournal } from './store.ts'
import { askAgain, installsOn } from './subscription-store.ts'

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

/** One process asks for all tenants, so it may ask often. */
const betweenFailures = { base: 1_000, cap: 10_000 }
/** HubSpot keeps a file for three days. */
const keptMs = 3 * 86_400_000
/** A file that is none stays so. */
const patienceWithFileMs = 60_000
/** What lies behind a refusal may be the way there: a store of files that is away for a while loses nothing. */
const patienceWithWayMs = 3_600_000
/** However HubSpot says that there is nothing newer, no more than so often is all of it read again. */
const betweenRestartsMs = 3_600_000

/** HubSpot tells of a file that cannot be read. */
class BadFile extends Error {
  readonly file: JournalFile
  /** How long it is tried, ms. */
  readonly patienceMs: number

  constructor(file: JournalFile, patienceMs: number, cause: unknown) {
    super('a file of the journal cannot be read', { cause })
    this.file = file
    this.patienceMs = patienceMs
  }
}

/**
 * Reads one file, when this process is the one that reads. Killed anywhere it is read again, and kept once.
 *
 * @param signal aborts when the process stops
 */
export async function readOn(parts: JournalParts, signal: AbortSignal): Promise<Turn> {
  const { db, clientId, claimant } = parts
  const place = await withSystemOnce(db, (scope) => claimJournal(scope, clientId, claimant), {
    asyncCommit: true,
  })
  if (!place) return nothing
  try {
    return await readNext(parts, place, signal)
  } catch (error) {
    if (signal.aborted) return nothing
    if (error instanceof BadFile && isHopeless(error, place)) return await passOver(parts, place, error)
    return await giveUp(parts, place, error)
  }
}

const isHopeless = ({ file, patienceMs }: BadFile, { badOffset, badMsAgo }: Place) =>
  badOffset === file.offset && badMsAgo !== null && badMsAgo > patienceMs

/** For another process to read on. */
export async function letGo({ db, clientId, claimant }: JournalParts): Promise<void> {
  await withSystem(db, (scope) => releaseJournal(scope, clientId, claimant))
}

async function readNext(parts: JournalParts, place: Place, signal: AbortSignal): Promise<Turn> {
  const { db, clientId, windowMs, metrics } = parts
  const from = place.position
  const { file, restarted } = await findNext(parts, place, signal)
  logMissed(parts, place)
  // A file that comes after itself would be read for ever.
  if (!file || file.offset === from) {
    await withSystemOnce(db, (scope) => keepEnd(scope, clientId, from, restarted))
    return nothing
  }
  const events = await contentOf(parts, file, signal)
  // Before it counts as read: who has uninstalled our app is told once.
  const uninstalled = await markUninstalled(parts, events.uninstalled)
  const at = { from, to: file.offset, restarted }
  const { replayed, unknown } = await whileRoutesChange(() =>
    withSystemOnce(db, (scope) => keepFile(scope, clientId, at, events.changes, windowMs)),
  )
  metrics.journalFiles.inc({ outcome: replayed ? 'replayed' : 'kept' })
  if (!replayed) count(parts, file, events, unknown)
  return { more: true, uninstalled }
}

/** Whatever HubSpot answers now: what it has thrown away meanwhile nobody can read any more. */
function logMissed({ metrics, log }: JournalParts, { position, readMsAgo }: Place): void {
  if (position === null || readMsAgo === null || readMsAgo <= keptMs) return
  metrics.journalFiles.inc({ outcome: 'missed' })
  log.warn(
    { read_hours_ago: Math.round(readMsAgo / 3_600_000) },
    'the webhooks journal was not read for longer than HubSpot keeps it; what it told of meanwhile is left to the next syncs',
  )
}

/** @returns restarted: HubSpot does not know the place any more, and what it still has is read from its beginning */
async function findNext(
  { journal, log, metrics }: JournalParts,
  { position, restartedMsAgo }: Place,
  signal: AbortSignal,
): Promise<{ file: JournalFile | undefined; restarted: boolean }> {
  try {
    return { file: await journal.next(position ?? undefined, signal), restarted: false }
  } catch (error) {
    const lost = position !== null && error instanceof HubSpotError && error.kind === 'not_found'
    if (!lost) throw error
    if (restartedMsAgo !== null && restartedMsAgo < betweenRestartsMs)
      return { file: undefined, restarted: false }
    const file = await journal.next(undefined, signal)
    metrics.journalFiles.inc({ outcome: 'restarted' })
    // Where little happens the file that was kept last grows old and goes, and nothing is missing.
    log.info(
      'HubSpot does not know our place in the webhooks journal any more; it is read from its beginning',
    )
    return { file, restarted: true }
  }
}

const faultsOfWay = new Set(['invalid', 'not_found', 'rejected', 'forbidden', 'unauthorized', 'timeout'])

/** @throws BadFile */
async function contentOf(
  { journal, clock }: JournalParts,
  file: JournalFile,
  signal: AbortSignal,
): Promise<JournalEvents> {
  const body = await journal.read(file, signal).catch((error: unknown) => {
    if (!(error instanceof HubSpotError)) throw error
    if (error.kind === 'too_large') throw new BadFile(file, patienceWithFileMs, error)
    throw faultsOfWay.has(error.kind) ? new BadFile(file, patienceWithWayMs, error) : error
  })
  const events = readJournalFile(body, clock.now())
  if (!events) throw new BadFile(file, patienceWithFileMs, new HubSpotError('invalid', 'journal file'))
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
  { file: { offset }, cause }: BadFile,
): Promise<Turn> {
  const at = { from: position, to: offset, restarted: false }
  await withSystemOnce(db, (scope) => keepFile(scope, clientId, at, [], windowMs))
  metrics.journalFiles.inc({ outcome: 'passed_over' })
  log.error(
    { err: cause, offset },
    'a file of the webhooks journal cannot be read and was passed over; what it told of is left to the next syncs',
  )
  return { more: true, uninstalled: [] }
}

async function giveUp(
  { db, clientId, claimant, clock, log }: JournalParts,
  place: Place,
  failure: unknown,
): Promise<Turn> {
  const bad = failure instanceof BadFile ? failure : undefined
  const cause = bad ? bad.cause : failure
  const code = codeOf(cause)
  const failures = place.failures + 1
  const asked = cause instanceof HubSpotError ? cause.retryAfterMs : undefined
  const waitMs = asked ?? betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
  log.warn({ err: failure, code, failures }, 'the webhooks journal could not be read')
  const failed = { code, failures, waitMs, badOffset: bad?.file.offset }
  await withSystem(db, (scope) => releaseJournal(scope, clientId, claimant, failed))
  return nothing
}

function count(
  { metrics: { journalEvents }, log }: JournalParts,
  { offset }: JournalFile,
  { changes, uninstalled, otherKind, malformed }: JournalEvents,
  unknown: number,
): void {
  journalEvents.inc({ outcome: 'heard' }, changes.length)
  journalEvents.inc({ outcome: 'unknown_account' }, unknown)
  journalEvents.inc({ outcome: 'uninstalled' }, uninstalled.length)
  journalEvents.inc({ outcome: 'other_kind' }, otherKind)
  journalEvents.inc({ outcome: 'malformed' }, malformed)
  if (malformed > changes.length)
    log.warn({ offset, malformed }, 'most of a file of the webhooks journal is of no shape that we know')
}
