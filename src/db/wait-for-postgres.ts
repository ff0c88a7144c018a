/** Waits for PostgreSQL at start, and explains in one line why it cannot be used. */
import pg from 'pg'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { databaseErrorReason, isTemporaryStartFailure } from './database-errors.ts'

/** The database cannot be used as configured. The message is for the operator. */
export class DatabaseStartError extends Error {
  override name = 'DatabaseStartError' as const
}

export interface PostgresTarget {
  url: string
  /** The variable that sets it. */
  variable: string
  /** How long to wait for a server that is not up yet, ms. */
  waitMs: number
}

const retryMs = 1_000
const betweenLinesMs = 5_000
const connectMs = 5_000

/**
 * `host:port/database as login`, without the password.
 *
 * @throws DatabaseStartError when the URL cannot be parsed
 */
export function postgresAddress(url: string, variable: string): string {
  try {
    const { host, port, database, user } = new pg.Client({ connectionString: url })
    return `${host.includes(':') ? `[${host}]` : host}:${port}/${database ?? ''} as ${user ?? ''}`
  } catch {
    throw new DatabaseStartError(
      `${variable} cannot be read as a URL; characters such as @ : / # in a password must be percent-encoded`,
    )
  }
}

/**
 * Returns the result of `attempt` once it succeeds.
 *
 * @throws DatabaseStartError at once when waiting does not help (a wrong password, an unknown
 * database), otherwise after `waitMs`
 */
export async function waitForPostgres<T>(
  { url, variable, waitMs }: PostgresTarget,
  clock: Clock,
  log: Log,
  attempt: (url: string) => Promise<T>,
): Promise<T> {
  const address = postgresAddress(url, variable)
  const began = clock.monotonic()
  let nextLineAt = began
  for (;;) {
    const { found, failure } = await attempt(url).then(
      (found) => ({ found, failure: undefined }),
      (error: unknown) => ({ found: undefined, failure: error ?? new Error('no reason given') }),
    )
    if (failure === undefined) return found as T
    const reason = databaseErrorReason(failure)
    const now = clock.monotonic()
    const leftMs = began + waitMs - now
    if (!isTemporaryStartFailure(failure) || leftMs <= 0)
      throw new DatabaseStartError(`cannot reach PostgreSQL at ${address} (${variable}): ${reason}`, {
        cause: failure,
      })
    if (now >= nextLineAt) {
      nextLineAt = now + betweenLinesMs
      log.warn(
        { address, reason, seconds_left: Math.ceil(leftMs / 1_000) },
        'the database is unreachable; waiting for it',
      )
    }
    await clock.sleep(Math.min(retryMs, leftMs), never)
  }
}

const never = new AbortController().signal

/** @throws what the connection throws */
export async function tryConnect(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: connectMs })
  client.on('error', () => {})
  try {
    await client.connect()
  } finally {
    await client.end().catch(() => {})
  }
}
