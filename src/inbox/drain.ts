/**
 * Drains the inbox of one integration: reads each changed ticket again by id and saves it, whatever
 * the change said. A change is removed in the transaction that saves the result, so a process that
 * is killed anywhere loses its lease but no change. Over 200 lines because claiming, the steps and
 * each way a drain can fail belong together.
 */
import { heartbeat } from '../db/heartbeat.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { appErrorCode } from '../hubspot/as-app-error.ts'
import { circuitWaitMs, isHubSpotOutage } from '../hubspot/client/circuit.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { batchLimit } from '../hubspot/objects.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import { readForWork } from '../integrations/read-for-work.ts'
import { reuseAccess } from '../integrations/tokens/reuse-access.ts'
import { fullJitter } from '../lib/backoff.ts'
import { chunks } from '../lib/chunks.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { claimInbox, releaseInbox, renewInboxLease } from './claim-store.ts'
import {
  type Drain,
  type DrainDependencies,
  deadLetterSuspect,
  deleteIfDisconnected,
  drainAssociations,
  drainTickets,
  LostClaim,
  retryLimits,
  type Step,
  type Suspect,
} from './drain-step.ts'
import { findDueRows, type InboxItem, type InboxRow } from './store.ts'

/** Tickets taken at once. A ticket counts once per change that names it. */
const ticketsPerPass = 2_000
const associationBatchSize = 1_000
/** The inbox is released after this time, so that many integrations can share a few drains. */
const sliceMs = 10_000
const betweenFailures = { base: 1_000, cap: 300_000 }

/**
 * An invalid response counts against HubSpot in this many drains, and only then against the
 * tickets.
 */
const failuresBeforeBlame = 3
/**
 * Unreadable tickets are rare. If a drain finds more than this many, the tickets are not the cause.
 */
const maxPoisonTickets = 10

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
    const rows = await findDueRows(scope, integrationId, deps.windowMs, ticketsPerPass)
    return { ...claimed, rows, ...(await readForWork(scope, integrationId)) }
  }
  const claim = await withTenant(db, tenantId, claimDue, { asyncCommit: true })
  if (!claim) return undefined
  const { failures, rows, awaits_hubspot, access, resources } = claim
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
    const withAccess = reuseAccess(deps, ref, { retryLimits, signal: working }, access)
    const reader = await kind.prepare(ref, { retryLimits, signal: working, maySave, resources })
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
