// Reading tickets: the list and its cursor, one by id, what properties come back, archived ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listIds, startAccount, TICKETS } from './help.ts'

test('the list walks every live ticket once in id order, ten at a time by default, and ends without paging', async (t) => {
  const account = await startAccount({ tickets: 25 })
  t.after(account.close)
  const first = await account.get(TICKETS)
  assert.equal(first.json.results.length, 10)
  const ids = await listIds(account)
  assert.equal(ids.length, 25)
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((a, b) => Number(a) - Number(b)),
  )
  assert.ok(ids.every((id) => /^\d{12}$/.test(id)))
  const exact = await account.get(`${TICKETS}?limit=25`)
  assert.equal(exact.json.results.length, 25)
  assert.equal('paging' in exact.json, false)
})

test('the cursor does not look like an id, and the link beside it leads nowhere', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { next } = (await account.get(`${TICKETS}?limit=5&properties=subject`)).json.paging
  assert.doesNotMatch(next.after, /^\d+$/)
  assert.match(next.link, /^https:\/\/api\.hubapi\.com\/.*after=/)
  const followed = await account.get(next.link.slice('https://api.hubapi.com'.length))
  assert.equal(followed.status, 404)
  account.emulator.world.changeQuirks({ wrong_link: false, list_after: 'id' })
  const good = (await account.get(`${TICKETS}?limit=5&properties=subject`)).json.paging.next
  assert.match(good.after, /^\d+$/)
  assert.equal((await account.get(good.link.slice('https://api.hubapi.com'.length))).status, 200)
})

test('odd cursors and limits are 400 in the usual shape', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  for (const query of [
    'after=nope',
    'after=-1',
    'after=%00',
    'after=MTIzCg',
    'after=1e9',
    'limit=101',
    'limit=0',
    'limit=-5',
    'limit=ten',
    'archived=perhaps',
  ]) {
    const answer = await account.get(`${TICKETS}?${query}`)
    if (query === 'after=MTIzCg') assert.equal(answer.status, 200, query)
    else {
      assert.equal(answer.status, 400, query)
      assert.equal(answer.json.category, 'VALIDATION_ERROR', query)
    }
  }
  assert.equal((await account.get(`${TICKETS}?after=`)).status, 200)
})

test('a ticket made during the walk comes at its end, one archived before its turn is not met', async (t) => {
  const account = await startAccount({ tickets: 20 })
  t.after(account.close)
  const { world } = account.emulator
  const before = await listIds(account)
  const page = await account.get(`${TICKETS}?limit=10`)
  const cursor = encodeURIComponent(page.json.paging.next.after)
  // The very ticket that the cursor names goes away.
  world.archiveTickets(account.portal_id, { ids: [before[10] as string] })
  const [made] = world.addTickets(account.portal_id)
  const rest = await account.get(`${TICKETS}?limit=100&after=${cursor}`)
  assert.deepEqual(
    rest.json.results.map((one: { id: string }) => one.id),
    [...before.slice(11), made],
  )
})

test('without properties the nine usual ones come, with properties those and the three that always come', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const usual = (await account.get(`${TICKETS}?limit=1`)).json.results[0]
  assert.deepEqual(Object.keys(usual.properties), [
    'content',
    'createdate',
    'hs_lastmodifieddate',
    'hs_object_id',
    'hs_pipeline',
    'hs_pipeline_stage',
    'hs_ticket_category',
    'hs_ticket_priority',
    'subject',
  ])
  assert.equal(usual.properties.hs_object_id, usual.id)
  assert.equal(usual.properties.createdate, usual.createdAt)
  assert.equal(usual.properties.hs_lastmodifieddate, usual.updatedAt)
  assert.equal(usual.archived, false)
  assert.match(usual.url, new RegExp(`/contacts/${account.portal_id}/record/0-5/${usual.id}$`))
  for (const query of ['properties=subject,source_type', 'properties=subject&properties=source_type']) {
    const some = (await account.get(`${TICKETS}?limit=1&${query}`)).json.results[0]
    assert.deepEqual(Object.keys(some.properties), [
      'createdate',
      'hs_lastmodifieddate',
      'hs_object_id',
      'source_type',
      'subject',
    ])
  }
})

test('a defined but empty property is null, an undefined one is absent, and by switch both are absent', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const [id] = world.addTickets(account.portal_id, { properties: { subject: 'x' } })
  const path = `${TICKETS}/${id}?properties=subject,hs_resolution,no_such_property`
  const shown = (await account.get(path)).json.properties
  assert.equal(shown.hs_resolution, null)
  assert.equal('no_such_property' in shown, false)
  world.changeQuirks({ absent_empty_properties: true })
  assert.equal('hs_resolution' in (await account.get(path)).json.properties, false)
})

test('the time in a stage is computed when it is asked for, moves no time of change, and stands in no truth', async (t) => {
  const account = await startAccount({ tickets: 3 })
  t.after(account.close)
  const { world } = account.emulator
  world.changeQuirks({ index_lag_ms: 0, index_lag_jitter_ms: 0 })
  const [id = ''] = world.changeTickets(account.portal_id, {
    count: 1,
    properties: { hs_pipeline_stage: '2' },
  })
  world.clock.advance(5_000)
  const properties = ['hs_time_in_1', 'hs_time_in_2', 'hs_time_in_3']
  const filters = [{ propertyName: 'hs_object_id', operator: 'EQ', value: id }]
  const read = async () => [
    (await account.get(`${TICKETS}/${id}?properties=${properties}`)).json,
    (await account.get(`${TICKETS}?limit=100&properties=${properties}`)).json.results.find(
      (one: { id: string }) => one.id === id,
    ),
    (await account.post(`${TICKETS}/batch/read`, { properties, inputs: [{ id }] })).json.results[0],
    (await account.post(`${TICKETS}/search`, { properties, filterGroups: [{ filters }] })).json.results[0],
  ]
  const before = await read()
  world.clock.advance(60_000)
  const after = await read()
  for (const [i, one] of before.entries()) {
    const took = Number(after[i].properties.hs_time_in_2) - Number(one.properties.hs_time_in_2)
    assert.ok(took >= 60_000 && took < 70_000 && Number(one.properties.hs_time_in_2) >= 5_000, String(took))
    assert.equal(after[i].properties.hs_lastmodifieddate, one.properties.hs_lastmodifieddate)
    assert.equal(one.properties.hs_time_in_3, null)
  }
  // A stage that was left took the time that it took.
  const entered = { hs_pipeline_stage: '3' }
  world.changeTickets(account.portal_id, { ids: [id], properties: entered })
  world.clock.advance(1_000)
  const [left] = await read()
  world.clock.advance(1_000)
  const [again] = await read()
  assert.equal(left.properties.hs_time_in_2, again.properties.hs_time_in_2)
  assert.notEqual(left.properties.hs_time_in_3, again.properties.hs_time_in_3)
  assert.equal('hs_time_in_3' in (world.ticket(account.portal_id, id)?.properties ?? {}), false)

  world.changeQuirks({ search_read_time: false })
  const shown = (await read()).map((one) => one.properties.hs_time_in_3 !== null)
  assert.deepEqual(shown, [true, true, true, false])
  world.changeQuirks({ read_time_properties: false })
  assert.ok((await read()).every((one) => !('hs_time_in_3' in one.properties)))
  const { json } = await account.get('/crm/properties/2026-09/tickets')
  assert.ok(json.results.every((one: { name: string }) => !one.name.startsWith('hs_time_in_')))
  assert.equal((await account.get('/crm/properties/2026-09/tickets/hs_time_in_3')).status, 404)
})

test('a cleared value is null; by switch it is an empty text in lists, or in searches', async (t) => {
  const account = await startAccount({ tickets: 2 })
  t.after(account.close)
  const { world } = account.emulator
  world.changeQuirks({ index_lag_ms: 0, index_lag_jitter_ms: 0 })
  const [made = ''] = world.addTickets(account.portal_id, {})
  const [id = ''] = world.changeTickets(account.portal_id, { ids: [made], properties: { content: null } })
  const properties = ['content', 'hs_resolution']
  const filters = [{ propertyName: 'hs_object_id', operator: 'EQ', value: id }]
  const read = async () =>
    [
      (await account.get(`${TICKETS}?limit=100&properties=${properties}`)).json.results.at(-1),
      (await account.post(`${TICKETS}/search`, { properties, filterGroups: [{ filters }] })).json.results[0],
      (await account.post(`${TICKETS}/batch/read`, { properties, inputs: [{ id }] })).json.results[0],
    ].map((one) => {
      // Never set is null everywhere.
      assert.deepEqual([one.id, one.properties.hs_resolution], [id, null])
      return one.properties.content
    })
  assert.deepEqual(await read(), [null, null, null])
  world.changeQuirks({ cleared_values: 'empty_in_list' })
  assert.deepEqual(await read(), ['', null, null])
  world.changeQuirks({ cleared_values: 'empty_in_search' })
  assert.deepEqual(await read(), [null, '', null])
})

test('a time that HubSpot does not know is 1970 beside the properties, and none in them', async (t) => {
  const account = await startAccount({ tickets: 0 })
  t.after(account.close)
  const { world } = account.emulator
  const [never = ''] = world.addTickets(account.portal_id, { at: 0 })
  const [late = ''] = world.addTickets(account.portal_id, { properties: { createdate: '0' } })
  const epoch = '1970-01-01T00:00:00Z'
  const one = (await account.get(`${TICKETS}/${never}`)).json
  assert.deepEqual([one.createdAt, one.updatedAt], [epoch, epoch])
  assert.deepEqual([one.properties.createdate, one.properties.hs_lastmodifieddate], ['', null])
  const other = (await account.get(`${TICKETS}/${late}`)).json
  assert.deepEqual([other.createdAt, other.properties.createdate], [epoch, ''])
  assert.notEqual(other.updatedAt, epoch)
})

test('times have milliseconds, except when they are zero: then there is no fraction', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const [round] = world.addTickets(account.portal_id, { at: Date.UTC(2026, 4, 1, 8, 0, 0) })
  const [fine] = world.addTickets(account.portal_id, { at: Date.UTC(2026, 4, 1, 8, 0, 0, 57) })
  assert.equal((await account.get(`${TICKETS}/${round}`)).json.createdAt, '2026-05-01T08:00:00Z')
  assert.equal((await account.get(`${TICKETS}/${fine}`)).json.updatedAt, '2026-05-01T08:00:00.057Z')
})

test('a missing id is 404: a number gets the short body, anything else the long one', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const number = await account.get(`${TICKETS}/999`)
  assert.equal(number.status, 404)
  assert.equal(number.json.message, 'resource not found')
  const word = await account.get(`${TICKETS}/abc`)
  assert.equal(word.status, 404)
  assert.equal(word.json.message, 'Object not found.  objectId are usually numeric.')
  assert.equal(word.json.category, 'OBJECT_NOT_FOUND')
  assert.deepEqual(word.json.context, { id: ['abc'] })
  assert.equal((await account.get(`${TICKETS}/1?idProperty=subject`)).status, 400)
})

test('an archived ticket leaves the list and is found only by who asks for archived ones', async (t) => {
  const account = await startAccount({ tickets: 12 })
  t.after(account.close)
  const ids = await listIds(account)
  const gone = ids[4] as string
  assert.equal((await account.call('DELETE', `${TICKETS}/${gone}`)).status, 204)
  assert.deepEqual(
    await listIds(account),
    ids.filter((id) => id !== gone),
  )
  assert.equal((await account.get(`${TICKETS}/${gone}`)).status, 404)
  const archived = (await account.get(`${TICKETS}/${gone}?archived=true`)).json
  assert.equal(archived.archived, true)
  assert.match(archived.archivedAt, /Z$/)
  assert.ok(archived.archivedAt > archived.updatedAt, 'archiving leaves the modified time alone')
  assert.deepEqual(await listIds(account, '&archived=true'), [gone])
  assert.equal((await account.get(`${TICKETS}/${ids[0]}?archived=true`)).status, 404)
})

test('the type may be tickets, ticket or 0-5, and the older paths answer the same', async (t) => {
  const account = await startAccount({ tickets: 3 })
  t.after(account.close)
  const wanted = (await account.get(TICKETS)).json.results
  for (const path of [
    '/crm/objects/2026-03/tickets',
    '/crm/v3/objects/tickets',
    '/crm/v4/objects/tickets',
    '/crm/objects/2026-09/0-5',
    '/crm/v3/objects/ticket',
    '/crm/v3/objects/tickets/',
  ]) {
    assert.deepEqual((await account.get(path)).json.results, wanted, path)
  }
})

test('ids of different length: the list is in number order, or in text order by switch, and complete in both', async (t) => {
  const account = await startAccount({ tickets: 40, first_ticket_id: 99_999_999_900 })
  t.after(account.close)
  const numbers = await listIds(account)
  assert.equal(numbers.length, 40)
  assert.ok(numbers[0]?.length === 11 && numbers.at(-1)?.length === 12)
  account.emulator.world.changeQuirks({ ticket_id_sort: 'text' })
  const texts = await listIds(account)
  assert.deepEqual(texts, [...numbers].sort())
  assert.notDeepEqual(texts, numbers)
})

test('a URL above about 16 thousand characters is 414 from the edge, below it works', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const names = (length: number) => `properties=${'p'.repeat(length)}`
  assert.equal((await account.get(`${TICKETS}?${names(15_900)}`)).status, 200)
  const answer = await account.get(`${TICKETS}?${names(16_300)}`)
  assert.equal(answer.status, 414)
  assert.match(answer.text, /cloudflare/)
})

test('propertiesWithHistory is accepted and answers with the present value', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const [one] = (await account.get(`${TICKETS}?limit=1&propertiesWithHistory=subject`)).json.results
  assert.equal(one.propertiesWithHistory.subject[0].value, one.properties.subject)
})

test('the same seed gives the same tickets, another seed and another account give others', async (t) => {
  const subjects = async (seed: number, portal_id: number) => {
    const { startEmulator } = await import('../src/server.ts')
    const emulator = await startEmulator({ seed })
    t.after(emulator.close)
    emulator.world.addPortal({ portal_id, tickets: 30 })
    return emulator.world.truth(portal_id).results.map((one) => one.properties.subject)
  }
  const first = await subjects(1, 501)
  assert.deepEqual(await subjects(1, 501), first)
  assert.notDeepEqual(await subjects(2, 501), first)
  assert.notDeepEqual(await subjects(1, 502), first)
  assert.ok(new Set(first).size > 20)
})

test('a big answer is gzipped for who accepts it', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  assert.equal((await account.get(`${TICKETS}?limit=20`)).headers.get('content-encoding'), 'gzip')
  const plain = await account.call('GET', `${TICKETS}?limit=20`, {
    headers: { 'accept-encoding': 'identity' },
  })
  assert.equal(plain.headers.get('content-encoding'), null)
  account.emulator.world.changeQuirks({ gzip: false })
  assert.equal((await account.get(`${TICKETS}?limit=20`)).headers.get('content-encoding'), null)
})
