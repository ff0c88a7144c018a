/** Reads a test's database as superuser: row counts and the content of all rows. */
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'

export const databaseOf = newPostgresDatabase

export const runSql = (database: string, text: string) => adminQuery(text, database)

export async function tables(database: string): Promise<string[]> {
  const rows = await runSql(
    database,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  )
  return rows.map(({ name }) => String(name))
}

const counting = new Map<string, Promise<string>>()

/**
 * Rows per table of ours. Retention has its own schedule, budgets and limits count calls, not data, the search index is
 * built in the background, and the audit log records refusals too: `auditCount` counts those.
 */
async function countingQuery(database: string): Promise<string> {
  const ours = (await tables(database)).filter((name) =>
    /^public\.(?!.*(budget|audit|periodic_tasks|issue_search|issue_terms))/.test(name),
  )
  return ours
    .map((name) => `select '${name}' as name, count(*)::int as count from ${name}`)
    .join(' union all ')
}

export async function tableCounts(database: string): Promise<Record<string, number>> {
  const query = counting.get(database) ?? countingQuery(database)
  counting.set(database, query)
  // Prepared, because planning it costs four times as much as running it, and it runs before and after each refusal.
  const rows = await adminQuery({ name: 'table counts', text: await query }, database)
  return Object.fromEntries(rows.map(({ name, count }) => [String(name), Number(count)]))
}

/** Events of the audit log in all chains together. */
export async function auditCount(database: string): Promise<number> {
  const [row] = await runSql(
    database,
    'select (select count(*) from audit_events)::int + (select count(*) from operator_audit)::int as n',
  )
  return Number(row?.n)
}

/** Every row of every table as text. */
export async function everyRow(database: string): Promise<string> {
  const texts: string[] = []
  for (const name of await tables(database)) {
    const rows = await runSql(database, `select t::text as row from ${name} t`)
    texts.push(`${name}\n${rows.map(({ row }) => row).join('\n')}`)
  }
  return texts.join('\n')
}
