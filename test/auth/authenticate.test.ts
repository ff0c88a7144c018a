/** What decides about a key is one comparison that takes as long for each, and nothing before it. */
import assert from 'node:assert/strict'
import crypto, { randomUUID } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { after, before, test } from 'node:test'
import { startTestService, type TestService } from '../support/service.ts'

const key = `zq-${randomUUID()}`
let service: TestService
before(async () => {
  service = await startTestService('http://127.0.0.1:9', { SPOKE_ADMIN_KEY: key })
})
after(() => service?.stop())

const path = `/api/hubspot/integrations/${randomUUID()}`
const ask = async (given: string) => (await service.get(path, { authorization: `Bearer ${given}` })).status

/** Puts another comparison in the place of Node's for as long as `work` runs. */
async function comparing(compare: typeof crypto.timingSafeEqual, work: () => Promise<void>): Promise<void> {
  const real = crypto.timingSafeEqual
  crypto.timingSafeEqual = compare
  syncBuiltinESMExports()
  try {
    await work()
  } finally {
    crypto.timingSafeEqual = real
    syncBuiltinESMExports()
  }
}

test('the admin key is let in or not by timingSafeEqual alone, on values of one length', async () => {
  const lengths = new Set<number>()
  const saying = (answer: boolean) => (a: NodeJS.ArrayBufferView, b: NodeJS.ArrayBufferView) => {
    for (const side of [a, b]) lengths.add(side.byteLength)
    return answer
  }
  const wrong = ['x', key.slice(0, -1), `${key}x`, key.toUpperCase(), 'y'.repeat(500)]
  await comparing(saying(false), async () => {
    assert.equal(await ask(key), 401, 'something else than the comparison let the right key in')
  })
  await comparing(saying(true), async () => {
    for (const given of wrong)
      assert.equal(await ask(given), 404, `something before the comparison kept ${given.slice(0, 5)} out`)
  })
  assert.deepEqual([...lengths], [32])
  assert.equal(await ask(key), 404)
  for (const given of wrong) assert.equal(await ask(given), 401)
})
