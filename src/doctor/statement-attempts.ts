/** The statements that one tenant tries on another's rows, as text. Pure. */

import type { FixtureTenant } from './fixtures.ts'
import type { Table } from './tenant-tables.ts'

export interface StatementAttempt {
  verb: string
  statement: string
  /** The value of `$1`, if the statement has it. */
  row?: Record<string, unknown>
  /**
   * denied: the database must refuse, whatever the rows. empty: it may run, but must not find or
   * change any row of the other tenant; the statement returns their number as `n`.
   */
  expected: 'denied' | 'empty'
}

/** @param postgres whether COPY works: PGlite has no wire protocol for it */
export function statementAttempts(
  table: Table,
  a: FixtureTenant,
  b: FixtureTenant,
  postgres: boolean,
): StatementAttempt[] {
  const t = table.name
  const othersRow = `tenant_id = '${b.tenantId}'`
  const notMine = `tenant_id <> '${a.tenantId}'`
  const columns = table.columns.map(({ name }) => `"${name}"`).join(', ')
  const from = `select ${columns} from jsonb_populate_record(null::${t}, $1)`
  const count = (hits: string, where = '') =>
    `with hit as (${hits}) select count(*)${where}::int as n from hit`
  const row = b.rows[t] ?? {}
  /** The other tenant's row with a key of its own, so that only the policy can refuse it. */
  const fresh = { ...row, ...freshKey(table, row) }
  const read = (verb: string, statement: string): StatementAttempt => ({ verb, statement, expected: 'empty' })
  const write = (verb: string, statement: string): StatementAttempt => ({
    verb,
    statement,
    row,
    expected: 'denied',
  })
  const barred = (verb: string, statement: string): StatementAttempt => ({
    verb,
    statement,
    expected: 'denied',
  })
  return [
    read('select', `select count(*)::int as n from ${t} where ${othersRow}`),
    read('select of all', `select count(*) filter (where ${notMine})::int as n from ${t}`),
    read('select of whole rows', count(`select t from ${t} t where ${othersRow}`)),
    read('select for update', count(`select tenant_id from ${t} where ${othersRow} for update`)),
    read('select for share', count(`select tenant_id from ${t} where ${othersRow} for share`)),
    ...(postgres ? [read('copy to', `copy (select * from ${t} where ${othersRow}) to stdout`)] : []),
    { ...write('insert', `insert into ${t} (${columns}) ${from}`), row: fresh },
    write('insert of the same key', `insert into ${t} (${columns}) ${from}`),
    write('insert on conflict do nothing', `insert into ${t} (${columns}) ${from} on conflict do nothing`),
    write(
      'upsert',
      `insert into ${t} (${columns}) ${from} on conflict (${table.key.join(', ')}) do update set tenant_id = excluded.tenant_id`,
    ),
    ...(postgres ? [barred('copy from', `copy ${t} (${columns}) from stdin`)] : []),
    read('update', count(`update ${t} set tenant_id = tenant_id where ${othersRow} returning 1`)),
    ...table.columns.map(({ name }) =>
      read(
        `update of ${name}`,
        count(`update ${t} set "${name}" = "${name}" where ${othersRow} returning 1`),
      ),
    ),
    read(
      'update of all',
      count(`update ${t} set tenant_id = tenant_id returning tenant_id`, ` filter (where ${notMine})`),
    ),
    barred('update into the other tenant', `update ${t} set ${othersRow} where tenant_id = '${a.tenantId}'`),
    read(
      'update out of the other tenant',
      count(`update ${t} set tenant_id = '${a.tenantId}' where ${othersRow} returning 1`),
    ),
    read('delete', count(`delete from ${t} where ${othersRow} returning 1`)),
    read('delete of all', count(`delete from ${t} returning tenant_id`, ` filter (where ${notMine})`)),
    read(
      'merge',
      `merge into ${t} t using (select '${b.tenantId}'::uuid as id) s on t.tenant_id = s.id when matched then delete`,
    ),
    barred('truncate', `truncate ${t} cascade`),
    barred('disable row level security', `alter table ${t} disable row level security`),
    barred('create a policy', `create policy wide on ${t} using (true)`),
    barred('drop', `drop table ${t} cascade`),
    barred(
      'add a trigger',
      `create trigger spy after insert on ${t} execute function suppress_redundant_updates_trigger()`,
    ),
    barred('create a reference', `create table spy (tenant_id uuid references ${t})`),
  ]
}

/** Without a tenant, every verb must be refused. */
export const statementAttemptsWithoutTenant = (
  { name, columns, key }: Table,
  b: FixtureTenant,
): StatementAttempt[] => {
  const list = columns.map((column) => `"${column.name}"`).join(', ')
  const barred = (verb: string, statement: string): StatementAttempt => ({
    verb,
    statement,
    expected: 'denied',
  })
  const from = `select ${list} from jsonb_populate_record(null::${name}, $1)`
  return [
    barred('select', `select * from ${name}`),
    { ...barred('insert', `insert into ${name} (${list}) ${from}`), row: b.rows[name] ?? {} },
    {
      ...barred('upsert', `insert into ${name} (${list}) ${from} on conflict (${key.join(', ')}) do nothing`),
      row: b.rows[name] ?? {},
    },
    barred('update', `update ${name} set tenant_id = tenant_id`),
    barred('delete', `delete from ${name}`),
  ]
}

function freshKey({ key, columns }: Table, row: Record<string, unknown>): Record<string, unknown> {
  const last = key.findLast((column) => column !== 'tenant_id')
  const type = columns.find(({ name }) => name === last)?.type
  if (last === undefined || type !== 'text') return {}
  return { [last]: `${row[last]}-again` }
}
