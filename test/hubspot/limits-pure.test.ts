/** The arithmetic of limits: headers, clocks, foreign calls, waits. No database, no time of its own. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createDatabaseTime } from '../../src/hubspot/budget/database-time.ts'
import { createForeignTraffic } from '../../src/hubspot/budget/foreign-traffic.ts'
import { createSlotQueue, type SlotQueueOptions } from '../../src/hubspot/budget/slot-queue.ts'
import { parseRateHeaders } from '../../src/hubspot/client/rate-headers.ts'
import { retryDelay, wasReset } from '../../src/hubspot/client/retry.ts'
import { errorOf, HubSpotError } from '../../src/hubspot/hubspot-error.ts'

test('the headers are read as HubSpot sends them; what cannot be a limit is as if it were absent', () => {
  assert.deepEqual(
    parseRateHeaders({
      'x-hubspot-ratelimit-max': '190',
      'x-hubspot-ratelimit-remaining': '0',
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-secondly': '19',
      'x-hubspot-ratelimit-daily': '625000',
      'x-hubspot-ratelimit-daily-remaining': '624999',
    }),
    { max: 190, left: 0, intervalMs: 10_000, dailyLimit: 625_000, dailyLeft: 624_999 },
  )
  for (const odd of ['0', '-5', '1e3', '', 'many', '110, 110', '99999999999999999999', undefined])
    assert.deepEqual(parseRateHeaders({ 'x-hubspot-ratelimit-max': odd }), {}, String(odd))
})

test('the database’s time is as precise as the best reading, and a changed clock is noticed', () => {
  const time = createDatabaseTime()
  // Ours is 500 ahead. One response was 300 ms late, one request was sent 200 ms early, one was quick.
  time.observe(1_000, 1_499, 1_800)
  time.observe(2_000, 2_300, 2_501)
  assert.ok(Math.abs(time.toOurs(3_000) - 3_500) < 2, String(time.toOurs(3_000)))
  time.observe(50_000, 3_000, 3_004)
  assert.ok(Math.abs(time.toOurs(51_000) - 4_002) < 3, String(time.toOurs(51_000)))
})

describe('foreign calls', () => {
  /** Two minutes at `ours` of 110 per ten seconds, others at `theirs`; responses arrive shortly after their slots. */
  function watch(ours: number, theirs: (second: number) => number, seconds: number): (number | undefined)[] {
    const traffic = createForeignTraffic()
    const arrivals: { at: number; own: boolean }[] = []
    const shares: (number | undefined)[] = []
    let given = 0
    for (let second = 0; second < seconds; second++) {
      const start = second * 1_000
      traffic.reserved({ before: start, first: start, end: start + 1_000 }, given, ours)
      given += ours
      for (let n = 0; n < ours; n++)
        arrivals.push({ at: start + (n * 1_000) / ours + ((n * 37) % 80), own: true })
      for (let n = 0; n < theirs(second); n++)
        arrivals.push({ at: start + (n * 1_000) / theirs(second), own: false })
      arrivals.sort((a, b) => a.at - b.at)
      for (const { at } of arrivals.filter((one) => one.own && one.at >= start && one.at < start + 1_000)) {
        const used = arrivals.filter((one) => one.at > at - 10_000 && one.at <= at).length
        traffic.answered({ at, max: 110, used, intervalMs: 10_000 })
      }
      shares.push(traffic.ownShare())
    }
    return shares
  }

  test('are not seen where there are none', () => {
    for (const ours of [1, 4, 10, 11])
      assert.deepEqual(
        watch(ours, () => 0, 40).filter((part) => part !== undefined),
        [],
      )
  })

  test('are seen when they begin, and no more when they have ended', () => {
    const shares = watch(8, (second) => (second >= 20 && second < 40 ? 3 : 0), 60)
    assert.equal(shares[19], undefined)
    const [part] = shares.slice(33, 38).filter((one) => one !== undefined)
    assert.ok(part !== undefined && Math.abs(part - 75 / 110) < 0.04, String(shares.slice(30, 40)))
    assert.deepEqual(shares.slice(52), Array(8).fill(undefined))
  })

  test('are not confused with slots of other processes: counts far apart yield no result', () => {
    const traffic = createForeignTraffic()
    traffic.reserved({ before: 0, first: 0, end: 100 }, 0, 1)
    for (let at = 20_000; at < 21_000; at += 100)
      traffic.answered({ at, max: 110, used: 100, intervalMs: 10_000 })
    traffic.reserved({ before: 21_900, first: 22_000, end: 22_100 }, 200, 1)
    assert.equal(traffic.ownShare(), undefined)
  })
})

describe('the queue for slots', () => {
  const setUp = (reserve: SlotQueueOptions['reserve'], ahead = true) => {
    const asked: number[] = []
    let lost = 0
    const state = { now: 0 }
    const line = createSlotQueue({
      graceMs: 100,
      ahead,
      now: () => state.now,
      reserve: (count, end) => {
        asked.push(count)
        return reserve(count, end)
      },
      tooLate: (waitMs) => new Error(`in ${waitMs}`),
      onLost: (count) => {
        lost += count
      },
    })
    return { line, asked, state, lost: () => lost }
  }
  let next = 0
  const steady: SlotQueueOptions['reserve'] = async (count) => ({
    slots: Array.from({ length: count }, () => {
      next += 100
      return { at: next, probe: false, generation: 0 }
    }),
    maxAhead: 8,
  })
  const signal = new AbortController().signal
  const late = 1e9

  test('a database so slow that a slot has passed when it arrives still gives one at a time, and no caller waits beyond its deadline', async () => {
    const slow = setUp(async (count) => {
      const from = slow.state.now - 50
      slow.state.now += 400
      return {
        slots: Array.from({ length: count }, (_, n) => ({ at: from + n * 90, probe: false, generation: 0 })),
        maxAhead: 8,
      }
    })
    for (let n = 0; n < 5; n++) assert.equal((await slow.line.next(late, signal)).at, slow.state.now)
    const none = setUp(async () => {
      none.state.now += 400
      return { slots: [], maxAhead: 8 }
    })
    await assert.rejects(none.line.next(1_000, signal), /in 0/)
    assert.ok(none.asked.length <= 4, String(none.asked))
  })

  test('reserves ever larger blocks while all of each is used, and single slots once some were lost', async () => {
    next = 0
    const { line, asked, state, lost } = setUp(steady)
    for (let n = 0; n < 47; n++) state.now = (await line.next(late, signal)).at
    assert.deepEqual(asked, [1, 2, 4, 8, 8, 8, 8, 8])
    await line.next(late, signal)
    state.now = next + 5_000
    for (let n = 0; n < 3; n++) {
      await line.next(late, signal)
      state.now += 5_000
    }
    assert.ok((asked.at(-1) ?? 9) <= 2, String(asked))
    assert.ok(lost() >= 7, String(lost()))
  })

  test('reserves once for all waiting callers, and no more than that where nothing may be reserved ahead', async () => {
    next = 0
    const { line, asked } = setUp(steady, false)
    const slots = await Promise.all(Array.from({ length: 5 }, () => line.next(late, signal)))
    assert.deepEqual(
      slots.map(({ at }) => at),
      [100, 200, 300, 400, 500],
    )
    assert.deepEqual(asked, [1, 4])
  })

  test('gives the slot of a caller that left, or cannot wait so long, to the next', async () => {
    next = 0
    const { line } = setUp(steady, false)
    const gone = new AbortController()
    const first = line.next(late, signal)
    const left = line.next(late, gone.signal)
    const short = line.next(150, signal)
    const patient = line.next(late, signal)
    gone.abort(new Error('enough'))
    await assert.rejects(left, /enough/)
    await assert.rejects(short, /in 200/)
    assert.deepEqual([(await first).at, (await patient).at], [100, 200])
  })

  test('drops its slots when HubSpot stops us, including those just being reserved', async () => {
    next = 0
    const { line } = setUp(steady)
    const before = line.next(late, signal)
    line.void()
    const slot = await before
    assert.equal(slot.at, 200)
    assert.equal(slot.generation, line.generation())
    for (let n = 0; n < 5; n++) await line.next(late, signal)
    const held = next
    line.void()
    assert.equal((await line.next(late, signal)).at, held + 100)
  })

  test('passes a refusal to all waiting callers', async () => {
    const { line } = setUp(async () => ({ refuse: () => new Error('closed') }))
    const ends = await Promise.allSettled([1, 2, 3].map(() => line.next(late, signal)))
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
  })
})

describe('the wait before the next try', () => {
  const wait = (status: number, body: unknown = {}, retryAfter?: string) =>
    retryDelay(errorOf('x', status, body, retryAfter), 0, 0)
  test('is HubSpot’s own where it names one, and otherwise depends on the kind of error', () => {
    assert.equal(wait(423), 2_000)
    assert.equal(wait(502), 1_000)
    assert.equal(wait(504), 1_000)
    assert.ok((retryDelay(errorOf('x', 504, {}, undefined), 1, 0.9) ?? 0) > 5_000)
    assert.equal(wait(503, {}, '7'), 7_000)
    assert.equal(wait(429, { policyName: 'SECONDLY' }), 1_000)
    assert.equal(wait(429, { policyName: 'TEN_SECONDLY_ROLLING' }), 10_000)
    assert.equal(wait(429, { policyName: 'DAILY' }), 900_000)
    assert.equal(wait(429, { policyName: 'DAILY' }, '60'), 60_000)
  })
  test('is none where another try cannot help', () => {
    for (const status of [400, 401, 403, 404, 414]) assert.equal(wait(status), undefined, String(status))
    assert.equal(
      retryDelay(new HubSpotError('unavailable', 'x', { circuit: true, retryAfterMs: 5 }), 0, 0),
      undefined,
    )
  })
  test('a reset is distinguished from a refusal and from a response', () => {
    const caused = (code: string) => new HubSpotError('unavailable', 'x', { cause: { code } })
    assert.deepEqual(
      [
        caused('ECONNRESET'),
        caused('UND_ERR_SOCKET'),
        caused('ECONNREFUSED'),
        errorOf('x', 500, {}, undefined),
      ].map(wasReset),
      [true, true, false, false],
    )
  })
})
