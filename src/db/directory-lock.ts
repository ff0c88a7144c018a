/**
 * Allows one process per embedded data directory. PGlite does not guard its files: two processes on
 * one directory lose acknowledged commits without an error, so the second must fail before opening
 * it.
 *
 * The lock is an open exclusive transaction on a SQLite file, the only kernel file lock that Node
 * offers without a native add-on. It is released however the process ends (no stale lock after
 * SIGKILL), and other containers on the same volume see it, which is not true of a process id in a
 * file.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export class LockedError extends Error {
  override name = 'LockedError' as const
}

/** @throws LockedError naming the process that has the lock */
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
