/**
 * The only three doors to the database. A unit of work enters one, does its statements, and commits. Row level
 * security stands behind each; the types here only make it hard to knock at the wrong one.
 */
import { isTenantErasing, tenantErasing } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'
import { become, type Database, inOneStatement, inTransaction, type Query } from './database.ts'
import type { TenantId } from './tenant-id.ts'

declare const door: unique symbol

/** Sees and changes the rows of one tenant. */
export interface TenantScope {
  readonly [door]: 'tenant'
  readonly tenantId: TenantId
  readonly query: Query
}

/** Sees ids and times on the routing tables and the budgets; finds a tenant, then that tenant's scope is entered. */
export interface SystemScope {
  readonly [door]: 'system'
  readonly query: Query
}

/** Marks a tenant and deletes what is marked; nobody else is in that tenant meanwhile. */
export interface ErasureScope {
  readonly [door]: 'erasure'
  readonly tenantId: TenantId
  /** As the role that alone may mark and delete tenants. */
  readonly query: Query
  /** The tenant's rows, mark or no mark. */
  readonly rows: TenantScope
}

export interface How {
  /**
   * Not waited for until it is on the disk: a lease, a turn or a count, which a crash of the database may take back. Nothing that
   * somebody is told of, and nothing that others build on, is so.
   */
  asyncCommit?: boolean
  /** A statement that waits longer than so many ms for a lock fails (SQLSTATE 55P03). */
  lockMs?: number
}

const lastly = ({ asyncCommit, lockMs }: How) => [
  ...(asyncCommit ? ['set local synchronous_commit = off'] : []),
  ...(lockMs === undefined ? [] : [`set local lock_timeout = ${Math.trunc(lockMs)}`]),
]

/** The id stands in the statement itself (Citus does not carry set_config), so it is checked once more here. */
function setTenant(tenantId: TenantId): string {
  const checked = parseUuid(tenantId)
  if (!checked) throw new TypeError('a tenant id that is no UUID reached the scope')
  return `set local spoke.tenant_id = '${checked}'`
}

/**
 * Runs `work` as one transaction that can reach this tenant's rows and no other's.
 *
 * @throws AppError tenant_erasing, before `work`
 */
export async function withTenant<T>(
  db: Database,
  tenantId: TenantId,
  work: (scope: TenantScope) => Promise<T>,
  how: How = {},
): Promise<T> {
  const prelude = ['set local role spoke_app', ...lastly(how), setTenant(tenantId), 'select spoke_enter()']
  try {
    return await inTransaction(db, prelude, (query) => work({ tenantId, query } as TenantScope))
  } catch (error) {
    if ((error as { code?: string }).code === 'SP002') throw tenantErasing()
    throw error
  }
}

/** What was done in a tenant, or undefined when the tenant is being erased. */
export const unlessErasing = <T>(done: Promise<T>): Promise<T | undefined> =>
  done.catch((error: unknown) => {
    if (isTenantErasing(error)) return undefined
    throw error
  })

/**
 * Runs `work` as one transaction that has this tenant alone: it begins when the last unit of work in it has ended, and
 * whoever comes meanwhile waits. Both roles are at hand in it, one statement after the other.
 */
export async function withErasure<T>(
  db: Database,
  tenantId: TenantId,
  work: (scope: ErasureScope) => Promise<T>,
): Promise<T> {
  const prelude = ['set local role spoke_eraser', setTenant(tenantId), 'select spoke_enter_alone()']
  return await inTransaction(db, prelude, (query) => {
    let role = 'spoke_eraser'
    const as =
      (wanted: 'spoke_eraser' | 'spoke_app'): Query =>
      async (statement) => {
        if (role !== wanted) await query(become(wanted))
        role = wanted
        return await query(statement)
      }
    const rows = { tenantId, query: as('spoke_app') } as TenantScope
    return work({ tenantId, query: as('spoke_eraser'), rows } as ErasureScope)
  })
}

const asSystem = (how: How) => ['set local role spoke_system', ...lastly(how)]

/** Runs `work` as one transaction on the routing tables. Nothing of issues, tokens or sync events is granted. */
export async function withSystem<T>(
  db: Database,
  work: (scope: SystemScope) => Promise<T>,
  how: How = {},
): Promise<T> {
  return await inTransaction(db, asSystem(how), (query) => work({ query } as SystemScope))
}

/**
 * The same for `work` of one statement, which is committed when its rows are there: on a server one packet there and one back.
 * Whatever `work` does with the rows is outside the transaction.
 */
export async function withSystemOnce<T>(
  db: Database,
  work: (scope: SystemScope) => Promise<T>,
  how: How = {},
): Promise<T> {
  let asked = false
  const query: Query = async (statement) => {
    if (asked) throw new TypeError('a unit of work of one statement has asked a second')
    asked = true
    return await inOneStatement(db, asSystem(how), statement)
  }
  return await work({ query } as SystemScope)
}
