/** A transaction on PostgreSQL: what is sent in which packet, and what becomes of the connection. */
import { createHash } from 'node:crypto'
import type { QueryExecutorProvider } from 'kysely'
import pg from 'pg'
import type { Query } from './database.ts'
import { isLostStatement } from './pooler.ts'

/** Whether statements are prepared; shared by all connections of a process. */
export interface Preparing {
  on: boolean
  /**
   * Called when PostgreSQL reports that a prepared statement is lost. Absent: the operator decides
   * whether to prepare.
   */
  onLost?(): void
}

/** Names of the prepared statements by text; bounded by the number of statements in our stores. */
const names = new Map<string, string>()

function nameOf(text: string): string {
  const known = names.get(text)
  if (known) return known
  const name = `spoke_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`
  names.set(text, name)
  return name
}

/**
 * Statements of which each is a message of its own (Citus forwards the text of a whole message to
 * its workers), with one answer for all. The first that fails ends them.
 */
class Opening extends pg.Query {
  readonly statements: readonly string[]

  constructor(statements: readonly string[], done: (error?: Error) => void) {
    super({ text: 'begin' }, done)
    this.statements = statements
    this.submit = (connection) => {
      for (const text of statements) {
        connection.parse({ name: '', text, types: [] }, true)
        connection.bind({}, true)
        connection.execute(null, true)
      }
      connection.sync()
    }
  }

  /** The driver's own would need a description of the row, which is of no use here. */
  handleDataRow() {}
}

const open = (client: pg.PoolClient, statements: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    client.query(new Opening(statements, (error) => (error ? reject(error) : resolve())))
  })

/**
 * Runs `work` as a transaction on a connection of the pool. The opening goes out in one packet
 * with the first statement, or with the commit if there is none: the server executes them in order,
 * and a failed one aborts the transaction. A connection that cannot end its transaction is closed.
 */
export async function runTransaction<T>(
  { pool, kysely, preparing }: { pool: pg.Pool; kysely: QueryExecutorProvider; preparing: Preparing },
  opening: readonly string[],
  work: (query: Query) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let opened: Promise<void> | undefined
  let ended: Promise<unknown> | undefined
  const end = (verb: 'commit' | 'rollback') => {
    ended = client.query(verb)
    ended.catch(() => {})
  }
  const inOnePacket = <A>(ask: () => A): A => {
    const { stream } = client.connection
    stream.cork()
    try {
      opened ??= open(client, ['begin', ...opening])
      opened.catch(() => {})
      return ask()
    } finally {
      stream.uncork()
    }
  }
  const query: Query = async (statement, { prepare, last } = {}) => {
    const { sql: text, parameters } = statement.compile(kysely)
    const name = prepare && preparing.on ? nameOf(text) : undefined
    const asked = inOnePacket(() => {
      const sent = client.query({ text, values: [...parameters], ...(name ? { name } : {}) })
      if (last) end('commit')
      return sent
    })
    asked.catch((error: unknown) => {
      if (name && isLostStatement(error)) preparing.onLost?.()
    })
    await opened
    const { rows } = await asked
    await ended
    return rows
  }
  try {
    const result = await work(query)
    if (!ended) inOnePacket(() => end('commit'))
    await opened
    await ended
    client.release()
    return result
  } catch (error) {
    if (opened && !ended) end('rollback')
    const stuck = await ended?.then(
      () => undefined,
      (reason: Error) => reason,
    )
    client.release(stuck)
    throw error
  }
}
