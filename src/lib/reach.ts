/** Reaches PostgreSQL at the start: waits for a server that is not up yet, and says in one line why it cannot be used. */
import pg from 'pg'
import type { Clock } from './clock.ts'
import { mayPass, reasonOf } from './database-errors.ts'
import type { Log } from './log.ts'

/** The database cannot be used as configured; the message is for the operator. */
export class DatabaseStartError extends Error {
  override name = 'DatabaseStartError' as const
}

export interface Reached {
  url: string
  /** The variable that names it. */
  variable: string
  /** How long to wait for one that is not there yet, ms. */
  waitMs: number
}

const betweenTriesMs = 1_000
const betweenLinesMs = 5_000
const connectMs = 5_000

/** `host:port/database as login`, without the password. @throws DatabaseStartError when the URL cannot be read */
export function addressOf(url: string, variable: string): string {
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
 * Returns once a connection has been made.
 *
 * @throws DatabaseStartError at once for what waiting does not mend (a wrong password, an unknown database), else after `waitMs`
 */
export async function reachPostgres(
  { url, variable, waitMs }: Reached,
  clock: Clock,
  log: Log,
): Promise<void> {
  const address = addressOf(url, variable)
  const began = clock.monotonic()
  let nextLineAt = began
  for (;;) {
    const failure = await tryConnecting(url)
    if (failure === undefined) return
    const reason = reasonOf(failure)
    const now = clock.monotonic()
    const leftMs = began + waitMs - now
    if (!mayPass(failure) || leftMs <= 0)
      throw new DatabaseStartError(`cannot reach PostgreSQL at ${address} (${variable}): ${reason}`, {
        cause: failure,
      })
    if (now >= nextLineAt) {
      nextLineAt = now + betweenLinesMs
      log.warn(
        { address, reason, seconds_left: Math.ceil(leftMs / 1_000) },
        'the database is away; waiting for it',
      )
    }
    await clock.sleep(Math.min(betweenTriesMs, leftMs), never)
  }
}

const never = new AbortController().signal

async function tryConnecting(connectionString: string): Promise<unknown> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: connectMs })
  client.on('error', () => {})
  try {
    await client.connect()
    return undefined
  } catch (error) {
    return error ?? new Error('no reason given')
  } finally {
    await client.end().catch(() => {})
  }
}
