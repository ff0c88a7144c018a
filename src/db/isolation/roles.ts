/** Checks that the three roles exist, bypass and own nothing, and can be used by the login. */
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { databaseRoles } from './expected.ts'

export async function roleFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ role: string; strong: boolean; owns: boolean; usable: boolean }>`
    select r.rolname as role,
      r.rolsuper or r.rolbypassrls as strong,
      exists (select from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p', 'v')) as owns,
      pg_has_role(current_user, r.oid,
        case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) as usable
    from pg_roles r where r.rolname in (${sql.join(databaseRoles)})`.execute(db.kysely)
  return databaseRoles.flatMap((name) => {
    const role = rows.find((row) => row.role === name)
    if (!role) return [`role ${name} is missing`]
    return [
      ...(role.strong ? [`role ${name} bypasses row level security`] : []),
      ...(role.owns ? [`role ${name} owns tables`] : []),
      ...(role.usable ? [] : [`the database login cannot act as ${name}; GRANT ${name} TO it`]),
    ]
  })
}
