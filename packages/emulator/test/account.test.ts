// Account info, pipelines, owners and properties.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, listIds, startAccount, TICKETS } from './help.ts'

test('account details say who and where it is, in every version', async (t) => {
  const account = await startAccount({ hublet: 'eu1', time_zone: 'Asia/Kolkata', currency: 'INR' })
  t.after(account.close)
  for (const version of ['v3', '2025-09', '2026-03', '2026-09']) {
    const { status, json } = await account.get(`/account-info/${version}/details`)
    assert.equal(status, 200)
    assert.deepEqual(json, {
      portalId: account.portal_id,
      accountType: 'STANDARD',
      timeZone: 'Asia/Kolkata',
      companyCurrency: 'INR',
      additionalCurrencies: [],
      utcOffset: '+05:30',
      utcOffsetMilliseconds: 19_800_000,
      uiDomain: 'app-eu1.hubspot.com',
      dataHostingLocation: 'eu1',
    })
  }
})

test('which scope account details need is a switch', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const { token } = world.addToken(account.portal_id, { kind: 'static', scopes: ['tickets'] })
  const details = async () => (await account.call('GET', '/account-info/2026-09/details', { token })).status
  assert.equal(await details(), 403)
  world.changeQuirks({ account_info_scope: null })
  assert.equal(await details(), 200)
  world.changeQuirks({ account_info_scope: 'external-settings-access' })
  assert.equal(await details(), 403)
})

test('the support pipeline has id 0, stages 1 to 4, dates of 1970 and metadata of text', async (t) => {
  const account = await startAccount({ pipelines: 3 })
  t.after(account.close)
  const { json } = await account.get('/crm/pipelines/2026-09/tickets')
  assert.equal(json.results.length, 3)
  assert.equal('paging' in json, false)
  const [first, second] = json.results
  assert.equal(first.id, '0')
  assert.equal(first.createdAt, '1970-01-01T00:00:00Z')
  assert.deepEqual(
    first.stages.map((one: { id: string }) => one.id),
    ['1', '2', '3', '4'],
  )
  assert.deepEqual(first.stages[3].metadata, { ticketState: 'CLOSED', isClosed: 'true' })
  assert.match(second.id, /^\d{6,}$/)
  const [, , third] = json.results
  assert.deepEqual([third.id, third.stages[0].id], ['returns_pipeline', 'returns_requested'])
  const one = await account.get(`/crm/v3/pipelines/tickets/${second.id}`)
  assert.deepEqual({ ...one.json, displayOrder: 1 }, second)
  const stages = await account.get(`/crm/pipelines/2026-03/0-5/${second.id}/stages`)
  assert.deepEqual(stages.json.results, second.stages)
  const stage = await account.get(`/crm/pipelines/2026-09/tickets/0/stages/4`)
  assert.deepEqual(stage.json, first.stages[3])
  assert.equal((await account.get('/crm/pipelines/2026-09/tickets/77')).status, 404)
  assert.equal((await account.get('/crm/pipelines/2026-09/tickets/0/stages/77')).status, 404)
})

test('an archived stage says since when, and a live one does not', async (t) => {
  const stages = [
    { id: 'open', label: 'Open' },
    { id: 'old', label: 'Old', archived: true },
  ]
  const account = await startAccount({ pipelines: [{ id: 'repairs', label: 'Repairs', stages }] })
  t.after(account.close)
  const { results } = (await account.get('/crm/pipelines/2026-09/tickets/repairs/stages')).json
  assert.deepEqual(
    results.map((one: { archived: boolean; archivedAt?: string }) => [one.archived, 'archivedAt' in one]),
    [
      [false, false],
      [true, true],
    ],
  )
})

test('owners come page by page; deactivated ones only on request, without a user id', async (t) => {
  const account = await startAccount({ owners: 13 })
  t.after(account.close)
  const first = (await account.get('/crm/owners/2026-09?limit=4')).json
  assert.equal(first.results.length, 4)
  const second = (await account.get(`/crm/owners/2026-09?limit=100&after=${first.paging.next.after}`)).json
  assert.equal('paging' in second, false)
  assert.equal(first.results.length + second.results.length, 11)
  const gone = (await account.get('/crm/v3/owners?archived=true')).json.results
  assert.equal(gone.length, 2)
  assert.equal(gone[0].userId, null)
  assert.ok(gone[0].userIdIncludingInactive > 0)
  const { email, id, userId } = first.results[1]
  assert.equal((await account.get(`/crm/owners/2026-09?email=${email}`)).json.results[0].id, id)
  assert.equal((await account.get(`/crm/owners/2026-09/${id}`)).json.email, email)
  assert.equal((await account.get(`/crm/owners/2026-09/${userId}?idProperty=userId`)).json.id, id)
  assert.equal((await account.get(`/crm/owners/2026-09/${gone[0].id}`)).status, 404)
  assert.equal((await account.get(`/crm/owners/2026-09/${gone[0].id}?archived=true`)).status, 200)
  for (const query of ['limit=501', 'after=x'])
    assert.equal((await account.get(`/crm/owners/2026-09?${query}`)).status, 400)
})

test('tickets point at owners of the account, deactivated ones too', async (t) => {
  const account = await startAccount({ tickets: 200 })
  t.after(account.close)
  const owners = new Map(account.emulator.world.portal(account.portal_id).owners.map((one) => [one.id, one]))
  const used = new Set(
    account.emulator.world
      .truth(account.portal_id)
      .results.map((one) => one.properties.hubspot_owner_id)
      .filter((id) => id !== undefined),
  )
  assert.ok([...used].every((id) => owners.has(id)))
  assert.ok([...used].some((id) => owners.get(id)?.archived))
})

test('properties list what the account defines, with options of its own pipelines', async (t) => {
  const account = await startAccount({ custom_properties: 5 })
  t.after(account.close)
  const { json } = await account.get('/crm/properties/2026-09/tickets')
  const byName = new Map<string, Record<string, never>>(
    json.results.map((one: { name: string }) => [one.name, one]),
  )
  assert.ok(byName.size > 35)
  const stage = byName.get('hs_pipeline_stage') as unknown as { options: { value: string }[] }
  assert.deepEqual(
    stage.options.slice(0, 4).map((one) => one.value),
    ['1', '2', '3', '4'],
  )
  const custom = json.results.filter((one: { hubspotDefined: boolean }) => !one.hubspotDefined)
  assert.equal(custom.length, 5)
  const modified = (await account.get('/crm/v3/properties/tickets/hs_lastmodifieddate')).json
  assert.equal(modified.type, 'datetime')
  assert.equal(modified.modificationMetadata.readOnlyValue, true)
  assert.equal(
    (await account.get('/crm/properties/2026-09/tickets/none')).json.subCategory,
    'PROPERTY_DOESNT_EXIST',
  )
  assert.deepEqual(
    (await account.get('/crm/properties/2026-09/tickets?dataSensitivity=sensitive')).json.results,
    [],
  )
  assert.deepEqual((await account.get('/crm/properties/2026-09/tickets?archived=true')).json.results, [])
})

test('definitions differ in their fields, types and field types, as HubSpot’s do', async (t) => {
  const account = await startAccount({ custom_properties: 15 })
  t.after(account.close)
  const { json } = await account.get('/crm/properties/2026-09/tickets')
  const all = json.results as Record<string, unknown>[]
  const named = (name: string) => all.find((one) => one.name === name) ?? {}
  const kinds = [
    'support_phone',
    'site_position',
    'handover_notes',
    'severity',
    'weighted_score',
    'hs_time_in_1',
  ]
  assert.deepEqual(
    kinds.map((name) => [named(name).type, named(name).fieldType]),
    [
      ['phone_number', 'phonenumber'],
      ['object_coordinates', 'text'],
      ['string', 'html'],
      ['enumeration', 'radio'],
      ['number', 'calculation_equation'],
      ['number', 'calculation_read_time'],
    ],
  )
  // The field type tells what is calculated; few say so themselves.
  const calculations = all.filter(({ fieldType }) => String(fieldType).startsWith('calculation_'))
  assert.deepEqual([...new Set(calculations.map(({ calculated }) => calculated))].sort(), [false, true])
  assert.equal(named('hs_time_in_1').calculated, false)
  assert.equal(typeof named('weighted_score').calculationFormula, 'string')
  const having = (field: string) => all.filter((one) => field in one).length
  assert.equal(having('archived'), 0)
  assert.equal(having('hubspotDefined'), all.length - 15)
  assert.ok(having('createdAt') < all.length && having('createdAt') > all.length - 10)
  const readOnlyOptions = all.filter((one) => 'readOnlyOptions' in (one.modificationMetadata as object))
  assert.deepEqual(
    readOnlyOptions.map(({ name }) => name),
    ['hs_pipeline', 'hs_pipeline_stage'],
  )
  account.emulator.world.archiveProperty(account.portal_id, 'severity')
  const archived = (await account.get('/crm/properties/2026-09/tickets?archived=true')).json.results
  assert.deepEqual([archived.length, archived[0].archived], [1, true])
})

test('the same seed gives the same data after a restart, dates included; not what was made since', async (t) => {
  const accounts = []
  for (const advance_ms of [0, 40 * 86_400_000]) {
    const account = await startAccount({ tickets: 20, pipelines: 3, owners: 3, custom_properties: 12 })
    t.after(account.close)
    account.emulator.world.clock.advance(advance_ms)
    account.emulator.world.addPortal({ portal_id: 4711, tickets: 20, pipelines: 3 })
    accounts.push(account)
  }
  const shown = await Promise.all(
    accounts.map(async ({ emulator, portal_id, get }) => [
      emulator.world.truth(portal_id),
      emulator.world.truth(4711),
      emulator.world.portal(4711).owners,
      (await get('/crm/pipelines/2026-09/tickets')).json,
      (await get('/crm/owners/2026-09')).json,
      (await get('/crm/properties/2026-09/tickets')).json,
    ]),
  )
  assert.deepEqual(shown[0], shown[1])
})

test('archived owners: as many as asked, apart from the live ones, paged, and tickets still point at them', async (t) => {
  const account = await startAccount({ tickets: 400, owners: 130, archived_owners: 120 })
  t.after(account.close)
  const all = async (archived: boolean, limit: string) => {
    const found: { id: string; archived: boolean; userId: number | null; userIdIncludingInactive: number }[] =
      []
    for (let after = ''; ; ) {
      const page = (await account.get(`/crm/owners/2026-09?archived=${archived}${limit}${after}`)).json
      found.push(...page.results)
      if (!page.paging) return found
      after = `&after=${page.paging.next.after}`
    }
  }
  const live = await all(false, '')
  const archived = await all(true, '&limit=50')
  assert.equal(live.length, 130)
  assert.equal(archived.length, 120)
  assert.ok(live.every((one) => !one.archived && one.userId === one.userIdIncludingInactive))
  assert.ok(archived.every((one) => one.archived && one.userId === null && one.userIdIncludingInactive > 0))
  assert.equal((await account.get('/crm/owners/2026-09')).json.results.length, 100)
  assert.equal((await account.get('/crm/owners/2026-09?limit=500')).json.results.length, 130)
  assert.equal((await account.get('/crm/owners/2026-09?limit=501')).status, 400)
  const owning = new Set(
    account.emulator.world.truth(account.portal_id).results.map((one) => one.properties.hubspot_owner_id),
  )
  assert.ok(archived.some((one) => owning.has(one.id)) && live.some((one) => owning.has(one.id)))
})

test('somebody renames or deactivates an owner, renames a pipeline and its stages', async (t) => {
  const account = await startAccount({ tickets: 3 })
  t.after(account.close)
  const { url } = account.emulator
  const control = (method: string, path: string, body?: object) =>
    ask(url, method, `/_emulator/portals/${account.portal_id}${path}`, { body })
  const [owner] = (await account.get('/crm/owners/2026-09')).json.results
  const path = `/crm/owners/2026-09/${owner.id}`
  assert.equal((await control('PATCH', `/owners/${owner.id}`, { lastName: 'Married' })).status, 200)
  const renamed = (await account.get(path)).json
  assert.equal(renamed.lastName, 'Married')
  assert.equal(renamed.firstName, owner.firstName)
  assert.ok(renamed.updatedAt > owner.updatedAt)
  assert.equal((await control('DELETE', `/owners/${owner.id}`)).status, 200)
  assert.equal((await account.get(path)).status, 404)
  assert.equal((await account.get(`${path}?archived=true`)).json.userId, null)

  const answer = await control('PATCH', '/pipelines/0', {
    label: 'Help desk',
    stages: [{ id: '2', label: 'On hold' }],
  })
  assert.equal(answer.status, 200)
  const pipeline = (await account.get('/crm/pipelines/2026-09/tickets/0')).json
  assert.equal(pipeline.label, 'Help desk')
  assert.deepEqual(
    pipeline.stages.map((one: { label: string }) => one.label),
    ['New', 'On hold', 'Waiting on us', 'Closed'],
  )
  assert.notEqual(pipeline.updatedAt, '1970-01-01T00:00:00Z')
  const { options } = (await account.get('/crm/properties/2026-09/tickets/hs_pipeline_stage')).json
  assert.ok(
    options.some((one: { value: string; label: string }) => one.value === '2' && one.label === 'On hold'),
  )
  for (const [method, where, body] of [
    ['PATCH', '/owners/1', { lastName: 'x' }],
    ['PATCH', `/owners/${owner.id}`, { surname: 'x' }],
    ['PATCH', `/owners/${owner.id}`, { email: 5 }],
    ['DELETE', '/owners/1', {}],
    ['PATCH', '/pipelines/none', { label: 'x' }],
    ['PATCH', '/pipelines/0', { label: 'y', stages: [{ id: '99', label: 'x' }] }],
  ] as const)
    assert.equal((await control(method, where, body)).status, 400, `${method} ${where}`)
  assert.equal((await account.get('/crm/pipelines/2026-09/tickets/0')).json.label, 'Help desk')
})

test('600 custom properties: defined, generated for some tickets, too many for one URL, readable by batch', async (t) => {
  const account = await startAccount({ tickets: 120, custom_properties: 600 })
  t.after(account.close)
  const { world } = account.emulator
  const names: string[] = (await account.get('/crm/properties/2026-09/tickets')).json.results.map(
    (one: { name: string }) => one.name,
  )
  assert.ok(names.length > 600)
  assert.equal(new Set(names).size, names.length)
  const ids = await listIds(account, '', 100)
  const batch = await account.post(`${TICKETS}/batch/read`, {
    properties: names,
    inputs: ids.slice(0, 100).map((id) => ({ id })),
  })
  assert.equal(batch.status, 200)
  const row = batch.json.results[0].properties
  assert.equal(Object.keys(row).length, names.length)
  const truth = world.ticket(account.portal_id, batch.json.results[0].id)?.properties
  // What HubSpot computes when it is asked is no part of the truth.
  const set = Object.entries(row).filter(([name, value]) => value !== null && !name.startsWith('hs_time_in_'))
  assert.deepEqual(Object.fromEntries(set), truth)
  const list = () => account.get(`${TICKETS}?limit=100&properties=${names.join(',')}`)
  const length = `${TICKETS}?limit=100&properties=${names.join(',')}`.length
  assert.equal((await list()).status, 200)
  world.changeQuirks({ url_limit: 8000 })
  assert.ok(length > 8000)
  assert.equal((await list()).status, 414)
  assert.match((await list()).text, /^<html>/)
  world.changeQuirks({ url_limit: length })
  assert.equal((await list()).status, 200)
  world.changeQuirks({ url_limit: length - 1 })
  assert.equal((await list()).status, 414)
})
