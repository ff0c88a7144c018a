/**
 * Checks that grants in our two schemas to the database roles, to the logins of readers, and to PUBLIC
 * on our tables, match the list.
 */
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { allRoles, expectedGrantLines, knownTables } from './expected.ts'
import { reachedByReaders } from './readers.ts'
import { nameOfRelation, viewSchemaOid } from './view-schema.ts'

export async function grantFaults(db: Database): Promise<string[]> {
  const { rows } = await sql<{ role: string; what: string; privilege: string; passes_on: boolean }>`
    with recursive ${reachedByReaders}, relations as (
      select c.oid, ${nameOfRelation(sql`c`)} as name, c.relacl,
        -- What a view's owner may do with it is no grant.
        case when c.relkind = 'v' then c.relowner end as owner,
        c.relname in (${sql.join(knownTables)}) or exists (
          select from pg_attribute t
          where t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped) as ours
      from pg_class c
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relnamespace in (current_schema()::regnamespace, ${viewSchemaOid})
    ), granted as (
      select ours, owner, name as what, (aclexplode(relacl)).* from relations
      union all
      select r.ours, r.owner, r.name || '.' || a.attname, (aclexplode(a.attacl)).*
      from relations r join pg_attribute a on a.attrelid = r.oid and a.attacl is not null
    )
    select case when grantee = 0 then 'public' else pg_get_userbyid(grantee) end as role, what,
      privilege_type as privilege, is_grantable as passes_on
    from granted
    where grantee is distinct from owner and ((grantee = 0 and ours)
      or pg_get_userbyid(grantee) in (${sql.join(allRoles)}) or (ours and grantee in (select role from reached)))`.execute(
    db.kysely,
  )
  const present = new Set(rows.map(({ role, what, privilege }) => `${role} ${what} ${privilege}`))
  const allowed = new Map<string, Set<string>>(
    allRoles.map((role) => [role, new Set(expectedGrantLines(role))]),
  )
  const beyond = rows.filter(({ role, what, privilege }) => !allowed.get(role)?.has(`${what} ${privilege}`))
  const lacking = (role: (typeof allRoles)[number]) =>
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
    ...allRoles.flatMap((role) => lacking(role).map((line) => `${role} lacks an expected grant: ${line}`)),
  ]
}
