/** Missing webhooks of an integration, in which a sync finds new tickets, are reported once, until the next one arrives. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { startOAuth } from '../integrations/oauth/oauth-fixture.ts'
import { adminQuery } from '../support/postgres.ts'
import { eventually, runEnded } from '../support/service.ts'

const appId = 4_711
const publicUrl = 'https://spoke.example.test'
let bench: Awaited<ReturnType<typeof startOAuth>>
let oauth: { tenant: string; integration: string; portal: number }

before(async () => {
  bench = await startOAuth({
    HUBSPOT_APP_ID: String(appId),
    SPOKE_PUBLIC_URL: publicUrl,
    SPOKE_WEBHOOK_WINDOW: '50ms',
  })
  await bench.emulator.control('PATCH', '/quirks', { index_lag_jitter_ms: 0, index_outlier_ms: 0 })
  const portal = bench.portal()
  const { tenant, integration, code, state } = await bench.start(portal, randomUUID())
  const connected = await bench.post(code, state)
  assert.equal(connected.status, 200, connected.text)
  oauth = { tenant, integration, portal }
  await idle(bench.service, bench.database)
})
after(() => bench?.stop())

const webhooksMissingSince = async ({ tenant, integration } = oauth) =>
  (await bench.service.get(`/api/hubspot/inbox/${tenant}/${integration}`)).body.webhooks_missing_since as
    | string
    | null
const warnings = () =>
  bench.service.lines.filter((line) => line.includes('webhooks are missing for an integration')).length
const addTicket = (portal: number, minutesAgo: number) =>
  bench.emulator.control('POST', `/portals/${portal}/tickets`, {
    count: 1,
    at: Date.now() - minutesAgo * 60_000,
  })

async function incremental({ tenant, integration } = oauth) {
  const { body } = await bench.service.post(`/api/hubspot/sync/${tenant}/${integration}`, {
    sync_type: 'incremental',
  })
  const run = await runEnded(bench.service, tenant, integration, body.sync_event_id)
  assert.equal(run.state, 'succeeded')
  return run
}

async function receive(objectId: number, occurredAt: number) {
  const { body, headers } = await bench.emulator.control('POST', '/apps/test-client/webhooks/sign', {
    url: `${publicUrl}/api/hubspot/webhooks`,
    body: JSON.stringify([
      {
        eventId: 1,
        portalId: oauth.portal,
        appId,
        subscriptionType: 'ticket.creation',
        objectId,
        occurredAt,
      },
    ]),
  })
  const answer = await fetch(`${bench.service.url}/api/hubspot/webhooks`, { method: 'POST', headers, body })
  assert.equal(answer.status, 204)
  await eventually(
    async () =>
      (await adminQuery('select count(*)::int as n from inbox_entries', bench.database))[0]?.n === 0,
    'the inbox is drained',
  )
}

test('a change that is seconds old may still be announced', async () => {
  await addTicket(oauth.portal, 0)
  assert.equal((await incremental()).inserted, 1)
  assert.equal(await webhooksMissingSince(), null)
})

test('one that is minutes old should have been', async () => {
  await addTicket(oauth.portal, 5)
  assert.equal((await incremental()).inserted, 1)
  const since = await webhooksMissingSince()
  assert.ok(since)
  assert.equal(warnings(), 1)
  await addTicket(oauth.portal, 4)
  assert.equal((await incremental()).inserted, 1)
  assert.equal(await webhooksMissingSince(), since, 'since it was first seen')
  assert.equal(warnings(), 1, 'and logged once')
  await eventually(async () => {
    const { body } = await bench.service.get('/metrics')
    return /^spoke_inboxes_missing_webhooks 1$/m.test(body)
  }, 'the metric reports it')
})

test('the next webhook ends it, and one lost among others is not missing webhooks', async () => {
  await receive(1, Date.now())
  assert.equal(await webhooksMissingSince(), null)
  await addTicket(oauth.portal, 3)
  assert.equal((await incremental()).inserted, 1)
  assert.equal(await webhooksMissingSince(), null)
})

test('an account that was connected by a pasted token expects no webhooks, and its status shows it', async () => {
  const changesBy = async ({ tenant, integration }: { tenant: string; integration: string }) =>
    (await bench.service.get(`/api/hubspot/status/${tenant}/${integration}`)).body.change_source
  assert.equal(await changesBy(oauth), 'webhooks')
  const { portal, token } = newAccount(bench.emulator)
  const pasted = { ...(await connectTenant(bench.service, token)), portal }
  await idle(bench.service, bench.database)
  await addTicket(portal, 5)
  assert.equal((await incremental(pasted)).inserted, 1)
  assert.equal(await webhooksMissingSince(pasted), null)
  assert.equal(await changesBy(pasted), 'polling')
})
