/** The budget: slots in the database, so that many processes together stay below HubSpot's limit. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { withSystem } from '../../src/db/scope.ts'
import { type Bucket, createBudget } from '../../src/hubspot/budget/budget.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { engines } from '../support/engines.ts'

/** Does not wait; records how long it should have. */
function noting(): Clock & { waits: number[] } {
  const waits: number[] = []
  return {
    waits,
    now: Date.now,
    monotonic: () => performance.now(),
    random: Math.random,
    sleep: async (ms) => void waits.push(ms),
  }
}

const signal = new AbortController().signal

for (const engine of engines) {
  describe(`the budget on ${engine.name}`, () => {
    const most: [Bucket, number, number][] = [
      ['calls', 10_000, 100],
      ['search', 1_000, 5],
    ]
    for (const [bucket, windowMs, limit] of most) {
      test(`${bucket}: no window of ${windowMs} ms holds more than ${limit} slots, across processes`, async () => {
        const { db, close } = await engine.open()
        const clock = noting()
        const budgets = [1, 2, 3, 4].map(() =>
          createBudget((work) => withSystem(db, ({ query }) => work(query)), clock, createMetrics()),
        )
        const began = performance.now()
        const slots: number[] = []
        const key = { app: 'app', hubId: 1 }
        for (let n = 0; n < 260; n++) {
          const before = clock.waits.length
          await budgets[n % 4]?.take(key, bucket, { priority: 'background', maxWaitMs: 600_000 }, signal)
          slots.push(performance.now() - began + (clock.waits[before] ?? 0))
        }
        slots.sort((a, b) => a - b)
        for (const [n, at] of slots.entries()) {
          const inWindow = slots.slice(n).filter((slot) => slot < at + windowMs).length
          assert.ok(inWindow <= limit, `${inWindow} slots in the window from ${at}`)
        }
        const rate = (slots.length / ((slots.at(-1) as number) - (slots[0] as number))) * windowMs
        assert.ok(rate >= limit * 0.75, `only ${rate} a window`)
        await close()
      })
    }

    test('a caller that cannot wait long enough is refused and uses no slot; other portals are not affected', async () => {
      const { db, close } = await engine.open()
      const clock = noting()
      const budget = createBudget(
        (work) => withSystem(db, ({ query }) => work(query)),
        clock,
        createMetrics(),
      )
      const key = { app: 'app', hubId: 1 }
      const paused = performance.now()
      await budget.pause(key, 'calls', { waitMs: 60_000, policy: 'ten_secondly', asked: false })
      for (let n = 0; n < 50; n++) {
        await assert.rejects(
          budget.take(key, 'calls', { priority: 'background', maxWaitMs: 5_000 }, signal),
          {
            name: 'HubSpotError',
            kind: 'rate_limited',
          },
        )
      }
      await budget.take(key, 'calls', { priority: 'background', maxWaitMs: 120_000 }, signal)
      // However long the fifty took.
      const opens = (clock.waits.at(-1) as number) + performance.now() - paused
      assert.ok(opens > 55_000 && (clock.waits.at(-1) as number) < 61_000, String(clock.waits))
      const { length } = clock.waits
      await budget.take({ ...key, hubId: 2 }, 'calls', { priority: 'background', maxWaitMs: 0 }, signal)
      assert.equal(clock.waits.length, length)
      await close()
    })
  })
}
