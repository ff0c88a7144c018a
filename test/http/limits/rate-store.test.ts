/** The minutes' budgets in SQL, on both engines: booked together, by the database's minute, and forgotten. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../../src/db/database.ts'
import { withSystem } from '../../../src/db/scope.ts'
import { createRateLimiter } from '../../../src/http/limits/rate-limiter.ts'
import {
  deleteExpiredRateWindows,
  type RateRequest,
  takeRateSlots,
} from '../../../src/http/limits/rate-store.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { engines, quiet } from '../../support/engines.ts'

for (const engine of engines) {
  describe(engine.name, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => {
      ;({ db, close } = await engine.open())
    })
    after(() => close())

    const takeSlots = (asks: readonly RateRequest[]) => withSystem(db, (scope) => takeRateSlots(scope, asks))
    const deleteExpired = (most: number) => withSystem(db, (scope) => deleteExpiredRateWindows(scope, most))
    /** These tests take less than a second and must stay within one minute. */
    const earlyInMinute = async () => {
      const { leftMs } = await takeSlots([{ key: 'clock', slots: 0 }])
      if (leftMs < 5_000) await new Promise((resolve) => setTimeout(resolve, leftMs + 20))
    }

    test('slots of many keys are booked in one statement, and added up', async () => {
      await earlyInMinute()
      const first = await takeSlots([
        { key: 'b', slots: 3 },
        { key: 'a', slots: 1 },
      ])
      assert.deepEqual(Object.fromEntries(first.totals), { a: 1, b: 3 })
      const second = await takeSlots([
        { key: 'a', slots: 5 },
        { key: 'c', slots: 0 },
      ])
      assert.deepEqual(Object.fromEntries(second.totals), { a: 6, c: 0 })
      assert.equal(second.minute, first.minute)
      assert.equal(first.minute % 60_000, 0)
      const [row] = (
        await sql<{ now: number }>`select (extract(epoch from now()) * 1000)::float8 as now`.execute(
          db.kysely,
        )
      ).rows
      const left = first.minute + 60_000 - Number(row?.now)
      assert.ok(Math.abs(left - second.leftMs) < 2_000, `${left} and ${second.leftMs}`)
    })

    test('limiters that share a database give out the limit, a twentieth less at most, and not one more', async () => {
      await earlyInMinute()
      const limiters = Array.from({ length: 4 }, () =>
        createRateLimiter({ takeSlots, deleteExpired, clock: systemClock, log: quiet }),
      )
      const verdicts = await Promise.all(
        Array.from({ length: 800 }, (_, n) => limiters[n % 4]?.consume('shared', 300)),
      )
      const admitted = verdicts.filter((verdict) => verdict?.allowed).length
      assert.ok(admitted >= 285 && admitted <= 300, `${admitted}`)
      for (const limiter of limiters) await limiter.settle()
    })

    test('past minutes are deleted in small batches, and the present one stays', async () => {
      await sql`insert into rate_windows select now() - interval '3 minutes', 'old ' || n, 1 from generate_series(1, 2500) n`.execute(
        db.kysely,
      )
      await takeSlots([{ key: 'present', slots: 1 }])
      assert.equal(await deleteExpired(1_000), 1_000)
      const limiter = createRateLimiter({ takeSlots, deleteExpired, clock: systemClock, log: quiet })
      await limiter.consume('anything', 10)
      await limiter.settle()
      const { rows } = await sql<{
        key: string
      }>`select key from rate_windows where key like 'old %' or key = 'present'`.execute(db.kysely)
      assert.deepEqual(rows, [{ key: 'present' }])
    })

    test('limited names are stored as a hash', async () => {
      const limiter = createRateLimiter({ takeSlots, deleteExpired, clock: systemClock, log: quiet })
      await limiter.consume('address 203.0.113.9', 10)
      const { rows } = await sql<{
        all: string
      }>`select string_agg(w::text, ',') as all from rate_windows w`.execute(db.kysely)
      assert.ok(!rows[0]?.all.includes('203.0.113'))
    })
  })
}
