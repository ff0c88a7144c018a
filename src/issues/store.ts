/** All SQL on issues. Over 200 lines because lists, single issues and their deletion share what an issue is made of. */
import { type RawBuilder, sql } from 'kysely'
import type { z } from 'zod'
import { maxPageBytes, type SizedRow } from '../api/byte-budget.ts'
import type { RowOf } from '../api/wire.ts'
import type { TenantScope } from '../db/scope.ts'
import type { TicketAssociations } from './association-store.ts'
import { allFields, type IssueFields } from './issue-fields.ts'
import type { issue } from './schema.ts'
import { dropSearchBuild } from './search-index-store.ts'

/**
 * An issue as read from the database, with data from the account's catalog and the ticket's
 * associations.
 */
export interface StoredIssue
  extends RowOf<
      Omit<z.infer<typeof issue>, 'associations'>,
      'created_at' | 'modified_at' | 'archived_at' | 'deleted_at' | 'synced_at'
    >,
    SizedRow {
  /** null: never read. */
  associations: TicketAssociations | null
}

/** Options of both lists. */
export interface IssuePage {
  /** true: only tombstones; false: only live issues; undefined: both. */
  archived?: boolean | undefined
  after: string | undefined
  limit: number
  /** In rows beyond this many bytes on the page, the long values are null. Absent: no limit. */
  bytes?: number
  /** What to read. Absent: everything. */
  fields?: IssueFields | undefined
}

/** Estimated bytes of an issue's other fields in a response: ids, times, names and labels. */
export const otherFieldsBytes = sql`1500`

/** The rows that a page may show, and one more: nothing is looked up for rows that are cut off. */
const onPage = (bytes: number) => sql`i.up_to - i.size <= ${Math.max(bytes, maxPageBytes)}`

/** Bytes of the values of an issue `i` that are read, besides those of every issue. */
function sizeOf(scope: TenantScope, fields: IssueFields): RawBuilder<unknown> {
  const sizes = [otherFieldsBytes]
  for (const column of ['subject', 'content'] as const)
    if (fields.has(column)) sizes.push(sql`coalesce(octet_length(${sql.ref(`i.${column}`)}), 0)`)
  if (fields.has('properties')) sizes.push(sql`i.bytes`)
  else if (fields.properties.length > 0)
    sizes.push(sql`(
      select sum(octet_length(name) + 8 + coalesce(octet_length(i.properties ->> name), 0))
      from unnest(${[...fields.properties]}::text[]) name)`)
  if (fields.has('associations'))
    sizes.push(sql`coalesce((
      select x.bytes from issue_associations x
      where x.tenant_id = ${scope.tenantId} and x.integration_id = i.integration_id
        and x.ticket_id = i.ticket_id limit 1), 0)`)
  return sql.join(sizes, sql` + `)
}

/** All properties of an issue `i`, or those that are asked for. */
const propertiesOf = (fields: IssueFields) =>
  fields.has('properties')
    ? sql`i.properties`
    : sql`(
      select jsonb_object_agg(name, i.properties -> name) from unnest(${[...fields.properties]}::text[]) name)`

/** A lookup for each issue, joined only if one of these fields is read. */
const joinFor = (fields: IssueFields, names: readonly string[], join: RawBuilder<unknown>) =>
  names.some((name) => fields.has(name)) ? join : sql``

/**
 * Adds the names behind the ids to the issues of `page`. Each join is one full-key probe per issue,
 * even before the tables have statistics, and only for rows that are shown. Row sizes are summed
 * before any `properties` value is read.
 *
 * @param order the order of `page`; empty for a single row
 * @param more further columns of `page` to return, each after a comma
 * @param fields what to read; rows have nothing else but the ids, whatever their type says
 */
export const withAccountData = (
  scope: TenantScope,
  page: RawBuilder<unknown>,
  order: RawBuilder<unknown>,
  bytes = Number.MAX_SAFE_INTEGER,
  more = sql``,
  fields = allFields,
) => {
  const whole = (value: RawBuilder<unknown>) => sql`case when i.up_to <= ${bytes} then ${value} end`
  const columns: Record<string, RawBuilder<unknown>> = {
    subject: whole(sql`i.subject`),
    content: whole(sql`i.content`),
    pipeline_id: sql`i.pipeline_id`,
    pipeline_name: sql`p.label`,
    stage_id: sql`i.stage_id`,
    stage_name: sql`s.label`,
    stage_closed: sql`s.closed`,
    priority: sql`i.priority`,
    category: sql`i.category`,
    owner_id: sql`i.owner_id`,
    owner_name: sql`o.label`,
    owner_email: sql`o.email`,
    created_at: sql`i.ticket_created_at`,
    modified_at: sql`nullif(i.modified_at, 'epoch')`,
    archived: sql`i.archived`,
    archived_at: sql`i.archived_at`,
    deleted_at: sql`i.deleted_at`,
    merged_into: sql`m.survivor_id`,
    url: sql`i.url`,
    properties: whole(propertiesOf(fields)),
    associations: whole(sql`a.associations`),
    synced_at: sql`i.synced_at`,
  }
  const selected = Object.entries(columns)
    .filter(([name]) => fields.has(name) || (name === 'properties' && fields.properties.length > 0))
    .map(([name, value]) => sql`, ${value} as ${sql.ref(name)}`)
  return sql<StoredIssue>`
  select i.up_to as "upTo", i.issue_id, i.integration_id, i.ticket_id ${sql.join(selected, sql``)} ${more}
  from (
    select *, (sum(size) over (${order}))::float8 as up_to
    from (
      select i.*, ${sizeOf(scope, fields)} as size
      -- The offset makes the size be computed once per row, the order that the page is not sorted again.
      from (${page}) i ${order} offset 0) i) i
  ${joinFor(
    fields,
    ['pipeline_name'],
    sql`left join lateral (
    select l.label from labels l
    where l.tenant_id = ${scope.tenantId} and l.integration_id = i.integration_id
      and l.topic = 'pipeline' and l.parent = '' and l.id = i.pipeline_id limit 1) p on true`,
  )}
  ${joinFor(
    fields,
    ['stage_name', 'stage_closed'],
    sql`left join lateral (
    select l.label, l.closed from labels l
    where l.tenant_id = ${scope.tenantId} and l.integration_id = i.integration_id
      and l.topic = 'stage' and l.parent = i.pipeline_id and l.id = i.stage_id limit 1) s on true`,
  )}
  ${joinFor(
    fields,
    ['owner_name', 'owner_email'],
    sql`left join lateral (
    select l.label, l.email from labels l
    where l.tenant_id = ${scope.tenantId} and l.integration_id = i.integration_id
      and l.topic = 'owner' and l.parent = '' and l.id = i.owner_id limit 1) o on true`,
  )}
  ${joinFor(
    fields,
    ['associations'],
    sql`left join lateral (
    select x.associations from issue_associations x
    where x.tenant_id = ${scope.tenantId} and x.integration_id = i.integration_id
      and x.ticket_id = i.ticket_id limit 1) a on true`,
  )}
  ${joinFor(
    fields,
    ['merged_into'],
    sql`left join lateral (
    select x.survivor_id from issue_merges x
    where x.tenant_id = ${scope.tenantId} and x.integration_id = i.integration_id
      and x.loser_id = i.ticket_id limit 1) m on true`,
  )}
  where ${onPage(bytes)}
  ${order}`
}

const afterKey = (column: RawBuilder<unknown>, after: string | undefined) =>
  after === undefined ? sql`` : sql`and ${column} > ${after}`

const archivedFilter = ({ archived }: IssuePage) =>
  archived === undefined ? sql`` : archived ? sql`and archived` : sql`and not archived`

/**
 * In the order in which they were first stored, which no change affects: a client that pages
 * through sees each issue once.
 */
export async function listIssues(scope: TenantScope, at: IssuePage): Promise<StoredIssue[]> {
  const page = sql`
    select * from issues
    where tenant_id = ${scope.tenantId} ${afterKey(sql`issue_id`, at.after)} ${archivedFilter(at)}
    order by issue_id
    limit ${at.limit}`
  return await scope.query(withAccountData(scope, page, sql`order by i.issue_id`, at.bytes, sql``, at.fields))
}

/**
 * The same for one integration, by ticket id: the primary key's order, so that other integrations'
 * issues are not scanned.
 */
export async function listIntegrationIssues(
  scope: TenantScope,
  at: IssuePage & { integrationId: string },
): Promise<StoredIssue[]> {
  const page = sql`
    select * from issues
    where tenant_id = ${scope.tenantId} and integration_id = ${at.integrationId}
      ${afterKey(sql`ticket_id`, at.after)} ${archivedFilter(at)}
    order by ticket_id
    limit ${at.limit}`
  return await scope.query(
    withAccountData(scope, page, sql`order by i.ticket_id`, at.bytes, sql``, at.fields),
  )
}

/** @param bytes see IssuePage */
export async function findIssue(
  scope: TenantScope,
  issueId: string,
  bytes?: number,
  fields?: IssueFields,
): Promise<StoredIssue | undefined> {
  const page = sql`select * from issues where tenant_id = ${scope.tenantId} and issue_id = ${issueId}`
  const rows = await scope.query(withAccountData(scope, page, sql``, bytes, sql``, fields))
  return rows[0]
}

/** Names an issue by HubSpot's id. */
export interface TicketRef {
  integration_id: string
  ticket_id: string
}

/** What a request asks for, in the order of the result. */
export type IssueRefs = { issueIds: readonly string[] } | { tickets: readonly TicketRef[] }

/** Looks up each of them by a full key. @param at see IssuePage; those of others are not found */
export async function findIssuesByIds(
  scope: TenantScope,
  refs: IssueRefs,
  at: { bytes: number; fields: IssueFields | undefined },
): Promise<StoredIssue[]> {
  const asked =
    'issueIds' in refs
      ? sql`unnest(${[...refs.issueIds]}::uuid[]) with ordinality r(issue_id, at)`
      : sql`unnest(${refs.tickets.map((one) => one.integration_id)}::uuid[],
          ${refs.tickets.map((one) => one.ticket_id)}::text[]) with ordinality r(integration_id, ticket_id, at)`
  const key =
    'issueIds' in refs
      ? sql`i.issue_id = r.issue_id`
      : sql`i.integration_id = r.integration_id and i.ticket_id = r.ticket_id`
  const page = sql`
    select i.*, r.at from ${asked}
    cross join lateral (
      select * from issues i where i.tenant_id = ${scope.tenantId} and ${key} limit 1) i`
  return await scope.query(withAccountData(scope, page, sql`order by i.at`, at.bytes, sql``, at.fields))
}

/** An issue and the data that belongs to it, each keyed by integration and ticket. */
const issueTables = ['issues', 'issue_associations', 'issue_last_seen', 'issue_search', 'issue_terms']

/** The CTEs that delete issues with their data. @param ids an array of ticket ids */
export const deletionOf = ({ tenantId }: TenantScope, integrationId: string, ids: RawBuilder<unknown>) =>
  sql.join(
    issueTables.map(
      (table) => sql`${sql.id(`gone_${table}`)} as (
      delete from ${sql.table(table)} where tenant_id = ${tenantId} and integration_id = ${integrationId}
        and ticket_id = any(${ids})
    )`,
    ),
  )

/**
 * Deletes some issues of an integration, with their data.
 *
 * @returns how many; zero when none is left
 */
export async function deleteIssueBatch(
  scope: TenantScope,
  integrationId: string,
  limit: number,
): Promise<number> {
  await dropSearchBuild(scope, integrationId)
  const rows = await scope.query(sql`
    with next as materialized (
      select ticket_id from issues
      where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}
      order by ticket_id
      limit ${limit}
    ),
    ${deletionOf(scope, integrationId, sql`array(select ticket_id from next)`)}
    select ticket_id from next`)
  return rows.length
}
