/**
 * What a budget learns and stores: HubSpot's limit, foreign calls, the share of interactive calls, blocks, pauses and
 * the daily stop. Time passes by moving the rows into the past.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withSystem } from '../../src/db/scope.ts'
import { type Bucket, type Budget, createBudget, type Priority } from '../../src/hubspot/budget/budget.ts'
import { HubSpotError } from '../../src/hubspot/hubspot-error.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { engines } from '../support/engines.ts'

/** Of the present test; each has a portal of its own. */
let key = { app: 'app', hubId: 0 }
const signal = new AbortController().signal

interface Process {
  budget: Budget
  /** Units of work on the database. */
  statements: number
  /** Takes one slot. @returns how long it had to wait, ms */
  take(priority: Priority, bucket?: Bucket, patienceMs?: number): Promise<number>
}

/** A process of ours, which does not really wait. */
function process(db: Database): Process {
  let waited = 0
  const clock: Clock = {
    now: Date.now,
    monotonic: () => performance.now(),
    random: Math.random,
    sleep: async (ms) => {
      waited = ms
    },
  }
  const made: Process = {
    budget: createBudget(
      (work) => {
        made.statements += 1
        return withSystem(db, ({ query }) => work(query))
      },
      clock,
      createMetrics(),
    ),
    statements: 0,
    async take(priority, bucket = 'calls', maxWaitMs = 600_000) {
      waited = 0
      await made.budget.take(key, bucket, { priority, maxWaitMs }, signal)
      return waited
    },
  }
  return made
}

const headerFacts = { max: 190, left: 190, intervalMs: 10_000, dailyLimit: 650_000, dailyLeft: 649_000 }
const stop = { waitMs: 10_000, policy: 'ten_secondly', asked: false } as const
const daily = { waitMs: 900_000, policy: 'daily', asked: false } as const

/** `ms` pass. */
const later = (db: Database, ms: number) =>
  sql`update budgets set ${sql.join(
    [
      'next_slot_at',
      'paced_at',
      'next_reserved_slot_at',
      'dense_until',
      'interactive_at',
      'closed_until',
      'probing_until',
    ].map((column) => sql`${sql.ref(column)} = ${sql.ref(column)} - ${ms}::float8 * interval '1 ms'`),
  )} where hub_id = ${key.hubId}`.execute(db.kysely)

const rowOf = async (db: Database, bucket: Bucket = 'calls') =>
  (
    await sql<Record<string, number | string | null>>`
      select max_calls, daily_limit, daily_left, pace, closed_by, slots_given,
        (extract(epoch from closed_until - clock_timestamp()) * 1000)::float8 as closed_ms,
        (extract(epoch from next_slot_at) * 1000)::float8 as next_ms,
        extract(epoch from closed_until)::float8 as closed_at
      from budgets where bucket = ${bucket} and hub_id = ${key.hubId}`.execute(db.kysely)
  ).rows[0]

async function refusal(work: Promise<unknown>): Promise<HubSpotError> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  assert.ok(error instanceof HubSpotError, String(error))
  assert.equal(error.kind, 'rate_limited')
  return error
}

/** Mean interval of `slots` background slots, ms. */
async function pace({ take }: Process, slots: number): Promise<number> {
  const began = performance.now()
  const from = await take('background')
  const start = performance.now() - began + from
  let end = 0
  for (let n = 0; n < slots; n++) {
    const wait = await take('background')
    end = performance.now() - began + wait
  }
  return (end - start) / slots
}

const near = (value: number, wanted: number, part = 0.08) =>
  assert.ok(Math.abs(value - wanted) <= wanted * part, `${value}, not about ${wanted}`)

for (const engine of engines) {
  describe(`a budget on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => ({ db, close } = await engine.open()))
    after(() => close())
    beforeEach(() => {
      key = { app: 'app', hubId: key.hubId + 1 }
    })

    test('starts at 100 per ten seconds, learns the limit from one response, shares it with other processes, and queries rarely', async () => {
      const [one, other] = [process(db), process(db)]
      near(await pace(one, 60), 102)
      await one.budget.answered(key, 'calls', headerFacts, performance.now())
      await later(db, 60_000)
      // What it holds from before is still at the old pace.
      for (let n = 0; n < 16; n++) await one.take('background')
      near(await pace(one, 100), 10_170 / 190)
      const row = await rowOf(db)
      assert.deepEqual([row?.max_calls, row?.daily_limit, row?.daily_left], [190, 650_000, 649_000])
      near(await pace(other, 100), 10_170 / 190)
      const before = one.statements
      for (let n = 0; n < 100; n++) {
        await one.budget.answered(key, 'calls', headerFacts, performance.now())
        await one.take('background')
      }
      assert.ok(one.statements - before <= 12, `${one.statements - before} statements for 100 calls`)
      // A plan may also become smaller.
      await other.budget.answered(key, 'calls', { max: 100, intervalMs: 10_000 }, performance.now())
      for (let n = 0; n < 25; n++) await other.take('background')
      near(await pace(other, 60), 102)
    })

    test('reserves a share for interactive calls, which never queue behind background calls, and lends it when unused', async () => {
      const [worker, api] = [process(db), process(db)]
      near(await pace(worker, 90), 102)
      const line = Number((await rowOf(db))?.next_ms)
      assert.ok(line - Date.now() > 4_000, `${line - Date.now()} ms of line`)
      assert.equal(await api.take('interactive'), 0)
      // It was given in a time without gaps: the background makes room for it afterwards.
      near(Number((await rowOf(db))?.next_ms) - line, 102)
      const waits = [await api.take('interactive'), await api.take('interactive')]
      assert.ok(waits[0] !== undefined && waits[0] < 520 && (waits[1] ?? 0) < 1_030, String(waits))
      for (let n = 0; n < 16; n++) await worker.take('background')
      near(await pace(worker, 60), 102 / 0.8)
      await later(db, 120_000)
      for (let n = 0; n < 16; n++) await worker.take('background')
      near(await pace(worker, 60), 102)
    })

    test('of an idle portal lets a handful of interactive calls through at once, and no flood', async () => {
      const api = process(db)
      await api.take('interactive')
      await later(db, 60_000)
      const began = Date.now()
      const waits = await Promise.all(Array.from({ length: 30 }, () => process(db).take('interactive')))
      waits.sort((a, b) => a - b)
      assert.ok((waits[3] ?? 0) < 60, String(waits))
      // All were counted, including those sent at once: the next call waits for them.
      const line = Number((await rowOf(db))?.next_ms)
      assert.ok(line - began > 30 * 102 - 600, String(line - began))
    })

    test('of searches never lets more than five into a second, interactive ones included', async () => {
      const [worker, api] = [process(db), process(db)]
      const began = performance.now()
      const at: number[] = []
      const take = async (one: Process, priority: Priority) => {
        const wait = await one.take(priority, 'search')
        at.push(performance.now() - began + wait)
      }
      await take(api, 'interactive')
      for (let n = 0; n < 30; n++) await take(worker, 'background')
      for (let n = 0; n < 6; n++) await take(api, 'interactive')
      at.sort((a, b) => a - b)
      for (const start of at) {
        // A slot arrives a moment after it was granted, later on a slow machine: no burst here, and the pace below.
        const held = at.filter((one) => one >= start && one < start + 800).length
        assert.ok(held <= 5, `${held} from ${start}: ${at}`)
      }
      const took = (at.at(-1) as number) - (at[0] as number)
      assert.ok(took > ((at.length - 5) / 5) * 1_000 - 200, `${at.length} in ${took} ms`)
    })

    test('slows down once for a burst of 429, and recovers', async () => {
      const [one, other] = [process(db), process(db)]
      await one.take('background')
      const opens = await one.budget.pause(key, 'calls', stop)
      near(opens, 10_000)
      for (let n = 0; n < 5; n++) await other.budget.pause(key, 'calls', stop)
      assert.equal((await rowOf(db))?.pace, 0.9)
      assert.ok((await one.take('background')) > 9_000)
      assert.ok((await one.take('interactive')) > 9_000)
      assert.equal((await refusal(one.take('interactive', 'calls', 2_000))).policy, 'unknown')
      // Searches are separate: at most one slot of their own, and no pause.
      assert.ok((await one.take('interactive', 'search')) < 1_000)
      await later(db, 10_001)
      const fresh = process(db)
      near(await pace(fresh, 60), 102 / 0.9)
      await later(db, 40_000)
      near(await pace(process(db), 60), 102)
    })

    test('that a daily stop has closed is probed by one call of one process, never more than once in fifteen minutes', async () => {
      const all = Array.from({ length: 4 }, () => process(db))
      const [one] = all as [Process]
      await one.take('background')
      const opens = await one.budget.pause(key, 'search', daily)
      assert.ok(opens > 900_000 && opens < 1_830_000, String(opens))
      // Midnight is on a quarter of an hour, wherever the account is.
      const past = Number((await rowOf(db))?.closed_at) % 900
      assert.ok(past >= 4 && past <= 26, `${past} s past the quarter`)
      for (const bucket of ['calls', 'search', 'associations'] as const)
        for (const { take } of all) {
          const refused = await refusal(take('interactive', bucket))
          assert.equal(refused.policy, 'daily')
          assert.ok((refused.retryAfterMs ?? 0) > 890_000)
        }
      const try20 = async () => {
        const tries = all.flatMap(({ take }) =>
          (['calls', 'search', 'associations', 'calls', 'search'] as const).map((bucket) =>
            take('background', bucket).then(
              () => 'through' as const,
              (error: HubSpotError) => error.retryAfterMs ?? 0,
            ),
          ),
        )
        const ends = await Promise.all(tries)
        return { through: ends.filter((end) => end === 'through').length, ends }
      }
      await later(db, 1_860_000)
      const first = await try20()
      assert.equal(first.through, 1, String(first.ends))
      // A caller that is not the probe retries when the probe must have ended.
      assert.ok(
        first.ends.every((end) => end === 'through' || end <= 30_001),
        String(first.ends),
      )
      // The probe is refused: the same again.
      await one.budget.pause(key, 'calls', daily)
      assert.equal((await try20()).through, 0)
      await later(db, 1_860_000)
      const prober = all[2] as Process
      assert.equal(await prober.take('background'), 0)
      assert.equal((await try20()).through, 0)
      await prober.budget.answered(key, 'calls', {}, performance.now())
      assert.equal((await try20()).through, 20)
    })

    test('obeys the time HubSpot names for a daily stop', async () => {
      const one = process(db)
      near(await one.budget.pause(key, 'calls', { ...daily, waitMs: 60_000, asked: true }), 60_000)
      near((await refusal(one.take('background', 'search'))).retryAfterMs ?? 0, 60_000)
    })

    test('does not use a slot that arrived too late, as after a stall of the process, but takes the next', async () => {
      let sleeps = 0
      const clock: Clock = {
        now: Date.now,
        monotonic: () => performance.now(),
        random: Math.random,
        sleep: async (ms) => {
          sleeps += 1
          await new Promise((resolve) => setTimeout(resolve, sleeps === 1 ? ms + 250 : ms))
        },
      }
      const rows: Parameters<typeof createBudget>[0] = (work) => withSystem(db, ({ query }) => work(query))
      const budget = createBudget(rows, clock, createMetrics())
      const how = { priority: 'background', maxWaitMs: 60_000 } as const
      const takes = Array.from({ length: 5 }, () => budget.take(key, 'calls', how, signal))
      await Promise.all(takes)
      assert.ok(sleeps >= 2, String(sleeps))
      assert.ok(Number((await rowOf(db))?.slots_given) > 5)
    })

    test('loses only the slots themselves when a process holds a block and dies', async () => {
      const one = process(db)
      for (let n = 0; n < 40; n++) await one.take('background')
      const given = Number((await rowOf(db))?.slots_given)
      await later(db, 600_000)
      assert.equal(await process(db).take('background'), 0)
      assert.equal(Number((await rowOf(db))?.slots_given), given + 1)
    })
  })
}
