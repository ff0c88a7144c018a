/** SQL that counts the issues of a query by their values, and by time. */
import { type RawBuilder, sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import { type IssueFilter, unknownTime } from './issue-filter-store.ts'
import type { FacetsQuery } from './query-schema.ts'
import { sourceOf } from './query-store.ts'

/** The columns that name a value of each facet. Ids are unique within an account, and stages within a pipeline. */
const facetColumns = {
  integration: ['integration_id'],
  pipeline: ['integration_id', 'pipeline_id'],
  stage: ['integration_id', 'pipeline_id', 'stage_id'],
  owner: ['integration_id', 'owner_id'],
  priority: ['priority'],
  category: ['category'],
} as const

export type Facet = keyof typeof facetColumns

const facets = Object.keys(facetColumns) as Facet[]

/** Values per facet; the most frequent ones. */
const maxValues = 100
/** The latest ones. */
const maxBuckets = 1_000
/** Characters of a name. */
const maxName = 200

const allColumns = ['integration_id', 'pipeline_id', 'stage_id', 'owner_id', 'priority', 'category'] as const

/** A value of a facet. Columns that do not belong to the facet are null, and its schema leaves them out. */
export interface FacetRow {
  facet: Facet
  integration_id: string
  pipeline_id: string | null
  pipeline_name: string | null
  stage_id: string | null
  stage_name: string | null
  stage_closed: boolean | null
  owner_id: string | null
  owner_name: string | null
  owner_email: string | null
  priority: string | null
  category: string | null
  count: number
}

/** Each distinct combination of these columns with its count; the others are null. */
function countsOf(name: Facet | 'all', columns: readonly string[]): RawBuilder<unknown> {
  const shown = allColumns.map((column) =>
    columns.includes(column)
      ? sql.ref(column)
      : column === 'integration_id'
        ? sql`null::uuid as integration_id`
        : sql`null::text as ${sql.ref(column)}`,
  )
  const key = sql.join(columns.map((column) => sql.ref(column)))
  const each =
    columns.length > 0 ? sql`group by ${key} order by count desc, ${key} limit ${maxValues}` : sql``
  return sql`(select ${name} as facet, ${sql.join(shown)}, coalesce(sum(n), 0)::float8 as count from matching ${each})`
}

/**
 * @returns how many issues there are, and the values of each facet, the most frequent first
 */
export async function countByValue(
  scope: TenantScope,
  filter: IssueFilter,
): Promise<{ count: number; facets: Record<Facet, FacetRow[]> }> {
  const source = await sourceOf(scope, filter)
  const label = (topic: string, parent: RawBuilder<unknown>, id: string) => sql`
      select left(l.label, ${maxName}) as label, left(l.email, ${maxName}) as email, l.closed from labels l
      where l.tenant_id = ${scope.tenantId} and l.integration_id = f.integration_id
        and l.topic = ${topic} and l.parent = ${parent} and l.id = ${sql.ref(`f.${id}`)} limit 1`
  const columns = sql.join(allColumns.map((name) => sql.ref(`s.${name}`)))
  const all = [countsOf('all', []), ...facets.map((facet) => countsOf(facet, facetColumns[facet]))]
  const rows = await scope.query(sql<Omit<FacetRow, 'facet'> & { facet: Facet | 'all' }>`
    with matching as materialized (
      select ${columns}, count(*) as n from ${source} where ${filter.where} group by ${columns}
    )
    select f.*, p.label as pipeline_name, t.label as stage_name, t.closed as stage_closed, o.label as owner_name,
      o.email as owner_email
    from (${sql.join(all, sql` union all `)}) f
    left join lateral (${label('pipeline', sql`''`, 'pipeline_id')}) p on true
    left join lateral (${label('stage', sql`f.pipeline_id`, 'stage_id')}) t on true
    left join lateral (${label('owner', sql`''`, 'owner_id')}) o on true
    order by f.count desc, f.integration_id, f.pipeline_id, f.stage_id, f.owner_id, f.priority, f.category`)
  const byFacet = Map.groupBy(rows, ({ facet }) => facet)
  return {
    count: byFacet.get('all')?.[0]?.count ?? 0,
    facets: Object.fromEntries(facets.map((facet) => [facet, byFacet.get(facet) ?? []])) as Record<
      Facet,
      FacetRow[]
    >,
  }
}

/** Issues whose time is unknown are in no bucket. */
export async function countByTime(
  scope: TenantScope,
  filter: IssueFilter,
  { time, interval }: Pick<FacetsQuery, 'time'> & { interval: string },
): Promise<{ start: Date; count: number }[]> {
  const source = await sourceOf(scope, filter)
  const at = sql.ref(`s.${time}`)
  const rows = await scope.query(sql<{ start: Date; count: number }>`
    select date_trunc(${interval}, ${at}, 'UTC') as start, count(*)::float8 as count from ${source}
    where ${filter.where} and ${at} <> ${unknownTime}
    group by 1 order by 1 desc limit ${maxBuckets}`)
  return rows.reverse()
}
