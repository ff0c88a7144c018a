/**
 * SQL of queries for issues. They filter and sort by `issue_search`, whose indexes row level security
 * can use, and show the issues themselves.
 */
import { type RawBuilder, sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import { comparisons, optionalColumns, type Position, type Sort, timeColumns, valueColumns } from './query.ts'
import type { IssueConditions } from './query-schema.ts'
import { type StoredIssue, withAccountData } from './store.ts'

const operators = { gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` }
/** Stands for an unknown time, so that rows can be compared and sorted. */
export const unknownTime = sql`'epoch'::timestamptz`

/** `micros` since 1970. Two intervals, because a factor above 2^53 would be rounded. */
const timeOf = (micros: string) => sql`(${unknownTime} + (${micros}::bigint / 1000000) * interval '1 second'
  + (${micros}::bigint % 1000000) * interval '1 microsecond')`
const microsOf = (column: RawBuilder<unknown>) => sql`(extract(epoch from ${column}) * 1000000)::bigint::text`

/** One value with a plain comparison: only that lets an index return the rows in order. */
const isOneOf = (values: readonly string[]) =>
  values.length === 1 ? sql`= ${values[0]}` : sql`= any(${[...values]}::text[])`

interface LabelFilter {
  topic: 'pipeline' | 'stage' | 'owner'
  condition: RawBuilder<unknown>
}

function labelFilters(query: IssueConditions): LabelFilter[] {
  const { pipeline_name, stage_name, closed, owner_name, owner_email } = query
  const filters = [
    { topic: 'pipeline', condition: pipeline_name && sql`l.label ${isOneOf(pipeline_name)}` },
    { topic: 'stage', condition: stage_name && sql`l.label ${isOneOf(stage_name)}` },
    { topic: 'stage', condition: closed && sql`l.closed = ${closed === 'true'}` },
    { topic: 'owner', condition: owner_name && sql`l.label ${isOneOf(owner_name)}` },
    { topic: 'owner', condition: owner_email && sql`l.email ${isOneOf(owner_email)}` },
  ] as const
  return filters.flatMap(({ topic, condition }) => (condition ? [{ topic, condition }] : []))
}

/**
 * A condition on the ids that have such a label. Ids are unique within an account only, and those of
 * stages within a pipeline. The ids are looked up first: the planner can estimate how many issues have
 * one of these, but not how many a join would find.
 */
async function byLabel(scope: TenantScope, { topic, condition }: LabelFilter): Promise<RawBuilder<unknown>> {
  const groups = await scope.query(sql<{ integration_id: string; parent: string; ids: string[] }>`
    select l.integration_id, l.parent, array_agg(l.id) as ids from labels l
    where l.tenant_id = ${scope.tenantId} and l.topic = ${topic} and ${condition}
    group by l.integration_id, l.parent`)
  const column = sql.ref(`s.${topic}_id`)
  const [first, ...more] = groups
  if (!first) return sql`false`
  const { integration_id, parent, ids } = first
  const ofParent = topic === 'stage' ? sql`and s.pipeline_id = ${parent}` : sql``
  if (more.length === 0)
    return sql`s.integration_id = ${integration_id} ${ofParent} and ${column} ${isOneOf(ids)}`
  const rows = groups.flatMap((group) => group.ids.map((id) => ({ ...group, id })))
  const of = <Value>(value: (row: (typeof rows)[number]) => Value) => rows.map(value)
  return sql`${column} ${isOneOf([...new Set(of(({ id }) => id))])}
    and (s.integration_id, ${topic === 'stage' ? sql`s.pipeline_id` : sql`''`}, ${column}) in (
      select * from unnest(${of((row) => row.integration_id)}::uuid[], ${of((row) => row.parent)}::text[],
        ${of(({ id }) => id)}::text[]))`
}

/** The conditions of a query on a row `s` of the index. */
export async function conditionsOf(scope: TenantScope, query: IssueConditions): Promise<RawBuilder<unknown>> {
  const { tenantId } = scope
  const all = [sql`s.tenant_id = ${tenantId}`]
  if (query.integration_id !== undefined) all.push(sql`s.integration_id = ${query.integration_id}`)
  else if (query.ticket_id)
    // The primary key has the integration before the ticket.
    all.push(
      sql`s.integration_id = any(array(
        select t.integration_id from tenant_integrations t where t.tenant_id = ${tenantId}))`,
    )
  if (query.archived !== undefined)
    all.push(query.archived === 'true' ? sql`s.archived` : sql`not s.archived`)
  for (const column of valueColumns) {
    const values = query[column]
    if (values) all.push(sql`${sql.ref(`s.${column}`)} ${isOneOf(values)}`)
  }
  for (const column of optionalColumns) {
    const exists = query[`${column}.exists`]
    if (exists) all.push(sql`${sql.ref(`s.${column}`)} is ${exists === 'true' ? sql`not null` : sql`null`}`)
  }
  for (const column of timeColumns)
    for (const comparison of comparisons) {
      const time = query[`${column}.${comparison}`]
      if (time === undefined) continue
      const at = sql.ref(`s.${column}`)
      all.push(sql`${at} ${operators[comparison]} ${time}::timestamptz and ${at} <> ${unknownTime}`)
    }
  for (const filter of labelFilters(query)) all.push(await byLabel(scope, filter))
  return sql.join(all, sql` and `)
}

const directionOf = ({ descending }: Sort) => (descending ? sql`desc` : sql`asc`)

/** An ordering by a column of the index or, of an issue, by what that was made from. */
function orderBy(sort: Sort, of: 's' | 'i') {
  const direction = directionOf(sort)
  const byId = sql`${sql.ref(`${of}.issue_id`)} ${direction}`
  if (sort.column === 'issue_id') return sql`order by ${byId}`
  return sql`order by ${keyOf(sort.column, of)} ${direction}, ${byId}`
}

const keyOf = (column: 'created_at' | 'modified_at', of: 's' | 'i') =>
  of === 's' || column === 'modified_at'
    ? sql.ref(`${of}.${column}`)
    : sql`coalesce(i.ticket_created_at, ${unknownTime})`

/** Rows after the last one of the previous page. */
function beyond(sort: Sort, { key, issueId, began }: Position) {
  const isBeyond = sort.descending ? sql`<` : sql`>`
  if (sort.column === 'issue_id') return sql`and s.issue_id ${isBeyond} ${issueId}::uuid`
  // A change can move an issue that was on an earlier page to one that follows.
  return sql`and (${keyOf(sort.column, 's')}, s.issue_id) ${isBeyond} (${timeOf(key ?? '0')}, ${issueId}::uuid)
    and s.synced_at <= ${timeOf(began)}`
}

export interface FoundIssue extends StoredIssue {
  /** What the query sorts by; null if it sorts by the id alone. Microseconds since 1970. */
  sort_key: string | null
  now: string
}

/**
 * @param conditions see conditionsOf
 * @param bytes see IssuePage
 */
export async function findIssues(
  scope: TenantScope,
  conditions: RawBuilder<unknown>,
  sort: Sort,
  { after, limit, bytes }: { after: Position | undefined; limit: number; bytes: number },
): Promise<FoundIssue[]> {
  const key = sort.column === 'issue_id' ? sql`null::text` : microsOf(keyOf(sort.column, 'i'))
  const page = sql`
    select i.*, ${key} as sort_key, ${microsOf(sql`statement_timestamp()`)} as now
    from (
      select s.integration_id, s.ticket_id from issue_search s
      where ${conditions} ${after ? beyond(sort, after) : sql``}
      ${orderBy(sort, 's')}
      limit ${limit}) s
    cross join lateral (
      select * from issues i
      where i.tenant_id = ${scope.tenantId} and i.integration_id = s.integration_id and i.ticket_id = s.ticket_id
      limit 1) i`
  return (await scope.query(
    withAccountData(scope, page, orderBy(sort, 'i'), bytes, sql`, i.sort_key, i.now`),
  )) as FoundIssue[]
}

export async function countIssues(scope: TenantScope, conditions: RawBuilder<unknown>): Promise<number> {
  const [found] = await scope.query(sql<{ count: number }>`
    select count(*) as count from issue_search s where ${conditions}`)
  return found?.count ?? 0
}
