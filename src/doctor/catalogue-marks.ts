/** Checks the comments that say what an export contains and when an erasure deletes a row. */
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { knownTables } from '../db/isolation/expected.ts'

/**
 * A new table or column whose mark was forgotten, or a restore without comments. Nothing leaks: a
 * column without a mark is missing from exports, and an erasure may not end.
 */
export async function catalogueMarkFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    with ours as (
      select c.oid, c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
        exists (select from pg_attribute t
          where t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped) as of_tenants
      from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
    )
    select 'table ' || o.relname || ' is not marked by its comment' as fault from ours o
    -- An operator's own table in the schema is not checked.
    where (o.of_tenants or o.relname in (${sql.join(knownTables)})) and o.comment !~ case when o.of_tenants
      then '^(distributed: tenant_id|reference); erased (at once|in steps|once revoked|by the eraser|after the rest|last)$'
      else '^(reference|local)$' end
    union all
    select 'column ' || o.relname || '.' || a.attname || ' is not marked exported, secret or derived by its comment' from ours o
    join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
    where o.of_tenants and coalesce(col_description(o.oid, a.attnum), '') !~ '^(exported|secret|derived)(: .+)?$'
    union all
    -- Exports and erasures read a table page by page along its key.
    select 'table ' || o.relname || ' has no primary key' from ours o
    where o.of_tenants and not exists (select from pg_index x where x.indrelid = o.oid and x.indisprimary)
    order by fault`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}
