/** One process per embedded directory: the second ends with one line; what SIGKILL leaves behind stops nobody. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')

function serve(cwd: string): {
  child: ChildProcess
  output(): string
  listening: Promise<void>
  exit: Promise<number | null>
} {
  const env = { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'info' }
  const child = spawn(process.execPath, [join(root, 'bin/spoke.js'), 'serve'], { cwd, env })
  let output = ''
  const { promise: listening, resolve } = Promise.withResolvers<void>()
  const collect = (chunk: Buffer) => {
    output += chunk
    if (output.includes('Spoke is listening')) resolve()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  return { child, output: () => output, listening, exit }
}

test('a second process on one directory ends with one line and exit code 1; SIGKILL frees the directory', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-lock-'))
  const first = serve(dir)
  t.after(() => {
    first.child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })
  await first.listening

  const second = serve(dir)
  assert.equal(await second.exit, 1)
  const lines = second.output().trim().split('\n')
  assert.equal(lines.length, 1, second.output())
  assert.match(
    lines[0] as string,
    /^spoke: .*data is in use by another Spoke process \(process \d+\)\. Stop it first/,
  )
  assert.ok(lines[0]?.includes(String(first.child.pid)))

  first.child.kill('SIGKILL')
  await first.exit
  const third = serve(dir)
  t.after(() => third.child.kill('SIGKILL'))
  await third.listening

  const stopped = performance.now()
  third.child.kill('SIGTERM')
  assert.equal(await third.exit, 0, third.output())
  assert.ok(performance.now() - stopped < 10_000)
})
