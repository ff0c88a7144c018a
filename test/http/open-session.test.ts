/** In open mode there is no authentication: the session routes return the same format, store nothing, and refuse pages of other sites. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { tableCounts } from './database.ts'
import { type Bench, startBench } from './http-fixture.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

test('a page can read its session, log in and log out as usual, and gets no cookie and no row', async () => {
  const before = await tableCounts(bench.database)
  const open = {
    success: true,
    principal: 'open',
    tenant_id: null,
    scopes: ['read', 'sync', 'manage'],
    actor: 'open',
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

test('a page of another origin is refused for any request, also by methods without a preflight; a program is not', async () => {
  const { tenant, integration } = bench
  const endpoint = '0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f12'
  const own = new URL(bench.service.url)
  const foreign: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'same-site', origin: own.origin },
    { 'sec-fetch-site': 'something-new' },
    { origin: 'https://evil.example' },
    { origin: `http://127.0.0.1:${Number(own.port) + 1}` },
    { origin: `http://localhost:${own.port}` },
    { origin: 'null' },
    { origin: 'file://' },
    { origin: `chrome-extension://${own.host}` },
    { origin: '' },
  ]
  for (const headers of foreign)
    for (const [method, path] of [
      ['GET', `/api/hubspot/authorize/${tenant}`],
      ['GET', `/api/hubspot/integrations/${tenant}`],
      ['POST', `/api/hubspot/sync/${tenant}/${integration}`],
      ['POST', `/api/hubspot/endpoints/${tenant}/${endpoint}/rotate`],
      ['POST', '/api/session'],
      ['DELETE', `/api/hubspot/integrations/${tenant}/${integration}`],
    ] as const)
      await bench.refused({
        what: `${method} ${path} ${JSON.stringify(headers)}`,
        method,
        path,
        headers,
        status: 403,
        code: 'forged_request',
      })
  for (const headers of [
    {},
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { origin: own.origin },
    // A front end's development server that passes requests on.
    { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:5173' },
  ]) {
    const path = `/api/hubspot/integrations/${tenant}`
    assert.equal((await bench.send({ path, headers })).status, 200)
    const unknown = await bench.send({
      method: 'POST',
      path: `/api/hubspot/endpoints/${tenant}/${endpoint}/rotate`,
      headers,
    })
    assert.equal(unknown.json.code, 'endpoint_not_found', unknown.text)
  }
})

test('the redirect from HubSpot’s page still works', async () => {
  const path = '/api/hubspot/oauth/callback?error=access_denied'
  const answer = await bench.send({ path, headers: { 'sec-fetch-site': 'cross-site' } })
  assert.equal(answer.json.code, 'oauth_denied')
})
