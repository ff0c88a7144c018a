/**
 * What PostgreSQL's initdb creates. In WebAssembly initdb takes nine seconds of CPU time; a copy of
 * its result takes one (docs/decisions/0034-prepopulated-cluster.md).
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { dataDir } from '@electric-sql/pglite-prepopulatedfs'

/** An archive for PGlite's option `loadDataDir`. */
export const emptyCluster = (): Promise<Blob> => dataDir()

/**
 * Creates a cluster in the directory unless there is one. A process that dies before it is complete
 * leaves another directory, which the next call replaces.
 */
export async function createCluster(directory: string): Promise<void> {
  if (existsSync(directory)) return
  const unfinished = `${directory}.new`
  rmSync(unfinished, { recursive: true, force: true })
  const pglite = await PGlite.create({ dataDir: unfinished, loadDataDir: await emptyCluster() })
  await pglite.close()
  renameSync(unfinished, directory)
}
