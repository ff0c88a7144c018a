/** Tables with a tenant_id: row level security, and exactly the policies that are meant. */
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { knownTables, otherPolicies } from './expected.ts'

/** The one policy of every tenant table, as PostgreSQL prints it. */
const own = '(tenant_id = ( SELECT spoke_tenant() AS spoke_tenant))'
const ownPolicy = `own_tenant * spoke_app ${own} ${own}`

/** A copy that somebody made to look into stops the start as any table does. */
const elsewhere = ', and is none of Spoke’s; put it into another schema'

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
  if (rows.length === 0) return ['no table of tenants is there; run `spoke migrate`']
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
        .map((policy) => `table ${name} has an open policy: ${policy}`),
    ]
  })
}
