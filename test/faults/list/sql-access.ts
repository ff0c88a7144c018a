/** Faults in SQL access: whose rows a reader's login sees, what the check notices, and how access ends. */
import type { Fault } from '../fault.ts'

const reader = 'test/sql-access/reader.test.ts'

export const sqlAccess: Fault[] = [
  {
    name: 'a-reader-that-names-its-tenant',
    find: 'return coalesce((select one.tenant_id from sql_logins one where one.login = session_user), spoke_no_tenant());',
    put: `return coalesce(nullif(current_setting('spoke.tenant_id', true), '')::uuid,
    (select one.tenant_id from sql_logins one where one.login = session_user), spoke_no_tenant());`,
    test: reader,
    only: 'no setting, role or authorization leads to another tenant',
    gain: 'a reader sets `spoke.tenant_id` and reads any tenant whose id it knows',
  },
  {
    name: 'a-view-whose-policy-is-wide',
    find: 'create policy read_login_tenant on issues for select to spoke_views using (tenant_id = spoke_login_tenant());',
    put: 'create policy read_login_tenant on issues for select to spoke_views using (true);',
    test: reader,
    only: 'each way to open the views or the logins stops the start, by name',
    gain: 'only the text of the view still keeps other tenants’ issues from readers and their functions',
  },
  {
    name: 'a-view-without-its-tenant',
    find: 'from changes one\nwhere one.tenant_id = (select spoke_login_tenant());',
    put: 'from changes one;',
    test: reader,
    only: 'each way to open the views or the logins stops the start, by name',
    gain: 'after a restore that gives the views another owner, every reader sees the changes of all tenants',
  },
  {
    name: 'a-text-with-estimates-of-all-tenants',
    find: "i.subject || '' as subject, i.content",
    put: 'i.subject, i.content',
    test: reader,
    only: 'EXPLAIN does not estimate texts from the values of other tenants',
    gain: 'a reader finds frequent subjects of other tenants by the estimates of `EXPLAIN`',
  },
  {
    name: 'a-login-of-everybody',
    find: 'create policy own_login on sql_logins for select to spoke_reader using (login = session_user);',
    put: 'create policy own_login on sql_logins for select to spoke_reader using (true);',
    test: reader,
    only: 'every table is refused, but for the login’s own row among the logins',
    gain: 'a reader lists the logins and ids of all tenants',
  },
  {
    name: 'a-group-that-nobody-follows',
    in: 'reachedByReaders',
    find: `  union
  select m.roleid from pg_auth_members m join reached on reached.role = m.member
`,
    put: '',
    test: reader,
    only: 'each way to open the views or the logins stops the start, by name',
    gain: 'a reader that was made a member of `spoke_app` reads every tenant, and no check notices',
  },
  {
    name: 'a-lock-that-a-reader-keeps',
    find: 'when exists (select from pg_locks k',
    put: 'when false and exists (select from pg_locks k',
    test: reader,
    only: 'what a reader takes away from its own settings',
    gain: 'a reader holds the lock of another tenant, whose requests all fail',
  },
  {
    name: 'a-statement-without-end',
    find: "when a.state = 'active' and a.query_start <",
    put: 'when false and a.query_start <',
    test: reader,
    only: 'what a reader takes away from its own settings',
    gain: 'a reader sets `statement_timeout = 0` and runs a statement for hours',
  },
  {
    name: 'a-revocation-that-leaves-sessions',
    find: '  await withGuard(owner, (scope) => endSessionsOf(scope, login))\n',
    put: '',
    test: reader,
    only: 'a revoked login is refused, its sessions end, and neither row nor role is left',
    gain: 'a session that is open when its login is revoked stays open',
  },
  {
    name: 'a-login-that-outlives-its-tenant',
    find: "comment on table sql_logins is 'reference; erased at once';",
    put: "comment on table sql_logins is 'reference; erased in steps';",
    test: reader,
    only: 'an erasure takes the tenant from its logins at once',
    gain: 'a reader goes on reading a tenant whose erasure has begun',
  },
]
