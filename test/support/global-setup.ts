/** Before the first test: one PostgreSQL, with a migrated template that each test file copies. It is removed after the last test. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { createLog } from '../../src/lib/log.ts'
import { adminQuery, withDatabase } from './postgres.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'

const root = join(import.meta.dirname, '../..')

let server: PostgresServer | undefined
let scratch: string | undefined

/**
 * Loads what most processes of a run load. Node writes its compile cache when a process ends by itself: the processes of a run
 * end last, and many that tests start are killed, so that each would compile the product again.
 */
async function fillCompileCache(): Promise<void> {
  const modules = [
    'src/cli/run.ts',
    'src/app/start.ts',
    'packages/emulator/src/server.ts',
    'test/support/service.ts',
  ]
  const text = modules.map((name) => `import ${JSON.stringify(join(root, name))}`).join('\n')
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', text])
}

export async function globalSetup(): Promise<void> {
  scratch = mkdtempSync(join(tmpdir(), 'spoke-tests-'))
  process.env.SPOKE_TEST_SCRATCH = scratch
  // The processes of a run load the same modules, and so does each command that a test starts.
  process.env.NODE_COMPILE_CACHE = join(scratch, 'compiled')
  await Promise.all([fillCompileCache(), startMigratedServer()])
  console.log(`# PostgreSQL ${server?.version} for the SQL tests`)
}

async function startMigratedServer(): Promise<void> {
  server = await startPostgres()
  process.env.SPOKE_TEST_PG = server.url
  await adminQuery('create database spoke_template')
  const url = withDatabase('spoke_template')
  const log = createLog('warn', (line) => process.stderr.write(line))
  const db = await openDatabase({ url, dataDir: '', poolSize: 2 }, log)
  await migrate(db)
  await db.close()
}

export async function globalTeardown(): Promise<void> {
  await server?.stop()
  if (scratch) rmSync(scratch, { recursive: true, force: true })
}
