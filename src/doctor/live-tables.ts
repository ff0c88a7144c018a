/**
 * Queries the operator's own tables, in read-only transactions: as a tenant without data, without a
 * tenant, and as roles that may not read them.
 */
import { sql } from 'kysely'
import type { Database, Query } from '../db/database.ts'
import { type DatabaseRole, expectedGrantLines } from '../db/isolation/expected.ts'
import { inTransaction } from '../db/transaction.ts'
import { newId } from '../lib/ids.ts'
import { asText } from './as-text.ts'
import type { TrialResult } from './try-statements.ts'

/** Writes nothing, and reads at most one row per statement. */
export async function queryLiveTables(db: Database): Promise<TrialResult> {
  const result: TrialResult = { count: 0, leaked: 0, faults: [] }
  const { rows } = await sql<{ name: string; ofTenants: boolean }>`
    select c.oid::regclass::text as name,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as "ofTenants"
    from pg_class c
    where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
    order by 1`.execute(db.kysely)
  const onSystemList = readableTables('spoke_system')

  async function queryAs(who: string, prelude: string[], table: string, refusable: string[]) {
    result.count += 1
    const seen = await inTransaction(db, ['set transaction read only', ...prelude], (query: Query) =>
      query(asText(`select 1 from ${table} limit 1`)),
    ).catch((error: { code?: string; message: string }) => {
      if (!refusable.includes(String(error.code)))
        result.faults.push(`${who}, table ${table} could not be read: ${error.message}`)
      return []
    })
    if (seen.length === 0) return
    result.leaked += 1
    result.faults.push(`${who}, rows of table ${table} are visible`)
  }

  for (const { name, ofTenants } of rows) {
    if (ofTenants) {
      const stranger = ['set local role spoke_app', `set local spoke.tenant_id = '${newId()}'`]
      await queryAs('as a tenant that owns nothing', stranger, name, [])
      // An empty table does not evaluate its policy, so it may be read without an error.
      await queryAs('without a tenant', ['set local role spoke_app'], name, ['SP001'])
    } else await queryAs('as spoke_app', ['set local role spoke_app'], name, ['42501'])
    if (!onSystemList.has(name))
      await queryAs('as spoke_system', ['set local role spoke_system'], name, ['42501'])
  }
  return result
}

const readableTables = (role: DatabaseRole) =>
  new Set(
    expectedGrantLines(role)
      .filter((line) => line.endsWith(' SELECT'))
      .map((line) => line.split(/[. ]/, 1)[0] as string),
  )
