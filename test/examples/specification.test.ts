/**
 * The user's specification, run: its Python client and its curl lines are taken out of the text and run unchanged
 * against the default start on port 8000, with HubSpot's two addresses pointed at the emulator and the ids and the
 * token filled in as its reader would; and once more with an admin key set, with one header added: a key of the tenant.
 * It reports what it skips and why.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createApi } from '../../demo/api.ts'
import { isFree } from '../../demo/ports.ts'
import { type SpokeProcess, startSpoke } from '../../demo/spoke-process.ts'
import { type Emulator, startEmulator } from '../../packages/emulator/src/server.ts'
import { eventually } from '../support/service.ts'
import { findPython, noPython } from './find-python.ts'
import { runProgram } from './run-program.ts'
import { differences, readSpecification, routeOf } from './specification-text.ts'

const shared = process.env.SPOKE_SHARED_DIR ?? join(import.meta.dirname, '../../../shared')
const path = join(shared, '000_462675e212e40569.txt')
const base = 'http://localhost:8000'
const callback = `${base}/api/hubspot/oauth/callback`
const tickets = 60

const absent = existsSync(path)
  ? undefined
  : `the specification is not at ${path}; SPOKE_SHARED_DIR names its folder`
/** Another test, or the demo of a moment ago, may be about to leave it. */
const taken = absent ?? (await whyNotOn8000())

async function whyNotOn8000(): Promise<string | undefined> {
  const free = await eventually(() => isFree(8000), 'port 8000 is free', 10_000).catch(() => false)
  return free ? undefined : 'port 8000 is taken, and the specification’s lines name it'
}

const adminKey = randomBytes(32).toString('base64url')

for (const [name, closed] of [
  ['the specification against the default start', false],
  ['the specification in closed mode, with one header added', true],
] as const) {
  if (taken) test(name, { skip: taken }, () => {})
  else describe(name, { timeout: 120_000 }, () => runAll(closed))
}

function runAll(closed: boolean): void {
  const { python, curl, answers, bodies } = readSpecification(readFileSync(path, 'utf8'))
  const stop = new AbortController()
  const api = createApi(base, stop.signal, closed ? adminKey : undefined)
  /** The header's value per tenant. */
  const bearer = new Map<string, string>()
  const tenantId = randomUUID()
  let hubspot: Emulator
  let spoke: SpokeProcess
  let integrationId = ''
  let token = ''

  before(async () => {
    hubspot = await startEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
    const { world } = hubspot
    const app = world.addApp({ redirect_uris: [callback], required_scopes: ['oauth', 'tickets'] })
    const { portal_id: hubId } = world.addPortal({ tickets })
    token = world.addToken(hubId, { kind: 'oauth', client_id: app.client_id }).token
    spoke = startSpoke(base, {
      HUBSPOT_CLIENT_ID: app.client_id,
      HUBSPOT_CLIENT_SECRET: app.client_secret,
      HUBSPOT_REDIRECT_URI: callback,
      HUBSPOT_API_URL: hubspot.url,
      HUBSPOT_AUTHORIZE_URL: `${hubspot.url}/oauth/authorize`,
      ...(closed ? { SPOKE_ADMIN_KEY: adminKey } : {}),
    })
    await spoke.ready(60_000, stop.signal)
    if (closed) await makeKey(tenantId)
  })

  async function makeKey(tenant: string): Promise<void> {
    await api.post('/api/tenants', { tenant_id: tenant }, 201)
    const wanted = { name: 'specification', scopes: ['read', 'sync', 'manage'] }
    const { body } = await api.post(`/api/tenants/${tenant}/api-keys`, wanted, 201)
    bearer.set(tenant, `Bearer ${body.api_key}`)
  }

  after(async () => {
    stop.abort()
    await spoke?.stop()
    await hubspot?.close()
  })

  const filled = (text: string, integration = integrationId) =>
    text
      .replaceAll('{tenant_id}', tenantId)
      .replaceAll('{integration_id}', integration)
      .replace(/("access_token": )"[^"]*"/, `$1"${token}"`)

  async function runLine(line: string): Promise<unknown> {
    const header = closed ? ` -H 'Authorization: ${bearer.get(tenantId)}'` : ''
    const ran = await runProgram('bash', ['-c', `${filled(line)}${header}`], {}, 20_000)
    assert.equal(ran.code, 0, ran.stderr)
    return JSON.parse(ran.stdout)
  }

  /** The answer has every field of the text, of the same type. */
  function holds(route: string, answer: unknown): void {
    const expected = answers.get(route)
    assert.ok(expected, `the text shows no answer to ${route}`)
    assert.deepEqual(differences(expected, answer), [], `${route}: ${JSON.stringify(answer)}`)
  }

  /** So that the next `sync` begins a run and does not find one under way. */
  const idle = (tenant: string, integration: string) =>
    eventually(async () => {
      const { body } = await api.get(`/api/hubspot/sync/${tenant}/${integration}`)
      return body.running.length === 0
    }, 'no run is under way')

  test('the curl line that creates an integration creates one', async () => {
    const line = curl.find((one) => routeOf(one) === 'POST integrations') ?? ''
    const made = (await runLine(line)) as Record<string, string>
    assert.equal(made.success, true)
    assert.equal(made.tenant_id, tenantId)
    integrationId = made.integration_id as string
    await idle(tenantId, integrationId)
  })

  for (const line of curl.filter((one) => routeOf(one) !== 'POST integrations')) {
    const route = routeOf(line)
    test(`the curl line of ${route} returns the fields that the text shows`, async () => {
      const answer = (await runLine(line)) as Record<string, unknown>
      holds(route, answer)
      if ('tenant_id' in (answers.get(route) as object)) assert.equal(answer.tenant_id, tenantId)
      if (route === 'GET tickets') assert.equal(answer.total_count, tickets)
      if (route === 'GET authorize')
        assert.ok(String(answer.authorization_url).startsWith(`${hubspot.url}/oauth/authorize?`))
      if (route === 'POST sync') {
        const { message } = answers.get(route) as { message: string }
        assert.deepEqual([answer.message, answer.integration_id], [message, integrationId])
      }
    })
  }

  test('every route of the text was called, except the OAuth callback and the list', () => {
    const asked = curl.map(routeOf)
    const routes = ['GET status', 'GET tickets', 'POST sync', 'POST integrations', 'GET authorize']
    assert.deepEqual([...asked].sort(), routes.sort())
  })

  test('the list of integrations contains the one that was created', async () => {
    const { body } = await api.get(`/api/hubspot/integrations/${tenantId}`)
    const active = body.integrations.filter((one: { status: string }) => one.status === 'active')
    assert.deepEqual(
      active.map((one: { integration_id: string }) => one.integration_id),
      [integrationId],
    )
  })

  test('the OAuth flow of the text, and the Python client on the integration it activates', async (t) => {
    const found = await findPython()
    const tenant = randomUUID()
    const began = (await api.get(`/api/hubspot/authorize/${tenant}`)).body
    holds('GET authorize', began)
    const page = new URL(began.authorization_url)
    page.searchParams.set('auto', '1')
    const back = new URL((await api.get(page.href, 302)).headers.get('location') ?? '')
    // The state of the text: both ids and nothing more.
    const { state } = bodies.get('POST oauth') as { state: string }
    const body = {
      code: back.searchParams.get('code'),
      state: state.replace('tenant_id', tenant).replace('integration_id', began.integration_id),
    }
    const connected = (await api.post('/api/hubspot/oauth/callback', body, 200)).body
    if (closed) bearer.set(tenant, `Bearer ${adminKey}`)
    assert.equal(connected.success, true)
    assert.equal(connected.integration_id, began.integration_id)
    await idle(tenant, began.integration_id)
    if (!found) return t.skip(noPython)

    const ran = await runProgram(found, ['-'], {}, 60_000, program(tenant, began.integration_id))
    assert.equal(ran.code, 0, ran.stderr)
    const results = JSON.parse(ran.stdout)
    assert.deepEqual(Object.keys(results), ['test_connection', 'list_tickets', 'sync_tickets'])
    holds('GET status', results.test_connection)
    holds('GET tickets', results.list_tickets)
    assert.equal(results.list_tickets.tickets.length, Math.min(50, tickets))
    holds('POST sync', results.sync_tickets)
    assert.equal(results.sync_tickets.integration_id, began.integration_id)
    assert.match(results.sync_tickets.message, /incremental sync started/)
  })

  /** The text's lines use `await` at the top level, which a program cannot: they go into a function, unchanged. */
  function program(tenant: string, integration: string): string {
    const calls = [...python.usage.matchAll(/^(\w+) = await \w+\.(\w+)\(/gm)]
    const results = calls.map(([, name, method]) => `"${method}": ${name}`).join(', ')
    const header = `headers={"Authorization": "${bearer.get(tenant)}"}`
    const client = python.client.replaceAll('AsyncClient(', `AsyncClient(${header}, `)
    assert.ok(!closed || client !== python.client, 'the client makes no AsyncClient')
    return [
      closed ? client : python.client,
      'async def main():',
      `    tenant_id, integration_id = "${tenant}", "${integration}"`,
      ...python.usage.split('\n').map((line) => `    ${line}`),
      '    import json',
      `    print(json.dumps({${results}}))`,
      '',
      'import asyncio',
      'asyncio.run(main())',
      '',
    ].join('\n')
  }
}
