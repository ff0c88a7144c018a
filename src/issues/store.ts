/** All SQL on issues. */
import { sql } from 'kysely'
import type { TenantScope } from '../tenants/scope.ts'
import type { IssueRow } from './issue.ts'

/** What the upsert did with one row. */
export interface KeptRow {
  ticketId: string
  /** stale: the row here is newer, so nothing was written. */
  outcome: 'inserted' | 'changed' | 'unchanged' | 'stale'
  /** The names of the properties that differ; empty unless changed. */
  changed: string[]
}

/**
 * Keeps one page in one statement: newer wins, by HubSpot's time of change and then by when HubSpot gave it; the
 * same content writes nothing. The caller holds the integration's row lock, so what is compared cannot move.
 *
 * @param rows no ticket twice
 * @param observedAt HubSpot's clock at the answer that carried them
 */
export async function keepIssues(
  scope: TenantScope,
  integrationId: string,
  rows: readonly IssueRow[],
  observedAt: Date,
): Promise<KeptRow[]> {
  if (rows.length === 0) return []
  return await scope.query(sql<KeptRow>`
    with page as (
      select r.*, ${observedAt.toISOString()}::timestamptz as observed_at
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(
        ticket_id text, issue_id uuid, subject text, content text, pipeline_id text, stage_id text, priority text,
        category text, owner_id text, ticket_created_at timestamptz, modified_at timestamptz, archived boolean,
        archived_at timestamptz, url text, properties jsonb)
    ),
    judged as (
      select p.*,
        case
          when k.ticket_id is null then 'inserted'
          when p.properties = k.properties and p.archived = k.archived then 'unchanged'
          when (p.modified_at, p.observed_at) > (k.modified_at, k.observed_at) then 'changed'
          else 'stale'
        end as outcome,
        k.properties as before
      -- One probe of the key per row, also before the table has statistics: a join would read the whole integration.
      from page p
      left join lateral (
        select i.ticket_id, i.properties, i.archived, i.modified_at, i.observed_at
        from issues i
        where i.tenant_id = ${scope.tenantId} and i.integration_id = ${integrationId} and i.ticket_id = p.ticket_id
        limit 1
      ) k on true
    ),
    kept as (
      insert into issues (
        tenant_id, integration_id, ticket_id, issue_id, subject, content, pipeline_id, stage_id, priority, category,
        owner_id, ticket_created_at, modified_at, archived, archived_at, url, properties, observed_at)
      select ${scope.tenantId}, ${integrationId}, j.ticket_id, j.issue_id, j.subject, j.content, j.pipeline_id,
        j.stage_id, j.priority, j.category, j.owner_id, j.ticket_created_at, j.modified_at, j.archived,
        j.archived_at, j.url, j.properties, j.observed_at
      from judged j
      where j.outcome in ('inserted', 'changed')
      on conflict (tenant_id, integration_id, ticket_id) do update set
        subject = excluded.subject, content = excluded.content, pipeline_id = excluded.pipeline_id,
        stage_id = excluded.stage_id, priority = excluded.priority, category = excluded.category,
        owner_id = excluded.owner_id, ticket_created_at = excluded.ticket_created_at,
        modified_at = excluded.modified_at, archived = excluded.archived, archived_at = excluded.archived_at,
        url = excluded.url, properties = excluded.properties, observed_at = excluded.observed_at, synced_at = now()
    )
    select j.ticket_id as "ticketId", j.outcome,
      case when j.outcome = 'changed' then coalesce((
        select array_agg(coalesce(n.key, o.key) order by coalesce(n.key, o.key))
        from jsonb_each(j.properties) n full join jsonb_each(j.before) o on n.key = o.key
        where n.value is distinct from o.value), '{}')
      else '{}' end as changed
    from judged j`)
}

/** An issue as it is read back. */
export interface StoredIssue {
  issueId: string
  integrationId: string
  ticketId: string
  subject: string | null
  content: string | null
  pipelineId: string | null
  stageId: string | null
  priority: string | null
  category: string | null
  ownerId: string | null
  createdAt: Date | null
  modifiedAt: Date
  archived: boolean
  archivedAt: Date | null
  url: string | null
  properties: Record<string, string | null>
  syncedAt: Date
}

const columns = sql`
  issue_id as "issueId", integration_id as "integrationId", ticket_id as "ticketId", subject, content,
  pipeline_id as "pipelineId", stage_id as "stageId", priority, category, owner_id as "ownerId",
  ticket_created_at as "createdAt", modified_at as "modifiedAt", archived, archived_at as "archivedAt", url,
  properties, synced_at as "syncedAt"`

/** In the order they were first kept, which no change moves: a reader that pages through meets each issue once. */
export async function listIssues(
  scope: TenantScope,
  at: { after: string | undefined; limit: number },
): Promise<StoredIssue[]> {
  const beyond = at.after === undefined ? sql`` : sql`and issue_id > ${at.after}`
  return await scope.query(sql<StoredIssue>`
    select ${columns} from issues
    where tenant_id = ${scope.tenantId} ${beyond}
    order by issue_id
    limit ${at.limit}`)
}

/** The same for one integration, by ticket id: the key they lie under, so that others' issues are not walked over. */
export async function listIssuesOf(
  scope: TenantScope,
  at: { integrationId: string; after: string | undefined; limit: number },
): Promise<StoredIssue[]> {
  const beyond = at.after === undefined ? sql`` : sql`and ticket_id > ${at.after}`
  return await scope.query(sql<StoredIssue>`
    select ${columns} from issues
    where tenant_id = ${scope.tenantId} and integration_id = ${at.integrationId} ${beyond}
    order by ticket_id
    limit ${at.limit}`)
}

export async function findIssue(scope: TenantScope, issueId: string): Promise<StoredIssue | undefined> {
  const rows = await scope.query(sql<StoredIssue>`
    select ${columns} from issues where tenant_id = ${scope.tenantId} and issue_id = ${issueId}`)
  return rows[0]
}

/** Deletes some issues of an integration. @returns how many; zero when none is left */
export async function deleteSomeIssues(
  scope: TenantScope,
  integrationId: string,
  limit: number,
): Promise<number> {
  const rows = await scope.query(sql`
    delete from issues
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and ticket_id in (
      select ticket_id from issues
      where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} limit ${limit})
    returning ticket_id`)
  return rows.length
}
