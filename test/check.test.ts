/** The compiler and the linter run beside the other test files, so that the run does not wait for them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram } from './examples/run-program.ts'

test('npm run check finds nothing', async () => {
  const { code, stdout, stderr } = await runProgram('npm', ['run', '--silent', 'check'], {}, 240_000)
  if (code !== 0) assert.fail(`${stdout}\n${stderr}`)
})
