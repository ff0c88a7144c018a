/**
 * Reads an account's definitions for a kind of object: its properties, and its pipelines with their
 * stages.
 */
import { z } from 'zod'
import type { HubSpot } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import type { CallOptions } from './objects.ts'
import { parseRecords } from './parse-records.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

export interface Property {
  name: string
  label: string
  /** Defined by HubSpot: string, number, date, datetime, enumeration, bool, … */
  type: string
  /**
   * How HubSpot shows and fills it: text, textarea, select, calculation_equation,
   * calculation_read_time, …
   */
  fieldType?: string | undefined
  /** Defined by HubSpot and not by the customer. */
  hubspotDefined: boolean
  /**
   * HubSpot sets this for only some calculated properties, and not for those computed at read time.
   */
  calculated: boolean
}

/**
 * Whether HubSpot computes the value at read time, so that it differs on each read while the
 * last-modified time stays the same. The field type says so (seen in recorded definitions and
 * records). Where the type is unknown, the name decides, by the names seen so far.
 */
export const isReadTime = ({
  name,
  fieldType,
}: {
  name: string
  fieldType?: string | null | undefined
}): boolean => (fieldType ? fieldType === 'calculation_read_time' : /^hs_time_in_/.test(name))

export interface PipelineStage {
  id: string
  label: string
  displayOrder: number
  closed: boolean
  archived: boolean
}

export interface Pipeline {
  id: string
  label: string
  displayOrder: number
  archived: boolean
  stages: PipelineStage[]
}

const list = z.object({ results: z.array(z.unknown()) })

const property = z.object({
  name: z.string().min(1),
  label: z.string().catch(''),
  type: z.string().catch('string'),
  fieldType: z.string().catch('').optional(),
  hubspotDefined: z.boolean().catch(false),
  calculated: z.boolean().catch(false),
  archived: z.boolean().catch(false),
})

/** Ids are text here, but numbers elsewhere in HubSpot's API. */
const id = z.union([z.string().min(1), z.number().int().nonnegative().transform(String)])

// Metadata values are text or booleans; ticketState says the same where isClosed is missing.
const metadata = z
  .object({
    isClosed: z.union([z.string(), z.boolean()]).optional(),
    ticketState: z.string().optional(),
  })
  .catch({})

const stage = z
  .object({
    id,
    label: z.string(),
    displayOrder: z.number().catch(0),
    metadata,
    archived: z.boolean().catch(false),
  })
  .transform(({ metadata: { isClosed, ticketState }, ...rest }) => ({
    ...rest,
    closed: isClosed === undefined ? ticketState === 'CLOSED' : String(isClosed) === 'true',
  }))

const pipeline = z.object({
  id,
  label: z.string(),
  displayOrder: z.number().catch(0),
  archived: z.boolean().catch(false),
  stages: z
    .array(z.unknown())
    .catch([])
    .transform((stages): PipelineStage[] => parseRecords(stages, stage)),
})

/**
 * Reads all properties that are not archived; HubSpot does not page them. Sensitive properties are
 * not included: HubSpot returns them only on request, with scopes of their own.
 *
 * @param objectPath `tickets`
 * @throws HubSpotError forbidden without `tickets` or `crm.schemas.tickets.read`; invalid when the
 *   response is not a list of properties
 */
export async function readProperties(
  hubspot: HubSpot,
  objectPath: string,
  options: CallOptions,
): Promise<Property[]> {
  const endpoint = `${objectPath} properties`
  const found = await readDefinitions(hubspot, endpoint, paths.properties(objectPath), options)
  const defined = parseRecords(found, property)
    .filter(({ archived }) => !archived)
    .map(({ archived: _live, ...known }) => known)
  // Every account has this property. A response without it is not the list, and using it would lose
  // synced values.
  if (!defined.some(({ name }) => name === 'hs_object_id')) throw new HubSpotError('invalid', endpoint)
  return defined
}

/**
 * @throws HubSpotError forbidden without any of the scopes that HubSpot accepts for it, `tickets`
 *   among them
 */
export async function readPipelines(
  hubspot: HubSpot,
  objectPath: string,
  options: CallOptions,
): Promise<Pipeline[]> {
  return parseRecords(
    await readDefinitions(hubspot, `${objectPath} pipelines`, paths.pipelines(objectPath), options),
    pipeline,
  )
}

async function readDefinitions(hubspot: HubSpot, endpoint: string, path: string, options: CallOptions) {
  const { access, retryLimits, signal, priority = 'interactive' } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'GET',
    path,
    token: access.token,
    budget: { key: access, bucket: 'calls', priority },
    retryLimits,
    signal,
  })
  return parseResponse(endpoint, list, answer).results
}
