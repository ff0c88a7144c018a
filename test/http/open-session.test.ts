/** In open mode nobody is asked who they are: the session's routes answer the same shape, nothing is remembered, and other sites' pages are refused. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Bench, startBench } from './bench.ts'
import { tableCounts } from './database.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

test('a page asks, logs in and out as anywhere else, and gets no cookie and no row', async () => {
  const before = await tableCounts(bench.database)
  const open = {
    success: true,
    principal: 'open',
    tenant_id: null,
    scopes: ['read', 'sync', 'manage'],
    by: 'open',
    csrf_token: null,
    expires_at: null,
  }
  const headers = { authorization: 'Bearer whatever', cookie: `spoke_session=sps_${'A'.repeat(43)}` }
  for (const given of [{}, headers])
    for (const [method, expected] of [
      ['GET', open],
      ['POST', open],
      ['DELETE', { success: true, ended: false }],
    ] as const) {
      const answer = await bench.send({ method, path: '/api/session', headers: given })
      assert.deepEqual([answer.status, answer.json], [200, expected], method)
      assert.equal(answer.headers['set-cookie'], undefined)
    }
  assert.deepEqual(await tableCounts(bench.database), before)
})

test('a page of another site is refused whatever it asks, also by methods that need no preflight', async () => {
  const { tenant, integration } = bench
  for (const [method, path] of [
    ['GET', `/api/hubspot/authorize/${tenant}`],
    ['GET', `/api/hubspot/integrations/${tenant}`],
    ['POST', `/api/hubspot/sync/${tenant}/${integration}`],
    ['POST', '/api/session'],
    ['DELETE', `/api/hubspot/integrations/${tenant}/${integration}`],
  ] as const)
    await bench.refused({
      what: path,
      method,
      path,
      headers: { 'sec-fetch-site': 'cross-site' },
      status: 403,
      code: 'forged_request',
    })
  for (const site of ['same-origin', 'same-site', 'none']) {
    const path = `/api/hubspot/integrations/${tenant}`
    assert.equal((await bench.send({ path, headers: { 'sec-fetch-site': site } })).status, 200)
  }
})

test('HubSpot’s page still leads back here', async () => {
  const path = '/api/hubspot/oauth/callback?error=access_denied'
  const answer = await bench.send({ path, headers: { 'sec-fetch-site': 'cross-site' } })
  assert.equal(answer.json.code, 'oauth_denied')
})
