/**
 * SQL that stores tickets: one statement per page, newer wins, and each row reports its outcome.
 *
 * Over 200 lines because that statement is long and the statements that depend on its rules are
 * next to it.
 */
import { sql } from 'kysely'
import { recordChanges } from '../changes/store.ts'
import type { TenantScope } from '../db/scope.ts'
import type { IssueRow } from './issue.ts'
import { indexedColumns, indexRows } from './search-index-store.ts'
import { indexContent } from './search-terms-store.ts'

/** What the upsert did with one row. */
export interface UpsertedRow {
  ticket_id: string
  /**
   * archived, restored: a tombstone was set or removed. stale: the stored row is newer, so nothing
   * was written. unverified: only a search reported it, which proves nothing; or another read of
   * the same second differs (HubSpot's Date header counts whole seconds). Nothing was written, and
   * a read by id must decide.
   */
  outcome: 'inserted' | 'changed' | 'archived' | 'restored' | 'unchanged' | 'stale' | 'unverified'
  /** Names of the properties that differ; empty unless changed. */
  changed: string[]
}

/**
 * How a page was read. A list or a read by id shows the current state; a search shows what its
 * index contained some time ago.
 */
export type ReadSource = 'read' | 'search'

/**
 * Stores one page in one statement. Newer wins, by HubSpot's time of change and then by when
 * HubSpot returned it; equal content writes nothing. Only `observedAt` decides about tombstones,
 * because archiving and restoring need not change the time of change. The caller holds the
 * integration's row lock, so the compared rows cannot change.
 *
 * Two rows have equal content when no value differs. An empty value can be "", null or absent,
 * depending on the endpoint, and properties that HubSpot computes on each read differ every time;
 * neither is an edit. Such values are written together with an edit, or where no value was stored
 * before.
 *
 * @param rows no ticket twice
 * @param observedAt HubSpot's clock at the response that contained the rows; for a search: as old
 *   as its index may be
 * @param readTime the properties that HubSpot computes on each read
 */
export async function upsertIssues(
  scope: TenantScope,
  integrationId: string,
  rows: readonly IssueRow[],
  observedAt: Date,
  source: ReadSource = 'read',
  readTime: readonly string[] = [],
): Promise<UpsertedRow[]> {
  if (rows.length === 0) return []
  const bySearch = source === 'search'
  // Compares with the later of two times: when the issue was written, and when a read last found it
  // unchanged and so wrote nothing to it. Evaluated for few rows. -1: the page is older; 0: same
  // second.
  const sinceSeen = sql`sign(extract(epoch from p.observed_at - greatest(k.observed_at, (
    select s.seen_at from issue_last_seen s
    where s.tenant_id = ${scope.tenantId} and s.integration_id = ${integrationId} and s.ticket_id = p.ticket_id))))`
  const upserted = await scope.query(
    sql<UpsertedRow & { indexed: boolean }>`
    with page as (
      select r.*, ${observedAt.toISOString()}::timestamptz as observed_at, ${[...readTime]}::text[] as computed
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(
        ticket_id text, issue_id uuid, ticket_created_at timestamptz, modified_at timestamptz, archived boolean,
        archived_at timestamptz, url text, properties jsonb)
    ),
    losers as materialized (
      select m.loser_id, m.survivor_id from issue_merges m
      where m.tenant_id = ${scope.tenantId} and m.integration_id = ${integrationId}
        and m.loser_id = any (array(select ticket_id from page))
    ),
    judged as (
      select p.*, p.archived or m.merged as markedDeleted, m.merged, k.properties as before, k.observed_at as shown_at,
        k.issue_id as kept_as, not k.archived as is_live, k.was_live, d.differs,
        case
          when k.ticket_id is null and (p.archived or m.merged) then 'archived'
          when k.ticket_id is null then 'inserted'
          when k.archived <> (p.archived or m.merged) or k.deleted_at is not null then case ${sinceSeen}
            when -1 then 'stale'
            when 0 then 'unverified'
            else case when ${bySearch} then 'unverified' when p.archived or m.merged then 'archived' else 'restored' end end
          when d.differs is null then 'unchanged'
          when p.modified_at < k.modified_at then 'stale'
          when p.modified_at > k.modified_at then 'changed'
          -- The same time of change with other content: a second edit in one millisecond, or an index behind.
          else case ${sinceSeen}
            when -1 then 'stale'
            when 0 then 'unverified'
            else case when ${bySearch} then 'unverified' else 'changed' end end
        end as outcome
      -- One probe of the primary key per row, whatever the statistics know of this tenant: a join would read the whole
      -- integration, and without the order the other key, which begins with the tenant too, looks as good.
      from page p
      left join lateral (
        select i.ticket_id, i.issue_id, i.properties, i.archived, i.deleted_at, i.modified_at, i.observed_at, i.was_live
        from issues i
        where i.tenant_id = ${scope.tenantId} and i.integration_id = ${integrationId}
          and i.ticket_id >= p.ticket_id and i.ticket_id <= p.ticket_id
        order by i.tenant_id, i.integration_id, i.ticket_id
        limit 1
      ) k on true
      cross join lateral (select p.ticket_id in (select loser_id from losers) as merged) m
      -- The cheap questions first; offset: asked once a row, not once for each use.
      cross join lateral (
        select case when k.ticket_id is null or p.properties = k.properties
            or p.properties - p.computed = k.properties - p.computed then null
          else (
            select jsonb_object_agg(coalesce(n.key, o.key), jsonb_build_object('from', nullif(o.value, ''), 'to', nullif(n.value, '')))
            from jsonb_each_text(p.properties) n full join jsonb_each_text(k.properties) o on n.key = o.key
            where nullif(n.value, '') is distinct from nullif(o.value, '') and coalesce(n.key, o.key) <> all(p.computed)
          ) end as differs
        offset 0
      ) d
    ),
    -- The same, with a property that has no place here yet, or with the first value of one that is computed. What is stored may lie
    -- compressed apart: it is unpacked a few times a row here, never once for each name (hence the case: it fixes the order).
    widened as (
      select j.ticket_id from judged j
      where not ${bySearch} and j.outcome = 'unchanged' and j.observed_at > j.shown_at and j.properties <> j.before
        and (exists (select from jsonb_each_text(j.properties) n
            where case when n.key = any(j.computed) then n.value <> '' and coalesce(j.before ->> n.key, '') = '' end)
          or (j.properties - j.computed <> j.before - j.computed
            and exists (select jsonb_object_keys(j.properties) except select jsonb_object_keys(j.before))))
    ),
    seen as (
      insert into issue_last_seen as s (tenant_id, integration_id, ticket_id, seen_at)
      -- What a read writes carries the time itself; what a search writes is dated back, and must not take away what a
      -- read has shown.
      select ${scope.tenantId}, ${integrationId}, j.ticket_id,
        case when ${bySearch} then j.shown_at else j.observed_at end
      from judged j
      where case when ${bySearch} then j.outcome = 'changed' and j.shown_at > j.observed_at
        else j.outcome in ('unchanged', 'stale') end
      on conflict (tenant_id, integration_id, ticket_id) do update set seen_at = excluded.seen_at
        where s.seen_at < excluded.seen_at
    ),
    saved as (
      insert into issues (
        tenant_id, integration_id, ticket_id, issue_id, ticket_created_at, modified_at, archived, archived_at, url,
        properties, observed_at, was_live)
      select ${scope.tenantId}, ${integrationId}, j.ticket_id, j.issue_id, j.ticket_created_at, j.modified_at, j.markedDeleted,
        case when j.markedDeleted then coalesce(j.archived_at, j.observed_at) end, j.url,
        -- A search may know nothing of what is computed: an older value is better than none.
        case when ${bySearch} then j.properties || coalesce((
          select jsonb_object_agg(o.key, o.value) from jsonb_each_text(j.before) o
          where case when o.key = any(j.computed) then o.value <> '' and coalesce(j.properties ->> o.key, '') = '' end), '{}')
          else j.properties end,
        j.observed_at, not j.markedDeleted
      from judged j
      where j.outcome in ('inserted', 'changed', 'archived', 'restored')
        or j.ticket_id in (select ticket_id from widened)
      on conflict (tenant_id, integration_id, ticket_id) do update set
        ticket_created_at = excluded.ticket_created_at,
        modified_at = excluded.modified_at, archived = excluded.archived, archived_at = excluded.archived_at,
        deleted_at = null, url = excluded.url, properties = excluded.properties, observed_at = excluded.observed_at,
        was_live = issues.was_live or excluded.was_live, synced_at = now()
      returning ${indexedColumns}
    ),
    ${indexRows(scope, integrationId, 'saved')},
    reported as (
      select j.*,
        case
          when j.outcome = 'inserted' or (j.outcome = 'restored' and not j.was_live) then 'issue.created'
          when j.outcome = 'restored' then 'issue.restored'
          when j.outcome = 'archived' and j.is_live then case when j.merged then 'issue.merged' else 'issue.archived' end
          -- Of a tombstone too: what is known of it is to stay what it is.
          else 'issue.updated' end as type
      from judged j
      where case j.outcome when 'inserted' then true when 'restored' then true
        when 'archived' then j.was_live and (j.is_live or j.differs is not null)
        when 'changed' then j.was_live
        else false end
    ),
    emitted as (
      select r.type, ${integrationId}::uuid as integration_id, coalesce(r.kept_as, r.issue_id) as issue_id, r.ticket_id,
        nullif(jsonb_strip_nulls(jsonb_build_object(
          'merged_into', case when r.type = 'issue.merged' then (select l.survivor_id from losers l where l.loser_id = r.ticket_id) end))
          || case when r.type = 'issue.created' then '{}'
            when r.differs is not null then jsonb_build_object('changed', r.differs)
            when r.type = 'issue.restored' then '{"changed": {}}' else '{}' end, '{}') as detail
      from reported r
      -- What the first full run brings was there before.
      where r.type <> 'issue.created' or exists (
        select from tenant_integrations t
        where t.tenant_id = ${scope.tenantId} and t.integration_id = ${integrationId} and t.loaded_at is not null)
    ),
    ${recordChanges(scope)}
    select j.ticket_id, j.outcome,
      case when j.outcome = 'changed' then array(select jsonb_object_keys(j.differs) order by 1) else '{}' end as changed,
      j.ticket_id in (select ticket_id from indexed) as indexed
    from judged j`,
    { prepare: true },
  )
  const indexed = upserted.flatMap((row) => (row.indexed ? [row.ticket_id] : []))
  await indexContent(scope, integrationId, indexed)
  return upserted.map(({ ticket_id, outcome, changed }) => ({ ticket_id, outcome, changed }))
}

/** Records the ids of a page as seen, including records that could not be stored: they exist. */
export async function markSeen(
  scope: TenantScope,
  integrationId: string,
  ticketIds: readonly string[],
  seenAt: Date,
): Promise<void> {
  await scope.query(sql`
    insert into issue_last_seen as s (tenant_id, integration_id, ticket_id, seen_at)
    select ${scope.tenantId}, ${integrationId}, id, ${seenAt.toISOString()}
    from unnest(${[...ticketIds]}::text[]) id
    on conflict (tenant_id, integration_id, ticket_id) do update set seen_at = excluded.seen_at
      where s.seen_at < excluded.seen_at`)
}

/**
 * Stores merges. The survivor lists the tickets that it replaced (HubSpot's hs_merged_object_ids),
 * and a merge is never undone: the losers are tombstones from now on, even if they arrive later.
 *
 * @param merges no loser twice
 * @returns the losers that were live here
 */
export async function saveMerges(
  scope: TenantScope,
  integrationId: string,
  merges: readonly { loser: string; survivor: string }[],
  observedAt: Date,
): Promise<string[]> {
  const losers = merges.map(({ loser }) => loser)
  const survivors = merges.map(({ survivor }) => survivor)
  const at = observedAt.toISOString()
  const markedDeleted = await scope.query(sql<{ ticket_id: string }>`
    with merged as (
      insert into issue_merges as m (tenant_id, integration_id, loser_id, survivor_id)
      select ${scope.tenantId}, ${integrationId}, loser, survivor
      from unnest(${losers}::text[], ${survivors}::text[]) as u(loser, survivor)
      on conflict (tenant_id, integration_id, loser_id) do update set survivor_id = excluded.survivor_id
        -- Ids grow: of two survivors that name one loser, the newer replaced the older.
        where (length(m.survivor_id), m.survivor_id) < (length(excluded.survivor_id), excluded.survivor_id)
      returning loser_id, survivor_id
    ),
    marked_deleted as (
      update issues set archived = true, archived_at = ${at},
        observed_at = greatest(observed_at, ${at}), synced_at = now()
      where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}
        and ticket_id = any(${losers}::text[]) and not archived
      returning ${indexedColumns}
    ),
    ${indexRows(scope, integrationId, 'marked_deleted')},
    emitted as (
      -- Also of one that was archived before it was known where it went, or whose survivor was itself merged.
      select 'issue.merged' as type, ${integrationId}::uuid as integration_id, i.issue_id, i.ticket_id,
        jsonb_build_object('merged_into', coalesce(m.survivor_id, b.survivor_id))
          -- Whether it was live before cannot be told from the type.
          || case when i.archived then jsonb_build_object('was_merged_into', b.survivor_id) else '{}' end as detail
      from issues i
      left join merged m on m.loser_id = i.ticket_id
      left join issue_merges b
        on b.tenant_id = ${scope.tenantId} and b.integration_id = ${integrationId} and b.loser_id = i.ticket_id
      where i.tenant_id = ${scope.tenantId} and i.integration_id = ${integrationId} and i.ticket_id = any(${losers}::text[])
        and i.was_live and (m.loser_id is not null or not i.archived)
    ),
    ${recordChanges(scope)}
    select ticket_id from marked_deleted`)
  return markedDeleted.map(({ ticket_id }) => ticket_id)
}

/** One row of a search that requested only ids and times. */
export interface SearchHit {
  id: string
  modifiedAt: string
}

/**
 * Which hits must be read by id: new here, changed since, tombstones that may have been removed, or
 * read so close to their time of change that a second edit in the same millisecond could have
 * followed.
 *
 * @param asOf as old as the search index may be
 */
export async function findOutdated(
  scope: TenantScope,
  integrationId: string,
  hits: readonly SearchHit[],
  asOf: Date,
): Promise<string[]> {
  const rows = await scope.query(sql<{ id: string }>`
    select p.id
    from jsonb_to_recordset(${JSON.stringify(hits)}::jsonb) as p(id text, "modifiedAt" timestamptz)
    left join lateral (
      select i.ticket_id, i.archived, i.modified_at, greatest(i.observed_at, s.seen_at) as observed_at
      from issues i
      left join issue_last_seen s
        on s.tenant_id = i.tenant_id and s.integration_id = i.integration_id and s.ticket_id = i.ticket_id
      where i.tenant_id = ${scope.tenantId} and i.integration_id = ${integrationId}
        and i.ticket_id >= p.id and i.ticket_id <= p.id
      order by i.tenant_id, i.integration_id, i.ticket_id
      limit 1
    ) k on true
    where k.ticket_id is null
      or (k.archived and k.observed_at < ${asOf.toISOString()}
        and not exists (
          select from issue_merges m
          where m.tenant_id = ${scope.tenantId} and m.integration_id = ${integrationId} and m.loser_id = p.id))
      or (not k.archived and (p."modifiedAt" > k.modified_at
        -- HubSpot's Date counts whole seconds.
        or (p."modifiedAt" = k.modified_at and k.observed_at < k.modified_at + interval '2 seconds')))`)
  return rows.map(({ id }) => id)
}
