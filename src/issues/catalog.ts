/**
 * What an account has defined: its properties, and the names of pipelines, stages and owners. Read once an hour by
 * whichever run comes first; a part that HubSpot does not give keeps what was read before and says so.
 */
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { Access, HubSpot, Patience } from '../hubspot/client/client.ts'
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
  /** Runs its work with a valid token: `Tokens.use` for this integration. */
  withAccess<T>(work: (access: Access) => Promise<T>): Promise<T>
  patience: Patience
  signal: AbortSignal
  /**
   * Asked within the transaction that keeps a part, under the integration's lock: whether it is still this caller's to
   * keep. One that was stopped for long would put what it read before over what another has read since.
   */
  mayKeep(scope: TenantScope): Promise<boolean>
}

const topics = ['properties', 'pipelines', 'owners'] as const

/** What HubSpot gave for one topic, not kept yet. */
interface Found {
  topic: (typeof topics)[number]
  refusal?: Refusal
  properties?: Property[]
  labels?: LabelRow[]
}

/** A failing list of owners is not to hold up the tickets. */
const brief = (patience: Patience): Patience => ({ tries: 2, totalMs: Math.min(patience.totalMs, 10_000) })

/** The properties of an account, by name. */
export interface Readable {
  /** To ask for, sorted. */
  properties: string[]
  /** Of them: computed by HubSpot when it is asked, so that they differ without an edit. */
  readTime: string[]
}

/**
 * Brings the catalog up to date where it is older than an hour, outside any transaction.
 *
 * @returns the properties to ask for; from the catalog, without a call, while that is fresh
 * @throws HubSpotError when the properties were never read and cannot be now, unless they may not be read: then
 *   those that every account has are asked for. Whatever `withAccess` throws
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
  // A new list of properties is asked for as a whole: what was refused may be given again.
  return properties ? toAskFor(properties, null) : toAskFor(defined, omitted)
}

/**
 * @param defined null: HubSpot does not let us read what there is
 * @param omitted what HubSpot refuses to give; null: nothing
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
 * One after the other within one use of the token. A refusal is caught here, because `Tokens.use` takes a missing
 * scope for a reason to ask the tenant to connect again, and these parts are not worth that.
 */
async function readTopics(
  parts: CatalogParts,
  due: readonly Found['topic'][],
  propertiesKnown: boolean,
  access: Access,
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
