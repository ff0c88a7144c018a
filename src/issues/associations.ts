/**
 * The contacts, companies and deals of tickets. A kind that the account does not let us read is null there and a
 * problem of that part alone; the tickets themselves do not wait for it.
 */
import type { TenantScope } from '../db/scope.ts'
import {
  type Association,
  type AssociationsRead,
  associationLimit,
  hasAssociations,
  readAssociations,
} from '../hubspot/association-reads.ts'
import type { HubSpot } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import type { CallOptions } from '../hubspot/objects.ts'
import { keepPartsReadable, keepRefusal, readDue } from '../integrations/part-store.ts'
import { invalidAnswer, isLasting, type Refusal, refusalOf } from '../integrations/parts.ts'
import { chunks } from '../lib/chunks.ts'
import {
  type AssociatedKind,
  type AssociatedRecord,
  type AssociationCounts,
  associatedKinds,
  keepAssociations,
  type TicketAssociations,
} from './association-store.ts'
import { mend } from './issue.ts'

/** As a step of a sync takes it. */
export interface LinksRead {
  /** Keeps what was found, within the caller's transaction under the lock. */
  keep(scope: TenantScope, integrationId: string): Promise<void>
  /** Kinds that HubSpot did not give for some of the tickets, for a reason that may pass. */
  unread: string[]
  /** Tickets that HubSpot would not answer for, by an error or by a list without an end: they stay as they are. */
  undecided: string[]
  /** Tickets that the answers leave out although they may have associations: they stay as they are too. */
  unanswered: string[]
}

export interface HowToRead {
  /** Which of these tickets have associations of a kind here. Absent: what HubSpot does not mention counts as none. */
  held?: (kind: AssociatedKind, ids: readonly string[]) => Promise<ReadonlySet<string>>
  /** A kind that HubSpot fails to give becomes a problem of that kind instead of an error. */
  tolerant?: boolean
}

/**
 * What a reading changes of the problems of a kind that may pass. all: it sets and clears them, as a full pass may. found: it sets
 * them, for what it has not read is read again by a full pass only. none: what it has not read is read again on its own.
 */
export type PassingProblems = 'all' | 'found' | 'none'

export interface AssociationsFound {
  /** By ticket id. */
  associations: Map<string, TicketAssociations>
  /** HubSpot's clock at the first answer; null: it was not asked. */
  observedAt: Date | null
  /** The kinds that were read. */
  read: AssociatedKind[]
  /** The kinds that were refused, or read only in part, and why. */
  problems: Map<AssociatedKind, Refusal>
  /** Ids of which a kind stays open, because HubSpot would not say. */
  undecided: Set<string>
  /** Ids of which a kind stays open, because the answers leave them out. */
  unanswered: Set<string>
}

/**
 * Asks HubSpot: one call per kind and 1,000 tickets, and more only for tickets with more than a page of them. Keeps
 * nothing. To be called inside the use of a token: a missing scope is caught here and is no matter of the token's.
 *
 * @param ids none twice
 * @param skip kinds known not to be readable; they come as null without a call
 * @throws HubSpotError when HubSpot cannot be reached (unless `tolerant`), or does not take the token
 */
export async function readAssociationsOf(
  hubspot: HubSpot,
  ids: readonly string[],
  options: CallOptions,
  skip: ReadonlySet<string>,
  how: HowToRead = {},
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
  const asked = await Promise.allSettled(
    associatedKinds.map((kind) =>
      readKind(hubspot, kind, ids, options, found, { ...how, skipped: skip.has(kind) }),
    ),
  )
  for (const one of asked) if (one.status === 'rejected') throw one.reason
  return found
}

async function readKind(
  hubspot: HubSpot,
  kind: AssociatedKind,
  ids: readonly string[],
  options: CallOptions,
  into: AssociationsFound,
  { skipped, held, tolerant }: HowToRead & { skipped: boolean },
): Promise<void> {
  const nothing = () => {
    for (const of of into.associations.values()) of[kind] = null
  }
  if (skipped || ids.length === 0) return nothing()
  try {
    let isWhole = true
    for (const some of chunks(ids, associationLimit)) {
      const read = await readAssociations(hubspot, 'tickets', kind, some, options)
      const { found, observedAt } = read
      if (into.observedAt === null || observedAt < into.observedAt) into.observedAt = observedAt
      const open = held ? await leftOut(hubspot, kind, some, read, options, held) : new Set<string>()
      for (const [id, ends] of found) {
        const of = into.associations.get(id)
        if (of && !open.has(id)) of[kind] = ends.map(asStored)
      }
      const unsaid = [...read.undecided, ...read.broken.filter((id) => !found.has(id))]
      for (const id of unsaid) into.undecided.add(id)
      for (const id of open) into.unanswered.add(id)
      isWhole &&= open.size === 0 && unsaid.length === 0 && read.broken.length === 0
    }
    if (isWhole) into.read.push(kind)
    else into.problems.set(kind, invalidAnswer)
  } catch (error) {
    const refusal = error instanceof HubSpotError ? refusalOf(error) : undefined
    if (!refusal || !(refusal.lasting || tolerant)) throw error
    into.problems.set(kind, refusal)
    if (refusal.lasting) nothing()
  }
}

/** Of a lot HubSpot is asked for at most so many tickets one by one: each costs a call of the account's daily limit. */
const oneByOne = 200

/**
 * Tickets that the answer leaves out although they may have associations: they stay as they are. One that has some here is
 * asked for alone before they are taken away; where nobody is mentioned at all, any one is.
 */
async function leftOut(
  hubspot: HubSpot,
  kind: AssociatedKind,
  ids: readonly string[],
  { silent }: AssociationsRead,
  options: CallOptions,
  held: NonNullable<HowToRead['held']>,
): Promise<Set<string>> {
  if (silent.length === 0) return new Set()
  const stored = await held(kind, silent)
  const ask = silent.filter((id) => stored.has(id))
  // With one record nothing is more likely than that it has none.
  if (ask.length === 0 && silent.length === ids.length && ids.length > 1) ask.push(...silent.slice(0, 1))
  const open = new Set(ask)
  for (const id of ask.slice(0, oneByOne)) {
    const has = await hasAssociations(hubspot, 'tickets', kind, id, options)
    // The answers are short: nothing follows for any that they leave out.
    if (has) return new Set(silent)
    open.delete(id)
  }
  return open
}

const asStored = ({ id, labels }: Association): AssociatedRecord => ({
  id: mend(id),
  labels: labels.map(({ category, typeId, label }) => ({
    category: mend(category),
    type_id: typeId,
    label: label === null ? null : mend(label),
  })),
})

/**
 * The same as a step of a sync takes it.
 *
 * @param skip gains the kinds that are refused now, so that the next step does not ask for them again
 * @param how.failed kinds that this run failed to read before: their problem stays
 * @param how.problems all unless told otherwise
 */
export async function readLinks(
  hubspot: HubSpot,
  ids: readonly string[],
  options: CallOptions,
  skip: Set<string>,
  how: HowToRead & { failed?: readonly string[]; problems?: PassingProblems } = {},
): Promise<LinksRead> {
  const found = await readAssociationsOf(hubspot, ids, options, skip, how)
  const unread: string[] = []
  for (const [kind, { lasting }] of found.problems) {
    if (lasting) skip.add(kind)
    else unread.push(kind)
  }
  const read = found.read.filter((kind) => !how.failed?.includes(kind))
  return {
    unread,
    undecided: [...found.undecided],
    unanswered: [...found.unanswered],
    keep: async (scope, integrationId) =>
      void (await keepFound(scope, integrationId, { ...found, read }, how.problems)),
  }
}

/** The kinds that were refused within the last hour, and not since the tenant connected. */
export async function unreadableKinds(scope: TenantScope, integrationId: string): Promise<Set<string>> {
  const known = await readDue(scope, integrationId)
  return new Set(
    associatedKinds.filter((kind) =>
      known.some(({ part, due, problem }) => part === kind && problem !== null && isLasting(problem) && !due),
    ),
  )
}

/** Keeps what was found and which kinds could be read, in the caller's transaction under the integration's lock. */
export async function keepFound(
  scope: TenantScope,
  integrationId: string,
  { associations, observedAt, read, problems }: Omit<AssociationsFound, 'undecided' | 'unanswered'>,
  passing: PassingProblems = 'all',
): Promise<AssociationCounts> {
  for (const [kind, refusal] of problems)
    if (refusal.lasting || passing !== 'none') await keepRefusal(scope, integrationId, kind, refusal)
  if (read.length > 0)
    await keepPartsReadable(scope, integrationId, read, { clearsPassing: passing === 'all' })
  // Nothing was asked: all kinds are known to be unreadable, and that is content of no date.
  if (observedAt === null) return { changed: 0, unchanged: associations.size }
  return await keepAssociations(scope, integrationId, associations, observedAt)
}
