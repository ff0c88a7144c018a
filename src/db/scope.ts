/**
 * The only four ways to the database: a unit of work takes a role, runs its statements, and
 * commits. Row level security enforces isolation; the types here only make it hard to use the wrong
 * scope.
 */
import { isTenantErasing, tenantErasing } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'
import { type Database, type Query, setLocalRole } from './database.ts'
import type { TenantId } from './tenant-id.ts'
import { inTransaction } from './transaction.ts'

declare const scopeBrand: unique symbol

/** Reads and changes the rows of one tenant. */
export interface TenantScope {
  readonly [scopeBrand]: 'tenant'
  readonly tenantId: TenantId
  readonly query: Query
}

/**
 * Has access to ids and times of the routing tables, and to the budgets. Used to find a tenant,
 * whose scope is then entered.
 */
export interface SystemScope {
  readonly [scopeBrand]: 'system'
  readonly query: Query
}

/** Marks a tenant and deletes marked data. No other unit of work runs in that tenant meanwhile. */
export interface ErasureScope {
  readonly [scopeBrand]: 'erasure'
  readonly tenantId: TenantId
  /** Runs as the only role that may mark and delete tenants. */
  readonly query: Query
  /** The tenant's rows, whether it is marked or not. */
  readonly rows: TenantScope
}

/** Sees the sessions of SQL logins, and ends them. It has no access to any tenant's rows. */
export interface GuardScope {
  readonly [scopeBrand]: 'guard'
  readonly query: Query
}

export interface TransactionOptions {
  /**
   * Commit without waiting for the disk: for a lease, a rate budget slot or a count, which a
   * database crash may lose. Never for anything that is reported to a caller or that other writes
   * depend on.
   */
  asyncCommit?: boolean
  /** A statement that waits longer than this for a lock fails (SQLSTATE 55P03), ms. */
  lockMs?: number
}

const commitStatements = ({ asyncCommit, lockMs }: TransactionOptions) => [
  ...(asyncCommit ? ['set local synchronous_commit = off'] : []),
  ...(lockMs === undefined ? [] : [`set local lock_timeout = ${Math.trunc(lockMs)}`]),
]

/**
 * The id is part of the statement text (Citus does not propagate set_config), so it is checked
 * again here.
 */
function setTenant(tenantId: TenantId): string {
  const checked = parseUuid(tenantId)
  if (!checked) throw new TypeError('a tenant id that is not a UUID reached the scope')
  return `set local spoke.tenant_id = '${checked}'`
}

/**
 * Runs `work` as one transaction that can reach only this tenant's rows.
 *
 * @throws AppError tenant_erasing, before `work`
 */
export async function withTenant<T>(
  db: Database,
  tenantId: TenantId,
  work: (scope: TenantScope) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const prelude = [
    'set local role spoke_app',
    ...commitStatements(options),
    setTenant(tenantId),
    'select spoke_begin_tenant()',
  ]
  try {
    return await inTransaction(db, prelude, (query) => work({ tenantId, query } as TenantScope))
  } catch (error) {
    if ((error as { code?: string }).code === 'SP002') throw tenantErasing()
    throw error
  }
}

/** The result of work in a tenant, or undefined when the tenant is being erased. */
export const unlessErasing = <T>(done: Promise<T>): Promise<T | undefined> =>
  done.catch((error: unknown) => {
    if (isTenantErasing(error)) return undefined
    throw error
  })

/**
 * Runs `work` as one transaction with exclusive access to this tenant: it starts when the last unit
 * of work in the tenant has ended, and later ones wait. `work` can alternate between both roles,
 * statement by statement.
 */
export async function withErasure<T>(
  db: Database,
  tenantId: TenantId,
  work: (scope: ErasureScope) => Promise<T>,
): Promise<T> {
  const prelude = ['set local role spoke_eraser', setTenant(tenantId), 'select spoke_begin_erasure()']
  return await inTransaction(db, prelude, (query) => {
    let role = 'spoke_eraser'
    const as =
      (wanted: 'spoke_eraser' | 'spoke_app'): Query =>
      async (statement, options) => {
        if (role !== wanted) await query(setLocalRole(wanted))
        role = wanted
        return await query(statement, options)
      }
    const rows = { tenantId, query: as('spoke_app') } as TenantScope
    return work({ tenantId, query: as('spoke_eraser'), rows } as ErasureScope)
  })
}

const asSystem = (options: TransactionOptions) => [
  'set local role spoke_system',
  ...commitStatements(options),
]

/**
 * Runs `work` as one transaction on the routing tables, without access to issues, tokens or sync
 * events.
 */
export async function withSystem<T>(
  db: Database,
  work: (scope: SystemScope) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  return await inTransaction(db, asSystem(options), (query) => work({ query } as SystemScope))
}

/**
 * Like withSystem for `work` of a single statement, which is committed when its rows arrive: on a
 * server, one round trip. What `work` does with the rows is outside the transaction.
 */
export async function withSystemStatement<T>(
  db: Database,
  work: (scope: SystemScope) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  let asked = false
  const query: Query = async (statement, { prepare = false } = {}) => {
    if (asked) throw new TypeError('a single-statement unit of work ran a second statement')
    asked = true
    return await inTransaction(db, asSystem(options), (query) => query(statement, { prepare, last: true }))
  }
  return await work({ query } as SystemScope)
}

/** Runs `work` as one transaction of the role that may end the sessions of SQL logins. */
export async function withGuard<T>(db: Database, work: (scope: GuardScope) => Promise<T>): Promise<T> {
  return await inTransaction(db, ['set local role spoke_guard'], (query) => work({ query } as GuardScope))
}
