/** OAuth that fails: a code refused, a user who denies, HubSpot down, an operator's mistake; no integration changes. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import type { NewFault } from '../../../packages/emulator/src/http/faults.ts'
import { tableCounts } from '../../http/database.ts'
import { idle, startOn } from '../../http/http-fixture.ts'
import { checkLog, checkShape, type Refusal } from '../../http/oracle.ts'
import { type Answer, send } from '../../http/send.ts'
import { type Came, type OAuthBench, startOAuth } from './oauth-fixture.ts'

let bench: OAuthBench
before(async () => {
  bench = await startOAuth({ HUBSPOT_TIMEOUT: '3s' })
})
after(() => bench.stop())
beforeEach(() => bench.emulator.world.faults.clear())

type Expected = Pick<Refusal, 'status' | 'code'>

/** Both callback routes respond alike, the browser's page has the same status, and the integration is unchanged. */
async function refusedAnswer(
  what: string,
  expected: Expected,
  change: (came: Came) => Partial<Came>,
  hidden: string[] = [],
): Promise<Answer> {
  let last: Answer | undefined
  for (const route of ['post', 'get', 'page'] as const) {
    bench.emulator.world.faults.clear()
    const started = await bench.start(bench.portal())
    const came = { ...started, ...change(started) }
    const counts = await tableCounts(bench.database)
    const from = bench.service.lines.length
    const search = `?${new URLSearchParams({ code: came.code, state: came.state })}`
    const accept = route === 'page' ? 'text/html' : 'application/json'
    last = route === 'post' ? await bench.post(came.code, came.state) : await bench.browse(search, accept)
    const said = `${what} by ${route}`
    if (route === 'page') {
      assert.equal(last.status, expected.status, said)
      assert.match(String(last.headers['content-type']), /^text\/html/, said)
    } else {
      checkShape(last, { what: said, ...expected })
      checkLog(bench.service, from, last, said)
    }
    const written = bench.service.lines.slice(from).join('')
    for (const secret of [came.code, ...hidden]) {
      assert.ok(!last.text.includes(secret), `${said}: ${last.text}`)
      assert.ok(!written.includes(came.code), said)
    }
    const { 'public.authorizations': _, ...rest } = await tableCounts(bench.database)
    const { 'public.authorizations': __, ...old } = counts
    assert.deepEqual(rest, old, said)
    const path = `/api/hubspot/integrations/${started.tenant}/${started.integration}`
    const { body } = await bench.service.get(path)
    assert.deepEqual([body.status, body.hub_id], ['pending', null], said)
  }
  return last as Answer
}

const rejected = { status: 400, code: 'oauth_code_rejected' }

test("a code that HubSpot does not know is 400, and HubSpot's message is not passed on", async () => {
  const hidden = ['missing or unknown', 'BAD_AUTH_CODE', 'invalid_grant']
  await refusedAnswer('a wrong code', rejected, () => ({ code: `zq-${randomUUID()}` }), hidden)
})

test('a code that was used or is too old is 400', async () => {
  const used = await bench.start(bench.portal())
  assert.equal((await bench.post(used.code, used.state)).status, 200)
  await idle(bench.service, bench.database)
  await refusedAnswer('a used code', rejected, () => ({ code: used.code }))
  await refusedAnswer('an old code', rejected, () => {
    bench.emulator.world.clock.advance(11 * 60_000)
    return {}
  })
})

test('a user who denies gets 400, and can start again', async () => {
  const { tenant, integration, search, error } = await bench.start(bench.portal(), randomUUID(), '', 'deny')
  assert.equal(error, 'access_denied')
  const before = bench.tokenCalls()
  const answer = await bench.browse(search, 'application/json')
  checkShape(answer, { what: 'denied', status: 400, code: 'oauth_denied' })
  const page = await bench.browse(search)
  assert.equal(page.status, 400)
  assert.match(page.text, /<h1>/)
  assert.equal(bench.tokenCalls(), before)
  const again = await bench.start(bench.portal(), tenant, `?integration_id=${integration}`)
  assert.equal((await bench.post(again.code, again.state)).status, 200)
  await idle(bench.service, bench.database)
})

const down = { status: 502, code: 'hubspot_unavailable' }
const faults: [what: string, fault: NewFault][] = [
  ['answers 503 at the token', { kind: 'status', status: 503, match: { path: '/oauth/' } }],
  ['answers a page at the token', { kind: 'html', status: 200, match: { path: '/oauth/' } }],
  ['answers half a JSON at the token', { kind: 'invalid_json', match: { path: '/oauth/' } }],
  ['resets at the token', { kind: 'reset', match: { path: '/oauth/' } }],
  ['is down after the token', { kind: 'status', status: 503, match: { path: '/account-info' } }],
  ['is down at introspection', { kind: 'status', status: 500, match: { path: '/introspect' } }],
]

for (const [what, fault] of faults) {
  test(`while HubSpot ${what} a callback is 502, and nothing is stored`, async () => {
    await refusedAnswer(what, down, () => {
      bench.emulator.world.faults.add({ ...fault, times: null })
      return {}
    })
  })
}

test('while HubSpot hangs at the token a callback ends by its deadline', async () => {
  bench.emulator.world.faults.add({ kind: 'hang', match: { path: '/oauth/2026-09/token' }, times: null })
  const { code, state } = await bench.start(bench.portal())
  const began = performance.now()
  const answer = await bench.post(code, state)
  assert.ok([502, 504].includes(answer.status), answer.text)
  checkShape(answer, { what: 'hang', status: answer.status, code: 'hubspot_unavailable' })
  assert.ok(performance.now() - began < 5_000)
})

test("a wrong client secret is the operator's error, and no tenant is marked for it", async () => {
  const connected = await bench.start(bench.portal())
  assert.equal((await bench.post(connected.code, connected.state)).status, 200)
  await idle(bench.service, bench.database)
  const app = bench.emulator.world.tokens.apps.get('test-client')
  assert.ok(app)
  app.client_secret = 'another'
  try {
    await refusedAnswer('a wrong secret', { status: 503, code: 'oauth_not_configured' }, () => ({}))
    bench.emulator.world.clock.advance(31 * 60_000)
    bench.emulator.world.tokens.expire({})
    const ids = `${connected.tenant}/${connected.integration}`
    const tickets = await bench.service.get(`/api/hubspot/tickets/${ids}`)
    assert.ok(tickets.status >= 500, JSON.stringify(tickets.body))
    const { body } = await bench.service.get(`/api/hubspot/integrations/${ids}`)
    assert.ok(['active', 'degraded'].includes(body.status), body.status)
    app.client_secret = 'test-secret-of-the-app'
    assert.equal((await bench.service.get(`/api/hubspot/tickets/${ids}`)).status, 200)
  } finally {
    app.client_secret = 'test-secret-of-the-app'
  }
})

test('without an app of its own OAuth is 503 oauth_not_configured, makes no tenant, and tokens can still be pasted', async () => {
  const none = {
    HUBSPOT_CLIENT_ID: '',
    HUBSPOT_CLIENT_SECRET: '',
    HUBSPOT_APP_ID: '',
    HUBSPOT_REDIRECT_URI: '',
  }
  const { service, database } = await startOn(bench.emulator, none)
  try {
    const before = await tableCounts(database)
    const tenant = randomUUID()
    const answer = await send(service.url, { path: `/api/hubspot/authorize/${tenant}` })
    checkShape(answer, { what: 'authorize', status: 503, code: 'oauth_not_configured' })
    assert.deepEqual(await tableCounts(database), before)
    const { token } = bench.emulator.world.addToken(bench.portal(), { kind: 'private_app' })
    const made = await service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
    assert.equal(made.status, 201)
    await idle(service, database)
  } finally {
    await service.stop()
  }
})
