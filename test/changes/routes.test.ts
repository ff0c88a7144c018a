/** The change feed as a client reads it: page by page, by long poll, and as a stream. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { databaseOf } from '../http/database.ts'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { adminQuery } from '../support/postgres.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'

let emulator: TestEmulator
let service: TestService
let database: string
let tenant: string
let integration: string
let portal: number

before(async () => {
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  database = await databaseOf()
  service = await startTestService(emulator.url, { DATABASE_URL: database })
  const account = newAccount(emulator, { tickets: 250 })
  portal = account.portal
  ;({ tenant, integration } = await connectTenant(service, account.token))
  await idle(service, database)
})
after(async () => {
  await service?.stop()
  await emulator?.close()
})

const path = (query = '', of = tenant) => `/api/hubspot/changes/${of}${query}`
const read = async (query = '') => {
  const answer = await service.get(path(query))
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body
}
const now = async () => (await read('?after=now')).next_after as string
const types = (changes: { type: string }[]) => changes.map(({ type }) => type)
const ids = async () =>
  (
    (await adminQuery(
      `select ticket_id as id from issues where integration_id = '${integration}' and not archived order by 1`,
      database,
    )) as { id: string }[]
  ).map(({ id }) => id)
const edit = (some: string[], subject: string) =>
  emulator.control('PATCH', `/portals/${portal}/tickets`, { ids: some, properties: { subject } })
async function sync(type = 'incremental') {
  const { body } = await service.post(`/api/hubspot/sync/${tenant}/${integration}`, { sync_type: type })
  assert.equal(body.success, true, JSON.stringify(body))
  await idle(service, database)
}

/** HubSpot’s Date counts whole seconds: what is edited within the second of a read is found by the next one. */
const found = (from: string, count: number) =>
  eventually(async () => {
    await sync()
    const { changes } = await read(`?after=${from}&limit=1000`)
    return changes.length >= count && changes
  }, `${count} changes are found`)

test('a first load is one sync.completed, whatever it brought', async () => {
  const { changes, has_more } = await read()
  assert.deepEqual(types(changes), ['integration.connected', 'sync.completed'])
  assert.equal(has_more, false)
  assert.deepEqual([changes[1].detail.state, changes[1].detail.first], ['succeeded', true])
  assert.equal(changes[1].integration_id, integration)
  assert.equal((await read('?after=now')).changes.length, 0)
})

test('a change has the old and the new value, page by page, and every cursor continues after its change', async () => {
  const from = await now()
  const [a, b, c] = await ids()
  await edit([a, b, c] as string[], 'edited')
  await found(from, 3)
  const first = await read(`?after=${from}&limit=2`)
  assert.deepEqual([first.changes.length, first.has_more], [2, true])
  const second = await read(`?after=${first.next_after}&limit=2`)
  assert.deepEqual([second.changes.length, second.has_more], [1, false])
  const all = [...first.changes, ...second.changes]
  assert.deepEqual(all.map((one) => one.ticket_id).sort(), [a, b, c].sort())
  for (const one of all) {
    assert.equal(one.type, 'issue.updated')
    assert.equal(one.changed.subject.to, 'edited')
    const issue = await service.get(`/api/hubspot/issues/${tenant}/${one.issue_id}`)
    assert.equal(issue.body.ticket_id, one.ticket_id)
  }
  assert.deepEqual((await read(`?after=${all[0].cursor}`)).changes, all.slice(1))
  assert.deepEqual((await read(`?after=${second.next_after}`)).changes, [])
})

test('a long poll returns when there is a change, and empty when the time is over', async () => {
  const from = await now()
  const began = Date.now()
  const nothing = await read(`?after=${from}&wait=1`)
  assert.deepEqual([nothing.changes, nothing.next_after], [[], from])
  assert.ok(Date.now() - began >= 900)
  const waiting = read(`?after=${from}&wait=30`)
  const [a] = await ids()
  await edit([a] as string[], 'waited for')
  await found(from, 1)
  const events = Date.now()
  const { changes } = await waiting
  assert.ok(Date.now() - events < 3_000)
  assert.equal(changes[0].changed.subject.to, 'waited for')
})

interface SentEvent {
  id: string
  event: string
  data: {
    type: string
    ticket_id: string | null
    changed?: Record<string, { to: unknown }>
    issue?: unknown
  }
}

/** Reads a stream until it has received this many events, then disconnects. */
async function listen(
  count: number,
  query: string,
  headers: Record<string, string> = {},
): Promise<SentEvent[]> {
  const leave = new AbortController()
  const answer = await fetch(`${service.url}${path(query)}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: leave.signal,
  })
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const events: SentEvent[] = []
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString('utf8')
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      text = text.slice(end + 2)
      if (fields.data)
        events.push({ id: fields.id ?? '', event: fields.event ?? '', data: JSON.parse(fields.data) })
    }
    if (events.length >= count) break
  }
  leave.abort()
  return events
}

test('a stream sends existing changes and then new ones; a client resumes after the last one it saw', async () => {
  const from = await now()
  const some = (await ids()).slice(0, 150)
  const listening = listen(150, `?after=${from}`)
  await edit(some, 'streamed')
  await found(from, 150)
  const events = await listening
  assert.deepEqual(events.map(({ data }) => data.ticket_id).sort(), some.sort())
  for (const { event, data } of events)
    assert.deepEqual([event, data.type], ['issue.updated', 'issue.updated'])
  const again = await listen(50, '?after=now', { 'last-event-id': events[99]?.id ?? '' })
  assert.deepEqual(again, events.slice(100))
})

test('a stream starts with its position, and a long change is sent whole', async () => {
  const leave = new AbortController()
  const answer = await fetch(`${service.url}${path('?after=now')}`, {
    headers: { accept: 'text/event-stream' },
    signal: leave.signal,
  })
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  let begun = ''
  while (!/id: \S+\n\n/.test(begun)) begun += Buffer.from((await reader.read()).value ?? []).toString('utf8')
  leave.abort()
  const from = /id: (\S+)\n/.exec(begun)?.[1] as string
  assert.equal(from, await now())
  // Longer than what may wait for a reader, each alone and all together.
  const long = (length: number) =>
    adminQuery(
      `with n as (update change_counters set last_seq = last_seq + 1 where tenant_id = '${tenant}' returning last_seq)
       insert into changes (tenant_id, seq, type, detail)
       select '${tenant}', last_seq, 'sync.completed', jsonb_build_object('long', repeat('x', ${length})) from n`,
      database,
    )
  await long(1_200_000)
  for (let n = 0; n < 30; n++) await long(100_000)
  const events = await listen(31, `?after=${from}`)
  assert.equal(events.length, 31)
  await adminQuery(`update changes set detail = null where type = 'sync.completed'`, database)
})

test('include=issue: a page, a long poll and a stream have each issue as of its change, as issues.get shows it', async () => {
  const [a] = (await ids()) as [string]
  const from = await now()
  await edit([a], 'included first')
  const [first] = (await found(from, 1)) as { issue_id: string; issue?: unknown; cursor: string }[]
  assert.ok(first && !('issue' in first), 'not requested')
  const get = async () => {
    const { body } = await service.get(`/api/hubspot/issues/${tenant}/${first.issue_id}`)
    const { success: _, tenant_id: __, ...issue } = body
    return issue
  }
  const shown = (await read(`?after=${from}&include=issue`)).changes
  const issue = await get()
  assert.equal(issue.subject, 'included first')
  assert.deepEqual(shown[0].issue, issue)
  assert.deepEqual({ ...shown[0], issue: undefined }, { ...first, issue: undefined })

  const waiting = read(`?after=${first.cursor}&wait=30&include=issue`)
  const streaming = listen(2, `?after=${from}&include=issue`)
  await edit([a], 'included second')
  await found(first.cursor, 1)
  const second = await get()
  assert.deepEqual((await waiting).changes[0].issue, second)
  const [, event] = await streaming
  assert.deepEqual(event?.data.issue, second)
  const again = (await read(`?after=${from}&include=issue`)).changes
  assert.deepEqual(
    again.map((change: { issue: { subject: string } }) => change.issue.subject),
    ['included first', 'included second'],
  )
  // Only changes of issues have one.
  const [connected] = (await read('?limit=1&include=issue')).changes
  assert.ok(connected.type === 'integration.connected' && !('issue' in connected))
  for (const wrong of ['issues', '', 'issue&include=issue'])
    assert.equal((await service.get(path(`?include=${wrong}`))).body.code, 'validation_failed', wrong)
})

test('a page with issues ends by their bytes, and an issue that is longer than a page comes alone', async () => {
  const some = (await ids()).slice(0, 6)
  const from = await now()
  await adminQuery(`create table issues_before as select issue_id, properties from issues`, database)
  const texts = { content: 'y'.repeat(60_000), note_a: 'a'.repeat(60_000), note_b: 'b'.repeat(60_000) }
  await adminQuery(
    `update issues set properties = properties || '${JSON.stringify(texts)}'
     where integration_id = '${integration}' and ticket_id = any('{${some}}')`,
    database,
  )
  // One is longer than a page.
  const long = JSON.stringify({ note_c: 'c'.repeat(700_000) })
  await adminQuery(
    `update issues set properties = properties || '${long}'
     where integration_id = '${integration}' and ticket_id = '${some[5]}'`,
    database,
  )
  await adminQuery(
    `with n as (update change_counters set last_seq = last_seq + 6 where tenant_id = '${tenant}' returning last_seq)
     insert into changes (tenant_id, seq, type, integration_id, issue_id, ticket_id)
     select tenant_id, last_seq - 6 + row_number() over (order by ticket_id = '${some[5]}'), 'issue.updated', integration_id, issue_id, ticket_id
     from issues cross join n where integration_id = '${integration}' and ticket_id = any('{${some}}')`,
    database,
  )
  const seen: string[] = []
  const pages: number[] = []
  for (let after = from, more = true; more; ) {
    const answer = await service.get(path(`?after=${after}&include=issue`))
    const { changes, has_more, next_after } = answer.body
    for (const { ticket_id, issue } of changes) {
      assert.equal(issue?.properties.note_b, texts.note_b)
      seen.push(ticket_id)
    }
    pages.push(changes.length)
    after = next_after
    more = has_more
  }
  assert.deepEqual([...seen].sort(), [...some].sort())
  assert.equal(seen[5], some[5])
  assert.deepEqual(pages, [2, 2, 1, 1])
  // As they are at HubSpot.
  await adminQuery(
    `update issues i set properties = w.properties from issues_before w where w.issue_id = i.issue_id; drop table issues_before`,
    database,
  )
})

test('a cursor of another tenant, no cursor, and an expired cursor each get their own error', async () => {
  const other = newAccount(emulator)
  const theirs = await connectTenant(service, other.token)
  await idle(service, database)
  const cursor = (await service.get(path('?after=now', theirs.tenant))).body.next_after
  for (const [query, code] of [
    [`?after=${cursor}`, 'invalid_cursor'],
    ['?after=x', 'invalid_cursor'],
    ['?limit=0', 'validation_failed'],
    ['?limit=1001', 'validation_failed'],
    ['?wait=31', 'validation_failed'],
    ['?wait=-1', 'validation_failed'],
    ['?since=1', 'validation_failed'],
    ['?include=ticket', 'validation_failed'],
  ] as const) {
    const answer = await service.get(path(query))
    assert.deepEqual([answer.status, answer.body.code], [400, code], query)
  }
  assert.equal((await service.get(path('', randomUUID()))).status, 404)
  const { changes } = await read('?limit=3')
  await adminQuery(`delete from changes where tenant_id = '${tenant}' and seq < 3`, database)
  for (const [at, accept] of [
    [0, 'application/json'],
    [1, 'text/event-stream'],
  ] as const) {
    const answer = await service.get(path(`?after=${changes[at].cursor}`), { accept })
    assert.deepEqual([answer.status, answer.body.code], [410, 'cursor_gone'])
  }
  assert.equal((await read(`?after=${changes[2].cursor}&limit=1`)).changes.length, 1)
  assert.equal((await read('?limit=1')).changes[0].cursor, changes[2].cursor, 'the oldest that is stored')
})

test('the end of a full run, a disconnect and a purge are reported; a purge leaves no value behind', async () => {
  const from = await now()
  await sync('full')
  const [a] = await ids()
  await edit([a] as string[], 'of the purged')
  await found(from, 2)
  await service.delete(`/api/hubspot/integrations/${tenant}/${integration}?purge=true`)
  const events = await eventually(async () => {
    const { changes } = await read(`?after=${from}`)
    return types(changes).includes('integration.purged') && changes
  }, 'the purge is reported')
  assert.deepEqual(types(events), [
    'sync.completed',
    'issue.updated',
    'integration.disconnected',
    'integration.purged',
  ])
  assert.equal(events[0].detail.first, false)
  assert.deepEqual([events[1].issue_id, events[1].ticket_id, events[1].changed], [null, null, undefined])
  const included = (await read(`?after=${from}&include=issue`)).changes
  assert.deepEqual([included[1].type, included[1].issue], ['issue.updated', null])
  const rows = await adminQuery(
    `select detail::text as it from changes where tenant_id = '${tenant}'`,
    database,
  )
  assert.doesNotMatch(JSON.stringify(rows), /of the purged|streamed/)
})
