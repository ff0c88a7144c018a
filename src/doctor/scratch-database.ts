/** The scratch database of a rehearsal: like the operator's, private and temporary. */
import { randomBytes } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type Database, openInMemory, types } from '../db/database.ts'
import { allStatements } from '../db/migrate.ts'
import { asText } from './as-text.ts'
import { createMutex } from './mutex.ts'

export interface ScratchDatabase {
  db: Database
  /** A description for the operator. */
  where: string
  close(): Promise<void>
}

/** An embedded database in the memory of this process. */
export async function openScratchInMemory(): Promise<ScratchDatabase> {
  const db = await openInMemory()
  await createSchema((text) => asText(text).execute(db.kysely))
  return { db, where: 'an embedded database in memory', close: () => db.close() }
}

/**
 * A schema on the operator's server, in a transaction that is never committed: other connections do
 * not see it, and the server rolls it back however this process ends. Units of work are savepoints
 * in it.
 *
 * @returns undefined when the login may not create a schema
 * @throws the database's own error
 */
export async function openScratchOnServer(url: string): Promise<ScratchDatabase | undefined> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'spoke doctor',
    connectionTimeoutMillis: 5_000,
    query_timeout: 15_000,
    types,
  })
  client.on('error', () => {})
  await client.connect()
  const schema = `spoke_rehearsal_${randomBytes(6).toString('hex')}`
  try {
    await client.query('begin')
    // Set here, because a pooler would refuse these at the start of the session. They end the
    // transaction of a doctor that hangs.
    await client.query('set local statement_timeout = 10000')
    await client.query('set local idle_in_transaction_session_timeout = 20000')
    await client.query('set local lock_timeout = 2000')
    await client.query(`create schema ${schema}`)
    await client.query(`set local search_path = ${schema}`)
    // Without savepoints: many open ones would slow down snapshots for everyone on the server.
    await createSchema((text) => client.query(text))
  } catch (error) {
    await client.end()
    if ((error as { code?: string }).code === '42501') return undefined
    throw error
  }
  const kysely = new Kysely<Record<string, never>>({
    dialect: new PostgresDialect({ pool: oneTransaction(client) as unknown as pg.Pool }),
  })
  const db: Database = {
    kind: 'postgres',
    kysely,
    jobs: { executeSql: () => Promise.reject(new Error('a rehearsal has no job queue')) },
    // Closing the connection rolls back the transaction.
    close: () => client.end(),
  }
  const where = 'a schema on the PostgreSQL server, in a transaction that is never committed'
  return { db, where, close: () => db.close() }
}

async function createSchema(run: (text: string) => Promise<unknown>): Promise<void> {
  for (const statement of allStatements()) await run(statement)
}

interface LentClient {
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>
  release(): void
}

/**
 * A pool for kysely with one connection, lent to one user at a time, whose transactions are
 * savepoints. The role and the tenant are reset after each, since `set local` lasts until the outer
 * transaction ends.
 */
function oneTransaction(client: pg.Client): {
  options: object
  connect(): Promise<LentClient>
  end(): Promise<void>
} {
  const mutex = createMutex()
  let within = false
  const all = async (...texts: string[]) => {
    let last: pg.QueryResult | undefined
    for (const text of texts) last = await client.query(text)
    return last as pg.QueryResult
  }
  async function guarded(text: string, values: unknown[]): Promise<pg.QueryResult> {
    await client.query('savepoint statement')
    try {
      const result = await client.query(text, values)
      await client.query('release savepoint statement')
      return result
    } catch (error) {
      await all('rollback to savepoint statement', 'release savepoint statement')
      throw error
    }
  }
  async function query(text: string, values: unknown[] = []): Promise<pg.QueryResult> {
    if (/^(begin|start transaction)/.test(text)) {
      within = true
      return await client.query('savepoint unit')
    }
    if (text === 'commit') {
      const done = await all(
        'release savepoint unit',
        'set local role none',
        "set local spoke.tenant_id = ''",
      )
      within = false
      return done
    }
    if (text === 'rollback') {
      within = false
      return await all('rollback to savepoint unit', 'release savepoint unit')
    }
    const result = await (within ? client.query(text, values) : guarded(text, values))
    // COPY output bypasses the driver; only its row count is needed.
    return result.command === 'COPY' ? { ...result, rows: [{ n: result.rowCount }] } : result
  }
  return {
    options: {},
    async connect() {
      const release = await mutex.acquire()
      return { query, release }
    },
    end: () => client.end(),
  }
}
