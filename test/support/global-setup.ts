/** Before the first test: one PostgreSQL, with a migrated template that each test file copies. After the last: gone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/db/database.ts'
import { migrate } from '../../src/db/migrate.ts'
import { createLog } from '../../src/lib/log.ts'
import { createQueues } from '../../src/worker/queues.ts'
import { adminQuery, withDatabase } from './postgres.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'

let server: PostgresServer | undefined
let scratch: string | undefined

export async function globalSetup(): Promise<void> {
  scratch = mkdtempSync(join(tmpdir(), 'spoke-tests-'))
  process.env.SPOKE_TEST_SCRATCH = scratch
  // The processes of a run load the same modules, and so does each command that a test starts.
  process.env.NODE_COMPILE_CACHE = join(scratch, 'compiled')
  server = await startPostgres()
  process.env.SPOKE_TEST_PG = server.url
  await adminQuery('create database spoke_template')
  const url = withDatabase('spoke_template')
  const log = createLog('warn', (line) => process.stderr.write(line))
  const db = await openDatabase({ url, dataDir: '', poolSize: 2 }, log)
  await migrate(db)
  await createQueues(db, url, true, log).install()
  await db.close()
  console.log(`# PostgreSQL ${server.version} for the SQL tests`)
}

export async function globalTeardown(): Promise<void> {
  await server?.stop()
  if (scratch) rmSync(scratch, { recursive: true, force: true })
}
