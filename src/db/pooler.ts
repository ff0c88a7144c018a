/** Finds out whether a pooler stands between us and PostgreSQL that lends a server connection for a transaction only. */
import pg from 'pg'
import { mayPass } from './database-errors.ts'

export interface Pooling {
  /** A connection of ours is not one of the server's: what a session keeps (LISTEN, SET, prepared statements) is lost. */
  pooled: boolean
  /** A statement that was prepared once is there in later transactions. */
  prepares: boolean
}

/** So many clients, because two that take turns could meet two server connections that take turns. */
const clients = 3
/** Each client asks twice in a row and in changing order, so that no fixed rotation looks like a connection of one's own. */
const order = [0, 0, 1, 0, 1, 1, 2, 0, 2, 2, 1, 2]
const rounds = 4
const connectMs = 5_000
const answerMs = 5_000

/**
 * By behaviour, not by name: a server connection that serves two of our clients, or a client that meets two of them, is pooled. Then
 * each client prepares another statement under one name and runs it over and over. Only a pooler that carries prepared statements
 * gives each its own; another one answers 42P05 or 26000, or runs somebody else's. Where no run meets a connection on which
 * another client has prepared, nothing is proved, and prepared statements count as lost.
 *
 * Where a limit leaves no room for all clients, fewer do.
 *
 * @returns undefined where only one client comes in, and nothing can be shown
 * @throws what the connections throw
 */
export async function detectPooling(connectionString: string, name: string): Promise<Pooling | undefined> {
  const all: pg.Client[] = []
  try {
    while (all.length < clients && (await addClient(all, connectionString)));
    if (await arePooled(all)) return { pooled: true, prepares: await carryPrepared(all, name) }
    return all.length > 1 ? { pooled: false, prepares: true } : undefined
  } finally {
    await Promise.all(all.map(end))
  }
}

const end = (client: pg.Client) => client.end().catch(() => {})

/** @returns false when no more than those that are there can have a server's connection at one time */
async function addClient(all: pg.Client[], connectionString: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    // A pooler lets a client in, and lets it wait for a connection of the server.
    await pidOf(client)
    all.push(client)
    return true
  } catch (error) {
    await end(client)
    if (all.length === 0 || !mayPass(error)) throw error
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

async function carryPrepared(all: pg.Client[], name: string): Promise<boolean> {
  /** On which server connection each client prepared. */
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

/** A prepared statement that is there already (of somebody else), or not any more. */
export const isLostStatement = (error: unknown): boolean =>
  ['42P05', '26000'].includes((error as { code?: string }).code ?? '')
