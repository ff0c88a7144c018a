/** SQL conditions of a query for issues, on the rows of its two indexes. */
import { type RawBuilder, sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import { parsePropertyConditions } from './property-conditions.ts'
import { comparisonOperators, isAssociated, propertyConditions } from './property-filter-store.ts'
import { comparisons, optionalColumns, timeColumns, valueColumns } from './query.ts'
import type { IssueConditions } from './query-schema.ts'
import { parseTextQuery, type TextQuery } from './text-query.ts'

/** Stands for an unknown time, so that rows can be compared and sorted. */
export const unknownTime = sql`'epoch'::timestamptz`

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

/** Which issues a query finds. */
export interface IssueFilter {
  /** Conditions on a row `s` of issue_search. */
  where: RawBuilder<unknown>
  /** Conditions on a row `t` of the index of content; absent: none. */
  content: RawBuilder<unknown> | undefined
  text: TextQuery | undefined
}

/** @throws AppError validation_failed for a text or a property that cannot be searched for */
export async function filterOf(scope: TenantScope, query: IssueConditions): Promise<IssueFilter> {
  const { contact_id, company_id, deal_id, integration_id, properties = {} } = query
  const text = query.q === undefined ? undefined : parseTextQuery(scope.tenantId, query.q)
  const byProperty = await propertyConditions(scope, parsePropertyConditions(properties), integration_id)
  const content = [
    text && sql`t.words @@ ${text.tsquery}::tsquery`,
    contact_id && isAssociated(scope, 'contacts', contact_id),
    company_id && isAssociated(scope, 'companies', company_id),
    deal_id && isAssociated(scope, 'deals', deal_id),
    ...byProperty.indexed,
  ].filter((condition) => condition !== undefined)
  return {
    where: sql.join([...(await columnConditions(scope, query)), ...byProperty.stored], sql` and `),
    content: content.length > 0 ? sql.join(content, sql` and `) : undefined,
    text,
  }
}

async function columnConditions(scope: TenantScope, query: IssueConditions): Promise<RawBuilder<unknown>[]> {
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
      all.push(sql`${at} ${comparisonOperators[comparison]} ${time}::timestamptz and ${at} <> ${unknownTime}`)
    }
  for (const filter of labelFilters(query)) all.push(await byLabel(scope, filter))
  return all
}
