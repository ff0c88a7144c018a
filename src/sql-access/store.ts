/** All SQL on SQL logins: the rows that tie each to a tenant, and their roles and sessions. */
import { type RawBuilder, sql } from 'kysely'
import { loginPattern, sqlLoginComment } from '../db/isolation/readers.ts'
import type { GuardScope, SystemScope, TenantScope } from '../db/scope.ts'
import { idleSeconds } from '../db/sql-login-roles.ts'
import type { TenantId } from '../db/tenant-id.ts'

export interface NewSqlLogin {
  login: string
  name: string | null
  statementSeconds: number
  connections: number
}

export async function insertSqlLogin(scope: TenantScope, made: NewSqlLogin): Promise<void> {
  await scope.query(sql`
    insert into sql_logins (login, tenant_id, name, statement_seconds, connections)
    values (${made.login}, ${scope.tenantId}, ${made.name}, ${made.statementSeconds}, ${made.connections})`)
}

/** From then on, each statement of the login raises an error. */
export async function deleteSqlLogin(scope: TenantScope, login: string): Promise<void> {
  await scope.query(sql`delete from sql_logins where tenant_id = ${scope.tenantId} and login = ${login}`)
}

export interface SqlLogin {
  login: string
  /** null: the tenant was erased, or a revocation did not end. */
  tenant_id: TenantId | null
  name: string | null
  statement_seconds: number | null
  connections: number | null
  created_at: Date | null
  /** false: the role is missing, as after a restore without roles. */
  exists: boolean
  sessions: number
}

/** Every login of this database by row or by role, oldest first. @param login absent: all */
export async function listSqlLogins(
  { query }: SystemScope,
  { tenantId, login }: { tenantId?: TenantId | undefined; login?: string } = {},
): Promise<SqlLogin[]> {
  return await query(sql<SqlLogin>`
    select coalesce(l.login, r.rolname::text) as login, l.tenant_id, l.name, l.statement_seconds, l.connections, l.created_at,
      r.oid is not null as exists,
      (select count(*)::int from pg_stat_activity a where a.usesysid = r.oid and a.datname = current_database()) as sessions
    from sql_logins l
    full join (
      select r.oid, r.rolname, shobj_description(r.oid, 'pg_authid') = ${sqlLoginComment} as ours from pg_roles r
      where r.rolname ~ ${loginPattern}
    ) r on r.rolname = l.login
    where (l.login is not null or r.ours)
      ${tenantId === undefined ? sql`` : sql`and l.tenant_id = ${tenantId}`}
      ${login === undefined ? sql`` : sql`and coalesce(l.login, r.rolname::text) = ${login}`}
    order by l.created_at, 1`)
}

export interface SessionLimits {
  /** Beyond each limit, for the database's own timeout to act first. */
  graceSeconds: number
  idleSeconds: number
  /** How much longer than a statement a transaction may last. */
  statementsPerTransaction: number
}

export const sessionLimits: SessionLimits = { graceSeconds: 5, idleSeconds, statementsPerTransaction: 10 }

export interface EndedSession {
  login: string
  reason: 'no_tenant' | 'advisory_lock' | 'statement' | 'idle_in_transaction' | 'transaction'
}

/**
 * Ends what a reader's own settings do not bound, since a reader can change them. Acts on sessions of
 * this database whose login spoke_guard is a member of, so on nobody else's.
 *
 * @returns the sessions that were told to end
 */
export async function endExcessiveSessions(
  { query }: GuardScope,
  limits: SessionLimits = sessionLimits,
): Promise<EndedSession[]> {
  const before = (seconds: RawBuilder<unknown>) =>
    sql`clock_timestamp() - (${seconds} + ${limits.graceSeconds}::int) * interval '1 second'`
  return await query(sql<EndedSession>`
    select login, reason from (
      select a.pid, a.usename::text as login, case
          when l.login is null then 'no_tenant'
          -- Waiting for one is enough to make others wait.
          when exists (select from pg_locks k where k.pid = a.pid and k.locktype = 'advisory') then 'advisory_lock'
          when a.state = 'active' and a.query_start < ${before(sql`l.statement_seconds`)} then 'statement'
          when a.state like 'idle in transaction%' and a.state_change < ${before(sql`${limits.idleSeconds}::int`)}
            then 'idle_in_transaction'
          when a.xact_start < ${before(sql`l.statement_seconds * ${limits.statementsPerTransaction}::int`)} then 'transaction'
        end as reason
      from pg_stat_activity a
      join pg_roles r on r.oid = a.usesysid and r.rolname ~ ${loginPattern} and pg_has_role(r.oid, 'usage')
      left join sql_logins l on l.login = r.rolname
      where a.datname = current_database() and a.backend_type = 'client backend'
      offset 0) a
    where case when reason is not null then pg_terminate_backend(pid) else false end`)
}

/** Ends the sessions of one login, and waits until they have ended. @returns whether all have */
export async function endSessionsOf({ query }: GuardScope, login: string): Promise<boolean> {
  const rows = await query(sql<{ ended: boolean }>`
    select pg_terminate_backend(a.pid, 5000) as ended from pg_stat_activity a where a.usename = ${login}`)
  return rows.every(({ ended }) => ended)
}
