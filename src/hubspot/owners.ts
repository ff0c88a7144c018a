/**
 * Reads the people and queues that tickets belong to, including deactivated ones: tickets still
 * reference them.
 */
import { z } from 'zod'
import type { HubSpot } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import type { CallOptions } from './objects.ts'
import { parseRecords } from './parse-records.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

export interface Owner {
  /** The value of a ticket's `hubspot_owner_id`; not the user's id. */
  id: string
  email: string | null
  firstName: string | null
  lastName: string | null
  /** Defined by HubSpot: PERSON or QUEUE. */
  type: string
  archived: boolean
}

/** HubSpot's default. Larger pages work in practice, but no documentation says how large. */
const pageSize = 100

const text = z
  .string()
  .nullish()
  .catch(null)
  .transform((value) => value ?? null)

const owner = z.object({
  id: z.union([z.string().min(1), z.number().int().nonnegative().transform(String)]),
  email: text,
  firstName: text,
  lastName: text,
  type: z.string().catch('PERSON'),
})

const page = z.object({
  results: z.array(z.unknown()),
  paging: z.object({ next: z.object({ after: z.string().min(1) }).optional() }).nullish(),
})

/**
 * Live owners first, then archived ones. An owner who is archived between the two reads appears in
 * both.
 *
 * @throws HubSpotError forbidden without `crm.objects.owners.read`
 */
export async function readOwners(hubspot: HubSpot, options: CallOptions): Promise<Owner[]> {
  const live = await readList(hubspot, false, options)
  return [...live, ...(await readList(hubspot, true, options))]
}

async function readList(hubspot: HubSpot, archived: boolean, options: CallOptions): Promise<Owner[]> {
  const { access, retryLimits, signal, priority = 'interactive' } = options
  const endpoint = 'owners'
  const owners: Owner[] = []
  const seen = new Set<string>()
  let after: string | undefined
  do {
    const limit = hubspot.batchSizeFor(access, endpoint, pageSize)
    const answer = await hubspot.call({
      endpoint,
      method: 'GET',
      path: paths.owners,
      records: limit,
      query: {
        limit: String(limit),
        archived: String(archived),
        ...(after === undefined ? {} : { after }),
      },
      token: access.token,
      budget: { key: access, bucket: 'calls', priority },
      retryLimits,
      signal,
    })
    const read = parseResponse(endpoint, page, answer)
    owners.push(...parseRecords(read.results, owner).map((one) => ({ ...one, archived })))
    after = read.paging?.next?.after
    // A cursor that was already used would page for ever.
    if (after !== undefined && seen.has(after)) throw new HubSpotError('invalid', endpoint)
    if (after !== undefined) seen.add(after)
  } while (after !== undefined)
  return owners
}
