// Creating, updating and archiving tickets, alone and in batches, and what HubSpot refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listIds, startAccount, TICKETS } from './help.ts'

const NEW = { subject: 'Printer on fire', hs_pipeline: '0', hs_pipeline_stage: '1' }

test('a created ticket is 201 with a growing id, more properties than a read, and can be read back', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const first = await account.post(TICKETS, { properties: NEW })
  const second = await account.post(TICKETS, { properties: NEW, associations: [] })
  assert.equal(first.status, 201)
  assert.ok(Number(second.json.id) > Number(first.json.id))
  assert.ok('hs_ticket_id' in first.json.properties && 'hs_is_closed' in first.json.properties)
  const read = (await account.get(`${TICKETS}/${first.json.id}`)).json
  assert.equal(read.properties.subject, NEW.subject)
  assert.equal(read.createdAt, read.updatedAt)
  assert.equal((await listIds(account)).at(-1), second.json.id)
})

test('a ticket needs a stage, and its pipeline follows from it', async (t) => {
  const account = await startAccount({ pipelines: 2 })
  t.after(account.close)
  const without = await account.post(TICKETS, { properties: { subject: 'x' } })
  assert.equal(without.status, 400)
  assert.equal(without.json.message, 'Error creating TICKET. Some required properties were not set.')
  const other = account.emulator.world.portal(account.portal_id).pipelines[1]
  const stage = other?.stages[0]?.id
  const made = await account.post(TICKETS, { properties: { subject: 'x', hs_pipeline_stage: stage } })
  assert.equal(made.json.properties.hs_pipeline, other?.id)
})

test('an update changes what it names, clears with an empty string and moves the modified time', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { id } = (
    await account.post(TICKETS, { properties: { ...NEW, content: 'hot', hs_ticket_priority: 'LOW' } })
  ).json
  account.emulator.world.clock.advance(5000)
  const answer = await account.call('PATCH', `${TICKETS}/${id}`, {
    body: { properties: { content: '', hs_ticket_priority: 'HIGH' } },
  })
  assert.equal(answer.status, 200)
  const read = (await account.get(`${TICKETS}/${id}`)).json
  assert.equal(read.properties.content, null)
  assert.equal(read.properties.hs_ticket_priority, 'HIGH')
  assert.equal(read.properties.subject, NEW.subject)
  assert.ok(Date.parse(read.updatedAt) >= Date.parse(read.createdAt) + 5000)
})

test('closing sets the close date, and reopening takes it away', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { id } = (await account.post(TICKETS, { properties: NEW })).json
  const patch = (stage: string) =>
    account.call('PATCH', `${TICKETS}/${id}`, { body: { properties: { hs_pipeline_stage: stage } } })
  const closed = (await patch('4')).json.properties
  assert.equal(closed.hs_is_closed, 'true')
  assert.match(closed.closed_date, /Z$/)
  const open = (await patch('1')).json.properties
  assert.equal(open.hs_is_closed, 'false')
  assert.ok(!('closed_date' in open))
})

test('a create and an update answer what has a value, or nulls too by switch', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const update = (id: string) =>
    account.call('PATCH', `${TICKETS}/${id}`, { body: { properties: { content: '', subject: 'b' } } })
  const made = (await account.post(TICKETS, { properties: NEW })).json
  const changed = (await update(made.id)).json
  for (const { properties } of [made, changed]) {
    assert.ok(!Object.values(properties).includes(null))
    assert.ok(properties.hs_v2_date_entered_current_stage, 'kept after an update')
    assert.equal(properties.hs_is_closed, 'false')
  }
  account.emulator.world.changeQuirks({ written_answer: 'nulls' })
  const other = (await account.post(TICKETS, { properties: NEW })).json
  assert.equal(other.properties.hubspot_owner_id, null)
  assert.equal((await update(other.id)).json.properties.closed_date, null)
})

test('an unknown property is 400, naming every wrong one in the message and in errors', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const answer = await account.post(TICKETS, { properties: { ...NEW, x: '1', y: '2' } })
  assert.equal(answer.status, 400)
  assert.equal(answer.json.category, 'VALIDATION_ERROR')
  const inside = JSON.parse(answer.json.message.replace('Property values were not valid: ', ''))
  assert.deepEqual(
    inside.map((one: { name: string; error: string; portalId: number }) => [
      one.name,
      one.error,
      one.portalId,
    ]),
    [
      ['x', 'PROPERTY_DOESNT_EXIST', account.portal_id],
      ['y', 'PROPERTY_DOESNT_EXIST', account.portal_id],
    ],
  )
  assert.deepEqual(answer.json.errors[0], {
    message: 'Property "x" does not exist',
    code: 'PROPERTY_DOESNT_EXIST',
    context: { propertyName: ['x'] },
  })
})

test('values that do not fit their property are 400 and change nothing', async (t) => {
  const account = await startAccount({ custom_properties: 6 })
  t.after(account.close)
  const { id } = (await account.post(TICKETS, { properties: NEW })).json
  const wrong: [Record<string, string>, string][] = [
    [{ hs_ticket_priority: 'urgent' }, 'INVALID_OPTION'],
    [{ hs_pipeline_stage: '99' }, 'INVALID_OPTION'],
    [{ affected_seats: 'many' }, 'INVALID_INTEGER'],
    [{ first_seen_at: 'yesterday' }, 'INVALID_LONG'],
    [{ needs_callback: 'yes' }, 'INVALID_OPTION'],
    [{ hs_object_id: '1' }, 'READ_ONLY_VALUE'],
    [{ hs_lastmodifieddate: '2026-01-01' }, 'READ_ONLY_VALUE'],
    [{ hubspot_owner_id: '1' }, 'INVALID_OWNER_ID'],
    [{ subject: 'x'.repeat(65_537) }, 'INVALID_LENGTH'],
  ]
  const before = (await account.get(`${TICKETS}/${id}`)).json
  for (const [properties, code] of wrong) {
    const answer = await account.call('PATCH', `${TICKETS}/${id}`, {
      body: { properties: { ...properties, content: 'no' } },
    })
    assert.equal(answer.status, 400, code)
    assert.equal(answer.json.errors[0].code, code)
  }
  assert.deepEqual((await account.get(`${TICKETS}/${id}`)).json, before)
})

test('dates are taken as ISO or milliseconds and given back as ISO', async (t) => {
  const account = await startAccount({ custom_properties: 6 })
  t.after(account.close)
  const { id } = (
    await account.post(TICKETS, {
      properties: { ...NEW, first_seen_at: '1790000000057', contract_end: '2027-02-16' },
    })
  ).json
  const read = (await account.get(`${TICKETS}/${id}?properties=first_seen_at,contract_end`)).json.properties
  assert.equal(read.first_seen_at, new Date(1790000000057).toISOString())
  assert.equal(read.contract_end, '2027-02-16')
})

test('bodies that are not JSON, not an object or without properties are 400, another content type 415', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  for (const body of [
    '{"properties":',
    '[]',
    '"x"',
    '{}',
    '{"properties":[]}',
    '{"properties":{"subject":{}}}',
  ]) {
    const answer = await account.call('POST', TICKETS, { body })
    assert.equal(answer.status, 400, body)
    assert.equal(answer.json.status, 'error')
  }
  const broken = await account.call('POST', TICKETS, { body: '{"properties":\n{,' })
  assert.match(broken.json.message, /^Invalid input JSON on line 2, column /)
  assert.equal(
    (await account.call('POST', TICKETS, { body: '{}', headers: { 'content-type': 'text/plain' } })).status,
    415,
  )
})

test('an update of a missing or archived ticket is 404, and one without properties 400', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const [id] = await listIds(account)
  const patch = (which: string, properties: object) =>
    account.call('PATCH', `${TICKETS}/${which}`, { body: { properties } })
  assert.equal((await patch('12345', { subject: 'x' })).status, 404)
  const empty = await patch(id as string, {})
  assert.equal(empty.status, 400)
  assert.equal(empty.json.message, 'No properties found to update, please provide at least one.')
  await account.call('DELETE', `${TICKETS}/${id}`)
  assert.equal((await patch(id as string, { subject: 'x' })).status, 404)
})

test('archiving an unknown id is 204 or 404 by switch', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const answer = await account.call('DELETE', `${TICKETS}/12345`)
  assert.equal(answer.status, 204)
  assert.equal(answer.text, '')
  account.emulator.world.changeQuirks({ unknown_archive: 404 })
  assert.equal((await account.call('DELETE', `${TICKETS}/12345`)).status, 404)
})

test('an update that changes nothing moves the modified time, or not, by switch', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { id } = (await account.post(TICKETS, { properties: NEW })).json
  const again = () =>
    account.call('PATCH', `${TICKETS}/${id}`, { body: { properties: { subject: NEW.subject } } })
  account.emulator.world.clock.advance(1000)
  const bumped = (await again()).json.updatedAt
  account.emulator.world.changeQuirks({ noop_update_bumps: false })
  account.emulator.world.clock.advance(1000)
  assert.equal((await again()).json.updatedAt, bumped)
})

test('batch read finds by id in an order of its own, and names the missing in one group with 207', async (t) => {
  const account = await startAccount({ tickets: 40 })
  t.after(account.close)
  const ids = await listIds(account, '', 40)
  const read = (body: object, query = '') => account.post(`${TICKETS}/batch/read${query}`, body)
  const all = await read({ properties: ['subject'], inputs: ids.map((id) => ({ id })) })
  assert.equal(all.status, 200)
  assert.equal(all.json.status, 'COMPLETE')
  assert.equal('numErrors' in all.json, false)
  const got = all.json.results.map((one: { id: string }) => one.id)
  assert.deepEqual([...got].sort(), [...ids].sort())
  assert.notDeepEqual(got, ids)
  account.emulator.world.changeQuirks({ batch_order: 'asked' })
  const asked = await read({ inputs: ids.map((id) => ({ id })) })
  assert.deepEqual(
    asked.json.results.map((one: { id: string }) => one.id),
    ids,
  )
  const some = await read({ properties: ['subject'], inputs: [{ id: ids[0] }, { id: '999' }, { id: '998' }] })
  assert.equal(some.status, 207)
  assert.equal(some.json.numErrors, 1)
  assert.deepEqual(some.json.errors, [
    {
      status: 'error',
      category: 'OBJECT_NOT_FOUND',
      message:
        'Could not get some TICKET objects, they may be deleted or not exist. Check that ids are valid.',
      context: { ids: ['999', '998'] },
    },
  ])
  await account.call('DELETE', `${TICKETS}/${ids[0]}`)
  assert.equal((await read({ inputs: [{ id: ids[0] }] })).json.results.length, 0)
  assert.equal((await read({ inputs: [{ id: ids[0] }] }, '?archived=true')).json.results[0].archived, true)
})

test('a batch takes a hundred, no more, and no id twice', async (t) => {
  const account = await startAccount({ tickets: 101 })
  t.after(account.close)
  const ids = await listIds(account, '', 100)
  const read = (list: string[]) =>
    account.post(`${TICKETS}/batch/read`, { inputs: list.map((id) => ({ id })) })
  assert.equal((await read(ids.slice(0, 100))).status, 200)
  assert.equal((await read(ids)).status, 400)
  const twice = await read(['123', '5', '123'])
  assert.equal(twice.status, 400)
  assert.equal(twice.json.message, 'Duplicate IDs found in batch input: [123]. IDs must be unique')
  assert.deepEqual(twice.json.context, { ids: ['123'] })
  assert.equal((await account.post(`${TICKETS}/batch/read`, {})).status, 400)
})

test('ids of merged tickets are reported missing, or silently left out by switch', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const [a, b] = await listIds(account)
  world.archiveTickets(account.portal_id, { ids: [a as string], merged_into: b as string })
  const read = () => account.post(`${TICKETS}/batch/read`, { inputs: [{ id: a }, { id: b }] })
  assert.equal((await read()).status, 207)
  world.changeQuirks({ merged_ids_missing_in_batch: true })
  const quiet = await read()
  assert.equal(quiet.status, 200)
  assert.deepEqual(
    quiet.json.results.map((one: { id: string }) => one.id),
    [b],
  )
})

test('batch create, update and archive do many at once; missing ids of an update come back in errors', async (t) => {
  const account = await startAccount({ tickets: 0 })
  t.after(account.close)
  const made = await account.post(`${TICKETS}/batch/create`, {
    inputs: [{ properties: NEW }, { properties: NEW }],
  })
  assert.equal(made.status, 201)
  const ids: string[] = made.json.results.map((one: { id: string }) => one.id)
  assert.equal(
    (await account.post(`${TICKETS}/batch/create`, { inputs: [{ properties: NEW }, { properties: {} }] }))
      .status,
    400,
  )
  const updated = await account.post(`${TICKETS}/batch/update`, {
    inputs: [...ids, '77'].map((id) => ({ id, properties: { subject: `for ${id}` } })),
  })
  assert.equal(updated.status, 207)
  assert.deepEqual(updated.json.errors[0].context.ids, ['77'])
  assert.equal((await account.get(`${TICKETS}/${ids[1]}`)).json.properties.subject, `for ${ids[1]}`)
  const gone = await account.post(`${TICKETS}/batch/archive`, { inputs: [{ id: ids[0] }, { id: '77' }] })
  assert.equal(gone.status, 204)
  assert.deepEqual(await listIds(account), [ids[1]])
})
