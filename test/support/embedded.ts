/**
 * Embedded databases for tests. The first start of one costs three seconds of work and is the same every time, so it is done
 * once a run, by whichever test file needs it first, and copied.
 */
import { cpSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { createLog } from '../../src/lib/log.ts'

const quiet = createLog('silent')

/** Puts a migrated database with nothing in it where the data of a service will lie. */
export async function layOutEmbedded(dataDir: string): Promise<void> {
  cpSync(await templateDirectory(), dataDir, { recursive: true })
}

/** Made by one of the run's processes; the others wait for it. */
async function templateDirectory(): Promise<string> {
  const scratch = process.env.SPOKE_TEST_SCRATCH
  if (!scratch)
    throw new Error('no scratch directory: run with --test-global-setup=test/support/global-setup.ts')
  const made = join(scratch, 'embedded')
  if (!existsSync(made) && isFirst(join(scratch, 'embedded.making'))) {
    const making = join(scratch, 'embedded.half')
    const db = await openDatabase({ dataDir: making, poolSize: 1 }, quiet)
    await migrate(db)
    await db.close()
    renameSync(making, made)
  }
  for (let tries = 0; !existsSync(made); tries++) {
    if (tries > 1_200) throw new Error('another test file did not finish the embedded template in 2 minutes')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return made
}

function isFirst(mark: string): boolean {
  try {
    mkdirSync(mark)
    return true
  } catch {
    return false
  }
}
