/** SQL for issues that a full pass did not see; each statement reads a bounded number of issues. */
import { sql } from 'kysely'
import { recordChanges } from '../changes/store.ts'
import type { TenantScope } from '../db/scope.ts'
import { indexedColumns, indexRows } from './search-index-store.ts'

const window = 10_000

/** A range of an integration's issues, in ticket id order. */
export interface AbsentRange {
  /** Where the next range begins; undefined: this was the last. */
  beyond: string | undefined
  /** Live issues in the range. */
  live: number
  /** Issues in the range, live or tombstones, that no read has returned since the pass began. */
  absent: string[]
  /** How many of the absent issues are live here. */
  absentLive: number
}

/**
 * When a read last returned each issue `i`, and whether it was merged away: one full-key probe per
 * row. With semi-joins the planner scanned the whole integration once per row when the tables had
 * no statistics, which embedded databases never have.
 */
const withLastSeen = (scope: TenantScope, integrationId: string) => sql`
  left join lateral (
    select s.seen_at from issue_last_seen s
    where s.tenant_id = ${scope.tenantId} and s.integration_id = ${integrationId} and s.ticket_id = i.ticket_id
    limit 1) shown on true
  left join lateral (
    select m.loser_id from issue_merges m
    where m.tenant_id = ${scope.tenantId} and m.integration_id = ${integrationId} and m.loser_id = i.ticket_id
    limit 1) merged on true`

const isUnseen = (at: string) => sql`
  (shown.seen_at is null or shown.seen_at < ${at}) and merged.loser_id is null`

/**
 * @param since start of the pass on HubSpot's clock
 * @param atMost maximum number of absent issues; if it is reached, the range ends at the last of
 *   them
 */
export async function findAbsent(
  scope: TenantScope,
  integrationId: string,
  since: Date,
  beyond: string | undefined,
  atMost: number,
): Promise<AbsentRange> {
  const at = since.toISOString()
  const [row] = await scope.query(sql<{
    last: string | null
    rows: number
    live: number
    absent: { id: string; live: boolean }[] | null
  }>`
    with stretch as (
      select ticket_id, archived, observed_at, deleted_at from issues
      where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and ticket_id > ${beyond ?? ''}
      order by ticket_id
      limit ${window}
    ),
    absent as (
      select i.ticket_id as id, not i.archived as live from stretch i ${withLastSeen(scope, integrationId)}
      where i.deleted_at is null and i.observed_at < ${at} and ${isUnseen(at)}
      order by i.ticket_id
      limit ${atMost}
    )
    select max(ticket_id) as last, count(*)::int as rows, (count(*) filter (where not archived))::int as live,
      (select json_agg(a order by a.id) from absent a) as absent
    from stretch`)
  const absent = row?.absent ?? []
  const cut = absent.length === atMost ? absent.at(-1)?.id : undefined
  const more = row !== undefined && row.rows === window && row.last !== null ? row.last : undefined
  return {
    beyond: cut ?? more,
    live: row?.live ?? 0,
    absent: absent.map(({ id }) => id),
    absentLive: absent.filter(({ live }) => live).length,
  }
}

/**
 * Writes tombstones for tickets that HubSpot has neither live nor archived. An issue that was seen
 * or written since `provedAt` stays unchanged, and so does one that was merged: its tombstone is of
 * another kind.
 *
 * @param provedAt HubSpot's clock at the read by id that did not find the tickets
 * @returns markedDeleted: issues that were not tombstones before. unverified: issues that a read in
 *   the same second or later has returned, so that this read proves nothing
 */
export async function markDeleted(
  scope: TenantScope,
  integrationId: string,
  ticketIds: readonly string[],
  provedAt: Date,
): Promise<{ markedDeleted: string[]; unverified: string[] }> {
  const at = provedAt.toISOString()
  const rows = await scope.query(sql<{ ticket_id: string; archived: boolean; proved: boolean }>`
    with asked as materialized (
      select i.ticket_id, i.issue_id, i.archived, i.observed_at < ${at} and (shown.seen_at is null or shown.seen_at < ${at}) as proved
      from unnest(${[...ticketIds]}::text[]) asked(id)
      cross join lateral (
        select i.ticket_id, i.issue_id, i.archived, i.deleted_at, i.observed_at from issues i
        where i.tenant_id = ${scope.tenantId} and i.integration_id = ${integrationId}
          and i.ticket_id >= asked.id and i.ticket_id <= asked.id
        order by i.tenant_id, i.integration_id, i.ticket_id
        limit 1
      ) i ${withLastSeen(scope, integrationId)}
      where i.deleted_at is null and merged.loser_id is null
    ),
    marked_deleted as (
      update issues set archived = true, archived_at = coalesce(archived_at, ${at}), deleted_at = ${at},
        observed_at = ${at}, synced_at = now()
      where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}
        and ticket_id = any(array(select ticket_id from asked where proved))
      returning ${indexedColumns}
    ),
    ${indexRows(scope, integrationId, 'marked_deleted')},
    emitted as (
      select 'issue.archived' as type, ${integrationId}::uuid as integration_id, issue_id, ticket_id, '{"deleted": true}'::jsonb as detail
      from asked where proved and not archived
    ),
    ${recordChanges(scope)}
    select ticket_id, archived, proved from asked`)
  const ids = (some: typeof rows) => some.map(({ ticket_id }) => ticket_id)
  return {
    markedDeleted: ids(rows.filter(({ archived, proved }) => proved && !archived)),
    unverified: ids(rows.filter(({ proved }) => !proved)),
  }
}

/** Lists live issues in ticket id order, so that a sync can read their associations. */
export async function findLive(
  scope: TenantScope,
  integrationId: string,
  beyond: string | undefined,
  limit: number,
): Promise<string[]> {
  const rows = await scope.query(sql<{ id: string }>`
    select ticket_id as id from issues
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and ticket_id > ${beyond ?? ''}
      and not archived
    order by ticket_id
    limit ${limit}`)
  return rows.map(({ id }) => id)
}
