/** Embedded databases for tests: each a copy of one that is made once a run, because making one takes seconds of CPU. */
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/lib/db.ts'
import { createLog } from '../../src/lib/log.ts'
import { migrate } from '../../src/lib/migrate.ts'

async function makeIn(dataDir: string): Promise<void> {
  const db = await openDatabase({ dataDir, poolSize: 1 }, createLog('silent'))
  await migrate(db)
  await db.close()
}

/** A new data directory with a migrated database that nobody has opened. The caller removes it. */
export async function newEmbeddedDirectory(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-pglite-'))
  // Set by global-setup.ts; removed with all that is in it at the end of the run.
  const shared = process.env.SPOKE_TEST_PGLITE
  if (!shared) {
    await makeIn(dir)
    return dir
  }
  const template = join(shared, 'template')
  // By the first who needs one, so that a run without any does not wait for it; two at the same moment make two.
  if (!existsSync(template)) {
    const made = mkdtempSync(join(shared, 'made-'))
    await makeIn(made)
    try {
      renameSync(made, template)
    } catch (error) {
      if (!existsSync(template)) throw error
      rmSync(made, { recursive: true })
    }
  }
  cpSync(template, dir, { recursive: true })
  return dir
}
