/** What every step of a run is given, and what it gives: a reading of HubSpot, and then how that is kept. */
import type { TenantScope } from '../db/scope.ts'
import type { Access, HubSpot, Patience } from '../hubspot/client/client.ts'
import type { CallOptions } from '../hubspot/objects.ts'
import { asTime } from '../hubspot/time.ts'
import type { WithAccess } from '../integrations/tokens/hold-access.ts'
import type { Clock } from '../lib/clock.ts'
import type { KeepReport, ObjectKind, PreparedKind } from './object-kind.ts'
import type { Cursor, Mode } from './stream.ts'

export interface StepParts {
  hubspot: HubSpot
  kind: ObjectKind & PreparedKind
  mode: Mode
  integrationId: string
  clock: Clock
  withAccess: WithAccess
  /** One short transaction, for what a step must know before it asks HubSpot. */
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
  patience: Patience
  signal: AbortSignal
  /** How far HubSpot's index may be behind, ms. */
  indexLagMs: number
  /** More than this share of the live ones (0 to 1) is never markedDeleted by one pass alone. */
  sweepShare: number
  /** The pass before met the same: this one agrees with it. */
  sweepAgreed: boolean
  /** The list was asked a short while ago because of a count, and nothing had been missing. */
  listWasIdle: boolean
  /** Of this run, in a row. */
  failures: number
}

export interface Kept {
  next: Cursor
  report?: KeepReport
  /** Records that count as progress. */
  done?: number
  /** How many there are in all, when the step learnt it. */
  total?: number | null
  /** The run waits so long before its next step. */
  waitMs?: number
}

/** Keeps what a step has read; within the transaction that also moves the cursor. */
export type Keep = (scope: TenantScope) => Promise<Kept>

export const optionsOf = (
  { patience, signal }: Pick<StepParts, 'patience' | 'signal'>,
  access: Access,
): CallOptions => ({
  access,
  patience,
  signal,
  priority: 'background',
})

/** HubSpot's clock when the call began, or earlier: what changed after it is not in the answer for sure. */
export const startOf = (parts: StepParts, observedAt: Date, began: number) =>
  new Date(observedAt.getTime() - Math.ceil(parts.clock.monotonic() - began)).toISOString()

/** Where HubSpot's clock stands still, it is not asked for ever. */
const mostRounds = 3

/** What a read could not prove is read by id, when the second that it happened in is over. */
export function unverifiedOf(at: Cursor, { unverified }: KeepReport, more: readonly string[] = []) {
  const rounds = at.tooSoon ?? 0
  const doubts = rounds < mostRounds ? unverified : []
  return {
    ...(doubts.length + more.length > 0 ? { confirm: [...(at.confirm ?? []), ...doubts, ...more] } : {}),
    ...(doubts.length > 0 ? { tooSoon: rounds + 1 } : {}),
  }
}

/**
 * After failures in a row fewer records are asked for: HubSpot may never be done with so many within a call's time. The client
 * remembers what is too many (`fit`), but another process has the failures alone.
 */
export const easierOf = ({ failures }: StepParts, limit: number): number =>
  Math.max(1, limit >> Math.max(0, failures - 1))

/** An incremental reads the associations of what it wrote; a full pass those of all, in a walk of their own. */
export const owedLinks = ({ mode }: StepParts, at: Cursor, { touched }: KeepReport) =>
  mode === 'incremental' ? { links: [...(at.links ?? []), ...touched] } : {}

export const idsOf = (records: readonly unknown[]): string[] =>
  records.flatMap((record) => {
    const id = (record as { id?: unknown } | null)?.id
    return typeof id === 'string' || typeof id === 'number' ? [String(id)] : []
  })

export const without = (ids: readonly string[], records: readonly unknown[]): string[] => {
  const found = new Set(idsOf(records))
  return ids.filter((id) => !found.has(id))
}

export function modifiedOf(kind: ObjectKind, record: unknown): string | undefined {
  const { properties, updatedAt } = (record ?? {}) as {
    properties?: Record<string, unknown>
    updatedAt?: unknown
  }
  return asTime(properties?.[kind.modifiedProperty]) ?? asTime(updatedAt) ?? undefined
}
