/** The database: PostgreSQL by URL, or PGlite embedded in a directory. The same SQL runs on both. */
import { mkdirSync } from 'node:fs'
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
import { BoundedClient } from './bounded-client.ts'
import { lockDirectory } from './lock.ts'
import type { Log } from './log.ts'

// Tables are written out in SQL, so kysely needs no description of them.
type Tables = Record<string, never>

export interface Database {
  kind: 'embedded' | 'postgres'
  /** For migrations and the scope file only; everything else goes through a scope. */
  kysely: Kysely<Tables>
  /** The same database as the job queue sees it. */
  jobs: Db
  /** A whole transaction of one statement, on a server in one packet. Through a scope too. */
  alone?(opening: string, statement: CompiledQuery): Promise<unknown[]>
  close(): Promise<void>
}

/** One statement's rows. The only way the rest of the house talks SQL. */
export type Query = <Row>(statement: RawBuilder<Row>) => Promise<Row[]>

// 8-byte integers arrive as strings by default; ours (counts, epochs, portal ids) stay far below 2^53.
const parseInt8 = (text: string) => Number(text)
const int8 = 20

/** How the driver reads values, for every connection of ours. */
export const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8
      ? parseInt8
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
}

export interface DatabaseTarget {
  /** Absent: embedded. */
  url?: string | undefined
  dataDir: string
  /** Connections of this process; ignored when embedded, which has one. */
  poolSize: number
  /** Bound of one statement, ms; absent: none, for migrations. Ignored when embedded. */
  statementMs?: number
}

/**
 * Opens the database without touching its schema.
 *
 * @throws LockedError when another process holds the embedded directory
 */
export async function openDatabase(target: DatabaseTarget, log: Log): Promise<Database> {
  return target.url ? openPostgres(target, log) : await openEmbedded(target.dataDir)
}

function openPostgres({ url, poolSize: max, statementMs }: DatabaseTarget, log: Log): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // The server cancels what takes too long; the client's own bound is for a server that has fallen silent.
    ...(statementMs ? { statement_timeout: statementMs, query_timeout: statementMs + 1_000 } : {}),
    idle_in_transaction_session_timeout: 30_000,
    Client: BoundedClient,
    pipeline: true,
    types,
  })
  // Without both handlers one idle backend that ends takes the whole process with it.
  const onError = (err: Error) => log.warn({ err }, 'a database connection ended')
  pool.on('error', onError)
  pool.on('connect', (client) => client.on('error', onError))
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return {
    kind: 'postgres',
    kysely,
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

async function openEmbedded(dataDir: string): Promise<Database> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const lock = lockDirectory(dataDir)
  try {
    return await openPglite(join(dataDir, 'pg'), () => lock.release())
  } catch (error) {
    lock.release()
    throw error
  }
}

/** An empty database in this process's memory, gone when it is closed. */
export const openInMemory = (): Promise<Database> => openPglite(undefined, () => {})

/** Keeps a leading U+FEFF, which a TextDecoder takes for a byte order mark and drops unless it is told not to. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const decodeWhole = decoder.decode.bind(decoder)

/**
 * PGlite decodes each value by a decoder of its own, which it cannot be given. It does so while the statement runs, in one
 * synchronous call, and only for that time its decoders do as ours.
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

async function openPglite(dataDir: string | undefined, closed: () => void): Promise<Database> {
  const pglite = new WholeTextPglite({ ...(dataDir ? { dataDir } : {}), parsers: { [int8]: parseInt8 } })
  await pglite.waitReady
  return {
    kind: 'embedded',
    kysely: new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) }),
    jobs: fromPglite(pglite),
    close: async () => {
      await pglite.close()
      closed()
    },
  }
}

/** True for failures after which the same transaction may simply be run again. */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === '40001' || code === '40P01'
}

/** So many ms from now, by the database's clock. @param ms null: never */
export const fromNow = (ms: number | null) => sql`clock_timestamp() + ${ms}::float8 * interval '1 ms'`

/** So many ms before now, by the database's clock. */
export const ago = (ms: number) => sql`clock_timestamp() - ${ms}::float8 * interval '1 ms'`

/** Makes what follows in a transaction another role's. */
export const become = (role: string) => sql`set local role ${sql.id(role)}`

/**
 * One unit of work: a transaction that first becomes what `prelude` says (role, tenant) and then runs `work`.
 * Serialisation failures and deadlocks run it again, up to five times, so `work` must not reach outside the
 * database.
 */
export async function inTransaction<T>(
  db: Database,
  prelude: readonly string[],
  work: (query: Query) => Promise<T>,
): Promise<T> {
  return await repeated(() =>
    db.kysely.transaction().execute(async (trx: Transaction<Tables>) => {
      // One message on a server; PGlite takes one statement a message.
      const messages = db.kind === 'postgres' ? [prelude.join(';')] : prelude
      for (const message of messages) await sql.raw(message).execute(trx)
      return await work(async (statement) => (await statement.execute(trx)).rows)
    }),
  )
}

/** A unit of work of one statement: whoever has its rows knows that it is committed. */
export async function inOneStatement<Row>(
  db: Database,
  prelude: readonly string[],
  statement: RawBuilder<Row>,
): Promise<Row[]> {
  const { alone } = db
  if (!alone) return await inTransaction(db, prelude, (query) => query(statement))
  return (await repeated(() => alone(prelude.join(';'), statement.compile(db.kysely)))) as Row[]
}

async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= 5 || !isTransient(error)) throw error
    }
  }
}
