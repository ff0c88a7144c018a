/** PostgreSQL by URL: a pool of connections that run transactions in few packets. */
import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { type Database, type DatabaseTarget, types } from './database.ts'
import { createServerDisk } from './disk-space.ts'
import { detectPooling, type Pooling } from './pooler.ts'
import { type Preparing, runTransaction } from './postgres-transaction.ts'
import { tryConnect, waitForPostgres } from './wait-for-postgres.ts'

/** @throws DatabaseStartError when the database cannot be used */
export async function openPostgres(
  target: DatabaseTarget,
  url: string,
  log: Log,
  clock: Clock,
): Promise<Database> {
  const { poolSize: max, statementMs, variable = 'DATABASE_URL', waitMs = 0, prepare } = target
  const detect = async (connectionString: string): Promise<Pooling | undefined> =>
    prepare === undefined
      ? await tryConnect(connectionString).then(() => ({ pooled: false, prepares: true }))
      : await detectPooling(connectionString, `spoke_probe_${randomUUID()}`)
  const found = await waitForPostgres({ url, variable, waitMs }, clock, log, detect)
  const preparing = configurePreparing(found, prepare, log)
  const disk = createServerDisk(clock)
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // The server cancels slow statements; the client's own timeout is for a server that does not
    // respond.
    ...(statementMs ? { query_timeout: statementMs + 1_000 } : {}),
    // Statements are sent without waiting for the result of the one before.
    pipeline: true,
    types,
  })
  // Without both handlers, one idle connection that ends would crash the process.
  const onError = (err: Error) => log.warn({ err }, 'a database connection ended')
  pool.on('error', onError)
  pool.on('connect', (client) => client.on('error', onError))
  const kysely: Database['kysely'] = new Kysely({ dialect: new PostgresDialect({ pool }) })
  return {
    kind: 'postgres',
    kysely,
    limits: [
      ...(statementMs ? [`set local statement_timeout = ${statementMs}`] : []),
      'set local idle_in_transaction_session_timeout = 30000',
    ],
    disk,
    transaction: (opening, work) => runTransaction({ pool, kysely, preparing }, opening, work),
    close: () => pool.end(),
  }
}

/** @param seen undefined: detection was not possible, so a pooler is assumed */
function configurePreparing(
  seen: Pooling | undefined,
  prepare: DatabaseTarget['prepare'],
  log: Log,
): Preparing {
  if (!seen)
    log.warn(
      'the database allows only one connection, so Spoke cannot rule out a pooler and assumes one; raise the connection limit of the login or the pooler',
    )
  const found = seen ?? { pooled: true, prepares: false }
  const preparing: Preparing = { on: prepare === 'auto' ? found.prepares : prepare !== 'off' }
  if (prepare === 'auto')
    preparing.onLost = () => {
      if (preparing.on)
        log.warn('prepared statements are lost between transactions; none is prepared from now on')
      preparing.on = false
    }
  if (seen?.pooled)
    log.info({ prepared_statements: preparing.on }, 'the database is behind a pooler in transaction mode')
  return preparing
}
