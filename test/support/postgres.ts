/** Databases for tests: each a fresh copy of the migrated template. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'

/** The server of this run. Set by global-setup.ts. */
function serverUrl(): string {
  const url = process.env.SPOKE_TEST_PG
  if (!url)
    throw new Error(
      'no PostgreSQL: run the tests by `npm test` (or with --test-global-setup=test/support/global-setup.ts)',
    )
  return url
}

export function withDatabase(name: string, login?: string): string {
  const url = new URL(serverUrl())
  url.pathname = `/${name}`
  if (login) url.username = login
  return url.toString()
}

const pools = new Map<string, pg.Pool>()

function poolOf(url: string): pg.Pool {
  const known = pools.get(url)
  if (known) return known
  const made = new pg.Pool({ connectionString: url, max: 4, idleTimeoutMillis: 1_000, allowExitOnIdle: true })
  // A test may end any connection; the next statement opens another.
  made.on('error', () => {})
  pools.set(url, made)
  return made
}

/** One statement as superuser. Tests query many times a second, so connections stay open for a second. */
export async function adminQuery(
  statement: string | { name: string; text: string },
  url = serverUrl(),
): Promise<Record<string, unknown>[]> {
  return (await poolOf(url).query(statement)).rows
}

/** A new database from the template. It is not dropped: the server is removed at the end of the run. */
export async function newPostgresDatabase(template = 'spoke_template'): Promise<string> {
  const name = `t_${randomUUID().replaceAll('-', '')}`
  for (let tries = 0; ; tries++) {
    try {
      await adminQuery(`create database ${name} template ${template}`)
      // Privileges on a database are not copied with it; the migrations revoked this one.
      await adminQuery(`revoke temporary on database ${name} from public`)
      return withDatabase(name)
    } catch (error) {
      // Two copies of one template at the same moment: the later tries again.
      if (tries > 50 || (error as { code?: string }).code !== '55006') throw error
      await new Promise((resolve) => setTimeout(resolve, 50 + 100 * Math.random()))
    }
  }
}
