/**
 * Checks grants beyond our own tables: every object that names a database role, and grants to
 * PUBLIC.
 */
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { allRoles, databaseRoles } from '../db/isolation/expected.ts'
import { viewSchemaOid } from '../db/isolation/view-schema.ts'

const roles = sql.join(allRoles)

/**
 * Our schema's own relations and policies are checked one by one at start; otherwise the roles may
 * only have usage of the schema.
 */
export async function catalogueMentionFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    with here as (select oid from pg_database where datname = current_database())
    select r.rolname || ' has grants on ' || pg_describe_object(d.classid, d.objid, d.objsubid) as fault
    from pg_shdepend d
    join pg_roles r on r.oid = d.refobjid and r.rolname in (${roles})
    where d.refclassid = 'pg_authid'::regclass and d.deptype = 'a' and (d.dbid = 0 or d.dbid = (select oid from here))
      -- Other databases of this server are theirs to check.
      and not (d.classid = 'pg_database'::regclass and d.objid <> (select oid from here))
      and not (d.classid = 'pg_class'::regclass and exists (
        select from pg_class c where c.oid = d.objid and c.relnamespace in (current_schema()::regnamespace, ${viewSchemaOid})))
      and not (d.classid = 'pg_namespace'::regclass and d.objid in (current_schema()::regnamespace, ${viewSchemaOid}))
    union all
    select r.rolname || ' is named in a policy of table ' || c.oid::regclass from pg_policy p
    join pg_class c on c.oid = p.polrelid and c.relnamespace <> current_schema()::regnamespace
    join pg_roles r on r.oid = any(p.polroles) and r.rolname in (${roles})`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}

/** Checks who may use our schema, and who may create objects in it. */
export async function catalogueSchemaFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    with creators as (
      select n.nspname, a.grantee from pg_namespace n
      cross join lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
      where n.oid in (current_schema()::regnamespace, ${viewSchemaOid}) and a.privilege_type = 'CREATE'
    )
    select case when grantee = 0 then 'everyone' else pg_get_userbyid(grantee) end || ' can create objects in schema ' || nspname as fault
    from creators where grantee = 0 or pg_get_userbyid(grantee) in (${roles})
    union all
    select role_name || ' cannot use schema ' || current_schema()
    from unnest(${sql.val([...databaseRoles])}::text[]) role_name
    where not has_schema_privilege(role_name, current_schema()::regnamespace, 'usage')
    union all
    select distinct 'everyone has grants on sequence ' || c.relname from pg_class c
    cross join lateral aclexplode(c.relacl) a
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'S' and a.grantee = 0
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}

/** Checks what would be granted on future tables. */
export async function catalogueDefaultPrivilegeFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    select 'default privileges of ' || pg_get_userbyid(d.defaclrole) || coalesce(' in schema ' || n.nspname, '') || ' grant '
      || case when a.grantee = 0 then 'everyone' else pg_get_userbyid(a.grantee) end || ' ' || a.privilege_type || ' on new '
      || case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'n' then 'schemas' else 'objects' end as fault
    from pg_default_acl d
    left join pg_namespace n on n.oid = d.defaclnamespace
    cross join lateral aclexplode(d.defaclacl) a
    where (d.defaclnamespace = 0 or n.oid = current_schema()::regnamespace)
      and ((a.grantee = 0 and d.defaclobjtype in ('r', 'S', 'n')) or pg_get_userbyid(a.grantee) in (${roles}))
    `.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}
