// Deliveries that fail: tried again ten times over a day of HubSpot's clock, and then given up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryDelay } from '../src/webhooks/retries.ts'
import { eventually } from './eventually.ts'
import { startHooked } from './receiver.ts'

const CREATION = ['ticket.creation']

test('whatever is no success is tried again, counted, and signed anew', async (t) => {
  const hook = await startHooked(t, CREATION)
  const { receiver } = hook
  await hook.control('PATCH', '/webhooks', { compression: 1_000_000, timeout_ms: 1000 })
  const faults = [500, 404, 302, 429, { status: 200, after: 4000 }, 503]
  receiver.answer = () => faults[receiver.got.length - 1] ?? 200
  hook.world.addTickets(hook.portal_id)
  const counts = await hook.wait()
  assert.equal(counts.quiet, true)
  assert.deepEqual(
    receiver.got.map((one) => one.events[0].attemptNumber),
    [0, 1, 2, 3, 4, 5, 6],
  )
  assert.equal(new Set(receiver.got.map((one) => one.events[0].eventId)).size, 1)
  const times = receiver.got.map((one) => Number(one.headers['x-hubspot-request-timestamp']))
  assert.deepEqual([...times].sort(), times)
  assert.ok((times[6] as number) > (times[0] as number))
  assert.equal(new Set(receiver.got.map((one) => one.headers['x-hubspot-signature-v3'])).size, 7)
  const { made, delivered, retried, failed, attempts, refused } = counts
  assert.deepEqual(
    { made, delivered, retried, failed, attempts, refused },
    {
      made: 1,
      delivered: 1,
      retried: 6,
      failed: 0,
      attempts: 7,
      refused: 6,
    },
  )
  const tried = (await hook.control('GET', '/webhooks/deliveries')).json.results
  assert.match(tried[4].error, /no answer within 1000 ms/)
  assert.equal(tried[4].status, null)
})

test('after the tenth retry an event is given up, and a receiver that is not there is a failure too', async (t) => {
  const hook = await startHooked(t, CREATION)
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, {
    target_url: 'http://127.0.0.1:1/nobody',
  })
  await hook.control('PATCH', '/webhooks', { compression: 10_000_000 })
  hook.world.addTickets(hook.portal_id, { count: 2 })
  const counts = await hook.wait()
  assert.equal(counts.quiet, true)
  assert.deepEqual([counts.failed, counts.retried, counts.delivered], [2, 20, 0])
  const tried = (await hook.control('GET', '/webhooks/deliveries')).json.results
  assert.equal(Math.max(...tried.map((one: { attempt: number }) => one.attempt)), 10)
  assert.match(tried[0].error, /ECONNREFUSED/)
})

test('ten retries fill most of a day, never more, and no two events wait alike', () => {
  const sums = Array.from({ length: 200 }, (_, n) => {
    const waits = Array.from({ length: 10 }, (_, i) =>
      retryDelay(i + 1, n, { seed: 1, jitter: 0.25, compression: 1 }),
    )
    return waits.reduce((a, b) => a + b) / 3_600_000
  })
  assert.ok(Math.max(...sums) <= 24, String(Math.max(...sums)))
  assert.ok(Math.min(...sums) > 12, String(Math.min(...sums)))
  assert.ok(new Set(sums).size > 190)
})

test('retries follow HubSpot’s clock: moved by a day, all that waits is sent', async (t) => {
  const hook = await startHooked(t, CREATION)
  hook.receiver.answer = () => (hook.receiver.got.length < 2 ? 500 : 200)
  hook.world.addTickets(hook.portal_id)
  const soon = await eventually(async () => {
    const counts = await hook.wait(100)
    return (counts.retried as number) > 0 && counts
  }, 'it is to be tried again')
  assert.deepEqual([soon.quiet, soon.queued, soon.retried], [false, 1, 1])
  hook.world.clock.advance(120_000)
  assert.equal((await hook.wait()).quiet, true)
  assert.equal(hook.receiver.got.length, 2)
})

test('switches of retries: some errors are final, Retry-After counts, ids are given anew', async (t) => {
  const hook = await startHooked(
    t,
    CREATION,
    {},
    { webhook_retries_4xx: false, webhook_honours_retry_after: true, webhook_retry_keeps_id: false },
  )
  const { receiver } = hook
  await hook.control('PATCH', '/webhooks', { compression: 1_000_000 })
  receiver.answer = () => 400
  hook.world.addTickets(hook.portal_id)
  const { failed, retried } = await hook.wait()
  assert.deepEqual([failed, retried], [1, 0])
  hook.world.changeQuirks({ webhook_retries_4xx: true })
  receiver.got.length = 0
  receiver.answer = () => (receiver.got.length < 2 ? { status: 429, headers: { 'retry-after': '400' } } : 200)
  hook.world.addTickets(hook.portal_id)
  await hook.wait()
  const [first, second] = receiver.got
  assert.ok(first && second && second.at - first.at >= 380)
  assert.notEqual(first?.events[0].eventId, second?.events[0].eventId)
})
