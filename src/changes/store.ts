/**
 * All SQL on the change feed. A change is written in the transaction that makes it, and numbered by
 * a counter that stays locked until that transaction ends. What a reader sees up to a number is
 * therefore complete.
 */
import { sql } from 'kysely'
import { maxPageBytes, type SizedRow } from '../api/byte-budget.ts'
import { ago } from '../db/database.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import {
  type Change,
  type ChangeType,
  type FeedPosition,
  feedBeginning,
  feedPositionOf,
  isAtPosition,
} from './change.ts'

/**
 * CTEs for a statement that changes rows. They number and write the changes that its CTE `emitted`
 * lists, address them to the endpoints that receive webhooks, and do nothing where it is empty.
 * From here until this transaction ends, other transactions of the tenant that record changes wait;
 * take any other lock that is needed for long before this.
 *
 * @param scope whose feed; `emitted` has the columns type, integration_id, issue_id, ticket_id and
 *   detail
 */
export const recordChanges = ({ tenantId }: TenantScope) => sql`
    numbered as (
      insert into change_counters as c (tenant_id, last_seq)
      select ${tenantId}, count(*) from emitted having count(*) > 0
      on conflict (tenant_id) do update set last_seq = c.last_seq + excluded.last_seq
      returning last_seq
    ),
    written as (
      insert into changes (tenant_id, seq, type, integration_id, issue_id, ticket_id, detail)
      select ${tenantId}, n.last_seq - count(*) over () + row_number() over (), t.type, t.integration_id, t.issue_id, t.ticket_id,
        t.detail
      from emitted t cross join numbered n
      returning seq, type, integration_id, ticket_id
    ),
    addressed as (
      insert into deliveries (tenant_id, endpoint_id, seq, ordering_key)
      select ${tenantId}, e.endpoint_id, w.seq, w.integration_id || ' ' || w.ticket_id
      from written w join (
        select endpoint_id, types from endpoints where tenant_id = ${tenantId} and disabled_at is null
        union all
        select endpoint_id, types from product_endpoint) e
        on w.type <> 'endpoint.test' and (e.types is null or w.type = any(e.types))
    )`

/**
 * Records a change that is not about an issue.
 *
 * @returns its number
 */
export async function recordChange(
  scope: TenantScope,
  type: Exclude<ChangeType, `issue.${string}`>,
  integrationId: string | null,
  detail: Record<string, unknown>,
): Promise<number> {
  const [row] = await scope.query(sql<{ seq: number }>`
    with emitted as (
      select ${type} as type, ${integrationId}::uuid as integration_id, null::uuid as issue_id, null as ticket_id,
        ${JSON.stringify(detail)}::jsonb as detail
    ),
    ${recordChanges(scope)}
    select seq from written`)
  return row?.seq ?? 0
}

export type SizedChange = Change & SizedRow

/** Of a change in a response: cursor, ids, time and type, bytes. */
const otherFieldsBytes = sql`500`

/**
 * The changes from `from` on. Sums up their lengths before any detail is read.
 *
 * @param own the change at the reader's position, which is not repeated
 * @param bytes the detail of rows beyond this size is null
 */
async function rowsFrom(
  scope: TenantScope,
  from: number,
  own: number,
  atMost: number,
  bytes = Number.MAX_SAFE_INTEGER,
): Promise<SizedChange[]> {
  return await scope.query(sql<SizedChange>`
    select seq, change_id, type, at, integration_id, issue_id, ticket_id, "upTo",
      case when "upTo" <= ${bytes} and seq <> ${own} then detail end as detail
    from (
      select *, (sum(size) over (order by seq))::float8 as "upTo"
      from (
        select *, case when seq = ${own} then 0 else ${otherFieldsBytes} + bytes end as size from changes
        where tenant_id = ${scope.tenantId} and seq >= ${from}
        order by seq
        limit ${atMost}) page) measured
    where "upTo" - size <= ${Math.max(bytes, maxPageBytes)}
    order by seq`)
}

/**
 * The changes after a position, in one statement: what retention deletes meanwhile is either all
 * there or known to be gone.
 *
 * @param bytes the detail of rows beyond this size is null
 * @returns undefined when the change at the position is gone, or is another one
 */
export async function readChanges(
  scope: TenantScope,
  after: FeedPosition,
  atMost: number,
  bytes?: number,
): Promise<SizedChange[] | undefined> {
  const own = after.seq > 0
  const rows = await rowsFrom(scope, after.seq, after.seq, own ? atMost + 1 : atMost, bytes)
  const [first] = rows
  if (own) return isAtPosition(after, first) ? rows.slice(1) : undefined
  // From the very beginning, which may be deleted.
  return !first || first.seq === 1 ? rows : undefined
}

/** From the oldest retained change. */
export async function readOldestChanges(
  scope: TenantScope,
  atMost: number,
  bytes?: number,
): Promise<SizedChange[]> {
  return await rowsFrom(scope, 0, 0, atMost, bytes)
}

/** Where the feed ends now. */
export async function findFeedEnd(scope: TenantScope): Promise<FeedPosition> {
  const [last] = await scope.query(sql<Pick<Change, 'seq' | 'change_id'>>`
    select seq, change_id from changes
    where tenant_id = ${scope.tenantId}
    order by seq desc
    limit 1`)
  return last ? feedPositionOf(last) : feedBeginning
}

/** The last number of each feed. */
export async function findLastSeqs(
  { query }: SystemScope,
  tenantIds: readonly string[],
): Promise<{ tenant_id: string; last_seq: number }[]> {
  return await query(sql`
    select tenant_id, last_seq from change_counters
    where tenant_id = any(${[...tenantIds]}::uuid[])`)
}

/**
 * Removes an issue's data from a section of the feed, because its integration is being purged. The
 * changes themselves stay, so that readers resume where they were.
 *
 * @param beyond where the section begins
 * @returns where it ends; undefined at the end of the feed
 */
export async function redactChanges(
  scope: TenantScope,
  integrationId: string,
  beyond: number,
  window: number,
): Promise<number | undefined> {
  const [row] = await scope.query(sql<{ last: number | null }>`
    with stretch as materialized (
      select seq from changes where tenant_id = ${scope.tenantId} and seq > ${beyond} order by seq limit ${window}
    ),
    emptied as (
      update changes set issue_id = null, ticket_id = null, detail = null
      where tenant_id = ${scope.tenantId} and seq = any(array(select seq from stretch)) and integration_id = ${integrationId}
        and issue_id is not null
      returning seq
    ),
    failed as (
      update deliveries set ordering_key = null, due_at = 'infinity',
        failure_reason = case when delivered_at is null then 'its integration was purged' end
      where tenant_id = ${scope.tenantId} and seq = any(array(select seq from emptied))
    )
    select max(seq) as last from stretch`)
  return row?.last ?? undefined
}

/** The two oldest changes are older than `retentionMs`: the newest of the old ones stays. */
export const hasOldChanges = ({ tenantId }: TenantScope, retentionMs: number) => sql<boolean>`
  coalesce((select at from changes where tenant_id = ${tenantId} order by seq offset 1 limit 1) < ${ago(retentionMs)}, false)`

/**
 * Deletes changes older than `retentionMs`. The newest of them stays: a reader positioned there has
 * missed nothing.
 *
 * @returns how many were deleted
 */
export async function deleteOldChanges(
  scope: TenantScope,
  retentionMs: number,
  atMost: number,
): Promise<number> {
  const rows = await scope.query(sql`
    with old as materialized (
      select seq from (
        select seq, at from changes where tenant_id = ${scope.tenantId} order by seq limit ${atMost + 1}) oldest
      where at < ${ago(retentionMs)}
    )
    delete from changes
    where tenant_id = ${scope.tenantId} and seq = any(array(select seq from old)) and seq < (select max(seq) from old)
    returning 1 as one`)
  return rows.length
}
