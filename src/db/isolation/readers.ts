/** Checks the roles behind views: what they own, and what the logins of readers can reach. */
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { allRoles, expectedViews, viewRoles } from './expected.ts'

/** The name of every login that `spoke sql-access` creates, and of no other role. */
export const loginPattern = '^spoke_sql_[0-9a-f]{16}$'

/** A recursive query `reached`: the logins of readers, and each role that one of them can act as. */
export const reachedByReaders = sql`reached as (
  select l.oid as role from pg_roles l where l.rolname ~ ${loginPattern}
  union
  select m.roleid from pg_auth_members m join reached on reached.role = m.member
)`

const strong = sql`(r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication)`

/** Each as `owner view`, in whatever schema: another of this database may be Spoke's too. */
const ownedViews = Object.entries(expectedViews).map(
  ([name, { owner }]) => `${owner} ${name.replace(/^spoke_views\./, '')}`,
)

export async function readerFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    with recursive ${reachedByReaders}
    select 'role ' || name || ' is missing' as fault from unnest(${[...viewRoles]}::text[]) name
    where not exists (select from pg_roles r where r.rolname = name)
    union all
    select 'role ' || r.rolname || ' has attributes that it must not have' from pg_roles r
    where r.rolname in (${sql.join(viewRoles)}) and (${strong} or r.rolcanlogin)
    union all
    select 'role ' || r.rolname || ' owns ' || c.relname from pg_class c
    join pg_roles r on r.oid = c.relowner and r.rolname in (${sql.join(viewRoles)})
    where c.relkind in ('r', 'p', 'm', 'f') or (c.relkind = 'v' and r.rolname || ' ' || c.relname <> all (${ownedViews}::text[]))
    union all
    select 'role ' || pg_get_userbyid(m.member) || ' is a member of ' || pg_get_userbyid(m.roleid) from pg_auth_members m
    where pg_get_userbyid(m.member) in (${sql.join(viewRoles)})
      and not (pg_get_userbyid(m.member) = 'spoke_guard' and pg_get_userbyid(m.roleid) ~ ${loginPattern})
    union all
    select 'a SQL login can act as ' || r.rolname from reached join pg_roles r on r.oid = reached.role
    where r.rolname in (${sql.join(allRoles.filter((role) => role !== 'spoke_reader'))}) or r.rolname ~ '^pg_' or ${strong}
      or r.oid = (select c.relowner from pg_class c where c.oid = to_regclass('tenants'))`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
}

/**
 * What readers of SQL can do that disturbs others and shows them nothing, and what an operator left
 * undone. Only an administrator can change the first.
 */
export async function readerWarnings(db: Database): Promise<string[]> {
  const { rows } = await sql<{ warning: string }>`
    with logins as (
      select r.rolname::text as login from pg_roles r where r.rolname ~ ${loginPattern}
        and shobj_description(r.oid, 'pg_authid') = ${sqlLoginComment}
    )
    select 'SQL logins can take advisory locks and create large objects; docs/sql-access.md has the statements that forbid both'
      as warning
    where exists (select from logins) and (
      has_function_privilege('spoke_reader', 'pg_advisory_lock(bigint)', 'execute')
      or has_function_privilege('spoke_reader', 'lo_create(oid)', 'execute'))
    union all
    select format('the database login %s cannot end the sessions of SQL logins; run: grant spoke_guard to %I', current_user, current_user)
    where exists (select from logins) and not pg_has_role(current_user, 'spoke_guard',
      case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end)
    union all
    select format('SQL logins can create objects in schema %I; as its owner, run: revoke create on schema %I from public', n.nspname, n.nspname)
    from pg_namespace n where exists (select from logins) and n.nspname !~ '^pg_'
      and has_schema_privilege('spoke_reader', n.oid, 'create')
    union all
    select format('%s large objects are owned by SQL login %s', count(*), pg_get_userbyid(o.lomowner))
    from pg_largeobject_metadata o where pg_get_userbyid(o.lomowner) ~ ${loginPattern} group by o.lomowner`.execute(
    db.kysely,
  )
  return rows.map(({ warning }) => warning)
}

/** Marks the logins of this database among those of the server. It is readable by everyone. */
export const sqlLoginComment = sql`'SQL login of Spoke in database ' || current_database()`
