/** The poll for due work: limits per tenant, failures, the bell, and the end. */
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { type RawBuilder, sql } from 'kysely'
import type { WorkSource } from '../../src/api/feature.ts'
import type { Database } from '../../src/db/database.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { runDueWork } from '../../src/worker/due-work.ts'
import { createBell } from '../../src/worker/loop.ts'
import { postgres, quiet } from '../support/engines.ts'
import { eventually } from '../support/service.ts'

interface Item {
  tenant: string
  name: string
}

let db: Database
let close: () => Promise<void>
before(async () => {
  ;({ db, close } = await postgres.open())
})
after(() => close())

/** Offers the same items at every poll, until they are taken away. */
function offering(items: Item[], run: (item: Item, signal: AbortSignal) => Promise<number>, limit = 4) {
  const asked: { atMost: number; except: readonly string[] }[] = []
  const source: WorkSource<Item> = {
    name: 'a_test',
    find(room): RawBuilder<unknown> {
      asked.push(room)
      return sql`${JSON.stringify(items)}::json`
    },
    read: (found) => ({ items: found as Item[], more: false }),
    keyOf: ({ name }) => name,
    tenantOf: ({ tenant }) => tenant,
    limit: () => limit,
    perTenant: 2,
    run,
  }
  return { source, asked }
}

function start(t: TestContext, source: WorkSource<Item>, everyMs: number) {
  const bell = createBell(systemClock)
  const stopping = new AbortController()
  const ended = runDueWork({ db, clock: systemClock, log: quiet, bell }, [source], everyMs, stopping.signal)
  const stop = async () => {
    stopping.abort()
    await ended
  }
  t.after(stop)
  return { bell, stop }
}

test('a tenant with much to do gets its share, others run beside it, and its share is named to the query', async (t) => {
  const items = [
    ...Array.from({ length: 9 }, (_, n) => ({ tenant: 'a', name: `a${n}` })),
    { tenant: 'b', name: 'b' },
  ]
  const running = new Set<string>()
  const { source, asked } = offering(items, async ({ name }, signal) => {
    running.add(name)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return 0
  })
  const work = start(t, source, 20)
  await eventually(async () => running.size === 3, 'two of the one and one of the other run', 10_000)
  await eventually(
    async () => asked.some(({ except }) => except.includes('a')),
    'the query leaves it out',
    10_000,
  )
  assert.deepEqual([...running].sort(), ['a0', 'a1', 'b'])
  await work.stop()
})

test('an item that fails rests, and the others go on', async (t) => {
  const runs: string[] = []
  const items = [
    { tenant: 'a', name: 'bad' },
    { tenant: 'b', name: 'good' },
  ]
  const { source } = offering(items, async ({ name }) => {
    runs.push(name)
    if (name === 'bad') throw new Error('a test')
    return 0
  })
  const work = start(t, source, 10)
  await eventually(
    async () => runs.filter((name) => name === 'good').length > 4,
    'the good one runs again and again',
  )
  assert.equal(runs.filter((name) => name === 'bad').length, 1)
  await work.stop()
})

test('the bell ends the wait for the next poll, also one that rang during a poll', async (t) => {
  const items: Item[] = []
  const runs: string[] = []
  const { source, asked } = offering(items, async ({ name }) => {
    runs.push(name)
    items.length = 0
    return 0
  })
  const work = start(t, source, 60_000)
  await eventually(async () => asked.length === 1, 'the first poll')
  items.push({ tenant: 'a', name: 'new' })
  work.bell.ring()
  await eventually(async () => runs.length === 1, 'it runs long before the next poll', 10_000)
  await work.stop()
})

test('the end waits for what runs', async (t) => {
  let ended = false
  const { source } = offering([{ tenant: 'a', name: 'slow' }], async (_, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await new Promise((resolve) => setTimeout(resolve, 100))
    ended = true
    return 0
  })
  const work = start(t, source, 10)
  await new Promise((resolve) => setTimeout(resolve, 200))
  await work.stop()
  assert.equal(ended, true)
})
