/** Reads the tables of the schema from the catalogue: columns, keys and references. */
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'

export interface Column {
  name: string
  type: string
  required: boolean
}

export interface Table {
  name: string
  /** Whether it has tenants' rows. */
  ofTenants: boolean
  /** Without generated columns. */
  columns: Column[]
  key: string[]
  /** Column -> the column it references. */
  references: Record<string, { table: string; column: string }>
  /** The definitions of the check constraints. */
  checks: string[]
}

/** All tables of the current schema, each after those it references. */
export async function readTables(db: Database): Promise<Table[]> {
  const { rows } = await sql<Table>`
    select c.relname::text as name,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as "ofTenants",
      (select coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'required', a.attnotnull and not a.atthasdef) order by a.attnum), '[]')
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          and a.attgenerated = '' and a.attidentity = '') as columns,
      (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_index x
        join pg_attribute a on a.attrelid = c.oid and a.attnum = any(x.indkey)
        where x.indrelid = c.oid and x.indisprimary) as key,
      (select coalesce(json_object_agg(a.attname, json_build_object('table', f.relname, 'column', b.attname)), '{}')
        from pg_constraint k join pg_class f on f.oid = k.confrelid
        cross join lateral unnest(k.conkey, k.confkey) as pair(here, there)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.here
        join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.there
        where k.conrelid = c.oid and k.contype = 'f') as references,
      (select coalesce(json_agg(pg_get_constraintdef(k.oid)), '[]') from pg_constraint k
        where k.conrelid = c.oid and k.contype = 'c') as checks
    from pg_class c
    where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
      and c.relname not in ('spoke_migrations', 'spoke_migrations_lock')
    order by 1`.execute(db.kysely)
  return inOrder(rows)
}

function inOrder(tables: Table[]): Table[] {
  const done = new Map<string, Table>()
  const add = (table: Table, above: string[]) => {
    if (done.has(table.name) || above.includes(table.name)) return
    for (const { table: needed } of Object.values(table.references)) {
      const found = tables.find(({ name }) => name === needed)
      if (found) add(found, [...above, table.name])
    }
    done.set(table.name, table)
  }
  // Tables with short keys come first: tables with longer keys refer to their rows, even without a
  // foreign key.
  for (const table of tables.toSorted((one, other) => one.key.length - other.key.length)) add(table, [])
  return [...done.values()]
}
