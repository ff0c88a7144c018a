/** How many inboxes one process drains side by side. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Account, differences, type InboxBench, startInboxBench } from '../inbox/bench.ts'
import { truthOf } from '../support/emulator.ts'

const accounts: Account[] = []
let bench: InboxBench

before(async () => {
  bench = await startInboxBench()
  for (let n = 0; n < 8; n++) accounts.push(await bench.account())
})
after(() => bench?.stop())

test('while HubSpot takes its time one account after another joins in, and none waits for all before it', async () => {
  const path = '/tickets/batch/read'
  await bench.emulator.control('DELETE', '/requests')
  bench.emulator.world.faults.add({ match: { path }, kind: 'delay', delay_ms: 4_000, times: 8 })
  for (const { portal } of accounts) {
    const ids = [...(await truthOf(bench.emulator, portal)).keys()].slice(0, 1)
    await bench.emulator.control('PATCH', `/portals/${portal}/tickets`, {
      ids,
      properties: { subject: 'seen' },
    })
  }
  await bench.drained()
  for (const account of accounts) assert.deepEqual(await differences(bench, account), [])
  const { results } = await bench.emulator.control('GET', '/requests?limit=1000')
  const beside = (results as { path: string; concurrent: number }[])
    .filter((one) => one.path.includes(path))
    .map(({ concurrent }) => concurrent)
  assert.equal(beside.length, 8)
  assert.ok(Math.max(...beside) >= 6, `side by side: ${beside}`)
})
