/** `spoke sql-access`, as an operator runs it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { openDatabase } from '../../src/db/open-database.ts'
import { newSqlLoginName } from '../../src/sql-access/sql-logins.ts'
import { runSpoke } from '../support/command.ts'
import { quiet } from '../support/engines.ts'
import { adminQuery, newPostgresDatabase, withDatabase } from '../support/postgres.ts'
import { A, seedTenant } from '../support/rows.ts'
import { testKeys } from '../support/service.ts'

let cwd: string
let url: string
let database: string
const spoke = (...words: string[]) =>
  runSpoke(cwd, { DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: testKeys }, 'sql-access', ...words)

before(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'spoke-sql-access-'))
  url = await newPostgresDatabase()
  database = new URL(url).pathname.slice(1)
  const db = await openDatabase({ url, dataDir: '', poolSize: 2 }, quiet)
  await seedTenant(db, A)
  await db.close()
})
after(async () => {
  // Roles outlive a database.
  const { out } = await spoke('list', '--json')
  for (const { login, exists } of JSON.parse(out).sql_logins) if (exists) await spoke('revoke', login)
  rmSync(cwd, { recursive: true, force: true })
})

const rolesOf = (login: string) =>
  adminQuery(`select rolconnlimit as connections from pg_roles where rolname = '${login}'`)
const rows = () => adminQuery(`select count(*)::int as n from sql_logins`, url)

test('a login is created, listed and revoked, and each is in the tenant’s audit log', async () => {
  const made = await spoke(
    'create',
    A,
    '--name',
    'reports',
    '--connections',
    '7',
    '--statement-timeout',
    '2m',
    '--json',
  )
  assert.equal(made.code, 0, made.err)
  const { login, password, ...rest } = JSON.parse(made.out)
  assert.deepEqual(rest, { tenant_id: A, name: 'reports', statement_seconds: 120, connections: 7 })
  assert.match(password, /^[A-Za-z0-9_-]{43}$/)
  assert.deepEqual(await rolesOf(login), [{ connections: 7 }])

  const client = new pg.Client({ connectionString: withDatabase(database, login) })
  client.on('error', () => {})
  await client.connect()
  const { rows: seen } = await client.query('select tenant_id from integrations')
  assert.deepEqual(seen, [{ tenant_id: A }])

  const listed = await spoke('list', A, '--json')
  const one = JSON.parse(listed.out).sql_logins.find((row: { login: string }) => row.login === login)
  assert.equal(one.sessions, 1)
  assert.equal(one.exists, true)
  assert.ok(!listed.out.includes(password))

  const revoked = await spoke('revoke', login, '--json')
  assert.deepEqual(JSON.parse(revoked.out), { login, revoked: true }, revoked.err)
  await assert.rejects(client.query('select 1'))
  await client.end().catch(() => {})
  assert.deepEqual(await rolesOf(login), [])
  const again = await spoke('revoke', login)
  assert.equal(again.code, 1)
  assert.match(again.err, /no SQL login/)

  const events = await adminQuery(
    `select action, phase, result from audit_events where target = 'sql_login:${login}' order by seq`,
    url,
  )
  assert.deepEqual(events, [
    { action: 'sql-access.create', phase: 'requested', result: null },
    { action: 'sql-access.create', phase: 'done', result: 'ok' },
    { action: 'sql-access.revoke', phase: 'requested', result: null },
    { action: 'sql-access.revoke', phase: 'done', result: 'ok' },
  ])
  const stored = await adminQuery('select * from audit_events', url)
  assert.ok(!JSON.stringify(stored).includes(password))
})

test('without --json only the password is on standard output, and no line is wider than a terminal', async () => {
  const made = await spoke('create', A)
  assert.match(made.out, /^[A-Za-z0-9_-]{43}\n$/)
  assert.match(made.err, /login spoke_sql_[0-9a-f]{16}, statements up to 30 s, 5 connections/)
  const listed = await spoke('list')
  assert.match(listed.out, /spoke_sql_[0-9a-f]{16} {2}valid/)
  const { out: help } = await spoke('create', '--help')
  for (const line of [
    ...made.err.replace(/.*warning.*/g, '').split('\n'),
    ...listed.out.split('\n'),
    ...help.split('\n'),
  ])
    assert.ok(line.length <= 80, line)
})

test('a tenant that does not exist, and limits out of range, are refused with the reason', async () => {
  const before = await rows()
  for (const [words, reason] of [
    [['create', '99999999-9999-4999-8999-999999999999'], /Tenant not found \(tenant_not_found\)/],
    [['create', 'nobody'], /not a UUID \(invalid_id\)/],
    [['create', A, '--connections', '101'], /number from 1 to 100/],
    [['create', A, '--statement-timeout', '2h'], /from 1s to 1h/],
    [['create', A, '--name', ' '], /one line/],
    [['revoke', 'postgres'], /no SQL login "postgres"/],
  ] as const) {
    const { code, err } = await spoke(...words)
    assert.equal(code, 1, words.join(' '))
    assert.match(err, reason)
  }
  assert.deepEqual(await rows(), before)
})

test('an embedded database is refused', async () => {
  const { code, err } = await runSpoke(cwd, { SPOKE_ENCRYPTION_KEYS: testKeys }, 'sql-access', 'create', A)
  assert.equal(code, 1)
  assert.match(err, /needs a PostgreSQL server \(DATABASE_URL\)/)
})

test('a login that may not create roles is told what it lacks, and nothing is left', async () => {
  const weak = `weak_${newSqlLoginName().slice(-8)}`
  await adminQuery(
    `create role ${weak} login; grant spoke_app, spoke_system, spoke_eraser, spoke_guard to ${weak}`,
  )
  await adminQuery(`grant select on spoke_migrations to ${weak}`, url)
  const before = await rows()
  try {
    const env = { DATABASE_URL: withDatabase(database, weak), SPOKE_ENCRYPTION_KEYS: testKeys }
    const { code, err } = await runSpoke(cwd, env, 'sql-access', 'create', A)
    assert.equal(code, 1)
    assert.match(err, /give it CREATEROLE, and: grant spoke_reader, spoke_guard to it with admin option/)
    assert.deepEqual(await rows(), before)
  } finally {
    await adminQuery(`revoke select on spoke_migrations from ${weak}`, url)
    await adminQuery(`drop role ${weak}`)
  }
})
