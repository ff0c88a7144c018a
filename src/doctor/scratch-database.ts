/** The scratch database of a rehearsal: like the operator's, private and temporary. */
import { randomBytes } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type Database, types } from '../db/database.ts'
import { openInMemory } from '../db/embedded.ts'
import { allStatements } from '../db/migrate.ts'
import { asText } from './as-text.ts'

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
  const lend = lender()
  const kysely: Database['kysely'] = new Kysely({
    dialect: new PostgresDialect({ pool: poolOf(client, lend) as unknown as pg.Pool }),
  })
  const db: Database = {
    kind: 'postgres',
    kysely,
    // A savepoint. The role and the tenant are reset after it, since `set local` lasts until the
    // outer transaction ends.
    transaction: (opening, work) =>
      lend(() =>
        inSavepoint(client, async () => {
          for (const text of opening) await client.query(text)
          const done = await work(async (statement) => {
            const { sql: text, parameters } = statement.compile(kysely)
            return (await ask(client, text, parameters)).rows
          })
          await client.query('set local role none')
          await client.query("set local spoke.tenant_id = ''")
          return done
        }),
      ),
    // Closing the connection rolls back the transaction.
    close: () => client.end(),
  }
  const where = 'a schema on the PostgreSQL server, in a transaction that is never committed'
  return { db, where, close: () => db.close() }
}

async function createSchema(run: (text: string) => Promise<unknown>): Promise<void> {
  for (const statement of allStatements()) await run(statement)
}

type Lend = <T>(work: () => Promise<T>) => Promise<T>

/** Lends the one connection to one user at a time, first come, first served. */
function lender(): Lend {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work, work)
    last = done
    return done
  }
}

async function inSavepoint<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('savepoint unit')
  try {
    const done = await work()
    await client.query('release savepoint unit')
    return done
  } catch (error) {
    await client.query('rollback to savepoint unit')
    await client.query('release savepoint unit')
    throw error
  }
}

async function ask(client: pg.Client, text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
  const result = await client.query(text, [...values])
  // COPY output bypasses the driver; only its row count is needed.
  return result.command === 'COPY' ? { ...result, rows: [{ n: result.rowCount }] } : result
}

/** A pool for kysely whose single statements are each a savepoint. */
const poolOf = (client: pg.Client, lend: Lend) => ({
  options: {},
  connect: async () => ({
    query: (text: string, values: readonly unknown[]) =>
      lend(() => inSavepoint(client, () => ask(client, text, values))),
    release() {},
  }),
})
