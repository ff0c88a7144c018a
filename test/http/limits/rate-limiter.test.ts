/** A budget per minute in one process and in several: shares, the next minute, memory, and an unavailable database. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRateLimiter, maxNames, type RateLimiter } from '../../../src/http/limits/rate-limiter.ts'
import type { MinuteTotals, RateRequest } from '../../../src/http/limits/rate-store.ts'
import { type HandClock, handClock } from '../../support/clock.ts'
import { quiet } from '../../support/engines.ts'

const minuteMs = 60_000

/** A map in place of the database: books slots of the minute that its clock shows. */
function ledger(clock: HandClock) {
  const booked = new Map<string, number>()
  const state = { statements: 0, away: false, silent: false, behindMs: 0 }
  const takeSlots = async (asks: readonly RateRequest[]): Promise<MinuteTotals> => {
    state.statements += 1
    if (state.away) throw new Error('away')
    if (state.silent) await new Promise(() => {})
    const now = clock.now() - state.behindMs
    const minute = Math.floor(now / minuteMs) * minuteMs
    const totals = new Map<string, number>()
    for (const { key, slots } of asks) {
      const total = (booked.get(`${minute} ${key}`) ?? 0) + slots
      booked.set(`${minute} ${key}`, total)
      totals.set(key, total)
    }
    return { minute, leftMs: minute + minuteMs - now, totals }
  }
  const limiter = () => createRateLimiter({ takeSlots, deleteExpired: async () => 0, clock, log: quiet })
  return { state, limiter }
}

async function spendMany(limiter: RateLimiter, name: string, limit: number, times: number): Promise<number> {
  let admitted = 0
  for (let n = 0; n < times; n++) if ((await limiter.consume(name, limit)).allowed) admitted += 1
  return admitted
}

for (const limit of [1, 7, 10, 600, 1_200]) {
  test(`a limit of ${limit} is exact, however many requests arrive at once`, async () => {
    const { limiter } = ledger(handClock())
    assert.equal(await spendMany(limiter(), 'a', limit, limit * 2), limit)
    const burst = limiter()
    const verdicts = await Promise.all(Array.from({ length: limit * 2 }, () => burst.consume('b', limit)))
    assert.equal(verdicts.filter(({ allowed }) => allowed).length, limit)
    assert.equal(verdicts.filter(({ isFirstRefusal }) => isFirstRefusal).length, 1)
  })
}

test('most requests cost the database nothing, and a spent budget costs it nothing at all', async () => {
  const { limiter, state } = ledger(handClock())
  const one = limiter()
  assert.equal(await spendMany(one, 'a', 600, 300), 300)
  assert.ok(state.statements <= 20, `${state.statements} statements for half of the budget`)
  assert.equal(await spendMany(one, 'a', 600, 1_000), 300)
  assert.ok(state.statements <= 100, `${state.statements} statements for all of it`)
  const before = state.statements
  assert.equal(await spendMany(one, 'a', 600, 1_000), 0)
  assert.equal(state.statements, before)
})

test('concurrent names are booked in one statement', async () => {
  const { limiter, state } = ledger(handClock())
  const one = limiter()
  await Promise.all(Array.from({ length: 400 }, (_, n) => one.consume(`name ${n}`, 100)))
  assert.ok(state.statements <= 2, `${state.statements}`)
})

test('processes that share a budget stay within it, and one that stops withholds a twentieth at most', async () => {
  const { limiter } = ledger(handClock())
  const [a, b, c] = [limiter(), limiter(), limiter()]
  assert.equal(await inTurn([a, b, c]), 600)
  const silent = (await b.consume('uneven', 600)).allowed ? 1 : 0
  const all = silent + (await spendMany(a, 'uneven', 600, 1_000))
  assert.ok(all >= 570 && all < 600, `${all}`)
})

async function inTurn(limiters: RateLimiter[]): Promise<number> {
  let admitted = 0
  for (let n = 0; n < 400; n++)
    for (const one of limiters) if ((await one.consume('shared', 600)).allowed) admitted += 1
  return admitted
}

test('a restart gives no fresh budget', async () => {
  const { limiter } = ledger(handClock())
  assert.equal(await spendMany(limiter(), 'a', 100, 200), 100)
  assert.equal(await spendMany(limiter(), 'a', 100, 200), 0)
})

test('with the minute the budget is reset, and old shares are dropped', async () => {
  const clock = handClock()
  const { limiter } = ledger(clock)
  const [a, b] = [limiter(), limiter()]
  assert.equal(await spendMany(a, 'a', 100, 98), 98)
  assert.equal(await spendMany(a, 'a', 100, 2), 2)
  const refused = await a.consume('a', 100)
  assert.equal(refused.allowed, false)
  assert.ok(a.refusal('a'))
  clock.move(refused.resetMs - 1)
  assert.ok(a.refusal('a'))
  clock.move(1)
  assert.equal(a.refusal('a'), undefined)
  const both = (await spendMany(a, 'a', 100, 150)) + (await spendMany(b, 'a', 100, 150))
  assert.equal(both, 100)
  clock.move(10 * minuteMs + 5)
  assert.equal(await spendMany(b, 'a', 100, 150), 100)
})

test("the minute is the database's, even when its clock is behind or set back", async () => {
  const clock = handClock()
  const { limiter, state } = ledger(clock)
  const one = limiter()
  state.behindMs = 17_000
  assert.equal(await spendMany(one, 'a', 50, 100), 50)
  const { resetMs } = await one.consume('a', 50)
  clock.move(resetMs)
  assert.equal(await spendMany(one, 'a', 50, 100), 50)
  state.behindMs += 30_000
  clock.move(minuteMs)
  assert.equal(await spendMany(one, 'a', 50, 100), 0, 'it is still the same minute there')
  clock.move((await one.consume('a', 50)).resetMs)
  assert.equal(await spendMany(one, 'a', 50, 100), 50)
})

test('40,000 names do not grow the memory, and an active name retains its count', async () => {
  const clock = handClock()
  const { limiter } = ledger(clock)
  const one = limiter()
  let busy = 0
  for (let n = 0; n < 40_000; n += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, m) => one.consume(`address ${n + m}`, 1_200)))
    if ((await one.consume('busy', 350)).allowed) busy += 1
    assert.ok(one.size() <= maxNames)
  }
  assert.equal(one.size(), maxNames)
  assert.equal(busy, 350)
  clock.move(minuteMs)
  await one.consume('a', 1)
  assert.ok(one.size() <= 1, 'the minute empties it')
})

test('while the database is unavailable each process counts for itself, and tries again later', async () => {
  const clock = handClock()
  const { limiter, state } = ledger(clock)
  const one = limiter()
  assert.equal(await spendMany(one, 'a', 100, 40), 40)
  state.away = true
  assert.equal(await spendMany(one, 'a', 100, 200), 60, 'what it has spent counts')
  assert.equal(await spendMany(one, 'b', 100, 200), 100)
  assert.equal(await spendMany(one, 'failed', 10, 200), 10, 'wrong credentials are refused as ever')
  const asked = state.statements
  assert.equal(await spendMany(one, 'c', 100, 10), 10)
  assert.equal(state.statements, asked, 'no statement is sent while it is known to be unavailable')
  state.away = false
  clock.move(5_000)
  assert.equal(await spendMany(one, 'd', 100, 200), 100)
  assert.ok(state.statements > asked)
  assert.equal(await spendMany(limiter(), 'd', 100, 200), 0, 'and it is shared again')
})

test('a database that does not respond holds a request for a second at most', async () => {
  const clock = handClock()
  const { limiter, state } = ledger(clock)
  const one = limiter()
  state.silent = true
  const waiting = one.consume('a', 5)
  assert.ok(waiting instanceof Promise)
  await Promise.resolve()
  clock.move(1_000)
  assert.equal((await waiting).allowed, true)
  assert.equal(await spendMany(one, 'a', 5, 20), 4)
})
