/** Erasure on both engines: the erasure role, the steps, what is left (nothing), and what is not touched (everything else). */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withErasure, withSystem, withTenant } from '../../src/db/scope.ts'
import { parseTenantId, type TenantId } from '../../src/db/tenant-id.ts'
import { beginErasure, endErasure } from '../../src/tenants/erasure.ts'
import { findErasingTenants } from '../../src/tenants/erasure-store.ts'
import { admitKeyRing, keyRingFaults, rotateKeyRing } from '../../src/tenants/key-ring.ts'
import { ensureTenant, tenantExists } from '../../src/tenants/store.ts'
import { dumpOf } from '../support/canaries.ts'
import { engines } from '../support/engines.ts'
import { addIssues, eraseNow, tablesWith } from '../support/erasure.ts'
import { onlyLong } from '../support/long.ts'
import { A, B, ring, seedTenant } from '../support/rows.ts'

const codeOf = (error: unknown) => (error as { code?: string }).code
/** As many as an erasure of the larger kind has: SPOKE_TEST_ISSUES=100000. */
const many = Number(process.env.SPOKE_TEST_ISSUES ?? 5_000)

for (const engine of engines) {
  describe(`erasing on ${engine.name}`, engine.name === 'PGlite' ? onlyLong : {}, () => {
    let db: Database
    let close: () => Promise<void>
    let integration: string
    before(async () => {
      ;({ db, close } = await engine.open())
    })
    after(() => close())
    beforeEach(async () => {
      await sql`truncate tenants, issues, issue_last_seen, account_routes, idempotency_keys, api_keys, budgets, ring_keys cascade`.execute(
        db.kysely,
      )
      integration = await seedTenant(db, A)
      await seedTenant(db, B)
    })

    const app = (tenantId: TenantId, statement: string) =>
      withTenant(db, tenantId, ({ query }) => query(sql.raw(statement)))
    const eraser = (tenantId: TenantId, statement: string) =>
      withErasure(db, tenantId, ({ query }) => query(sql.raw(statement)))
    const owner = <Row>(statement: string) =>
      sql
        .raw<Row>(statement)
        .execute(db.kysely)
        .then(({ rows }) => rows)
    const budget = (hubId: number) =>
      withSystem(db, ({ query }) =>
        query(
          sql`insert into budgets (app, hub_id, bucket, next_slot_at) values ('pasted', ${hubId}, 'calls', now())`,
        ),
      )
    const budgets = async () =>
      (await owner<{ hub_id: number }>('select hub_id from budgets order by 1')).map((row) => row.hub_id)
    /** All that is not the tenant's: each row of each table without its id. */
    const others = async (tenantId: string) =>
      (await dumpOf(db)).flatMap(({ name, content }) =>
        String(content)
          .split('\n')
          .filter((row) => row !== '' && !row.includes(tenantId))
          .map((row) => `${name} ${row}`),
      )

    test('the erasure role marks and deletes its own tenant, cannot remove a mark, and reads nothing else', async () => {
      const denied = async (work: Promise<unknown>) =>
        await assert.rejects(work, (error) => codeOf(error) === '42501')
      await denied(app(A, `update tenants set erasing_at = now()`))
      await denied(app(A, 'delete from tenants'))
      await denied(eraser(A, 'select data_key from tenants'))
      await denied(eraser(A, `update tenants set data_key = 'x'`))
      const tables = await owner<{ name: string }>(`
        select table_name as name from information_schema.columns
        where table_schema = current_schema() and column_name = 'tenant_id' and table_name not in ('tenants', 'audit_events')`)
      assert.ok(tables.length > 20)
      for (const { name } of tables) await denied(eraser(A, `select from ${name}`))
      assert.deepEqual(await eraser(A, 'select tenant_id from tenants'), [{ tenant_id: A }])
      for (const table of ['tenants', 'audit_events']) {
        // Without the policy, a foreign key may refuse the deletion: that is a failed assertion too.
        const deleted = await eraser(A, `delete from ${table} returning tenant_id`).catch(codeOf)
        assert.deepEqual(deleted, [], 'not marked')
      }
      assert.deepEqual(await eraser(A, 'select from audit_events'), [])
      await denied(app(A, 'delete from audit_events'))
      assert.deepEqual(await eraser(A, 'update tenants set erasing_at = now() returning tenant_id'), [
        { tenant_id: A },
      ])
      await denied(eraser(A, 'update tenants set erasing_at = null'))
      assert.deepEqual(await eraser(B, 'delete from tenants returning tenant_id'), [])
      assert.deepEqual(await eraser(A, 'select distinct tenant_id from audit_events'), [{ tenant_id: A }])
      await denied(eraser(A, `update audit_events set actor = 'x'`))
    })

    test('from the mark on no unit of work enters, recreates the tenant or counts it for a rotation', async () => {
      assert.equal(await beginErasure(db, A), true)
      assert.equal(await beginErasure(db, A), true, 'again')
      assert.equal(await beginErasure(db, parseTenantId('cccccccc-cccc-4ccc-8ccc-cccccccccccc')), false)
      for (const work of [
        () => withTenant(db, A, tenantExists),
        () => withTenant(db, A, (scope) => ensureTenant(scope, ring)),
        () => app(A, 'select 1'),
      ])
        await assert.rejects(work, (error) => codeOf(error) === 'tenant_erasing')
      assert.deepEqual(await withSystem(db, (scope) => findErasingTenants(scope, 10)), [A])
      assert.deepEqual(await owner(`select from sync_streams where tenant_id = '${A}'`), [])
      assert.equal(await withTenant(db, B, tenantExists), true)
      assert.deepEqual(await admitKeyRing(db, ring), [])
      const next = [{ kid: 'k2', key: new Uint8Array(32).fill(8) }, ...ring]
      assert.deepEqual(await admitKeyRing(db, next), [])
      const { resealed, failed, left } = await rotateKeyRing(db, next)
      assert.deepEqual({ resealed, failed, left }, { resealed: 1, failed: [], left: 1 })
      assert.deepEqual(await keyRingFaults(db, next), [])
    })

    test('in the end no row of any schema holds its id, and another tenant on the same account is untouched', async () => {
      await budget(4242)
      await budget(7)
      await beginErasure(db, A)
      const before = await others(A)
      await eraseNow(db)
      assert.deepEqual(await tablesWith(db, A), [])
      assert.deepEqual(await others(A), before)
      assert.deepEqual(await budgets(), [7, 4242])
      await withTenant(db, A, (scope) => ensureTenant(scope, ring))
      assert.equal(await withTenant(db, A, tenantExists), true, 'made anew')
    })

    test('the budgets of an account go with the last integration on it', async () => {
      await budget(4242)
      await budget(7)
      for (const tenantId of [A, B]) await beginErasure(db, tenantId)
      await eraseNow(db)
      assert.deepEqual(await tablesWith(db, B), [])
      assert.deepEqual(await budgets(), [7])
    })

    test('a tenant that still has a row, in any table, is not deleted', async () => {
      await beginErasure(db, A)
      await owner(`insert into issue_last_seen (tenant_id, integration_id, ticket_id, seen_at)
        values ('${A}', '${A}', '1', now())`)
      // Without the final check, a foreign key may refuse the deletion: a failed assertion too.
      assert.equal(await endErasure(db, A).catch(codeOf), 'rows_left')
      await eraseNow(db)
      assert.deepEqual(await tablesWith(db, A), [])
      assert.equal(await endErasure(db, A), 'gone')
    })

    test('a table that nobody has marked is erased with the others', async () => {
      await owner('create table unmarked (tenant_id uuid not null, note text, primary key (tenant_id, note))')
      await owner('grant select, delete on unmarked to spoke_app')
      await owner(`insert into unmarked select tenant_id, n::text from tenants, generate_series(1, 3000) n`)
      try {
        await beginErasure(db, A)
        await eraseNow(db)
        assert.deepEqual(await tablesWith(db, A), [])
        assert.deepEqual(await owner('select distinct tenant_id from unmarked'), [{ tenant_id: B }])
      } finally {
        await owner('drop table unmarked')
      }
    })

    test('it begins when the last unit of work has ended, and later ones see the mark', async () => {
      const happened: string[] = []
      const inside = Promise.withResolvers<void>()
      const work = withTenant(db, A, async ({ query }) => {
        await query(sql`select 1`)
        inside.resolve()
        await new Promise((resolve) => setTimeout(resolve, 300))
        await query(sql`insert into idempotency_keys (tenant_id, key_hash, claim, salt, request_hash, expires_at)
          values (${A}, 'late', gen_random_uuid(), 's', 'r', now())`)
      }).then(() => happened.push('worked'))
      await inside.promise
      const marked = beginErasure(db, A).then(() => happened.push('marked'))
      await new Promise((resolve) => setTimeout(resolve, 50))
      const late = assert.rejects(
        withTenant(db, A, tenantExists),
        (error) => codeOf(error) === 'tenant_erasing',
      )
      await Promise.all([work, marked, late])
      assert.deepEqual(happened, ['worked', 'marked'])
      await eraseNow(db)
      assert.deepEqual(await tablesWith(db, A), [])
    })

    test('one tenant that cannot be erased does not block others', async () => {
      for (const tenantId of [A, B]) await beginErasure(db, tenantId)
      await owner(`create function stuck() returns trigger language plpgsql as
        $$ begin if old.tenant_id = '${A}' then raise exception 'stuck'; end if; return old; end $$`)
      await owner('create trigger stuck before delete on labels for each row execute function stuck()')
      await eraseNow(db)
      assert.deepEqual(await tablesWith(db, B), [])
      assert.notDeepEqual(await tablesWith(db, A), [])
      await owner('drop function stuck() cascade')
      await eraseNow(db)
      assert.deepEqual(await tablesWith(db, A), [])
    })

    test(`${many} issues and their last-seen times are deleted in short steps`, async (t) => {
      await addIssues(db, A, integration, many)
      const began = performance.now()
      await beginErasure(db, A)
      const marked = performance.now() - began
      let longest = 0
      const timed: Database = {
        ...db,
        transaction: async (opening, work) => {
          const at = performance.now()
          const done = await db.transaction(opening, work)
          longest = Math.max(longest, performance.now() - at)
          return done
        },
      }
      await eraseNow(timed)
      const took = performance.now() - began
      assert.deepEqual(await owner(`select from tenants where tenant_id = '${A}'`), [])
      assert.deepEqual(await owner(`select from issues where tenant_id = '${A}' limit 1`), [])
      assert.ok(took < 60_000, `${took} ms`)
      assert.ok(longest < 3_000, `a step took ${longest} ms`)
      t.diagnostic(
        `${many} issues erased in ${Math.round(took)} ms; marked in ${Math.round(marked)} ms; longest step ${Math.round(longest)} ms`,
      )
    })
  })
}
