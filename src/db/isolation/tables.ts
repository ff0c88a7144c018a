/**
 * Checks that tables with a tenant_id have row level security and exactly the expected policies.
 */
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { knownTables, otherPolicies } from './expected.ts'

/** The one policy of every tenant table, as PostgreSQL prints it. */
const own = '(tenant_id = spoke_tenant())'
const ownPolicy = `own_tenant * spoke_app ${own} ${own}`

/** A copy of a table left in our schema stops the start like any other unprotected table. */
const elsewhere = ', and is not one of Spoke’s; move it to another schema'

export async function tableFaults(db: Database): Promise<string[]> {
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
  if (rows.length === 0) return ['there are no tenant tables; run `spoke migrate`']
  return rows.flatMap(({ name, enabled, forced, policies }) => {
    const meant = [ownPolicy, ...(otherPolicies[name] ?? [])]
    return [
      ...(enabled
        ? []
        : [`table ${name} has no row level security${knownTables.includes(name) ? '' : elsewhere}`]),
      ...(forced ? [] : [`table ${name} does not FORCE row level security`]),
      ...(policies.includes(ownPolicy)
        ? []
        : [`table ${name} has no policy for reading and writing by tenant`]),
      ...policies
        .filter((policy) => !meant.includes(policy))
        .map((policy) => `table ${name} has an unexpected policy: ${policy}`),
    ]
  })
}
