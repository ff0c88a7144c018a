/**
 * The engines that a test body runs on. `npm test` runs most bodies on PostgreSQL alone and those on both whose statements the
 * engines treat differently; `npm run test:pglite` runs all of them on PGlite.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { createLog } from '../../src/lib/log.ts'
import { layOutEmbedded } from './embedded.ts'
import { newPostgresDatabase } from './postgres.ts'

export const quiet = createLog('silent')

export interface Engine {
  name: string
  /** A migrated database with nothing in it; without a URL it is this process's own. */
  open(): Promise<{ db: Database; url?: string; close(): Promise<void> }>
}

export const postgres: Engine = {
  name: 'PostgreSQL',
  async open() {
    const url = await newPostgresDatabase()
    const db = await openDatabase({ url, dataDir: '', poolSize: 8 }, quiet)
    return { db, url, close: () => db.close() }
  },
}

export const pglite: Engine = {
  name: 'PGlite',
  async open() {
    const dataDir = mkdtempSync(join(tmpdir(), 'spoke-pglite-'))
    await layOutEmbedded(dataDir)
    const db = await openDatabase({ dataDir, poolSize: 1 }, quiet)
    return {
      db,
      close: async () => {
        await db.close()
        rmSync(dataDir, { recursive: true, force: true })
      },
    }
  },
}

/** One statement at a time, one connection, no statistics: where that matters a body runs on both in every run. */
export const bothEngines: Engine[] = [postgres, pglite]

/** Of all other bodies. */
export const engines: Engine[] = process.env.SPOKE_TEST_PGLITE ? [pglite] : [postgres]
