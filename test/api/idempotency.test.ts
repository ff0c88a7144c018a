/** Stored responses, on both engines: who claims a key, when it is released, and what is stored for whom. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { type IdempotencyKey, readIdempotencyKey } from '../../src/api/idempotency.ts'
import {
  claimIdempotencyKey,
  findStoredResponse,
  releaseIdempotencyKey,
  saveStoredResponse,
} from '../../src/api/idempotency-store.ts'
import { runIdempotent, runIdempotentAcrossTransactions } from '../../src/api/run-idempotent.ts'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { newId } from '../../src/lib/ids.ts'
import { engines } from '../support/engines.ts'
import { A, B } from '../support/rows.ts'

const asked = (key: string, body: unknown = { a: 1 }, url = '/x'): IdempotencyKey => {
  const read = readIdempotencyKey({ method: 'POST', url, headers: { 'idempotency-key': key }, body })
  assert.ok(read)
  return read
}

test('a request is the same in another order of its fields, and another by value, path or method', () => {
  const hash = (one: IdempotencyKey) => one.hashWith('salt')
  assert.equal(hash(asked('k', { a: 1, b: { c: 2, d: 3 } })), hash(asked('k', { b: { d: 3, c: 2 }, a: 1 })))
  const one = hash(asked('k', { a: 1 }))
  for (const other of [
    asked('k', { a: 2 }),
    asked('k', { a: '1' }),
    asked('k', {}),
    asked('k', { a: 1 }, '/y'),
  ])
    assert.notEqual(hash(other), one)
  assert.notEqual(asked('k').hashWith('other salt'), one)
})

for (const header of ['', ' ', 'a b', 'x'.repeat(256), 'ü', 'a\nb', ['a', 'b']]) {
  test(`a key of ${JSON.stringify(header).slice(0, 20)} is refused`, () => {
    const request = { method: 'POST', url: '/', headers: { 'idempotency-key': header }, body: {} }
    assert.throws(() => readIdempotencyKey(request), { code: 'validation_failed' })
  })
}

test('a request without a key has none', () => {
  assert.equal(readIdempotencyKey({ method: 'POST', url: '/', headers: {}, body: {} }), undefined)
})

for (const engine of engines) {
  describe(`stored responses on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => {
      ;({ db, close } = await engine.open())
    })
    after(() => close())

    const as = <T>(work: Parameters<typeof withTenant<T>>[2], tenant = A) => withTenant(db, tenant, work)
    const run = (one: IdempotencyKey, body: unknown, tenant = A) =>
      as((scope) => runIdempotent<unknown>(scope, one, async () => ({ status: 202, body })), tenant)

    test('the first response is replayed, and the work does not run again', async () => {
      const one = asked(newId())
      assert.deepEqual(await run(one, { n: 1 }), { status: 202, body: { n: 1 } })
      assert.deepEqual(await run(one, { n: 2 }), { status: 202, body: { n: 1 } })
    })

    test('another request under the same key is a mismatch', async () => {
      const key = newId()
      await run(asked(key), {})
      await assert.rejects(run(asked(key, { a: 2 }), {}), { code: 'idempotency_mismatch' })
    })

    test('the same key of another tenant is another key', async () => {
      const key = newId()
      await run(asked(key), { of: 'A' })
      assert.deepEqual(await run(asked(key, { other: true }), { of: 'B' }, B), {
        status: 202,
        body: { of: 'B' },
      })
    })

    test('work that fails stores neither key nor response', async () => {
      const one = asked(newId())
      const fails = as((scope) => runIdempotent(scope, one, () => Promise.reject(new Error('no'))))
      await assert.rejects(fails, /no/)
      assert.deepEqual(await run(one, { n: 2 }), { status: 202, body: { n: 2 } })
    })

    test('while a claim is held, others get a conflict; the claim of a dead process ends with its lease', async () => {
      const one = asked(newId())
      const first = await as((scope) => claimIdempotencyKey(scope, one))
      await assert.rejects(
        as((scope) => findStoredResponse(scope, one)),
        { code: 'idempotency_in_progress' },
      )
      await assert.rejects(
        as((scope) => claimIdempotencyKey(scope, one)),
        { code: 'idempotency_in_progress' },
      )
      await sql`update idempotency_keys set lease_until = now() - interval '1 second' where key_hash = ${one.keyHash}`.execute(
        db.kysely,
      )
      const second = await as((scope) => claimIdempotencyKey(scope, one))
      const answer = { status: 201, body: {} }
      await assert.rejects(
        as((scope) => saveStoredResponse(scope, one, first, answer)),
        { code: 'idempotency_in_progress' },
      )
      await as((scope) => releaseIdempotencyKey(scope, one, first))
      await as((scope) => saveStoredResponse(scope, one, second, answer))
      assert.deepEqual(await as((scope) => findStoredResponse(scope, one)), answer)
    })

    test('work across calls releases its key when it is refused', async () => {
      const one = asked(newId())
      await assert.rejects(
        runIdempotentAcrossTransactions(db, A, one, () => Promise.reject(new Error('refused'))),
        /refused/,
      )
      const answer = { status: 201, body: { n: 1 } }
      const act = async (keep: (scope: never, given: typeof answer) => Promise<void>) => {
        await as((scope) => keep(scope as never, answer))
        return answer
      }
      assert.deepEqual(await runIdempotentAcrossTransactions(db, A, one, act as never), answer)
      assert.deepEqual(
        await runIdempotentAcrossTransactions(db, A, one, () => assert.fail('done twice')),
        answer,
      )
    })

    test('after a day a key is free again, and expired keys are deleted when another is used', async () => {
      const [old, other] = [asked(newId()), asked(newId())]
      await run(old, { n: 1 })
      await sql`update idempotency_keys set expires_at = now() - interval '1 second' where key_hash = ${old.keyHash}`.execute(
        db.kysely,
      )
      await run(other, {})
      const { rows } = await sql`select 1 from idempotency_keys where key_hash = ${old.keyHash}`.execute(
        db.kysely,
      )
      assert.equal(rows.length, 0)
      assert.deepEqual(await run(old, { n: 2 }), { status: 202, body: { n: 2 } })
    })
  })
}
