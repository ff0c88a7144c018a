/** Connecting by OAuth: to HubSpot and back, by a program or a browser, with a state that is good once. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { everyRow, tableCounts } from '../../http/database.ts'
import { connectTenant, idle } from '../../http/http-fixture.ts'
import { checkShape } from '../../http/oracle.ts'
import { send } from '../../http/send.ts'
import { type OAuthBench, startOAuth } from './oauth-fixture.ts'

let bench: OAuthBench
before(async () => {
  bench = await startOAuth()
})
after(() => bench.stop())

const required = ['oauth', 'tickets', 'crm.objects.owners.read']

test('authorize makes the tenant and a pending integration, and sends to HubSpot with a state of its own', async () => {
  const tenant = randomUUID()
  const { status, json } = await bench.authorize(tenant)
  assert.equal(status, 200)
  const { authorization_url, integration_id, ...rest } = json
  assert.deepEqual(rest, { success: true, tenant_id: tenant })
  const url = new URL(authorization_url)
  const query = Object.fromEntries(url.searchParams)
  assert.equal(`${url.origin}${url.pathname}`, `${bench.emulator.url}/oauth/authorize`)
  assert.equal(query.client_id, 'test-client')
  assert.equal(query.redirect_uri, 'http://localhost:8000/api/hubspot/oauth/callback')
  for (const scope of required) assert.ok(query.scope?.split(' ').includes(scope), query.scope)
  assert.ok(!authorization_url.includes('+'), 'scopes are parted by %20')
  assert.match(String(query.state), new RegExp(`^${tenant}:${integration_id}:[\\w-]{22,}$`))
  const again = new URL((await bench.authorize(tenant)).json.authorization_url)
  assert.notEqual(again.searchParams.get('state'), query.state)
  assert.ok(!authorization_url.includes('secret'))
  const { body } = await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration_id}`)
  assert.deepEqual([body.status, body.hub_id], ['pending', null])
  for (const path of [`tickets/${tenant}/${integration_id}`, `sync/${tenant}/${integration_id}`]) {
    const method = path.startsWith('sync') ? 'POST' : 'GET'
    const headers = { 'content-type': 'application/json' }
    const sent = {
      method,
      path: `/api/hubspot/${path}`,
      ...(method === 'POST' ? { body: '{}', headers } : {}),
    }
    const answer = await send(bench.service.url, sent)
    checkShape(answer, { what: path, status: 409, code: 'integration_not_connected' })
  }
})

test('the scopes that the operator’s app requires are a setting, and are requested', async () => {
  const scopes = 'oauth tickets crm.objects.owners.read crm.objects.contacts.read'
  const own = await startOAuth({
    HUBSPOT_REQUIRED_SCOPES: scopes,
    HUBSPOT_OPTIONAL_SCOPES: 'crm.objects.contacts.read crm.objects.deals.read',
  })
  try {
    Object.assign(own.emulator.world.tokens.apps.get('test-client') ?? {}, {
      required_scopes: scopes.split(' '),
    })
    const portal = own.portal()
    const { json } = await own.authorize(randomUUID())
    const query = new URL(json.authorization_url).searchParams
    assert.equal(query.get('scope'), scopes)
    assert.equal(query.get('optional_scope'), 'crm.objects.deals.read')
    const { code, state } = await own.start(portal)
    const connected = await own.post(code, state)
    assert.equal(connected.status, 200, connected.text)
    assert.ok(connected.json.scopes.includes('crm.objects.contacts.read'))
  } finally {
    await own.stop()
  }
})

test('a program that posts code and state connects the account', async () => {
  const portal = bench.portal({ hub_domain: 'acme.example.com' })
  const { tenant, integration, code, state } = await bench.start(portal)
  const { status, json } = await bench.post(code, state)
  assert.equal(status, 200, JSON.stringify(json))
  const { success, tenant_id, integration_id, integration_type, hub_id, hub_domain } = json
  assert.deepEqual(
    { success, tenant_id, integration_id, integration_type, status: json.status, hub_id, hub_domain },
    {
      success: true,
      tenant_id: tenant,
      integration_id: integration,
      integration_type: 'hubspot',
      status: 'active',
      hub_id: portal,
      hub_domain: 'acme.example.com',
    },
  )
  assert.deepEqual([...json.scopes].sort(), [...required].sort())
  const tickets = await bench.service.get(`/api/hubspot/tickets/${tenant}/${integration}`)
  assert.deepEqual([tickets.status, tickets.body.total_count], [200, 2])
})

for (const introspect of ['full', 'active_only'] as const) {
  test(`a browser sees the account before it is connected, and ends on a page without the code (introspection: ${introspect})`, async () => {
    bench.emulator.world.changeQuirks({ introspect })
    const portal = bench.portal()
    const { tenant, integration, code, state, search } = await bench.start(portal)
    const came = await bench.browser.comeBack(`/api/hubspot/oauth/callback${search}`)
    const waiting = await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration}`)
    assert.deepEqual([waiting.body.status, waiting.body.hub_id], ['pending', null])
    const { status, location, text } = await bench.browser.press(came)
    assert.equal(status, 303, text)
    for (const secret of [code, state, 'code=', 'state=']) assert.ok(!location.includes(secret), location)
    const target = new URL(location, bench.service.url)
    assert.ok(target.origin === bench.service.url || target.hostname === 'localhost', location)
    const page = await send(bench.service.url, { path: `${target.pathname}${target.search}` })
    assert.equal(page.status, 200)
    assert.match(String(page.headers['content-type']), /^text\/html/)
    assert.ok(page.text.includes(String(portal)), page.text)
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/)
    assert.match(String(page.headers['content-security-policy']), /frame-ancestors 'none'/)
    assert.equal(page.headers['x-content-type-options'], 'nosniff')
    assert.equal(page.headers['referrer-policy'], 'no-referrer')
    const { body } = await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration}`)
    assert.deepEqual([body.status, body.hub_id], ['active', portal])
    bench.emulator.world.changeQuirks({ introspect: 'full' })
  })
}

test('reconnecting preserves the id and the data, and the new token is used', async () => {
  const portal = bench.portal()
  const { tenant, integration, code, state } = await bench.start(portal)
  await bench.post(code, state)
  await idle(bench.service, bench.database)
  const issues = (await bench.service.get(`/api/hubspot/issues/${tenant}`)).body.issues
  assert.equal(issues.length, 2)
  bench.emulator.world.tokens.revoke({ portal_id: portal })
  const again = await bench.start(portal, tenant, `?integration_id=${integration}`)
  assert.equal(again.integration, integration)
  const { status, json } = await bench.post(again.code, again.state)
  assert.deepEqual([status, json.integration_id, json.status], [200, integration, 'active'])
  await idle(bench.service, bench.database)
  const saved = (await bench.service.get(`/api/hubspot/issues/${tenant}`)).body.issues
  const ids = (list: { issue_id: string }[]) => list.map(({ issue_id }) => issue_id).sort()
  assert.deepEqual(ids(saved), ids(issues))
  assert.equal((await bench.service.get(`/api/hubspot/tickets/${tenant}/${integration}`)).status, 200)
})

test('coming back with another account is 409, by program and by browser, and the old connection works on', async () => {
  const [portal, other] = [bench.portal(), bench.portal()]
  const { tenant, integration, code, state } = await bench.start(portal)
  await bench.post(code, state)
  await idle(bench.service, bench.database)
  const first = await bench.start(other, tenant, `?integration_id=${integration}`)
  const refused = await bench.post(first.code, first.state)
  checkShape(refused, { what: 'program', status: 409, code: 'hub_changed' })
  const second = await bench.start(other, tenant, `?integration_id=${integration}`)
  const browser = await bench.browse(second.search, 'application/json')
  checkShape(browser, { what: 'browser', status: 409, code: 'hub_changed' })
  const third = await bench.start(other, tenant, `?integration_id=${integration}`)
  const page = await bench.browse(third.search)
  assert.equal(page.status, 409, page.text)
  const { body } = await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration}`)
  assert.deepEqual([body.hub_id, body.status], [portal, 'active'])
  const tickets = await bench.service.get(`/api/hubspot/tickets/${tenant}/${integration}`)
  assert.equal(tickets.status, 200)
})

test('an account that belongs to another integration of the tenant renews that one, and leaves no second', async () => {
  const portal = bench.portal()
  const { token } = bench.emulator.world.addToken(portal, { kind: 'private_app' })
  const { tenant, integration } = await connectTenant(bench.service, token)
  await idle(bench.service, bench.database)
  const { code, state } = await bench.start(portal, tenant)
  const { status, json } = await bench.post(code, state)
  assert.deepEqual([status, json.integration_id], [200, integration])
  const { body } = await bench.service.get(`/api/hubspot/integrations/${tenant}`)
  const live = body.integrations.filter((one: { status: string }) => one.status !== 'pending')
  assert.deepEqual(
    live.map((one: { integration_id: string }) => one.integration_id),
    [integration],
  )
})

test('no code, state or token is in a log line at debug, in the database, or in a URL that HubSpot saw', async () => {
  await idle(bench.service, bench.database)
  const [written, rows] = [bench.service.lines.join(''), await everyRow(bench.database)]
  const { access, refresh } = bench.emulator.world.tokens
  const secrets = [...bench.secrets, ...access.keys(), ...refresh.keys(), 'test-secret-of-the-app']
  assert.ok(bench.secrets.length > 8 && secrets.length > 20)
  for (const secret of secrets) {
    assert.ok(!written.includes(secret), 'a secret is in the log')
    assert.ok(!written.includes(encodeURIComponent(secret)), 'a secret is in the log, encoded')
    assert.ok(!rows.includes(secret), 'a secret is in the database')
  }
  const asked = bench.emulator.world.log.list()
  const seen = asked.filter(({ secret_in_url, path }) => secret_in_url || path.startsWith('/oauth/v1'))
  assert.deepEqual(seen, [])
  assert.ok(Object.values(await tableCounts(bench.database)).some((count) => count > 0))
})
