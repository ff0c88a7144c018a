// Search: filters, sorting, paging and its caps, and the index that lags behind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Account, filter, listIds, SEARCH, searchIds, startAccount, TICKETS } from './help.ts'

async function truthOf(account: Account) {
  return account.emulator.world.truth(account.portal_id, { limit: 100_000 }).results
}

test('a search without a body part finds everything, ten at a time, oldest first, with a total', async (t) => {
  const account = await startAccount({ tickets: 25 })
  t.after(account.close)
  const page = (await account.post(SEARCH, {})).json
  assert.equal(page.total, 25)
  assert.equal(page.results.length, 10)
  assert.deepEqual(page.paging, { next: { after: '10' } })
  const times = page.results.map((one: { createdAt: string }) => one.createdAt)
  assert.deepEqual(times, [...times].sort())
  assert.equal('associations' in page.results[0], false)
  assert.deepEqual(await searchIds(account, {}), await listIds(account))
  assert.equal('paging' in (await account.post(SEARCH, { limit: 25 })).json, false)
})

test('after is an offset, as text or number, and an empty one means the start', async (t) => {
  const account = await startAccount({ tickets: 25 })
  t.after(account.close)
  const all = await searchIds(account, {}, 25)
  const ids = async (after: unknown) =>
    (await account.post(SEARCH, { limit: 5, after })).json.results.map((one: { id: string }) => one.id)
  assert.deepEqual(await ids('20'), all.slice(20))
  assert.deepEqual(await ids(20), all.slice(20))
  assert.deepEqual(await ids(''), all.slice(0, 5))
  assert.deepEqual(await ids('400'), [])
  for (const after of ['abc', '-1', '1.5', {}]) {
    assert.equal((await account.post(SEARCH, { after })).status, 400, String(after))
  }
})

test('every operator says what HubSpot documents, checked against the truth', async (t) => {
  const account = await startAccount({ tickets: 120, custom_properties: 6 })
  t.after(account.close)
  const all = await truthOf(account)
  const middle = all[60] as (typeof all)[number]
  const value = (one: (typeof all)[number], name: string) => one.properties[name]
  const seats = (one: (typeof all)[number]) =>
    value(one, 'affected_seats') === undefined ? null : Number(value(one, 'affected_seats'))
  const updated = Date.parse(middle.updatedAt)
  type Row = [what: object, keep: (one: (typeof all)[number]) => boolean]
  const rows: Row[] = [
    [filter('hs_pipeline_stage', 'EQ', '4'), (one) => value(one, 'hs_pipeline_stage') === '4'],
    [
      filter('hs_ticket_priority', 'NEQ', 'LOW'),
      (one) => ![undefined, 'LOW'].includes(value(one, 'hs_ticket_priority')),
    ],
    [filter('hs_ticket_priority', 'EQ', 'low'), () => false],
    [
      filter('source_type', 'IN', undefined, { values: ['CHAT', 'PHONE'] }),
      (one) => ['CHAT', 'PHONE'].includes(value(one, 'source_type') ?? ''),
    ],
    [
      filter('source_type', 'NOT_IN', undefined, { values: ['CHAT', 'PHONE'] }),
      (one) => !['CHAT', 'PHONE'].includes(value(one, 'source_type') ?? 'CHAT'),
    ],
    [filter('hs_resolution', 'HAS_PROPERTY'), (one) => value(one, 'hs_resolution') !== undefined],
    [filter('hs_resolution', 'NOT_HAS_PROPERTY'), (one) => value(one, 'hs_resolution') === undefined],
    [filter('hs_lastmodifieddate', 'GTE', updated), (one) => Date.parse(one.updatedAt) >= updated],
    [filter('hs_lastmodifieddate', 'GT', middle.updatedAt), (one) => Date.parse(one.updatedAt) > updated],
    [filter('hs_lastmodifieddate', 'LT', updated), (one) => Date.parse(one.updatedAt) < updated],
    [filter('createdate', 'LTE', middle.createdAt), (one) => one.createdAt <= middle.createdAt],
    [
      filter('createdate', 'BETWEEN', all[10]?.createdAt, { highValue: middle.createdAt }),
      (one) => one.createdAt >= (all[10]?.createdAt ?? '') && one.createdAt <= middle.createdAt,
    ],
    [filter('hs_object_id', 'GT', middle.id), (one) => Number(one.id) > Number(middle.id)],
    [filter('hs_object_id', 'IN', undefined, { values: [middle.id, '1'] }), (one) => one.id === middle.id],
    [filter('affected_seats', 'GTE', 100), (one) => (seats(one) ?? -1) >= 100],
    [filter('affected_seats', 'NOT_HAS_PROPERTY'), (one) => seats(one) === null],
    [
      filter('subject', 'EQ', middle.properties.subject?.toUpperCase()),
      (one) => value(one, 'subject')?.toLowerCase() === middle.properties.subject?.toLowerCase(),
    ],
    [
      filter('subject', 'CONTAINS_TOKEN', 'urgent*'),
      (one) => /(^|[^\p{L}\p{N}])urgent/iu.test(value(one, 'subject') ?? ''),
    ],
    [
      filter('content', 'NOT_CONTAINS_TOKEN', 'bonjour'),
      (one) => !/bonjour/i.test(value(one, 'content') ?? ''),
    ],
    [
      filter('hs_ticket_category', 'EQ', 'FEATURE_REQUEST'),
      (one) => (value(one, 'hs_ticket_category') ?? '').split(';').includes('FEATURE_REQUEST'),
    ],
    [filter('hs_is_closed', 'EQ', 'true'), (one) => value(one, 'hs_is_closed') === 'true'],
  ]
  for (const [body, keep] of rows) {
    const wanted = all.filter(keep).map((one) => one.id)
    assert.deepEqual((await searchIds(account, body, 100)).sort(), wanted.sort(), JSON.stringify(body))
  }
  const found = rows.filter(([, keep]) => all.some(keep)).length
  assert.ok(found >= rows.length - 2, 'the cases must find something')
})

test('filters of a group all hold, groups are alternatives', async (t) => {
  const account = await startAccount({ tickets: 120 })
  t.after(account.close)
  const stage = { propertyName: 'hs_pipeline_stage', operator: 'EQ', value: '4' }
  const low = { propertyName: 'hs_ticket_priority', operator: 'EQ', value: 'LOW' }
  const count = async (filterGroups: object[]) => (await account.post(SEARCH, { filterGroups })).json.total
  const [both, closed, lows] = [
    await count([{ filters: [stage, low] }]),
    await count([{ filters: [stage] }]),
    await count([{ filters: [low] }]),
  ]
  assert.equal(await count([{ filters: [stage] }, { filters: [low] }]), closed + lows - both)
  assert.ok(both > 0 && both < closed)
})

test('words of a query must all begin a word of the subject, the content or the ids', async (t) => {
  const account = await startAccount({ tickets: 5 })
  t.after(account.close)
  const [id] = account.emulator.world.addTickets(account.portal_id, {
    properties: { subject: 'Quokka enclosure broken', content: 'the gate' },
  })
  const found = async (query: string) =>
    (await account.post(SEARCH, { query })).json.results.map((one: { id: string }) => one.id)
  assert.deepEqual(await found('quok gate'), [id])
  assert.deepEqual(await found('quok fence'), [])
  assert.deepEqual(await found(id as string), [id])
})

test('one sort rule, in both directions, by time, number, text and id; records without the value come last', async (t) => {
  const account = await startAccount({ tickets: 60, custom_properties: 3 })
  t.after(account.close)
  const all = new Map((await truthOf(account)).map((one) => [one.id, one]))
  const sorted = async (sort: unknown, name: string) =>
    (await searchIds(account, { sorts: [sort] }, 100)).map((id) => all.get(id)?.properties[name])
  const up = await sorted(
    { propertyName: 'hs_lastmodifieddate', direction: 'ASCENDING' },
    'hs_lastmodifieddate',
  )
  assert.deepEqual(up, [...up].sort())
  assert.deepEqual(
    await sorted({ propertyName: 'hs_lastmodifieddate', direction: 'DESCENDING' }, 'hs_lastmodifieddate'),
    up.toReversed(),
  )
  assert.deepEqual(await sorted('hs_lastmodifieddate', 'hs_lastmodifieddate'), up)
  assert.deepEqual(await sorted('-hs_object_id', 'hs_object_id'), [...all.keys()].toReversed())
  const seats = await sorted({ propertyName: 'affected_seats', direction: 'ASCENDING' }, 'affected_seats')
  const set = seats.filter((one) => one !== undefined).map(Number)
  assert.deepEqual(
    set,
    [...set].sort((a, b) => a - b),
  )
  assert.ok(seats.slice(set.length).every((one) => one === undefined))
  assert.equal((await account.post(SEARCH, { sorts: ['createdate', 'subject'] })).status, 400)
  assert.equal((await account.post(SEARCH, { sorts: ['no_such'] })).status, 400)
})

test('what HubSpot refuses: too many filters, unknown operators and properties, missing values, long bodies, big pages', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const one = { propertyName: 'subject', operator: 'HAS_PROPERTY' }
  const group = (count: number) => ({ filters: Array.from({ length: count }, () => one) })
  const bad: [string, object][] = [
    ['six groups', { filterGroups: Array.from({ length: 6 }, () => group(1)) }],
    ['seven filters in a group', { filterGroups: [group(7)] }],
    ['nineteen filters', { filterGroups: [group(6), group(6), group(6), group(1)] }],
    ['operator', filter('subject', 'LIKE', 'x')],
    ['property', filter('no_such', 'EQ', 'x')],
    ['value', filter('subject', 'EQ')],
    ['values', filter('subject', 'IN', 'x')],
    ['highValue', filter('createdate', 'BETWEEN', 1)],
    ['not a date', filter('createdate', 'GT', 'soon')],
    ['page of 201', { limit: 201 }],
    ['groups no list', { filterGroups: {} }],
    ['3,000 characters', { query: 'x'.repeat(3000) }],
  ]
  for (const [what, body] of bad) {
    const answer = await account.post(SEARCH, body)
    assert.equal(answer.status, 400, what)
    assert.equal(answer.json.status, 'error', what)
  }
  for (const body of [
    { filterGroups: [group(6), group(6), group(6)] },
    { limit: 200 },
    { filterGroups: Array.from({ length: 5 }, () => group(1)) },
  ]) {
    assert.equal((await account.post(SEARCH, body)).status, 200)
  }
})

test('paging ends at 10,000: the page that reaches it still points on, and the next is 400', async (t) => {
  const account = await startAccount({ tickets: 10_400 })
  t.after(account.close)
  const last = (await account.post(SEARCH, { limit: 200, after: '9800' })).json
  assert.equal(last.total, 10_400)
  assert.equal(last.results.length, 200)
  assert.equal(last.paging.next.after, '10000')
  assert.equal((await account.post(SEARCH, { limit: 200, after: '10000' })).status, 400)
  assert.equal((await account.post(SEARCH, { limit: 200, after: '9801' })).status, 400)
})

test('all of 10,500 tickets with one modified time are reached by id, and not by time', async (t) => {
  const account = await startAccount({ tickets: 10_500 })
  t.after(account.close)
  const { world } = account.emulator
  world.clock.advance(60_000)
  world.changeTickets(account.portal_id, { count: 10_500, properties: { hs_ticket_priority: 'HIGH' } })
  const [one] = world.truth(account.portal_id, { limit: 1 }).results
  const since = Date.parse(one?.updatedAt ?? '')
  const all = filter('hs_lastmodifieddate', 'GTE', since)
  assert.equal((await account.post(SEARCH, all)).json.total, 10_500)
  const seen = new Set<string>()
  for (let last = '0'; ; ) {
    const body = {
      limit: 200,
      sorts: ['hs_object_id'],
      properties: ['hs_lastmodifieddate'],
      filterGroups: [
        {
          filters: [
            { propertyName: 'hs_lastmodifieddate', operator: 'GTE', value: String(since) },
            { propertyName: 'hs_object_id', operator: 'GT', value: last },
          ],
        },
      ],
    }
    const { results } = (await account.post(SEARCH, body)).json
    if (results.length === 0) break
    for (const { id } of results) seen.add(id)
    last = results.at(-1).id
  }
  assert.equal(seen.size, 10_500)
})

test('the index lags: a new ticket appears late, a changed one shows and matches its old values until then', async (t) => {
  const account = await startAccount({ tickets: 5 }, { index_lag_ms: 10_000, index_lag_jitter_ms: 0 })
  t.after(account.close)
  const { world } = account.emulator
  const before = world.truth(account.portal_id).results[0]
  const id = before?.id as string
  world.changeTickets(account.portal_id, { ids: [id], properties: { subject: 'Zebra crossing' } })
  const [made] = world.addTickets(account.portal_id)
  const find = async (body: object) => (await account.post(SEARCH, body)).json
  assert.equal((await find(filter('subject', 'EQ', 'Zebra crossing'))).total, 0)
  const stale = await find(filter('hs_object_id', 'EQ', id))
  assert.equal(stale.results[0].properties.subject, before?.properties.subject)
  assert.equal(stale.results[0].updatedAt, before?.updatedAt)
  assert.equal((await find(filter('hs_object_id', 'EQ', made))).total, 0)
  assert.equal((await account.get(`${TICKETS}/${id}`)).json.properties.subject, 'Zebra crossing')
  world.changeQuirks({ search_values: 'current' })
  assert.equal((await find(filter('hs_object_id', 'EQ', id))).results[0].properties.subject, 'Zebra crossing')
  world.changeQuirks({ search_values: 'indexed' })
  world.clock.advance(10_001)
  assert.equal((await find(filter('subject', 'EQ', 'zebra CROSSING'))).results[0].id, id)
  assert.equal((await find(filter('hs_object_id', 'EQ', made))).total, 1)
})

test('with jitter a later change can be indexed before an earlier one, and the earlier never undoes it', async (t) => {
  const account = await startAccount({ tickets: 200 }, { index_lag_ms: 1000, index_lag_jitter_ms: 30_000 })
  t.after(account.close)
  const { world } = account.emulator
  const ids = await listIds(account, '', 100)
  world.changeTickets(account.portal_id, { ids, properties: { subject: 'first' } })
  world.changeTickets(account.portal_id, { ids, properties: { subject: 'second' } })
  const count = async (subject: string) =>
    (await account.post(SEARCH, filter('subject', 'EQ', subject))).json.total
  world.clock.advance(16_000)
  const [first, second] = [await count('first'), await count('second')]
  assert.ok(first > 20 && second > 20 && first + second < 200, `${first} ${second}`)
  world.clock.advance(16_000)
  assert.equal(await count('second'), 200)
  assert.equal(await count('first'), 0)
})

test('an archived ticket is never found, or only while the index lags when the switch says so', async (t) => {
  const account = await startAccount({ tickets: 8 }, { index_lag_ms: 10_000, index_lag_jitter_ms: 0 })
  t.after(account.close)
  const { world } = account.emulator
  const ids = await listIds(account)
  const total = async () => (await account.post(SEARCH, {})).json.total
  world.archiveTickets(account.portal_id, { ids: [ids[0] as string] })
  assert.equal(await total(), 7)
  world.changeQuirks({ index_keeps_archived: true })
  world.archiveTickets(account.portal_id, { ids: [ids[1] as string] })
  assert.equal(await total(), 7)
  world.clock.advance(10_001)
  assert.equal(await total(), 6)
})

test('short pages: some are short and some empty, all have a next cursor, and nothing is lost', async (t) => {
  const account = await startAccount({ tickets: 900 }, { short_pages: true })
  t.after(account.close)
  const sizes: number[] = []
  const seen: string[] = []
  for (let after = '0'; ; ) {
    const page = (await account.post(SEARCH, { limit: 200, after })).json
    for (const one of page.results) seen.push(one.id)
    if (!page.paging) break
    sizes.push(page.results.length)
    assert.notEqual(page.paging.next.after, after)
    after = page.paging.next.after
  }
  assert.ok(sizes.includes(0), `an empty page: ${sizes}`)
  assert.ok(sizes.some((size) => size > 0 && size < 200))
  assert.deepEqual(seen, await listIds(account, '', 100))
})

test('record ids of different length sort and compare as numbers, as text, or as a mixture, by switch', async (t) => {
  const account = await startAccount({ tickets: 40, first_ticket_id: 99_999_999_900 })
  t.after(account.close)
  const { world } = account.emulator
  const ids = await listIds(account, '', 100)
  // The usual walk by id: the last one seen is the next lower bound.
  const walk = async () => {
    const seen: string[] = []
    for (let last = '0'; seen.length < 200; ) {
      const page = (
        await account.post(SEARCH, {
          limit: 7,
          sorts: ['hs_object_id'],
          ...filter('hs_object_id', 'GT', last),
        })
      ).json.results
      if (page.length === 0) break
      for (const one of page) seen.push(one.id)
      last = seen.at(-1) as string
    }
    return seen
  }
  assert.deepEqual(await walk(), ids)
  world.changeQuirks({ ticket_id_sort: 'text' })
  assert.deepEqual(await walk(), [...ids].sort())
  world.changeQuirks({ ticket_id_sort: 'mixed' })
  const mixed = await walk()
  assert.notDeepEqual(
    [...new Set(mixed)].sort(),
    [...ids].sort(),
    'a walk that trusts one order misses some here',
  )
  assert.deepEqual(await searchIds(account, { sorts: ['hs_object_id'] }, 100), [...ids].sort())
})
