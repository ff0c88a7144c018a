/** Checks that the roles exist, bypass and own nothing, and can be used by the login. */
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { databaseRoles, viewOwner } from './expected.ts'

export async function roleFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ role: string; strong: boolean; owns: boolean; usable: boolean }>`
    select r.rolname as role,
      r.rolsuper or r.rolbypassrls as strong,
      exists (select from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p', 'v')) as owns,
      pg_has_role(current_user, r.oid,
        case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) as usable
    from pg_roles r where r.rolname in (${sql.join([...databaseRoles, viewOwner])})`.execute(db.kysely)
  return [...databaseRoles, viewOwner].flatMap((name) => {
    const role = rows.find((row) => row.role === name)
    if (!role) return [`role ${name} is missing`]
    const strong = role.strong ? [`role ${name} bypasses row level security`] : []
    if (name === viewOwner) return strong
    return [
      ...strong,
      ...(role.owns ? [`role ${name} owns tables`] : []),
      ...(role.usable ? [] : [`the database login cannot act as ${name}; GRANT ${name} TO it`]),
    ]
  })
}
