/**
 * All SQL on the change feed. A change is written in the transaction that makes it, and numbered by a counter that stays
 * locked until its end: what a reader sees up to a number is all there ever is up to it.
 */
import { type RawBuilder, sql } from 'kysely'
import type { SystemScope, TenantScope } from '../tenants/scope.ts'
import { beginning, type Change, type ChangeType, type Position, positionOf, standsAt } from './change.ts'

/**
 * CTEs of a statement that changes rows: they number and write what its CTE `told` lists, and touch nothing where it is empty.
 * Other transactions of the tenant that tell of something wait from here to the end of this one; so whatever else it locks for
 * long is locked before.
 *
 * @param scope whose feed; `told` has the columns type, integration_id, issue_id, ticket_id and detail
 */
export const writeTold = ({ tenantId }: TenantScope) => sql`
    numbered as (
      insert into change_counters as c (tenant_id, last_seq)
      select ${tenantId}, count(*) from told having count(*) > 0
      on conflict (tenant_id) do update set last_seq = c.last_seq + excluded.last_seq
      returning last_seq
    ),
    written as (
      insert into changes (tenant_id, seq, type, integration_id, issue_id, ticket_id, detail)
      select ${tenantId}, n.last_seq - count(*) over () + row_number() over (), t.type, t.integration_id, t.issue_id, t.ticket_id,
        t.detail
      from told t cross join numbered n
    )`

/** Tells of something that is no issue. */
export async function tell(
  scope: TenantScope,
  type: Exclude<ChangeType, `issue.${string}`>,
  integrationId: string,
  detail: Record<string, unknown>,
): Promise<void> {
  await scope.query(sql`
    with told as (
      select ${type} as type, ${integrationId}::uuid as integration_id, null::uuid as issue_id, null as ticket_id,
        ${JSON.stringify(detail)}::jsonb as detail
    ),
    ${writeTold(scope)}
    select 1 as one`)
}

const columns: RawBuilder<unknown> = sql`seq, change_id as "changeId", type, at, integration_id as "integrationId",
  issue_id as "issueId", ticket_id as "ticketId", detail`

/**
 * What comes behind a position, in one statement: what retention takes away meanwhile is either all there or known to be gone.
 *
 * @returns undefined when the change at the position is there no more, or is another one
 */
export async function readChanges(
  scope: TenantScope,
  after: Position,
  atMost: number,
): Promise<Change[] | undefined> {
  const rows = await scope.query(sql<Change>`
    select ${columns} from changes
    where tenant_id = ${scope.tenantId} and seq >= ${after.seq}
    order by seq
    limit ${atMost + 1}`)
  if (after.seq > 0) return standsAt(after, rows[0]) ? rows.slice(1) : undefined
  // From the very beginning, which may be gone.
  return rows.length === 0 || rows[0]?.seq === 1 ? rows.slice(0, atMost) : undefined
}

/** From the oldest that is kept. */
export async function readOldest(scope: TenantScope, atMost: number): Promise<Change[]> {
  return await scope.query(sql<Change>`
    select ${columns} from changes
    where tenant_id = ${scope.tenantId}
    order by seq
    limit ${atMost}`)
}

/** Where the feed ends now. */
export async function endOf(scope: TenantScope): Promise<Position> {
  const [last] = await scope.query(sql<Pick<Change, 'seq' | 'changeId'>>`
    select seq, change_id as "changeId" from changes
    where tenant_id = ${scope.tenantId}
    order by seq desc
    limit 1`)
  return last ? positionOf(last) : beginning
}

/** How far the feeds have come. */
export async function lastSeqs(
  { query }: SystemScope,
  tenantIds: readonly string[],
): Promise<{ tenantId: string; lastSeq: number }[]> {
  return await query(sql`
    select tenant_id as "tenantId", last_seq as "lastSeq" from change_counters
    where tenant_id = any(${[...tenantIds]}::uuid[])`)
}

/**
 * Takes what is an issue's out of a stretch of the feed: its integration is being purged. The changes stay, so that who reads goes
 * on where it was.
 *
 * @param beyond where the stretch begins
 * @returns where it ends; undefined at the end of the feed
 */
export async function blankChanges(
  scope: TenantScope,
  integrationId: string,
  beyond: number,
  window: number,
): Promise<number | undefined> {
  const [row] = await scope.query(sql<{ last: number | null }>`
    with stretch as materialized (
      select seq from changes where tenant_id = ${scope.tenantId} and seq > ${beyond} order by seq limit ${window}
    ),
    blanked as (
      update changes set issue_id = null, ticket_id = null, detail = null
      where tenant_id = ${scope.tenantId} and seq = any(array(select seq from stretch)) and integration_id = ${integrationId}
        and issue_id is not null
    )
    select max(seq) as last from stretch`)
  return row?.last ?? undefined
}

/** Older than `keepMs`; the newest stays, or whoever has read it would not know that nothing came after. @returns how many went */
export async function deleteOldChanges(scope: TenantScope, keepMs: number, atMost: number): Promise<number> {
  const rows = await scope.query(sql`
    with oldest as materialized (
      select seq, at from changes where tenant_id = ${scope.tenantId} order by seq limit ${atMost}
    )
    delete from changes
    where tenant_id = ${scope.tenantId}
      and seq = any(array(select seq from oldest where at < clock_timestamp() - ${keepMs}::float8 * interval '1 ms'))
      and seq < (select last_seq from change_counters where tenant_id = ${scope.tenantId})
    returning 1 as one`)
  return rows.length
}
