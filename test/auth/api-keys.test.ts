/** API keys of tenants, on both engines: what is stored, what authenticates, and how a key ends. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import { keyIdOf, newApiKey } from '../../src/auth/api-key.ts'
import { type CreatedApiKey, createApiKey, revokeApiKey, rotateApiKey } from '../../src/auth/api-keys.ts'
import { createApiKeyVerifier } from '../../src/auth/verify-api-key.ts'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { rotateKeyRing } from '../../src/tenants/key-ring.ts'
import { ensureTenant } from '../../src/tenants/store.ts'
import { dumpOf, formsOf } from '../support/canaries.ts'
import { handClock } from '../support/clock.ts'
import { engines, quiet } from '../support/engines.ts'
import { A, B, ring } from '../support/rows.ts'
import { eventually } from '../support/service.ts'

test('a key has a readable prefix, an id and 256 random bits, and nothing else is one', () => {
  const made = Array.from({ length: 1_000 }, () => newApiKey())
  const secrets = new Set(made.map(({ key }) => key.reveal().slice('spk_'.length + 17)))
  assert.equal(secrets.size, 1_000)
  for (const { keyId, key } of made) {
    assert.match(key.reveal(), /^spk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
    assert.equal(keyIdOf(key.reveal()), keyId)
  }
  // Bits: each of the 256 is set about half the time.
  const counts = Array.from({ length: 256 }, () => 0)
  for (const secret of secrets)
    for (const [at, byte] of Buffer.from(secret, 'base64url').entries())
      for (let bit = 0; bit < 8; bit++)
        counts[at * 8 + bit] = (counts[at * 8 + bit] ?? 0) + ((byte >> bit) & 1)
  for (const count of counts) assert.ok(count > 380 && count < 620, String(count))
  const key = (made[0] as (typeof made)[0]).key.reveal()
  for (const text of [
    '',
    'spk_',
    key.slice(0, -1),
    `${key}x`,
    key.toUpperCase(),
    ` ${key}`,
    key.replace('spk', 'sqk'),
  ])
    assert.equal(keyIdOf(text), undefined, text)
})

for (const engine of engines) {
  describe(`keys on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => {
      ;({ db, close } = await engine.open())
      for (const tenantId of [A, B]) await withTenant(db, tenantId, (scope) => ensureTenant(scope, ring))
    })
    after(() => close())

    const create = (lifeMs: number | null = null) =>
      withTenant(db, A, (scope) =>
        createApiKey(scope, ring, { name: 'one', scopes: ['read', 'sync'], lifeMs }),
      )
    // Each its own process, which remembers nothing yet.
    const prove = (made: CreatedApiKey | string, keys = ring) =>
      createApiKeyVerifier({ db, ring: keys, clock: systemClock, log: quiet })(
        typeof made === 'string' ? made : made.key.reveal(),
      )

    test('a key authenticates its tenant with its scopes, and is nowhere in the database', async () => {
      const made = await create()
      const { key_id: keyId } = made.details
      assert.deepEqual(await prove(made), {
        kind: 'tenant',
        tenantId: A,
        scopes: ['read', 'sync'],
        by: `key:${keyId}`,
      })
      const places = await dumpOf(db)
      assert.ok(places.some(({ content }) => content.includes(keyId)))
      const secret = made.key.reveal().slice(-43)
      for (const bytes of [Buffer.from(secret), Buffer.from(secret, 'base64url')])
        for (const [form, text] of formsOf({ what: 'key', bytes }))
          for (const { name, content } of places) assert.ok(!content.includes(text), `${form} in ${name}`)
    })

    test('any other text authenticates nobody', async () => {
      const made = await create()
      const key = made.key.reveal()
      const other = await create()
      const swapped = `${key.slice(0, 21)}${other.key.reveal().slice(21)}`
      for (let at = 21; at < key.length; at += 5) {
        const letter = key[at] === 'A' ? 'B' : 'A'
        assert.equal(await prove(`${key.slice(0, at)}${letter}${key.slice(at + 1)}`), undefined)
      }
      assert.equal(await prove(swapped), undefined)
      assert.equal(await prove(newApiKey().key.reveal()), undefined)
      assert.equal(
        await prove(`spk_${made.details.key_id}_${randomBytes(32).toString('base64url')}`),
        undefined,
      )
      assert.ok(await prove(made))
    })

    test("a key's row that is moved to another tenant authenticates nobody", async () => {
      const made = await create()
      await sql`update api_keys set tenant_id = ${B} where key_id = ${made.details.key_id}`.execute(db.kysely)
      assert.equal(await prove(made), undefined)
    })

    test('a revoked key and an expired key authenticate nobody', async () => {
      const made = await create()
      await withTenant(db, A, (scope) => revokeApiKey(scope, made.details.key_id))
      assert.equal(await prove(made), undefined)
      const short = await create(60_000)
      assert.ok(await prove(short))
      await sql`update api_keys set expires_at = now() where key_id = ${short.details.key_id}`.execute(
        db.kysely,
      )
      assert.equal(await prove(short), undefined)
    })

    test('a caller that has used a key is refused within a second after it is revoked', async () => {
      const made = await create()
      const proveIt = createApiKeyVerifier({ db, ring, clock: systemClock, log: quiet })
      assert.ok(await proveIt(made.key.reveal()))
      await withTenant(db, A, (scope) => revokeApiKey(scope, made.details.key_id))
      const from = performance.now()
      for (;;) {
        const asked = performance.now() - from
        if (!(await proveIt(made.key.reveal()))) break
        assert.ok(asked < 1_000, 'still accepted after a second')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })

    /** @returns what `work` sent to the database, if that is a server */
    async function statementsOf(work: () => Promise<void>): Promise<string[]> {
      const statements: string[] = []
      const { query } = pg.Client.prototype
      pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
        const [first] = given as [string | { text?: string }]
        statements.push(typeof first === 'string' ? first : String(first.text))
        return Reflect.apply(query, this, given)
      } as typeof query
      try {
        await work()
      } finally {
        pg.Client.prototype.query = query
      }
      return statements
    }
    const serverOnly = { skip: engine.name !== 'PostgreSQL' }
    const wrongKeyOf = (keyId: string) => `spk_${keyId}_${randomBytes(32).toString('base64url')}`
    const counts = (statements: string[]) => ({
      lookups: statements.filter((text) => text.includes('from api_keys')).length,
      opened: statements.filter((text) => text.includes('select data_key')).length,
    })

    test(
      'a thousand wrong keys at once cost a few statements, and the right key among them passes',
      serverOnly,
      async () => {
        const made = await create()
        const verify = createApiKeyVerifier({ db, ring, clock: systemClock, log: quiet })
        const statements = await statementsOf(async () => {
          const unknown = Array.from({ length: 1_000 }, () => verify(newApiKey().key.reveal()))
          assert.ok(await verify(made.key.reveal()))
          assert.deepEqual(new Set(await Promise.all(unknown)), new Set([undefined]))
        })
        const { lookups, opened } = counts(statements)
        assert.ok(lookups > 0 && lookups <= 4, `${lookups}`)
        assert.equal(opened, 1)
      },
    )

    test(
      'wrong keys with the id of a right one cost one lookup in half a second, and do not keep it out',
      serverOnly,
      async () => {
        const [made, clock] = [await create(), handClock()]
        const verify = createApiKeyVerifier({ db, ring, clock, log: quiet })
        const flood = async () => {
          for (let n = 0; n < 100; n++) assert.equal(await verify(wrongKeyOf(made.details.key_id)), undefined)
        }
        const first = await statementsOf(async () => {
          await flood()
          assert.ok(await verify(made.key.reveal()))
          await flood()
        })
        assert.deepEqual(counts(first), { lookups: 1, opened: 1 })
        clock.move(500)
        const second = await statementsOf(async () => {
          await flood()
          assert.ok(await verify(made.key.reveal()))
        })
        assert.deepEqual(counts(second), { lookups: 1, opened: 0 })
      },
    )

    test('a key has no more scopes by writing them into its row', async () => {
      const made = await create()
      const remembers = createApiKeyVerifier({ db, ring, clock: systemClock, log: quiet })
      assert.ok(await remembers(made.key.reveal()))
      await sql`update api_keys set scopes = '{read,sync,manage}' where key_id = ${made.details.key_id}`.execute(
        db.kysely,
      )
      assert.equal(await prove(made), undefined)
      await eventually(
        async () => (await remembers(made.key.reveal())) === undefined,
        'nor where it was proved before',
      )
    })

    test('a rotated key is followed by one like it, and ends after the overlap', async () => {
      const made = await create(3_600_000)
      const next = await withTenant(db, A, (scope) => rotateApiKey(scope, ring, made.details.key_id, 2_000))
      assert.ok(await prove(made))
      assert.ok(await prove(next))
      const { created_at: createdAt, expires_at: expiresAt, scopes, name } = next.details
      assert.deepEqual([name, scopes], [made.details.name, made.details.scopes])
      assert.equal((expiresAt as Date).getTime() - createdAt.getTime(), 3_600_000)
      await eventually(async () => (await prove(made)) === undefined, 'the overlap ends')
      assert.ok(await prove(next))
      const refused = withTenant(db, A, (scope) => rotateApiKey(scope, ring, made.details.key_id, 0))
      await assert.rejects(refused, { code: 'api_key_not_active' })
    })

    test('an overlap never lengthens the life of the old key', async () => {
      const made = await create(60_000)
      await withTenant(db, A, (scope) => rotateApiKey(scope, ring, made.details.key_id, 86_400_000))
      const { rows } = await sql<{ ends: Date }>`
        select expires_at as ends from api_keys where key_id = ${made.details.key_id}`.execute(db.kysely)
      assert.deepEqual(rows[0]?.ends, made.details.expires_at)
    })

    test('keys of another tenant are neither rotated nor revoked', async () => {
      const made = await create()
      const rotated = withTenant(db, B, (scope) => rotateApiKey(scope, ring, made.details.key_id, 0))
      await assert.rejects(rotated, { code: 'api_key_not_found' })
      const revoked = withTenant(db, B, (scope) => revokeApiKey(scope, made.details.key_id))
      await assert.rejects(revoked, { code: 'api_key_not_found' })
      assert.ok(await prove(made))
    })

    test('no key is made for a tenant that is not there', async () => {
      const nobody = withTenant(db, 'cccccccc-cccc-4ccc-8ccc-cccccccccccc' as typeof A, (scope) =>
        createApiKey(scope, ring, { name: 'x', scopes: ['read'], lifeMs: null }),
      )
      await assert.rejects(nobody, { code: 'tenant_not_found' })
    })

    test('keys still work after a rotation of the key ring', async () => {
      const made = await create()
      const newer = [{ kid: 'k9', key: new Uint8Array(randomBytes(32)) }, ...ring]
      await rotateKeyRing(db, newer)
      assert.ok(await prove(made, newer))
      assert.ok(await prove(made, newer.slice(0, 1)))
    })
  })
}
