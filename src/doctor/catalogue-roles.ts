/** The doors as roles: what they own, what they may do to the server, and what is set for whoever logs in. */
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { doors } from '../db/isolation/expected.ts'

export async function roleFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    select 'role ' || r.rolname || ' may ' || right_of.what as fault from pg_roles r
    cross join lateral (values
      (r.rolcreaterole, 'make roles'), (r.rolcreatedb, 'make databases'), (r.rolreplication, 'replicate, which passes by every policy')
    ) as right_of(there, what)
    where r.rolname in (${sql.join(doors)}) and right_of.there
    union all
    select 'role ' || r.rolname || ' owns ' || pg_describe_object(d.classid, d.objid, 0) from pg_shdepend d
    join pg_roles r on r.oid = d.refobjid
    where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o' and r.rolname in (${sql.join(doors)})
      and d.dbid in (0, (select oid from pg_database where datname = current_database()))
    union all
    -- What is preset here would be a tenant whom nobody named.
    select 'spoke.tenant_id is preset for ' || coalesce('role ' || r.rolname, 'everybody')
      || coalesce(' in database ' || b.datname, '') || ': a missing tenant would mean that one'
    from pg_db_role_setting s
    left join pg_roles r on r.oid = s.setrole
    left join pg_database b on b.oid = s.setdatabase
    where (s.setdatabase = 0 or b.datname = current_database())
      and exists (select from unnest(s.setconfig) c where c ~* '^spoke\\.tenant_id=.')
    union all
    select 'spoke.tenant_id is preset by the server: a missing tenant would mean that one'
    where current_setting('spoke.tenant_id', true) <> ''`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}

/** For an operator to read: who can act as a door, and so as any tenant. The service's own logins are among them. */
export async function whoMayActAsDoors(db: Database): Promise<string[]> {
  const { rows } = await sql<{ member: string }>`
    select distinct pg_get_userbyid(m.member) as member from pg_auth_members m
    where pg_get_userbyid(m.roleid) in (${sql.join(doors)}) order by 1`.execute(db.kysely)
  return rows.map(({ member }) => member)
}

/** Whoever owns a table can lift its policies, so all of ours have one owner: the login that migrates. */
export async function ownerFaults(db: Database): Promise<string[]> {
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
