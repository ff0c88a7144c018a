/**
 * SQL that finds and counts the issues of a query. It filters and sorts by `issue_search`, whose indexes
 * row level security can use, and shows the issues themselves.
 */
import { type RawBuilder, sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import type { IssueFields } from './issue-fields.ts'
import { type IssueFilter, unknownTime } from './issue-filter-store.ts'
import type { Position, Sort } from './query.ts'
import { type StoredIssue, withAccountData } from './store.ts'

/** `micros` since 1970. Two intervals, because a factor above 2^53 would be rounded. */
const timeOf = (micros: string) => sql`(${unknownTime} + (${micros}::bigint / 1000000) * interval '1 second'
  + (${micros}::bigint % 1000000) * interval '1 microsecond')`
const microsOf = (column: RawBuilder<unknown>) => sql`(extract(epoch from ${column}) * 1000000)::bigint::text`

/**
 * Makes the statements that follow in this transaction use the index of content. The planner would
 * rather read all issues of a tenant: it does not know that comparing words and terms takes longer
 * than comparing a column.
 */
const preferContent = (scope: TenantScope, isPreferred: boolean) =>
  scope.query(sql`
    select set_config('enable_seqscan', ${isPreferred ? 'off' : 'on'}, true),
      set_config('enable_indexscan', ${isPreferred ? 'off' : 'on'}, true)`)

/** What all rows `s` of a filter are read from, to count them. */
export async function sourceOf(scope: TenantScope, { content }: IssueFilter): Promise<RawBuilder<unknown>> {
  if (content === undefined) return sql`issue_search s`
  await preferContent(scope, true)
  return sql`(select t.integration_id, t.ticket_id from own_issue_terms t where ${content} offset 0) t
    join issue_search s on s.integration_id = t.integration_id and s.ticket_id = t.ticket_id`
}

/** Issues that the index of content finds, up to which all are looked at. */
const maxFound = 10_000

/**
 * What the rows `s` of a page are read from. Where content finds few issues, all of them; where it
 * finds many, the order of the page is walked, and each issue is checked: a page of them is near. The
 * planner cannot choose, because it does not know how frequent a word is with this tenant.
 */
async function sourceOfPage(scope: TenantScope, filter: IssueFilter): Promise<RawBuilder<unknown>> {
  const { content } = filter
  if (content === undefined) return sql`issue_search s`
  await preferContent(scope, true)
  const some = sql`(select 1 as one from own_issue_terms t where ${content} limit ${maxFound + 1}) t`
  const [counted] = await scope.query(sql<{ count: number }>`select count(*) as count from ${some}`)
  if ((counted?.count ?? 0) <= maxFound)
    return sql`(
      select s.*, t.words from (
        select t.integration_id, t.ticket_id, t.words from own_issue_terms t where ${content} limit ${maxFound}) t
      -- The limit keeps it one probe of the key each.
      cross join lateral (
        select s.* from issue_search s
        where s.tenant_id = ${scope.tenantId} and s.integration_id = t.integration_id and s.ticket_id = t.ticket_id
        limit 1) s) s`
  await preferContent(scope, false)
  return sql`(
    select s.*, t.words from issue_search s
    cross join lateral (
      select t.words, ${content} as matches from own_issue_terms t
      where t.tenant_id = s.tenant_id and t.integration_id = s.integration_id and t.ticket_id = s.ticket_id
      limit 1) t
    where t.matches) s`
}

const directionOf = ({ descending }: Sort) => (descending ? sql`desc` : sql`asc`)

/** An ordering by a column of the index or, of an issue, by what that was made from. */
function orderBy(sort: Sort, of: 's' | 'i') {
  const direction = directionOf(sort)
  const byId = sql`${sql.ref(`${of}.issue_id`)} ${direction}`
  if (sort.column === 'issue_id') return sql`order by ${byId}`
  return sql`order by ${keyOf(sort.column, of)} ${direction}, ${byId}`
}

const keyOf = (column: 'created_at' | 'modified_at' | 'rank', of: 's' | 'i') =>
  of === 's' || column !== 'created_at'
    ? sql.ref(`${of}.${column}`)
    : sql`coalesce(i.ticket_created_at, ${unknownTime})`

/** Rows after the last one of the previous page. */
function beyond(sort: Sort, { key = '0', issueId }: Position) {
  const isBeyond = sort.descending ? sql`<` : sql`>`
  if (sort.column === 'issue_id') return sql`s.issue_id ${isBeyond} ${issueId}::uuid`
  const last = sort.column === 'rank' ? sql`${key}::bigint` : timeOf(key)
  return sql`(${keyOf(sort.column, 's')}, s.issue_id) ${isBeyond} (${last}, ${issueId}::uuid)`
}

/** A change can move an issue that was on an earlier page to one that follows. */
const unchangedSince = (sort: Sort, { began }: Position) =>
  sort.column === 'issue_id' ? sql`` : sql`and s.synced_at <= ${timeOf(began)}`

/** Matches that are ranked: the ones that changed last. Each costs the reading of its words. */
const maxRanked = 1_000

/** The rows of the index on a page, with what they are sorted by. */
function rowsOnPage(
  source: RawBuilder<unknown>,
  { where, text }: IssueFilter,
  sort: Sort,
  { after, limit }: { after: Position | undefined; limit: number },
): RawBuilder<unknown> {
  const until = after ? unchangedSince(sort, after) : sql``
  const rest = sql`${orderBy(sort, 's')} limit ${limit}`
  if (sort.column !== 'rank' || !text)
    return sql`
      select s.integration_id, s.ticket_id, null::bigint as rank from ${source}
      where ${where} ${after ? sql`and ${beyond(sort, after)}` : sql``} ${until} ${rest}`
  // A long text has more words by chance: the rank is divided by its length.
  return sql`
    select s.integration_id, s.ticket_id, s.rank from (
      select s.*, (ts_rank(s.words, ${text.tsquery}::tsquery, 1) * 1e9)::bigint as rank from (
        select s.integration_id, s.ticket_id, s.issue_id, s.words from ${source}
        where ${where} ${until}
        order by s.modified_at desc, s.issue_id desc
        limit ${maxRanked}) s
      offset 0) s
    ${after ? sql`where ${beyond(sort, after)}` : sql``} ${rest}`
}

export interface FoundIssue extends StoredIssue {
  /** What the query sorts by, as a whole number; null if it sorts by the id alone. */
  sort_key: string | null
  now: string
}

/** @param bytes see IssuePage */
export async function findIssues(
  scope: TenantScope,
  filter: IssueFilter,
  sort: Sort,
  {
    after,
    limit,
    bytes,
    fields,
  }: { after: Position | undefined; limit: number; bytes: number; fields?: IssueFields | undefined },
): Promise<FoundIssue[]> {
  const source = await sourceOfPage(scope, filter)
  const keys = {
    issue_id: sql`null::text`,
    rank: sql`s.rank::text`,
    created_at: microsOf(keyOf('created_at', 'i')),
    modified_at: microsOf(keyOf('modified_at', 'i')),
  }
  const page = sql`
    select i.*, s.rank, ${keys[sort.column]} as sort_key, ${microsOf(sql`statement_timestamp()`)} as now
    from (${rowsOnPage(source, filter, sort, { after, limit })}) s
    cross join lateral (
      select * from issues i
      where i.tenant_id = ${scope.tenantId} and i.integration_id = s.integration_id and i.ticket_id = s.ticket_id
      limit 1) i`
  return (await scope.query(
    withAccountData(scope, page, orderBy(sort, 'i'), bytes, sql`, i.sort_key, i.now`, fields),
  )) as FoundIssue[]
}

/**
 * Issues in the order of any value. None is left out because it changes meanwhile, so a page may
 * repeat what a change has moved.
 *
 * @param key what rows `s` are sorted by; those without it come last
 */
export async function findIssuesSortedBy(
  scope: TenantScope,
  filter: IssueFilter,
  key: RawBuilder<unknown>,
  { descending, offset, limit, bytes }: { descending: boolean; offset: number; limit: number; bytes: number },
): Promise<StoredIssue[]> {
  const source = await sourceOfPage(scope, filter)
  const direction = descending ? sql`desc` : sql`asc`
  const page = sql`
    select i.*, s.rank from (
      select s.*, row_number() over () as rank from (
        select s.integration_id, s.ticket_id from ${source}
        where ${filter.where}
        order by ${key} ${direction} nulls last, s.issue_id ${direction}
        limit ${limit} offset ${offset}) s) s
    cross join lateral (
      select * from issues i
      where i.tenant_id = ${scope.tenantId} and i.integration_id = s.integration_id and i.ticket_id = s.ticket_id
      limit 1) i`
  return await scope.query(withAccountData(scope, page, sql`order by i.rank`, bytes))
}

/** @param atMost stops counting there */
export async function countIssues(scope: TenantScope, filter: IssueFilter, atMost?: number): Promise<number> {
  const source = await sourceOf(scope, filter)
  const { where } = filter
  const counted =
    atMost === undefined
      ? sql`${source} where ${where}`
      : sql`(select 1 as one from ${source} where ${where} limit ${atMost}) s`
  const [found] = await scope.query(sql<{ count: number }>`select count(*) as count from ${counted}`)
  return found?.count ?? 0
}
