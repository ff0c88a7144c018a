/**
 * The database roles of SQL logins: created and dropped by the migrating login, which may do so.
 * Statements about roles take no parameters, so each runs in a block that reads its values from
 * settings of the transaction and quotes them itself.
 */
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { sqlLoginComment } from './isolation/readers.ts'
import { viewSchema } from './isolation/view-schema.ts'
import { inTransaction } from './transaction.ts'

/** How long a reader may leave a transaction open without a statement, seconds. */
export const idleSeconds = 60

export interface SqlLoginRole {
  login: string
  /** What PostgreSQL stores in place of the password, from which it cannot be computed. */
  verifier: string
  statementSeconds: number
  connections: number
}

/**
 * Creates the role, completely or not at all.
 *
 * @throws the database's own error: 42501 when the login may not create roles or pass on these
 */
export async function createSqlLoginRole(db: Database, role: SqlLoginRole): Promise<void> {
  await inTransaction(db, [], async (query) => {
    await query(sql`
      select set_config('spoke.sql_login', ${role.login}, true), set_config('spoke.sql_verifier', ${role.verifier}, true),
        set_config('spoke.sql_seconds', ${String(role.statementSeconds)}, true),
        set_config('spoke.sql_connections', ${String(role.connections)}, true),
        set_config('spoke.sql_idle_seconds', ${String(idleSeconds)}, true),
        set_config('spoke.sql_comment', ${sqlLoginComment}, true), set_config('spoke.sql_views', ${viewSchema}, true)`)
    await query(sql`
      do $$
      declare
        login text := current_setting('spoke.sql_login');
        one record;
      begin
        execute format('create role %I login inherit nosuperuser nobypassrls nocreatedb nocreaterole connection limit %s password %L',
          login, current_setting('spoke.sql_connections')::int, current_setting('spoke.sql_verifier'));
        execute format('comment on role %I is %L', login, current_setting('spoke.sql_comment'));
        execute format('grant spoke_reader to %I', login);
        execute format('grant %I to spoke_guard', login);
        if not has_database_privilege(login, current_database(), 'connect') then
          execute format('grant connect on database %I to %I', current_database(), login);
        end if;
        for one in select * from (values
          ('search_path', current_setting('spoke.sql_views')),
          ('default_transaction_read_only', 'on'),
          ('statement_timeout', current_setting('spoke.sql_seconds') || 's'),
          ('idle_in_transaction_session_timeout', current_setting('spoke.sql_idle_seconds') || 's')) as s(name, value)
        loop
          execute format('alter role %I in database %I set %I = %L', login, current_database(), one.name, one.value);
        end loop;
        begin
          -- The only limit that the reader cannot raise, so only a superuser can set it.
          execute format('alter role %I in database %I set temp_file_limit = %L', login, current_database(), '1GB');
        exception when insufficient_privilege then
          null;
        end;
      end $$`)
  })
}

/** @returns false when there is no such role */
export async function disableSqlLoginRole(db: Database, login: string): Promise<boolean> {
  return await inTransaction(db, [], async (query) => {
    const found = await query(sql`select from pg_roles where rolname = ${login}`)
    if (found.length > 0) await query(sql`alter role ${sql.id(login)} nologin`)
    return found.length > 0
  })
}

/**
 * Drops the role, what it owns in this database and what the migrating login granted it. Its sessions
 * must have ended.
 *
 * @throws the database's own error: 2BP01 when others granted it something, or it owns something in
 * another database
 */
export async function dropSqlLoginRole(db: Database, login: string): Promise<void> {
  await inTransaction(db, [], async (query) => {
    const role = sql.id(login)
    // Only a member of the role may do this.
    await query(sql`set local role spoke_guard`)
    await query(sql`drop owned by ${role}`)
    await query(sql`set local role none`)
    await query(sql`drop role ${role}`)
  })
}
