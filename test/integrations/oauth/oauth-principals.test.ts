/** A program finishes only what its own side began: the operator's key the operator's, a tenant's key that tenant's. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { mayFinishAuthorization, type Principal } from '../../../src/api/principal.ts'
import { parseTenantId } from '../../../src/db/tenant-id.ts'
import { runSql } from '../../http/database.ts'
import { idle } from '../../http/http-fixture.ts'
import { checkShape } from '../../http/oracle.ts'
import { send } from '../../http/send.ts'
import { callback, type OAuthBench, startOAuth } from './oauth-fixture.ts'

const tenantId = parseTenantId(randomUUID())
const key: Principal = { kind: 'tenant', tenantId, scopes: ['manage'], by: 'key:0123456789abcdef' }
const cases: [Principal, begunBy: string, may: boolean][] = [
  [{ kind: 'open' }, 'open', true],
  [{ kind: 'open' }, 'admin', false],
  [{ kind: 'open' }, 'key:0123456789abcdef', false],
  [{ kind: 'admin' }, 'admin', true],
  [{ kind: 'admin' }, 'cli', true],
  [{ kind: 'admin', by: 'cli' }, 'admin', true],
  [{ kind: 'admin' }, 'open', false],
  [{ kind: 'admin' }, 'key:0123456789abcdef', false],
  [key, 'key:0123456789abcdef', true],
  [key, 'key:fedcba9876543210', true],
  [key, 'admin', false],
  [key, 'cli', false],
  [key, 'open', false],
  [{ kind: 'metrics' }, 'metrics', false],
]

test('who may finish which authorization', () => {
  for (const [principal, begunBy, may] of cases)
    assert.equal(mayFinishAuthorization(principal, begunBy), may, `${JSON.stringify(principal)} ${begunBy}`)
})

const adminKey = randomBytes(32).toString('base64url')
let bench: OAuthBench
before(async () => {
  bench = await startOAuth({ SPOKE_ADMIN_KEY: adminKey })
})
after(() => bench.stop())

const bearer = (one: string) => ({ authorization: `Bearer ${one}`, 'content-type': 'application/json' })
const ask = (as: string, path: string, body?: object) =>
  send(bench.service.url, {
    path,
    headers: bearer(as),
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  })

async function newKey(tenant: string): Promise<string> {
  await ask(adminKey, '/api/tenants', { tenant_id: tenant })
  const made = await ask(adminKey, `/api/tenants/${tenant}/api-keys`, {
    name: 'x',
    scopes: ['manage', 'read'],
  })
  assert.equal(made.status, 201, made.text)
  return made.json.api_key
}

async function began(as: string, tenant: string) {
  const { json } = await ask(as, `/api/hubspot/authorize/${tenant}`)
  return { integration: json.integration_id, ...(await bench.visit(json.authorization_url, bench.portal())) }
}

test('another principal’s authorization is invalid_state without a call, in either form of the state; its owner can still finish it', async () => {
  const [tenant, other] = [randomUUID(), randomUUID()]
  const [first, second, foreign] = [await newKey(tenant), await newKey(tenant), await newKey(other)]
  for (const [starts, finishes, others] of [
    [adminKey, adminKey, [first, second, foreign]],
    [first, first, [adminKey, foreign]],
    [first, second, [adminKey]],
  ] as const) {
    const { integration, code, state } = await began(starts, tenant)
    const [row] = await runSql(
      bench.database,
      `select requested_by from authorizations where tenant_id = '${tenant}'`,
    )
    assert.equal(row?.requested_by, starts === adminKey ? 'admin' : `key:${starts.split('_')[1]}`)
    const calls = bench.emulator.world.log.list().length
    for (const one of others) {
      for (const said of [state, `${tenant}:${integration}`]) {
        const answer = await ask(one, callback, { code, state: said })
        checkShape(answer, { what: 'another one', status: 400, code: 'invalid_state' })
      }
    }
    assert.equal(bench.emulator.world.log.list().length, calls, 'HubSpot was called')
    const answer = await ask(finishes, callback, { code, state })
    assert.equal(answer.status, 200, answer.text)
    await idle(bench.service, bench.database)
  }
})

test('a browser may return with any authorization: it has no credential, and its user must confirm', async () => {
  const tenant = randomUUID()
  for (const starts of [adminKey, await newKey(tenant)]) {
    const { search, integration } = await began(starts, tenant)
    const pressed = await bench.browser.press(await bench.browser.comeBack(`${callback}${search}`))
    assert.equal(pressed.status, 303)
    const { json } = await ask(adminKey, `/api/hubspot/integrations/${tenant}/${integration}`)
    assert.equal(json.status, 'active')
    await idle(bench.service, bench.database)
  }
})
