/** Checks the database roles: what they own, their rights on the server, and presets for logins. */
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { allRoles, databaseRoles } from '../db/isolation/expected.ts'

export async function catalogueRoleGrantFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    select 'role ' || r.rolname || ' can ' || right_of.what as fault from pg_roles r
    cross join lateral (values
      (r.rolcreaterole, 'create roles'), (r.rolcreatedb, 'create databases'), (r.rolreplication, 'replicate, which bypasses every policy')
    ) as right_of(there, what)
    where r.rolname in (${sql.join(allRoles)}) and right_of.there
    union all
    select 'role ' || r.rolname || ' owns ' || pg_describe_object(d.classid, d.objid, 0) from pg_shdepend d
    join pg_roles r on r.oid = d.refobjid
    where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o' and r.rolname in (${sql.join(databaseRoles)})
      and d.dbid in (0, (select oid from pg_database where datname = current_database()))
    union all
    -- What is preset here would be a tenant whom nobody named.
    select 'spoke.tenant_id is preset for ' || coalesce('role ' || r.rolname, 'everyone')
      || coalesce(' in database ' || b.datname, '') || ': a transaction that names no tenant would use that one'
    from pg_db_role_setting s
    left join pg_roles r on r.oid = s.setrole
    left join pg_database b on b.oid = s.setdatabase
    where (s.setdatabase = 0 or b.datname = current_database())
      and exists (select from unnest(s.setconfig) c where c ~* '^spoke\\.tenant_id=.')
    union all
    select 'spoke.tenant_id is preset by the server: a transaction that names no tenant would use that one'
    where current_setting('spoke.tenant_id', true) <> ''`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}

/**
 * For the operator to review: who can act as one of the database roles, and so as any tenant.
 * Includes the service's own logins.
 */
export async function catalogueRoleLogins(db: Database): Promise<string[]> {
  const { rows } = await sql<{ member: string }>`
    select distinct pg_get_userbyid(m.member) as member from pg_auth_members m
    where pg_get_userbyid(m.roleid) in ('spoke_search', ${sql.join(databaseRoles)}) order by 1`.execute(
    db.kysely,
  )
  return rows.map(({ member }) => member)
}

/**
 * The owner of a table can disable its policies, so all of ours must have one owner: the migrating
 * login.
 */
export async function catalogueOwnerFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    with owned as (
      select 'table ' || c.relname as what, c.relowner as owner from pg_class c
      join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
      where c.relkind in ('r', 'p', 'f') and c.relnamespace = current_schema()::regnamespace
      union all
      select 'function ' || f.proname || '()', f.proowner from pg_proc f
      where f.pronamespace = current_schema()::regnamespace and f.proname = 'spoke_tenant'
    ), migrator as (
      select relowner as owner from pg_class where oid = to_regclass('tenants')
    )
    select o.what || ' is owned by ' || pg_get_userbyid(o.owner) || ', not by ' || pg_get_userbyid(m.owner)
      || ', who owns table tenants' as fault
    from owned o cross join migrator m where o.owner <> m.owner`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}
