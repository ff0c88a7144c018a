/** `spoke doctor isolation`, as an operator runs it: on a server, on an embedded directory, and killed half-way. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../../src/db/open-database.ts'
import { openScratchOnServer } from '../../src/doctor/scratch-database.ts'
import { inherited, startSpoke } from '../support/command.ts'
import { layOutEmbedded } from '../support/embedded.ts'
import { quiet } from '../support/engines.ts'
import { onlyLong } from '../support/long.ts'
import { adminQuery, newPostgresDatabase, withDatabase } from '../support/postgres.ts'
import { A, seedTenant } from '../support/rows.ts'
import { eventually, testKeys } from '../support/service.ts'

let cwd: string
let url: string
const env = () => ({ DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: testKeys })

before(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'spoke-doctor-'))
  url = await newPostgresDatabase()
  const db = await openDatabase({ url, dataDir: '', poolSize: 2 }, quiet)
  await seedTenant(db, A)
  await db.close()
})
after(() => rmSync(cwd, { recursive: true, force: true }))

/** Every row and every object of the operator's database, according to the catalog. */
async function everything(): Promise<string> {
  const tables = await adminQuery(
    `select oid::regclass::text as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
    url,
  )
  const digests = tables.map(
    ({ name }) =>
      `select '${name}' as name, md5(string_agg(t::text || ctid, ',' order by ctid)) as digest from ${name} t`,
  )
  const objects = `select 'objects', count(*)::text from pg_class union all select 'schemas', string_agg(nspname, ',' order by 1) from pg_namespace where nspname not like 'pg_t%'`
  // Parallel workers return the parts of a union in any order.
  return JSON.stringify(
    await adminQuery(`${digests.join(' union all ')} union all ${objects} order by 1`, url),
  )
}

test('on a server it counts what it tried, leaks nothing, and leaves everything as it was', async () => {
  const before = await everything()
  const { code, out, err } = await startSpoke(cwd, env(), 'doctor', 'isolation', '--json')
  assert.equal(code, 0, err + out)
  const report = JSON.parse(out)
  assert.deepEqual(report.faults, [])
  assert.equal(report.leaked, 0)
  assert.equal(report.database, 'postgres')
  assert.match(report.rehearsed, /a transaction that is never committed/)
  assert.ok(report.tables >= 16 && report.routes >= 40, out)
  assert.ok(report.statements > 1_000 && report.requests > 400 && report.live_statements > 50, out)
  assert.equal(await everything(), before)
})

test('on an embedded directory it names a fault, exits 1, and finds nothing else', onlyLong, async () => {
  const dataDir = join(cwd, 'data')
  await layOutEmbedded(dataDir)
  const db = await openDatabase({ dataDir, poolSize: 1 }, quiet)
  await sql`create view seen as select * from issues`.execute(db.kysely)
  await db.close()
  const { code, out, err } = await startSpoke(cwd, { SPOKE_ENCRYPTION_KEYS: testKeys }, 'doctor', 'isolation')
  assert.equal(code, 1, err + out)
  assert.match(out, /^database\tembedded$/m)
  assert.match(out, /^rehearsed\tin an embedded database in memory$/m)
  assert.match(out, /^tried\t\d{4} statements on \d+ tables, \d{3,} requests to \d+ routes$/m)
  assert.match(out, /^leaked\t0$/m)
  assert.match(out, /^faults\t1$/m)
  assert.equal(err, 'spoke: view seen may show the rows of every tenant\n')
})

test('a login that may not create a schema rehearses in memory instead of on the server', async () => {
  const name = `doctor_${process.pid}`
  await adminQuery(`create role ${name} login noinherit; grant spoke_app, spoke_system to ${name}`)
  assert.equal(await openScratchOnServer(withDatabase(new URL(url).pathname.slice(1), name)), undefined)
  await adminQuery(`drop role ${name}`)
})

test('killed while it rehearses, it leaves nothing behind', async () => {
  const before = await everything()
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../../bin/spoke.js'), 'doctor', 'isolation'],
    { cwd, env: { ...inherited(), ...env() }, stdio: 'ignore' },
  )
  const rehearsing = () =>
    adminQuery(
      `select backend_xid::text as xid from pg_stat_activity
       where application_name = 'spoke doctor' and datname = current_database()`,
      url,
    )
  await eventually(async () => (await rehearsing())[0]?.xid, 'it writes into its transaction')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await eventually(async () => (await rehearsing()).length === 0, 'the server takes the transaction back')
  assert.equal(await everything(), before)
})
