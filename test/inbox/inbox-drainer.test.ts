/** How many inboxes one process drains concurrently. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { nextDrainLimit } from '../../src/inbox/inbox-drainer.ts'
import { truthOf } from '../support/emulator.ts'
import { eventually } from '../support/service.ts'
import { type Account, differences, type InboxBench, startInboxBench } from './inbox-fixture.ts'

const accounts: Account[] = []
let bench: InboxBench

before(async () => {
  bench = await startInboxBench()
  for (let n = 0; n < 8; n++) accounts.push(await bench.account())
})
after(() => bench?.stop())

const beingDrained = async () =>
  (await bench.runSql(`select from inboxes where lease_until is not null`)).length

test('while HubSpot is slow, further accounts are drained concurrently, and none waits for earlier ones', async () => {
  const slowMs = 4_000
  const path = '/tickets/batch/read'
  await bench.emulator.control('DELETE', '/requests')
  bench.emulator.world.faults.add({ match: { path }, kind: 'delay', delay_ms: slowMs, times: 8 })
  for (const [at, { portal }] of accounts.entries()) {
    // The others come when there is room for no more than those that wait already.
    if (at === 2) await eventually(async () => (await beingDrained()) === 2, 'two are being drained')
    const ids = [...(await truthOf(bench.emulator, portal)).keys()].slice(0, 1)
    await bench.emulator.control('PATCH', `/portals/${portal}/tickets`, {
      ids,
      properties: { subject: 'seen' },
    })
  }
  await bench.drained()
  for (const account of accounts) assert.deepEqual(await differences(bench, account), [])
  const { results } = await bench.emulator.control('GET', '/requests?limit=1000')
  const reads = (results as { path: string; at: string; concurrent: number }[])
    .filter((one) => one.path.includes(path))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const [first, , third] = reads.map(({ at }) => Date.parse(at)) as [number, number, number]
  assert.equal(reads.length, 8)
  assert.ok(third - first < slowMs - 1_000, `the third began after ${third - first} ms`)
  const beside = reads.map(({ concurrent }) => concurrent)
  assert.ok(Math.max(...beside) >= 5, `side by side: ${beside}`)
})

test('the limit grows by one while inboxes wait, is halved when time is short, and stays between 2 and 24', () => {
  const grown = [1, 2, 3].reduce((room) => nextDrainLimit(room, true, false), 2)
  assert.equal(grown, 5)
  assert.equal(nextDrainLimit(5, false, false), 5)
  assert.equal(nextDrainLimit(5, true, true), 2)
  assert.equal(nextDrainLimit(24, true, false), 24)
  assert.equal(nextDrainLimit(24, false, true), 12)
  assert.equal(nextDrainLimit(2, true, true), 2)
})
