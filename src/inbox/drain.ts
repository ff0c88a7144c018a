/**
 * Drains the inbox of one integration: each ticket that a change was told of is read again by id and kept, whatever was told. A
 * change goes in the transaction that keeps what was read, so that a process killed anywhere costs a lease and loses nothing.
 * Over 200 lines because a drain is one story: take, read, keep, and each way in which that can fail.
 */
import { asAppError } from '../hubspot/as-app-error.ts'
import type { HubSpot } from '../hubspot/client.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import { batchLimit } from '../hubspot/objects.ts'
import type { Whose } from '../integrations/integration.ts'
import { lockIntegration } from '../integrations/store.ts'
import type { Tokens } from '../integrations/tokens.ts'
import { fullJitter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Database } from '../lib/db.ts'
import { AppError, isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { holdAccess } from '../sync/access.ts'
import type { Claimant } from '../sync/lease-store.ts'
import type { KeepReport, KindReader, ObjectKind } from '../sync/object-kind.ts'
import { readByIds } from '../sync/read-by-ids.ts'
import { optionsOf } from '../sync/step.ts'
import { type TenantScope, withTenant } from '../tenants/scope.ts'
import type { TenantId } from '../tenants/tenant.ts'
import {
  claimLane,
  deleteDrained,
  forgetLane,
  holdLane,
  type InboxRow,
  owe,
  postpone,
  releaseLane,
  setAside,
  takeDue,
} from './store.ts'

export interface DrainParts {
  db: Database
  hubspot: HubSpot
  tokens: Tokens
  claimant: Claimant
  /** What webhooks tell of. */
  kind: ObjectKind
  /** What arrives within it is read together, ms. */
  windowMs: number
  clock: Clock
  metrics: Metrics
  log: Log
}

/** Rows of one take. Many may speak of the same ticket. */
const atOnce = 2_000
const linksAtOnce = 1_000
/** After this long the lane is given back, so that many integrations share few drains. */
const sliceMs = 10_000
const patience = { tries: 3, totalMs: 15_000 }
const betweenFailures = { base: 1_000, cap: 300_000 }
/** So often a ticket that HubSpot refuses to tell of is asked for, before it is set aside. */
const mostTries = 5
const betweenTries = { base: 2_000, cap: 60_000 }
/** HubSpot's Date counts whole seconds: what two reads of one second disagree on is read again after it. */
const secondMs = 1_100
const mostRounds = 3

/** An answer that is none is held against HubSpot first, and only then against what was asked for. */
const failuresBeforeBlame = 3
/** Poison is rare: where more than so many of one drain cannot be read, it is not they. */
const mostPoison = 10

/** Thrown when the lane is another's, or the integration is no more. */
class Lost extends Error {}

interface Drain extends DrainParts {
  whose: Whose
  signal: AbortSignal
  reader: KindReader
  /** In a row, before this drain. */
  failures: number
  poisoned: number
  withAccess: ReturnType<typeof holdAccess>
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
}

/**
 * @param signal aborts when the process stops: what is not drained stays
 * @returns how many changes were drained; undefined when another process is at it
 */
export async function drain(
  parts: DrainParts,
  tenantId: TenantId,
  integrationId: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { db, claimant, kind } = parts
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, tenantId, work)
  const failures = await within(async (scope) =>
    (await isGone(scope, integrationId)) ? undefined : await claimLane(scope, integrationId, claimant),
  )
  if (failures === undefined) return undefined
  const whose = { tenantId, integrationId }
  try {
    const mayKeep = (scope: TenantScope) => holdLane(scope, integrationId, claimant)
    const withAccess = holdAccess(parts, whose, { patience, signal })
    const reader = await kind.prepare(whose, { patience, signal, mayKeep })
    const drained = await drainAll({
      ...parts,
      kind: { ...kind, ...reader },
      whose,
      signal,
      reader,
      failures,
      poisoned: 0,
      withAccess,
      within,
    })
    await within((scope) => releaseLane(scope, integrationId, claimant))
    return drained
  } catch (error) {
    if (error instanceof Lost || isTenantErasing(error)) return undefined
    await giveBack(parts, within, whose, failures, error, signal)
    return undefined
  }
}

async function drainAll(drain: Drain): Promise<number> {
  const { clock, signal, whose, within, windowMs } = drain
  const until = clock.monotonic() + sliceMs
  let drained = 0
  for (;;) {
    const rows = await within((scope) => takeDue(scope, whose.integrationId, windowMs, atOnce))
    if (rows.length === 0) return drained
    for (const step of stepsOf(rows)) {
      signal.throwIfAborted()
      await drainStep(drain, step)
      drained += step.rows.length
    }
    if (clock.monotonic() >= until) return drained
  }
}

/** Rows that are drained together, by one way of reading. */
interface Step {
  reads: 'tickets' | 'links'
  ids: string[]
  rows: InboxRow[]
}

/** An association is read for itself: it changes no property. */
const readsOf = ({ change }: InboxRow): Step['reads'] =>
  change === 'associationChange' ? 'links' : 'tickets'

function stepsOf(rows: readonly InboxRow[]): Step[] {
  const steps: Step[] = []
  for (const [reads, some] of Map.groupBy(rows, readsOf)) {
    const byTicket = [...Map.groupBy(some, ({ ticketId }) => ticketId)]
    const most = reads === 'links' ? linksAtOnce : batchLimit
    for (let at = 0; at < byTicket.length; at += most) {
      const part = byTicket.slice(at, at + most)
      steps.push({ reads, ids: part.map(([id]) => id), rows: part.flatMap(([, of]) => of) })
    }
  }
  return steps
}

/** Reads and keeps; what HubSpot refuses to tell of is cut in two until it stands alone. */
async function drainStep(drain: Drain, step: Step): Promise<void> {
  try {
    if (step.reads === 'links') await drainLinks(drain, step)
    else await drainTickets(drain, step)
  } catch (error) {
    if (!mayBePoison(drain, error)) throw error
    if (step.ids.length === 1) return await poison(drain, step, error)
    const half = new Set(step.ids.slice(0, step.ids.length >> 1))
    for (const first of [true, false])
      await drainStep(drain, {
        reads: step.reads,
        ids: step.ids.filter((id) => half.has(id) === first),
        rows: step.rows.filter(({ ticketId }) => half.has(ticketId) === first),
      })
  }
}

/** It may be one of the ids. All else may pass. */
const mayBePoison = ({ failures, poisoned }: Drain, error: unknown): error is HubSpotError =>
  error instanceof HubSpotError &&
  poisoned < mostPoison &&
  (error.kind === 'rejected' || (error.kind === 'invalid' && failures >= failuresBeforeBlame))

async function drainTickets(drain: Drain, { ids, rows }: Step): Promise<void> {
  const { hubspot, kind, whose, withAccess, signal } = drain
  const { integrationId } = whose
  const keep = await readByIds({ hubspot, kind, integrationId, withAccess, patience, signal }, ids)
  const report = await keepWith(drain, async (scope) => {
    const report = await keep(scope)
    const doubtful = new Set(report.doubtful)
    const again = rows.filter(({ ticketId, tries }) => doubtful.has(ticketId) && tries < mostRounds)
    const waits = new Set(again)
    await postpone(scope, integrationId, again, secondMs)
    await deleteDrained(
      scope,
      integrationId,
      rows.filter((row) => !waits.has(row)),
    )
    // What has just come has associations too, and no other event need tell of them.
    await owe(scope, integrationId, report.arrived, latestOf(rows))
    return report
  })
  tell(drain, report)
  told(drain, rows)
}

async function drainLinks(drain: Drain, { ids, rows }: Step): Promise<void> {
  const { hubspot, whose, withAccess, reader, signal } = drain
  const keep = await withAccess((access) =>
    reader.readLinks(hubspot, ids, optionsOf({ patience, signal }, access)),
  )
  await keepWith(drain, async (scope) => {
    await keep(scope, whose.integrationId)
    await deleteDrained(scope, whose.integrationId, rows)
  })
  told(drain, rows)
}

function told({ metrics, clock }: Drain, rows: readonly InboxRow[]): void {
  metrics.inboxDrained.inc(rows.length)
  for (const { receivedAt } of rows) metrics.inboxLag.observe((clock.now() - receivedAt.getTime()) / 1_000)
}

const latestOf = (rows: readonly InboxRow[]) =>
  new Date(Math.max(...rows.map(({ occurredAt }) => occurredAt.getTime())))

/** Takes the integration's lock. What came for one that nobody is connected by is forgotten: connecting again begins with everything. */
async function isGone(scope: TenantScope, integrationId: string): Promise<boolean> {
  const status = await lockIntegration(scope, integrationId)
  const gone = status === undefined || status === 'pending' || status === 'disconnected'
  if (gone) await forgetLane(scope, integrationId)
  return gone
}

/** One transaction under the integration's lock, while the lane is ours. */
async function keepWith<T>(drain: Drain, work: (scope: TenantScope) => Promise<T>): Promise<T> {
  const { within, whose, claimant } = drain
  return await within(async (scope) => {
    if (await isGone(scope, whose.integrationId)) return undefined
    if (!(await holdLane(scope, whose.integrationId, claimant))) return undefined
    return { done: await work(scope) }
  }).then((kept) => {
    if (!kept) throw new Lost()
    return kept.done
  })
}

function tell({ metrics, log, whose }: Drain, report: KeepReport): void {
  for (const op of ['inserted', 'changed', 'archived', 'unchanged'] as const)
    metrics.syncRecords.inc({ op }, report[op])
  metrics.syncRecords.inc({ op: 'rejected' }, report.rejected.length)
  for (const { id, reason } of report.rejected)
    log.warn(
      { tenant_id: whose.tenantId, integration_id: whose.integrationId, ticket_id: id, reason },
      'a record could not be kept',
    )
}

/** One ticket of which HubSpot will not tell: later again, and in the end not any more. */
async function poison(drain: Drain, { rows }: Step, error: HubSpotError): Promise<void> {
  const { whose, clock, log, metrics } = drain
  const tries = Math.max(...rows.map(({ tries }) => tries)) + 1
  const last = tries >= mostTries
  drain.poisoned += 1
  await keepWith(drain, async (scope) => {
    const waitMs = betweenTries.base + fullJitter(betweenTries, tries, clock.random())
    if (last) await setAside(scope, whose.integrationId, rows, error.message)
    else await postpone(scope, whose.integrationId, rows, waitMs)
  })
  if (!last) return
  metrics.inboxSetAside.inc(rows.length)
  log.warn(
    {
      err: error,
      tenant_id: whose.tenantId,
      integration_id: whose.integrationId,
      ticket_id: rows[0]?.ticketId,
    },
    'a change could not be drained and was set aside',
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
  const error = asAppError(failure)
  const code = error instanceof AppError ? error.code : 'internal'
  const asked = failure instanceof HubSpotError ? failure.retryAfterMs : undefined
  const waitMs = asked ?? betweenFailures.base + fullJitter(betweenFailures, failures + 1, clock.random())
  if (!signal.aborted)
    log[code === 'internal' ? 'error' : 'warn'](
      { err: failure, code, failures: failures + 1, tenant_id: tenantId, integration_id: integrationId },
      'an inbox could not be drained',
    )
  await within((scope) =>
    releaseLane(
      scope,
      integrationId,
      claimant,
      signal.aborted ? undefined : { code, waitMs, failures: failures + 1 },
    ),
  )
}
