/**
 * Makes the embedded database's directory private to its user, because it has tickets unencrypted.
 */
import { chmodSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** On Windows, which has no file modes, nothing is checked. */
const hasModes = process.platform !== 'win32'
const octal = (mode: number) => (mode & 0o7777).toString(8)

/**
 * Removes access for group and others from an existing directory. A directory with other files than
 * our database is not changed: it belongs to another user or to the system.
 *
 * @param notice called with the directory and its old mode when the mode was changed
 * @throws Error when other users of this machine still have access
 */
export function makePrivate(dir: string, notice: (dir: string, mode: string) => void = () => {}): void {
  if (!hasModes || isPrivate(dir)) return
  const mode = octal(statSync(dir).mode)
  const held = readdirSync(dir).filter((name) => name !== 'lost+found')
  if (held.length > 0 && !held.includes('pg') && !held.includes('lock'))
    throw new Error(
      `it is open to other users of this machine (mode ${mode}) and contains other files; use a directory for Spoke alone`,
    )
  try {
    chmodSync(dir, 0o700)
  } catch {
    // Another user's directory, or a file system without modes: the resulting mode is checked
    // below.
  }
  if (!isPrivate(dir))
    throw new Error(
      `it is open to other users of this machine (mode ${mode}), and this user cannot change that; name a directory in it, which Spoke then creates: SPOKE_DATA_DIR=${join(dir, 'spoke')}`,
    )
  notice(dir, mode)
}

const isPrivate = (path: string) => (statSync(path).mode & 0o077) === 0

/**
 * Removes access for group and others from a file.
 *
 * @returns whether only its user has access now
 */
export function makeFilePrivate(path: string): boolean {
  if (!hasModes || isPrivate(path)) return true
  try {
    chmodSync(path, 0o600)
  } catch {
    // As in makePrivate.
  }
  return isPrivate(path)
}

/** Whether any user of this machine could replace a file in this directory. */
export function anybodyMayReplaceIn(dir: string): boolean {
  const { mode } = statSync(dir)
  const sticky = (mode & 0o1000) !== 0
  return hasModes && (mode & 0o002) !== 0 && !sticky
}
