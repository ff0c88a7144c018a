/** Effects over HTTP are recorded in the audit log before and after they happen, and do not happen without it. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { Principal } from '../../src/api/principal.ts'
import { verifyChains } from '../../src/audit/chain.ts'
import type { ChainState } from '../../src/audit/event.ts'
import { tenantHash } from '../../src/audit/tenant-hash.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { parseTenantId } from '../../src/db/tenant-id.ts'
import { auditEffects } from '../../src/http/audit-effects.ts'
import { replyError } from '../../src/http/error-reply.ts'
import {
  authenticateRequest,
  authorizeRequest,
  type RouteAccess,
  requireAccessRules,
} from '../../src/http/gate.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { ensureTenant } from '../../src/tenants/store.ts'
import { databaseOf, runSql, tableCounts } from '../http/database.ts'
import { type Bench, connectTenant, newAccount, startBench } from '../http/http-fixture.ts'
import { type Operation, pathOf, readOperations } from '../http/operations.ts'
import type { Sent } from '../http/send.ts'
import { quiet } from '../support/engines.ts'
import { A, B, ring } from '../support/rows.ts'
import { eventually } from '../support/service.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

interface Row {
  chain: string
  actor: string
  action: string
  target: string | null
  address: string | null
  request_id: string | null
  phase: string
  result: string | null
}

const everyEvent = (database: string) =>
  runSql(
    database,
    `select * from (
      select tenant_id::text as chain, seq, at, actor, action, target, address, request_id, phase, result from audit_events
      union all select 'operator', seq, at, actor, action, target, address, request_id, phase, result from operator_audit
    ) every order by at, seq`,
  ) as Promise<unknown> as Promise<Row[]>

/** Sends, and gives what was written of it. */
async function written(sent: Sent) {
  const id = `r-${randomUUID()}`
  const answer = await bench.send({ ...sent, headers: { ...sent.headers, 'x-request-id': id } })
  const events = (await everyEvent(bench.database)).filter(({ request_id }) => request_id === id)
  return { answer, events, said: events.map(({ chain, phase, result }) => [chain, phase, result]) }
}

const json = { 'content-type': 'application/json' }
const post = (path: string, body: object | string): Sent => ({
  method: 'POST',
  path: `/api/hubspot${path}`,
  headers: json,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const sync = (over: Partial<Record<'tenant' | 'integration', string>> = {}) => {
  const { tenant, integration } = { ...bench, ...over }
  return post(`/sync/${tenant}/${integration}`, {})
}

/** Written for the browser whose state or cookie is waited for, and for no other: below. */
const ofBrowsers = ['GET /api/hubspot/oauth/callback', 'POST /connect/{confirmation_id}']
/** HubSpot’s own deed, which the inbox records; and what only reads. */
const notAudited = [
  'POST /api/hubspot/webhooks',
  'POST /api/hubspot/issues/{tenant_id}/read',
  'POST /api/hubspot/issues/{tenant_id}/search',
  'POST /api/hubspot/client/{tenant_id}/{integration_id}/crm/v3/objects/tickets/search',
]
/** What reads and has an effect all the same. */
const alsoAudited = [
  'GET /api/hubspot/authorize/{tenant_id}',
  'GET /api/hubspot/oauth/callback',
  'GET /api/tenants/{tenant_id}/export',
]
/** Its tenant's chain is deleted with it; a separate test below covers that. */
const erasure = 'DELETE /api/tenants/{tenant_id}'

/** A request that each audited operation takes, if only to refuse it in its handler. */
function requestFor({ name, method, template }: Operation, ids: Record<string, string>): Sent {
  const bodies: Record<string, object> = {
    'POST /api/tenants': { tenant_id: bench.tenant },
    'POST /api/tenants/{tenant_id}/api-keys': { name: 'x', scopes: ['read'] },
    'POST /api/hubspot/issues/{tenant_id}/read': { issue_ids: [randomUUID()] },
    'POST /api/hubspot/endpoints/{tenant_id}': { url: 'https://example.com/' },
    'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/recover': { since: '2026-01-01T00:00:00Z' },
    'POST /api/hubspot/integrations/{tenant_id}': { access_token: `pat-na1-${randomUUID()}` },
    'POST /api/hubspot/oauth/callback': { code: 'x', state: `${bench.tenant}:${bench.integration}:x` },
  }
  const path = pathOf({ template } as Operation, ids)
  const body = bodies[name] ?? {}
  return method === 'POST' ? { method, path, headers: json, body: JSON.stringify(body) } : { method, path }
}

/** What a route is about besides the tenant. */
const targetOf = (template: string, ids: Record<string, string>) =>
  [...template.matchAll(/\{(\w+)_id\}/g)]
    .map(([, name]) => name as string)
    .filter((name) => name !== 'tenant')
    .map((name) => `${name}:${ids[`${name}_id`]}`)
    .join(' ') || null

test('each route with an effect writes a request and a result to its tenant’s chain; no other route writes anything', async () => {
  const history = await bench.send({ path: `/api/hubspot/sync/${bench.tenant}/${bench.integration}` })
  const issues = await bench.send({ path: `/api/hubspot/issues/${bench.tenant}` })
  const ids = {
    tenant_id: bench.tenant,
    integration_id: bench.integration,
    sync_event_id: history.json.events[0].sync_event_id,
    issue_id: issues.json.issues[0].issue_id,
    key_id: '0123456789abcdef',
    confirmation_id: randomUUID(),
    endpoint_id: randomUUID(),
    change_id: randomUUID(),
  } as Record<string, string>
  const operations = await readOperations(bench.service.url)
  operations.sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'))
  let audited = 0
  for (const operation of operations) {
    if (ofBrowsers.includes(operation.name) || operation.name === erasure) continue
    const request = requestFor(operation, ids)
    let { answer, events } = await written(request)
    // A stream has ended for its reader before its end is written.
    if (operation.name === 'GET /api/tenants/{tenant_id}/export')
      events = await eventually(async () => {
        const now = (await everyEvent(bench.database)).filter(
          (row) => row.request_id === events[0]?.request_id,
        )
        return now.length === 2 && now
      }, 'the end of the export is written')
    assert.ok(answer.status < 500, `${operation.name}: ${answer.text}`)
    const reads = operation.method === 'GET' && !alsoAudited.includes(operation.name)
    if (reads || notAudited.includes(operation.name)) {
      assert.deepEqual(events, [], operation.name)
      continue
    }
    audited += 1
    const code = answer.status < 400 ? '' : ` ${answer.json.code}`
    const [asked, done] = events
    assert.equal(events.length, 2, `${operation.name}: ${JSON.stringify(events)}`)
    const common = {
      actor: 'open',
      action: asked?.action,
      target: targetOf(operation.template, ids),
      address: '127.0.0.1',
    }
    for (const [row, phase, result] of [
      [asked, 'requested', null],
      [done, 'done', `${answer.status}${code}`],
    ] as const) {
      const { chain, actor, action, target, address } = row as Row
      assert.deepEqual({ actor, action, target, address }, common, operation.name)
      const whose = operation.template === '/api/session' ? 'operator' : bench.tenant
      assert.deepEqual([row?.phase, row?.result, chain], [phase, result, whose], operation.name)
    }
  }
  assert.equal(audited, 20)
  const head = await written({ method: 'HEAD', path: `/api/hubspot/authorize/${bench.tenant}` })
  assert.deepEqual([head.answer.status, head.events], [405, []], 'a HEAD has no effect, so it is not taken')
})

test('an erasure is recorded in the operator’s chain, under a name that is not the tenant’s id', async () => {
  const { tenant } = await connectTenant(bench.service, newAccount(bench.emulator).token)
  const { answer, events } = await written({ method: 'DELETE', path: `/api/tenants/${tenant}` })
  assert.equal(answer.status, 202)
  const { chain, action, target, result } = events.find(({ phase }) => phase === 'done') as Row
  const name = tenantHash(ring, parseTenantId(tenant))
  assert.deepEqual([chain, action, target, result], ['operator', 'tenants.erase', name, '202'])
})

test('a purge is called one, and neither parameters nor bodies are written', async () => {
  const { tenant, integration } = await connectTenant(bench.service, newAccount(bench.emulator).token)
  const path = `/api/hubspot/integrations/${tenant}/${integration}?purge=true`
  const { events } = await written({ method: 'DELETE', path })
  assert.deepEqual([...new Set(events.map(({ action }) => action))], ['integrations.purge'])
  assert.ok(!JSON.stringify(events).includes('true'))
})

test('a token that a caller gives as its request id is not written', async () => {
  const { token } = newAccount(bench.emulator)
  const answer = await bench.send({ ...sync(), headers: { ...json, 'x-request-id': token } })
  assert.equal(answer.headers['request-id'], token)
  const written = (await everyEvent(bench.database)).slice(-2).map(({ request_id }) => request_id)
  assert.deepEqual(written, ['[secret]', '[secret]'])
})

test('the first connect of a tenant is recorded in the operator’s chain, under a name that is not its id', async () => {
  const tenant = randomUUID()
  const { token } = newAccount(bench.emulator)
  const refused = await written(post(`/integrations/${tenant}`, { access_token: `pat-na1-${randomUUID()}` }))
  assert.equal(refused.answer.status, 422)
  assert.deepEqual(refused.said, [
    ['operator', 'requested', null],
    ['operator', 'done', '422 token_invalid'],
  ])
  const { events, said } = await written(post(`/integrations/${tenant}`, { access_token: token }))
  assert.deepEqual(
    new Set(said.map(String)),
    new Set(['operator,requested,', `${tenant},done,201`, 'operator,done,201']),
  )
  const names = events.filter(({ chain }) => chain === 'operator').map(({ target }) => target)
  const name = tenantHash(ring, parseTenantId(tenant))
  assert.deepEqual(names, [name, name])
  const operators = (await everyEvent(bench.database)).filter(({ chain }) => chain === 'operator')
  assert.ok(!JSON.stringify(operators).includes(tenant))
})

test('what is refused before its handler leaves no row: malformed, unknown, unauthenticated', async () => {
  const { tenant, integration } = bench
  for (const [sent, status] of [
    [post(`/sync/${tenant}/${integration}`, '{'), 400],
    [post(`/sync/${tenant}/${integration}`, { x: 1 }), 400],
    [post(`/sync/${tenant}/not-a-uuid`, {}), 400],
    [{ ...sync(), headers: { 'content-type': 'text/plain' } }, 415],
    [{ ...sync(), headers: { ...json, host: 'evil.example' } }, 421],
    [{ ...sync(), method: 'PUT' }, 405],
    [{ path: `/api/hubspot/authorize/${tenant}?x=1` }, 400],
    [{ path: '/api/hubspot/oauth/callback?error=access_denied' }, 400],
    [{ path: `/api/hubspot/oauth/callback?code=x&state=${tenant}:${integration}` }, 400],
    [{ path: `/api/hubspot/oauth/callback?code=x&state=${tenant}:${integration}:${'x'.repeat(43)}` }, 400],
  ] as [Sent, number][]) {
    const { answer, events } = await written(sent)
    assert.equal(answer.status, status, answer.text)
    assert.deepEqual(events, [], JSON.stringify(sent))
  }
})

test('a browser that returns with a pending state is recorded once, and so is its confirmation', async () => {
  const { tenant } = bench
  const { json: begun } = await bench.send({ path: `/api/hubspot/authorize/${tenant}` })
  const page = new URL(begun.authorization_url)
  page.searchParams.set('auto', '1')
  page.searchParams.set('portal_id', String(bench.emulator.world.addPortal({ tickets: 1 }).portal_id))
  const back = new URL((await fetch(page, { redirect: 'manual' })).headers.get('location') ?? '')
  const first = await written({ path: `${back.pathname}${back.search}` })
  assert.equal(first.answer.status, 303, first.answer.text)
  assert.deepEqual(first.said, [
    [tenant, 'requested', null],
    [tenant, 'done', '303'],
  ])
  assert.equal(first.events[0]?.actor, 'browser')
  const again = await written({ path: `${back.pathname}${back.search}` })
  assert.equal(again.answer.json.code, 'invalid_state')
  assert.deepEqual(again.events, [])

  const path = String(first.answer.headers.location)
  const cookie = String(first.answer.headers['set-cookie']?.[0]).split(';')[0] as string
  const press = (over: Record<string, string>, decision = 'connect'): Sent => ({
    method: 'POST',
    path,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
      cookie,
      ...over,
    },
    body: `decision=${decision}`,
  })
  assert.deepEqual((await written(press({ cookie: '' }))).events, [], 'of a stranger nothing is written')
  const steps: [Sent, action: string, result: string][] = [
    [press({ 'sec-fetch-site': 'cross-site' }, 'cancel'), 'oauth.cancel', '403 forged_request'],
    [press({}), 'oauth.confirm', '303'],
  ]
  for (const [sent, action, result] of steps) {
    const { events, said } = await written(sent)
    assert.deepEqual(said, [
      [tenant, 'requested', null],
      [tenant, 'done', result],
    ])
    const target = `confirmation:${path.split('/')[2]}`
    for (const one of events)
      assert.deepEqual([one.actor, one.action, one.target], ['browser', action, target])
  }
})

test('an effect whose caller has disconnected is recorded with its own result', async () => {
  const { tenant } = bench
  const { token, portal } = newAccount(bench.emulator)
  // For this account only: a call for another account would use it up, and the connect would finish too early.
  bench.emulator.world.faults.add({
    kind: 'delay',
    match: { portal_id: portal },
    delay_ms: 1_000,
    times: null,
  })
  const id = `gone-${randomUUID()}`
  const { hostname, port } = new URL(bench.service.url)
  const body = JSON.stringify({ access_token: token })
  const gone = httpRequest({
    hostname,
    port,
    method: 'POST',
    path: `/api/hubspot/integrations/${tenant}`,
    headers: { ...json, 'content-length': body.length, 'x-request-id': id },
  })
  gone.on('error', () => {})
  gone.end(body)
  const events = async () => (await everyEvent(bench.database)).filter((row) => row.request_id === id)
  await eventually(async () => (await events()).length === 1, 'the request is recorded')
  gone.destroy()
  const done = await eventually(async () => (await events())[1], 'it is done')
  assert.equal(done.phase, 'done')
  assert.match(String(done.result), /^(400 bad_request|20[01])$/)
  bench.emulator.world.faults.clear()
})

test('while the audit log cannot be written, nothing is done and the response reports it', async () => {
  const { tenant, integration } = bench
  const revived = await connectTenant(bench.service, newAccount(bench.emulator).token)
  await eventually(async () => {
    const [row] = await runSql(
      bench.database,
      `select (select count(*)::int from sync_events where finished_at is null) as runs,
        (select count(*)::int from tenants where erasing_at is not null) as erasing`,
    )
    return row?.runs === 0 && row?.erasing === 0
  }, 'all runs have ended, and the tenant is erased')
  // No delivery is attempted while rows are counted; those in progress end first.
  const attempts = async () =>
    (await runSql(bench.database, 'select count(*)::int as n from attempts'))[0]?.n as number
  await eventually(async () => {
    await runSql(bench.database, "update deliveries set due_at = 'infinity' where due_at < 'infinity'")
    const earlier = await attempts()
    await new Promise((resolve) => setTimeout(resolve, 700))
    return (await attempts()) === earlier
  }, 'no delivery is in progress')
  const before = await tableCounts(bench.database)
  const calls = bench.emulator.world.log.list().length
  const from = bench.service.lines.length
  await runSql(bench.database, 'revoke insert on audit_events from spoke_app')
  await runSql(bench.database, 'revoke insert on operator_audit from spoke_system')
  try {
    for (const sent of [
      sync(),
      post(`/integrations/${tenant}`, { access_token: newAccount(bench.emulator).token }),
      post(`/integrations/${randomUUID()}`, { access_token: newAccount(bench.emulator).token }),
      post('/oauth/callback', { code: 'x', state: `${tenant}:${integration}` }),
      { path: `/api/hubspot/authorize/${tenant}` },
      { path: `/api/hubspot/authorize/${randomUUID()}` },
      {
        method: 'DELETE',
        path: `/api/hubspot/integrations/${revived.tenant}/${revived.integration}?purge=true`,
      },
    ]) {
      const { answer, events } = await written(sent)
      assert.equal(answer.status, 503, answer.text)
      assert.equal(answer.json.code, 'unavailable')
      assert.equal(answer.headers['retry-after'], '5')
      assert.deepEqual(events, [])
    }
    const read = await bench.send({ path: `/api/hubspot/issues/${tenant}` })
    assert.equal(read.status, 200, 'reads still work')
  } finally {
    await runSql(bench.database, 'grant insert on audit_events to spoke_app')
    await runSql(bench.database, 'grant insert on operator_audit to spoke_system')
  }
  assert.deepEqual(await tableCounts(bench.database), before)
  assert.equal(bench.emulator.world.log.list().length, calls, 'HubSpot was not called')
  const unchanged = await bench.send({
    path: `/api/hubspot/integrations/${revived.tenant}/${revived.integration}`,
  })
  assert.equal(unchanged.json.status, 'active')
  assert.match(
    (await bench.send({ path: '/metrics' })).text,
    /^spoke_audit_failures_total\{phase="requested"\} 7$/m,
  )
  assert.ok(bench.service.lines.slice(from).some((line) => line.includes('permission denied')))
})

test('an effect whose result cannot be recorded is answered as usual, and the failure is logged', async () => {
  const whole = await connectTenant(bench.service, newAccount(bench.emulator).token)
  // Only what is done is refused.
  await runSql(
    bench.database,
    `alter table audit_events add constraint planted check (phase = 'requested') not valid`,
  )
  const from = bench.service.lines.length
  try {
    const { answer, said } = await written(sync(whole))
    assert.equal(answer.status, 202, answer.text)
    assert.deepEqual(said, [[whole.tenant, 'requested', null]])
  } finally {
    await runSql(bench.database, 'alter table audit_events drop constraint planted')
  }
  const logged = bench.service.lines
    .slice(from)
    .filter((line) => line.includes('the audit log could not be written'))
  assert.equal(logged.length, 1)
})

test('a tenant reads its chain newest first, page by page, and the operator its own', async () => {
  const { tenant, otherTenant } = bench
  const path = `/api/tenants/${tenant}/audit`
  const all = (await bench.send({ path: `${path}?limit=500` })).json
  assert.ok(all.events.length > 10 && all.next_after === null)
  const walked: number[] = []
  for (let after = ''; ; ) {
    const page = (await bench.send({ path: `${path}?limit=3${after}` })).json
    walked.push(...page.events.map(({ seq }: { seq: number }) => seq))
    if (page.next_after === null) break
    after = `&after=${page.next_after}`
  }
  assert.deepEqual(
    walked,
    all.events.map(({ seq }: { seq: number }) => seq),
  )
  assert.deepEqual(
    walked,
    walked.toSorted((a, b) => b - a),
  )
  assert.equal(all.events[0].prev_hash, all.events[1].hash)
  assert.match(all.events[0].at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const cursor = (await bench.send({ path: `${path}?limit=1` })).json.next_after
  const operator = await bench.send({ path: '/api/audit?limit=2' })
  assert.equal(operator.json.events.length, 2)
  const refusals: [string, string][] = [
    [`/api/tenants/${otherTenant}/audit?after=${cursor}`, 'invalid_cursor'],
    [`/api/audit?after=${cursor}`, 'invalid_cursor'],
    [`${path}?after=${operator.json.next_after}`, 'invalid_cursor'],
    [`/api/tenants/${randomUUID()}/audit`, 'tenant_not_found'],
  ]
  for (const [refused, code] of refusals)
    assert.equal((await bench.send({ path: refused })).json.code, code, refused)
})

test('after all of this every chain holds', async () => {
  const verdicts: ChainState[] = []
  for await (const verdict of verifyChains(bench.service.db)) verdicts.push(verdict)
  assert.ok(verdicts.length >= 4 && verdicts.every(({ events }) => events > 0))
  assert.deepEqual(
    verdicts.filter(({ fault }) => fault !== undefined),
    [],
  )
})

/** The hooks alone, with a principal of each kind. */
async function smallServer(
  principal: Principal | undefined,
  route: (app: ReturnType<typeof Fastify>) => void,
) {
  const url = await databaseOf()
  const db = await openDatabase({ url, dataDir: '', poolSize: 2 }, quiet)
  for (const id of [A, B]) await withTenant(db, id, (scope) => ensureTenant(scope, ring))
  const app = Fastify({ forceCloseConnections: true })
  app.setErrorHandler(replyError)
  requireAccessRules(app)
  auditEffects(app, { db, ring }, createMetrics())
  app.addHook('onRequest', async (request) => {
    await authenticateRequest(request, async () => principal && { principal })
    authorizeRequest(request)
  })
  route(app)
  return {
    app,
    events: async () =>
      (await everyEvent(url)).map(({ chain, actor, target, phase, result }) => [
        chain,
        actor,
        target,
        phase,
        result,
      ]),
    close: async () => {
      await app.close()
      await db.close()
    },
  }
}

test('a refused request leaves one event, in the chain of its credential and without the target', async () => {
  const key: Principal = { kind: 'tenant', tenantId: A, scopes: ['read', 'manage'], by: 'key:abc' }
  const at = (access: RouteAccess, path: string) => (app: ReturnType<typeof Fastify>) =>
    void app.post(path, { config: { access, audited: 'things.do' } }, async () => ({}))
  for (const [access, url, status, expected] of [
    ['manage', `/t/${A}`, 200, ['requested', 'done']],
    ['sync', `/t/${A}`, 403, ['done']],
    ['manage', `/t/${B}`, 404, ['done']],
    ['manage', `/t/${randomUUID()}`, 404, ['done']],
    ['manage', '/t/nonsense', 400, []],
  ] as const) {
    const { app, events, close } = await smallServer(key, at(access, '/t/:tenant_id'))
    const answer = await app.inject({ method: 'POST', url })
    assert.equal(answer.statusCode, status, answer.body)
    const all = await events()
    assert.deepEqual(
      all.map(([, , , phase]) => phase),
      expected,
      url,
    )
    for (const [chain, actor, target] of all) assert.deepEqual([chain, actor, target], [A, 'key:abc', null])
    await close()
  }
  for (const [principal, status] of [
    [undefined, 401],
    [key, 403],
  ] as const) {
    const { app, events, close } = await smallServer(principal, at('admin', '/above'))
    assert.equal((await app.inject({ method: 'POST', url: '/above' })).statusCode, status)
    assert.equal((await events()).length, principal ? 1 : 0)
    await close()
  }
})

test('a caller that is refused again and again writes a few rows and a count', async () => {
  const key: Principal = { kind: 'tenant', tenantId: A, scopes: ['read'], by: 'key:abc' }
  for (const [principal, chain, actor] of [
    [key, A, 'key:abc'],
    [{ kind: 'metrics' }, 'operator', 'metrics'],
  ] as [Principal, string, string][]) {
    const { app, events, close } = await smallServer(
      principal,
      (one) =>
        void one.post(
          '/t/:tenant_id',
          { config: { access: 'sync', audited: 'things.do' } },
          async () => ({}),
        ),
    )
    for (let n = 0; n < 60; n++)
      assert.ok((await app.inject({ method: 'POST', url: `/t/${A}` })).statusCode >= 403)
    await app.close()
    const written = (await events()).map(([, , , phase, result]) => `${phase} ${result}`)
    assert.equal(written.length, 6, written.join('\n'))
    assert.equal(written.at(-1), 'done 55 more')
    for (const [whose, who] of await events()) assert.deepEqual([whose, who], [chain, actor])
    await close()
  }
})

test('an answer that is streamed ends when its last piece is out, or with its reader', async () => {
  const { app, events, close } = await smallServer({ kind: 'admin' }, (one) => {
    one.get(
      '/export/:tenant_id',
      { config: { access: 'manage', audited: 'tenants.export' }, exposeHeadRoute: false },
      async (_: FastifyRequest, reply: FastifyReply) =>
        reply.send(
          Readable.from(
            (async function* () {
              for (let n = 0; n < 20; n++) {
                yield 'x'.repeat(64 << 10)
                await new Promise((resolve) => setTimeout(resolve, 20))
              }
            })(),
          ),
        ),
    )
  })
  const base = await app.listen({ host: '127.0.0.1', port: 0 })
  const whole = await fetch(`${base}/export/${A}`)
  assert.equal((await whole.text()).length, 20 << 16)
  const stop = new AbortController()
  const half = await fetch(`${base}/export/${B}`, { signal: stop.signal })
  await half.body?.getReader().read()
  assert.deepEqual(
    (await events()).filter(([chain]) => chain === B),
    [[B, 'admin', null, 'requested', null]],
  )
  stop.abort()
  await eventually(async () => (await events()).length === 4, 'both have ended')
  assert.deepEqual(
    (await events()).filter(([, , , phase]) => phase === 'done'),
    [
      [A, 'admin', null, 'done', '200'],
      [B, 'admin', null, 'done', '200 aborted'],
    ],
  )
  await close()
})

test('an unsafe route without a name for the audit log stops the start', async () => {
  const db = await openDatabase({ url: await databaseOf(), dataDir: '', poolSize: 1 }, quiet)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const app = Fastify()
    auditEffects(app, { db, ring }, createMetrics())
    const route = { method, url: '/x', handler: async () => ({}) }
    assert.throws(
      () => app.route({ ...route, config: { access: 'public' } }),
      /does not name its audit action/,
    )
    assert.throws(
      () => app.route({ ...route, config: { access: 'public', audited: 'x' } }),
      /is audited and public, so it must set auditedFor/,
    )
    app.route({ ...route, config: { access: 'admin', audited: 'x' } })
    app.route({ ...route, url: '/y', config: { access: 'public', audited: false } })
    app.get(`/z`, { config: { access: 'public' } }, async () => ({}))
  }
  await db.close()
})

test('a GET with an effect and an automatic HEAD stops the start', async () => {
  const db = await openDatabase({ url: await databaseOf(), dataDir: '', poolSize: 1 }, quiet)
  const app = Fastify()
  auditEffects(app, { db, ring }, createMetrics())
  const config = { access: 'manage', audited: 'x' } as const
  assert.throws(() => app.get('/a', { config }, async () => ({})), /must set exposeHeadRoute to false/)
  app.get('/b', { config, exposeHeadRoute: false }, async () => ({}))
  await db.close()
})
