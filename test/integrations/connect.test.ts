/** Connecting by a pasted token: every kind that HubSpot has, detected by requests, and sealed from the first row. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import type { Quirks } from '../../packages/emulator/src/quirks.ts'
import type { NewToken } from '../../packages/emulator/src/token-types.ts'
import { resourceNames } from '../../src/integrations/resources.ts'
import { everyRow } from '../http/database.ts'
import { idle, newAccount, startOn } from '../http/http-fixture.ts'
import type { Watched } from '../http/oracle.ts'
import { startTestEmulator } from '../support/emulator.ts'

let bench: Watched
const given: string[] = []

before(async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  bench = { emulator, ...(await startOn(emulator)) }
})
after(async () => {
  await bench.service.stop()
  await bench.emulator.close()
})
beforeEach(() => {
  const { world } = bench.emulator
  world.faults.clear()
  world.changeQuirks({ introspect: 'full', token_info_unknown: 401, token_info_needs_bearer: false })
})

const post = (tenant: string, token: string) =>
  bench.service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })

/** A portal and a token for it, recorded so that the last test can search for it everywhere. */
function account(token: Partial<NewToken> = {}, portal: object = {}) {
  const made = newAccount(bench.emulator, portal, token)
  given.push(made.token)
  return made
}

const scopes = ['oauth', 'tickets', 'crm.objects.owners.read']

for (const kind of ['private_app', 'static', 'service_key'] as const) {
  test(`a ${kind} token connects its account, with the fields of the contract`, async () => {
    const { portal, token } = account({ kind, scopes })
    const tenant = randomUUID()
    const { status, body } = await post(tenant, token)
    assert.equal(status, 201, JSON.stringify(body))
    const { integration_id, created_at, last_sync, status_reason, scopes: granted, resources, ...rest } = body
    assert.deepEqual(rest, {
      success: true,
      tenant_id: tenant,
      integration_type: 'hubspot',
      status: 'active',
      hub_id: portal,
      hub_domain: null,
    })
    assert.match(integration_id, /^[0-9a-f-]{36}$/)
    assert.deepEqual(Object.keys(resources), [...resourceNames])
    assert.deepEqual([...granted].sort(), [...scopes].sort())
    const list = await bench.service.get(`/api/hubspot/integrations/${tenant}`)
    assert.equal(list.status, 200)
    assert.deepEqual([list.body.success, list.body.tenant_id, list.body.total_count], [true, tenant, 1])
    const [one] = list.body.integrations
    assert.equal(one.created_at, new Date(one.created_at).toISOString())
    assert.ok(one.last_sync === null || !Number.isNaN(Date.parse(one.last_sync)))
    const single = await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration_id}`)
    assert.deepEqual({ ...single.body, last_sync: one.last_sync }, { success: true, ...one })
  })
}

type KnownFacts = { scopes: string[] | null; domain: boolean }
const oauth: [what: string, token: Partial<NewToken>, quirks: Partial<Quirks>, known: KnownFacts][] = [
  ['of our own app', { client_id: 'test-client', scopes }, {}, { scopes, domain: true }],
  [
    'of our own app, where introspection returns only active',
    { client_id: 'test-client', scopes },
    { introspect: 'active_only' },
    { scopes: null, domain: false },
  ],
  ['of another app', { scopes }, {}, { scopes: null, domain: false }],
  [
    'of another app, where an unknown token is 404',
    { scopes },
    { token_info_unknown: 404 },
    { scopes: null, domain: false },
  ],
]

for (const [what, token, quirks, known] of oauth) {
  test(`a pasted OAuth access token ${what} connects the account it opens`, async () => {
    bench.emulator.world.changeQuirks(quirks)
    const made = account({ kind: 'oauth', ...token }, { hub_domain: 'acme.example.com' })
    const from = bench.emulator.world.log.list().length
    const { status, body } = await post(randomUUID(), made.token)
    assert.equal(status, 201, JSON.stringify(body))
    assert.deepEqual([body.hub_id, body.status], [made.portal, 'active'])
    assert.equal(body.hub_domain, known.domain ? 'acme.example.com' : null)
    if (known.scopes) assert.deepEqual([...body.scopes].sort(), [...known.scopes].sort())
    else assert.equal(body.scopes, null)
    const asked = bench.emulator.world.log.list().slice(from)
    assert.ok(asked.some(({ path }) => path.startsWith('/account-info/')))
    const list = asked.find(({ path, query }) => path.endsWith('/tickets') && query.limit === '1')
    if (known.scopes === null) assert.ok(list, 'tickets were not tried')
  })
}

const helpers: [what: string, quirks: Partial<Quirks>][] = [
  ['requires a bearer too', { token_info_needs_bearer: true }],
  ['answers 404 to a token it does not know', { token_info_unknown: 404 }],
]

for (const [what, quirks] of helpers) {
  test(`a private-app token connects where its introspection ${what}`, async () => {
    bench.emulator.world.changeQuirks(quirks)
    const { portal, token } = account()
    const { status, body } = await post(randomUUID(), token)
    assert.deepEqual([status, body.hub_id], [201, portal])
    assert.ok(body.scopes.includes('tickets'))
  })
}

test('a private-app token connects even when the old introspection endpoint is removed', async () => {
  const match = { path: 'access-token-info' }
  bench.emulator.world.faults.add({ kind: 'status', status: 404, match, times: null })
  const { portal, token } = account()
  const { status, body } = await post(randomUUID(), token)
  assert.deepEqual([status, body.hub_id, body.scopes], [201, portal, null])
})

test('a domain that HubSpot does not give is null', async () => {
  bench.emulator.world.changeQuirks({ hub_domain_null: true })
  const { token } = account({ kind: 'oauth', client_id: 'test-client' }, { hub_domain: 'x.example' })
  const { status, body } = await post(randomUUID(), token)
  bench.emulator.world.changeQuirks({ hub_domain_null: false })
  assert.deepEqual([status, body.hub_domain], [201, null])
})

test('no token is in the database in clear, in a log line, in a URL, and OAuth v1 was never called', async () => {
  await idle(bench.service, bench.database)
  const [rows, written] = [await everyRow(bench.database), bench.service.lines.join('')]
  assert.ok(given.length > 9)
  for (const token of given) {
    for (const form of [token, Buffer.from(token).toString('base64'), Buffer.from(token).toString('hex')]) {
      assert.ok(!rows.includes(form), 'a token is in the database')
      assert.ok(!written.includes(form), 'a token is in the log')
    }
  }
  const asked = bench.emulator.world.log.list()
  assert.deepEqual(
    asked.filter(({ secret_in_url, path }) => secret_in_url || path.startsWith('/oauth/v1')),
    [],
  )
})
