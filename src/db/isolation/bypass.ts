/**
 * Checks for ways around the table policies: changed context functions, code or views with their
 * owner's rights, one database role inside another.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database.ts'
import { databaseRoles, expectedFunctions, expectedViews } from './expected.ts'
import { nameOfRelation } from './view-schema.ts'

/** The body of a function `f`, whether names in it are resolved when it runs or were when it was created. */
const body = sql`coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)`

/** Names that are resolved at run time are sought in this schema, with temporary tables last. */
const pinnedPath = sql`case when f.prosqlbody is null
  then array['search_path=' || quote_ident(current_schema()) || ', pg_temp'] end`

/** Whether the function `f` is the one that the migrations create, whose body has this md5. */
export const isExpectedFunction = (md5: RawBuilder<unknown>) => sql`(md5(${body}) = ${md5} and f.pronargs = 0
  and not f.prosecdef and f.proconfig is not distinct from ${pinnedPath})`

const views = Object.entries(expectedViews)
/** Of the view `v`. PostgreSQL 15 prints the name of a view's only table before each column. */
const definition = sql`replace(pg_get_viewdef(v.oid), 'one.', '')`

/** Whether the view `v` is the one that the migrations create, described by `x`. */
const isExpectedView = sql`(v.relkind = 'v' and v.reloptions is null and pg_get_userbyid(v.relowner) = x.owner
  and md5(${definition}) = x.md5)`

export async function bypassFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    with expected as (
      select * from unnest(${views.map(([name]) => name)}::text[], ${views.map(([, { owner }]) => owner)}::text[],
        ${views.map(([, { md5 }]) => md5)}::text[]) as x(name, owner, md5)
    ), present as materialized (
      select v.oid, v.relname, v.relkind, v.relowner, v.reloptions, ${nameOfRelation(sql`v`)} as name from pg_class v
      where v.relkind in ('v', 'm') and v.relnamespace <> 'pg_catalog'::regnamespace
    ), showing as materialized (
      -- The views that read a table with tenants' rows.
      select distinct r.ev_class as oid from pg_rewrite r
      join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
      join pg_attribute t on t.attrelid = d.refobjid and t.attname = 'tenant_id' and not t.attisdropped
      join pg_class b on b.oid = t.attrelid and b.relkind in ('r', 'p') and b.relnamespace = current_schema()::regnamespace
    )
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
    select case
      when x.md5 is null then 'view ' || v.relname || ' may show the rows of every tenant'
      when pg_get_userbyid(v.relowner) <> x.owner
        then 'view ' || x.name || ' is owned by ' || pg_get_userbyid(v.relowner) || ', not by ' || x.owner
      else 'view ' || x.name || ' differs from the one in the migrations' end
    from present v left join expected x on x.name = v.name
    where case when x.name is null then v.oid in (select oid from showing) else ${isExpectedView} is not true end
    union all
    select 'view ' || x.name || ' is missing' from expected x
    where not exists (select from present v where v.relkind = 'v' and v.name = x.name)
    union all
    select 'role ' || pg_get_userbyid(m.member) || ' is a member of ' || pg_get_userbyid(m.roleid) from pg_auth_members m
    where pg_get_userbyid(m.member) in (${sql.join(databaseRoles)})`.execute(db.kysely)
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
