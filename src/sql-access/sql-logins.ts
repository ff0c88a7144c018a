/**
 * SQL logins of a tenant: a row that ties the login to the tenant, and a database role. Only the
 * migrating login may create and drop roles; the row alone decides what a login sees.
 */
import { randomBytes } from 'node:crypto'
import type { Database } from '../db/database.ts'
import { unlessErasing, withGuard, withSystem, withTenant } from '../db/scope.ts'
import { createSqlLoginRole, disableSqlLoginRole, dropSqlLoginRole } from '../db/sql-login-roles.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { tenantNotFound } from '../lib/errors.ts'
import type { Secret } from '../lib/secret.ts'
import { tenantExists } from '../tenants/store.ts'
import { newSqlPassword, scramVerifier } from './scram.ts'
import { deleteSqlLogin, endSessionsOf, insertSqlLogin, listSqlLogins, type NewSqlLogin } from './store.ts'

/** Random: every login can read the names of all, so a name must not say whose it is. */
export const newSqlLoginName = () => `spoke_sql_${randomBytes(8).toString('hex')}`

export interface SqlAccess {
  db: Database
  /** The same database with the migrating login. */
  owner: Database
}

/**
 * Creates a login that reads one tenant's rows.
 *
 * @returns its password, which is stored nowhere
 * @throws AppError tenant_not_found or tenant_erasing; the database's own error: no role was created
 */
export async function createSqlLogin(
  { db, owner }: SqlAccess,
  tenantId: TenantId,
  made: NewSqlLogin,
): Promise<Secret> {
  const password = newSqlPassword()
  await withTenant(db, tenantId, async (scope) => {
    if (!(await tenantExists(scope))) throw tenantNotFound()
    await insertSqlLogin(scope, made)
  })
  try {
    await createSqlLoginRole(owner, { ...made, verifier: scramVerifier(password) })
  } catch (error) {
    await withTenant(db, tenantId, (scope) => deleteSqlLogin(scope, made.login)).catch(() => {})
    throw error
  }
  return password
}

/**
 * Revokes a login and ends its sessions. If this is interrupted, the login sees nothing any more, and
 * revoking it again does the rest.
 *
 * @param tenantId null: the login belongs to no tenant any more
 * @throws the database's own error: 2BP01 when others granted the role something, or it
 * owns something in another database: then it is left without a way in
 */
export async function revokeSqlLogin(
  { db, owner }: SqlAccess,
  tenantId: TenantId | null,
  login: string,
): Promise<void> {
  const role = await disableSqlLoginRole(owner, login)
  if (tenantId !== null)
    // Its erasure has deleted the row.
    await unlessErasing(withTenant(db, tenantId, (scope) => deleteSqlLogin(scope, login)))
  if (!role) return
  await withGuard(owner, (scope) => endSessionsOf(scope, login))
  await dropSqlLoginRole(owner, login)
}

/** @returns undefined when there is no such login in this database */
export async function findSqlLogin(db: Database, login: string) {
  const [found] = await withSystem(db, (scope) => listSqlLogins(scope, { login }))
  return found
}
