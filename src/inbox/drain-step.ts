/**
 * One step of a drain: reads the tickets of some changes by id, and saves the result. The same
 * transaction removes the changes, or postpones or dead-letters those that proved nothing. Over 200
 * lines because a change that is taken out must be put back by the same transaction if it waits.
 */
import type { Database } from '../db/database.ts'
import type { Claimant } from '../db/lease.ts'
import type { TenantScope } from '../db/scope.ts'
import type { HubSpot } from '../hubspot/client/client.ts'
import type { HubSpotError } from '../hubspot/hubspot-error.ts'
import { type IntegrationRef, isConnected } from '../integrations/integration.ts'
import { lockIntegration } from '../integrations/store.ts'
import type { WithAccess } from '../integrations/tokens/reuse-access.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import { fullJitter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { ObjectKind, PreparedKind } from '../sync/object-kind.ts'
import { readByIds } from '../sync/read-by-ids.ts'
import { logUpsertReport } from '../sync/report.ts'
import { callOptionsOf } from '../sync/step.ts'
import { deleteInbox, endDrainStep } from './claim-store.ts'
import {
  deadLetterItems,
  enqueueAssociationReads,
  type InboxItem,
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

export const retryLimits = { maxAttempts: 3, totalMs: 15_000 }
/** A ticket that HubSpot refuses to return is dead-lettered after this many attempts. */
const maxAttempts = 5
const betweenAttempts = { base: 2_000, cap: 60_000 }
/**
 * HubSpot's Date header counts whole seconds. If two reads within one second disagree, the ticket
 * is read again after that second.
 */
const secondMs = 1_100
const maxInconclusive = 3

/** Thrown when another process owns the inbox or the integration is gone. */
export class LostClaim extends Error {}

export interface Drain extends DrainDependencies {
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
  withAccess: WithAccess
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
}

/** Changes that are drained together with one kind of read. */
export interface Step {
  reads: 'tickets' | 'links'
  ids: string[]
  items: InboxItem[]
  /** No step follows this one. */
  isLast: boolean
}

const undecidedMessage = 'HubSpot did not say whether the ticket exists'
const unreadAssociationsMessage = 'HubSpot did not return the associations of the ticket'

/** Whether the ticket still exists after the change. */
const leavesTicket = ({ row: { change } }: InboxItem) => change !== 'deletion' && change !== 'merge'

export async function drainTickets(drain: Drain, step: Step): Promise<void> {
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

export async function drainAssociations(drain: Drain, step: Step): Promise<void> {
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
export async function deleteIfDisconnected(scope: TenantScope, integrationId: string): Promise<boolean> {
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

/** A single ticket that HubSpot does not return, or does not return at the moment. */
export interface Suspect {
  step: Step
  error: HubSpotError
}

export async function deadLetterSuspect(drain: Drain, { step, error }: Suspect): Promise<void> {
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
