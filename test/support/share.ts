/**
 * Runs test files one after the other in this process, until none is left. The processes of a run
 * take files from one list. With a process for each file, loading the product took more than a
 * quarter of the CPU time.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'

const root = join(import.meta.dirname, '../..')

/** These take longest. They start first, so that the run does not end with one of them alone. */
const longest = [
  'test/journal/journal.test.ts',
  'test/sync/sync.test.ts',
  'test/inbox/webhooks.test.ts',
  'test/sync/crash.test.ts',
  'test/sync/capture.test.ts',
  'test/worker/disk-full.test.ts',
  'test/check.test.ts',
  'test/hubspot/processes.test.ts',
  'test/integrations/refusals.test.ts',
  'test/tenants/export-and-erasure.test.ts',
  'test/sync/worlds.test.ts',
  'test/tenant-canaries.test.ts',
  'test/sync/uncertain-facts.test.ts',
  'test/integrations/tokens/tokens.test.ts',
  'test/demo.test.ts',
  'test/http/fuzz.test.ts',
  'test/http/reference/reference-browser.test.ts',
  'test/doctor/requests.test.ts',
  'test/http/access-matrix.test.ts',
  'test/changes/adds-up.test.ts',
  'test/sync/kill.test.ts',
  'test/doctor/command.test.ts',
  'test/tenants/export-and-erasure-process.test.ts',
  'test/inbox/nothing-lost.test.ts',
  'test/auth/sessions.test.ts',
  'test/canaries.test.ts',
  'test/examples/specification.test.ts',
  'test/http/bad-input-everywhere.test.ts',
  'test/hubspot/client.test.ts',
  'test/integrations/oauth/oauth-confirm.test.ts',
  'test/integrations/status.test.ts',
  'test/db/directory-lock.test.ts',
  'test/lib/watchdog.test.ts',
  'test/tenants/key-ring-start.test.ts',
  'test/sync/limits.test.ts',
  'test/tenants/rotation.test.ts',
  'test/db/isolation.test.ts',
  'test/integrations/tokens/refresh-survives.test.ts',
  'test/examples/live.test.ts',
  'test/integrations/connect-refused.test.ts',
  'test/db/migrate.test.ts',
  'test/doctor/isolation.test.ts',
  'test/auth/api-keys-http.test.ts',
  'test/integrations/purge.test.ts',
  'test/http/database-unavailable.test.ts',
  'test/outbox/outbox.test.ts',
  'test/issues/upsert-issues.test.ts',
  'test/sync/slow-pages.test.ts',
  'test/hubspot/proxy.test.ts',
  'test/db/wait-for-postgres.test.ts',
  'test/auth/logins.test.ts',
  'test/integrations/disconnect.test.ts',
]

const isOnPglite = process.env.SPOKE_TEST_PGLITE === '1'

/** Every test file, or those with bodies for an engine if they run on PGlite. */
function listFiles(): string[] {
  for (const file of longest) if (!existsSync(join(root, file))) throw new Error(`there is no ${file}`)
  const files = globSync('test/**/*.test.ts', { cwd: root }).sort()
  const chosen = isOnPglite
    ? files.filter((file) =>
        /^import \{[^}]*\bengines\b[^}]*\} from/m.test(readFileSync(join(root, file), 'utf8')),
      )
    : [...longest, ...files.filter((file) => !longest.includes(file))]
  if (chosen.length < 10) throw new Error(`only ${chosen.length} test files were found`)
  return chosen
}

/** Whether this process is the first to claim the file. */
function claim(file: string): boolean {
  const scratch = process.env.SPOKE_TEST_SCRATCH
  if (!scratch) throw new Error('run the tests by `npm test`, or one file by `npm run test:file -- <path>`')
  const claims = join(scratch, 'claims')
  mkdirSync(claims, { recursive: true })
  try {
    writeFileSync(join(claims, encodeURIComponent(file)), '', { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Runs what it can claim. Each file is a suite, so its hooks run for its own tests. */
export async function runShare(): Promise<void> {
  for (const file of listFiles()) {
    if (!claim(file)) continue
    await test(file, { timeout: 480_000 }, () => {
      describe(basename(file, '.test.ts'), async () => {
        await import(join(root, file))
      })
    })
  }
}
