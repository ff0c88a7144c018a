/**
 * The data stored for a tenant, as the comments of its tables and columns mark it, and SQL that reads
 * and deletes the tenant's rows in any table, page by page along the primary key.
 */
import { type RawBuilder, sql } from 'kysely'
import type { SizedRow } from '../api/byte-budget.ts'
import type { Query } from '../db/database.ts'
import type { TenantScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'

/** A table with tenants' rows. */
export interface InventoryEntry {
  table: string
  /** The columns of the primary key, without `tenant_id`. */
  key: readonly string[]
  /** Columns marked `exported`. */
  exported: readonly string[]
  /** Every other column: secrets, and columns that nobody has marked. */
  withheld: readonly string[]
  /** When an erasure deletes the rows, in the words of the table's comment; empty: not marked. */
  erased: string
}

/**
 * Reads the catalogue, so that no list can lack a table or column. A missing mark is safe: such a
 * column is not exported, and the rows of such a table are erased in steps. A test fails for it.
 *
 * @returns in the order of an export
 */
export const readDataInventory = ({ query }: TenantScope): Promise<InventoryEntry[]> =>
  query(sql<InventoryEntry>`
    select c.relname::text as table,
      array(
        select k.attname::text from pg_index x cross join lateral unnest(x.indkey) with ordinality as part(attnum, at)
        join pg_attribute k on k.attrelid = c.oid and k.attnum = part.attnum and k.attname <> 'tenant_id'
        where x.indrelid = c.oid and x.indisprimary order by part.at) as key,
      coalesce(array_agg(a.attname::text order by a.attnum) filter (where d.description ~ '^exported(:|$)'), '{}') as exported,
      coalesce(array_agg(a.attname::text order by a.attnum)
        filter (where d.description ~ '^exported(:|$)' is not true), '{}') as withheld,
      coalesce(substring(obj_description(c.oid, 'pg_class') from '; erased (.*)'), '') as erased
    from pg_class c
    join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_description d on d.objoid = c.oid and d.classoid = 'pg_class'::regclass and d.objsubid = a.attnum
    where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
    group by c.oid, c.relname order by c.relname <> 'tenants', c.relname`)

/** The key of the last row of a page; undefined for the first page. */
export type ExportPosition = readonly string[] | undefined

const refs = (columns: readonly string[]) => sql.join(columns.map((column) => sql.ref(`t.${column}`)))

/**
 * Avoids a sort of all the tenant's rows for each page: without statistics the planner would choose
 * one, and an embedded database never has statistics.
 */
const byKey = sql`set local enable_sort = off`

/** The key as text in one array, so that `order by` still refers to the typed columns. */
const keyOf = ({ key }: InventoryEntry) =>
  sql.join([sql`array[]::text[]`, ...key.map((column) => sql`${sql.ref(`t.${column}`)}::text`)], sql` || `)

const pageOf = (
  { table, key }: InventoryEntry,
  tenantId: TenantId,
  beyond: ExportPosition,
  what: RawBuilder<unknown>,
  atMost: number,
) => sql`
  select ${what} from ${sql.table(table)} t
  where t.tenant_id = ${tenantId}
    ${beyond && key.length > 0 ? sql`and (${refs(key)}) > (${sql.join(beyond)})` : sql``}
  order by ${refs(['tenant_id', ...key])}
  limit ${atMost}`

export interface ExportedRow extends SizedRow {
  place: string[]
  /** One line of JSON. */
  text: string
}

/**
 * The approximate length of a row as a line. A table with a `bytes` column stores the length, so
 * its JSON is not read.
 */
const lengthOf = ({ exported }: InventoryEntry) =>
  exported.includes('bytes') ? sql`1000 + 2 * t.bytes` : sql`1000 + octet_length(t::text)`

/**
 * The next rows of a table as JSON of the exported columns; times are in UTC.
 *
 * @param bytes the limit: `text` is null for rows beyond it
 */
export async function readInventoryPage(
  scope: TenantScope,
  entry: InventoryEntry,
  beyond: ExportPosition,
  atMost: number,
  bytes = Number.MAX_SAFE_INTEGER,
): Promise<ExportedRow[]> {
  await scope.query(byKey)
  await scope.query(sql`set local time zone 'UTC'`)
  const exported = sql.join(entry.exported.map((column) => sql`${column}::text, ${sql.ref(`t.${column}`)}`))
  // jsonb, because a value of type json may contain line breaks. Ordered by the key alone, because
  // the page is already sorted by it.
  const order = entry.key.length > 0 ? sql`order by ${refs(entry.key)}` : sql``
  return await scope.query(sql<ExportedRow>`
    select ${keyOf(entry)} as place, t.up_to as "upTo",
      case when t.up_to <= ${bytes} then jsonb_build_object(${exported})::text end as text
    from (
      select t.*, (sum(${lengthOf(entry)}) over (${order}))::float8 as up_to
      from (${pageOf(entry, scope.tenantId, beyond, sql`t.*`, atMost)}) t) t
    ${order}`)
}

/**
 * Deletes the next rows of a table.
 *
 * @returns where the next page starts; undefined when no rows were left
 */
export async function deleteInventoryPage(
  { query, tenantId }: { query: Query; tenantId: TenantId },
  entry: InventoryEntry,
  beyond: ExportPosition,
  atMost: number,
): Promise<ExportPosition> {
  await query(byKey)
  const what = sql`t.ctid as id, ${keyOf(entry)} as place`
  const rows = await query(sql<{ place: string[] }>`
    with next as materialized (${pageOf(entry, tenantId, beyond, what, atMost)}),
    gone as (
      delete from ${sql.table(entry.table)}
      where tenant_id = ${tenantId} and ctid = any(array(select id from next))
    )
    select place from next`)
  return rows.at(-1)?.place
}

/** Deletes all the tenant's rows in a small table. */
export async function deleteInventoryRows(
  { query, tenantId }: TenantScope,
  { table }: InventoryEntry,
): Promise<void> {
  await query(sql`delete from ${sql.table(table)} where tenant_id = ${tenantId}`)
}

export async function hasInventoryRows(
  { query, tenantId }: TenantScope,
  { table }: InventoryEntry,
): Promise<boolean> {
  const rows = await query(sql`select from ${sql.table(table)} where tenant_id = ${tenantId} limit 1`)
  return rows.length > 0
}
