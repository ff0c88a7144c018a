/** Sessions in SQL, on both engines: how long they last, what each role can access, and that ended ones are deleted in small batches. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import {
  deleteEndedSessions,
  deleteSession,
  findSessions,
  insertSession,
  type NewSession,
  newSessionExpiry,
  recordSessionUse,
} from '../../src/auth/session-store.ts'
import type { Database } from '../../src/db/database.ts'
import { withSystem, withTenant } from '../../src/db/scope.ts'
import { engines } from '../support/engines.ts'
import { A, B, seedTenant } from '../support/rows.ts'

for (const engine of engines) {
  describe(`sessions on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => {
      ;({ db, close } = await engine.open())
      await seedTenant(db, A)
      await seedTenant(db, B)
      await sql`delete from sessions`.execute(db.kysely)
    })
    after(() => close())

    const make = (token_hash: string, over: Partial<NewSession> & { until?: number } = {}) =>
      withSystem(db, async (scope) => {
        const { until, ...columns } = over
        const expires_at = await newSessionExpiry(scope, until)
        const made = await insertSession(scope, {
          token_hash,
          tenant_id: A,
          scopes: ['read', 'sync'],
          created_by: 'jwt:x',
          binding: 'tie',
          expires_at,
          ...columns,
        })
        return made ? expires_at : undefined
      })
    const find = async (tokenHash: string) =>
      (await withSystem(db, (scope) => findSessions(scope, [tokenHash, 'nothing'])))[0]
    const age = async (tokenHash: string, column: string, interval: string) =>
      void (await sql
        .raw(
          `update sessions set ${column} = now() + interval '${interval}' where token_hash = '${tokenHash}'`,
        )
        .execute(db.kysely))
    const seconds = (at: Date | undefined) => ((at?.getTime() ?? 0) - Date.now()) / 1_000

    test('one lasts for twelve hours, or as long as its credential; an ended credential creates none', async () => {
      assert.ok(Math.abs(seconds(await make('a')) - 43_200) < 60)
      assert.ok(Math.abs(seconds(await make('b', { until: Date.now() + 600_000 })) - 600) < 60)
      assert.ok(Math.abs(seconds(await make('c', { until: Date.now() + 864_000_000 })) - 43_200) < 60)
      assert.equal(await make('d', { until: Date.now() - 60_000 }), undefined)
      const row = await find('a')
      const again = await make('a2')
      assert.equal(
        (await find('a2'))?.expires_at.getTime(),
        again?.getTime(),
        'as it was bound, to the millisecond',
      )
      assert.deepEqual(
        [row?.tenant_id, row?.scopes, row?.created_by, row?.binding, row?.unnoted],
        [A, ['read', 'sync'], 'jwt:x', 'tie', false],
      )
      assert.equal(await find('d'), undefined)
    })

    test('a session of the admin has no tenant, and every other one has a tenant', async () => {
      assert.ok(await make('admin', { tenant_id: null, created_by: 'admin' }))
      await assert.rejects(make('x', { tenant_id: null, created_by: 'key:1' }), { code: '23514' })
      await assert.rejects(make('x', { tenant_id: A, created_by: 'admin' }), { code: '23514' })
    })

    test('it ends at either time limit and with its tenant', async () => {
      const alive = async (tokenHash: string) => (await find(tokenHash)) !== undefined
      await make('e')
      await age('e', 'last_used_at', '-29 minutes -50 seconds')
      assert.equal(await alive('e'), true)
      assert.equal((await find('e'))?.unnoted, true)
      await age('e', 'last_used_at', '-30 minutes -1 second')
      assert.equal(await alive('e'), false)
      await withSystem(db, (scope) => recordSessionUse(scope, 'e'))
      assert.equal(await alive('e'), true)
      await age('e', 'expires_at', '-1 second')
      assert.equal(await alive('e'), false)
      await make('f', { tenant_id: 'cccccccc-cccc-4ccc-8ccc-cccccccccccc' as typeof A })
      assert.equal(await alive('f'), false)
    })

    test('a tenant’s role can read and end its own sessions, but not create or change one; the admin’s session belongs to no tenant', async () => {
      await make('g', { tenant_id: B })
      const as = (tenant: typeof A, statement: string) =>
        withTenant(db, tenant, ({ query }) => query(sql.raw<{ token_hash: string }>(statement)))
      const seen = (await as(B, 'select token_hash from sessions')).map(({ token_hash }) => token_hash)
      assert.deepEqual(seen, ['g'])
      for (const statement of [
        `insert into sessions (token_hash, tenant_id, scopes, created_by, binding, expires_at) values ('h', '${B}', '{}', 'key:1', 'x', now())`,
        `update sessions set expires_at = now() + interval '1 year'`,
        `update sessions set tenant_id = null`,
      ])
        await assert.rejects(as(B, statement), { code: '42501' }, statement)
      await as(B, 'delete from sessions')
      assert.equal(await find('g'), undefined)
      assert.ok(await find('a'))
      assert.ok(await find('admin'))
    })

    test('ended sessions are deleted in batches, and the others stay', async () => {
      for (let n = 0; n < 5; n++) {
        await make(`old ${n}`)
        await age(`old ${n}`, n % 2 ? 'expires_at' : 'last_used_at', '-13 hours')
      }
      const clear = () => withSystem(db, (scope) => deleteEndedSessions(scope, 4))
      let gone = 0
      for (let n = await clear(); n > 0; n = await clear()) {
        assert.ok(n <= 4)
        gone += n
      }
      assert.ok(gone >= 5, `${gone}`)
      assert.ok(await find('a'))
      assert.equal(await withSystem(db, (scope) => deleteSession(scope, 'a')), true)
      assert.equal(await withSystem(db, (scope) => deleteSession(scope, 'a')), false)
    })
  })
}
