/** The key ring against the database, on both engines: what prevents the start, what is counted, and what a rotation reseals. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withSystem, withTenant } from '../../src/db/scope.ts'
import { parseTenantId, type TenantId } from '../../src/db/tenant-id.ts'
import { readToken, replaceToken } from '../../src/integrations/tokens/token-store.ts'
import { newId } from '../../src/lib/ids.ts'
import type { KeyRing } from '../../src/lib/seal.ts'
import { Secret } from '../../src/lib/secret.ts'
import { admitKeyRing, keyRingFaults, keyRingStatus, rotateKeyRing } from '../../src/tenants/key-ring.ts'
import { ensureTenant, resealTenant } from '../../src/tenants/store.ts'
import { bothEngines } from '../support/engines.ts'
import { A, B, ring as seedRing, seedTenant } from '../support/rows.ts'

const key = (kid: string, fill: number) => ({ kid, key: new Uint8Array(32).fill(fill) })
const [k1] = seedRing as unknown as [KeyRing[number]]
const k2 = key('k2', 8)

for (const engine of bothEngines) {
  describe(`the key ring on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let integration: string
    before(async () => {
      ;({ db, close } = await engine.open())
      integration = await seedTenant(db, A)
      await seedTenant(db, B)
    })
    after(() => close())

    const known = async () =>
      (await sql<{ key_id: string }>`select key_id from ring_keys order by 1`.execute(db.kysely)).rows.map(
        (row) => row.key_id,
      )
    const dataKeys = async () =>
      (
        await sql<{ key: string }>`select tenant_id || data_key as key from tenants order by 1`.execute(
          db.kysely,
        )
      ).rows.map((row) => row.key)
    const openToken = async (ring: KeyRing) =>
      (await withTenant(db, A, (scope) => readToken(scope, ring, integration)))?.accessToken.reveal()

    test('before any sentinel a data key under its name detects a wrong key', async () => {
      assert.deepEqual(await known(), [])
      assert.match((await admitKeyRing(db, [key('k1', 9)])).join(), /^key "k1" of the ring is not the key/)
      assert.match((await admitKeyRing(db, [k2])).join(), /^key "k1" is not in the ring .* 2 tenants/)
      assert.deepEqual(await known(), [], 'a ring that does not fit is not learned')
    })

    test('a check stores nothing; admitting creates a sentinel for each key', async () => {
      assert.deepEqual(await keyRingFaults(db, [k1]), [])
      assert.deepEqual(await known(), [])
      assert.deepEqual(await admitKeyRing(db, [k1]), [])
      assert.deepEqual(await known(), ['k1'])
    })

    test('from then on the sentinel detects it, also for a key that seals no tenant yet', async () => {
      assert.deepEqual(await admitKeyRing(db, [k1, k2]), [])
      for (const [ring, expected] of [
        [[key('k1', 9)], [/"k1" of the ring/]],
        [[key('k2', 9), k1], [/"k2" of the ring/]],
        [
          [key('k2', 9), key('k1', 9)],
          [/"k2" of the ring/, /"k1" of the ring/],
        ],
        [
          [key('k2', 9)],
          [/"k2" of the ring/, /"k1" is not in the ring and seals the data keys of 2 tenants/],
        ],
      ] as const) {
        const faults = await admitKeyRing(db, ring)
        assert.equal(faults.length, expected.length, faults.join('\n'))
        for (const [at, pattern] of expected.entries()) assert.match(faults[at] as string, pattern)
      }
      assert.deepEqual(await admitKeyRing(db, [k1]), [], 'a key that seals nothing may go')
    })

    test('two processes that bring one new name with two keys: exactly one is admitted', async () => {
      const both = await Promise.all([key('k3', 3), key('k3', 4)].map((k3) => admitKeyRing(db, [k3, k1])))
      assert.deepEqual(both.map((faults) => faults.length).sort(), [0, 1])
      assert.match(both.flat().join(), /"k3" of the ring is not the key/)
    })

    test('no fault holds a byte of a key', async () => {
      const faults = (await admitKeyRing(db, [key('k1', 9), key('k2', 9)])).join()
      for (const { key: bytes } of [k1, k2, key('x', 9)])
        for (const form of ['base64', 'base64url', 'hex'] as const)
          assert.ok(!faults.includes(Buffer.from(bytes).toString(form).slice(0, 12)))
    })

    test('the column matches the sealed value, and status counts by it', async () => {
      assert.deepEqual(await keyRingStatus(db, [k2, k1]), {
        ring: [
          { kid: 'k2', newest: true, tenants: 0 },
          { kid: 'k1', newest: false, tenants: 2 },
        ],
        missing: [],
      })
      assert.deepEqual((await keyRingStatus(db, [k2])).missing, [{ kid: 'k1', tenants: 2 }])
    })

    test('the system role sees which key and never what it sealed; a tenant may change its data key and nothing else of its row', async () => {
      const refused = (work: Promise<unknown>) =>
        assert.rejects(work, (error) => (error as { code?: string }).code === '42501')
      assert.equal((await withSystem(db, ({ query }) => query(sql`select key_id from tenants`))).length, 2)
      await refused(withSystem(db, ({ query }) => query(sql`select data_key from tenants`)))
      await refused(withSystem(db, ({ query }) => query(sql`update tenants set data_key = data_key`)))
      await refused(withTenant(db, A, ({ query }) => query(sql`update tenants set created_at = now()`)))
      await refused(withTenant(db, A, ({ query }) => query(sql`select * from ring_keys`)))
    })

    test('rotation reseals each data key, in steps, and no token changes', async () => {
      const before = await dataKeys()
      const sealed = await sql`select access_token from integration_tokens order by 1`.execute(db.kysely)
      const token = await openToken([k1])
      const steps: number[] = []
      assert.deepEqual(await rotateKeyRing(db, [k2, k1], (n) => steps.push(n), 1), {
        newest: 'k2',
        resealed: 2,
        failed: [],
        left: 0,
      })
      assert.deepEqual(steps, [1, 2])
      const after = await dataKeys()
      assert.ok(after.every((one) => !before.includes(one)))
      const now = await sql`select access_token from integration_tokens order by 1`.execute(db.kysely)
      assert.deepEqual(now.rows, sealed.rows)
      assert.equal(await openToken([k2]), token)
      await assert.rejects(openToken([k1]), /no key "k2" in the ring/)
      assert.deepEqual(await rotateKeyRing(db, [k2, k1]), { newest: 'k2', resealed: 0, failed: [], left: 0 })
      assert.deepEqual(await dataKeys(), after, 'a second run writes nothing')
    })

    test('afterwards the old key can be removed; removing the new one is refused with name and count', async () => {
      assert.deepEqual(await admitKeyRing(db, [k2]), [])
      assert.match((await admitKeyRing(db, [k1])).join(), /key "k2" is not in the ring .* 2 tenants/)
      await rotateKeyRing(db, [k2])
      assert.deepEqual(await known(), ['k2'], 'what left the ring and seals nothing is forgotten')
    })

    test('of two that seal one data key at once, one does it, and it opens', async () => {
      const done = await Promise.all(
        [1, 2].map(() => withTenant(db, A, (scope) => resealTenant(scope, [k1, k2]))),
      )
      assert.deepEqual(done.toSorted(), [false, true])
      assert.ok(await openToken([k1]))
      await rotateKeyRing(db, [k2, k1])
    })

    test('a data key that does not open does not block others, stays, and is named', async () => {
      const C = parseTenantId(newId()) as TenantId
      await withTenant(db, C, (scope) => ensureTenant(scope, [k1]))
      await withTenant(db, B, (scope) => resealTenant(scope, [k1, k2]))
      await sql`update tenants set data_key = (select data_key from tenants where tenant_id = ${B})
        where tenant_id = ${C}`.execute(db.kysely)
      const { resealed, failed, left } = await rotateKeyRing(db, [k2, k1])
      assert.deepEqual({ resealed, left }, { resealed: 1, left: 1 })
      assert.deepEqual(failed, [{ tenant_id: C, error: 'a sealed data_key belongs to another row' }])
    })

    test('what is stored during the rotation opens afterwards', async () => {
      const id = newId()
      await withTenant(db, A, async (scope) => {
        await scope.query(sql`insert into tenant_integrations (tenant_id, integration_id, status)
          values (${A}, ${id}, 'pending')`)
        await resealTenant(scope, [k1, k2])
        const accessToken = new Secret('pat-na1-late')
        await replaceToken(scope, [k2, k1], id, {
          kind: 'static',
          accessToken,
          refreshToken: undefined,
          expiresInMs: null,
        })
      })
      const token = await withTenant(db, A, (scope) => readToken(scope, [k1], id))
      assert.equal(token?.accessToken.reveal(), 'pat-na1-late')
    })
  })
}
