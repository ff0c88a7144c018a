/** Detects a pooler in transaction mode between us and PostgreSQL. */
import pg from 'pg'
import { isTemporaryStartFailure } from './database-errors.ts'

export interface Pooling {
  /**
   * A client connection is not one server connection, so session state is lost (LISTEN, SET,
   * prepared statements).
   */
  pooled: boolean
  /** Prepared statements still work in later transactions. */
  prepares: boolean
}

/** Three, because two alternating clients could meet two alternating server connections. */
const clients = 3
/**
 * Each client queries twice in a row and in changing order, so that no fixed rotation looks like a
 * dedicated connection.
 */
const order = [0, 0, 1, 0, 1, 1, 2, 0, 2, 2, 1, 2]
const rounds = 4
const connectMs = 5_000
const answerMs = 5_000

/**
 * Detects pooling by behaviour: one server connection that serves two of our clients, or one client
 * that gets two server connections, means a pooler. Then each client prepares a different statement
 * under the same name and runs it repeatedly. A pooler that supports prepared statements keeps them
 * apart; any other fails with 42P05 or 26000, or runs another client's statement. If no run hits a
 * connection on which another client has prepared, support is unproven and assumed to be missing.
 *
 * If a connection limit leaves no room for all clients, fewer are used.
 *
 * @returns undefined when only one client can connect, so that nothing can be detected
 * @throws what the connections throw
 */
export async function detectPooling(connectionString: string, name: string): Promise<Pooling | undefined> {
  const all: pg.Client[] = []
  try {
    while (all.length < clients && (await addClient(all, connectionString)));
    if (await arePooled(all)) return { pooled: true, prepares: await keepsPreparedStatements(all, name) }
    return all.length > 1 ? { pooled: false, prepares: true } : undefined
  } finally {
    await Promise.all(all.map(end))
  }
}

const end = (client: pg.Client) => client.end().catch(() => {})

/** @returns false when the connection limit is reached */
async function addClient(all: pg.Client[], connectionString: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    // A pooler accepts a client before it has a server connection for it, so run a query.
    await pidOf(client)
    all.push(client)
    return true
  } catch (error) {
    await end(client)
    if (all.length === 0 || !isTemporaryStartFailure(error)) throw error
    return false
  }
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query('select pg_backend_pid() as pid')
  return rows[0].pid
}

async function arePooled(all: pg.Client[]): Promise<boolean> {
  const pids = new Map<number, number>()
  for (const index of orderOf(all)) {
    const pid = await pidOf(all[index] as pg.Client)
    if ((pids.get(index) ?? pid) !== pid) return true
    for (const [other, seen] of pids) if (other !== index && seen === pid) return true
    pids.set(index, pid)
  }
  return false
}

const orderOf = (all: pg.Client[]) => order.filter((index) => index < all.length)

async function keepsPreparedStatements(all: pg.Client[], name: string): Promise<boolean> {
  /** The server connection on which each client prepared its statement. */
  const preparedOn = new Map<number, number>()
  let proved = false
  for (const index of Array.from({ length: rounds }, () => orderOf(all)).flat()) {
    try {
      const { rows } = await (all[index] as pg.Client).query({
        name,
        text: `select pg_backend_pid() as pid, ${index} as index`,
      })
      if (rows[0].index !== index) return false
      const pid = rows[0].pid as number
      const first = !preparedOn.has(index)
      if (first) preparedOn.set(index, pid)
      const others = [...preparedOn].some(([other, seen]) => other !== index && seen === pid)
      if (others || (!first && preparedOn.get(index) !== pid)) proved = true
    } catch (error) {
      if (isLostStatement(error)) return false
      throw error
    }
  }
  return proved
}

/** A prepared statement already exists (another client's), or no longer exists. */
export const isLostStatement = (error: unknown): boolean =>
  ['42P05', '26000'].includes((error as { code?: string }).code ?? '')
