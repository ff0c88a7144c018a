/** One PostgreSQL for the whole of a proof, and a migrated database for each scenario in it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { adminQuery, newPostgresDatabase, withDatabase } from '../../test/support/postgres.ts'
import { startPostgres } from '../../test/support/postgres-server.ts'

export interface Databases {
  version: string
  /** Migrated, and empty. */
  create(): Promise<string>
  stop(): Promise<void>
}

const command = join(import.meta.dirname, '../../bin/spoke.js')

export async function startDatabases(settings?: Record<string, string>): Promise<Databases> {
  const server = await startPostgres(settings)
  try {
    process.env.SPOKE_TEST_PG = server.url
    await adminQuery('create database prove_template')
    // Migrated once by the product's own command, and copied: that is faster than migrating each.
    await promisify(execFile)(process.execPath, [command, 'migrate'], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: withDatabase('prove_template'),
        SPOKE_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      },
    })
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    version: server.version,
    create: () => newPostgresDatabase('prove_template'),
    stop: () => server.stop(),
  }
}
