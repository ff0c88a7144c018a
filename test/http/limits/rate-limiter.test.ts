/** Counting per minute: the limit is exact, the minute resets it, and memory is bounded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRateLimiter, type RateLimiter } from '../../../src/http/limits/rate-limiter.ts'
import { handClock } from '../../support/clock.ts'

const minuteMs = 60_000

const spendMany = (limiter: RateLimiter, name: string, times: number): number =>
  Array.from({ length: times }, () => limiter(name)).filter(({ allowed }) => allowed).length

for (const limit of [1, 7, 600]) {
  test(`a limit of ${limit} is exact for each name`, () => {
    const limiter = createRateLimiter(limit, handClock())
    for (const name of ['a', 'b']) {
      const decisions = Array.from({ length: limit * 2 }, () => limiter(name))
      assert.deepEqual(
        decisions.map(({ allowed, remaining }) => (allowed ? remaining : -1)),
        decisions.map((_, n) => (n < limit ? limit - 1 - n : -1)),
      )
      const first = decisions.flatMap(({ isFirstRefusal }, n) => (isFirstRefusal ? n : []))
      assert.deepEqual(first, [limit])
    }
  })
}

test('the minute ends when a refusal says so, and a new one begins for all names', () => {
  const clock = handClock()
  const limiter = createRateLimiter(100, clock)
  clock.move(17_000)
  assert.equal(spendMany(limiter, 'a', 150), 100)
  const { allowed, remaining, resetMs } = limiter('a')
  assert.deepEqual([allowed, remaining, resetMs], [false, 0, minuteMs - 17_000])
  clock.move(resetMs - 1)
  assert.equal(spendMany(limiter, 'a', 1), 0)
  clock.move(1)
  assert.equal(spendMany(limiter, 'a', 150), 100)
  clock.move(10 * minuteMs + 5)
  assert.equal(spendMany(limiter, 'a', 150), 100)
  assert.equal(limiter('a').resetMs, minuteMs)
})

test('40,000 names do not grow the memory, and an active name retains its count', () => {
  const limiter = createRateLimiter(350, handClock())
  const busy = []
  for (let n = 0; n < 40_000; n++) {
    limiter(`address ${n}`)
    if (n % 100 === 0) busy.push(limiter('busy').allowed)
  }
  assert.deepEqual([busy.length, busy.filter(Boolean).length], [400, 350])
  assert.equal(limiter('address 39999').remaining, 348, 'a recent name')
  assert.equal(limiter('address 1').remaining, 349, 'the first ones are forgotten')
})
