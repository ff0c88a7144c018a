/**
 * What the login of a reader reaches: its own tenant's views, and nothing else, whatever it tries; and
 * what ends its access. Long, because all of it needs a server of its own.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import { isolationFaults } from '../../src/db/isolation/check-isolation.ts'
import { readerWarnings } from '../../src/db/isolation/readers.ts'
import { withGuard, withSystem } from '../../src/db/scope.ts'
import { revokeSqlLogin } from '../../src/sql-access/sql-logins.ts'
import { endExcessiveSessions, listSqlLogins, sessionLimits } from '../../src/sql-access/store.ts'
import { beginErasure } from '../../src/tenants/erasure.ts'
import { A, B } from '../support/rows.ts'
import { eventually, startTestService } from '../support/service.ts'
import { foreignWord, type Reader, type SqlAccessFixture, startSqlAccess, withPassword } from './fixture.ts'

const views = ['integrations', 'issues', 'labels', 'sync_events', 'changes']

let fixture: SqlAccessFixture
let reader: Reader
let other: Reader
let session: pg.Client
before(async () => {
  fixture = await startSqlAccess()
  reader = await fixture.createReader(A)
  other = await fixture.createReader(B)
  session = await reader.connect()
})
after(() => fixture.close())

const rowsOf = async (statement: string, by = session) =>
  (await by.query(statement)).rows as Record<string, unknown>[]

/** In a transaction that may write, which every reader can begin. @param codes SQLSTATEs; any of them */
async function refused(statement: string, ...codes: string[]): Promise<void> {
  await session.query('begin read write')
  const outcome = await session.query(statement).then(
    () => 'done',
    (error: { code: string; message: string }) => error.code,
  )
  await session.query('rollback')
  assert.ok(codes.includes(outcome), `${statement}: ${outcome}`)
}

test('each view shows rows of the login’s tenant, and none of another', async () => {
  for (const view of views) {
    const tenants = await rowsOf(`select distinct tenant_id from ${view}`)
    assert.deepEqual(tenants, [{ tenant_id: A }], view)
  }
  assert.deepEqual(
    (await rowsOf('select distinct tenant_id from issues', await other.connect())).map(
      (row) => row.tenant_id,
    ),
    [B],
  )
})

test('an issue has the names for its ids, its properties and its associations', async () => {
  const [issue] = await rowsOf(`select * from issues where ticket_id = '1'`)
  assert.equal(issue?.subject, 'Subject 1')
  assert.equal(issue?.pipeline_name, 'Our pipeline')
  assert.deepEqual(issue?.associations, { contacts: [] })
  assert.equal((issue?.properties as Record<string, unknown>).hs_pipeline_stage, '1')
})

test('no setting, role or authorization leads to another tenant', async () => {
  const onlyOwn = async (what: string) => {
    for (const view of views)
      assert.deepEqual(
        await rowsOf(`select distinct tenant_id from ${view}`),
        [{ tenant_id: A }],
        `${what}, ${view}`,
      )
  }
  for (const statement of [
    `set spoke.tenant_id = '${B}'`,
    `select set_config('spoke.tenant_id', '${B}', false)`,
    `set row_security = off`,
    'set search_path = public, spoke_views',
    'set search_path = spoke_views, public',
    'set role spoke_reader',
    'reset role',
    'reset session authorization',
  ]) {
    await session.query(statement)
    // Row security that is off does not bypass a policy: it raises an error where one would apply.
    if (statement.includes('row_security')) {
      await assert.rejects(session.query('select * from issues'), { code: '42501' })
      await session.query('reset row_security')
    }
    if (statement.includes('public, spoke_views')) continue
    await onlyOwn(statement)
  }
  await session.query('reset all')
  await refused(`alter role ${reader.login} set spoke.tenant_id = '${B}'`, '42501')
  for (const role of [
    'spoke_app',
    'spoke_system',
    'spoke_eraser',
    'spoke_views',
    'spoke_guard',
    'owner',
    'serving',
    other.login,
  ]) {
    await refused(`set role ${role}`, '42501')
    await refused(`set session authorization ${role}`, '42501')
  }
})

test('every table is refused, but for the login’s own row among the logins', async () => {
  const tables = await fixture.admin(
    `select c.oid::regclass::text as name from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace`,
  )
  assert.ok(tables.length > 30)
  for (const { name } of tables) {
    await refused(`select * from public.${name}`, '42501')
    await refused(`delete from public.${name}`, '42501')
  }
  assert.deepEqual(await rowsOf('select login, tenant_id from public.sql_logins'), [
    { login: reader.login, tenant_id: A },
  ])
  for (const statement of [
    `update public.sql_logins set tenant_id = '${B}'`,
    `insert into public.sql_logins values ('${reader.login}', '${B}', null, 1, 1)`,
    'select name from public.sql_logins',
    'alter table public.sql_logins disable row level security',
  ])
    await refused(statement, '42501')
})

test('it can write no view and create nothing', async () => {
  for (const view of views) {
    await refused(`delete from ${view}`, '42501', '55000')
    await refused(`update ${view} set tenant_id = '${A}'`, '42501', '55000')
    await refused(`alter view ${view} set (security_invoker = true)`, '42501')
    await refused(`create or replace view ${view} as select 1`, '42501')
    await refused(`lock table ${view} in access exclusive mode`, '42501')
  }
  for (const statement of [
    'create table public.spy ()',
    'create table spoke_views.spy ()',
    'create temporary table spy ()',
    'create schema spy',
    `create function public.spy() returns int language sql as 'select 1'`,
    'create role spy',
    `alter role ${other.login} password 'x'`,
    `alter role ${reader.login} bypassrls`,
    `grant spoke_app to ${reader.login}`,
    `grant spoke_reader to ${other.login}`,
    `set local spoke.tenant_id = '${B}'; select public.spoke_begin_tenant()`,
    `copy issues to program 'true'`,
  ])
    await refused(statement, '42501')
})

test('what the server knows of others is hidden', async () => {
  assert.deepEqual(await rowsOf(`select * from pg_stats where schemaname in ('public', 'spoke_views')`), [])
  for (const catalogue of [
    'pg_statistic',
    'pg_statistic_ext_data',
    'pg_authid',
    'pg_largeobject',
    'pg_user_mapping',
  ])
    await refused(`select * from pg_catalog.${catalogue}`, '42501')
  const neighbour = await other.connect()
  await neighbour.query(`select '${foreignWord}' as hidden`)
  const activity = await rowsOf(`select query from pg_stat_activity where usename = '${other.login}'`)
  assert.ok(activity.length > 0)
  assert.deepEqual(new Set(activity.map((row) => row.query)), new Set(['<insufficient privilege>']))
  // Names, settings and comments of roles can be read by every login, so they must not name a tenant.
  const readable = JSON.stringify(
    await rowsOf(`select r.rolname, r.rolconfig, s.setconfig, shobj_description(r.oid, 'pg_authid') as comment
      from pg_roles r left join pg_db_role_setting s on s.setrole = r.oid where r.rolname like 'spoke_sql_%'`),
  )
  assert.ok(readable.includes(other.login))
  assert.ok(!readable.includes(B) && !readable.includes(B.replaceAll('-', '')))
})

test('no function of a reader runs on a row of another tenant, however the plan reads it', async () => {
  const probes = [
    `select from issues where 1 / (case when subject like '%${foreignWord}%' then 0 else 1 end) = 1`,
    `select from issues where 1 / (case when priority = '${foreignWord}' then 0 else 1 end) = 1`,
    `select from issues where 1 / (case when properties::text like '%${foreignWord}%' then 0 else 1 end) = 1`,
    `select from issues where 1 / (case when tenant_id = '${B}' then 0 else 1 end) = 1`,
    `select from labels where 1 / (case when label like '%${foreignWord}%' then 0 else 1 end) = 1`,
    `select from issues i join labels l on 1 / (case when l.label = '${foreignWord}' then 0 else 1 end) = 1`,
    `select from changes where 1 / (case when tenant_id <> '${A}' then 0 else 1 end) = 1`,
  ]
  for (const off of ['', 'enable_indexscan', 'enable_seqscan', 'enable_hashjoin', 'enable_nestloop']) {
    if (off) await session.query(`set ${off} = off`)
    if (off === 'enable_indexscan') await session.query('set enable_bitmapscan = off')
    for (const probe of probes) await session.query(probe)
    await session.query('reset all')
  }
  // The same, on a row that is there, does raise an error.
  const own = `select from issues where 1 / (case when subject = 'ours' then 0 else 1 end) = 1`
  await assert.rejects(session.query(own), { code: '22012' })
  await assert.rejects(session.query('select from issues where subject::int = 1'), (error: Error) => {
    assert.ok(!error.message.includes(foreignWord))
    return /invalid input syntax/.test(error.message)
  })
})

test('EXPLAIN does not estimate texts from the values of other tenants', async () => {
  const estimate = async (view: string, column: string, value: string, by?: pg.Client) => {
    const [row] = await rowsOf(`explain (format json) select from ${view} where ${column} = '${value}'`, by)
    return JSON.stringify(row).match(/"Plan Rows": ?(\d+)/)?.[1]
  }
  for (const [view, column] of [
    ['issues', 'subject'],
    ['issues', 'content'],
    ['issues', 'url'],
    ['labels', 'label'],
    ['labels', 'email'],
    ['sync_events', 'error'],
    ['integrations', 'hub_domain'],
    ['integrations', 'status_reason'],
  ] as const)
    assert.equal(
      await estimate(view, column, foreignWord),
      await estimate(view, column, 'no such text'),
      `${view}.${column}`,
    )
})

test('it starts read only, with a statement timeout and a limit of connections', async () => {
  const strict = await fixture.createReader(A, { statementSeconds: 1, connections: 2 })
  const [one] = [await strict.connect(), await strict.connect()]
  await assert.rejects(strict.connect(), { code: '53300' })
  await assert.rejects(one.query('select pg_sleep(5)'), { code: '57014' })
  const [shown] = await rowsOf(
    `select current_setting('default_transaction_read_only') as read_only, current_setting('search_path') as path,
      current_setting('idle_in_transaction_session_timeout') as idle`,
    one,
  )
  assert.deepEqual(shown, { read_only: 'on', path: 'spoke_views', idle: '1min' })
})

test('the password is checked, and what PostgreSQL stores of it is a SCRAM verifier', async () => {
  const [stored] = await fixture.admin(
    `select rolpassword as p from pg_authid where rolname = '${reader.login}'`,
  )
  assert.match(String(stored?.p), /^SCRAM-SHA-256\$4096:/)
  assert.ok(!String(stored?.p).includes(reader.password))
  const url = new URL(fixture.servingUrl)
  url.username = reader.login
  const wrong = new pg.Client({ connectionString: withPassword(url.toString(), `${reader.password}x`) })
  await assert.rejects(wrong.connect(), { code: '28P01' })
})

/** As the worker does it, with limits that a test can wait for. */
const guard = (limits: Partial<typeof sessionLimits> = {}) =>
  withGuard(fixture.db, (scope) => endExcessiveSessions(scope, { ...sessionLimits, ...limits }))

test('what a reader takes away from its own settings is ended by the worker’s check, and nobody else’s session is', async () => {
  const patient = await fixture.createReader(A, { statementSeconds: 1, connections: 5 })
  const open = async (...statements: string[]) => {
    const client = await patient.connect()
    for (const statement of statements) await client.query(statement)
    return client
  }
  const ended = (client: pg.Client) =>
    client.query('select 1').then(
      () => false,
      () => true,
    )
  const quiet = await open('select 1')
  assert.deepEqual(await guard(), [])

  const locking = await open('select pg_advisory_lock(1)')
  assert.deepEqual(await guard(), [{ login: patient.login, reason: 'advisory_lock' }])
  assert.ok(await ended(locking))

  const slow = await open('set statement_timeout = 0')
  const sleeping = slow.query('select pg_sleep(60)').then(
    () => 'done',
    (error: { code: string }) => error.code,
  )
  await eventually(async () => (await guard({ graceSeconds: 0 }))[0]?.reason === 'statement', 'it is ended')
  assert.equal(await sleeping, '57P01')

  const idle = await open('set idle_in_transaction_session_timeout = 0', 'begin', 'select 1')
  await eventually(
    async () => (await guard({ graceSeconds: 0, idleSeconds: 1 }))[0]?.reason === 'idle_in_transaction',
    'it is ended',
  )
  assert.ok(await ended(idle))

  const long = await open('begin', 'select 1')
  await eventually(
    async () => (await guard({ graceSeconds: 0, statementsPerTransaction: 1 }))[0]?.reason === 'transaction',
    'it is ended',
  )
  assert.ok(await ended(long))
  assert.ok(!(await ended(quiet)))

  // The service's own locks are none of its business.
  await fixture.owner.transaction(['select pg_advisory_xact_lock(2)'], async (query) => {
    await query(sql`select 1`)
    assert.deepEqual(await guard(), [])
  })
})

test('a worker checks by itself', async () => {
  const service = await startTestService('http://127.0.0.1:9', {
    DATABASE_URL: fixture.servingUrl,
    SPOKE_MIGRATE_URL: fixture.ownerUrl,
  })
  try {
    const client = await reader.connect()
    await client.query('select pg_advisory_lock(3)')
    await eventually(
      () =>
        client.query('select 1').then(
          () => false,
          () => true,
        ),
      'its session is ended',
    )
    await eventually(
      async () => service.lines.some((line) => line.includes('advisory_lock') && line.includes(reader.login)),
      'it is logged',
    )
  } finally {
    await service.stop()
  }
})

test('a revoked login is refused, its sessions end, and neither row nor role is left', async () => {
  const gone = await fixture.createReader(A)
  const client = await gone.connect()
  await fixture.admin('create table public.own (id int)')
  await fixture.admin(`grant select on public.own to ${gone.login}`)
  assert.deepEqual(await isolationFaults(fixture.db, true), [])
  await client.query('begin')
  await client.query('select count(*) from issues')
  // Somebody else's grant keeps the role, and neither its sessions nor its access.
  await assert.rejects(revokeSqlLogin(fixture, A, gone.login), { code: '2BP01' })
  await assert.rejects(client.query('select 1'))
  await assert.rejects(gone.connect(), { code: '28000' })
  await fixture.admin(`revoke select on public.own from ${gone.login}`)
  await revokeSqlLogin(fixture, null, gone.login)
  await assert.rejects(gone.connect(), { code: '28P01' })
  assert.deepEqual(await fixture.admin(`select from pg_roles where rolname = '${gone.login}'`), [])
  assert.deepEqual(await fixture.admin(`select from public.sql_logins where login = '${gone.login}'`), [])
  await fixture.admin('drop table public.own')
})

test('a role that is missing after a restore is listed as such, and can be revoked', async () => {
  const lost = await fixture.createReader(A)
  await fixture.admin(`drop role ${lost.login}`)
  const find = async () =>
    (await withSystem(fixture.db, (scope) => listSqlLogins(scope, { login: lost.login })))[0]
  assert.equal((await find())?.exists, false)
  await revokeSqlLogin(fixture, A, lost.login)
  assert.equal(await find(), undefined)
})

test('each way to open the views or the logins stops the start, by name', async () => {
  assert.deepEqual(await isolationFaults(fixture.db, true), [])
  const viewOf = async (view: string) =>
    String((await fixture.admin(`select pg_get_viewdef('spoke_views.${view}'::regclass) as d`))[0]?.d)
  const changes = await viewOf('changes')
  const l = reader.login
  const breaks: [broken: string, undo: string, named: RegExp][] = [
    [`grant spoke_app to ${l}`, `revoke spoke_app from ${l}`, /a SQL login can act as spoke_app/],
    [`grant spoke_views to ${l}`, `revoke spoke_views from ${l}`, /a SQL login can act as spoke_views/],
    [`create role boss superuser; grant boss to ${l}`, 'drop role boss', /a SQL login can act as boss/],
    [
      `grant pg_read_all_stats to ${l}`,
      `revoke pg_read_all_stats from ${l}`,
      /a SQL login can act as pg_read_all_stats/,
    ],
    [`alter role ${l} bypassrls`, `alter role ${l} nobypassrls`, new RegExp(`a SQL login can act as ${l}`)],
    [
      `grant select on issues to ${l}`,
      `revoke select on issues from ${l}`,
      new RegExp(`table issues has an unexpected grant: SELECT for ${l}`),
    ],
    [
      `create role analysts; grant analysts to ${l}; grant select (properties) on issues to analysts`,
      'revoke select (properties) on issues from analysts; drop role analysts',
      /table issues.properties has an unexpected grant: SELECT for analysts/,
    ],
    [
      'grant select on integration_tokens to spoke_views',
      'revoke select on integration_tokens from spoke_views',
      /integration_tokens has an unexpected grant: SELECT for spoke_views/,
    ],
    [
      'grant select on sql_logins to spoke_reader',
      'revoke select on sql_logins from spoke_reader; grant select (login, tenant_id) on sql_logins to spoke_reader',
      /sql_logins has an unexpected grant: SELECT for spoke_reader/,
    ],
    [
      'grant select on spoke_views.issues to public',
      'revoke select on spoke_views.issues from public',
      /spoke_views.issues has an unexpected grant: SELECT for public/,
    ],
    [
      'alter view spoke_views.issues owner to postgres',
      'alter view spoke_views.issues owner to spoke_views',
      /view spoke_views.issues is owned by postgres/,
    ],
    [
      changes.replace(/^/, 'create or replace view spoke_views.changes as ').replace(/WHERE .*/, ''),
      `create or replace view spoke_views.changes as ${changes}`,
      /view spoke_views.changes differs/,
    ],
    [
      'alter view spoke_views.labels rename to kept',
      'alter view spoke_views.kept rename to labels',
      /view spoke_views.labels is missing/,
    ],
    [
      'create view spoke_views.more as select * from issues',
      'drop view spoke_views.more',
      /view more may show the rows of every tenant/,
    ],
    [
      'alter policy read_login_tenant on issues using (true)',
      'alter policy read_login_tenant on issues using (tenant_id = spoke_login_tenant())',
      /issues has an unexpected policy: read_login_tenant/,
    ],
    [
      'alter policy own_login on sql_logins using (true)',
      'alter policy own_login on sql_logins using (login = session_user)',
      /sql_logins has an unexpected policy: own_login/,
    ],
    [
      'alter function spoke_login_tenant() security definer',
      'alter function spoke_login_tenant() security invoker',
      /spoke_login_tenant\(\) differs/,
    ],
    ['alter role spoke_reader login', 'alter role spoke_reader nologin', /role spoke_reader has attributes/],
    [
      'grant spoke_system to spoke_guard',
      'revoke spoke_system from spoke_guard',
      /role spoke_guard is a member of spoke_system/,
    ],
  ]
  for (const [broken, undo, named] of breaks) {
    for (const statement of broken.split('; ')) await fixture.admin(statement)
    const faults = await isolationFaults(fixture.db, true)
    for (const statement of undo.split('; ')) await fixture.admin(statement)
    assert.match(faults.join('\n'), named, broken)
  }
  assert.deepEqual(await isolationFaults(fixture.db, true), [])
})

test('the doctor warns of what only an administrator can take from readers, until it is taken', async () => {
  const advisory = `select p.oid::regprocedure::text as name from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^(pg_(try_)?advisory|lo_|lowrite|loread)'`
  assert.match((await readerWarnings(fixture.db)).join('\n'), /can take advisory locks/)
  const functions = (await fixture.admin(advisory)).map(({ name }) => name)
  for (const name of functions) await fixture.admin(`revoke execute on function ${name} from public`)
  for (const name of functions)
    await fixture.admin(
      `grant execute on function ${name} to spoke_app, spoke_system, spoke_eraser, owner, serving`,
    )
  assert.deepEqual(await readerWarnings(fixture.db), [])
  await refused('select pg_advisory_lock(1)', '42501')
  await refused('select lo_create(0)', '42501')
  await sql`revoke spoke_guard from serving`.execute(fixture.owner.kysely)
  assert.match((await readerWarnings(fixture.db)).join('\n'), /serving cannot end the sessions/)
  await sql`grant spoke_guard to serving`.execute(fixture.owner.kysely)
  await fixture.admin('grant create on schema public to public')
  assert.match((await readerWarnings(fixture.db)).join('\n'), /can create objects in schema public/)
  await fixture.admin('revoke create on schema public from public')
})

test('an erasure takes the tenant from its logins at once, and the check ends their sessions', async () => {
  const theirs = await other.connect()
  assert.ok((await rowsOf('select from issues limit 1', theirs)).length > 0)
  await beginErasure(fixture.db, B)
  for (const view of views) await assert.rejects(theirs.query(`select from ${view}`), { code: 'SP001' }, view)
  assert.ok((await guard()).some(({ login, reason }) => login === other.login && reason === 'no_tenant'))
  await assert.rejects(theirs.query('select 1'))
  const [left] = await withSystem(fixture.db, (scope) => listSqlLogins(scope, { login: other.login }))
  assert.deepEqual([left?.tenant_id, left?.exists], [null, true])
  await revokeSqlLogin(fixture, null, other.login)
  await assert.rejects(other.connect(), { code: '28P01' })
})
