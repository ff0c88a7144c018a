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
  const checks = [roleFaults, tableFaults, grantFaults, bypassFaults]
  const faults: string[] = []
  for (const check of checks) faults.push(...(await check(db)))
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

/** The one policy of every tenant table, as PostgreSQL prints it. */
const own = '(tenant_id = ( SELECT spoke_tenant() AS spoke_tenant))'
const ownPolicy = `own_tenant * spoke_app ${own} ${own}`
/** Beside it, on the routing tables alone: the system door finds ids. */
const systemPolicies: Record<string, string[]> = {
  api_keys: ['find_key r spoke_system true -', 'touch_key w spoke_system true true'],
  portal_routes: ['find_ids r spoke_system true -'],
  sync_streams: ['find_due r spoke_system true -'],
  tenants: ['find_keys r spoke_system true -'],
}
/** What the system door may do on tables of tenants: read whole routes, and these columns of tenants, keys and streams. */
const systemGrants = [
  'portal_routes SELECT',
  'tenants.tenant_id SELECT',
  'tenants.key_id SELECT',
  'tenants.created_at SELECT',
  ...['key_id', 'tenant_id', 'scopes', 'key_hash', 'expires_at', 'revoked_at', 'last_used_at'].map(
    (column) => `api_keys.${column} SELECT`,
  ),
  'api_keys.last_used_at UPDATE',
  ...[
    'tenant_id',
    'integration_id',
    'kind',
    'mode',
    'epoch',
    'lease_until',
    'lease_by',
    'sync_event_id',
    'not_before',
    'next_at',
  ].map((column) => `sync_streams.${column} SELECT`),
]
const appGrants = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE'])

/** Tables with a tenant_id: row level security, and exactly the policies that are meant. */
async function tableFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string; enabled: boolean; forced: boolean; policies: string[] }>`
    select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
      array(
        select concat_ws(' ', p.polname, p.polcmd,
          (select string_agg(case when r = 0 then 'public' else pg_get_userbyid(r) end, ',') from unnest(p.polroles) r),
          coalesce(pg_get_expr(p.polqual, c.oid), '-'), coalesce(pg_get_expr(p.polwithcheck, c.oid), '-'))
        from pg_policy p where p.polrelid = c.oid and p.polpermissive order by p.polname
      ) as policies
    from pg_class c
    join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
    where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace`.execute(db.kysely)
  if (rows.length === 0) return ['no table of tenants is there; run `spoke migrate`']
  return rows.flatMap(({ name, enabled, forced, policies }) => {
    const meant = [ownPolicy, ...(systemPolicies[name] ?? [])]
    return [
      ...(enabled ? [] : [`table ${name} has no row level security`]),
      ...(forced ? [] : [`table ${name} does not FORCE row level security`]),
      ...(policies.includes(ownPolicy)
        ? []
        : [`table ${name} has no policy for reading and writing by tenant`]),
      ...policies
        .filter((policy) => !meant.includes(policy))
        .map((policy) => `table ${name} has an open policy: ${policy}`),
    ]
  })
}

/** Every grant on a table of tenants, its columns included, to one of the doors or to everybody. */
async function grantFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ role: string; what: string; privilege: string }>`
    with tenant_tables as (
      select c.oid, c.relname, c.relacl from pg_class c
      join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
      where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
    ), granted as (
      select relname::text as what, (aclexplode(relacl)).* from tenant_tables
      union all
      select t.relname || '.' || a.attname, (aclexplode(a.attacl)).*
      from tenant_tables t join pg_attribute a on a.attrelid = t.oid and a.attacl is not null
    )
    select case when grantee = 0 then 'public' else pg_get_userbyid(grantee) end as role, what, privilege_type as privilege
    from granted
    where grantee = 0 or pg_get_userbyid(grantee) in (${sql.join(doors)})`.execute(db.kysely)
  return rows
    .filter(({ role, what, privilege }) => {
      if (role === 'spoke_app') return !appGrants.has(privilege)
      return role !== 'spoke_system' || !systemGrants.includes(`${what} ${privilege}`)
    })
    .map(({ role, what, privilege }) => `table ${what} has grants beyond its door: ${privilege} for ${role}`)
}

/** The function that every policy stands on, by its own text. Since migration 0001. */
const spokeTenantBody = '3f1ddbc86c396984a3541d703a8afe3c'

/** Ways round the tables: a changed context function, code or views with their owner's rights, a door through a door. */
async function bypassFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    select 'function spoke_tenant() is not the one of the migrations' as fault
    where not exists (
      select from pg_proc f where f.pronamespace = current_schema()::regnamespace and f.proname = 'spoke_tenant'
        and md5(f.prosrc) = ${spokeTenantBody} and not f.prosecdef and f.pronargs = 0)
    union all
    select 'function ' || f.proname || ' runs with the rights of its owner' from pg_proc f
    where f.pronamespace = current_schema()::regnamespace and f.prosecdef
      and not exists (select from pg_depend d where d.objid = f.oid and d.deptype = 'e')
    union all
    select distinct 'view ' || v.relname || ' may show the rows of every tenant' from pg_rewrite r
    join pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm')
    join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
    join pg_attribute t on t.attrelid = d.refobjid and t.attname = 'tenant_id' and not t.attisdropped
    join pg_class b on b.oid = t.attrelid and b.relkind in ('r', 'p') and b.relnamespace = current_schema()::regnamespace
    union all
    select 'role ' || pg_get_userbyid(m.member) || ' is a member of ' || pg_get_userbyid(m.roleid) from pg_auth_members m
    where pg_get_userbyid(m.member) in (${sql.join(doors)})`.execute(db.kysely)
  return rows.map(({ fault }) => fault)
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
