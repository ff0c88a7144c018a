/** The statements that open a unit of work are sent with its first query, with the same guarantees. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withErasure, withSystem, withSystemStatement, withTenant } from '../../src/db/scope.ts'
import { parseTenantId } from '../../src/db/tenant-id.ts'
import { bothEngines } from '../support/engines.ts'
import { seedTenant } from '../support/rows.ts'

for (const engine of bothEngines)
  describe(engine.name, () => {
    let db: Database
    let close: () => Promise<void>
    const tenant = parseTenantId(randomUUID())
    const erasing = parseTenantId(randomUUID())
    before(async () => {
      ;({ db, close } = await engine.open())
      await seedTenant(db, tenant, 1)
      await seedTenant(db, erasing, 2)
      await withErasure(db, erasing, ({ query, tenantId }) =>
        query(sql`update tenants set erasing_at = now() where tenant_id = ${tenantId}`),
      )
    })
    after(() => close())

    const periodic_tasks = async (topic: string) =>
      (await sql`select from periodic_tasks where task = ${topic}`.execute(db.kysely)).rows.length

    test('a tenant that is being erased is refused by that name, with a statement or without', async () => {
      const refused = { code: 'tenant_erasing' }
      await assert.rejects(
        withTenant(db, erasing, ({ query }) => query(sql`select 1 as one`)),
        refused,
      )
      await assert.rejects(
        withTenant(db, erasing, ({ query }) => query(sql`select 2 as two where ${1} = 1`, { prepare: true })),
        refused,
      )
      await assert.rejects(
        withTenant(db, erasing, async () => 'no statement was sent'),
        refused,
      )
    })

    test('a statement that was never prepared because of it is prepared the next time', async () => {
      for (let times = 0; times < 12; times++) {
        const ask = (of: typeof tenant) =>
          withTenant(db, of, ({ query }) =>
            query(sql<{ n: number }>`select ${sql.raw(String(times))} as n, 'a new one' as text`, {
              prepare: true,
            }),
          )
        await assert.rejects(ask(erasing))
        assert.deepEqual(
          (await ask(tenant)).map(({ n }) => n),
          [times],
        )
      }
    })

    test('the first statement runs under row level security, and so do concurrent ones', async () => {
      const seen = await Promise.all(
        Array.from({ length: 30 }, () =>
          withTenant(db, tenant, async ({ query }) => {
            const [first, second] = await Promise.all([
              query(sql<{ id: string }>`select tenant_id as id from tenant_integrations`),
              query(sql<{ who: string }>`select current_user::text as who`),
            ])
            return [...new Set(first.map(({ id }) => id)), second[0]?.who]
          }),
        ),
      )
      assert.deepEqual(new Set(seen.map(String)), new Set([`${tenant},spoke_app`]))
      const [row] = (await sql<{ who: string }>`select current_user::text as who`.execute(db.kysely)).rows
      assert.notEqual(row?.who, 'spoke_app')
    })

    test('one statement alone is committed when it is answered, and leaves nothing when it fails', async () => {
      const save = (topic: string, cast: string) =>
        withSystemStatement(db, ({ query }) =>
          query(sql<{ who: string }>`
            insert into periodic_tasks (task, due_at) values (${topic}, now() + ${cast}::interval) returning current_user::text as who`),
        )
      const saved = await save('one', '1 hour')
      assert.deepEqual(saved, [{ who: 'spoke_system' }])
      assert.equal(await periodic_tasks('one'), 1)
      await assert.rejects(save('two', 'no interval'), { code: '22007' })
      await assert.rejects(save('one', '1 hour'), { code: '23505' })
      assert.equal(await periodic_tasks('two'), 0)
      await save('two', '1 hour')
      assert.equal(await periodic_tasks('two'), 1)
      await assert.rejects(
        withSystemStatement(db, ({ query }) => query(sql`select from issues`)),
        { code: '42501' },
      )
    })

    test('only a unit with asyncCommit does not wait for the disk', async () => {
      const source = sql<{ source: string }>`select source from pg_settings where name = 'synchronous_commit'`
      const how = { asyncCommit: true }
      const ask = async (asyncCommit: boolean) => {
        const given = asyncCommit ? [how] : []
        const rows = [
          await withTenant(db, tenant, ({ query }) => query(source), ...given),
          await withSystem(db, ({ query }) => query(source), ...given),
          await withSystemStatement(db, ({ query }) => query(source), ...given),
        ]
        return rows.map(([row]) => row?.source === 'session')
      }
      assert.deepEqual(await ask(true), [true, true, true])
      assert.deepEqual(await ask(false), [false, false, false])
    })

    test('a unit of one statement has no second', async () => {
      await assert.rejects(
        withSystemStatement(db, async ({ query }) => {
          await query(sql`select 1 as one`)
          return await query(sql`select 2 as two`)
        }),
        TypeError,
      )
    })

    test('a failed statement that nobody looked at rolls everything back, and is the error', async () => {
      const unit = withSystem(db, async ({ query }) => {
        await query(sql`insert into periodic_tasks (task, due_at) values ('four', now())`)
        await query(sql`select 1 / 0`).catch(() => {})
      })
      await assert.rejects(unit, { code: '22012' })
      assert.equal(await periodic_tasks('four'), 0)
    })

    test('a statement after the end of its unit is refused', async () => {
      const { query } = await withTenant(db, tenant, async (scope) => scope)
      await assert.rejects(query(sql`select 1 as one`), TypeError)
      const unused = await withSystem(db, async ({ query }) => {
        await query(sql`select 1 as one`, { last: true })
        return query
      })
      await assert.rejects(unused(sql`select 1 as one`), TypeError)
    })

    test('of statements sent at once into a failed opening each gets its error', async () => {
      const all = [sql`select 1 as one`, sql`select 2 as two`, sql`select 3 as three`]
      let ended: PromiseSettledResult<unknown>[] = []
      await assert.rejects(
        withTenant(db, erasing, async ({ query }) => {
          ended = await Promise.allSettled(all.map((one) => query(one)))
        }),
        { code: 'tenant_erasing' },
      )
      // An embedded database opens the transaction before the work begins.
      assert.deepEqual(
        ended.map((one) => one.status === 'rejected' && one.reason.code),
        db.kind === 'postgres' ? ['SP002', 'SP002', 'SP002'] : [],
      )
    })

    test('a failure in the middle rolls everything back', async () => {
      await assert.rejects(
        withSystem(db, async ({ query }) => {
          await query(sql`insert into periodic_tasks (task, due_at) values ('three', now())`)
          throw new Error('on the way')
        }),
        /on the way/,
      )
      await assert.rejects(
        withSystem(db, async () => {
          throw new Error('before anything')
        }),
        /before anything/,
      )
      assert.equal(await periodic_tasks('three'), 0)
    })
  })
