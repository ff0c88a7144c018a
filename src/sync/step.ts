/** What a step of a run receives and returns: it reads HubSpot, then returns how to save it. */
import type { TenantScope } from '../db/scope.ts'
import type { HubSpot, HubSpotAccess, RetryLimits } from '../hubspot/client/client.ts'
import type { CallOptions } from '../hubspot/objects.ts'
import { toTime } from '../hubspot/time.ts'
import type { WithAccess } from '../integrations/tokens/reuse-access.ts'
import type { Clock } from '../lib/clock.ts'
import type { ObjectKind, PreparedKind, UpsertReport } from './object-kind.ts'
import type { Cursor, SyncType } from './stream.ts'

export interface StepContext {
  hubspot: HubSpot
  kind: ObjectKind & PreparedKind
  syncType: SyncType
  integrationId: string
  clock: Clock
  withAccess: WithAccess
  /** Runs one short transaction, for what a step must know before it calls HubSpot. */
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
  retryLimits: RetryLimits
  signal: AbortSignal
  /** How far HubSpot's index may lag behind, ms. */
  indexLagMs: number
  /** One pass alone never marks more than this share (0 to 1) of the live records deleted. */
  maxDeletedShare: number
  /** The previous full pass held back deletions for the same reason, so this pass confirms it. */
  deletionsConfirmed: boolean
  /** A list was read a short while ago because of a count, and nothing was missing. */
  listWasIdle: boolean
  /** Consecutive failures of this run. */
  failures: number
}

export interface SavedStep {
  next: Cursor
  report?: UpsertReport
  /** Records that count as progress. */
  done?: number
  /** How many records there are in total, if the step learned it. */
  total?: number | null
  /** How long the run waits before its next step. */
  waitMs?: number
}

/** Saves what a step has read, within the transaction that also moves the cursor. */
export type SaveStep = (scope: TenantScope) => Promise<SavedStep>

export const callOptionsOf = (
  { retryLimits, signal }: Pick<StepContext, 'retryLimits' | 'signal'>,
  access: HubSpotAccess,
): CallOptions => ({
  access,
  retryLimits,
  signal,
  priority: 'background',
})

/**
 * HubSpot's clock when the call began, or earlier: later changes may be missing from the response.
 */
export const callStartOf = (context: StepContext, observedAt: Date, began: number) =>
  new Date(observedAt.getTime() - Math.ceil(context.clock.monotonic() - began)).toISOString()

/** Prevents endless repeats if HubSpot's clock does not advance. */
const maxRounds = 3

/** What a read could not prove is read by id, once the second in which it happened is over. */
export function confirmUnverified(at: Cursor, { unverified }: UpsertReport, more: readonly string[] = []) {
  const rounds = at.tooSoon ?? 0
  const unproved = rounds < maxRounds ? unverified : []
  return {
    ...(unproved.length + more.length > 0 ? { confirm: [...(at.confirm ?? []), ...unproved, ...more] } : {}),
    ...(unproved.length > 0 ? { tooSoon: rounds + 1 } : {}),
  }
}

/**
 * After consecutive failures fewer records are requested: HubSpot may not be able to return so many
 * within a call's deadline. The client remembers how many are too many (`fit`), but another process
 * only knows the failures.
 */
export const reducedLimit = ({ failures }: StepContext, limit: number): number =>
  Math.max(1, limit >> Math.max(0, failures - 1))

/**
 * An incremental run reads the associations of the records it wrote; a full pass reads those of all
 * records, in a walk of their own.
 */
export const queueAssociationReads = ({ syncType }: StepContext, at: Cursor, { touched }: UpsertReport) =>
  syncType === 'incremental' ? { links: [...(at.links ?? []), ...touched] } : {}

export const recordIdsOf = (records: readonly unknown[]): string[] =>
  records.flatMap((record) => {
    const id = (record as { id?: unknown } | null)?.id
    return typeof id === 'string' || typeof id === 'number' ? [String(id)] : []
  })

export const idsWithoutRecord = (ids: readonly string[], records: readonly unknown[]): string[] => {
  const found = new Set(recordIdsOf(records))
  return ids.filter((id) => !found.has(id))
}

export function modifiedTimeOf(kind: ObjectKind, record: unknown): string | undefined {
  const { properties, updatedAt } = (record ?? {}) as {
    properties?: Record<string, unknown>
    updatedAt?: unknown
  }
  return toTime(properties?.[kind.modifiedProperty]) ?? toTime(updatedAt) ?? undefined
}
