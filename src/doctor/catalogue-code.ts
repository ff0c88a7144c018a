/** Checks for implicitly run code, and for keys that cross tenants. */
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { isExpectedFunction } from '../db/isolation/bypass.ts'
import {
  acrossTenantIndexes,
  allRoles,
  expectedFunctions,
  expectedTriggers,
} from '../db/isolation/expected.ts'

export async function catalogueCodeFaults(db: Database): Promise<string[]> {
  const names = Object.keys(expectedFunctions)
  const { rows } = await sql<{ fault: string }>`
    with ours as (
      select c.oid, c.relname from pg_class c
      join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
      where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
    ), own_functions as (
      select f.* from pg_proc f where not exists (
        select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e')
        and f.pronamespace <> 'pg_catalog'::regnamespace and f.pronamespace <> 'information_schema'::regnamespace
    )
    select 'function ' || f.oid::regprocedure || ' runs with the rights of its owner and can be called by ' || d.role_name as fault
    from own_functions f cross join (select unnest(${sql.val([...allRoles])}::text[]) as role_name) d
    where f.prosecdef and has_schema_privilege(d.role_name, f.pronamespace, 'usage')
      and has_function_privilege(d.role_name, f.oid, 'execute')
    union all
    -- A leakproof function is shown rows before the policy has hidden them.
    select 'function ' || f.oid::regprocedure || ' is marked leakproof' from own_functions f where f.proleakproof
    union all
    select 'function ' || f.oid::regprocedure || ' differs from the one in the migrations' from pg_proc f
    where f.pronamespace = current_schema()::regnamespace and f.proname in (${sql.join(names)})
      and not ${isExpectedFunction(sql`${JSON.stringify(expectedFunctions)}::jsonb ->> f.proname::text`)}
    union all
    select 'table ' || o.relname || ' has a rule: ' || r.rulename from pg_rewrite r join ours o on o.oid = r.ev_class
    union all
    select 'table ' || o.relname || ' has an unexpected trigger: ' || t.tgname from pg_trigger t
    join ours o on o.oid = t.tgrelid
    where not t.tgisinternal and o.relname || '.' || t.tgname <> all (${sql.val([...expectedTriggers])}::text[])
    union all
    select 'table ' || c.oid::regclass || ' inherits from ' || o.relname || ' and has no row level security of its own'
    from pg_inherits i join ours o on o.oid = i.inhparent join pg_class c on c.oid = i.inhrelid
    where not (c.relrowsecurity and c.relforcerowsecurity)
    union all
    select 'foreign table ' || c.relname || ' has a tenant_id, and no policy can protect it' from pg_class c
    join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
    where c.relkind = 'f' and c.relnamespace = current_schema()::regnamespace`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}

/**
 * A unique key without the tenant reveals by a conflict that another tenant has the value; a
 * foreign key without it can lead to another tenant's row.
 */
export async function catalogueKeyFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    with distributed as (
      select c.oid, c.relname from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
        and obj_description(c.oid, 'pg_class') like 'distributed%'
    )
    select case when x.indisunique then 'key ' else 'index ' end || i.relname || ' of table ' || t.relname
      || ' does not begin with tenant_id' as fault
    from pg_index x join pg_class i on i.oid = x.indexrelid join distributed t on t.oid = x.indrelid
    left join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
    where a.attname is distinct from 'tenant_id'
      and (x.indisunique or i.relname <> all (${sql.val([...acrossTenantIndexes])}::text[]))
    union all
    select 'foreign key ' || c.conname || ' of table ' || t.relname || ' can refer to another tenant' from pg_constraint c
    join distributed t on t.oid = c.conrelid
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    join pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1]
    where c.contype = 'f' and not (a.attname = 'tenant_id' and f.attname = 'tenant_id')
    union all
    select 'table ' || d.relname || ' is marked distributed but has no tenant_id' from distributed d
    where not exists (
      select from pg_attribute a where a.attrelid = d.oid and a.attname = 'tenant_id' and a.attnotnull and not a.attisdropped)
    `.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}
