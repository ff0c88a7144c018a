/** An account whose large pages take longer than the deadline: smaller ones get through, and nothing else is held up. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createPageSizes } from '../../src/hubspot/client/page-sizes.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'
import { connect, T } from './capture-fixture.ts'

describe('slow pages', () => {
  let emulator: TestEmulator
  let service: TestService
  before(async () => {
    emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
    service = await startTestService(emulator.url, {
      SPOKE_INDEX_LAG: '0s',
      HUBSPOT_TIMEOUT: '1500ms',
    })
  })
  after(async () => {
    await service.stop()
    await emulator.close()
  })
  /** 100 records take 2 s, 50 take 1 s. */
  const slow = (portal_id: number, path: string) =>
    emulator.control('POST', '/faults', {
      kind: 'delay',
      per_record_ms: 20,
      times: null,
      match: { path, portal_id },
    })

  test('the first load gets through in pages of 50, remembers it, and live tickets are answered meanwhile', async () => {
    await slow(301, '/objects/2026-09/tickets')
    let live: number[] | undefined
    const asking = (async () => {
      const statuses: number[] = []
      await eventually(async () => {
        const { body } = await service.get(`/api/hubspot/integrations/${T}`)
        const [integration] = body.integrations ?? []
        if (!integration || live) return live !== undefined
        const path = `/api/hubspot/tickets/${T}/${integration.integration_id}?limit=5`
        statuses.push((await service.get(path)).status)
        if (integration.last_sync) live = statuses
        return false
      }, 'the first load ends')
    })()
    const one = await connect(emulator, service, { portal_id: 301, tickets: 250 })
    await asking
    assert.deepEqual(await one.differences(), [])
    assert.deepEqual(new Set(live), new Set([200]))
    const lists = (await emulator.requests('/crm/objects/2026-09/tickets')).filter(
      ({ method, query }) => method === 'GET' && Number(query.limit) > 5,
    )
    const sizes = lists.map(({ query }) => Number(query.limit))
    assert.deepEqual(sizes.slice(0, 2), [100, 50])
    assert.equal(sizes.filter((size) => size === 100).length, 1, `once: ${sizes}`)
    await emulator.control('DELETE', '/faults')
  })

  test('associations that are too slow for so many are read in smaller lots', async () => {
    const scopes = ['tickets', 'crm.objects.contacts.read']
    const portal = { portal_id: 302, tickets: 100, associations: { contacts: 1 } }
    await slow(302, '/contacts/batch/read')
    await connect(emulator, service, portal, { kind: 'private_app', scopes })
    const { body } = await service.get(`/api/hubspot/integrations/${T}`)
    const { resources } = body.integrations.find((one: { hub_id: number }) => Number(one.hub_id) === 302)
    assert.equal(resources.contacts.state, 'ok')
    await emulator.control('DELETE', '/faults')
  })
})

test('a size is halved by a call that is too slow, and grows by answers that are quick, or after ten minutes', () => {
  let at = 0
  const sizes = createPageSizes({ ...systemClock, monotonic: () => at })
  const fit = (wanted = 100) => sizes.sizeFor(1, 'list', wanted)
  sizes.tooSlow(1, 'list', 100)
  assert.deepEqual(
    [fit(), fit(5), sizes.sizeFor(2, 'list', 100), sizes.sizeFor(1, 'search', 100)],
    [50, 5, 100, 100],
  )
  sizes.answered(1, 'list', 50, 0.6)
  assert.equal(fit(), 50)
  at += 600_000
  sizes.answered(1, 'list', 50, 0.6)
  assert.equal(fit(), 100)
  for (let n = 100; n >= 1; n >>= 1) sizes.tooSlow(1, 'list', n)
  assert.equal(fit(), 1)
  sizes.answered(1, 'list', 1, 0.01)
  assert.equal(fit(), 2)
  sizes.answered(1, 'list', 1, 0.01)
  assert.equal(fit(), 2, 'a smaller request proves nothing about larger ones')
})

test('quick answers lead back to what was too slow only after ten minutes, and at once after an outage', () => {
  let at = 0
  const sizes = createPageSizes({ ...systemClock, monotonic: () => at })
  const asked: number[] = []
  // So many or more are never answered; all others at once.
  const ask = (tooMany: number) => {
    const records = sizes.sizeFor(1, 'list', 100)
    asked.push(records)
    at += 1_000
    if (records >= tooMany) sizes.tooSlow(1, 'list', records)
    else sizes.answered(1, 'list', records, 0.05)
  }
  for (let page = 0; page < 100; page++) ask(100)
  assert.deepEqual(asked.splice(0), [100, ...Array(99).fill(50)])
  sizes.tooSlow(1, 'list', 100)
  assert.equal(sizes.sizeFor(1, 'list', 100), 50, 'a call that began before proves nothing new')
  at += 600_000
  for (let page = 0; page < 4; page++) ask(100)
  assert.deepEqual(asked.splice(0), [50, 100, 50, 50])
  for (let page = 0; page < 7; page++) ask(0)
  asked.splice(0)
  for (let page = 0; page < 9; page++) ask(1_000)
  assert.deepEqual(asked, [1, 2, 4, 8, 16, 32, 64, 100, 100])
})
