/** The rehearsal: what it finds in a wall with a hole, and in a route that forgets whose the row is. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { readConfig } from '../../src/config.ts'
import { lookAtLiveTables } from '../../src/doctor/live.ts'
import { rehearse } from '../../src/doctor/rehearsal.ts'
import { tryAsTenant, tryBeyondGrants } from '../../src/doctor/try-statements.ts'
import { inhabit, type World } from '../../src/doctor/world.ts'
import type { Database } from '../../src/lib/db.ts'
import { engines } from '../support/engines.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { testKeys } from '../support/service.ts'

const config = (url: string) => readConfig({ DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: testKeys })

const own = 'using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()))'

/** A fault, what mends it, and how the statements name it. */
const holes: [string, string, RegExp][] = [
  [
    'create policy wide on labels for select to spoke_app using (true)',
    'drop policy wide on labels',
    /select on labels reached 1 rows of the other/,
  ],
  [
    'alter table labels disable row level security',
    'alter table labels enable row level security',
    /delete on labels reached 1 rows/,
  ],
  [
    'alter policy own_tenant on labels with check (true)',
    `alter policy own_tenant on labels ${own}`,
    /insert on labels was not refused/,
  ],
  [
    'alter policy own_tenant on labels using (true)',
    `alter policy own_tenant on labels ${own}`,
    /merge on labels reached 1 rows/,
  ],
  [
    'grant truncate on labels to spoke_app',
    'revoke truncate on labels from spoke_app',
    /truncate on labels was not refused/,
  ],
  [
    `create policy unnamed on labels for select to spoke_app using (coalesce(current_setting('spoke.tenant_id', true), '') = '')`,
    'drop policy unnamed on labels',
    /without a tenant, select on labels was not refused/,
  ],
]

for (const engine of engines) {
  describe(`statements on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let world: World
    const labels = () => ({ ...world, tables: world.tables.filter(({ name }) => name === 'labels') })
    before(async () => {
      ;({ db, close } = await engine.open())
      world = await inhabit(db)
    })
    after(() => close())

    test('every table of tenants has a row of each of the two, read from the catalogue', async () => {
      assert.deepEqual(world.faults, [])
      const { rows } = await sql<{ name: string }>`
        select c.relname::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace`.execute(db.kysely)
      for (const { name } of rows)
        for (const who of [world.a, world.b]) assert.equal(who.rows[name]?.tenant_id, who.tenantId, name)
    })

    test('each hole is named by the statement that went through', async () => {
      assert.deepEqual((await tryAsTenant(db, labels())).faults, [])
      for (const [broken, mended, named] of holes) {
        await sql.raw(broken).execute(db.kysely)
        const { faults } = await tryAsTenant(db, labels())
        await sql.raw(mended).execute(db.kysely)
        assert.match(faults.join('\n'), named, broken)
      }
      assert.deepEqual((await tryAsTenant(db, labels())).faults, [])
    })

    test('a door that may do more than its list is named by what it did', async () => {
      await sql`grant select (label), delete on labels to spoke_system`.execute(db.kysely)
      const { faults } = await tryBeyondGrants(db, labels())
      await sql`revoke select (label), delete on labels from spoke_system`.execute(db.kysely)
      assert.deepEqual(faults, [
        'as spoke_system, select of label on labels was not refused',
        'as spoke_system, delete on labels was not refused',
      ])
    })

    test('a table for which no row can be made is a fault, not a gap', async () => {
      await sql`create table odd (tenant_id uuid primary key, code text not null check (code ~ '^[0-9]+$'))`.execute(
        db.kysely,
      )
      const { faults } = await inhabit(db)
      await sql`drop table odd`.execute(db.kysely)
      assert.equal(faults.length, 1)
      assert.match(String(faults[0]), /^table odd was not rehearsed, no row could be made: .*odd_code_check/)
    })

    test('the look at live tables is clean, names an open one, and writes nothing', async () => {
      assert.deepEqual((await lookAtLiveTables(db)).faults, [])
      await sql`create policy wide on issues for select to spoke_app using (true)`.execute(db.kysely)
      const { faults, leaked } = await lookAtLiveTables(db)
      await sql`drop policy wide on issues`.execute(db.kysely)
      assert.ok(leaked > 0)
      assert.ok(faults.includes('as a tenant that owns nothing, rows of table issues are seen'))
    })
  })
}

describe('requests', () => {
  let faults: string[]
  before(async () => {
    const { db, close } = await (engines[0] as (typeof engines)[0]).open()
    const played = await rehearse(db, config(await newPostgresDatabase()), (server) => forgetful(server, db))
    faults = played.faults
    assert.ok(played.leaked > 0)
    await close()
  })

  const caught = (what: string, named: RegExp) =>
    test(what, () =>
      assert.ok(
        faults.some((fault) => named.test(fault)),
        faults.join('\n'),
      ),
    )

  caught(
    'a handler that forgets the tenant is caught by what it answers',
    /GET \/api\/rogue\/shows\/:tenant_id\/:integration_id with its own tenant and the other's ids answers 200 with what is the other's/,
  )
  caught(
    'one that tells whether the id exists is caught, though it tells nothing else',
    /GET \/api\/rogue\/tells\/:tenant_id\/:integration_id .* answers otherwise \(409\) than with ids of nobody \(404\)/,
  )
  caught(
    'one that changes the row is caught by the row',
    /POST \/api\/rogue\/writes\/:tenant_id\/:integration_id .* changed rows of the other: tenant_integrations/,
  )
  caught(
    'one that is open to everybody is caught by what it shows',
    /GET \/api\/rogue\/open answers 200 with what is the other's|GET \/api\/rogue\/open with the other's ids answers 200 with what is the other's/,
  )
  caught(
    'one that lists every tenant is caught with nobody’s ids in the request',
    /with its own ids, GET \/api\/rogue\/lists\/:tenant_id answers with what is the other's/,
  )
  caught(
    'one with a name in its path that nothing is known by is named, not left out',
    /GET \/api\/rogue\/odd\/:tenant_id\/:odd_name was not rehearsed/,
  )
  test('nothing else is found', () => {
    assert.deepEqual(
      faults.filter(
        (fault) => !fault.includes('/api/rogue/') && !fault.includes('changed rows that are not its own'),
      ),
      [],
    )
  })
})

/** Routes as somebody in a hurry writes them: with the owner's connection, and the id alone. */
function forgetful(server: FastifyInstance, db: Database): void {
  const find = async (params: unknown) => {
    const { integration_id: id } = params as { integration_id: string }
    const { rows } = await sql`select * from tenant_integrations where integration_id = ${id}`.execute(
      db.kysely,
    )
    return rows[0]
  }
  const read = { config: { access: 'read' } } as const
  server.get('/api/rogue/shows/:tenant_id/:integration_id', read, async ({ params }, reply) =>
    reply.code(200).send((await find(params)) ?? {}),
  )
  server.get('/api/rogue/tells/:tenant_id/:integration_id', read, async ({ params }, reply) =>
    reply.code((await find(params)) ? 409 : 404).send({}),
  )
  server.post(
    '/api/rogue/writes/:tenant_id/:integration_id',
    { config: { access: 'manage' } },
    async ({ params }, reply) => {
      const { integration_id: id } = params as { integration_id: string }
      await sql`update tenant_integrations set total_count = 1 where integration_id = ${id}`.execute(
        db.kysely,
      )
      return reply.code(404).send({})
    },
  )
  const all = async () => (await sql`select * from tenant_integrations`.execute(db.kysely)).rows
  server.get('/api/rogue/open', { config: { access: 'public' } }, all)
  server.get('/api/rogue/lists/:tenant_id', read, all)
  server.get('/api/rogue/odd/:tenant_id/:odd_name', read, async () => ({}))
}
