/**
 * Reads the contacts, companies and deals of tickets.
 *
 * If the account does not let us read a kind, that kind is null and a problem of that resource
 * alone; the tickets do not wait for it. Over 200 lines because reading a kind and deciding what
 * HubSpot left out share one result.
 */
import type { TenantScope } from '../db/scope.ts'
import {
  type Association,
  type AssociationBatch,
  associationLimit,
  readAssociations,
  readHasAssociations,
} from '../hubspot/association-reads.ts'
import type { HubSpot } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import type { CallOptions } from '../hubspot/objects.ts'
import {
  readDueResources,
  saveResourceRefusal,
  saveResourcesReadable,
} from '../integrations/resource-store.ts'
import {
  invalidAnswer,
  isLastingProblem,
  type ResourceRefusal,
  resourceRefusal,
} from '../integrations/resources.ts'
import { chunks } from '../lib/chunks.ts'
import {
  type AssociatedKind,
  type AssociatedRecord,
  type AssociationCounts,
  associatedKinds,
  saveAssociations,
  type TicketAssociations,
} from './association-store.ts'
import { sanitizeText } from './issue.ts'

/** The result for one sync step. */
export interface TicketAssociationsRead {
  /** Stores the result, within the caller's transaction and under the lock. */
  save(scope: TenantScope, integrationId: string): Promise<void>
  /** Kinds that HubSpot did not return for some of the tickets, for a temporary reason. */
  unread: string[]
  /**
   * Tickets for which HubSpot returned an error or an endless list; their associations stay
   * unchanged.
   */
  undecided: string[]
  /**
   * Tickets missing from the responses although they may have associations; these stay unchanged
   * too.
   */
  unanswered: string[]
}

export interface AssociationReadOptions {
  /**
   * Returns which of these tickets have stored associations of a kind. Absent: a ticket that
   * HubSpot does not mention counts as having none.
   */
  findStored?: (kind: AssociatedKind, ids: readonly string[]) => Promise<ReadonlySet<string>>
  /** If HubSpot fails to return a kind, record a problem of that kind instead of throwing. */
  tolerant?: boolean
}

/**
 * How a read changes the temporary problems of a kind. all: sets and clears them, as a full pass
 * may. found: only sets them, because only a full pass reads the missing part again. none: changes
 * nothing, because the missing part is read again on its own.
 */
export type TemporaryProblems = 'all' | 'found' | 'none'

export interface AssociationsFound {
  /** By ticket id. */
  associations: Map<string, TicketAssociations>
  /** HubSpot's clock at the first response; null: no request was made. */
  observedAt: Date | null
  /** The kinds that were read. */
  read: AssociatedKind[]
  /** The kinds that HubSpot refused or returned only in part, with the reason. */
  problems: Map<AssociatedKind, ResourceRefusal>
  /** Ids for which a kind is unresolved because HubSpot gave no result. */
  undecided: Set<string>
  /** Ids for which a kind is unresolved because the responses leave them out. */
  unanswered: Set<string>
}

/**
 * Reads associations from HubSpot: one call per kind and 1,000 tickets, and more only for tickets
 * with more than one page. Stores nothing. Call it within the use of a token: a missing scope is
 * caught here and does not invalidate the token.
 *
 * @param ids no duplicates
 * @param skip kinds known to be unreadable; they are returned as null without a call
 * @throws HubSpotError when HubSpot cannot be reached (unless `tolerant`) or rejects the token
 */
export async function readTicketAssociations(
  hubspot: HubSpot,
  ids: readonly string[],
  options: CallOptions,
  skip: ReadonlySet<string>,
  readOptions: AssociationReadOptions = {},
): Promise<AssociationsFound> {
  const associations = new Map<string, TicketAssociations>(ids.map((id) => [id, {}]))
  const found: AssociationsFound = {
    associations,
    observedAt: null,
    read: [],
    problems: new Map(),
    undecided: new Set(),
    unanswered: new Set(),
  }
  const results = await Promise.allSettled(
    associatedKinds.map((kind) =>
      readAssociatedKind(hubspot, kind, ids, options, found, { ...readOptions, skipped: skip.has(kind) }),
    ),
  )
  for (const one of results) if (one.status === 'rejected') throw one.reason
  return found
}

async function readAssociatedKind(
  hubspot: HubSpot,
  kind: AssociatedKind,
  ids: readonly string[],
  options: CallOptions,
  into: AssociationsFound,
  { skipped, findStored, tolerant }: AssociationReadOptions & { skipped: boolean },
): Promise<void> {
  const setNull = () => {
    for (const of of into.associations.values()) of[kind] = null
  }
  if (skipped || ids.length === 0) return setNull()
  try {
    let isComplete = true
    for (const some of chunks(ids, associationLimit)) {
      const read = await readAssociations(hubspot, 'tickets', kind, some, options)
      const { found, observedAt } = read
      if (into.observedAt === null || observedAt < into.observedAt) into.observedAt = observedAt
      const unanswered = findStored
        ? await findLeftOut(hubspot, kind, some, read, options, findStored)
        : new Set<string>()
      for (const [id, ends] of found) {
        const of = into.associations.get(id)
        if (of && !unanswered.has(id)) of[kind] = ends.map(toStored)
      }
      const undecided = [...read.undecided, ...read.malformed.filter((id) => !found.has(id))]
      for (const id of undecided) into.undecided.add(id)
      for (const id of unanswered) into.unanswered.add(id)
      isComplete &&= unanswered.size === 0 && undecided.length === 0 && read.malformed.length === 0
    }
    if (isComplete) into.read.push(kind)
    else into.problems.set(kind, invalidAnswer)
  } catch (error) {
    const refusal = error instanceof HubSpotError ? resourceRefusal(error) : undefined
    if (!refusal || !(refusal.lasting || tolerant)) throw error
    into.problems.set(kind, refusal)
    if (refusal.lasting) setNull()
  }
}

/**
 * Maximum number of single-ticket calls per batch: each counts against the account's daily limit.
 */
const maxSingleReads = 200

/**
 * Tickets that the response leaves out although they may have associations; these stay unchanged. A
 * ticket with stored associations is checked with a call of its own before they are removed. If the
 * response mentions no ticket at all, any one ticket is checked.
 */
async function findLeftOut(
  hubspot: HubSpot,
  kind: AssociatedKind,
  ids: readonly string[],
  { leftOut }: AssociationBatch,
  options: CallOptions,
  findStored: NonNullable<AssociationReadOptions['findStored']>,
): Promise<Set<string>> {
  if (leftOut.length === 0) return new Set()
  const stored = await findStored(kind, leftOut)
  const possiblyLeftOut = leftOut.filter((id) => stored.has(id))
  // For a single ticket, an empty response most likely means that it has none.
  if (possiblyLeftOut.length === 0 && leftOut.length === ids.length && ids.length > 1)
    possiblyLeftOut.push(...leftOut.slice(0, 1))
  const open = new Set(possiblyLeftOut)
  for (const id of possiblyLeftOut.slice(0, maxSingleReads)) {
    const has = await readHasAssociations(hubspot, 'tickets', kind, id, options)
    // The responses are incomplete, so they prove nothing about the tickets that they leave out.
    if (has) return new Set(leftOut)
    open.delete(id)
  }
  return open
}

const toStored = ({ id, labels }: Association): AssociatedRecord => ({
  id: sanitizeText(id),
  labels: labels.map(({ category, typeId, label }) => ({
    category: sanitizeText(category),
    type_id: typeId,
    label: label === null ? null : sanitizeText(label),
  })),
})

/**
 * Reads associations for one sync step.
 *
 * @param skip gains the kinds refused now, so that the next step does not request them again
 * @param how.failed kinds that this run failed to read before: their problem stays
 * @param how.problems default: all
 */
export async function readAssociationsForStep(
  hubspot: HubSpot,
  ids: readonly string[],
  options: CallOptions,
  skip: Set<string>,
  readOptions: AssociationReadOptions & { failed?: readonly string[]; problems?: TemporaryProblems } = {},
): Promise<TicketAssociationsRead> {
  const found = await readTicketAssociations(hubspot, ids, options, skip, readOptions)
  const unread: string[] = []
  for (const [kind, { lasting }] of found.problems) {
    if (lasting) skip.add(kind)
    else unread.push(kind)
  }
  const read = found.read.filter((kind) => !readOptions.failed?.includes(kind))
  return {
    unread,
    undecided: [...found.undecided],
    unanswered: [...found.unanswered],
    save: async (scope, integrationId) =>
      void (await saveAssociationsFound(scope, integrationId, { ...found, read }, readOptions.problems)),
  }
}

/** The kinds that were refused within the last hour and since the tenant last connected. */
export async function unreadableKinds(scope: TenantScope, integrationId: string): Promise<Set<string>> {
  const known = await readDueResources(scope, integrationId)
  return new Set(
    associatedKinds.filter((kind) =>
      known.some(
        ({ resource, due, problem }) =>
          resource === kind && problem !== null && isLastingProblem(problem) && !due,
      ),
    ),
  )
}

/**
 * Stores the associations and which kinds could be read, in the caller's transaction under the
 * integration's lock.
 */
export async function saveAssociationsFound(
  scope: TenantScope,
  integrationId: string,
  { associations, observedAt, read, problems }: Omit<AssociationsFound, 'undecided' | 'unanswered'>,
  temporary: TemporaryProblems = 'all',
): Promise<AssociationCounts> {
  for (const [kind, refusal] of problems)
    if (refusal.lasting || temporary !== 'none')
      await saveResourceRefusal(scope, integrationId, kind, refusal)
  if (read.length > 0)
    await saveResourcesReadable(scope, integrationId, read, { clearsTemporary: temporary === 'all' })
  // No request was made: all kinds are known to be unreadable, so there is no time to compare.
  if (observedAt === null) return { changed: 0, unchanged: associations.size }
  return await saveAssociations(scope, integrationId, associations, observedAt)
}
