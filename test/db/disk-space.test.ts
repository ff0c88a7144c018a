/** When the free disk space cannot be read, the last result stays valid and the failure is logged once. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDiskSpace } from '../../src/db/disk-space.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'

test('a failed check of the disk keeps the last result', () => {
  const dir = join(mkdtempSync(join(tmpdir(), 'spoke-space-')), 'data')
  mkdirSync(dir)
  const lines: string[] = []
  const log = Object.assign(createLog('silent'), {
    warn: (_: unknown, line: string) => lines.push(line),
  })
  const disk = createDiskSpace({ dir, minFreeBytes: 1, log, clock: systemClock })
  try {
    assert.equal(disk.check(), false)
    rmSync(join(dir, '..'), { recursive: true })
    assert.deepEqual([disk.check(), disk.check()], [false, false])
    assert.deepEqual(lines, ['the free space of the disk cannot be read'])
  } finally {
    disk.stop()
  }
})
