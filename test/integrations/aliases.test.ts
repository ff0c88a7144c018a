/** The id that `authorize` returned stays valid when its connect renews an older integration: every route answers for the surviving one. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { runSql } from '../http/database.ts'
import { idle } from '../http/http-fixture.ts'
import { pathOf, readOperations } from '../http/operations.ts'
import { type Answer, send } from '../http/send.ts'
import { type OAuthBench, startOAuth } from './oauth/oauth-fixture.ts'

let bench: OAuthBench
before(async () => {
  bench = await startOAuth({ HUBSPOT_APP_ID: '' })
})
after(() => bench.stop())

/** Connects by a pasted token, then by OAuth to the same account. */
async function renewed() {
  const portal = bench.portal()
  const tenant = randomUUID()
  const { token } = bench.emulator.world.addToken(portal, { kind: 'private_app' })
  const { body } = await bench.service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
  const survivor: string = body.integration_id
  await idle(bench.service, bench.database)
  const { integration: alias, code, state } = await bench.start(portal, tenant)
  // Requested before it is one.
  const pending = await ask('GET', `/api/hubspot/integrations/${tenant}/${alias}`)
  assert.deepEqual([pending.status, pending.json.status], [200, 'pending'])
  const connected = await bench.post(code, state)
  assert.deepEqual([connected.status, connected.json.integration_id], [200, survivor], connected.text)
  await idle(bench.service, bench.database)
  return { tenant, portal, survivor, alias }
}

const ask = (method: string, path: string) =>
  send(bench.service.url, {
    method,
    path,
    ...(method === 'POST' ? { headers: { 'content-type': 'application/json' }, body: '{}' } : {}),
  })

/** What two answers to the same question have in common. */
const timeless = ({ status, text }: Answer) =>
  `${status} ${text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|"request_id":"[^"]*"|"expires_in":\d+|"already_running":\w+/g, '')}`

test('every route with an integration takes the id that authorize returned, and names the surviving one', async () => {
  const { tenant, survivor, alias } = await renewed()
  const { json } = await ask('GET', `/api/hubspot/sync/${tenant}/${survivor}`)
  const given = { tenant_id: tenant, sync_event_id: json.events[0].sync_event_id }
  const operations = await readOperations(bench.service.url)
  const inPath = operations.filter(({ template }) => template.includes('{integration_id}'))
  const inQuery = operations.filter(({ query }) => query.some(({ name }) => name === 'integration_id'))
  assert.ok(inPath.length >= 9 && inQuery.length >= 2, `${inPath.length} and ${inQuery.length} operations`)
  const pathWith = (operation: (typeof operations)[number], id: string) =>
    inPath.includes(operation)
      ? pathOf(operation, { ...given, integration_id: id })
      : `${pathOf(operation, given)}?integration_id=${id}`
  // A disconnect ends the integration behind all aliases.
  const last = ({ method }: { method: string }) => Number(method === 'DELETE')
  for (const operation of [...inPath, ...inQuery].sort((a, b) => last(a) - last(b))) {
    const bySurvivor =
      operation.method === 'DELETE' ? undefined : await ask(operation.method, pathWith(operation, survivor))
    if (operation.method === 'POST') await idle(bench.service, bench.database)
    const byAlias = await ask(operation.method, pathWith(operation, alias))
    if (operation.method === 'POST') await idle(bench.service, bench.database)
    assert.ok(byAlias.status < 300, `${operation.name}: ${byAlias.status} ${byAlias.text}`)
    assert.ok(!byAlias.text.includes(alias), `${operation.name} names the alias: ${byAlias.text}`)
    assert.ok(
      byAlias.text.includes(survivor),
      `${operation.name} does not name the survivor: ${byAlias.text}`,
    )
    // Each start of an authorization or a run is another one.
    if (bySurvivor && !/authorize|POST/.test(operation.name))
      assert.equal(timeless(byAlias), timeless(bySurvivor), operation.name)
  }
})

test('a known integration is not looked up among the aliases again', async () => {
  const { tenant, survivor, alias } = await renewed()
  const path = `/api/hubspot/integrations/${tenant}/${survivor}`
  assert.equal((await ask('GET', path)).status, 200)
  const client = new pg.Client({ connectionString: bench.database })
  await client.connect()
  try {
    await client.query(`begin; lock table integration_aliases in access exclusive mode`)
    const answers = [ask('GET', path), ask('GET', path.replace(survivor, alias))].map((answer) =>
      Promise.race([answer.then(({ status }) => status), setTimeout(2_000, 'waits', { ref: false })]),
    )
    assert.deepEqual(await Promise.all(answers), [200, 'waits'])
  } finally {
    await client.end()
  }
})

test('an alias is its own tenant’s, ends with a purge, and a browser’s connect makes one too', async () => {
  const { tenant, portal, survivor, alias } = await renewed()
  const other = await renewed()
  const { request_id: _, ...foreign } = (await ask('GET', `/api/hubspot/status/${other.tenant}/${alias}`))
    .json
  const { request_id: __, ...nobody } = (
    await ask('GET', `/api/hubspot/status/${other.tenant}/${randomUUID()}`)
  ).json
  assert.deepEqual(foreign, nobody)
  assert.equal(foreign.code, 'integration_not_found')

  const second = await bench.start(portal, tenant)
  const came = await bench.browser.comeBack(`/api/hubspot/oauth/callback${second.search}`)
  assert.equal((await bench.browser.press(came)).status, 303)
  for (const id of [alias, second.integration]) {
    const { status, json } = await ask('GET', `/api/hubspot/integrations/${tenant}/${id}`)
    assert.deepEqual([status, json.integration_id], [200, survivor])
  }
  await idle(bench.service, bench.database)
  const purged = await ask('DELETE', `/api/hubspot/integrations/${tenant}/${alias}?purge=true`)
  assert.deepEqual([purged.status, purged.json.integration_id, purged.json.purged], [200, survivor, true])
  for (const id of [alias, second.integration, survivor])
    assert.equal((await ask('GET', `/api/hubspot/integrations/${tenant}/${id}`)).status, 404)
  assert.deepEqual(
    await runSql(bench.database, `select from integration_aliases where tenant_id = '${tenant}'`),
    [],
  )
})

test('each integration has at most its 20 newest aliases', async () => {
  const { tenant, portal, survivor, alias } = await renewed()
  // As twenty more connects would have left them, a minute after the first.
  await runSql(
    bench.database,
    `insert into integration_aliases (tenant_id, alias_id, integration_id, created_at)
     select '${tenant}', gen_random_uuid(), '${survivor}', now() + interval '1 minute' from generate_series(1, 19)`,
  )
  const { integration: newest, code, state } = await bench.start(portal, tenant)
  assert.equal(
    (await ask('GET', `/api/hubspot/integrations/${tenant}/${alias}`)).json.integration_id,
    survivor,
  )
  assert.equal((await bench.post(code, state)).json.integration_id, survivor)
  assert.equal((await ask('GET', `/api/hubspot/integrations/${tenant}/${alias}`)).status, 404)
  assert.equal(
    (await ask('GET', `/api/hubspot/integrations/${tenant}/${newest}`)).json.integration_id,
    survivor,
  )
  assert.equal(
    (await ask('GET', `/api/hubspot/integrations/${tenant}/${newest}`)).json.integration_id,
    survivor,
  )
  const rows = await runSql(bench.database, `select from integration_aliases where tenant_id = '${tenant}'`)
  assert.equal(rows.length, 20)
})
