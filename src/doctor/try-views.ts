/**
 * Reads the views of SQL access as the group of readers, whose session belongs to one tenant, and
 * tries what no reader may do. On a scratch database: its own login stands for a reader's.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Database, Query } from '../db/database.ts'
import { expectedGrantLines } from '../db/isolation/expected.ts'
import { viewSchema } from '../db/isolation/view-schema.ts'
import { inTransaction } from '../db/transaction.ts'
import { asText } from './as-text.ts'
import type { Fixtures } from './fixtures.ts'
import { asOwner } from './owner.ts'
import type { StatementAttempt } from './statement-attempts.ts'
import { outcomeOf, recordOutcome, type TrialResult } from './try-statements.ts'

const refused = ['42501']
/** Most views cannot be written by anyone, and none truncated. */
const unwritable = [...refused, '55000', '42809']

/** Each in a transaction that is rolled back. */
export async function tryViewsAsReader(db: Database, { tables, a, b }: Fixtures): Promise<TrialResult> {
  const result: TrialResult = { count: 0, leaked: 0, faults: [] }
  const { rows } = await sql<{ schema: string; usable: boolean }>`
    select ${viewSchema} as schema, pg_has_role(current_user, 'spoke_reader', 'member') as usable`.execute(
    db.kysely,
  )
  // An administrator made the roles and did not grant this one: then nobody can create SQL logins.
  if (!rows[0]?.usable) return result
  const { schema } = rows[0]
  const asReader =
    (prelude: string[] = []) =>
    (work: (query: Query) => Promise<never>) =>
      inTransaction(db, ['set local role spoke_reader', ...prelude], work)
  const attempt = async (what: string, one: StatementAttempt, enter = asReader(), codes = refused) =>
    recordOutcome(result, what, one, await outcomeOf(enter, one, async () => ''), codes)
  const denied = (statement: string): StatementAttempt => ({ verb: '', statement, expected: 'denied' })
  const views = expectedGrantLines('spoke_reader').flatMap((line) =>
    line.startsWith('spoke_views.') ? [line.slice('spoke_views.'.length).replace(/ .*/, '')] : [],
  )

  // As in a live database whose tables are in `public`: then the tables alone refuse a reader.
  await asOwner(db, [], (query) =>
    query(sql`
      do $$ begin execute format('grant usage on schema %I to spoke_reader', current_schema()); end $$`),
  )
  await giveTenant(db, sql`${a.tenantId}::uuid`)
  for (const view of views) {
    const name = `"${schema}".${view}`
    const foreign = `select count(*)::int as n from ${name} where tenant_id <> '${a.tenantId}'`
    const read: StatementAttempt = { verb: 'select', statement: foreign, expected: 'empty' }
    await attempt(`as a reader, select on view ${view}`, read)
    // The setting that says whose tenant a transaction of Spoke is says nothing about a reader.
    const preset = [`set local spoke.tenant_id = '${b.tenantId}'`]
    await attempt(`as a reader that names another tenant, select on view ${view}`, read, asReader(preset))
    for (const verb of [`delete from ${name}`, `update ${name} set tenant_id = null`, `truncate ${name}`])
      await attempt(
        `as a reader, ${verb.split(' ', 1)} on view ${view}`,
        denied(verb),
        asReader(),
        unwritable,
      )
    const [own] = await asReaderOnce(db, `select count(*)::int as n from ${name}`)
    if (own?.n === 0) result.faults.push(`view ${view} was not rehearsed: it shows no row of its own tenant`)
  }
  for (const { name } of tables)
    await attempt(`as a reader, select on ${name}`, denied(`select * from ${name}`))
  await attempt('as a reader, creating a table', denied(`create table "${schema}".spy ()`))

  await giveTenant(db, undefined)
  for (const view of views)
    await attempt(
      `as a reader without a tenant, select on view ${view}`,
      denied(`select * from "${schema}".${view}`),
      asReader(),
      ['SP001'],
    )
  return result
}

const asReaderOnce = (db: Database, statement: string) =>
  inTransaction(db, ['set local role spoke_reader'], (query) => query(asText<{ n: number }>(statement)))

/** The scratch database's own login gets a row like a reader's. @param tenant absent: it loses it */
async function giveTenant(db: Database, tenant: RawBuilder<unknown> | undefined): Promise<void> {
  const logins = 'sql_logins'
  await asOwner(db, [logins], async (query) => {
    await query(sql`alter table ${sql.table(logins)} drop constraint if exists sql_logins_login_check`)
    await query(sql`delete from ${sql.table(logins)} where login = session_user`)
    if (tenant)
      await query(sql`
        insert into ${sql.table(logins)} (login, tenant_id, statement_seconds, connections) values (session_user, ${tenant}, 1, 1)`)
  })
}
