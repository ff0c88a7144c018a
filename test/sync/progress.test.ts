/** Watching a run: server-sent events that can be resumed, one poll for all who watch, and a stop that ends them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { startTestService, type TestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'

interface ProgressMessage {
  id: number
  data: { state: string; done: number; total: number | null }
}

/** Reads until the server ends the stream. */
async function watch(url: string, lastEventId?: number): Promise<ProgressMessage[]> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }
  const answer = await fetch(url, { headers })
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const text = await answer.text()
  return [...text.matchAll(/id: (\d+)\nevent: progress\ndata: (.+)\n\n/g)].map(([, id, data]) => ({
    id: Number(id),
    data: JSON.parse(data as string),
  }))
}

describe('the progress of a run', () => {
  let emulator: TestEmulator
  let service: TestService
  let events: string
  before(async () => {
    emulator = await startTestEmulator()
    await emulator.control('POST', '/portals', { portal_id: 5, tickets: 1_200, plan: 'enterprise' })
    const { token } = await emulator.control('POST', '/portals/5/tokens', { kind: 'private_app' })
    await emulator.control('POST', '/faults', {
      match: { path: '/crm/objects' },
      kind: 'delay',
      delay_ms: 200,
      times: null,
    })
    service = await startTestService(emulator.url)
    const { body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    const { body: history } = await service.get(`/api/hubspot/sync/${T}/${body.integration_id}`)
    events = `${service.url}/api/hubspot/sync/${T}/${body.integration_id}/${history.events[0].sync_event_id}/events`
  })
  after(async () => {
    await service.stop()
    await emulator.close()
  })

  test('comes as events whose ids grow, with the total from the start, and ends with the run', async () => {
    const [messages, other] = await Promise.all([watch(events), watch(events)])
    assert.ok(messages.length >= 3, `${messages.length} events`)
    assert.deepEqual(
      messages.map(({ id }) => id),
      [...new Set(messages.map(({ id }) => id))].sort((a, b) => a - b),
    )
    const done = messages.map(({ data }) => data.done)
    assert.deepEqual(
      done,
      done.toSorted((a, b) => a - b),
    )
    assert.ok(messages.some(({ data }) => data.total === 1_200 && data.done < 1_200))
    assert.deepEqual({ ...messages.at(-1)?.data, total: 1_200 }.state, 'succeeded')
    assert.deepEqual(other.at(-1), messages.at(-1))
  })

  test('after the end it is sent once, and not at all to a client that has seen it', async () => {
    const [last] = await watch(events)
    assert.equal(last?.data.state, 'succeeded')
    assert.deepEqual(await watch(events, last?.id), [])
    assert.equal((await watch(events, (last?.id as number) - 1)).length, 1)
  })

  test('of an unknown run, or another tenant’s, is 404', async () => {
    for (const path of [
      events.replace(/[0-9a-f]{4}\/events$/, '0000/events'),
      events.replace(T, T.replaceAll('1', '2')),
    ]) {
      assert.equal((await fetch(path)).status, 404)
    }
  })

  test('a stop of the service ends the streams and is done within ten seconds', async () => {
    const second = await startTestService(emulator.url)
    const { token } = await emulator.control('POST', '/portals/5/tokens', { kind: 'private_app' })
    const { body } = await second.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    const { body: history } = await second.get(`/api/hubspot/sync/${T}/${body.integration_id}`)
    const run = history.events[0].sync_event_id
    const watching = watch(`${second.url}/api/hubspot/sync/${T}/${body.integration_id}/${run}/events`)
    await new Promise((resolve) => setTimeout(resolve, 900))
    const began = performance.now()
    await second.stop()
    assert.ok(performance.now() - began < 10_000)
    const messages = await watching
    assert.ok(messages.every(({ data }) => data.state === 'running' || data.state === 'queued'))
  })
})
