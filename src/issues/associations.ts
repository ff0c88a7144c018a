/**
 * The contacts, companies and deals of tickets. A kind that the account does not let us read is null there and a
 * problem of that part alone; the tickets themselves do not wait for it.
 */

import { type Association, associationLimit, readAssociations } from '../hubspot/associations.ts'
import type { HubSpot } from '../hubspot/client.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import type { CallOptions } from '../hubspot/objects.ts'
import { keepPartsReadable, keepRefusal, readDue } from '../integrations/part-store.ts'
import { type Refusal, refusalOf } from '../integrations/parts.ts'
import { chunks } from '../lib/chunks.ts'
import type { TenantScope } from '../tenants/scope.ts'
import {
  type AssociatedKind,
  type AssociatedRecord,
  type AssociationCounts,
  associatedKinds,
  keepAssociations,
  type TicketAssociations,
} from './association-store.ts'
import { mend } from './issue.ts'

export interface AssociationsFound {
  /** By ticket id. */
  associations: Map<string, TicketAssociations>
  /** HubSpot's clock at the first answer; null: it was not asked. */
  observedAt: Date | null
  /** The kinds that were read. */
  read: AssociatedKind[]
  /** The kinds that were refused, and why. */
  problems: Map<AssociatedKind, Refusal>
}

/**
 * Asks HubSpot: one call per kind and 1,000 tickets, and more only for tickets with more than a page of them. Keeps
 * nothing. To be called inside the use of a token: a missing scope is caught here and is no matter of the token's.
 *
 * @param ids none twice
 * @param skip kinds known not to be readable; they come as null without a call
 * @throws HubSpotError when HubSpot cannot be reached, or does not take the token
 */
export async function readAssociationsOf(
  hubspot: HubSpot,
  ids: readonly string[],
  options: CallOptions,
  skip: ReadonlySet<string>,
): Promise<AssociationsFound> {
  const associations = new Map<string, TicketAssociations>(ids.map((id) => [id, {}]))
  const found: AssociationsFound = { associations, observedAt: null, read: [], problems: new Map() }
  const asked = await Promise.allSettled(
    associatedKinds.map((kind) => readKind(hubspot, kind, ids, options, found, skip.has(kind))),
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
  skipped: boolean,
): Promise<void> {
  const nothing = () => {
    for (const of of into.associations.values()) of[kind] = null
  }
  if (skipped || ids.length === 0) return nothing()
  try {
    for (const some of chunks(ids, associationLimit)) {
      const { found, observedAt } = await readAssociations(hubspot, 'tickets', kind, some, options)
      if (into.observedAt === null || observedAt < into.observedAt) into.observedAt = observedAt
      for (const [id, ends] of found) {
        const of = into.associations.get(id)
        if (of) of[kind] = ends.map(asStored)
      }
    }
    into.read.push(kind)
  } catch (error) {
    const refusal = error instanceof HubSpotError ? refusalOf(error) : undefined
    if (!refusal?.lasting) throw error
    into.problems.set(kind, refusal)
    nothing()
  }
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
 * @returns keeps what was found, within the caller's transaction under the lock
 */
export async function readLinks(
  hubspot: HubSpot,
  ids: readonly string[],
  options: CallOptions,
  skip: Set<string>,
): Promise<(scope: TenantScope, integrationId: string) => Promise<void>> {
  const found = await readAssociationsOf(hubspot, ids, options, skip)
  for (const kind of found.problems.keys()) skip.add(kind)
  return async (scope, integrationId) => {
    await keepFound(scope, integrationId, found)
  }
}

/** The kinds that were refused within the last hour, and not since the tenant connected. */
export async function unreadableKinds(scope: TenantScope, integrationId: string): Promise<Set<string>> {
  const known = await readDue(scope, integrationId)
  return new Set(
    associatedKinds.filter((kind) =>
      known.some(({ part, due, problem }) => part === kind && problem !== null && !due),
    ),
  )
}

/** Keeps what was found and which kinds could be read, in the caller's transaction under the integration's lock. */
export async function keepFound(
  scope: TenantScope,
  integrationId: string,
  { associations, observedAt, read, problems }: AssociationsFound,
): Promise<AssociationCounts> {
  for (const [kind, refusal] of problems) await keepRefusal(scope, integrationId, kind, refusal)
  if (read.length > 0) await keepPartsReadable(scope, integrationId, read)
  // Nothing was asked: all kinds are known to be unreadable, and that is content of no date.
  if (observedAt === null) return { changed: 0, unchanged: associations.size }
  return await keepAssociations(scope, integrationId, associations, observedAt)
}
