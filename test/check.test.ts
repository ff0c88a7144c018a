/** The compiler and the linter, side by side with the tests: they keep one processor busy for ten seconds. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('npm run check finds nothing', async () => {
  const options = { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' } as const
  const [error, output] = await new Promise<[Error | null, string]>((resolve) => {
    execFile('npm', ['run', '--silent', 'check'], options, (error, out, err) =>
      resolve([error, `${out}\n${err}`]),
    )
  })
  if (error) assert.fail(output)
})
