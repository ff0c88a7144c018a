/**
 * The database: PostgreSQL by URL, or PGlite embedded in a directory. The same SQL runs on both.
 * Over 200 lines because both implement one interface and share the rules of a transaction.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import {
  type CompiledQuery,
  Kysely,
  PGliteDialect,
  PostgresDialect,
  type RawBuilder,
  sql,
  type Transaction,
} from 'kysely'
import pg from 'pg'
import { type Db, fromPglite } from 'pg-boss'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { makePrivate } from '../lib/private-directory.ts'
import { BoundedClient, type Preparing } from './bounded-client.ts'
import { databaseErrorReason, isDiskFull } from './database-errors.ts'
import { LockedError, lockDirectory } from './directory-lock.ts'
import {
  createDiskSpace,
  createServerDisk,
  DiskFullError,
  type DiskSpace,
  waitForDiskSpace,
} from './disk-space.ts'
import { createCluster, emptyCluster } from './empty-cluster.ts'
import { detectPooling, isLostStatement, type Pooling } from './pooler.ts'
import { DatabaseStartError, tryConnect, waitForPostgres } from './wait-for-postgres.ts'

// All SQL is written by hand, so kysely needs no table types.
type Tables = Record<string, never>

export interface Database {
  kind: 'embedded' | 'postgres'
  /** Only for migrations and scope.ts; everything else uses a scope. */
  kysely: Kysely<Tables>
  /** The same database, as an adapter for the job queue. */
  jobs: Db
  /** True behind a pooler in transaction mode, where LISTEN is lost. */
  pooled?: boolean
  /**
   * Settings that each unit of work applies first. At the start of a session, a pooler would refuse
   * or lose them.
   */
  limits?: readonly string[]
  /** Whether there is disk space to write, as far as known. */
  disk?: DiskSpace
  /** Runs a transaction of one statement, on a server in one packet. Used through scopes only. */
  alone?(opening: string, statement: CompiledQuery): Promise<unknown[]>
  close(): Promise<void>
}

/** Runs one statement and returns its rows. The only way the rest of the app runs SQL. */
export type Query = <Row>(statement: RawBuilder<Row>) => Promise<Row[]>

// 8-byte integers arrive as strings by default; ours (counts, epochs, hub ids) stay far below
// 2^53.
const parseInt8 = (text: string) => Number(text)
const int8 = 20

/** How the driver parses values, on every connection. */
export const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8
      ? parseInt8
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
}

export interface DatabaseTarget {
  /** Absent: embedded. */
  url?: string | undefined
  /** The variable that sets the URL, for messages to the operator. */
  variable?: string
  dataDir: string
  /** Connections of this process. Ignored when embedded, which has one. */
  poolSize: number
  /** Timeout of one statement, ms. Absent: none, for migrations. Ignored when embedded. */
  statementMs?: number
  /**
   * Whether long statements are prepared. `auto`: only if a pooler, if any, supports it. Absent:
   * pooling is not detected, and they are prepared.
   */
  prepare?: 'auto' | 'on' | 'off' | undefined
  /**
   * How long to wait for a server that is not up yet, or for disk space, ms. Absent: not at all.
   */
  waitMs?: number
  /**
   * Embedded: writes stop while less than this is free on the disk, bytes. Absent or 0: no limit.
   */
  minFreeBytes?: number
}

/**
 * Opens the database without touching its schema.
 *
 * @throws LockedError when another process has locked the embedded directory
 * @throws DatabaseStartError when the database cannot be used
 */
export async function openDatabase(
  target: DatabaseTarget,
  log: Log,
  clock: Clock = systemClock,
): Promise<Database> {
  return target.url
    ? await openPostgres(target, target.url, log, clock)
    : await openEmbedded(target, log, clock)
}

async function openPostgres(target: DatabaseTarget, url: string, log: Log, clock: Clock): Promise<Database> {
  const { poolSize: max, statementMs, variable = 'DATABASE_URL', waitMs = 0, prepare } = target
  const detect = async (connectionString: string): Promise<Pooling | undefined> =>
    prepare === undefined
      ? await tryConnect(connectionString).then(() => ({ pooled: false, prepares: true }))
      : await detectPooling(connectionString, `spoke_probe_${randomUUID()}`)
  const found = await waitForPostgres({ url, variable, waitMs }, clock, log, detect)
  const { pooled, preparing } = configurePreparing(found, prepare, log)
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
    Client: BoundedClient as unknown as new () => pg.Client,
    pipeline: true,
    types,
    preparing,
  } as pg.PoolConfig)
  // Without both handlers, one idle connection that ends would crash the process.
  const onError = (err: Error) => log.warn({ err }, 'a database connection ended')
  pool.on('error', onError)
  pool.on('connect', (client) => client.on('error', onError))
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return {
    kind: 'postgres',
    kysely,
    pooled,
    limits: [
      ...(statementMs ? [`set local statement_timeout = ${statementMs}`] : []),
      'set local idle_in_transaction_session_timeout = 30000',
    ],
    disk,
    jobs: {
      executeSql: async (text, values) => {
        const answer: unknown = await pool.query(text, values)
        const results = (Array.isArray(answer) ? answer : [answer]) as { rows?: unknown[] }[]
        return { rows: results.flatMap((result) => result.rows ?? []) }
      },
    },
    async alone(opening, { sql: text, parameters }) {
      const client = (await pool.connect()) as pg.PoolClient & BoundedClient
      try {
        return await client.alone(opening, text, [...parameters])
      } finally {
        client.release()
      }
    },
    close: () => kysely.destroy(),
  }
}

/** @param seen undefined: detection was not possible, so a pooler is assumed */
function configurePreparing(
  seen: Pooling | undefined,
  prepare: DatabaseTarget['prepare'],
  log: Log,
): { pooled: boolean; preparing: Preparing } {
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
    log.info(
      { prepared_statements: preparing.on },
      'the database is behind a pooler in transaction mode; the job queue polls instead of listening',
    )
  return { pooled: found.pooled, preparing }
}

async function openEmbedded(
  { dataDir, waitMs = 0, minFreeBytes = 0 }: DatabaseTarget,
  log: Log,
  clock: Clock,
): Promise<Database> {
  const unusable = (cause: unknown) =>
    new DatabaseStartError(
      `cannot use the data directory ${dataDir} (SPOKE_DATA_DIR): ${databaseErrorReason(cause)}`,
      {
        cause,
      },
    )
  let lock: ReturnType<typeof lockDirectory>
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    makePrivate(dataDir, (dir, mode) => log.info({ dir, mode }, 'closed the data directory to other users'))
    lock = lockDirectory(dataDir)
  } catch (error) {
    throw error instanceof LockedError ? error : unusable(error)
  }
  const files = join(dataDir, 'pg')
  const place = { dir: dataDir, minFreeBytes }
  try {
    await waitForDiskSpace({ ...place, isNew: !existsSync(files), waitMs }, clock, log)
    const disk = createDiskSpace({ ...place, log, clock })
    try {
      await createCluster(files)
      return await openPglite({ dataDir: files }, disk, () => {
        disk.stop()
        lock.release()
      })
    } catch (error) {
      disk.stop()
      throw unusable(error)
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** An empty database in the memory of this process, gone when it is closed. */
export const openInMemory = async (): Promise<Database> =>
  await openPglite({ loadDataDir: await emptyCluster() }, undefined, () => {})

/** Keeps a leading U+FEFF, which a TextDecoder drops as a byte order mark by default. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const decodeWhole = decoder.decode.bind(decoder)

/**
 * PGlite decodes values with a TextDecoder of its own that cannot be configured. It does so
 * synchronously while a statement runs, so the prototype is patched for that time only.
 */
class WholeTextPglite extends PGlite {
  override execProtocolRawSync(message: Uint8Array): Uint8Array {
    const { decode } = TextDecoder.prototype
    TextDecoder.prototype.decode = decodeWhole
    try {
      return super.execProtocolRawSync(message)
    } finally {
      TextDecoder.prototype.decode = decode
    }
  }
}

async function openPglite(
  place: { dataDir: string } | { loadDataDir: Blob },
  disk: DiskSpace | undefined,
  closed: () => void,
): Promise<Database> {
  const pglite = new WholeTextPglite({ ...place, parsers: { [int8]: parseInt8 } })
  await pglite.waitReady
  const jobs = fromPglite(pglite)
  return {
    kind: 'embedded',
    kysely: new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) }),
    jobs: {
      ...jobs,
      executeSql: async (text, values) => {
        if (disk?.check()) throw new DiskFullError()
        return await jobs.executeSql(text, values)
      },
    },
    ...(disk ? { disk } : {}),
    close: async () => {
      await pglite.close()
      closed()
    },
  }
}

/** True for failures after which the same transaction can be run again. */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === '40001' || code === '40P01' || isLostStatement(error)
}

/** `ms` from now, by the database's clock. @param ms null: never */
export const fromNow = (ms: number | null) => sql`clock_timestamp() + ${ms}::float8 * interval '1 ms'`

/** `ms` before now, by the database's clock. */
export const ago = (ms: number) => sql`clock_timestamp() - ${ms}::float8 * interval '1 ms'`

/** Switches the rest of a transaction to another role. */
export const setLocalRole = (role: string) => sql`set local role ${sql.id(role)}`

/**
 * Runs one unit of work: a transaction that first applies `prelude` (role, tenant) and then runs
 * `work`. Serialisation failures and deadlocks repeat it, up to five attempts, so `work` must not
 * have effects outside the database.
 */
export async function inTransaction<T>(
  db: Database,
  prelude: readonly string[],
  work: (query: Query) => Promise<T>,
): Promise<T> {
  return await withRetries(
    db,
    (opening) =>
      db.kysely.transaction().execute(async (trx: Transaction<Tables>) => {
        // One message on a server; PGlite takes one statement per message.
        const messages = db.kind === 'postgres' ? [opening.join(';')] : opening
        for (const message of messages) await sql.raw(message).execute(trx)
        return await work(async (statement) => (await statement.execute(trx)).rows)
      }),
    prelude,
  )
}

/** A unit of work of one statement. When this returns its rows, it is committed. */
export async function inOneStatement<Row>(
  db: Database,
  prelude: readonly string[],
  statement: RawBuilder<Row>,
): Promise<Row[]> {
  const { alone } = db
  if (!alone) return await inTransaction(db, prelude, (query) => query(statement))
  const run = (opening: readonly string[]) => alone(opening.join(';'), statement.compile(db.kysely))
  return (await withRetries(db, run, prelude)) as Row[]
}

/**
 * Runs `work` again after transient failures. While the disk is full the transaction is read-only:
 * reads work, and the database rejects writes.
 */
async function withRetries<T>(
  db: Database,
  work: (opening: readonly string[]) => Promise<T>,
  prelude: readonly string[],
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const readOnly = db.kind === 'embedded' && db.disk?.check() === true
    try {
      return await work([
        ...(readOnly ? ['set transaction read only'] : []),
        ...(db.limits ?? []),
        ...prelude,
      ])
    } catch (error) {
      if (readOnly && (error as { code?: string }).code === '25006') throw new DiskFullError()
      if (isDiskFull(error)) db.disk?.noteFull()
      if (attempt >= 5 || !isTransient(error)) throw error
    }
  }
}
