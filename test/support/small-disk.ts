/** A disk of a few MiB in memory, where this process may mount one: on Linux, for root. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  dir: string
  resize(mib: number): void
  remove(): void
}

/** @throws when it may not be mounted */
export function makeSmallDisk(mib: number): SmallDisk {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', dir], { stdio: 'pipe' })
  return {
    dir,
    resize: (size) => void execFileSync('mount', ['-o', `remount,size=${size}m`, dir], { stdio: 'pipe' }),
    remove() {
      spawnSync('umount', ['-l', dir])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function mayMount(): boolean {
  try {
    makeSmallDisk(1).remove()
    return true
  } catch {
    return false
  }
}

/** For `describe` and `test`: reported as skipped where nothing can be mounted. */
export const withSmallDisk = mayMount() ? {} : { skip: 'needs root, and a kernel that lets it mount a tmpfs' }
