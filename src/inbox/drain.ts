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
import { appErrorCode } from '../hubspot/as-app-error.ts'
import { circuitWaitMs, isHubSpotOutage } from '../hubspot/client/circuit.ts'
import type { HubSpot } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { batchLimit } from '../hubspot/objects.ts'
import { type IntegrationRef, isConnected } from '../integrations/integration.ts'
import { lockIntegration } from '../integrations/store.ts'
import { reuseAccess } from '../integrations/tokens/reuse-access.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import { fullJitter } from '../lib/backoff.ts'
import { chunks } from '../lib/chunks.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { ObjectKind, PreparedKind } from '../sync/object-kind.ts'
import { readByIds } from '../sync/read-by-ids.ts'
import { logUpsertReport } from '../sync/report.ts'
import { callOptionsOf } from '../sync/step.ts'
import { claimInbox, deleteInbox, endDrainStep, releaseInbox, renewInboxLease } from './claim-store.ts'
import {
  deadLetterItems,
  enqueueAssociationReads,
  findDueRows,
  type InboxItem,
  type InboxRow,
  postponeItems,
  remainingTickets,
  removeFromInbox,
} from './store.ts'

export interface DrainDependencies {
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
const ticketsPerPass = 2_000
const associationBatchSize = 1_000
/** The inbox is released after this time, so that many integrations can share a few drains. */
const sliceMs = 10_000
const retryLimits = { maxAttempts: 3, totalMs: 15_000 }
const betweenFailures = { base: 1_000, cap: 300_000 }
/** A ticket that HubSpot refuses to return is dead-lettered after this many attempts. */
const maxAttempts = 5
const betweenAttempts = { base: 2_000, cap: 60_000 }
/**
 * HubSpot's Date header counts whole seconds. If two reads within one second disagree, the ticket
 * is read again after that second.
 */
const secondMs = 1_100
const maxInconclusive = 3

/**
 * An invalid response counts against HubSpot in this many drains, and only then against the
 * tickets.
 */
const failuresBeforeBlame = 3
/**
 * Unreadable tickets are rare. If a drain finds more than this many, the tickets are not the cause.
 */
const maxPoisonTickets = 10

/** Thrown when another process owns the inbox or the integration is gone. */
class LostClaim extends Error {}

interface Drain extends DrainDependencies {
  ref: IntegrationRef
  signal: AbortSignal
  reader: PreparedKind
  /** Consecutive failures before this drain. */
  failures: number
  /** Tickets that HubSpot returned in this drain. */
  read: number
  poisonTickets: number
  /** Whether the last step has already released the inbox. */
  released: boolean
  withAccess: ReturnType<typeof reuseAccess>
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
}

/**
 * @param signal aborts when the process stops; changes not yet drained stay in the inbox
 * @returns the number of changes drained; undefined if the drain failed or another process owns the
 *   inbox
 */
export async function drainInbox(
  deps: DrainDependencies,
  tenantId: TenantId,
  integrationId: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { db, claimant, kind } = deps
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, tenantId, work)
  const claimDue = async (scope: TenantScope) => {
    if (await deleteIfDisconnected(scope, integrationId)) return undefined
    const claimed = await claimInbox(scope, integrationId, claimant)
    if (!claimed) return undefined
    return { ...claimed, rows: await findDueRows(scope, integrationId, deps.windowMs, ticketsPerPass) }
  }
  const claim = await withTenant(db, tenantId, claimDue, { asyncCommit: true })
  if (!claim) return undefined
  const { failures, rows, awaits_hubspot } = claim
  const ref = { tenantId, integrationId }
  const stop = new AbortController()
  const working = AbortSignal.any([signal, stop.signal])
  const onLost = () => stop.abort(new LostClaim())
  const maySave = (scope: TenantScope) => renewInboxLease(scope, integrationId, claimant)
  const beats = heartbeat({
    leaseMs: claimant.leaseMs,
    renew: () => withTenant(db, tenantId, maySave, { asyncCommit: true }),
    onLost,
    onError: (err) =>
      isTenantErasing(err) ? onLost() : deps.log.warn({ err }, 'a drain could not renew its lease'),
  })
  try {
    const withAccess = reuseAccess(deps, ref, { retryLimits, signal: working })
    const reader = await kind.prepare(ref, { retryLimits, signal: working, maySave })
    const drain: Drain = {
      ...deps,
      kind: { ...kind, ...reader },
      ref,
      signal: working,
      reader,
      failures,
      read: 0,
      poisonTickets: 0,
      released: false,
      withAccess,
      within,
    }
    const drained = await drainAll(drain, rows)
    if (!drain.released) await within((scope) => releaseInbox(scope, integrationId, claimant, 'well'))
    if (awaits_hubspot && drain.read > 0) deps.onHubSpotReturn?.()
    return drained
  } catch (error) {
    if (error instanceof LostClaim || stop.signal.aborted || isTenantErasing(error)) return undefined
    await releaseAfterFailure(deps, within, ref, failures, error, signal)
    return undefined
  } finally {
    clearInterval(beats)
  }
}

async function drainAll(drain: Drain, first: InboxRow[]): Promise<number> {
  const { clock, signal, ref, within, windowMs } = drain
  const until = clock.monotonic() + sliceMs
  let drained = 0
  for (let rows = first; ; ) {
    const items = rows.flatMap((row) => row.ticket_ids.map((ticketId) => ({ row, ticketId })))
    // Changes that arrive meanwhile wait for their own window: taking them now would cost an extra
    // read in the same window.
    const isLast = items.length < ticketsPerPass
    for (const step of stepsOf(items, isLast)) {
      signal.throwIfAborted()
      await drainStep(drain, step)
      drained += step.items.length
    }
    if (isLast || clock.monotonic() >= until) return drained
    rows = await within((scope) => findDueRows(scope, ref.integrationId, windowMs, ticketsPerPass))
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
    for (const part of chunks(byTicket, reads === 'links' ? associationBatchSize : batchLimit))
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
  await bisectStep(drain, step, suspects)
  const [first] = suspects
  if (!first) return
  if (drain.read === 0 && drain.failures < failuresBeforeBlame) throw first.error
  for (const suspect of suspects) await deadLetterSuspect(drain, suspect)
}

/** Splits a step that HubSpot refuses in half until each refused ticket is alone. */
async function bisectStep(drain: Drain, step: Step, suspects: Suspect[]): Promise<void> {
  try {
    if (step.reads === 'links') await drainAssociations(drain, step)
    else await drainTickets(drain, step)
    drain.read += step.ids.length
  } catch (error) {
    // Another 4xx or an invalid response may be caused by one of the ids. Any other error may be
    // temporary.
    const ofIds = error instanceof HubSpotError && (error.kind === 'rejected' || error.kind === 'invalid')
    if (!ofIds || drain.poisonTickets + suspects.length >= maxPoisonTickets) throw error
    if (step.ids.length === 1) return void suspects.push({ step, error })
    const half = new Set(step.ids.slice(0, step.ids.length >> 1))
    for (const first of [true, false])
      await bisectStep(
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

const undecidedMessage = 'HubSpot did not say whether the ticket exists'
const unreadAssociationsMessage = 'HubSpot did not return the associations of the ticket'

/** Whether the ticket still exists after the change. */
const leavesTicket = ({ row: { change } }: InboxItem) => change !== 'deletion' && change !== 'merge'

async function drainTickets(drain: Drain, step: Step): Promise<void> {
  const { ids, items } = step
  const { hubspot, kind, ref, withAccess, signal } = drain
  const { integrationId } = ref
  const deps = { hubspot, kind, integrationId, withAccess, retryLimits, signal }
  const { save, undecided, unanswered, gone } = await readByIds(deps, ids).catch(async (error: unknown) => {
    const properties = await drain.reader.omitRefusedProperties?.(error, kind.properties)
    if (!properties) throw error
    drain.kind = { ...kind, properties }
    return await readByIds({ ...deps, kind: drain.kind }, ids)
  })
  const undecidedIds = new Set(undecided)
  const unansweredIds = new Set(unanswered)
  const goneIds = new Set(gone)
  const { report, drained, deadLettered } = await saveStep(drain, step, async (scope) => {
    const report = await save(scope)
    const unverified = new Set(report.unverified)
    const stillUndecided = items.filter(({ ticketId }) => undecidedIds.has(ticketId))
    // A ticket that was just reported and is not found may appear within a second: HubSpot's own
    // systems are not all updated at the same moment.
    const early = (one: InboxItem) =>
      unverified.has(one.ticketId) || (goneIds.has(one.ticketId) && leavesTicket(one))
    const again = items.filter(
      (one) => early(one) && one.row.inconclusive_count < maxInconclusive && !undecidedIds.has(one.ticketId),
    )
    // Missing from incomplete responses: nothing is known about these, so no number of attempts
    // dead-letters them.
    const leftOut = items.filter(({ ticketId }) => unansweredIds.has(ticketId))
    const waits = new Set([...stillUndecided, ...again, ...leftOut])
    const drained = items.filter((one) => !waits.has(one))
    const deadLettered = await postponeOrDeadLetter(drain, scope, stillUndecided, undecidedMessage)
    await postponeItems(scope, integrationId, again, secondMs, 'inconclusive_count')
    await postponeItems(scope, integrationId, leftOut, leftOutWait(drain, leftOut), 'left_out')
    // A ticket that is new here may have associations, and no other event need report them.
    await enqueueAssociationReads(scope, integrationId, report.arrived, latestOf(items))
    return { report, drained, deadLettered }
  })
  logUpsertReport(drain, report, { tenant_id: ref.tenantId, integration_id: integrationId })
  logDeadLettered(drain, deadLettered, undecidedMessage)
  logDrained(drain, drained)
}

async function drainAssociations(drain: Drain, step: Step): Promise<void> {
  const { ids, items } = step
  const { hubspot, ref, withAccess, reader, signal } = drain
  const { save, undecided, unanswered } = await withAccess((access) =>
    reader.readAssociations(hubspot, ids, callOptionsOf({ retryLimits, signal }, access), {
      problems: 'none',
    }),
  )
  const undecidedIds = new Set(undecided)
  const unansweredIds = new Set(unanswered)
  const unread = items.filter(({ ticketId }) => undecidedIds.has(ticketId))
  const leftOut = items.filter(({ ticketId }) => unansweredIds.has(ticketId) && !undecidedIds.has(ticketId))
  const drained = items.filter(({ ticketId }) => !undecidedIds.has(ticketId) && !unansweredIds.has(ticketId))
  const { deadLettered } = await saveStep(drain, step, async (scope) => {
    await save(scope, ref.integrationId)
    const deadLettered = await postponeOrDeadLetter(drain, scope, unread, unreadAssociationsMessage)
    await postponeItems(scope, ref.integrationId, leftOut, leftOutWait(drain, leftOut), 'left_out')
    return { drained, deadLettered }
  })
  logDeadLettered(drain, deadLettered, unreadAssociationsMessage)
  logDrained(drain, drained)
}

function logDrained({ metrics, clock }: Drain, items: readonly InboxItem[]): void {
  metrics.inboxDrained.inc(items.length)
  for (const { received_at } of new Set(items.map(({ row }) => row)))
    metrics.inboxLag.observe((clock.now() - received_at.getTime()) / 1_000)
}

/**
 * ms; grows with the time the tickets have waited, so that incomplete responses cause fewer and
 * fewer calls.
 */
function leftOutWait({ clock }: Drain, items: readonly InboxItem[]): number {
  const ages = items.map(({ row }) => clock.now() - row.received_at.getTime())
  return (
    betweenAttempts.base +
    clock.random() * Math.min(betweenAttempts.cap, Math.max(betweenAttempts.base, ...ages))
  )
}

const latestOf = (items: readonly InboxItem[]) =>
  new Date(Math.max(...items.map(({ row }) => row.occurred_at.getTime())))

/**
 * Locks the integration. If it is disconnected, deletes its inbox: the sync after a reconnect reads
 * what has changed.
 */
async function deleteIfDisconnected(scope: TenantScope, integrationId: string): Promise<boolean> {
  const gone = !isConnected(await lockIntegration(scope, integrationId))
  if (gone) await deleteInbox(scope, integrationId)
  return gone
}

/**
 * Runs one transaction under the integration's lock while this process owns the inbox. The same
 * transaction removes the step's changes from the inbox.
 *
 * @throws Lost, and saves nothing, if another process owns the inbox or the integration is gone
 */
async function saveStep<T extends { drained: readonly InboxItem[] }>(
  drain: Drain,
  { items, isLast }: Step,
  work: (scope: TenantScope) => Promise<T>,
): Promise<T> {
  const { integrationId } = drain.ref
  const saved = await drain.within(async (scope) => {
    if (await deleteIfDisconnected(scope, integrationId)) return undefined
    await removeFromInbox(scope, integrationId, items)
    const done = await work(scope)
    const end = { drained: done.drained, releases: isLast }
    if (!(await endDrainStep(scope, integrationId, drain.claimant, end))) throw new LostClaim()
    return done
  })
  if (!saved) throw new LostClaim()
  for (const [row, left] of remainingTickets(items)) row.ticket_ids = left
  drain.released = isLast
  return saved
}

/**
 * Postpones refused tickets, and dead-letters those that have used up their attempts.
 *
 * @returns what was dead-lettered
 */
async function postponeOrDeadLetter(
  { ref, clock }: Drain,
  scope: TenantScope,
  items: readonly InboxItem[],
  why: string,
): Promise<InboxItem[]> {
  const isLast = ({ row }: InboxItem) => row.attempt_count + 1 >= maxAttempts
  const last = items.filter(isLast)
  const attempts = Math.max(0, ...items.map(({ row }) => row.attempt_count))
  const waitMs = betweenAttempts.base + fullJitter(betweenAttempts, attempts, clock.random())
  await deadLetterItems(scope, ref.integrationId, last, why)
  await postponeItems(
    scope,
    ref.integrationId,
    items.filter((one) => !isLast(one)),
    waitMs,
    'attempt_count',
  )
  return last
}

async function deadLetterSuspect(drain: Drain, { step, error }: Suspect): Promise<void> {
  drain.poisonTickets += 1
  const { deadLettered } = await saveStep(drain, step, async (scope) => ({
    deadLettered: await postponeOrDeadLetter(drain, scope, step.items, error.message),
    drained: [],
  }))
  logDeadLettered(drain, deadLettered, error.message)
}

function logDeadLettered(
  { ref, log, metrics }: Drain,
  deadLettered: readonly InboxItem[],
  why: string,
): void {
  metrics.inboxDeadLettered.inc(deadLettered.length)
  for (const ticketId of new Set(deadLettered.map((one) => one.ticketId)))
    log.warn(
      { tenant_id: ref.tenantId, integration_id: ref.integrationId, ticket_id: ticketId, reason: why },
      'a change could not be drained and was dead-lettered',
    )
}

async function releaseAfterFailure(
  { clock, claimant, log }: DrainDependencies,
  within: Drain['within'],
  { tenantId, integrationId }: IntegrationRef,
  failures: number,
  failure: unknown,
  signal: AbortSignal,
): Promise<void> {
  const code = appErrorCode(failure)
  const waitMs =
    circuitWaitMs(failure, clock) ??
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
        : { code, waitMs, failures: failures + 1, awaitsHubSpot: isHubSpotOutage(failure) },
    ),
  )
}
