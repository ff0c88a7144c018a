/** SQL that keeps the search index in step with the issues, and builds it after a first load. */
import { type RawBuilder, sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import { maxValueLength } from './query-schema.ts'
import { indexContent } from './search-terms-store.ts'

/** What a statement that writes issues must return for their rows in `issue_search`. */
export const indexedColumns = sql`
  integration_id, ticket_id, issue_id, pipeline_id, stage_id, owner_id, priority, category, archived, ticket_created_at,
  modified_at, archived_at, deleted_at, synced_at`

const columns = sql`
  tenant_id, integration_id, ticket_id, issue_id, pipeline_id, stage_id, owner_id, priority, category, archived, created_at,
  modified_at, archived_at, deleted_at, synced_at`

/**
 * A value as the index has it: a B-tree key has at most 2.7 kB, and a value of a ticket may have 128 KiB. A
 * value that was cut is longer than any that a query can name.
 */
const cut = (column: string) => sql`left(${sql.ref(column)}, ${maxValueLength + 1})`

/** Times as responses show them, so that a caller can compare with what it was shown. */
const rowsOf = (scope: TenantScope, issues: RawBuilder<unknown>) => sql`
  select ${scope.tenantId}::uuid, integration_id, ticket_id, issue_id, ${cut('pipeline_id')}, ${cut('stage_id')},
    ${cut('owner_id')}, ${cut('priority')}, ${cut('category')}, archived, coalesce(ticket_created_at, 'epoch'), modified_at,
    archived_at, deleted_at, date_trunc('milliseconds', synced_at)
  from ${issues}`

/** What is stored now, under the integration's lock, is the newest. */
const currentWins = sql`on conflict (tenant_id, integration_id, ticket_id) do update set
        issue_id = excluded.issue_id, pipeline_id = excluded.pipeline_id, stage_id = excluded.stage_id,
        owner_id = excluded.owner_id, priority = excluded.priority, category = excluded.category,
        archived = excluded.archived, created_at = excluded.created_at, modified_at = excluded.modified_at,
        archived_at = excluded.archived_at, deleted_at = excluded.deleted_at, synced_at = excluded.synced_at`

/**
 * The CTE that writes the index together with the issues. Before the first load has ended it writes
 * nothing. The caller holds the integration's lock, so a build cannot begin meanwhile.
 *
 * @param saved the CTE that wrote the issues and returns `indexedColumns`
 */
export const indexRows = (scope: TenantScope, integrationId: string, saved: string) => sql`
    indexed as (
      insert into issue_search as x (${columns})
      ${rowsOf(scope, sql.ref(saved))}
      where exists (
        select from search_builds b where b.tenant_id = ${scope.tenantId} and b.integration_id = ${integrationId})
      ${currentWins}
      returning ticket_id
    )`

/**
 * Called when a full run has ended, under the integration's lock: from now on every write of an issue
 * writes the index, and a worker adds those that are stored already.
 */
export async function beginSearchBuild(scope: TenantScope, integrationId: string): Promise<void> {
  await scope.query(sql`
    insert into search_builds (tenant_id, integration_id) values (${scope.tenantId}, ${integrationId})
    on conflict (tenant_id, integration_id) do nothing`)
}

/** Called when an integration's issues are deleted: connected again, it is loaded anew. */
export async function dropSearchBuild(scope: TenantScope, integrationId: string): Promise<void> {
  await scope.query(sql`
    delete from search_builds where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}`)
}

/**
 * Adds the next issues to the index. The caller holds the integration's lock.
 *
 * @returns how many there were; fewer than `atMost`: these were the last
 */
export async function buildSearchRows(
  scope: TenantScope,
  integrationId: string,
  atMost: number,
): Promise<number> {
  const [build] = await scope.query(
    sql<{ tickets: string[] }>`
    with next as materialized (
      select i.* from search_builds b cross join lateral (
        select ${indexedColumns} from issues
        where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and ticket_id > b.ticket_id
        order by tenant_id, integration_id, ticket_id
        limit ${atMost}) i
      where b.tenant_id = ${scope.tenantId} and b.integration_id = ${integrationId} and b.finished_at is null
    ),
    added as (
      insert into issue_search (${columns}) ${rowsOf(scope, sql`next`)}
      -- Rows may be left from before a purge that did not end.
      ${currentWins}
    )
    update search_builds set ticket_id = coalesce((select max(ticket_id) from next), ticket_id),
      finished_at = case when (select count(*) from next) < ${atMost} then now() end
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and finished_at is null
    returning array(select ticket_id from next) as tickets`,
    { prepare: true },
  )
  const tickets = build?.tickets ?? []
  await indexContent(scope, integrationId, tickets)
  return tickets.length
}

/** An integration whose first load is not completely in the index. */
export interface UnfinishedBuild {
  tenant_id: string
  integration_id: string
}

/** An SQL expression over all tenants: a JSON list of builds to continue. */
export const unfinishedBuilds = ({ atMost, except }: { atMost: number; except: readonly string[] }) => sql`(
    select coalesce(json_agg(d), '[]') from (
      select tenant_id, integration_id from search_builds
      where finished_at is null and tenant_id <> all(${[...except]}::uuid[])
      order by tenant_id, integration_id
      limit ${atMost}) d)`

/** Lists the tenant's integrations that have issues which the index lacks. */
export async function listIncompleteIndexes(
  scope: TenantScope,
  integrationId: string | undefined,
): Promise<string[]> {
  const only = integrationId === undefined ? sql`` : sql`and t.integration_id = ${integrationId}`
  const rows = await scope.query(
    sql<{ integration_id: string }>`
    select t.integration_id from tenant_integrations t
    left join search_builds b on b.tenant_id = t.tenant_id and b.integration_id = t.integration_id
    where t.tenant_id = ${scope.tenantId} ${only} and b.finished_at is null
      and exists (
        select from issues i where i.tenant_id = t.tenant_id and i.integration_id = t.integration_id limit 1)
    order by t.integration_id`,
    { prepare: true },
  )
  return rows.map(({ integration_id }) => integration_id)
}
