/** One constant-time comparison decides about a key, and nothing before it does. */
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

test('only timingSafeEqual decides about the admin key, on values of equal length', async () => {
  const lengths = new Set<number>()
  const saying = (answer: boolean) => (a: NodeJS.ArrayBufferView, b: NodeJS.ArrayBufferView) => {
    for (const side of [a, b]) lengths.add(side.byteLength)
    return answer
  }
  const wrong = ['x', key.slice(0, -1), `${key}x`, key.toUpperCase(), 'y'.repeat(500)]
  await comparing(saying(false), async () => {
    assert.equal(await ask(key), 401, 'something other than the comparison accepted the right key')
  })
  await comparing(saying(true), async () => {
    for (const given of wrong)
      assert.equal(await ask(given), 404, `something before the comparison refused ${given.slice(0, 5)}`)
  })
  assert.deepEqual([...lengths], [32])
  assert.equal(await ask(key), 404)
  for (const given of wrong) assert.equal(await ask(given), 401)
})
