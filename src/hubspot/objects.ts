/** HubSpot's CRM objects: pages by list and by search, a count, and the account they belong to. */
import { z } from 'zod'
import type { Access, Answer, HubSpot, Patience } from './client.ts'
import { HubSpotError } from './errors.ts'
import { readAs } from './read-as.ts'
import { paths } from './versions.ts'

/** What HubSpot must be told about a kind of object. */
export interface ObjectPaths {
  /** In the URL: `tickets`. */
  path: string
  /** The property that moves with each change. Contacts alone call it otherwise. */
  modifiedProperty: string
  /** What to ask for. List and search ask for the same, so that both give the same content. */
  properties: readonly string[]
}

export interface Page {
  /** As HubSpot gave them; each is checked on its own, so that one bad record does not spoil the page. */
  records: unknown[]
  /** HubSpot's token for the next page; absent on the last. Opaque; its `link` is never followed. */
  after: string | undefined
  /** HubSpot's clock at this answer. */
  observedAt: Date
  /** Of a search only: how many match in all. */
  total?: number
}

/** HubSpot's own limits. */
export const listLimit = 100
export const searchLimit = 200

const page = z.object({
  results: z.array(z.unknown()),
  total: z.number().optional(),
  paging: z.object({ next: z.object({ after: z.string().min(1) }).optional() }).nullish(),
})

export interface CallOptions {
  access: Access
  patience: Patience
  signal: AbortSignal
}

function readPage(endpoint: string, answer: Answer): Page {
  const read = readAs(endpoint, page, answer)
  const total = read.total === undefined ? {} : { total: read.total }
  return { records: read.results, after: read.paging?.next?.after, observedAt: answer.date, ...total }
}

/** One page in HubSpot's own order, which is by id. @param limit 1 to 100 */
export async function listPage(
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: { after: string | undefined; limit: number },
  options: CallOptions,
): Promise<Page> {
  const endpoint = `${kind.path} list`
  const { access, patience, signal } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'GET',
    path: paths.objects(kind.path),
    query: {
      limit: String(at.limit),
      properties: kind.properties.join(','),
      ...(at.after === undefined ? {} : { after: at.after }),
    },
    token: access.token,
    budget: { key: access, bucket: 'calls' },
    patience,
    signal,
  })
  return readPage(endpoint, answer)
}

/** A search filter as HubSpot spells it; several are joined by AND. Times are epoch milliseconds as text. */
export interface Filter {
  propertyName: string
  operator: 'GTE' | 'LTE' | 'GT' | 'LT' | 'EQ'
  value: string
}

/** One page of a search. @param limit 1 to 200; a search gives no more than its first 10,000 */
export async function searchPage(
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: { filters: Filter[]; sortBy: string; after: string | undefined; limit: number },
  options: CallOptions,
): Promise<Page> {
  const endpoint = `${kind.path} search`
  const { access, patience, signal } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'POST',
    path: `${paths.objects(kind.path)}/search`,
    json: {
      filterGroups: at.filters.length > 0 ? [{ filters: at.filters }] : [],
      sorts: [{ propertyName: at.sortBy, direction: 'ASCENDING' }],
      properties: kind.properties,
      limit: at.limit,
      ...(at.after === undefined ? {} : { after: at.after }),
    },
    token: access.token,
    budget: { key: access, bucket: 'search' },
    patience,
    signal,
  })
  return readPage(endpoint, answer)
}

/** How many live objects HubSpot has. Only a search says so. */
export async function countObjects(
  hubspot: HubSpot,
  kind: ObjectPaths,
  options: CallOptions,
): Promise<number> {
  const narrow = { ...kind, properties: [] }
  const { total } = await searchPage(
    hubspot,
    narrow,
    { filters: [], sortBy: 'hs_object_id', after: undefined, limit: 1 },
    options,
  )
  if (total === undefined) throw new HubSpotError('invalid', `${kind.path} search`)
  return total
}

const account = z.object({ portalId: z.number().int().positive(), uiDomain: z.string().optional() })

/** The account a token opens. @throws HubSpotError forbidden when the token lacks the scope for it */
export async function accountInfo(
  hubspot: HubSpot,
  token: Access['token'],
  patience: Patience,
  signal: AbortSignal,
) {
  const endpoint = 'account info'
  const call = { endpoint, method: 'GET' as const, path: paths.accountInfo, token, patience, signal }
  return readAs(endpoint, account, await hubspot.call(call))
}
