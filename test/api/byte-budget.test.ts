/** How much memory responses may use: the share of a tenant, the limit of the process, and what is dropped when none is left. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteLimits, createByteBudget, readPageWithinBudget } from '../../src/api/byte-budget.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { AppError } from '../../src/lib/errors.ts'
import { handClock } from '../support/clock.ts'

const limits = { total: 1_000, ofOneTenant: 400 }
const never = new AbortController().signal

test('the limits follow the heap: all answers that are made at once take less than half of it', () => {
  const { total, ofOneTenant } = byteLimits(512 * 2 ** 20)
  // Each counts twice, and takes six times its length while it is made.
  assert.ok((total / 2) * 6 <= 512 * 2 ** 20 * 0.51)
  assert.equal(ofOneTenant, Math.floor(total / 8))
})

test('a tenant whose share is used up waits and is finally refused; other tenants do not wait', async () => {
  const refused: string[] = []
  const budget = createByteBudget(limits, systemClock, (why) => refused.push(why))
  const first = await budget.take('a', 200, never)
  await assert.rejects(
    budget.take('a', 1, never, { maxWaitMs: 150 }),
    (error: AppError) => error.code === 'rate_limited' && error.retryAfter === 2,
  )
  await budget.take('b', 200, never)
  const waiting = budget.take('a', 100, never)
  first.resize(100)
  await waiting
  assert.equal(budget.held(), 100 + 200 + 400)
  assert.deepEqual(refused, ['tenant'])
})

test('a response longer than the share gets all of it, and a caller that disconnects releases its part', async () => {
  const budget = createByteBudget(limits, systemClock, () => {})
  const long = await budget.take('a', 5_000, never)
  assert.equal(budget.held(), 400)
  const leaving = new AbortController()
  const left = budget.take('a', 10, leaving.signal)
  leaving.abort(new AppError('bad_request', 'gone'))
  await assert.rejects(left, { code: 'bad_request' })
  long.release()
  long.release()
  assert.equal(budget.held(), 0)
})

test('where the process has no room, the longest unread response of the tenant that holds most is dropped', async () => {
  const clock = handClock()
  const refused: string[] = []
  const budget = createByteBudget(limits, clock, (why) => refused.push(why))
  const given: string[] = []
  const unread = (tenant: string, bytes: number, name: string) => {
    budget.hold(tenant, bytes).waitsForCaller(() => given.push(name))
    clock.move(10)
  }
  unread('a', 150, 'a1')
  unread('a', 150, 'a2')
  unread('b', 200, 'b1')
  unread('c', 250, 'c1')
  unread('d', 150, 'd1')
  // No response has been unread for a second yet.
  const early = budget.take('e', 100, never, { maxWaitMs: 50 })
  clock.move(200)
  await assert.rejects(early, { code: 'overloaded' })
  assert.deepEqual(given, [])
  clock.move(2_000)
  let taken = false
  void budget.take('e', 100, never).then(() => {
    taken = true
  })
  for (let n = 0; n < 10; n++) await new Promise(setImmediate)
  assert.ok(taken)
  assert.deepEqual([given, refused], [['a1'], ['all', 'unread']])
})

test('with nothing to drop, the caller gets an overload error', async () => {
  const budget = createByteBudget({ total: 400, ofOneTenant: 400 }, systemClock, () => {})
  const hold = await budget.take('a', 200, never)
  await assert.rejects(budget.take('b', 100, never, { maxWaitMs: 120 }), { code: 'overloaded' })
  const [b, a] = [budget.take('b', 100, never), budget.take('b', 100, never)]
  hold.release()
  await Promise.all([a, b])
})

test('queued responses are built one at a time, with a pause as long as each took; others do not wait', async () => {
  const clock = handClock()
  const refused: string[] = []
  const budget = createByteBudget(limits, clock, (why) => refused.push(why))
  const began: string[] = []
  const take = async (tenant: string, maxWaitMs: number) => {
    const hold = await budget.take(tenant, 50, never, { oneAtATime: true, maxWaitMs })
    began.push(tenant)
    return hold
  }
  const until = async (names: string[]) => {
    for (let n = 0; n < 50 && began.length < names.length; n++) await new Promise(setImmediate)
    assert.deepEqual(began, names)
  }
  const first = await take('a', 0)
  const again = take('a', 60_000)
  const other = take('b', 60_000)
  await budget.take('c', 50, never)
  clock.move(300)
  await until(['a'])
  first.resize(10)
  clock.move(200)
  await until(['a'])
  // The tenant that holds less comes first.
  clock.move(100)
  await until(['a', 'b'])
  ;(await other).waitsForCaller(() => {})
  clock.move(100)
  await until(['a', 'b', 'a'])
  const late = assert.rejects(take('d', 500), { code: 'overloaded' })
  clock.move(600)
  await late
  assert.deepEqual(refused, ['large'])
  // The one that takes too long runs on its own and does not delay the others.
  const next = take('d', 60_000)
  clock.move(500)
  await until(['a', 'b', 'a', 'd'])
  ;(await again).release()
  const last = take('e', 60_000)
  clock.move(500)
  await until(['a', 'b', 'a', 'd'])
  ;(await next).release()
  clock.move(600)
  ;(await last).release()
})

test('a page is cut by bytes before it is read, and a longer row is returned alone', async () => {
  const sizes = [10, 20, 900, 30, 40]
  const reserved: [number, boolean | undefined][] = []
  const opened: number[] = []
  const page = async (from: number, limit: number) =>
    await readPageWithinBudget(
      limit,
      async (bytes, asking) => void reserved.push([bytes, asking?.oneAtATime]),
      async (bytes) => {
        let upTo = 0
        return sizes.slice(from, from + limit + 1).map((size, n) => {
          upTo += size
          if (upTo <= bytes) opened.push(from + n)
          return { n: from + n, upTo }
        })
      },
      100,
    )
  const names = (rows: { n: number }[]) => rows.map(({ n }) => n)
  const first = await page(0, 5)
  assert.deepEqual([names(first.rows), first.more], [[0, 1], true])
  const second = await page(2, 5)
  assert.deepEqual([names(second.rows), second.more], [[2], true])
  const third = await page(3, 5)
  assert.deepEqual([names(third.rows), third.more], [[3, 4], false])
  assert.deepEqual(reserved, [
    [100, false],
    [100, false],
    [900, true],
    [100, false],
  ])
  assert.deepEqual(opened, [0, 1, 2, 3, 4])
  const short = await page(0, 1)
  assert.deepEqual([names(short.rows), short.more], [[0], true])
})
