/** Queries for issues over HTTP: what a caller gets, and what a wrong one is told. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { eventually, runEnded, startTestService, type TestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
const U = '22222222-2222-4222-8222-222222222222'

describe('queries for issues', () => {
  let emulator: TestEmulator
  let service: TestService
  let databaseUrl: string
  let id: string
  before(async () => {
    emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
    databaseUrl = await newPostgresDatabase()
    service = await startTestService(emulator.url, { DATABASE_URL: databaseUrl })
    id = await connect(T, 601, 300)
    await connect(U, 602, 20)
  })
  after(async () => {
    await service.stop()
    await emulator.close()
  })

  async function connect(tenant: string, hubId: number, tickets: number): Promise<string> {
    await emulator.control('POST', '/portals', { portal_id: hubId, tickets, plan: 'enterprise' })
    const { token } = await emulator.control('POST', `/portals/${hubId}/tokens`, { kind: 'private_app' })
    const { body } = await service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
    const { body: history } = await service.get(`/api/hubspot/sync/${tenant}/${body.integration_id}`)
    await runEnded(service, tenant, body.integration_id, history.events[0].sync_event_id)
    await eventually(async () => {
      const { body: found } = await service.get(`/api/hubspot/issues/${tenant}?count=exact`)
      return found.indexing.length === 0 && found.count === tickets
    }, 'the index is built')
    return body.integration_id
  }

  const list = async (query: string, tenant = T) =>
    await service.get(`/api/hubspot/issues/${tenant}?${query}`)

  test('an issue is found by HubSpot’s id; several values of one parameter are alternatives', async () => {
    const [a, b] = [...(await truthOf(emulator, 601)).keys()]
    const one = await list(`ticket_id=${a}`)
    assert.deepEqual(
      one.body.issues.map(({ ticket_id }: { ticket_id: string }) => ticket_id),
      [a],
    )
    const two = await list(`ticket_id=${a}&ticket_id=${b}&count=exact`)
    assert.equal(two.body.count, 2)
    const none = await list(`ticket_id=${a}`, U)
    assert.deepEqual(none.body.issues, [])
  })

  interface Issue {
    ticket_id: string
    stage_closed: boolean
    priority: string
    modified_at: string
  }

  async function pages(query: string): Promise<Issue[]> {
    const found: Issue[] = []
    for (let next = ''; ; ) {
      const { body } = await list(`${query}${next}`)
      found.push(...body.issues)
      if (!body.next_after) return found
      next = `&after=${body.next_after}`
    }
  }

  test('closed issues of high priority, the newest change first, page by page', async () => {
    const ids = (issues: Issue[]) => issues.map(({ ticket_id }) => ticket_id)
    const all = await pages('limit=200')
    assert.equal(all.length, 300)
    const expected = all
      .filter((issue) => issue.stage_closed && issue.priority === 'HIGH')
      .sort((x, y) => (x.modified_at > y.modified_at ? -1 : 1))
    assert.ok(expected.length > 20)
    const query = `closed=true&priority=HIGH&sort=-modified_at&limit=9&integration_id=${id}`
    assert.deepEqual(ids(await pages(query)), ids(expected))
  })

  test('a count does not change which list is read, and need not be repeated', async () => {
    for (const more of ['', `&integration_id=${id}`, '&sort=created_at']) {
      const first = (await list(`limit=3&count=exact${more}`)).body
      assert.equal(first.count, 300)
      const next = (await list(`limit=3${more}&after=${first.next_after}`)).body
      assert.equal(next.count, null)
      const both = [...first.issues, ...next.issues].map(({ ticket_id }: Issue) => ticket_id)
      const { body: six } = await list(`limit=6${more}`)
      assert.deepEqual(
        both,
        six.issues.map(({ ticket_id }: Issue) => ticket_id),
      )
    }
  })

  test('a change is found at once', async () => {
    const [ticket] = [...(await truthOf(emulator, 601)).keys()]
    await emulator.control('PATCH', `/portals/601/tickets/${ticket}`, {
      properties: { hs_ticket_priority: 'URGENT' },
    })
    const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'incremental' })
    await runEnded(service, T, id, body.sync_event_id)
    const { body: found } = await list('priority=URGENT')
    assert.ok(found.issues.some(({ ticket_id }: { ticket_id: string }) => ticket_id === ticket))
  })

  test('text is found with where it stands, the best matches first', async () => {
    const [ticket] = [...(await truthOf(emulator, 601)).keys()]
    await emulator.control('PATCH', `/portals/601/tickets/${ticket}`, {
      properties: { subject: 'Zebra crossing', content: `${'filler '.repeat(50)}of two zébras, please` },
    })
    const [, other] = [...(await truthOf(emulator, 601)).keys()]
    await emulator.control('PATCH', `/portals/601/tickets/${other}`, {
      properties: { content: 'one zebra' },
    })
    const { body: started } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'incremental' })
    await runEnded(service, T, id, started.sync_event_id)
    const { body } = await list('q=zebra&count=exact')
    assert.equal(body.count, 2)
    assert.deepEqual(
      body.issues.map(({ ticket_id }: Issue) => ticket_id),
      [ticket, other],
    )
    const [inSubject, inContent] = body.highlights[body.issues[0].issue_id]
    assert.deepEqual(inSubject, { field: 'subject', text: 'Zebra crossing', indices: [[0, 5]] })
    const { text, indices } = inContent
    assert.equal(text.slice(...indices[0]), 'zébras')
    assert.ok(text.length <= 160)
    assert.equal((await list('q=zebra&limit=1')).body.issues.length, 1)
    assert.deepEqual((await list('q=zebra', U)).body.issues, [])
    const [first] = await pages('q=zebra&limit=1')
    assert.equal(first?.ticket_id, ticket)
    assert.equal((await list('limit=1')).body.highlights, null)
  })

  test('properties are compared as their types; facets take the same conditions', async () => {
    const all = (await pages('limit=200')) as (Issue & { properties: Record<string, string | null> })[]
    const newer = '2025-06-01T00:00:00Z'
    const expected = all.filter(({ properties }) => (properties.createdate ?? '') >= newer)
    assert.ok(expected.length > 0 && expected.length < all.length)
    const query = `properties.createdate.gte=${newer}&properties.hs_pipeline.exists=true`
    assert.equal((await pages(`${query}&limit=100`)).length, expected.length)
    const { body } = await service.get(`/api/hubspot/issues/${T}/facets?${query}`)
    assert.equal(body.count, expected.length)
  })

  test('an estimated count of few issues is exact', async () => {
    const { body } = await list('count=estimated&limit=1')
    assert.deepEqual([body.count, body.count_is], [300, 'exact'])
  })

  test('facets count the issues of a query by value, with their names, and by day', async () => {
    const { status, body } = await service.get(`/api/hubspot/issues/${T}/facets?priority=HIGH&interval=day`)
    assert.equal(status, 200)
    const high = (await pages('priority=HIGH')).length
    assert.equal(body.count, high)
    assert.deepEqual(body.facets.priority, [{ priority: 'HIGH', count: high }])
    assert.deepEqual(body.facets.integration, [{ integration_id: id, count: high }])
    for (const { stage_name } of body.facets.stage) assert.equal(typeof stage_name, 'string')
    const counted = body.buckets.reduce((sum: number, { count }: { count: number }) => sum + count, 0)
    assert.equal(counted, high)
    assert.ok(body.buckets.every(({ start }: { start: string }) => start.endsWith('T00:00:00.000Z')))
    const { body: wrong } = await service.get(`/api/hubspot/issues/${T}/facets?limit=3`)
    assert.equal(wrong.code, 'validation_failed')
  })

  for (const [what, query, rule] of [
    ['an unknown parameter', 'piority=HIGH', /did you mean priority/],
    ['the beginning of a parameter', 'owner=Ada', /did you mean owner_id/],
    ['an unknown comparison', 'created_at.after=2026-01-01T00:00:00Z', /is not a known query parameter/],
    ['a time without an offset', 'created_at.gt=2026-01-01', /must be a time such as/],
    ['a sort that no index serves', 'sort=subject', /must be one of/],
    ['an id that is none', 'ticket_id=1%20or%201=1', /in digits/],
    ['NUL', 'priority=%00', /must not contain NUL/],
    ['a long value', `owner_name=${'x'.repeat(201)}`, /at most 200/],
    ['too many values', Array.from({ length: 101 }, (_, n) => `stage_id=${n}`).join('&'), /at most 100/],
    ['an empty value', 'priority=', /at least 1/],
    ['a flag given twice', 'closed=true&closed=false', /must be one of/],
    ['an unknown count', 'count=yes', /must be one of exact, estimated/],
    ['a text of many characters', `q=${'x'.repeat(10_000)}`, /at most 500/],
    ['a text of many words', `q=${'a+'.repeat(100)}`, /at most 32 words/],
    ['a text without a word', 'q=%26%20%7C%20!', /a letter or a digit/],
    ['a text that only excludes', 'q=-printer', /not excluded/],
    ['a property that no account has', 'properties.hs_pipline=0', /did you mean hs_pipeline/],
    ['a property like an SQL word', 'properties.select=1', /no account has/],
    ['a property that is no name', 'properties.a%27b=1', /must have the form/],
    ['a property without a name', 'properties.=1', /must have the form/],
    ['properties as one value', 'properties=1', /must be an object/],
    ['properties in both forms', 'properties=1&properties.subject=1', /must be an object/],
    ['an unknown comparison of a property', 'properties.subject.after=1', /must have the form/],
    ['a comparison of text', 'properties.subject.gt=a', /numbers and times only/],
    ['a number that is none', 'properties.time_to_close.gte=1e', /must be a number/],
    ['a time that is none', 'properties.createdate.lt=2026-02-31T99:00:00Z', /must be a date/],
    ['a flag of a property', 'properties.subject.exists=yes', /true or false/],
    ['a long value of a property', `properties.subject=${'x'.repeat(201)}`, /1 to 200 characters/],
    ['NUL in a property', 'properties.subject=%00', /no NUL/],
    [
      'two values of a comparison',
      'properties.createdate.lt=2026-01-01&properties.createdate.lt=2026-01-02',
      /once/,
    ],
    ['a property that no object can have', 'properties.__proto__=1', /not a known query parameter/],
    ['a day that its month does not have', 'properties.createdate.lt=2026-02-30', /must be a date/],
    ['many properties', Array.from({ length: 11 }, (_, n) => `properties.p${n}=1`).join('&'), /at most 10/],
    ['a contact that is no id', 'contact_id=x', /in digits/],
  ] as const)
    test(`400: ${what}`, async () => {
      const { status, body } = await list(query)
      assert.equal(status, 400)
      assert.equal(body.code, 'validation_failed')
      assert.match(JSON.stringify(body.errors), rule)
    })

  test('400: a cursor of another tenant, another sort, another filter or another list, and made-up ones', async () => {
    const sorted = 'sort=-modified_at&limit=1'
    const { body } = await list(sorted)
    assert.ok(body.next_after)
    assert.equal((await list(`${sorted}&after=${body.next_after}`)).status, 200)
    const plain = (await list('limit=1')).body.next_after
    const [owner] = JSON.parse(Buffer.from(body.next_after, 'base64url').toString())
    const forged = (position: unknown) => Buffer.from(JSON.stringify([owner, position])).toString('base64url')
    const issue = '01a2044e-3b22-7014-9cc8-9f60e5564519'
    for (const [query, tenant] of [
      [`${sorted}&after=${body.next_after}`, U],
      [`sort=modified_at&limit=1&after=${body.next_after}`],
      [`${sorted}&priority=HIGH&after=${body.next_after}`],
      [`limit=1&after=${body.next_after}`],
      [`${sorted}&after=${plain}`],
      [`${sorted}&after=${forged(`1|${issue}`)}`],
      [`${sorted}&after=${forged(`9999999999999999999|${issue}|1`)}`],
      [`${sorted}&after=${forged(`1|${issue}\u0000|1`)}`],
      [`${sorted}&after=${forged({})}`],
      [`${sorted}&after=x`],
    ] as [string, string?][]) {
      const { status, body: refused } = await list(query, tenant)
      assert.deepEqual({ query, status, code: refused.code }, { query, status: 400, code: 'invalid_cursor' })
    }
    // Any time can be named, and none makes the query fail.
    assert.equal(
      (await list(`${sorted}&after=${forged(`999999999999999999|${issue}|999999999999999999`)}`)).status,
      200,
    )
  })

  test('422: a query that does not end in time', async () => {
    const admin = new pg.Client({ connectionString: databaseUrl })
    await admin.connect()
    try {
      await admin.query('begin; lock table issue_search in access exclusive mode')
      const { status, body } = await list('priority=HIGH')
      assert.deepEqual({ status, code: body.code }, { status: 422, code: 'query_too_broad' })
    } finally {
      await admin.query('rollback')
      await admin.end()
    }
  })
})
