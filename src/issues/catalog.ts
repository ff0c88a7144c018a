/**
 * Reads an account's definitions: properties, and the names of pipelines, stages and owners.
 *
 * The first run in each hour reads them. If HubSpot does not return one, the stored copy stays and
 * the resource reports a problem.
 */
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { HubSpot, HubSpotAccess, RetryLimits } from '../hubspot/client/client.ts'
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
import { type IntegrationRef, liveStatuses } from '../integrations/integration.ts'
import {
  type ResourceDue,
  readDueResources,
  saveResourceRead,
  saveResourceRefusal,
} from '../integrations/resource-store.ts'
import { type ResourceRefusal, resourceRefusal } from '../integrations/resources.ts'
import { lockIntegration } from '../integrations/store.ts'
import { sanitizeText } from './issue.ts'
import { type LabelRow, saveLabels } from './label-store.ts'
import { neededProperties, ticketProperties } from './properties.ts'

export interface CatalogDependencies {
  db: Database
  hubspot: HubSpot
  /** Runs `work` with a valid token: `Tokens.use` for this integration. */
  withAccess<T>(work: (access: HubSpotAccess) => Promise<T>): Promise<T>
  retryLimits: RetryLimits
  signal: AbortSignal
  /**
   * Called in the transaction that stores a resource, under the integration's lock: whether this
   * caller may still store it. A caller that was paused for long would overwrite newer data with
   * older.
   */
  maySave(scope: TenantScope): Promise<boolean>
  /** What the caller read a moment ago; absent: it is read now. */
  resources?: readonly ResourceDue[] | undefined
}

const topics = ['properties', 'pipelines', 'owners'] as const

/** What HubSpot returned for one topic, not stored yet. */
interface TopicRead {
  topic: (typeof topics)[number]
  refusal?: ResourceRefusal
  properties?: Property[]
  labels?: LabelRow[]
}

/** A failing owners list must not delay the tickets. */
const briefPatience = (retryLimits: RetryLimits): RetryLimits => ({
  maxAttempts: 2,
  totalMs: Math.min(retryLimits.totalMs, 10_000),
})

/** The properties of an account, by name. */
export interface ReadableProperties {
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
export async function refreshCatalog(
  deps: CatalogDependencies,
  ref: IntegrationRef,
): Promise<ReadableProperties> {
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(deps.db, ref.tenantId, work)
  const known = deps.resources ?? (await within((scope) => readDueResources(scope, ref.integrationId)))
  const { field_types = null, omitted = null } = known.find(({ resource }) => resource === 'properties') ?? {}
  const defined = field_types && Object.entries(field_types).map(([name, fieldType]) => ({ name, fieldType }))
  const due = topics.filter((topic) => known.find(({ resource }) => resource === topic)?.due ?? true)
  if (due.length === 0) return propertiesToRequest(defined, omitted)
  const found = await deps.withAccess((access) => readTopics(deps, due, defined !== null, access))
  for (const one of found) {
    await within(async (scope) => {
      const status = await lockIntegration(scope, ref.integrationId)
      if (status !== undefined && liveStatuses.includes(status) && (await deps.maySave(scope)))
        await saveTopic(scope, ref.integrationId, one)
    })
  }
  const properties = found.find(({ topic }) => topic === 'properties')?.properties
  // Request a new list of properties in full: HubSpot may return again what it refused before.
  return properties ? propertiesToRequest(properties, null) : propertiesToRequest(defined, omitted)
}

/**
 * @param defined null: HubSpot does not let us read the list
 * @param omitted properties that HubSpot refuses to return; null: none
 */
function propertiesToRequest(
  defined: readonly { name: string; fieldType?: string | null | undefined }[] | null,
  omitted: readonly string[] | null,
): ReadableProperties {
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
  deps: CatalogDependencies,
  due: readonly TopicRead['topic'][],
  propertiesKnown: boolean,
  access: HubSpotAccess,
): Promise<TopicRead[]> {
  const { hubspot, retryLimits, signal } = deps
  const found: TopicRead[] = []
  for (const topic of due) {
    const needed = topic === 'properties' && !propertiesKnown
    const options: CallOptions = {
      access,
      retryLimits: needed ? retryLimits : briefPatience(retryLimits),
      signal,
      priority: 'background',
    }
    try {
      found.push(await readTopic(hubspot, topic, options))
    } catch (error) {
      const refusal = error instanceof HubSpotError ? resourceRefusal(error) : undefined
      if (!refusal || (needed && !refusal.lasting)) throw error
      found.push({ topic, refusal })
    }
  }
  return found
}

async function readTopic(
  hubspot: HubSpot,
  topic: TopicRead['topic'],
  options: CallOptions,
): Promise<TopicRead> {
  if (topic === 'properties') {
    const properties = (await readProperties(hubspot, 'tickets', options)).map(sanitized)
    return { topic, properties: properties.sort((a, b) => (a.name < b.name ? -1 : 1)) }
  }
  if (topic === 'owners') return { topic, labels: (await readOwners(hubspot, options)).map(ownerLabel) }
  return { topic, labels: (await readPipelines(hubspot, 'tickets', options)).flatMap(pipelineLabels) }
}

async function saveTopic(scope: TenantScope, integrationId: string, found: TopicRead): Promise<void> {
  const { topic, refusal, properties, labels } = found
  if (refusal) return await saveResourceRefusal(scope, integrationId, topic, refusal)
  await saveResourceRead(scope, integrationId, topic, properties ?? null)
  if (labels)
    await saveLabels(scope, integrationId, topic === 'owners' ? ['owner'] : ['pipeline', 'stage'], labels)
}

const sanitized = (property: Property): Property => ({
  ...property,
  name: sanitizeText(property.name),
  label: sanitizeText(property.label),
  type: sanitizeText(property.type),
  ...(property.fieldType ? { fieldType: sanitizeText(property.fieldType) } : {}),
})

function pipelineLabels({ id, label, archived, stages }: Pipeline): LabelRow[] {
  const parent = sanitizeText(id)
  const plain = { email: null, closed: null }
  return [
    { ...plain, topic: 'pipeline', parent: '', id: parent, label: sanitizeText(label), archived },
    ...stages.map(
      (stage): LabelRow => ({
        ...plain,
        topic: 'stage',
        parent,
        id: sanitizeText(stage.id),
        label: sanitizeText(stage.label),
        closed: stage.closed,
        archived: stage.archived,
      }),
    ),
  ]
}

function ownerLabel({ id, email, firstName, lastName, archived }: Owner): LabelRow {
  const name = [firstName, lastName]
    .map((part) => sanitizeText(part ?? '').trim())
    .filter((part) => part !== '')
    .join(' ')
  const address = sanitizeText(email ?? '').trim() || null
  return {
    topic: 'owner',
    parent: '',
    id: sanitizeText(id),
    label: name === '' ? address : name,
    email: address,
    closed: null,
    archived,
  }
}
