// Contacts, companies and deals of tickets: batch reads, single reads, the inline form, scopes, and changes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewPortal } from '../src/portals.ts'
import type { Quirks } from '../src/quirks.ts'
import { type Account, ask, listIds, startAccount, TICKETS } from './help.ts'

const SCOPES = [
  'tickets',
  'crm.objects.contacts.read',
  'crm.objects.companies.read',
  'crm.objects.deals.read',
]
type To = {
  toObjectId: number | string
  associationTypes: { category: string; typeId: number; label: string | null }[]
}
type Row = { from: { id: string }; to: To[]; paging?: { next: { after: string } } }

async function start(portal: NewPortal, quirks: Partial<Quirks> = {}): Promise<Account> {
  const account = await startAccount(portal, quirks)
  const { token } = account.emulator.world.addToken(account.portal_id, {
    kind: 'private_app',
    scopes: SCOPES,
  })
  const call: Account['call'] = (method, path, options = {}) =>
    account.call(method, path, { token, ...options })
  return {
    ...account,
    token,
    call,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, { body }),
  }
}

const read = (account: Account, to: string, ids: string[], base = '/crm/associations/2026-09') =>
  account.post(`${base}/tickets/${to}/batch/read`, { inputs: ids.map((id) => ({ id })) })

const change = (account: Account, body: object) =>
  ask(account.emulator.url, 'POST', `/_emulator/portals/${account.portal_id}/associations`, { body })

test('a portal without them has none; with them each ticket has at most so many, the same on every path', async (t) => {
  const bare = await start({ tickets: 20 })
  t.after(bare.close)
  const none = await read(bare, 'contacts', await listIds(bare))
  assert.equal(none.status, 207)
  assert.deepEqual(none.json.results, [])

  const account = await start({ tickets: 80, associations: { contacts: 2, companies: 1, deals: 3 } })
  t.after(account.close)
  const ids = await listIds(account, '', 100)
  for (const [to, most, plain] of [
    ['contacts', 2, 16],
    ['companies', 1, 339],
    ['deals', 3, 28],
  ] as const) {
    const rows: Row[] = (await read(account, to, ids)).json.results
    assert.equal(Math.max(...rows.map((one) => one.to.length)), most)
    assert.ok(rows.length < ids.length, 'some have none')
    const types = rows.flatMap((one) => one.to.flatMap((each) => each.associationTypes))
    assert.ok(
      rows.every((one) =>
        one.to.every((each) => each.associationTypes.some(({ typeId }) => typeId === plain)),
      ),
    )
    assert.ok(
      types.some((one) => one.category === 'USER_DEFINED' && one.label !== null),
      to,
    )
    assert.equal(
      types.some((one) => one.typeId === 26),
      to === 'companies',
    )
    for (const base of ['/crm/associations/2026-03', '/crm/v4/associations'])
      assert.deepEqual((await read(account, to, ids, base)).json.results, rows)
    const full = rows.find((one) => one.to.length === most) as Row
    const single = await account.get(`${TICKETS}/${full.from.id}/associations/${to}`)
    assert.deepEqual(single.json.results, full.to)
  }
  const singular = await read(account, 'contact', ids, '/crm/associations/2026-09')
  assert.deepEqual(singular.json.results, (await read(account, 'contacts', ids)).json.results)
})

test('tickets without any are errors of a 207, or missing or empty by switch', async (t) => {
  const account = await start({ tickets: 60, associations: { contacts: 1 } })
  t.after(account.close)
  account.emulator.world.changeQuirks({ no_associations: 'empty' })
  const ids = [...(await listIds(account, '', 100)), '404', 'abc']
  const quiet = await read(account, 'contacts', ids)
  assert.equal(quiet.status, 200)
  const rows: Row[] = quiet.json.results
  const having = rows.filter((one) => one.to.length > 0)
  assert.ok(rows.length > having.length, 'some are empty')
  assert.ok(rows.length < ids.length - 2, 'some are missing')
  account.emulator.world.changeQuirks({ no_associations: 'silent' })
  assert.deepEqual((await read(account, 'contacts', ids)).json.results, having)
  account.emulator.world.changeQuirks({ no_associations: 'error' })
  const loud = await read(account, 'contacts', ids)
  assert.equal(loud.status, 207)
  assert.deepEqual(loud.json.results, having)
  assert.equal(loud.json.numErrors, ids.length - having.length)
  const error = loud.json.errors.at(-2)
  assert.equal(error.subCategory, 'crm.associations.NO_ASSOCIATIONS_FOUND')
  assert.equal(error.category, 'OBJECT_NOT_FOUND')
  assert.deepEqual(error.context, {
    fromObjectId: ['404'],
    fromObjectType: ['ticket'],
    toObjectType: ['contact'],
  })
  assert.equal(error.message, 'No contact is associated with ticket 404.')
  assert.equal(
    (
      await read(
        account,
        'contacts',
        having.map((one) => one.from.id),
      )
    ).status,
    200,
  )
})

test('at most 1,000 inputs, and 500 of one ticket at once with a cursor for the rest', async (t) => {
  const account = await start({ tickets: 40, associations: { contacts: 1300 } })
  t.after(account.close)
  const inputs = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1))
  assert.equal((await read(account, 'contacts', inputs(1000))).status, 207)
  const tooMany = await read(account, 'contacts', inputs(1001))
  assert.equal(tooMany.status, 400)
  assert.equal(tooMany.json.category, 'VALIDATION_ERROR')
  assert.match(tooMany.json.message, /inputs supported in a batch is 1000\. Please reduce/)
  assert.equal((await account.post('/crm/associations/2026-09/tickets/contacts/batch/read', {})).status, 400)

  const rows: Row[] = (await read(account, 'contacts', await listIds(account, '', 100))).json.results
  const long = rows.filter((one) => one.paging)
  assert.ok(long.length > 5 && rows.some((one) => !one.paging))
  const seen = new Map(long.map((one) => [one.from.id, one.to.map((each) => String(each.toObjectId))]))
  for (let open = long; open.length > 0; ) {
    assert.ok(open.every((one) => one.to.length === 500))
    const answer = await account.post('/crm/associations/2026-09/tickets/contacts/batch/read', {
      inputs: open.map((one) => ({ id: one.from.id, after: one.paging?.next.after })),
    })
    const next: Row[] = answer.json.results
    for (const one of next) seen.get(one.from.id)?.push(...one.to.map((each) => String(each.toObjectId)))
    open = next.filter((one) => one.paging)
  }
  for (const [id, found] of seen) {
    const all: string[] = []
    for (let after = ''; ; ) {
      const page = (await account.get(`${TICKETS}/${id}/associations/contacts?limit=400${after}`)).json
      for (const one of page.results) all.push(String(one.toObjectId))
      if (!page.paging) break
      after = `&after=${page.paging.next.after}`
    }
    assert.deepEqual(found, all)
    assert.equal(new Set(found).size, found.length)
  }
})

test('ids of the other side are numbers, or text by switch', async (t) => {
  const account = await start({ tickets: 10, associations: { deals: 5 } })
  t.after(account.close)
  const ids = await listIds(account)
  const types = async () =>
    new Set(
      ((await read(account, 'deals', ids)).json.results as Row[]).flatMap((one) =>
        one.to.map((each) => typeof each.toObjectId),
      ),
    )
  assert.deepEqual([...(await types())], ['number'])
  account.emulator.world.changeQuirks({ to_object_id: 'string' })
  assert.deepEqual([...(await types())], ['string'])
})

test('each type needs its own scope, and the tickets theirs; the refusal names the one that is missing', async (t) => {
  const account = await start({ tickets: 3, associations: { contacts: 1, companies: 1, deals: 1 } })
  t.after(account.close)
  const { world } = account.emulator
  const [id] = (await listIds(account)) as [string]
  const poor = (...scopes: string[]) => world.addToken(account.portal_id, { kind: 'static', scopes }).token
  const missing = async (token: string, path: string, body?: object) => {
    const answer = await account.call(body ? 'POST' : 'GET', path, { token, ...(body ? { body } : {}) })
    return answer.status === 403 ? answer.json.errors[0].context.requiredScopes : answer.status
  }
  const body = { inputs: [{ id }] }
  const some = poor('tickets', 'crm.objects.contacts.read')
  assert.equal(await missing(some, '/crm/associations/2026-09/tickets/contacts/batch/read', body), 200)
  for (const [to, scope] of [
    ['companies', 'crm.objects.companies.read'],
    ['deals', 'crm.objects.deals.read'],
  ]) {
    assert.deepEqual(await missing(some, `/crm/associations/2026-09/tickets/${to}/batch/read`, body), [scope])
    assert.deepEqual(await missing(some, `${TICKETS}/${id}/associations/${to}`), [scope])
    assert.deepEqual(await missing(some, `${TICKETS}?associations=contacts,${to}`), [scope])
  }
  assert.deepEqual(
    await missing(poor('crm.objects.deals.read'), '/crm/v4/associations/tickets/deals/batch/read', body),
    ['tickets'],
  )
  world.portal(account.portal_id).removed_scopes.add('crm.objects.contacts.read')
  assert.deepEqual(await missing(some, '/crm/associations/2026-09/tickets/contacts/batch/read', body), [
    'crm.objects.contacts.read',
  ])
  assert.equal((await read(account, 'quotes', [id])).status, 400)
})

test('the inline form has ids and type names only, and nothing where there is nothing', async (t) => {
  const account = await start({ tickets: 50, associations: { contacts: 2, companies: 2 } })
  t.after(account.close)
  const list = (await account.get(`${TICKETS}?limit=100&associations=contacts,companies,deals`)).json.results
  const rows: Row[] = (
    await read(
      account,
      'companies',
      list.map((one: { id: string }) => one.id),
    )
  ).json.results
  let primaries = 0
  for (const one of list) {
    const truth = rows.find((row) => row.from.id === one.id)?.to ?? []
    const inline = one.associations?.companies?.results ?? []
    assert.deepEqual(
      [...new Set(inline.map((each: { id: string }) => each.id))],
      truth.map((each) => String(each.toObjectId)),
    )
    const primary = inline.filter((each: { type: string }) => each.type === 'ticket_to_company')
    primaries += primary.length
    assert.ok(primary.length <= 1)
    assert.equal(one.associations?.deals, undefined)
  }
  assert.ok(primaries > 5)
  assert.ok(list.some((one: object) => !('associations' in one)))
  const first = list.find((one: { associations?: object }) => one.associations)
  const got = await account.get(`${TICKETS}/${first.id}?associations=contacts&associations=companies`)
  assert.deepEqual(got.json.associations, first.associations)
  assert.equal('associations' in (await account.get(`${TICKETS}/${first.id}`)).json, false)
  assert.equal((await account.get(`${TICKETS}?associations=quotes`)).status, 400)
})

test('an association can be added, labelled and removed; the modified time moves only by switch', async (t) => {
  const account = await start({ tickets: 5 })
  t.after(account.close)
  const { world } = account.emulator
  const [id] = (await listIds(account)) as [string]
  const modified = () => world.ticket(account.portal_id, id)?.updatedAt
  const before = modified()
  const label = { category: 'USER_DEFINED', typeId: 700, label: 'Boss' }
  const links = async () => ((await read(account, 'contacts', [id])).json.results as Row[])[0]?.to ?? []
  await change(account, { ticket_id: id, to: 'contacts', to_id: '900', types: [label] })
  await change(account, { ticket_id: id, to: 'contacts', to_id: 800 })
  const plain = { category: 'HUBSPOT_DEFINED', typeId: 16, label: null }
  assert.deepEqual(await links(), [
    { toObjectId: 800, associationTypes: [plain] },
    { toObjectId: 900, associationTypes: [plain, label] },
  ])
  await change(account, { ticket_id: id, to: 'contacts', to_id: 900, types: [label], remove: true })
  assert.deepEqual((await links())[1]?.associationTypes, [plain])
  assert.equal(modified(), before)
  world.changeQuirks({ association_bumps: true })
  await change(account, { ticket_id: id, to: 'contacts', to_id: 900, remove: true })
  assert.equal((await links()).length, 1)
  assert.notEqual(modified(), before)
  for (const body of [
    { ticket_id: '1', to: 'contacts', to_id: 1 },
    { ticket_id: id, to: 'quotes', to_id: 1 },
    { ticket_id: id, to: 'contacts', to_id: 'x' },
    { ticket_id: id, to: 'contacts', to_id: 12345, remove: true },
  ])
    assert.equal((await change(account, body)).status, 400, JSON.stringify(body))
})

test('a new ticket keeps the associations that it is created with; a merge keeps those of both', async (t) => {
  const account = await start({ tickets: 0 })
  t.after(account.close)
  const create = (...links: [number, number][]) => ({
    properties: { subject: 'x', hs_pipeline_stage: '1' },
    associations: links.map(([associationTypeId, id]) => ({
      to: { id: String(id) },
      types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }],
    })),
  })
  const one = (await account.post(TICKETS, create([16, 5], [26, 6], [28, 7]))).json.id
  const two = (await account.post(`${TICKETS}/batch/create`, { inputs: [create([16, 4])] })).json.results[0]
    .id
  const others = async (to: string, id: string) =>
    ((await read(account, to, [id])).json.results as Row[]).flatMap((row) =>
      row.to.map((each) => [each.toObjectId, ...each.associationTypes.map((type) => type.typeId)]),
    )
  assert.deepEqual(await others('contacts', one), [[5, 16]])
  assert.deepEqual(await others('companies', one), [[6, 339, 26]])
  assert.deepEqual(await others('deals', one), [[7, 28]])
  const merged = await account.post(`${TICKETS}/merge`, { primaryObjectId: one, objectIdToMerge: two })
  assert.deepEqual(await others('contacts', merged.json.id), [
    [4, 16],
    [5, 16],
  ])
  assert.deepEqual(await others('contacts', one), [])
  assert.equal((await account.post(TICKETS, create([9999, 5]))).status, 400)
})

test('associations have a ten-second cap of their own, or share the general one by switch', async (t) => {
  const account = await start({ tickets: 1, plan: 'starter', associations: { contacts: 1 } })
  t.after(account.close)
  const { world } = account.emulator
  const [id] = (await listIds(account)) as [string]
  world.rates.limits.enabled = true
  world.rates.limits.associations_ten_secondly = 3
  const statuses = async (count: number) => {
    const found = []
    for (let i = 0; i < count; i++) found.push((await read(account, 'contacts', [id])).status)
    return found
  }
  assert.deepEqual(await statuses(4), [200, 200, 200, 429])
  const refused = await account.get(`${TICKETS}/${id}/associations/contacts`)
  assert.equal(refused.json.policyName, 'TEN_SECONDLY_ROLLING')
  assert.match(refused.json.groupName, /associations/)
  assert.equal(refused.headers.get('x-hubspot-ratelimit-max'), null)
  assert.equal((await account.get(TICKETS)).headers.get('x-hubspot-ratelimit-remaining'), '99')
  world.changeQuirks({ associations_bucket: 'general' })
  const shared = await read(account, 'contacts', [id])
  assert.equal(shared.status, 200)
  assert.equal(shared.headers.get('x-hubspot-ratelimit-remaining'), '98')
})
