/** What HubSpot's documentation leaves open, with each possible behavior: the sync ends equal to HubSpot in each case. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestEmulator, truthOf } from '../support/emulator.ts'
import { eventually, runEnded, startTestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
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

for (const [fact, quirks] of Object.entries(facts)) {
  test(`${fact}: full and incremental end equal to HubSpot`, async () => {
    const emulator = await startTestEmulator({ quirks: { ...noLag, ...quirks } })
    const service = await startTestService(emulator.url, { SPOKE_SYNC_OVERLAP: '1s' })
    try {
      // Ids that grow from nine to ten digits on the way, so that text and number differ.
      await emulator.control('POST', '/portals', {
        portal_id: 31,
        tickets: 450,
        plan: 'enterprise',
        first_ticket_id: 999_999_000,
      })
      const { token } = await emulator.control('POST', '/portals/31/tokens', { kind: 'private_app' })
      const { body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
      const id = body.integration_id
      const readBack = async () => {
        const found = new Map()
        for (let after = ''; ; ) {
          const { body: page } = await service.get(`/api/hubspot/issues/${T}?limit=200${after}`)
          for (const issue of page.issues)
            found.set(issue.ticket_id, { subject: issue.subject, updatedAt: issue.modified_at })
          if (!page.next_after) return found
          after = `&after=${page.next_after}`
        }
      }
      await eventually(
        async () => (await service.get(`/api/hubspot/sync/${T}/${id}`)).body.running.length === 0,
        'the first full ends',
      )
      assert.deepEqual(await readBack(), await truthOf(emulator, 31))
      await new Promise((resolve) => setTimeout(resolve, 2_100))
      await emulator.control('PATCH', '/portals/31/tickets', {
        count: 430,
        properties: { subject: 'All at once' },
      })
      const { body: started } = await service.post(`/api/hubspot/sync/${T}/${id}`, {
        sync_type: 'incremental',
      })
      const event = await runEnded(service, T, id, started.sync_event_id, 60_000)
      assert.deepEqual({ state: event.state, changed: event.changed }, { state: 'succeeded', changed: 430 })
      assert.deepEqual(await readBack(), await truthOf(emulator, 31))
    } finally {
      await service.stop()
      await emulator.close()
    }
  })
}
