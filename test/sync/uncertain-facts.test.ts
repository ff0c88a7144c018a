/** What HubSpot's documentation leaves open, with each possible behavior: the sync ends equal to HubSpot in each case. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { eventually, runEnded, startTestService, type TestService } from '../support/service.ts'

const noLag = { index_lag_ms: 0, index_lag_jitter_ms: 0 }

// One fact at a time, so that a failing one is named; all of them together, in worlds.test.ts.
const facts: Record<string, Record<string, unknown>> = {
  'ids sorted and compared as numbers': { ticket_id_sort: 'number' },
  'ids sorted and compared as text': { ticket_id_sort: 'text' },
  'search pages short or empty with a next cursor': { short_pages: true },
  'empty properties left out of answers': { absent_empty_properties: true },
  'paging links that lead elsewhere': { wrong_link: true },
  'introspection that returns only active': { introspect: 'active_only' },
  'Retry-After on each 429': { retry_after_on_429: true },
}

let emulator: TestEmulator
let service: TestService
/** Restored before each fact, so that none affects the next. */
let usual: Record<string, unknown>
// One service for all; each fact has a tenant and an account of its own.
before(async () => {
  emulator = await startTestEmulator({ quirks: noLag })
  usual = { ...emulator.world.quirks }
  service = await startTestService(emulator.url, { SPOKE_SYNC_OVERLAP: '1s' })
})
after(async () => {
  await service?.stop()
  await emulator?.close()
})

for (const [at, [fact, quirks]] of Object.entries(facts).entries()) {
  test(`${fact}: full and incremental end equal to HubSpot`, async () => {
    emulator.world.changeQuirks({ ...usual, ...quirks })
    const [tenant, portal] = [randomUUID(), 31 + at]
    // Ids that grow from nine to ten digits on the way, so that text and number differ.
    await emulator.control('POST', '/portals', {
      portal_id: portal,
      tickets: 450,
      plan: 'enterprise',
      first_ticket_id: 999_999_000,
    })
    const { token } = await emulator.control('POST', `/portals/${portal}/tokens`, { kind: 'private_app' })
    const { body } = await service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
    const id = body.integration_id
    const readBack = async () => {
      const found = new Map()
      for (let after = ''; ; ) {
        const { body: page } = await service.get(`/api/hubspot/issues/${tenant}?limit=200${after}`)
        for (const issue of page.issues)
          found.set(issue.ticket_id, { subject: issue.subject, updatedAt: issue.modified_at })
        if (!page.next_after) return found
        after = `&after=${page.next_after}`
      }
    }
    await eventually(
      async () => (await service.get(`/api/hubspot/sync/${tenant}/${id}`)).body.running.length === 0,
      'the first full ends',
    )
    assert.deepEqual(await readBack(), await truthOf(emulator, portal))
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    await emulator.control('PATCH', `/portals/${portal}/tickets`, {
      count: 430,
      properties: { subject: 'All at once' },
    })
    // The emulator's limits are never met here, so one 429 is given.
    if (quirks.retry_after_on_429)
      await emulator.control('POST', '/faults', {
        match: { portal_id: portal, path: '/search' },
        kind: 'rate_limit',
        policy: 'secondly',
        retry_after: 1,
        times: 1,
      })
    const { body: started } = await service.post(`/api/hubspot/sync/${tenant}/${id}`, {
      sync_type: 'incremental',
    })
    const event = await runEnded(service, tenant, id, started.sync_event_id, 60_000)
    assert.deepEqual({ state: event.state, changed: event.changed }, { state: 'succeeded', changed: 430 })
    if (quirks.retry_after_on_429) {
      const refused = await emulator.requests('/search')
      assert.equal(refused.filter((one) => one.portal_id === portal && one.status === 429).length, 1)
    }
    assert.deepEqual(await readBack(), await truthOf(emulator, portal))
  })
}
