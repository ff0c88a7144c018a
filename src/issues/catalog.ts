/**
 * Reads an account's definitions: properties, and the names of pipelines, stages and owners.
 *
 * The first run in each hour reads them. If HubSpot does not return one, the stored copy stays and
 * the resource reports a problem.
 */
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { HubSpot, HubSpotAccess, Patience } from '../hubspot/client/client.ts'
import {
  isReadTime,
  type Pipeline,
  type Property,
  readPipelines,
  readProperties,
} from '../hubspot/definitions.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import type { CallOptions } from '../hubspot/objects.ts'
import { type Owner, readOwners } from '../hubspot/owners.ts'
import { liveStatuses, type Whose } from '../integrations/integration.ts'
import { keepPart, keepRefusal, readDue } from '../integrations/part-store.ts'
import { type Refusal, refusalOf } from '../integrations/parts.ts'
import { lockIntegration } from '../integrations/store.ts'
import { mend } from './issue.ts'
import { keepLabels, type LabelRow } from './label-store.ts'
import { neededProperties, ticketProperties } from './properties.ts'

export interface CatalogParts {
  db: Database
  hubspot: HubSpot
  /** Runs `work` with a valid token: `Tokens.use` for this integration. */
  withAccess<T>(work: (access: HubSpotAccess) => Promise<T>): Promise<T>
  patience: Patience
  signal: AbortSignal
  /**
   * Called in the transaction that stores a resource, under the integration's lock: whether this
   * caller may still store it. A caller that was paused for long would overwrite newer data with
   * older.
   */
  mayKeep(scope: TenantScope): Promise<boolean>
}

const topics = ['properties', 'pipelines', 'owners'] as const

/** What HubSpot returned for one topic, not stored yet. */
interface Found {
  topic: (typeof topics)[number]
  refusal?: Refusal
  properties?: Property[]
  labels?: LabelRow[]
}

/** A failing owners list must not delay the tickets. */
const brief = (patience: Patience): Patience => ({ tries: 2, totalMs: Math.min(patience.totalMs, 10_000) })

/** The properties of an account, by name. */
export interface Readable {
  /** To request, sorted. */
  properties: string[]
  /** Those that HubSpot computes on each read, so that they differ without an edit. */
  readTime: string[]
}

/**
 * Refreshes the catalog where it is older than an hour, outside any transaction.
 *
 * @returns the properties to request; from the stored catalog, without a call, while it is fresh
 * @throws HubSpotError when the properties were never read and cannot be read now. If HubSpot does
 *   not allow reading them, those that every account has are requested instead. Also whatever
 *   `withAccess` throws
 */
export async function refreshCatalog(parts: CatalogParts, whose: Whose): Promise<Readable> {
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(parts.db, whose.tenantId, work)
  const known = await within((scope) => readDue(scope, whose.integrationId))
  const { properties: defined = null, omitted = null } = known.find(({ part }) => part === 'properties') ?? {}
  const due = topics.filter((topic) => known.find(({ part }) => part === topic)?.due ?? true)
  if (due.length === 0) return toAskFor(defined, omitted)
  const found = await parts.withAccess((access) => readTopics(parts, due, defined !== null, access))
  for (const one of found) {
    await within(async (scope) => {
      const status = await lockIntegration(scope, whose.integrationId)
      if (status !== undefined && liveStatuses.includes(status) && (await parts.mayKeep(scope)))
        await keep(scope, whose.integrationId, one)
    })
  }
  const properties = found.find(({ topic }) => topic === 'properties')?.properties
  // Request a new list of properties in full: HubSpot may return again what it refused before.
  return properties ? toAskFor(properties, null) : toAskFor(defined, omitted)
}

/**
 * @param defined null: HubSpot does not let us read the list
 * @param omitted properties that HubSpot refuses to return; null: none
 */
function toAskFor(
  defined: readonly { name: string; fieldType?: string | null | undefined }[] | null,
  omitted: readonly string[] | null,
): Readable {
  const known = defined ?? ticketProperties.map((name) => ({ name }))
  return {
    properties: [...new Set([...known.map(({ name }) => name), ...neededProperties])]
      .filter((name) => !omitted?.includes(name))
      .sort(),
    readTime: known.filter(isReadTime).map(({ name }) => name),
  }
}

/**
 * Reads the topics one after the other within one use of the token. A refusal is caught here
 * because `Tokens.use` treats a missing scope as a reason to make the tenant connect again, which
 * these resources do not justify.
 */
async function readTopics(
  parts: CatalogParts,
  due: readonly Found['topic'][],
  propertiesKnown: boolean,
  access: HubSpotAccess,
): Promise<Found[]> {
  const { hubspot, patience, signal } = parts
  const found: Found[] = []
  for (const topic of due) {
    const needed = topic === 'properties' && !propertiesKnown
    const options: CallOptions = {
      access,
      patience: needed ? patience : brief(patience),
      signal,
      priority: 'background',
    }
    try {
      found.push(await readTopic(hubspot, topic, options))
    } catch (error) {
      const refusal = error instanceof HubSpotError ? refusalOf(error) : undefined
      if (!refusal || (needed && !refusal.lasting)) throw error
      found.push({ topic, refusal })
    }
  }
  return found
}

async function readTopic(hubspot: HubSpot, topic: Found['topic'], options: CallOptions): Promise<Found> {
  if (topic === 'properties') {
    const properties = (await readProperties(hubspot, 'tickets', options)).map(mended)
    return { topic, properties: properties.sort((a, b) => (a.name < b.name ? -1 : 1)) }
  }
  if (topic === 'owners') return { topic, labels: (await readOwners(hubspot, options)).map(ownerLabel) }
  return { topic, labels: (await readPipelines(hubspot, 'tickets', options)).flatMap(pipelineLabels) }
}

async function keep(scope: TenantScope, integrationId: string, found: Found): Promise<void> {
  const { topic, refusal, properties, labels } = found
  if (refusal) return await keepRefusal(scope, integrationId, topic, refusal)
  await keepPart(scope, integrationId, topic, properties ?? null)
  if (labels)
    await keepLabels(scope, integrationId, topic === 'owners' ? ['owner'] : ['pipeline', 'stage'], labels)
}

const mended = (property: Property): Property => ({
  ...property,
  name: mend(property.name),
  label: mend(property.label),
  type: mend(property.type),
  ...(property.fieldType ? { fieldType: mend(property.fieldType) } : {}),
})

function pipelineLabels({ id, label, archived, stages }: Pipeline): LabelRow[] {
  const parent = mend(id)
  const plain = { email: null, closed: null }
  return [
    { ...plain, topic: 'pipeline', parent: '', id: parent, label: mend(label), archived },
    ...stages.map(
      (stage): LabelRow => ({
        ...plain,
        topic: 'stage',
        parent,
        id: mend(stage.id),
        label: mend(stage.label),
        closed: stage.closed,
        archived: stage.archived,
      }),
    ),
  ]
}

function ownerLabel({ id, email, firstName, lastName, archived }: Owner): LabelRow {
  const name = [firstName, lastName]
    .map((part) => mend(part ?? '').trim())
    .filter((part) => part !== '')
    .join(' ')
  const address = mend(email ?? '').trim() || null
  return {
    topic: 'owner',
    parent: '',
    id: mend(id),
    label: name === '' ? address : name,
    email: address,
    closed: null,
    archived,
  }
}
