/**
 * Checks that grants in our schema to the database roles, and to PUBLIC on our tables, match the
 * list.
 */
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { expectedGrantLines, type GrantedRole, grantedRoles, knownTables } from './expected.ts'

export async function grantFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ role: string; what: string; privilege: string; passes_on: boolean }>`
    with relations as (
      select c.oid, c.relname, c.relacl, c.relowner,
        c.relname in (${sql.join(knownTables)}) or exists (
          select from pg_attribute t
          where t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped) as ours
      from pg_class c
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relnamespace = current_schema()::regnamespace
    ), granted as (
      select ours, relowner, relname::text as what, (aclexplode(relacl)).* from relations
      union all
      select r.ours, r.relowner, r.relname || '.' || a.attname, (aclexplode(a.attacl)).*
      from relations r join pg_attribute a on a.attrelid = r.oid and a.attacl is not null
    )
    select case when grantee = 0 then 'public' else pg_get_userbyid(grantee) end as role, what,
      privilege_type as privilege, is_grantable as passes_on
    from granted
    where grantee <> relowner
      and ((grantee = 0 and ours) or pg_get_userbyid(grantee) in (${sql.join(grantedRoles)}))`.execute(
    db.kysely,
  )
  const present = new Set(rows.map(({ role, what, privilege }) => `${role} ${what} ${privilege}`))
  const allowed = new Map<string, Set<string>>(
    grantedRoles.map((role) => [role, new Set(expectedGrantLines(role))]),
  )
  const beyond = rows.filter(({ role, what, privilege }) => !allowed.get(role)?.has(`${what} ${privilege}`))
  const lacking = (role: GrantedRole) =>
    expectedGrantLines(role).filter((line) => !present.has(`${role} ${line}`))
  return [
    ...beyond.map(
      ({ role, what, privilege }) => `table ${what} has an unexpected grant: ${privilege} for ${role}`,
    ),
    ...rows
      .filter(({ passes_on }) => passes_on)
      .map(
        ({ role, what, privilege }) => `${role} can grant its privilege to others: ${privilege} on ${what}`,
      ),
    ...grantedRoles.flatMap((role) =>
      lacking(role).map((line) => `${role} lacks an expected grant: ${line}`),
    ),
  ]
}
