/** A database that cannot be used at the start: the process waits where that can help, and reports one line without a stack. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startService } from '../../src/app/start.ts'
import { readConfig } from '../../src/config.ts'
import { databaseErrorReason, isTemporaryStartFailure } from '../../src/db/database-errors.ts'
import { createLog } from '../../src/lib/log.ts'
import { type Ran, runSpoke, startSpoke } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { eventually, testKeys } from '../support/service.ts'
import { wireTo } from '../support/wire.ts'

let dir: string
let database: string
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'spoke-reach-'))
  database = await newPostgresDatabase()
})
after(() => rmSync(dir, { recursive: true, force: true }))

const secret = 'zq-Secret9'
function urlWith(change: Partial<Pick<URL, 'port' | 'pathname' | 'username'>>): string {
  return Object.assign(new URL(database), { password: secret, ...change }).toString()
}
const env = (url: string) => ({
  DATABASE_URL: url,
  SPOKE_ENCRYPTION_KEYS: testKeys,
  SPOKE_DB_WAIT: '0s',
  PORT: '0',
})

/** One line on standard error, which is not a line of the log. */
function assertOneLine({ code, out, err }: Ran, line: RegExp): void {
  assert.equal(code, 1, err)
  assert.match(err, line)
  assert.match(err, /^spoke: [^{\n]+\n$/)
  assert.ok(!`${out}${err}`.includes(secret))
  assert.doesNotMatch(out, /stack/)
}

const at = (reason: string) =>
  new RegExp(
    `^spoke: cannot reach PostgreSQL at 127\\.0\\.0\\.1:\\d+/\\S+ as \\S+ \\(DATABASE_URL\\): ${reason}`,
  )
const commands = [['serve'], ['migrate'], ['tenants', 'list'], ['audit', 'verify'], ['key-ring', 'status']]

test('a refused connection is reported with its address and no password, by every command', async () => {
  const url = urlWith({ port: String(await freePort()) })
  assertOneLine(await startSpoke(dir, env(url), 'serve'), at('connection refused\n$'))
  for (const words of [...commands.slice(1), ['doctor', 'isolation']])
    assertOneLine(await runSpoke(dir, env(url), ...words), at('connection refused\n$'))
})

test('a command that waits prints a message', async () => {
  const url = urlWith({ port: String(await freePort()) })
  const { code, err } = await runSpoke(dir, { ...env(url), SPOKE_DB_WAIT: '500ms' }, 'migrate')
  assert.equal(code, 1)
  assert.match(
    err,
    /^spoke: the database is unreachable; waiting for it \(address: 127\.0\.0\.1:\S+ as \S+, reason: connection refused, seconds_left: 1\)\nspoke: cannot reach PostgreSQL [^\n]+\n$/,
  )
})

test('a missing database is reported at once, however long the wait may be', async () => {
  const url = urlWith({ pathname: '/there_is_none' })
  const began = performance.now()
  const ran = await runSpoke(dir, { ...env(url), SPOKE_DB_WAIT: '10m' }, 'migrate')
  assertOneLine(ran, at('database "there_is_none" does not exist \\(SQLSTATE 3D000\\)\n$'))
  assert.ok(performance.now() - began < 20_000)
})

describe('a login', () => {
  const login = `reach_${process.pid}`
  before(async () => {
    await adminQuery(`create role ${login} login password 'another'`)
    // The tests' server uses trust; for this login and database it requires a password.
    const [hba] = await adminQuery('show hba_file')
    const lines = await adminQuery(
      `select line from unnest(string_to_array(pg_read_file('${hba?.hba_file}'), E'\\n')) line`,
    )
    const rule = `host all ${login} 127.0.0.1/32 scram-sha-256`
    const text = [rule, ...lines.map(({ line }) => String(line))].filter((line) => !/^\s*(#|$)/.test(line))
    const values = text.map((line) => `('${line.replaceAll("'", "''")}')`).join(', ')
    await adminQuery(`copy (values ${values}) to '${hba?.hba_file}'`)
    await adminQuery('select pg_reload_conf()')
  })

  test('with a wrong password is reported at once', async () => {
    const ran = await runSpoke(
      dir,
      { ...env(urlWith({ username: login })), SPOKE_DB_WAIT: '10m' },
      'tenants',
      'list',
    )
    assertOneLine(ran, at('password authentication failed for user "\\w+" \\(SQLSTATE 28P01\\)\n$'))
  })

  test('that may not migrate gets the refused privilege reported', async () => {
    await adminQuery(`alter role ${login} password '${secret}'`)
    const fresh = await newPostgresDatabase('template1')
    const url = urlWith({ username: login, pathname: new URL(fresh).pathname })
    assertOneLine(
      await runSpoke(dir, env(url), 'migrate'),
      /^spoke: the database reports an error: permission denied for schema public \(SQLSTATE 42501\)\n$/,
    )
  })
})

test('a data directory that is a file is reported', async () => {
  const file = join(dir, 'a-file')
  writeFileSync(file, '')
  const line = /^spoke: cannot use the data directory \S+a-file \(SPOKE_DATA_DIR\): \S/m
  for (const words of [['serve'], ['tenants', 'list']]) {
    const ran = await runSpoke(dir, { SPOKE_DATA_DIR: file, PORT: '0', SPOKE_WATCHDOG: '0s' }, ...words)
    assert.equal(ran.code, 1)
    assert.match(ran.err, line)
    assert.doesNotMatch(ran.err, /"stack"|\n {4}at /)
  }
})

test('a server that is not up yet is waited for, a line every few seconds, and served from then on', async () => {
  const wire = await wireTo(database)
  wire.set('cut')
  const lines: string[] = []
  const config = readConfig({ ...env(wire.url), SPOKE_DB_WAIT: '60s' })
  const starting = startService(
    config,
    createLog(config.logLevel, (line) => lines.push(line)),
  )
  try {
    const waiting = () => lines.filter((line) => line.includes('waiting for it'))
    await eventually(async () => waiting().length > 0, 'it waits')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    assert.equal(waiting().length, 1)
    assert.match(String(waiting()[0]), /"reason":"the connection was closed"/)
    assert.doesNotMatch(lines.join(''), /stack/)
    wire.set('whole')
    const ready = await fetch(`${(await starting).url}/readyz`)
    assert.equal(ready.status, 200)
  } finally {
    wire.set('whole')
    await (await starting).stop()
    wire.close()
  }
})

test('a start that waits is stopped by SIGTERM', async () => {
  const url = urlWith({ port: String(await freePort()) })
  const spoke = startProcess(dir, { ...env(url), SPOKE_DB_WAIT: '60s' })
  while (!spoke.output().includes('waiting for it')) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(await spoke.end('SIGTERM'), 0)
  assert.doesNotMatch(spoke.output(), /stack/)
})

const failures: [what: string, failure: object, passes: boolean, reason: string][] = [
  ['an unknown host', { code: 'ENOTFOUND', message: 'getaddrinfo' }, true, 'host not found'],
  [
    'an unreachable resolver',
    { code: 'EAI_AGAIN', message: '' },
    true,
    'the host name could not be looked up',
  ],
  ['a server that starts', { code: '57P03', message: 'starting up' }, true, 'starting up (SQLSTATE 57P03)'],
  ['no connection left', { code: '53300', message: 'too many' }, true, 'too many (SQLSTATE 53300)'],
  [
    'a pooler without its server',
    { code: '08P01', message: 'server down' },
    true,
    'server down (SQLSTATE 08P01)',
  ],
  [
    'a pooler that does not know the login',
    { code: '08P01', message: 'no such user: x' },
    false,
    'no such user: x (SQLSTATE 08P01)',
  ],
  ['silence', { message: 'timeout expired' }, true, 'no response'],
  [
    'a login that may not log in',
    { code: '28000', message: 'not permitted' },
    false,
    'not permitted (SQLSTATE 28000)',
  ],
  [
    'a URL without a password',
    { message: 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string' },
    false,
    'the server asks for a password',
  ],
]
for (const [what, failure, passes, reason] of failures)
  test(`${what}: ${passes ? 'waited for' : 'reported at once'}`, () => {
    assert.equal(isTemporaryStartFailure(failure), passes)
    assert.equal(databaseErrorReason(failure), reason)
  })
