/** Two client secrets at once: the newest first, the older one only when HubSpot refuses the client, and neither is written. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { readConfig } from '../../../src/config.ts'
import { everyRow } from '../../http/database.ts'
import { idle } from '../../http/http-fixture.ts'
import { eventually, testKeys } from '../../support/service.ts'
import { type OAuthBench, startOAuth } from './oauth-fixture.ts'

const [fresh, old] = ['zqnew-secret-of-the-app', 'zqold-secret-of-the-app']

describe('two client secrets', () => {
  let bench: OAuthBench
  before(async () => {
    bench = await startOAuth({ HUBSPOT_CLIENT_SECRET: `${fresh}, ${old}` })
  })
  after(() => bench.stop())
  beforeEach(() => bench.emulator.world.faults.clear())

  const hubspotKnows = (secret: string) => {
    const app = bench.emulator.world.tokens.apps.get('test-client')
    assert.ok(app)
    app.client_secret = secret
  }
  const warnings = () => bench.service.lines.filter((line) => line.includes('only the older client secret'))
  const tokenStatuses = (from: number) =>
    bench.emulator.world.log
      .list()
      .slice(from)
      .filter(({ path }) => /^\/oauth\/[^/]+\/token$/.test(path))
      .map(({ status }) => status)
  const asked = () => bench.emulator.world.log.list().length

  async function connects() {
    const came = await bench.start(bench.portal())
    const answer = await bench.post(came.code, came.state)
    assert.equal(answer.status, 200, answer.text)
    await idle(bench.service, bench.database)
    return came
  }

  test('while HubSpot knows only the older one, connect, refresh, introspection and revocation use it, with one log line', async () => {
    hubspotKnows(old)
    const from = asked()
    const { tenant, integration } = await connects()
    assert.deepEqual(tokenStatuses(from), [400, 200])
    bench.emulator.world.tokens.expire({})
    bench.emulator.world.clock.advance(31 * 60_000)
    const again = asked()
    const synced = await bench.service.post(`/api/hubspot/sync/${tenant}/${integration}`, {})
    assert.equal(synced.status, 202)
    await eventually(async () => tokenStatuses(again).includes(200), 'a refresh by the older secret')
    await idle(bench.service, bench.database)
    assert.equal(warnings().length, 1)
    const gone = await bench.service.delete(`/api/hubspot/integrations/${tenant}/${integration}`)
    assert.equal(gone.body.revoked, true, JSON.stringify(gone.body))
    assert.equal(warnings().length, 1)
  })

  test('once HubSpot knows the newest, the older one is sent no more', async () => {
    hubspotKnows(fresh)
    const from = asked()
    await connects()
    assert.deepEqual(tokenStatuses(from), [200])
  })

  test('a grant that HubSpot refuses is not tried with the other secret', async () => {
    const came = await bench.start(bench.portal())
    const from = asked()
    const answer = await bench.post('zq-no-such-code', came.state)
    assert.equal(answer.json.code, 'oauth_code_rejected')
    assert.deepEqual(tokenStatuses(from), [400])
  })

  for (const status of [503, 500]) {
    test(`nor is one that HubSpot answers with ${status}`, async () => {
      const came = await bench.start(bench.portal())
      bench.emulator.world.faults.add({ kind: 'status', status, match: { path: '/oauth/' }, times: null })
      const from = asked()
      assert.equal((await bench.post(came.code, came.state)).status, 502)
      assert.deepEqual(tokenStatuses(from), [status])
    })
  }

  test('when both are refused it is the operator’s error, as with one', async () => {
    hubspotKnows('zqthird')
    const came = await bench.start(bench.portal())
    const from = asked()
    const answer = await bench.post(came.code, came.state)
    assert.deepEqual([answer.status, answer.json.code], [503, 'oauth_not_configured'])
    assert.deepEqual(tokenStatuses(from), [400, 400])
  })

  test('neither secret is in a log line or in the database', async () => {
    const written = bench.service.lines.join('') + (await everyRow(bench.database))
    for (const secret of [fresh, old]) assert.ok(!written.includes(secret))
  })
})

test('the configuration takes one secret or two, newest first, and no empty one', () => {
  const read = (secret: string) =>
    readConfig({
      DATABASE_URL: 'postgres://x@localhost/x',
      SPOKE_ENCRYPTION_KEYS: testKeys,
      HUBSPOT_CLIENT_ID: 'id',
      HUBSPOT_CLIENT_SECRET: secret,
    }).hubspot.app?.clientSecrets.map((one) => one.reveal())
  assert.deepEqual(read('one'), ['one'])
  assert.deepEqual(read('new,old'), ['new', 'old'])
  for (const wrong of ['a,b,c', 'a,', ',b', ','])
    assert.throws(() => read(wrong), /HUBSPOT_CLIENT_SECRET must be one secret, or two/)
})
