/** The serving login: checks that it is not too powerful, and grants it what it needs. */
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { databaseRoles } from './expected.ts'

/**
 * When migrations have their own login, the serving login must own no tables and must not bypass
 * row level security.
 */
export async function loginFaults(db: Database): Promise<string[]> {
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
    ...(owns ? [`the serving login ${login} owns tables; only the login of SPOKE_MIGRATE_URL may`] : []),
  ])
}

/**
 * Lets a serving login act as the three database roles and as spoke_guard, and read which migrations
 * are applied. It owns nothing. Run by the migrating login.
 */
export async function grantServingLogin(db: Database, login: string): Promise<void> {
  const role = sql.id(login)
  const admitted = async (roles: readonly string[]) => {
    const { rows } = await sql<{ admitted: boolean }>`
      select bool_and(pg_has_role(${login}, role_name, 'member')) as admitted from unnest(${[...roles]}::text[]) role_name
      `.execute(db.kysely)
    return rows[0]?.admitted === true
  }
  if (!(await admitted(databaseRoles)))
    await sql`grant ${sql.join(databaseRoles.map((name) => sql.id(name)))} to ${role}`.execute(db.kysely)
  await sql`grant select on spoke_migrations to ${role}`.execute(db.kysely)
  if (!(await admitted(['spoke_guard'])))
    await sql`grant spoke_guard to ${role}`.execute(db.kysely).catch((error: { code?: string }) => {
      // Needed for SQL access alone. An administrator made the role; the doctor reports that it is missing.
      if (error.code !== '42501') throw error
    })
}
