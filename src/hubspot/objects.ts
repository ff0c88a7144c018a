/**
 * HubSpot's CRM objects: pages by list, by search and by id, a count, and the account they belong to. Over 200 lines because
 * the three ways to ask for the same records are held to one shape here.
 */
import { z } from 'zod'
import type { Priority } from './budget/budget.ts'
import type { Access, Answer, HubSpot, Patience } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import { readAs } from './read-as.ts'
import { readEach } from './read-each.ts'
import { shrinking } from './shrinking.ts'
import { paths } from './versions.ts'

/** What HubSpot must be told about a kind of object. */
export interface ObjectPaths {
  /** In the URL: `tickets`. */
  path: string
  /** The property that moves with each change. Contacts alone call it otherwise. */
  modifiedProperty: string
  /** What to ask for. List and search ask for the same, so that both give the same content. A list without any gives HubSpot's default ones. */
  properties: readonly string[]
}

export interface Page {
  /** As HubSpot gave them; each is checked on its own, so that one bad record does not spoil the page. */
  records: unknown[]
  /** HubSpot's token for the next page; absent on the last. Opaque; its `link` is never followed. */
  after: string | undefined
  /** HubSpot's clock at this answer. */
  observedAt: Date
  /** Of HubSpot's answer, as it came. */
  bytes?: number
  /** Of a search only: how many match in all. */
  total?: number
  /** Of a batch read: ids of which HubSpot said that they are not there. One that is left out without a word is not among them. */
  absent?: string[]
  /** Of a batch read: ids of which HubSpot would not say whether they are there. */
  undecided?: string[]
}

/** HubSpot's own limits. */
export const listLimit = 100
export const searchLimit = 200
export const batchLimit = 100
/**
 * An answer with records lies in memory several times while it is read and stored, in several workers at once. A page that is longer is
 * read in shorter ones; a record that is longer alone is set aside.
 */
export const recordBytes = 8 * 2 ** 20
/** HubSpot refuses URLs of some 16,000 characters (414), and proxies on the way refuse shorter ones. */
const longestQuery = 6_000
/** HubSpot refuses the body of a search of more than 3,000 characters. */
const longestSearch = 2_900

const page = z.object({
  results: z.array(z.unknown()),
  total: z.number().optional(),
  errors: z.array(z.unknown()).nullish().catch([]),
  paging: z.object({ next: z.object({ after: z.string().min(1) }).optional() }).nullish(),
})

/** What a batch read says of ids; 207 with `OBJECT_NOT_FOUND` names those that are not there. */
const fault = z.looseObject({
  category: z.string().optional(),
  context: z.looseObject({ ids: z.array(z.unknown()).optional() }).optional(),
})

const shown = z.looseObject({ id: z.union([z.string(), z.number()]) })

export interface CallOptions {
  access: Access
  patience: Patience
  signal: AbortSignal
  /** Whose share of the budget is spent; absent: somebody waits for the answer. */
  priority?: Priority
  /** Of an answer; absent: `recordBytes`. */
  mostBytes?: number
}

function readPage(endpoint: string, answer: Answer): Page {
  const read = readAs(endpoint, page, answer)
  const total = read.total === undefined ? {} : { total: read.total }
  const absent: string[] = []
  const undecided: string[] = []
  for (const { category, context } of readEach(read.errors ?? [], fault))
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

/** What is asked of a record that is too long: which it is, and when it changed. */
const bare = (kind: ObjectPaths): ObjectPaths => ({
  ...kind,
  properties: ['hs_object_id', kind.modifiedProperty],
})

/** Whether a list can ask for all these properties in its URL. */
export const fitsList = (kind: ObjectPaths): boolean =>
  encodeURIComponent(kind.properties.join(',')).length <= longestQuery

interface ListAt {
  after: string | undefined
  limit: number
  archived?: boolean
}

/**
 * One page in HubSpot's own order, which is by id.
 *
 * @param at.limit 1 to 100
 * @param at.archived true: those in the recycle bin instead of the live ones
 */
export const listPage = (
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: ListAt,
  options: CallOptions,
): Promise<Page> =>
  shrinking(hubspot.fit(options.access, `${kind.path} list`, at.limit), (limit, whole) =>
    callList(hubspot, whole ? kind : bare(kind), { ...at, limit }, options),
  )

async function callList(
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: ListAt,
  options: CallOptions,
): Promise<Page> {
  const endpoint = `${kind.path} list`
  const { access, patience, signal, priority = 'interactive', mostBytes = recordBytes } = options
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
    patience,
    signal,
    mostBytes,
  })
  return readPage(endpoint, answer)
}

/** A search filter as HubSpot spells it; several are joined by AND. Times are epoch milliseconds as text. */
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

/** Whether a search can ask for all these properties in its body. */
export const fitsSearch = (kind: ObjectPaths, at: SearchAt): boolean =>
  JSON.stringify(searchBody(kind, at)).length <= longestSearch

/** One page of a search. @param at.limit 1 to 200; a search gives no more than its first 10,000 */
export const searchPage = (
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: SearchAt,
  options: CallOptions,
): Promise<Page> =>
  shrinking(hubspot.fit(options.access, `${kind.path} search`, at.limit), (limit, whole) =>
    callSearch(hubspot, whole ? kind : bare(kind), { ...at, limit }, options),
  )

async function callSearch(
  hubspot: HubSpot,
  kind: ObjectPaths,
  at: SearchAt,
  options: CallOptions,
): Promise<Page> {
  const endpoint = `${kind.path} search`
  const { access, patience, signal, priority = 'interactive', mostBytes = recordBytes } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'POST',
    records: at.limit,
    path: `${paths.objects(kind.path)}/search`,
    json: searchBody(kind, at),
    token: access.token,
    budget: { key: access, bucket: 'search', priority },
    patience,
    signal,
    mostBytes,
  })
  return readPage(endpoint, answer)
}

/**
 * The objects of these ids as they are now, in no particular order. HubSpot names those that are not there (207,
 * `absent`). One that is missing without a word may be there all the same: HubSpot leaves merged ones out in silence, and
 * an answer may be short. One that was merged may come as its survivor.
 *
 * @param ids 1 to 100, none twice
 */
export async function batchRead(
  hubspot: HubSpot,
  kind: ObjectPaths,
  ids: readonly string[],
  archived: boolean,
  options: CallOptions,
): Promise<Page> {
  // A page of so many ids is the same as one that is cut in two.
  const parts: Page[] = []
  let rest = ids
  while (rest.length > 0) {
    let taken = rest.length
    parts.push(
      await shrinking(hubspot.fit(options.access, `${kind.path} batch read`, rest.length), (limit, whole) => {
        taken = limit
        return callBatch(hubspot, whole ? kind : bare(kind), rest.slice(0, limit), archived, options)
      }),
    )
    rest = rest.slice(taken)
  }
  const [first] = parts as [Page]
  return {
    ...first,
    records: parts.flatMap(({ records }) => records),
    absent: parts.flatMap((part) => part.absent ?? []),
    undecided: parts.flatMap((part) => part.undecided ?? []),
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
  const { access, patience, signal, priority = 'interactive', mostBytes = recordBytes } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'POST',
    records: ids.length,
    path: `${paths.objects(kind.path)}/batch/read`,
    ...(archived ? { query: { archived: 'true' } } : {}),
    json: { properties: kind.properties, propertiesWithHistory: [], inputs: ids.map((id) => ({ id })) },
    token: access.token,
    budget: { key: access, bucket: 'calls', priority },
    patience,
    signal,
    mostBytes,
  })
  return readPage(endpoint, answer)
}

/**
 * What HubSpot shows under one id: the object itself, or the survivor it was merged into. Where the properties do not fit
 * a URL, it comes without its values.
 *
 * @param archived true: one in the recycle bin, which is not found otherwise
 * @returns undefined when HubSpot says that there is none (404)
 */
export async function readOne(
  hubspot: HubSpot,
  kind: ObjectPaths,
  id: string,
  archived: boolean,
  options: CallOptions,
): Promise<unknown> {
  try {
    const { records } = await shrinking(1, (_limit, whole) =>
      callOne(hubspot, whole && fitsList(kind) ? kind : bare(kind), id, archived, options),
    )
    return records[0]
  } catch (error) {
    // A page says nothing of the id: somebody before HubSpot's API answered.
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
  const { access, patience, signal, priority = 'interactive' } = options
  const answer = await hubspot.call({
    endpoint,
    method: 'GET',
    path: `${paths.objects(kind.path)}/${encodeURIComponent(id)}`,
    query: { properties: kind.properties.join(','), ...(archived ? { archived: 'true' } : {}) },
    token: access.token,
    budget: { key: access, bucket: 'calls', priority },
    patience,
    signal,
  })
  return { records: [readAs(endpoint, shown, answer)], after: undefined, observedAt: answer.date }
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
