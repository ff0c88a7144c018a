/**
 * HubSpot's CRM objects: pages by list, by search and by id, and a count. Over
 * 200 lines because the three ways to request the same records return one shape.
 */
import { z } from 'zod'
import type { Priority } from './budget/budget.ts'
import type { HubSpot, HubSpotAccess, HubSpotResponse, RetryLimits } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import { readOversizedPages } from './oversized-pages.ts'
import { parseRecords } from './parse-records.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

/** What a request needs to know about a kind of object. */
export interface ObjectPaths {
  /** In the URL: `tickets`. */
  path: string
  /** The property that holds the last-modified time. Only contacts use another name. */
  modifiedProperty: string
  /**
   * The properties to request. List and search request the same ones, so that both return the same
   * content. A list request without any returns HubSpot's default properties.
   */
  properties: readonly string[]
}

export interface Page {
  /**
   * As HubSpot sent them. Each record is checked separately, so that one bad record does not
   * discard the page.
   */
  records: unknown[]
  /**
   * HubSpot's token for the next page; absent on the last. Opaque; its `link` is never followed.
   */
  after: string | undefined
  /** HubSpot's clock at this response. */
  observedAt: Date
  /** Size of HubSpot's response, as received. */
  bytes?: number
  /** Only for a search: how many records match in all. */
  total?: number
  /**
   * Only for a batch read: ids that HubSpot reported as missing. Excludes ids that it omitted
   * without an error.
   */
  absent?: string[]
  /** Only for a batch read: ids for which HubSpot did not say whether they exist. */
  undecided?: string[]
}

/** HubSpot's own limits. */
export const listLimit = 100
export const searchLimit = 200
export const batchLimit = 100
/**
 * While a response is read and stored, its records are in memory several times, in several workers
 * at once. A longer page is read in shorter ones; a single record beyond the limit is quarantined.
 */
export const recordBytes = 8 * 2 ** 20
/**
 * HubSpot refuses URLs of some 16,000 characters (414), and proxies in between refuse shorter ones.
 */
const maxUrlLength = 6_000
/** HubSpot refuses a search body of more than 3,000 characters. */
const maxSearchLength = 2_900

const page = z.object({
  results: z.array(z.unknown()),
  total: z.number().optional(),
  errors: z.array(z.unknown()).nullish().catch([]),
  paging: z.object({ next: z.object({ after: z.string().min(1) }).optional() }).nullish(),
})

/** An error in a batch read's response; 207 with `OBJECT_NOT_FOUND` names the missing ids. */
const fault = z.looseObject({
  category: z.string().optional(),
  context: z.looseObject({ ids: z.array(z.unknown()).optional() }).optional(),
})

const shown = z.looseObject({ id: z.union([z.string(), z.number()]) })

export interface CallOptions {
  access: HubSpotAccess
  retryLimits: RetryLimits
  signal: AbortSignal
  /** Which share of the budget to spend; absent: interactive. */
  priority?: Priority
  /**
   * Maximum response size of a list, search or batch read; absent: `recordBytes`. `readOne` ignores
   * it.
   */
  maxBytes?: number
}

function readPage(endpoint: string, answer: HubSpotResponse): Page {
  const read = parseResponse(endpoint, page, answer)
  const total = read.total === undefined ? {} : { total: read.total }
  const absent: string[] = []
  const undecided: string[] = []
  for (const { category, context } of parseRecords(read.errors ?? [], fault))
    (category === 'OBJECT_NOT_FOUND' ? absent : undecided).push(...(context?.ids?.map(String) ?? []))
  return {
    records: read.results,
    after: read.paging?.next?.after,
    observedAt: answer.date,
    bytes: answer.bytes ?? 0,
    ...total,
    ...(absent.length > 0 ? { absent } : {}),
    ...(undecided.length > 0 ? { undecided } : {}),
  }
}

/** The properties requested of a record that is too long: only its id and when it changed. */
const withoutProperties = (kind: ObjectPaths): ObjectPaths => ({
  ...kind,
  properties: ['hs_object_id', kind.modifiedProperty],
})

/** Whether a list request can name all these properties in its URL. */
export const fitsList = (kind: ObjectPaths): boolean =>
  encodeURIComponent(kind.properties.join(',')).length <= maxUrlLength

interface ListAt {
  after: string | undefined
  limit: number
  archived?: boolean
}

/**
 * Reads one page in HubSpot's own order, which is by id.
 *
 * @param at.limit 1 to 100
 * @param at.archived true: records in the recycle bin instead of the live ones
 */
export const listPage = (
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: ListAt,
  options: CallOptions,
): Promise<Page> =>
  readOversizedPages(hubspot.batchSizeFor(options.access, `${kind.path} list`, at.limit), (limit, whole) =>
    callList(hubspot, whole ? kind : withoutProperties(kind), { ...at, limit }, options),
  )

async function callList(
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: ListAt,
  options: CallOptions,
): Promise<Page> {
  const endpoint = `${kind.path} list`
  const { access, retryLimits, signal, priority = 'interactive', maxBytes = recordBytes } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'GET',
    records: at.limit,
    path: paths.objects(kind.path),
    query: {
      limit: String(at.limit),
      ...(kind.properties.length > 0 ? { properties: kind.properties.join(',') } : {}),
      ...(at.after === undefined ? {} : { after: at.after }),
      ...(at.archived ? { archived: 'true' } : {}),
    },
    token: access.token,
    budget: { key: access, bucket: 'calls', priority },
    retryLimits,
    signal,
    maxBytes,
  })
  return readPage(endpoint, answer)
}

/**
 * A search filter in HubSpot's format; several are joined by AND. Times are epoch milliseconds as
 * text.
 */
export interface Filter {
  propertyName: string
  operator: 'GTE' | 'LTE' | 'GT' | 'LT' | 'EQ'
  value: string
}

export interface SearchAt {
  filters: Filter[]
  sortBy: string
  after: string | undefined
  limit: number
}

const searchBody = (kind: ObjectPaths, at: SearchAt) => ({
  filterGroups: at.filters.length > 0 ? [{ filters: at.filters }] : [],
  sorts: [{ propertyName: at.sortBy, direction: 'ASCENDING' }],
  properties: kind.properties,
  limit: at.limit,
  ...(at.after === undefined ? {} : { after: at.after }),
})

/** Whether a search can name all these properties in its body. */
export const fitsSearch = (kind: ObjectPaths, at: SearchAt): boolean =>
  JSON.stringify(searchBody(kind, at)).length <= maxSearchLength

/**
 * Reads one page of a search.
 *
 * @param at.limit 1 to 200; a search returns at most its first 10,000 results
 */
export const searchPage = (
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: SearchAt,
  options: CallOptions,
): Promise<Page> =>
  readOversizedPages(hubspot.batchSizeFor(options.access, `${kind.path} search`, at.limit), (limit, whole) =>
    callSearch(hubspot, whole ? kind : withoutProperties(kind), { ...at, limit }, options),
  )

async function callSearch(
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: SearchAt,
  options: CallOptions,
): Promise<Page> {
  const endpoint = `${kind.path} search`
  const { access, retryLimits, signal, priority = 'interactive', maxBytes = recordBytes } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'POST',
    records: at.limit,
    path: `${paths.objects(kind.path)}/search`,
    json: searchBody(kind, at),
    token: access.token,
    budget: { key: access, bucket: 'search', priority },
    retryLimits,
    signal,
    maxBytes,
  })
  return readPage(endpoint, answer)
}

/**
 * Reads the current state of the objects with these ids, in no particular order. HubSpot names
 * those that do not exist (207, `absent`). An id that is missing without an error may still exist:
 * HubSpot silently omits merged records, and a response may be short. A merged record may come as
 * its survivor.
 *
 * @param ids 1 to 100, without duplicates
 */
export async function batchRead(
  hubspot: HubSpot,
  kind: ObjectPaths,
  ids: readonly string[],
  archived: boolean,
  options: CallOptions,
): Promise<Page> {
  // The order does not matter, so a batch may be read in several smaller ones.
  const deps: Page[] = []
  let rest = ids
  while (rest.length > 0) {
    let taken = rest.length
    deps.push(
      await readOversizedPages(
        hubspot.batchSizeFor(options.access, `${kind.path} batch read`, rest.length),
        (limit, whole) => {
          taken = limit
          return callBatch(
            hubspot,
            whole ? kind : withoutProperties(kind),
            rest.slice(0, limit),
            archived,
            options,
          )
        },
      ),
    )
    rest = rest.slice(taken)
  }
  const [first] = deps as [Page]
  return {
    ...first,
    records: deps.flatMap(({ records }) => records),
    absent: deps.flatMap((part) => part.absent ?? []),
    undecided: deps.flatMap((part) => part.undecided ?? []),
  }
}

async function callBatch(
  hubspot: HubSpot,
  kind: ObjectPaths,
  ids: readonly string[],
  archived: boolean,
  options: CallOptions,
): Promise<Page> {
  const endpoint = `${kind.path} batch read`
  const { access, retryLimits, signal, priority = 'interactive', maxBytes = recordBytes } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'POST',
    records: ids.length,
    path: `${paths.objects(kind.path)}/batch/read`,
    ...(archived ? { query: { archived: 'true' } } : {}),
    json: { properties: kind.properties, propertiesWithHistory: [], inputs: ids.map((id) => ({ id })) },
    token: access.token,
    budget: { key: access, bucket: 'calls', priority },
    retryLimits,
    signal,
    maxBytes,
  })
  return readPage(endpoint, answer)
}

/**
 * Reads what HubSpot shows under one id: the object itself, or the survivor it was merged into. If
 * the properties do not fit into a URL, the object comes without its values.
 *
 * @param archived true: an object in the recycle bin, which is not found otherwise
 * @returns undefined when HubSpot says that it does not exist (404)
 */
export async function readOne(
  hubspot: HubSpot,
  kind: ObjectPaths,
  id: string,
  archived: boolean,
  options: CallOptions,
): Promise<unknown> {
  try {
    const { records } = await readOversizedPages(1, (_limit, whole) =>
      callOne(hubspot, whole && fitsList(kind) ? kind : withoutProperties(kind), id, archived, options),
    )
    return records[0]
  } catch (error) {
    // A page says nothing about the id: something in front of HubSpot's API sent it.
    if (error instanceof HubSpotError && error.kind === 'not_found' && !error.isPage) return undefined
    throw error
  }
}

async function callOne(
  hubspot: HubSpot,
  kind: ObjectPaths,
  id: string,
  archived: boolean,
  options: CallOptions,
): Promise<Page> {
  const endpoint = `${kind.path} read`
  const { access, retryLimits, signal, priority = 'interactive' } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'GET',
    path: `${paths.objects(kind.path)}/${encodeURIComponent(id)}`,
    query: { properties: kind.properties.join(','), ...(archived ? { archived: 'true' } : {}) },
    token: access.token,
    budget: { key: access, bucket: 'calls', priority },
    retryLimits,
    signal,
  })
  return { records: [parseResponse(endpoint, shown, answer)], after: undefined, observedAt: answer.date }
}

/** How many live objects HubSpot has. Only a search returns this. */
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
