/** Digests of the rows that are not A's, to detect whether a request changed any. */
import { type RawBuilder, sql } from 'kysely'
import { expectedGrantLines } from '../db/isolation/expected.ts'
import { withTenant } from '../db/scope.ts'
import { asOwner } from './owner.ts'
import type { RehearsalContext } from './rehearsal-request.ts'

/** B's rows as B sees them. One statement, because it runs after every request. */
export async function digestOthersRows({ db, fixtures: { tables, b } }: RehearsalContext): Promise<string> {
  const readable = new Set(expectedGrantLines('spoke_app'))
  const digests = tables
    .filter(({ name, ofTenants }) => ofTenants && readable.has(`${name} SELECT`))
    .map(({ name }) => digestOf(name, sql`true`))
  const found = await withTenant(db, b.tenantId, ({ query }) =>
    query(sql<Digest>`${sql.join(digests, sql` union all `)}`),
  )
  return linesOf(found)
}

/**
 * Every row that is not A's, as the owner sees it: including rows B cannot see, and new rows of
 * neither tenant.
 */
export async function digestAllOtherRows({
  db,
  fixtures: { tables, forced, a },
}: RehearsalContext): Promise<string> {
  const digests = tables.map(({ name, ofTenants }) =>
    digestOf(name, ofTenants ? sql`tenant_id <> ${a.tenantId}` : sql`false`),
  )
  return linesOf(
    await asOwner(db, forced, (query) => query(sql<Digest>`${sql.join(digests, sql` union all `)}`)),
  )
}

interface Digest {
  name: string
  digest: string | null
}

const digestOf = (table: string, which: RawBuilder<unknown>) => sql`
  select ${table}::text as name, md5(string_agg(t::text, ',' order by t::text)) as digest
  from ${sql.table(table)} t where ${which}`

const linesOf = (found: Digest[]): string => found.map(({ name, digest }) => `${name} ${digest}`).join('\n')

/** @returns the names of the tables that differ, for an error message */
export const changedTables = (before: string, after: string): string => {
  const old = before.split('\n')
  return after
    .split('\n')
    .filter((line, at) => line !== old[at])
    .map((line) => line.split(' ', 1)[0])
    .join(', ')
}
