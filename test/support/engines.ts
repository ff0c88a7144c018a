/** Both engines, so that one test body runs on each: PostgreSQL, and PGlite in a directory of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../../src/db/database.ts'
import { createLog } from '../../src/lib/log.ts'
import { layOutEmbedded } from './embedded.ts'
import { newPostgresDatabase } from './postgres.ts'

export const quiet = createLog('silent')

export interface Engine {
  name: string
  /** A migrated database with nothing in it; without a URL it is this process's own. */
  open(): Promise<{ db: Database; url?: string; close(): Promise<void> }>
}

export const engines: Engine[] = [
  {
    name: 'PostgreSQL',
    async open() {
      const url = await newPostgresDatabase()
      const db = await openDatabase({ url, dataDir: '', poolSize: 8 }, quiet)
      return { db, url, close: () => db.close() }
    },
  },
  {
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
  },
]
