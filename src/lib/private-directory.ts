/** The embedded database's directory is for its own user alone: tickets lie in it as they are. */
import { chmodSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Where modes mean nothing (Windows), nothing is checked. */
const hasModes = process.platform !== 'win32'
const octal = (mode: number) => (mode & 0o7777).toString(8)

/**
 * Takes a directory that was made beforehand away from group and others. One that holds something else than our database is not
 * touched: it is somebody's, or the system's.
 *
 * @param notice told when its mode was changed, with the one that it had
 * @throws Error when others of this machine can still reach into it
 */
export function makePrivate(dir: string, notice: (dir: string, mode: string) => void = () => {}): void {
  if (!hasModes || isPrivate(dir)) return
  const mode = octal(statSync(dir).mode)
  const held = readdirSync(dir).filter((name) => name !== 'lost+found')
  if (held.length > 0 && !held.includes('pg') && !held.includes('lock'))
    throw new Error(
      `it is open to other users of this machine (mode ${mode}) and holds other files; name a directory for Spoke alone`,
    )
  try {
    chmodSync(dir, 0o700)
  } catch {
    // Somebody else's, or a file system without modes: what counts is how it stands now.
  }
  if (!isPrivate(dir))
    throw new Error(
      `it is open to other users of this machine (mode ${mode}), and this user may not change that; name a directory in it, which Spoke then makes: SPOKE_DATA_DIR=${join(dir, 'spoke')}`,
    )
  notice(dir, mode)
}

const isPrivate = (path: string) => (statSync(path).mode & 0o077) === 0

/** Takes a file away from group and others. @returns whether it is now its user's alone */
export function makeFilePrivate(path: string): boolean {
  if (!hasModes || isPrivate(path)) return true
  try {
    chmodSync(path, 0o600)
  } catch {
    // As above.
  }
  return isPrivate(path)
}

/** Whether anybody of this machine could put another file in the place of one in this directory. */
export function anybodyMayReplaceIn(dir: string): boolean {
  const { mode } = statSync(dir)
  const sticky = (mode & 0o1000) !== 0
  return hasModes && (mode & 0o002) !== 0 && !sticky
}
