/** No response exceeds the page limit, whatever a tenant has stored: each page is cut by bytes and has a cursor to continue. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { type ByteBudget, createByteBudget, maxPageBytes } from '../../../src/api/byte-budget.ts'
import { replyError } from '../../../src/http/error-reply.ts'
import { accountForResponseBytes } from '../../../src/http/limits/response-bytes.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { AppError } from '../../../src/lib/errors.ts'
import { adminQuery } from '../../support/postgres.ts'
import { eventually } from '../../support/service.ts'
import { type Bench, connectTenant, newAccount, startBench } from '../http-fixture.ts'

const long = 'x'.repeat(65_536)

let bench: Bench
before(async () => {
  bench = await startBench()
  // Of two sorts, by their place: some with text of 64 KiB in two properties, and some longer than any page.
  await adminQuery(
    `update issues set properties = properties || (
       select jsonb_object_agg(name, repeat('x', 65536))
       from unnest(case when ticket_id = (select max(ticket_id) from issues i where i.tenant_id = issues.tenant_id)
         then array(select 'long_' || n from generate_series(1, 45) n) else array['content', 'long_1'] end) name)`,
    bench.database,
  )
  await adminQuery(
    `insert into issues (tenant_id, integration_id, ticket_id, issue_id, modified_at, properties, observed_at)
     select tenant_id, integration_id, (900000000 + n)::text, gen_random_uuid(), now(), properties, now()
     from issues cross join generate_series(1, 20) n
     where tenant_id = '${bench.tenant}' and ticket_id = (select min(ticket_id) from issues where tenant_id = '${bench.tenant}')`,
    bench.database,
  )
})
after(() => bench.stop())

/** Reads to the end. @returns what was on each page, and how long its answer was */
async function readAll(
  path: string,
  list: string,
): Promise<{ length: number; rows: Record<string, unknown>[] }[]> {
  const pages = []
  for (let cursor = ''; ; ) {
    const { status, text, json } = await bench.send({ path: path + cursor })
    assert.equal(status, 200, text.slice(0, 500))
    pages.push({ length: Buffer.byteLength(text), rows: json[list] })
    const next = json.has_more === false ? null : json.next_after
    if (next === null) return pages
    cursor = `&after=${next}`
  }
}

const isBounded = (pages: Awaited<ReturnType<typeof readAll>>, most = maxPageBytes) => {
  for (const { length, rows } of pages)
    assert.ok(rows.length === 1 || length <= most, `${rows.length} rows are ${length} bytes`)
  assert.ok(pages.length > 2)
}

test('a list of issues is cut by bytes, each issue is returned once and whole, and a long one alone', async () => {
  for (const only of ['', `&integration_id=${bench.integration}`]) {
    const pages = await readAll(`/api/hubspot/issues/${bench.tenant}?limit=200${only}`, 'issues')
    isBounded(pages)
    const rows = pages.flatMap((page) => page.rows)
    assert.equal(new Set(rows.map(({ issue_id }) => issue_id)).size, rows.length)
    assert.equal(rows.length, 23)
    for (const { properties } of rows) assert.equal((properties as Record<string, string>).long_1, long)
    const longest = rows.find(({ properties }) => 'long_45' in (properties as object))
    const one = await bench.send({ path: `/api/hubspot/issues/${bench.tenant}/${longest?.issue_id}` })
    assert.deepEqual(one.json.properties, longest?.properties)
  }
})

test('live tickets end where their texts are too long, and go on from there', async () => {
  const { emulator, service } = bench
  const { portal, token } = newAccount(emulator, { tickets: 40 })
  const { tenant, integration } = await connectTenant(service, token)
  const { body } = await service.get(`/api/hubspot/tickets/${tenant}/${integration}?limit=100`)
  const ids = (body.tickets as { id: string }[]).map(({ id }) => id)
  assert.equal(ids.length, 40)
  await emulator.control('PATCH', `/portals/${portal}/tickets`, {
    ids,
    properties: { content: long, subject: long },
  })
  const pages = await readAll(`/api/hubspot/tickets/${tenant}/${integration}?limit=1000`, 'tickets')
  isBounded(pages, 2 * 2 ** 20)
  assert.deepEqual(
    pages.flatMap(({ rows }) => rows).map(({ id }) => id),
    ids,
  )
})

test('the feed is cut by bytes, and a longer change is returned alone', async () => {
  const { tenant, database } = bench
  const [last] = await adminQuery(
    `select last_seq from change_counters where tenant_id = '${tenant}'`,
    database,
  )
  const from = Number(last?.last_seq)
  const { json } = await bench.send({ path: `/api/hubspot/changes/${tenant}?after=now` })
  await adminQuery(
    `insert into changes (tenant_id, seq, type, detail)
     select '${tenant}', ${from} + n, 'sync.completed', jsonb_build_object('long', repeat('y', case n when 5 then 3000000 else 300000 end))
     from generate_series(1, 20) n`,
    database,
  )
  await adminQuery(
    `update change_counters set last_seq = ${from} + 20 where tenant_id = '${tenant}'`,
    database,
  )
  const pages: Awaited<ReturnType<typeof readAll>> = []
  for (let after = json.next_after, more = true; more; ) {
    const answer = await bench.send({ path: `/api/hubspot/changes/${tenant}?limit=1000&after=${after}` })
    pages.push({ length: Buffer.byteLength(answer.text), rows: answer.json.changes })
    ;({ has_more: more, next_after: after } = answer.json)
  }
  isBounded(pages)
  const lengths = pages.flatMap(({ rows }) =>
    rows.map(({ detail }) => (detail as { long: string }).long.length),
  )
  assert.deepEqual(
    lengths,
    Array.from({ length: 20 }, (_, n) => (n === 4 ? 3_000_000 : 300_000)),
  )
})

test('records that were quarantined are listed by bytes', async () => {
  const { tenant, integration, database } = bench
  await adminQuery(
    `insert into record_problems (tenant_id, integration_id, kind, record_id, state, reason, record)
     select '${tenant}', '${integration}', 'tickets', n::text, 'quarantined', 'of a test', repeat('"', 20000)
     from generate_series(1, 150) n`,
    database,
  )
  const pages = await readAll(`/api/hubspot/problems/${tenant}/${integration}?limit=200`, 'problems')
  isBounded(pages)
  assert.equal(pages.flatMap(({ rows }) => rows).length, 150)
})

/** An answer that the kernel does not swallow whole. */
const answer = Buffer.alloc(24 * 2 ** 20, 'z')

async function startSmall(budget: ByteBudget): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true })
  app.setErrorHandler(replyError)
  app.decorateRequest('abortSignal', undefined as unknown as AbortSignal)
  app.addHook('onRequest', async (request, reply) => {
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    request.abortSignal = gone.signal
    const tenantId = String(request.headers['x-tenant'])
    Object.assign(request, { principal: { kind: 'tenant', tenantId } })
    if (tenantId === 'nobody') throw new AppError('unauthenticated', 'refused before the first hook of ours')
  })
  accountForResponseBytes(app, budget)
  app.get('/long', { config: { access: 'public', maxResponseBytes: answer.length } }, async () => answer)
  app.get('/short', { config: { access: 'public', maxResponseBytes: 1_000 } }, async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

test('unread responses use a tenant’s share and no more, and give way to others', async (t) => {
  const limits = { total: 5 * answer.length, ofOneTenant: 2 * answer.length }
  const refused: string[] = []
  const budget = createByteBudget(limits, systemClock, (why) => refused.push(why))
  const app = await startSmall(budget)
  t.after(() => app.close())
  const { port } = app.server.address() as { port: number }
  const ask = (tenant: string) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`GET /long HTTP/1.1\r\nHost: localhost\r\nX-Tenant: ${tenant}\r\n\r\n`),
    )
    t.after(() => socket.destroy())
    return socket.on('error', () => {}).pause()
  }
  const statusOf = async (tenant: string) =>
    (await fetch(`http://127.0.0.1:${port}/short`, { headers: { 'x-tenant': tenant } })).status
  for (let n = 0; n < 20; n++) ask('a')
  await eventually(async () => refused.includes('tenant'), 'the tenant’s share is taken', 10_000)
  assert.ok(budget.held() <= limits.ofOneTenant, `${budget.held()}`)
  assert.equal(await statusOf('b'), 200)
  // Each tenant takes its share, until the process has none left.
  for (const tenant of ['c', 'd', 'e', 'f']) for (let n = 0; n < 3; n++) ask(tenant)
  await eventually(async () => refused.includes('unread'), 'one of them gives way', 10_000)
  assert.ok(budget.held() <= limits.total)
  const began = performance.now()
  assert.equal(await statusOf('b'), 200)
  assert.ok(performance.now() - began < 1_900)
})

test('an answer that was taken holds nothing, also that of a request which was refused at once', async (t) => {
  const budget = createByteBudget({ total: 1_000, ofOneTenant: 400 }, systemClock, () => {})
  const app = await startSmall(budget)
  t.after(() => app.close())
  const { port } = app.server.address() as { port: number }
  for (const [tenant, status] of [
    ['a', 200],
    ['nobody', 401],
  ] as const) {
    const answer = await fetch(`http://127.0.0.1:${port}/short`, { headers: { 'x-tenant': tenant } })
    assert.equal(answer.status, status)
    await answer.text()
    await eventually(async () => budget.held() === 0, `nothing is held after ${status}`, 2_000)
  }
})
