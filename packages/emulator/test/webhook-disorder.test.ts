// Disorder on order: loss, copies, delay, wrong order and ids that are not unique, the same way for the same seed.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { createHeap } from '../src/webhooks/heap.ts'
import { eventually } from './eventually.ts'
import { startHooked } from './receiver.ts'

const COUNT = 200

test('a heap gives the least first, whatever the order they came in', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 })), (numbers) => {
      const heap = createHeap<number>((a, b) => a < b)
      for (const one of numbers) heap.push(one)
      assert.equal(heap.count(), numbers.length)
      assert.deepEqual(
        heap.drain(),
        [...numbers].sort((a, b) => a - b),
      )
      assert.equal(heap.peek(), undefined)
    }),
  )
})

// The numbers of the tickets in the order in which they came, and their events.
async function run(t: TestContext, disorder: object, settings: object = {}) {
  const hook = await startHooked(t, ['ticket.creation'])
  assert.equal((await hook.control('PATCH', '/webhooks/disorder', disorder)).status, 200)
  await hook.control('PATCH', '/webhooks', { batch_events: 10, ...settings })
  // One request at a time, so that the order of arrival is the order of sending.
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, {
    target_url: hook.receiver.url,
    max_concurrent_requests: 1,
  })
  const ids = hook.world.addTickets(hook.portal_id, { count: COUNT })
  const counts = await hook.wait()
  const events = hook.receiver.events()
  return { hook, counts, events, places: events.map((one) => ids.indexOf(String(one.objectId))) }
}

const inOrder = Array.from({ length: COUNT }, (_, i) => i)

test('without disorder everything comes once and in order', async (t) => {
  const { places, counts } = await run(t, {})
  assert.deepEqual(places, inOrder)
  assert.deepEqual([counts.lost, counts.copied, counts.delivered], [0, 0, COUNT])
})

test('a share is lost, the same events for the same seed and others for another', async (t) => {
  const first = await run(t, { lost: 0.3 })
  const again = await run(t, { lost: 0.3 })
  const other = await run(t, { lost: 0.3, seed: 2 })
  assert.ok(Math.abs((first.counts.lost as number) - COUNT * 0.3) < COUNT * 0.12)
  assert.equal((first.counts.delivered as number) + (first.counts.lost as number), COUNT)
  assert.deepEqual(again.places, first.places)
  assert.notDeepEqual(other.places, first.places)
  const all = await run(t, { lost: 1 })
  assert.deepEqual([all.events.length, all.counts.quiet, all.counts.lost], [0, true, COUNT])
})

test('copies have the same id or one of their own', async (t) => {
  const same = await run(t, { duplicated: 0.25 })
  const copied = same.counts.copied as number
  assert.ok(copied > COUNT * 0.12 && copied < COUNT * 0.4)
  assert.equal(same.events.length, COUNT + copied)
  assert.equal(new Set(same.events.map((one) => one.eventId)).size, COUNT)
  const fresh = await run(t, { duplicated_with_new_id: 0.25 })
  const more = fresh.counts.copied as number
  assert.ok(more > 0)
  assert.equal(new Set(fresh.events.map((one) => one.eventId)).size, COUNT + more)
  assert.equal(new Set(fresh.events.map((one) => one.objectId)).size, COUNT)
})

test('different events may share an id', async (t) => {
  const { events } = await run(t, { colliding_ids: 0.2 })
  const ids = new Set(events.map((one) => one.eventId)).size
  assert.ok(ids < COUNT * 0.9 && ids > COUNT * 0.65)
  assert.equal(new Set(events.map((one) => one.objectId)).size, COUNT)
})

test('events change places, the same ones for the same seed', async (t) => {
  const first = await run(t, { reordered: 0.5, reorder_span: 30 })
  assert.notDeepEqual(first.places, inOrder)
  assert.deepEqual(
    [...first.places].sort((a, b) => a - b),
    inOrder,
  )
  assert.ok(first.places.every((place, i) => Math.abs(place - i) <= 60))
  assert.deepEqual((await run(t, { reordered: 0.5, reorder_span: 30 })).places, first.places)
})

test('delayed events come later than newer ones, when HubSpot’s clock is there', async (t) => {
  const hook = await startHooked(t, ['ticket.creation'])
  await hook.control('PATCH', '/webhooks/disorder', { delayed: 0.5, delay_ms: 600_000 })
  hook.world.addTickets(hook.portal_id, { count: COUNT })
  // What is not delayed is on its way for a while.
  await eventually(async () => {
    const held = (await hook.wait(100)).queued as number
    return (
      held > COUNT * 0.35 && held < COUNT * 0.65 && hook.receiver.events().length === COUNT - held && held
    )
  }, 'about half is delayed, and all else is here')
  hook.world.clock.advance(600_001)
  await hook.wait()
  assert.equal(hook.receiver.events().length, COUNT)
  assert.deepEqual((await hook.control('DELETE', '/webhooks/disorder')).json.delayed, 0)
  hook.world.addTickets(hook.portal_id, { count: 30 })
  assert.equal((await hook.wait()).delivered, COUNT + 30)
})
