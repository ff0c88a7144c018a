/**
 * Checks for ways around the table policies: changed context functions, code or views with their
 * owner's rights, one database role inside another.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database.ts'
import { databaseRoles, expectedFunctions, expectedViews, viewOwner } from './expected.ts'

/** The body of a function `f`, whether names in it are resolved when it runs or were when it was created. */
const body = sql`coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)`

/** Names that are resolved at run time are sought in this schema, with temporary tables last. */
const pinnedPath = sql`case when f.prosqlbody is null
  then array['search_path=' || quote_ident(current_schema()) || ', pg_temp'] end`

/** Whether the function `f` is the one that the migrations create, whose body has this md5. */
export const isExpectedFunction = (md5: RawBuilder<unknown>) => sql`(md5(${body}) = ${md5} and f.pronargs = 0
  and not f.prosecdef and f.proconfig is not distinct from ${pinnedPath})`

const views = sql`jsonb_each(${JSON.stringify(expectedViews)}::jsonb) e`

/** Whether the view `v` is the one that the migrations create, described by `e`. */
const isExpectedView = sql`(v.relkind = 'v' and v.reloptions is null and pg_get_userbyid(v.relowner) = e.value ->> 'owner'
  and e.value -> 'md5' ? md5(pg_get_viewdef(v.oid)))`

export async function bypassFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    select 'function ' || b.name || '() differs from the one in the migrations' as fault
    from unnest(${Object.keys(expectedFunctions)}::text[], ${Object.values(expectedFunctions)}::text[]) b(name, md5)
    where not exists (
      select from pg_proc f where f.pronamespace = current_schema()::regnamespace and f.proname = b.name
        and ${isExpectedFunction(sql`b.md5`)})
    union all
    select 'function ' || f.proname || ' runs with the rights of its owner' from pg_proc f
    where f.pronamespace = current_schema()::regnamespace and f.prosecdef
      and not exists (select from pg_depend d where d.objid = f.oid and d.deptype = 'e')
    union all
    select 'view ' || e.key || ' differs from the one in the migrations' from ${views}
    where not exists (
      select from pg_class v where v.relnamespace = current_schema()::regnamespace and v.relname = e.key and ${isExpectedView})
    union all
    select 'role ' || pg_get_userbyid(c.relowner) || ' owns ' || c.relname from pg_class c
    where c.relowner = to_regrole(${viewOwner}) and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and not exists (select from ${views} where c.relname = e.key)
    union all
    select distinct 'view ' || v.relname || ' may show the rows of every tenant' from pg_rewrite r
    join pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm')
      and not exists (
        select from ${views} where v.relnamespace = current_schema()::regnamespace and v.relname = e.key and ${isExpectedView})
    join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
    join pg_attribute t on t.attrelid = d.refobjid and t.attname = 'tenant_id' and not t.attisdropped
    join pg_class b on b.oid = t.attrelid and b.relkind in ('r', 'p') and b.relnamespace = current_schema()::regnamespace
    union all
    select 'role ' || pg_get_userbyid(m.member) || ' is a member of ' || pg_get_userbyid(m.roleid) from pg_auth_members m
    where pg_get_userbyid(m.member) in (${sql.join([...databaseRoles, viewOwner])})`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}

/**
 * Privileges that Spoke does not need and that expose nothing by themselves. Only the owner of the
 * database can revoke them.
 */
export async function isolationBypassWarnings(db: Database): Promise<string[]> {
  const { rows } = await sql<{ warning: string }>`
    select format('every role can create temporary tables; as the owner of the database, run: revoke temporary on database %I from public',
      current_database()) as warning
    where has_database_privilege('spoke_app', current_database(), 'TEMPORARY')`.execute(db.kysely)
  return rows.map(({ warning }) => warning)
}
