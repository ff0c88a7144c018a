/**
 * The only two doors to the database. A unit of work enters one, does its statements, and commits. Row level
 * security stands behind both; the types here only make it hard to knock at the wrong one.
 */
import { type Database, inTransaction, type Query } from '../lib/db.ts'
import { parseUuid } from '../lib/ids.ts'
import type { TenantId } from './tenant.ts'

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

/** Runs `work` as one transaction that can reach this tenant's rows and no other's. */
export async function withTenant<T>(
  db: Database,
  tenantId: TenantId,
  work: (scope: TenantScope) => Promise<T>,
): Promise<T> {
  // The id stands in the statement itself (Citus does not carry set_config), so it is checked once more here.
  const checked = parseUuid(tenantId)
  if (!checked) throw new TypeError('a tenant id that is no UUID reached the scope')
  return await inTransaction(
    db,
    ['set local role spoke_app', `set local spoke.tenant_id = '${checked}'`],
    (query) => work({ tenantId, query } as TenantScope),
  )
}

/** Runs `work` as one transaction on the routing tables. Nothing of issues, tokens or sync events is granted. */
export async function withSystem<T>(db: Database, work: (scope: SystemScope) => Promise<T>): Promise<T> {
  return await inTransaction(db, ['set local role spoke_system'], (query) => work({ query } as SystemScope))
}
