/**
 * Fixtures: two tenants with a row in every table of tenants. The connected account is created by
 * the code that connects; other rows are built from the catalogue.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { saveConnectedAccount } from '../integrations/store.ts'
import { replaceToken } from '../integrations/tokens/token-store.ts'
import { newId } from '../lib/ids.ts'
import type { KeyRing } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import { ensureTenant } from '../tenants/store.ts'
import { candidateRows, ownKeyColumn, type TenantMarks } from './candidate-rows.ts'
import { asOwner } from './owner.ts'
import { readTables, type Table } from './tenant-tables.ts'

export interface FixtureTenant extends TenantMarks {
  tenantId: TenantId
  /** The token sent to HubSpot for this tenant only. */
  token: string
  /** Table -> one row of the tenant. */
  rows: Record<string, Record<string, unknown>>
}

export interface Fixtures {
  ring: KeyRing
  tables: Table[]
  /** Tables with FORCE, which their owner disables to see all rows. */
  forced: string[]
  a: FixtureTenant
  b: FixtureTenant
  /** Tables for which no row could be made. */
  faults: string[]
}

/** @param db migrated and unused; it is discarded with everything written to it */
export async function createFixtures(db: Database): Promise<Fixtures> {
  const ring: KeyRing = [{ kid: 'rehearsal', key: new Uint8Array(randomBytes(32)) }]
  const tables = await readTables(db)
  const { rows } = await sql<{ name: string }>`
    select relname::text as name from pg_class
    where relforcerowsecurity and relnamespace = current_schema()::regnamespace`.execute(db.kysely)
  const forced = rows.map(({ name }) => name)
  const faults: string[] = []
  const createTenant = async (): Promise<FixtureTenant> => {
    const tenant = await createConnectedTenant(db, ring)
    for (const table of tables.filter(({ ofTenants }) => ofTenants)) {
      const failure = await findOrCreateRow(db, forced, table, tenant)
      if (failure) faults.push(`table ${table.name} was not rehearsed, no row could be created: ${failure}`)
    }
    return tenant
  }
  const [a, b] = [await createTenant(), await createTenant()]
  return { ring, tables, forced, a, b, faults: [...new Set(faults)] }
}

async function createConnectedTenant(db: Database, ring: KeyRing): Promise<FixtureTenant> {
  const tenantId = parseTenantId(newId())
  const word = `canary${randomBytes(8).toString('hex')}`
  const integrationId = newId()
  const token = `pat-na1-${word}`
  const account = {
    kind: 'static',
    hub_id: randomInt(10 ** 11, 10 ** 12),
    hub_domain: `${word}.example`,
    ui_domain: null,
    hub_user: `${word}@example`,
    scopes: ['tickets'],
    expires_in_ms: null,
  } as const
  await withTenant(db, tenantId, async (scope) => {
    await ensureTenant(scope, ring)
    await saveConnectedAccount(scope, integrationId, { ...account, scopes: [...account.scopes] })
    const storedToken = {
      kind: 'static',
      accessToken: new Secret(token),
      refreshToken: undefined,
      expiresInMs: null,
    } as const
    await replaceToken(scope, ring, integrationId, storedToken)
  })
  const ids = { tenant_id: tenantId, integration_id: integrationId, ticket_id: String(randomInt(2 ** 40)) }
  return { tenantId, word, ids, token, rows: {} }
}

/** Finds or creates the tenant's row in this table. @returns why none could be created */
async function findOrCreateRow(
  db: Database,
  forced: string[],
  table: Table,
  tenant: FixtureTenant,
): Promise<string | undefined> {
  const own = forced.filter((name) => name === table.name)
  const find = () =>
    asOwner(db, own, (query) =>
      query(sql<{ row: Record<string, unknown> }>`
        select to_jsonb(t) as row from ${sql.table(table.name)} t where tenant_id = ${tenant.tenantId} limit 1`),
    )
  let [found] = await find()
  let failure: string | undefined
  for (const row of found ? [] : candidateRows(table, tenant)) {
    const columns = sql.join(Object.keys(row).map((column) => sql.ref(column)))
    const name = sql.table(table.name)
    failure = await asOwner(db, own, (query) =>
      query(sql`
        insert into ${name} (${columns})
        select ${columns} from jsonb_populate_record(null::${name}, ${JSON.stringify(row)}::jsonb)`),
    ).then(
      () => undefined,
      (error: Error) => error.message,
    )
    if (failure === undefined) break
  }
  ;[found] = await find()
  if (!found) return failure ?? 'it does not exist after it was inserted'
  tenant.rows[table.name] = found.row
  recordIds(table, found.row, tenant)
  return undefined
}

/** Records the ids by which a path can name this row; its own key takes precedence. */
function recordIds(table: Table, row: Record<string, unknown>, tenant: FixtureTenant): void {
  for (const [column, value] of Object.entries(row)) {
    if (!column.endsWith('_id') || typeof value !== 'string') continue
    if (tenant.ids[column] === undefined || column === ownKeyColumn(table)) tenant.ids[column] = value
  }
}
