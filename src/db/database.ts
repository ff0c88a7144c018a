/** The database as the rest of the app sees it, whether PostgreSQL or embedded. */
import { type Kysely, type RawBuilder, sql } from 'kysely'
import pg from 'pg'
import type { DiskSpace } from './disk-space.ts'

export interface Database {
  kind: 'embedded' | 'postgres'
  /** For migrations, checks of the catalogue and tests. Everything else uses a scope. */
  kysely: Kysely<Record<string, never>>
  /**
   * Settings that each unit of work applies first. At the start of a session, a pooler would refuse
   * or lose them.
   */
  limits?: readonly string[]
  /** Whether there is disk space to write, as far as known. */
  disk?: DiskSpace
  /**
   * Runs `work` as a transaction that first runs `opening`, and rolls back when either fails. A
   * failure of the opening is the error of each statement. Called by
   * transaction.ts only.
   */
  transaction<T>(opening: readonly string[], work: (query: Query) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface QueryOptions {
  /**
   * Prepare the statement once per connection, for long ones that run often: planning those of a
   * sync took longer than running them.
   */
  prepare?: boolean
  /** The unit of work ends with this statement: on a server, it is committed when its rows arrive. */
  last?: boolean
}

/** Runs one statement and returns its rows. The only way the rest of the app runs SQL. */
export type Query = <Row>(statement: RawBuilder<Row>, options?: QueryOptions) => Promise<Row[]>

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

const int8 = 20

/** 8-byte integers are strings by default; ours (counts, epochs, hub ids) stay far below 2^53. */
export const parsers = { [int8]: (text: string) => Number(text) }

/** How the driver of PostgreSQL parses values, on every connection. */
export const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8
      ? parsers[int8]
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
}

/** `ms` from now, by the database's clock. @param ms null: never */
export const fromNow = (ms: number | null) => sql`clock_timestamp() + ${ms}::float8 * interval '1 ms'`

/** `ms` before now, by the database's clock. */
export const ago = (ms: number) => sql`clock_timestamp() - ${ms}::float8 * interval '1 ms'`

/** Switches the rest of a transaction to another role. */
export const setLocalRole = (role: string) => sql`set local role ${sql.id(role)}`
