/** A probe detects whether there is a pooler in front of the database and whether it supports prepared statements. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../../src/db/open-database.ts'
import { detectPooling } from '../../src/db/pooler.ts'
import { inTransaction } from '../../src/db/transaction.ts'
import { createLog } from '../../src/lib/log.ts'
import { startPgbouncer, withPgbouncer } from '../support/pgbouncer.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'

// One for all: no test writes into it.
let database: string
before(async () => {
  database = await newPostgresDatabase()
})

test('a server of its own is not pooled, and prepares', async () => {
  const found = await detectPooling(database, 'probe_1')
  assert.deepEqual(found, { pooled: false, prepares: true })
})

const kinds: [what: string, settings: Record<string, string | number>, pooled: boolean][] = [
  ['in transaction mode', {}, true],
  ['in transaction mode with one server connection', { default_pool_size: 1 }, true],
  ['in transaction mode that rotates its connections', { server_round_robin: 1, min_pool_size: 3 }, true],
  ['in session mode', { pool_mode: 'session' }, false],
  [
    'in session mode with two server connections',
    { pool_mode: 'session', default_pool_size: 2, query_wait_timeout: 1 },
    false,
  ],
]

describe('PgBouncer 1.18', withPgbouncer, () => {
  for (const [what, settings, pooled] of kinds)
    test(`${what} is ${pooled ? 'detected' : 'treated as the server'}`, async (t) => {
      const pooler = await startPgbouncer(database, settings)
      t.after(pooler.stop)
      for (let times = 0; times < 3; times++)
        assert.deepEqual(await detectPooling(pooler.url, `probe_${times}`), { pooled, prepares: !pooled })
    })

  test('a statement that is prepared is run unprepared by `auto` and `off`, and fails with `on`', async (t) => {
    const pooler = await startPgbouncer(database)
    t.after(pooler.stop)
    const statement = sql<{ n: number }>`select ${1}::int as n, pg_sleep(0.01)`
    const failures = async (prepare: 'auto' | 'on' | 'off') => {
      const db = await openDatabase(
        { url: pooler.url, dataDir: '', poolSize: 8, prepare },
        createLog('silent'),
      )
      const all = Array.from({ length: 60 }, () =>
        inTransaction(db, [], (query) => query(statement, { prepare: true })),
      )
      const ended = await Promise.allSettled(all)
      await db.close()
      return ended.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    }
    assert.deepEqual(await failures('off'), [])
    assert.deepEqual(await failures('auto'), [])
    const lost = await failures('on')
    assert.ok(lost.length > 0)
    for (const code of lost) assert.match(code, /^(42P05|26000)$/)
  })

  test('a unit of work has its timeouts behind it too, and leaves none behind', async (t) => {
    const pooler = await startPgbouncer(database, { default_pool_size: 1 })
    t.after(pooler.stop)
    const target = { url: pooler.url, dataDir: '', poolSize: 2, statementMs: 300, prepare: 'auto' as const }
    const db = await openDatabase(target, createLog('silent'))
    t.after(() => db.close())
    await assert.rejects(
      inTransaction(db, [], (query) => query(sql`select pg_sleep(5)`)),
      { code: '57014' },
    )
    const [bounds] = await inTransaction(db, [], (query) =>
      query(sql`select current_setting('statement_timeout') as statement,
        current_setting('idle_in_transaction_session_timeout') as idle`),
    )
    assert.deepEqual(bounds, { statement: '300ms', idle: '30s' })
    const after = await sql`select current_setting('statement_timeout') as statement`.execute(db.kysely)
    assert.deepEqual(after.rows, [{ statement: '0' }])
  })
})

test('without a pooler a unit of work is bounded by the server as well', async (t) => {
  const db = await openDatabase(
    { url: database, dataDir: '', poolSize: 1, statementMs: 300 },
    createLog('silent'),
  )
  t.after(() => db.close())
  await assert.rejects(
    inTransaction(db, [], (query) => query(sql`select pg_sleep(5)`)),
    { code: '57014' },
  )
})

test('a login with few connections works, and with a single one a pooler is assumed', async (t) => {
  for (const [limit, pooled] of [
    [2, false],
    [1, true],
  ] as const) {
    const login = `few_${limit}_${process.pid}`
    await adminQuery(`create role ${login} login connection limit ${limit}`)
    t.after(() => adminQuery(`drop role ${login}`))
    const url = Object.assign(new URL(database), { username: login }).toString()
    const lines: string[] = []
    const log = Object.assign(createLog('silent'), { warn: (line: string) => lines.push(line) })
    const db = await openDatabase({ url, dataDir: '', poolSize: 1, prepare: 'auto' }, log)
    assert.deepEqual(
      lines.map((line) => line.slice(0, 41)),
      pooled ? ['the database allows only one connection, '] : [],
    )
    assert.deepEqual(await inTransaction(db, [], (query) => query(sql`select 1 as n`)), [{ n: 1 }])
    await db.close()
  }
})
