/**
 * Drains the inbox of one integration: reads each changed ticket again by id and saves it, whatever
 * the change said. A change is removed in the transaction that saves the result, so a process that
 * is killed anywhere loses its lease but no change. Over 200 lines because claiming, reading,
 * saving and every way these can fail belong together.
 */
import type { Database } from '../db/database.ts'
import { heartbeat } from '../db/heartbeat.ts'
import type { Claimant } from '../db/lease.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { codeOf } from '../hubspot/as-app-error.ts'
import { askedWait, awaitsReturn } from '../hubspot/client/circuit.ts'
import type { HubSpot } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { batchLimit } from '../hubspot/objects.ts'
import { isConnected, type Whose } from '../integrations/integration.ts'
import { lockIntegration } from '../integrations/store.ts'
import { holdAccess } from '../integrations/tokens/hold-access.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import { fullJitter } from '../lib/backoff.ts'
import { chunks } from '../lib/chunks.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { ObjectKind, PreparedKind } from '../sync/object-kind.ts'
import { readByIds } from '../sync/read-by-ids.ts'
import { logRecords } from '../sync/report.ts'
import { optionsOf } from '../sync/step.ts'
import { claimInbox, endStep, forgetInbox, holdInbox, releaseInbox } from './claim-store.ts'
import {
  enqueueAssociations,
  type InboxItem,
  type InboxRow,
  leftOf,
  postpone,
  remove,
  setAside,
  takeDue,
} from './store.ts'

export interface DrainParts {
  db: Database
  hubspot: HubSpot
  tokens: Tokens
  claimant: Claimant
  /** The kind of object that webhooks report. */
  kind: ObjectKind
  /** Changes that arrive within this window are read together, ms. */
  windowMs: number
  /** Called when an inbox that waited for HubSpot to return has been drained. */
  onHubSpotReturn?: () => void
  clock: Clock
  metrics: Metrics
  log: Log
}

/** Tickets taken at once. A ticket counts once per change that names it. */
const atOnce = 2_000
const linksAtOnce = 1_000
/** The inbox is released after this time, so that many integrations can share a few drains. */
const sliceMs = 10_000
const patience = { tries: 3, totalMs: 15_000 }
const betweenFailures = { base: 1_000, cap: 300_000 }
/** A ticket that HubSpot refuses to return is quarantined after this many attempts. */
const mostTries = 5
const betweenTries = { base: 2_000, cap: 60_000 }
/**
 * HubSpot's Date header counts whole seconds. If two reads within one second disagree, the ticket
 * is read again after that second.
 */
const secondMs = 1_100
const mostRounds = 3

/**
 * An invalid response counts against HubSpot in this many drains, and only then against the
 * tickets.
 */
const failuresBeforeBlame = 3
/**
 * Unreadable tickets are rare. If a drain finds more than this many, the tickets are not the cause.
 */
const mostPoison = 10

/** Thrown when another process owns the inbox or the integration is gone. */
class Lost extends Error {}

interface Drain extends DrainParts {
  whose: Whose
  signal: AbortSignal
  reader: PreparedKind
  /** Consecutive failures before this drain. */
  failures: number
  /** Tickets that HubSpot returned in this drain. */
  read: number
  poisoned: number
  /** Whether the last step has already released the inbox. */
  released: boolean
  withAccess: ReturnType<typeof holdAccess>
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
}

/**
 * @param signal aborts when the process stops; changes not yet drained stay in the inbox
 * @returns the number of changes drained; undefined if the drain failed or another process owns the
 *   inbox
 */
export async function drain(
  parts: DrainParts,
  tenantId: TenantId,
  integrationId: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { db, claimant, kind } = parts
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, tenantId, work)
  const take = async (scope: TenantScope) => {
    if (await isGone(scope, integrationId)) return undefined
    const claimed = await claimInbox(scope, integrationId, claimant)
    if (!claimed) return undefined
    return { ...claimed, rows: await takeDue(scope, integrationId, parts.windowMs, atOnce) }
  }
  const claim = await withTenant(db, tenantId, take, { asyncCommit: true })
  if (!claim) return undefined
  const { failures, rows, awaitedHubSpot } = claim
  const whose = { tenantId, integrationId }
  const stop = new AbortController()
  const working = AbortSignal.any([signal, stop.signal])
  const lost = () => stop.abort(new Lost())
  const mayKeep = (scope: TenantScope) => holdInbox(scope, integrationId, claimant)
  const beats = heartbeat({
    leaseMs: claimant.leaseMs,
    renew: () => withTenant(db, tenantId, mayKeep, { asyncCommit: true }),
    lost,
    failed: (err) =>
      isTenantErasing(err) ? lost() : parts.log.warn({ err }, 'a drain could not renew its lease'),
  })
  try {
    const withAccess = holdAccess(parts, whose, { patience, signal: working })
    const reader = await kind.prepare(whose, { patience, signal: working, mayKeep })
    const drain: Drain = {
      ...parts,
      kind: { ...kind, ...reader },
      whose,
      signal: working,
      reader,
      failures,
      read: 0,
      poisoned: 0,
      released: false,
      withAccess,
      within,
    }
    const drained = await drainAll(drain, rows)
    if (!drain.released) await within((scope) => releaseInbox(scope, integrationId, claimant, 'well'))
    if (awaitedHubSpot && drain.read > 0) parts.onHubSpotReturn?.()
    return drained
  } catch (error) {
    if (error instanceof Lost || stop.signal.aborted || isTenantErasing(error)) return undefined
    await giveBack(parts, within, whose, failures, error, signal)
    return undefined
  } finally {
    clearInterval(beats)
  }
}

async function drainAll(drain: Drain, first: InboxRow[]): Promise<number> {
  const { clock, signal, whose, within, windowMs } = drain
  const until = clock.monotonic() + sliceMs
  let drained = 0
  for (let rows = first; ; ) {
    const items = rows.flatMap((row) => row.ticketIds.map((ticketId) => ({ row, ticketId })))
    // Changes that arrive meanwhile wait for their own window: taking them now would cost an extra
    // read in the same window.
    const isLast = items.length < atOnce
    for (const step of stepsOf(items, isLast)) {
      signal.throwIfAborted()
      await drainStep(drain, step)
      drained += step.items.length
    }
    if (isLast || clock.monotonic() >= until) return drained
    rows = await within((scope) => takeDue(scope, whose.integrationId, windowMs, atOnce))
  }
}

/** Changes that are drained together with one kind of read. */
interface Step {
  reads: 'tickets' | 'links'
  ids: string[]
  items: InboxItem[]
  /** No step follows this one. */
  isLast: boolean
}

/** Associations are read separately, because a change to one changes no property. */
const readsOf = ({ row }: InboxItem): Step['reads'] =>
  row.change === 'associationChange' ? 'links' : 'tickets'

function stepsOf(items: readonly InboxItem[], areLast: boolean): Step[] {
  const steps: Step[] = []
  for (const [reads, some] of Map.groupBy(items, readsOf)) {
    const byTicket = [...Map.groupBy(some, ({ ticketId }) => ticketId)]
    for (const part of chunks(byTicket, reads === 'links' ? linksAtOnce : batchLimit))
      steps.push({ reads, ids: part.map(([id]) => id), items: part.flatMap(([, of]) => of), isLast: false })
  }
  const last = steps.at(-1)
  if (last) last.isLast = areLast
  return steps
}

/** A single ticket that HubSpot does not return, or does not return at the moment. */
interface Suspect {
  step: Step
  error: HubSpotError
}

/**
 * Reads and saves a step. The other tickets show whether a ticket is at fault: if HubSpot returned
 * none of them, HubSpot is.
 */
async function drainStep(drain: Drain, step: Step): Promise<void> {
  const suspects: Suspect[] = []
  await halved(drain, step, suspects)
  const [first] = suspects
  if (!first) return
  if (drain.read === 0 && drain.failures < failuresBeforeBlame) throw first.error
  for (const suspect of suspects) await poison(drain, suspect)
}

/** Splits a step that HubSpot refuses in half until each refused ticket is alone. */
async function halved(drain: Drain, step: Step, suspects: Suspect[]): Promise<void> {
  try {
    if (step.reads === 'links') await drainLinks(drain, step)
    else await drainTickets(drain, step)
    drain.read += step.ids.length
  } catch (error) {
    // Another 4xx or an invalid response may be caused by one of the ids. Any other error may be
    // temporary.
    const ofIds = error instanceof HubSpotError && (error.kind === 'rejected' || error.kind === 'invalid')
    if (!ofIds || drain.poisoned + suspects.length >= mostPoison) throw error
    if (step.ids.length === 1) return void suspects.push({ step, error })
    const half = new Set(step.ids.slice(0, step.ids.length >> 1))
    for (const first of [true, false])
      await halved(
        drain,
        {
          reads: step.reads,
          ids: step.ids.filter((id) => half.has(id) === first),
          items: step.items.filter(({ ticketId }) => half.has(ticketId) === first),
          isLast: false,
        },
        suspects,
      )
  }
}

const unsaidWords = 'HubSpot did not say whether the ticket exists'
const unsaidLinks = 'HubSpot did not return the associations of the ticket'

/** Whether the ticket still exists after the change. */
const leavesOne = ({ row: { change } }: InboxItem) => change !== 'deletion' && change !== 'merge'

async function drainTickets(drain: Drain, step: Step): Promise<void> {
  const { ids, items } = step
  const { hubspot, kind, whose, withAccess, signal } = drain
  const { integrationId } = whose
  const parts = { hubspot, kind, integrationId, withAccess, patience, signal }
  const { keep, undecided, unanswered, gone } = await readByIds(parts, ids).catch(async (error: unknown) => {
    const properties = await drain.reader.omitRefused?.(error, kind.properties)
    if (!properties) throw error
    drain.kind = { ...kind, properties }
    return await readByIds({ ...parts, kind: drain.kind }, ids)
  })
  const unsaid = new Set(undecided)
  const open = new Set(unanswered)
  const nowhere = new Set(gone)
  const { report, drained, aside } = await keepWith(drain, step, async (scope) => {
    const report = await keep(scope)
    const unverified = new Set(report.unverified)
    const silent = items.filter(({ ticketId }) => unsaid.has(ticketId))
    // A ticket that was just reported and is not found may appear within a second: HubSpot's own
    // systems are not all updated at the same moment.
    const early = (one: InboxItem) =>
      unverified.has(one.ticketId) || (nowhere.has(one.ticketId) && leavesOne(one))
    const again = items.filter(
      (one) => early(one) && one.row.rounds < mostRounds && !unsaid.has(one.ticketId),
    )
    // Missing from incomplete responses: nothing is known about these, so no number of attempts
    // quarantines them.
    const leftOut = items.filter(({ ticketId }) => open.has(ticketId))
    const waits = new Set([...silent, ...again, ...leftOut])
    const drained = items.filter((one) => !waits.has(one))
    const aside = await later(drain, scope, silent, unsaidWords)
    await postpone(scope, integrationId, again, secondMs, 'rounds')
    await postpone(scope, integrationId, leftOut, leftOutWait(drain, leftOut), 'left_out')
    // A ticket that is new here may have associations, and no other event need report them.
    await enqueueAssociations(scope, integrationId, report.arrived, latestOf(items))
    return { report, drained, aside }
  })
  logRecords(drain, report, { tenant_id: whose.tenantId, integration_id: integrationId })
  logQuarantined(drain, aside, unsaidWords)
  logDrained(drain, drained)
}

async function drainLinks(drain: Drain, step: Step): Promise<void> {
  const { ids, items } = step
  const { hubspot, whose, withAccess, reader, signal } = drain
  const { keep, undecided, unanswered } = await withAccess((access) =>
    reader.readLinks(hubspot, ids, optionsOf({ patience, signal }, access), { problems: 'none' }),
  )
  const unsaid = new Set(undecided)
  const open = new Set(unanswered)
  const unread = items.filter(({ ticketId }) => unsaid.has(ticketId))
  const leftOut = items.filter(({ ticketId }) => open.has(ticketId) && !unsaid.has(ticketId))
  const drained = items.filter(({ ticketId }) => !unsaid.has(ticketId) && !open.has(ticketId))
  const { aside } = await keepWith(drain, step, async (scope) => {
    await keep(scope, whose.integrationId)
    const aside = await later(drain, scope, unread, unsaidLinks)
    await postpone(scope, whose.integrationId, leftOut, leftOutWait(drain, leftOut), 'left_out')
    return { drained, aside }
  })
  logQuarantined(drain, aside, unsaidLinks)
  logDrained(drain, drained)
}

function logDrained({ metrics, clock }: Drain, items: readonly InboxItem[]): void {
  metrics.inboxDrained.inc(items.length)
  for (const { receivedAt } of new Set(items.map(({ row }) => row)))
    metrics.inboxLag.observe((clock.now() - receivedAt.getTime()) / 1_000)
}

/**
 * ms; grows with the time the tickets have waited, so that incomplete responses cause fewer and
 * fewer calls.
 */
function leftOutWait({ clock }: Drain, items: readonly InboxItem[]): number {
  const ages = items.map(({ row }) => clock.now() - row.receivedAt.getTime())
  return betweenTries.base + clock.random() * Math.min(betweenTries.cap, Math.max(betweenTries.base, ...ages))
}

const latestOf = (items: readonly InboxItem[]) =>
  new Date(Math.max(...items.map(({ row }) => row.occurredAt.getTime())))

/**
 * Locks the integration. If it is disconnected, deletes its inbox: the sync after a reconnect reads
 * what has changed.
 */
async function isGone(scope: TenantScope, integrationId: string): Promise<boolean> {
  const gone = !isConnected(await lockIntegration(scope, integrationId))
  if (gone) await forgetInbox(scope, integrationId)
  return gone
}

/**
 * Runs one transaction under the integration's lock while this process owns the inbox. The same
 * transaction removes the step's changes from the inbox.
 *
 * @throws Lost, and saves nothing, if another process owns the inbox or the integration is gone
 */
async function keepWith<T extends { drained: readonly InboxItem[] }>(
  drain: Drain,
  { items, isLast }: Step,
  work: (scope: TenantScope) => Promise<T>,
): Promise<T> {
  const { integrationId } = drain.whose
  const kept = await drain.within(async (scope) => {
    if (await isGone(scope, integrationId)) return undefined
    await remove(scope, integrationId, items)
    const done = await work(scope)
    const end = { drained: done.drained, releases: isLast }
    if (!(await endStep(scope, integrationId, drain.claimant, end))) throw new Lost()
    return done
  })
  if (!kept) throw new Lost()
  for (const [row, left] of leftOf(items)) row.ticketIds = left
  drain.released = isLast
  return kept
}

/**
 * Postpones refused tickets, and quarantines those that have used up their attempts.
 *
 * @returns what was quarantined
 */
async function later(
  { whose, clock }: Drain,
  scope: TenantScope,
  items: readonly InboxItem[],
  why: string,
): Promise<InboxItem[]> {
  const isLast = ({ row }: InboxItem) => row.tries + 1 >= mostTries
  const last = items.filter(isLast)
  const tries = Math.max(0, ...items.map(({ row }) => row.tries))
  const waitMs = betweenTries.base + fullJitter(betweenTries, tries, clock.random())
  await setAside(scope, whose.integrationId, last, why)
  await postpone(
    scope,
    whose.integrationId,
    items.filter((one) => !isLast(one)),
    waitMs,
    'tries',
  )
  return last
}

async function poison(drain: Drain, { step, error }: Suspect): Promise<void> {
  drain.poisoned += 1
  const { aside } = await keepWith(drain, step, async (scope) => ({
    aside: await later(drain, scope, step.items, error.message),
    drained: [],
  }))
  logQuarantined(drain, aside, error.message)
}

function logQuarantined({ whose, log, metrics }: Drain, aside: readonly InboxItem[], why: string): void {
  metrics.inboxSetAside.inc(aside.length)
  for (const ticketId of new Set(aside.map((one) => one.ticketId)))
    log.warn(
      { tenant_id: whose.tenantId, integration_id: whose.integrationId, ticket_id: ticketId, reason: why },
      'a change could not be drained and was dead-lettered',
    )
}

async function giveBack(
  { clock, claimant, log }: DrainParts,
  within: Drain['within'],
  { tenantId, integrationId }: Whose,
  failures: number,
  failure: unknown,
  signal: AbortSignal,
): Promise<void> {
  const code = codeOf(failure)
  const waitMs =
    askedWait(failure, clock) ??
    betweenFailures.base + fullJitter(betweenFailures, failures + 1, clock.random())
  if (!signal.aborted)
    log[code === 'internal' ? 'error' : 'warn'](
      { err: failure, code, failures: failures + 1, tenant_id: tenantId, integration_id: integrationId },
      'an inbox could not be drained',
    )
  await within((scope) =>
    releaseInbox(
      scope,
      integrationId,
      claimant,
      signal.aborted
        ? undefined
        : { code, waitMs, failures: failures + 1, awaitsHubSpot: awaitsReturn(failure) },
    ),
  )
}
