/** Reads the catalogue at start: does the wall between tenants stand? If not, nothing is served. */
import { sql } from 'kysely'
import type { Database } from '../lib/db.ts'

const doors = ['spoke_app', 'spoke_system'] as const

/**
 * @param strictLogin true when migrations have a login of their own: then the serving login must own and bypass
 *   nothing either
 * @returns what is wrong, in words for an operator; empty when the wall stands
 */
export async function isolationFaults(db: Database, strictLogin: boolean): Promise<string[]> {
  const faults = [...(await roleFaults(db)), ...(await tableFaults(db))]
  return strictLogin ? [...faults, ...(await loginFaults(db))] : faults
}

async function roleFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ role: string; strong: boolean; owns: boolean; usable: boolean }>`
    select r.rolname as role,
      r.rolsuper or r.rolbypassrls as strong,
      exists (select from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p', 'v')) as owns,
      pg_has_role(current_user, r.oid,
        case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) as usable
    from pg_roles r where r.rolname in (${sql.join(doors)})`.execute(db.kysely)
  return doors.flatMap((door) => {
    const role = rows.find((row) => row.role === door)
    if (!role) return [`role ${door} is missing`]
    return [
      ...(role.strong ? [`role ${door} bypasses row level security`] : []),
      ...(role.owns ? [`role ${door} owns tables`] : []),
      ...(role.usable ? [] : [`the database login may not act as ${door}; GRANT ${door} TO it`]),
    ]
  })
}

async function tableFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{
    name: string
    enabled: boolean
    forced: boolean
    guarded: boolean
    open_policies: string | null
    loose_grants: string | null
  }>`
    select c.relname as name,
      c.relrowsecurity as enabled,
      c.relforcerowsecurity as forced,
      exists (
        select from pg_policy p
        where p.polrelid = c.oid and p.polcmd = '*' and p.polpermissive
          and p.polroles = array['spoke_app'::regrole::oid]
          and pg_get_expr(p.polqual, c.oid) like '%tenant_id = ( SELECT spoke_tenant()%'
          and pg_get_expr(p.polwithcheck, c.oid) like '%tenant_id = ( SELECT spoke_tenant()%'
      ) as guarded,
      (
        select string_agg(p.polname, ', ') from pg_policy p
        where p.polrelid = c.oid and p.polpermissive
          and p.polroles && array[0::oid, 'spoke_app'::regrole::oid]
          and coalesce(pg_get_expr(p.polqual, c.oid), 'true') not like '%tenant_id = ( SELECT spoke_tenant()%'
      ) as open_policies,
      (
        select string_agg(distinct a.privilege_type || ' for ' || coalesce(r.rolname, 'public'), ', ')
        from aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
        where a.grantee = 0
          or (r.rolname = 'spoke_app' and a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
          or (r.rolname = 'spoke_system' and a.privilege_type <> 'SELECT')
      ) as loose_grants
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = current_schema()
    join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
    where c.relkind in ('r', 'p')`.execute(db.kysely)
  if (rows.length === 0) return ['no table of tenants is there; run `spoke migrate`']
  return rows.flatMap((table) => [
    ...(table.enabled ? [] : [`table ${table.name} has no row level security`]),
    ...(table.forced ? [] : [`table ${table.name} does not FORCE row level security`]),
    ...(table.guarded ? [] : [`table ${table.name} has no policy for reading and writing by tenant`]),
    ...(table.open_policies ? [`table ${table.name} has an open policy: ${table.open_policies}`] : []),
    ...(table.loose_grants ? [`table ${table.name} has grants beyond its door: ${table.loose_grants}`] : []),
  ])
}

async function loginFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ login: string; strong: boolean; owns: boolean }>`
    select r.rolname as login,
      r.rolsuper or r.rolbypassrls as strong,
      exists (
        select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = current_schema() and pg_has_role(r.oid, c.relowner, 'member')
      ) as owns
    from pg_roles r where r.rolname = current_user`.execute(db.kysely)
  return rows.flatMap(({ login, strong, owns }) => [
    ...(strong ? [`the serving login ${login} bypasses row level security`] : []),
    ...(owns ? [`the serving login ${login} owns tables; only SPOKE_MIGRATE_URL's may`] : []),
  ])
}

/**
 * Lets a serving login act through the two doors, read which migrations are applied, and use the job queue. It
 * owns nothing. Run by the login that migrates.
 */
export async function admitLogin(db: Database, login: string): Promise<void> {
  const role = sql.id(login)
  const { rows } = await sql<{ admitted: boolean }>`
    select pg_has_role(${login}, 'spoke_app', 'member') and pg_has_role(${login}, 'spoke_system', 'member') as admitted
    `.execute(db.kysely)
  for (const grant of [
    ...(rows[0]?.admitted ? [] : [sql`grant spoke_app, spoke_system to ${role}`]),
    sql`grant select on spoke_migrations to ${role}`,
    sql`grant usage on schema pgboss to ${role}`,
    sql`grant select, insert, update, delete on all tables in schema pgboss to ${role}`,
    sql`grant execute on all functions in schema pgboss to ${role}`,
  ]) {
    await grant.execute(db.kysely)
  }
}
