/**
 * Tries every statement of one tenant on the other's rows, each in a transaction that is rolled
 * back.
 */
import { sql } from 'kysely'
import type { Database, Query } from '../db/database.ts'
import { type DatabaseRole, expectedGrantLines } from '../db/isolation/expected.ts'
import { withErasure, withSystem, withTenant } from '../db/scope.ts'
import { inTransaction } from '../db/transaction.ts'
import { asText } from './as-text.ts'
import type { Fixtures, FixtureTenant } from './fixtures.ts'
import {
  type StatementAttempt,
  statementAttempts,
  statementAttemptsWithoutTenant,
} from './statement-attempts.ts'
import type { Table } from './tenant-tables.ts'

export interface TrialResult {
  count: number
  /** Rows of the other tenant that were read or changed. */
  leaked: number
  faults: string[]
}

/**
 * Refused by privilege, by policy, by the missing tenant, or (COPY FROM) by row level security
 * itself.
 */
const refusals = ['42501', 'SP001', '0A000']
/** The tenant setting is not a UUID. */
const noUuid = '22P02'

const codeOf = (error: unknown): string => String((error as { code?: string }).code)

type Outcome = { rows: number } | { refused: string; message: string }

/** Runs an attempt in a transaction opened by `enter`, and always rolls it back. */
export async function outcomeOf(
  enter: (work: (query: Query) => Promise<never>) => Promise<never>,
  { statement, row }: StatementAttempt,
  rowsOf: (query: Query) => Promise<string>,
): Promise<Outcome> {
  const undo = new Error('undo')
  let rows = 0
  try {
    await enter(async (query) => {
      const before = await rowsOf(query)
      const [answer] = await query(sampleOf(statement, row))
      rows = Number(answer?.n ?? 0)
      // Whatever it returned, check whether the other tenant's rows were changed, deleted or added
      // to.
      if (rows === 0 && (await rowsOf(query)) !== before) rows = 1
      throw undo
    })
  } catch (error) {
    if (error !== undo) return { refused: codeOf(error), message: (error as Error).message }
  }
  return { rows }
}

function sampleOf(statement: string, row: Record<string, unknown> | undefined) {
  if (!row) return asText<{ n?: number }>(statement)
  const [before = '', after = ''] = statement.split('$1')
  return sql<{ n?: number }>`${asText(before)}${JSON.stringify(row)}::jsonb${asText(after)}`
}

/** Every table of tenants with every verb: as tenant A on B's rows, and without a tenant. */
export async function tryStatementsAsTenant(db: Database, { tables, a, b }: Fixtures): Promise<TrialResult> {
  const result: TrialResult = { count: 0, leaked: 0, faults: [] }
  const readable = new Set(expectedGrantLines('spoke_app'))
  for (const table of tables.filter(({ ofTenants }) => ofTenants)) {
    const enterA = (work: (query: Query) => Promise<never>) =>
      withTenant(db, a.tenantId, ({ query }) => work(query))
    for (const attempt of statementAttempts(table, a, b, db.kind === 'postgres')) {
      const outcome = await outcomeOf(enterA, attempt, (query) =>
        // A table that tenants cannot read shows no change; whether an insert is refused is still
        // checked.
        readable.has(`${table.name} SELECT`) ? rowLocations(query, table, a, b) : Promise.resolve(''),
      )
      recordOutcome(result, `as another tenant, ${attempt.verb} on ${table.name}`, attempt, outcome, refusals)
    }
    for (const [who, prelude] of scopesWithoutTenant)
      for (const attempt of statementAttemptsWithoutTenant(table, b)) {
        const enter = (work: (query: Query) => Promise<never>) =>
          inTransaction(db, ['set local role spoke_app', ...prelude], work)
        const outcome = await outcomeOf(enter, attempt, async () => '')
        recordOutcome(result, `${who}, ${attempt.verb} on ${table.name}`, attempt, outcome, [
          ...refusals,
          noUuid,
        ])
      }
  }
  return result
}

const scopesWithoutTenant: [string, string[]][] = [
  ['without a tenant', []],
  ['with an empty tenant', ["set local spoke.tenant_id = ''"]],
  ['with a tenant that is not a UUID', ["set local spoke.tenant_id = 'everybody'"]],
]

/**
 * The locations of B's rows, which change when a row changes. Read as B, then the transaction is
 * A's again.
 */
async function rowLocations(
  query: Query,
  { name }: Table,
  a: FixtureTenant,
  b: FixtureTenant,
): Promise<string> {
  await query(asText(`set local spoke.tenant_id = '${b.tenantId}'`))
  const [found] = await query(
    sql<{ places: string }>`
      select string_agg(ctid::text, ',' order by ctid::text) as places from ${sql.table(name)}
      where tenant_id = ${b.tenantId}`,
  ).catch((error: Error) => {
    // A new error without the code, which could pass for the refusal of the attempt.
    throw new Error(`the other tenant cannot read its own rows: ${error.message}`)
  })
  await query(asText(`set local spoke.tenant_id = '${a.tenantId}'`))
  return found?.places ?? ''
}

export function recordOutcome(
  result: TrialResult,
  what: string,
  { expected }: StatementAttempt,
  outcome: Outcome,
  expectedCodes: string[],
): void {
  result.count += 1
  if ('refused' in outcome) {
    if (!expectedCodes.includes(outcome.refused))
      result.faults.push(`${what} failed with an unexpected error: ${outcome.refused} ${outcome.message}`)
    return
  }
  if (expected === 'empty' && outcome.rows === 0) return
  result.leaked += outcome.rows
  result.faults.push(
    expected === 'denied'
      ? `${what} was not refused`
      : `${what} reached ${outcome.rows} rows of the other tenant`,
  )
}

/**
 * Each database role beyond its grants: every verb on every table, and every column it may not
 * access.
 */
export async function tryStatementsBeyondGrants(db: Database, { tables, a }: Fixtures): Promise<TrialResult> {
  const result: TrialResult = { count: 0, leaked: 0, faults: [] }
  const asRole: Record<DatabaseRole, (work: (query: Query) => Promise<never>) => Promise<never>> = {
    // With a tenant: without one, the planner may refuse a statement before its grants are checked.
    spoke_app: (work) => withTenant(db, a.tenantId, ({ query }) => work(query)),
    spoke_system: (work) => withSystem(db, ({ query }) => work(query)),
    spoke_eraser: (work) => withErasure(db, a.tenantId, ({ query }) => work(query)),
  }
  for (const [role, enter] of Object.entries(asRole) as [DatabaseRole, (typeof asRole)[DatabaseRole]][]) {
    const list = new Set(expectedGrantLines(role))
    for (const table of tables) {
      for (const attempt of beyond(table, list)) {
        const outcome = await outcomeOf(enter, attempt, async () => '')
        recordOutcome(result, `as ${role}, ${attempt.verb} on ${table.name}`, attempt, outcome, ['42501'])
      }
    }
  }
  return result
}

function beyond({ name, columns }: Table, list: ReadonlySet<string>): StatementAttempt[] {
  const may = (privilege: string, column?: string) =>
    list.has(`${name} ${privilege}`) || (column !== undefined && list.has(`${name}.${column} ${privilege}`))
  const barred = (verb: string, statement: string): StatementAttempt => ({
    verb,
    statement,
    expected: 'denied',
  })
  return [
    ...columns
      .filter((column) => !may('SELECT', column.name))
      .map((column) => barred(`select of ${column.name}`, `select "${column.name}" from ${name}`)),
    ...columns
      .filter((column) => !may('UPDATE', column.name))
      .map((column) => barred(`update of ${column.name}`, `update ${name} set "${column.name}" = null`)),
    ...columns
      .filter((column) => !may('INSERT', column.name))
      .map((column) =>
        barred(`insert of ${column.name}`, `insert into ${name} ("${column.name}") values (null)`),
      ),
    ...(may('DELETE') ? [] : [barred('delete', `delete from ${name}`)]),
    barred('truncate', `truncate ${name} cascade`),
    barred(
      'add a trigger',
      `create trigger spy after insert on ${name} execute function suppress_redundant_updates_trigger()`,
    ),
  ]
}
