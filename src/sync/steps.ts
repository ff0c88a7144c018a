/**
 * One step of a run: what it reads from HubSpot, without a transaction, and then how that is kept. Over 200 lines
 * because the walks are read against each other: each must leave a cursor from which nothing is lost.
 */
import type { Access, HubSpot, Patience } from '../hubspot/client.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import {
  batchLimit,
  batchRead,
  type CallOptions,
  type Filter,
  fitsList,
  fitsSearch,
  listLimit,
  listPage,
  type Page,
  readOne,
  type SearchAt,
  searchLimit,
  searchPage,
} from '../hubspot/objects.ts'
import { asTime } from '../hubspot/time.ts'
import type { Clock } from '../lib/clock.ts'
import type { TenantScope } from '../tenants/scope.ts'
import { ordersAfter } from './id-order.ts'
import type { KeepReport, KindReader, ObjectKind } from './object-kind.ts'
import {
  afterList,
  afterRecount,
  afterSearch,
  type Cursor,
  isTooMany,
  type ListWalk,
  linksAtOnce,
  type Mode,
  type RecountWalk,
  type SearchWalk,
  type WeighWalk,
} from './stream.ts'

/** Runs calls with a valid token; each use is one step, so the token is confirmed at most once a step. */
export type WithAccess = <T>(work: (access: Access) => Promise<T>) => Promise<T>

export interface StepParts {
  hubspot: HubSpot
  kind: ObjectKind & KindReader
  mode: Mode
  integrationId: string
  clock: Clock
  withAccess: WithAccess
  /** One short transaction, for what a step must know before it asks HubSpot. */
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
  patience: Patience
  signal: AbortSignal
  /** How far HubSpot's index may be behind, ms. */
  indexLagMs: number
  /** More than this share of the live ones (0 to 1) is never buried by one pass alone. */
  sweepShare: number
  /** The pass before met the same: this one agrees with it. */
  sweepAgreed: boolean
  /** The list was asked a short while ago because of a count, and nothing had been missing. */
  listWasIdle: boolean
}

export interface Kept {
  next: Cursor
  report?: KeepReport
  /** Records that count as progress. */
  done?: number
  /** How many there are in all, when the step learnt it. */
  total?: number | null
}

/** Keeps what a step has read; within the transaction that also moves the cursor. */
export type Keep = (scope: TenantScope) => Promise<Kept>

/** What is owed goes before the walk. */
const owes = ({ confirm, links, walk }: Cursor): boolean =>
  Boolean(confirm?.length) || (links?.length ?? 0) >= (walk.at === 'end' ? 1 : linksAtOnce)

/** Reads what comes next at `cursor`. Died before or while it is kept, the same step is simply done again. */
export async function readStep(parts: StepParts, cursor: Cursor): Promise<Keep> {
  if (cursor.confirm?.length) return await confirmStep(parts, cursor, cursor.confirm)
  if (owes(cursor)) {
    const owed = cursor.links ?? []
    return await linksStep(parts, owed.slice(0, linksAtOnce), { ...cursor, links: owed.slice(linksAtOnce) })
  }
  const { walk } = cursor
  switch (walk.at) {
    case 'list':
      return await listStep(parts, cursor, walk)
    case 'search':
      return await searchStep(parts, cursor, walk)
    case 'recount':
      return await recountStep(parts, cursor, walk)
    case 'weigh':
      return weighStep(parts, cursor, walk)
    case 'sweep':
      return await sweepStep(parts, cursor, walk)
    case 'links': {
      const ids = await parts.within((scope) =>
        parts.kind.findLive(scope, parts.integrationId, walk.beyond, linksAtOnce),
      )
      const beyond = ids.length < linksAtOnce ? undefined : ids.at(-1)
      return await linksStep(parts, ids, {
        ...cursor,
        walk: beyond === undefined ? { at: 'end' } : { at: 'links', beyond },
      })
    }
    default:
      return async () => ({ next: cursor })
  }
}

const optionsOf = ({ patience, signal }: StepParts, access: Access): CallOptions => ({
  access,
  patience,
  signal,
  priority: 'background',
})

/** HubSpot's clock when the call began, or earlier: what changed after it is not in the answer for sure. */
const startOf = (parts: StepParts, observedAt: Date, began: number) =>
  new Date(observedAt.getTime() - Math.ceil(parts.clock.monotonic() - began)).toISOString()

async function listStep(parts: StepParts, cursor: Cursor, walk: ListWalk): Promise<Keep> {
  const { kind, integrationId, mode } = parts
  const began = parts.clock.monotonic()
  const { page, total } = await parts.withAccess(async (access) => {
    const options = optionsOf(parts, access)
    const total = cursor.startedAt === null ? await countIfPossible(parts, options) : undefined
    return { total, page: await readList(parts, walk, options) }
  })
  const startedAt = cursor.startedAt ?? startOf(parts, page.observedAt, began)
  const learnt = total === undefined ? {} : { total }
  return async (scope) => {
    const report = await kind.keep(scope, integrationId, page.records, page.observedAt, 'read')
    const { settles } = walk
    const found = settles === undefined ? undefined : settles.found + report.inserted + report.changed
    const next = afterList(
      mode,
      { ...walk, ...(found === undefined ? {} : { settles: { found } }) },
      page.after,
    )
    return {
      next: {
        ...cursor,
        ...learnt,
        startedAt,
        walk: next,
        ...(found === 0 && next.at === 'end' ? { listWasIdle: true } : {}),
        ...owedLinks(parts, cursor, report),
      },
      report,
      done: walk.archived ? 0 : page.records.length,
      ...learnt,
    }
  }
}

/** An incremental reads the associations of what it wrote; a full pass those of all, in a walk of their own. */
const owedLinks = ({ mode }: StepParts, at: Cursor, { touched }: KeepReport) =>
  mode === 'incremental' ? { links: [...(at.links ?? []), ...touched] } : {}

/** Without search the count stays unknown, and the run goes on. */
async function countIfPossible(parts: StepParts, options: CallOptions): Promise<number | null> {
  const at = { filters: [], sortBy: 'hs_object_id', after: undefined, limit: 1 }
  const quick = { ...options, patience: { tries: 2, totalMs: 5_000 } }
  try {
    const page = await searchPage(parts.hubspot, { ...parts.kind, properties: [] }, at, quick)
    return page.total ?? null
  } catch (error) {
    if (error instanceof HubSpotError && error.kind !== 'unauthorized') return null
    throw error
  }
}

/** Where the properties do not fit a URL, the ids come by list and the values by batch read. */
async function readList(parts: StepParts, walk: ListWalk, options: CallOptions): Promise<Page> {
  const { hubspot, kind } = parts
  const at = { after: walk.after, limit: listLimit, archived: walk.archived }
  if (fitsList(kind)) return await listPage(hubspot, kind, at, options)
  const page = await listPage(hubspot, { ...kind, properties: ['hs_object_id'] }, at, options)
  const ids = idsOf(page.records)
  if (ids.length === 0) return page
  const { records } = await batchRead(hubspot, kind, [...new Set(ids)], walk.archived, options)
  return { ...page, records }
}

async function searchStep(parts: StepParts, cursor: Cursor, walk: SearchWalk): Promise<Keep> {
  const { kind, integrationId, indexLagMs } = parts
  const began = parts.clock.monotonic()
  const since: Filter = {
    propertyName: kind.modifiedProperty,
    operator: 'GTE',
    value: String(Date.parse(walk.from)),
  }
  const beyond: Filter[] =
    walk.beyond === undefined ? [] : [{ propertyName: 'hs_object_id', operator: 'GT', value: walk.beyond }]
  const at = { filters: [since, ...beyond], sortBy: 'hs_object_id', after: walk.after, limit: searchLimit }
  const { page, records, missing } = await parts.withAccess((access) =>
    readSearch(parts, at, optionsOf(parts, access)),
  )
  const startedAt = cursor.startedAt ?? startOf(parts, page.observedAt, began)
  const ids = idsOf(page.records)
  const times = page.records.map((record) => Date.parse(modifiedOf(kind, record) ?? ''))
  const count = (until: number) =>
    times.filter((time) => time >= Date.parse(walk.from) && time <= until).length
  const next = afterSearch(walk, {
    ids,
    after: page.after,
    matched: page.total,
    read: count(Number.POSITIVE_INFINITY),
    settled: count(Date.parse(startedAt) - indexLagMs),
    ...ordersAfter(walk.orders, walk.beyond, ids),
  })
  return async (scope) => {
    const report = await kind.keep(scope, integrationId, records.given, records.observedAt, records.source)
    return {
      next: {
        ...cursor,
        walk: next,
        startedAt,
        confirm: [...report.doubtful, ...missing],
        ...owedLinks(parts, cursor, report),
      },
      report,
      done: page.records.length,
      ...(walk.matched === undefined ? { total: page.total ?? null } : {}),
    }
  }
}

/**
 * Rows with all their properties where those fit a search; else ids and times, and then by id those that are not
 * here as they are there.
 */
async function readSearch(parts: StepParts, at: SearchAt, options: CallOptions) {
  const { hubspot, kind, integrationId } = parts
  const asOf = (page: Page) => new Date(page.observedAt.getTime() - parts.indexLagMs)
  if (fitsSearch(kind, at)) {
    const page = await searchPage(hubspot, kind, at, options)
    const records = { given: page.records, observedAt: asOf(page), source: 'search' as const }
    return { page, records, missing: [] }
  }
  const narrow = { ...kind, properties: ['hs_object_id', kind.modifiedProperty] }
  const page = await searchPage(hubspot, narrow, at, options)
  const sightings = page.records.flatMap((record) => {
    const [id] = idsOf([record])
    const modifiedAt = modifiedOf(kind, record)
    return id === undefined || modifiedAt === undefined ? [] : [{ id, modifiedAt }]
  })
  const outdated = await parts.within((scope) =>
    kind.findOutdated(scope, integrationId, sightings, asOf(page)),
  )
  const ids = [...new Set(outdated)]
  const given: unknown[] = []
  let { observedAt } = page
  for (let i = 0; i < ids.length; i += batchLimit) {
    const batch = await batchRead(hubspot, kind, ids.slice(i, i + batchLimit), false, options)
    given.push(...batch.records)
    if (i === 0) observedAt = batch.observedAt
  }
  const read = new Set(idsOf(given))
  const missing = ids.filter((id) => !read.has(id))
  return { page, records: { given, observedAt, source: 'read' as const }, missing }
}

async function recountStep(parts: StepParts, cursor: Cursor, walk: RecountWalk): Promise<Keep> {
  const { hubspot, kind } = parts
  const until = Date.parse(cursor.startedAt ?? '') - parts.indexLagMs
  const time = (operator: 'GTE' | 'LTE', ms: number): Filter => ({
    propertyName: kind.modifiedProperty,
    operator,
    value: String(ms),
  })
  const filters = [time('GTE', Date.parse(walk.from)), time('LTE', until)]
  const at = { filters, sortBy: 'hs_object_id', after: undefined, limit: 1 }
  const { total = 0 } = await parts.withAccess((access) =>
    searchPage(hubspot, { ...kind, properties: [] }, at, optionsOf(parts, access)),
  )
  const next = { ...cursor, walk: afterRecount(walk, total, parts.listWasIdle) }
  return async () => ({ next })
}

function weighStep(parts: StepParts, cursor: Cursor, walk: WeighWalk): Keep {
  return async (scope) => {
    const stretch = await parts.kind.findAbsent(
      scope,
      parts.integrationId,
      new Date(cursor.startedAt ?? 0),
      walk.beyond,
      Number.MAX_SAFE_INTEGER,
    )
    const { beyond: _stretch, ...before } = walk
    const weighed: WeighWalk = {
      ...before,
      live: walk.live + stretch.live,
      absent: walk.absent + stretch.absent.length,
      absentLive: walk.absentLive + stretch.absentLive,
      ...(stretch.beyond === undefined ? {} : { beyond: stretch.beyond }),
    }
    if (stretch.beyond !== undefined) return { next: { ...cursor, walk: weighed } }
    if (isTooMany(weighed, parts.sweepShare) && !parts.sweepAgreed)
      return { next: { ...cursor, walk: { at: 'links' }, withheld: weighed.absentLive } }
    return { next: { ...cursor, walk: weighed.absent > 0 ? { at: 'sweep' } : { at: 'links' } } }
  }
}

async function sweepStep(parts: StepParts, cursor: Cursor, walk: { beyond?: string }): Promise<Keep> {
  const since = new Date(cursor.startedAt ?? 0)
  const stretch = await parts.within((scope) =>
    parts.kind.findAbsent(scope, parts.integrationId, since, walk.beyond, batchLimit),
  )
  const next: Cursor = {
    ...cursor,
    walk: stretch.beyond === undefined ? { at: 'links' } : { at: 'sweep', beyond: stretch.beyond },
  }
  return stretch.absent.length > 0 ? await proveStep(parts, next, stretch.absent) : async () => ({ next })
}

async function confirmStep(parts: StepParts, cursor: Cursor, ids: string[]): Promise<Keep> {
  const some = [...new Set(ids)].slice(0, batchLimit)
  const asked = new Set(some)
  return await proveStep(parts, { ...cursor, confirm: ids.filter((id) => !asked.has(id)) }, some)
}

/** HubSpot is asked for at most so many ids one by one. */
const oneByOne = 20

/**
 * Reads by id what is in doubt: live ones, then archived ones. What is neither may have been merged into another,
 * which HubSpot tells for a single id; else it is gone for good.
 */
async function proveStep(parts: StepParts, next: Cursor, ids: readonly string[]): Promise<Keep> {
  const { hubspot, kind, integrationId } = parts
  const { live, archived, gone } = await parts.withAccess(async (access) => {
    const options = optionsOf(parts, access)
    const live = await batchRead(hubspot, kind, ids, false, options)
    const missing = without(ids, live.records)
    const archived = missing.length > 0 ? await batchRead(hubspot, kind, missing, true, options) : undefined
    const gone = archived ? without(missing, archived.records) : []
    const survivors: unknown[] = []
    for (const id of gone.slice(0, oneByOne)) {
      const record = await readOne(hubspot, kind, id, options)
      if (record !== undefined) survivors.push(record)
    }
    return {
      live: { ...live, records: [...live.records, ...survivors] },
      archived,
      gone: without(gone, survivors),
    }
  })
  return async (scope) => {
    const report = await kind.keep(scope, integrationId, live.records, live.observedAt, 'read')
    if (archived)
      add(report, await kind.keep(scope, integrationId, archived.records, archived.observedAt, 'read'))
    // The earlier of the two answers is the proof: one restored between them was in neither.
    if (gone.length > 0)
      report.archived += (await kind.buryDeleted(scope, integrationId, gone, live.observedAt)).length
    return { next: { ...next, ...owedLinks(parts, next, report) }, report }
  }
}

async function linksStep(parts: StepParts, ids: readonly string[], next: Cursor): Promise<Keep> {
  if (ids.length === 0) return async () => ({ next })
  const keepLinks = await parts.withAccess((access) =>
    parts.kind.readLinks(parts.hubspot, ids, optionsOf(parts, access)),
  )
  return async (scope) => {
    await keepLinks(scope, parts.integrationId)
    return { next }
  }
}

function add(into: KeepReport, more: KeepReport): void {
  for (const name of ['inserted', 'changed', 'archived', 'unchanged', 'repaired'] as const)
    into[name] += more[name]
  into.rejected.push(...more.rejected)
  into.touched.push(...more.touched)
}

const idsOf = (records: readonly unknown[]): string[] =>
  records.flatMap((record) => {
    const id = (record as { id?: unknown } | null)?.id
    return typeof id === 'string' || typeof id === 'number' ? [String(id)] : []
  })

const without = (ids: readonly string[], records: readonly unknown[]): string[] => {
  const found = new Set(idsOf(records))
  return ids.filter((id) => !found.has(id))
}

function modifiedOf(kind: ObjectKind, record: unknown): string | undefined {
  const { properties, updatedAt } = (record ?? {}) as {
    properties?: Record<string, unknown>
    updatedAt?: unknown
  }
  return asTime(properties?.[kind.modifiedProperty]) ?? asTime(updatedAt) ?? undefined
}
