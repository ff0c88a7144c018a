/** `npm run test:pglite`: every test body that runs on an engine of its own, on PGlite. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join(import.meta.dirname, file))
  .filter((file) => /for \(const engine of .*\bengines\)/.test(readFileSync(file, 'utf8')))
if (files.length < 10) throw new Error(`only ${files.length} files have bodies for an engine`)

const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=3',
    '--test-timeout=480000',
    '--test-global-setup=test/support/global-setup.ts',
    ...files,
  ],
  { cwd: join(import.meta.dirname, '..'), env: { ...process.env, SPOKE_TEST_PGLITE: '1' }, stdio: 'inherit' },
)
process.exitCode = status ?? 1
