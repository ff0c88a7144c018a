/**
 * One process per embedded data directory. PGlite does not guard its files: two processes on one directory lose
 * acknowledged commits without an error, so the second must never get as far as opening it.
 *
 * The lock is an open exclusive transaction on a SQLite file, because that is the one kernel file lock that Node
 * offers without a native add-on: it ends with its process however that ends (no stale lock after SIGKILL), and
 * it is seen by other containers on the same volume, which a process id in a file is not.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export class LockedError extends Error {
  override name = 'LockedError' as const
}

/** @throws LockedError naming the holder, when there is one */
export function lockDirectory(dir: string): { release(): void } {
  const holder = join(dir, 'lock.holder')
  const lock = new DatabaseSync(join(dir, 'lock'))
  try {
    lock.exec('pragma busy_timeout = 0; begin exclusive')
  } catch (error) {
    lock.close()
    throw new LockedError(
      `${dir} is in use by another Spoke process${readHolder(holder)}. Stop it first, or set SPOKE_DATA_DIR or DATABASE_URL.`,
      { cause: error },
    )
  }
  writeFileSync(holder, `${process.pid}\n`)
  return { release: () => lock.close() }
}

function readHolder(path: string): string {
  try {
    return ` (process ${readFileSync(path, 'utf8').trim()})`
  } catch {
    return ''
  }
}
