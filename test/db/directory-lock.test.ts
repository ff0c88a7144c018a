/** One process per embedded directory: a second one exits with one line; the lock left by SIGKILL blocks no later start. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { layOutEmbedded } from '../support/embedded.ts'
import { startProcess } from '../support/process.ts'
import { testKeys } from '../support/service.ts'

test('a second process on one directory ends with one line and exit code 1; SIGKILL frees the directory', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-lock-'))
  await layOutEmbedded(join(dir, 'data'))
  const env = { SPOKE_ENCRYPTION_KEYS: testKeys }
  const first = startProcess(dir, env)
  t.after(() => {
    first.child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })
  await first.url

  const second = startProcess(dir, env)
  assert.equal(await second.exit, 1)
  const lines = second.output().trim().split('\n')
  assert.equal(lines.length, 1, second.output())
  assert.match(
    lines[0] as string,
    /^spoke: .*data is in use by another Spoke process \(process \d+\)\. Stop it first/,
  )
  assert.ok(lines[0]?.includes(String(first.child.pid)))

  await first.end('SIGKILL')
  const third = startProcess(dir, env)
  t.after(() => third.child.kill('SIGKILL'))
  await third.url

  const stopped = performance.now()
  assert.equal(await third.end('SIGTERM'), 0, third.output())
  assert.ok(performance.now() - stopped < 10_000)
})
