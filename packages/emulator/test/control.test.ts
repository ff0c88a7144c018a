// The control API: accounts, tickets changed by somebody in the CRM, the truth, the clock, the request log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, listIds, startAccount, TICKETS } from './help.ts'

test('an account made by the control API can be used at once', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const control = (method: string, path: string, body?: object) =>
    ask(account.emulator.url, method, `/_emulator${path}`, { body })
  const portal = (
    await control('POST', '/portals', {
      portal_id: 4711,
      hub_domain: null,
      tickets: 7,
      custom_properties: 2,
      owners: 3,
      pipelines: [{ label: 'Repairs', stages: [{ label: 'In' }, { label: 'Out', closed: true }] }],
    })
  ).json
  assert.equal(portal.portal_id, 4711)
  assert.equal(portal.hub_domain, null)
  assert.equal(portal.pipelines.length, 2)
  const { token } = (
    await control('POST', '/portals/4711/tokens', { kind: 'static', scopes: ['oauth', 'tickets'] })
  ).json
  assert.match(token, /^pat-na1-[0-9a-f-]{36}$/)
  assert.equal((await account.call('GET', TICKETS, { token })).json.results.length, 7)
  assert.equal((await control('POST', '/portals', { portal_id: 4711 })).status, 400)
  assert.equal((await control('POST', '/portals/1/tokens', { kind: 'static' })).status, 400)
  assert.equal((await control('POST', '/portals/4711/tokens', { kind: 'password' })).status, 400)
  const pinned = (
    await control('POST', '/portals/4711/tokens', { kind: 'private_app', token: 'pat-na1-chosen-by-me' })
  ).json
  assert.equal(pinned.token, 'pat-na1-chosen-by-me')
})

test('somebody in the CRM creates, changes and archives tickets, one by one and in bulk', async (t) => {
  const account = await startAccount({ tickets: 50 })
  t.after(account.close)
  const path = `/_emulator/portals/${account.portal_id}/tickets`
  const control = (method: string, rest: string, body?: object) =>
    ask(account.emulator.url, method, path + rest, { body })
  const made = (await control('POST', '', { count: 3, properties: { subject: 'Same for all' } })).json.ids
  assert.equal(made.length, 3)
  assert.equal((await account.get(`${TICKETS}/${made[0]}`)).json.properties.subject, 'Same for all')
  const one = (await control('PATCH', `/${made[0]}`, { properties: { subject: 'Mine', content: null } })).json
  assert.equal(one.properties.subject, 'Mine')
  assert.equal('content' in one.properties, false)
  const bulk = (await control('PATCH', '', { count: 40, properties: { hs_ticket_priority: 'URGENT' } })).json
    .ids
  assert.equal(new Set(bulk).size, 40)
  const times = new Set(
    (
      await account.post(`${TICKETS}/batch/read`, { inputs: bulk.map((id: string) => ({ id })) })
    ).json.results.map((each: { updatedAt: string }) => each.updatedAt),
  )
  assert.equal(times.size, 1)
  assert.equal((await control('DELETE', `/${made[1]}`)).status, 200)
  assert.equal((await control('DELETE', '', { count: 5 })).json.ids.length, 5)
  assert.equal((await listIds(account, '', 100)).length, 47)
  assert.equal((await control('PATCH', '/999', { properties: {} })).status, 400)
})

test('a silent change keeps the modified time, a stamped one has the given time, an empty one only touches', async (t) => {
  const account = await startAccount({ tickets: 3 })
  t.after(account.close)
  const { world } = account.emulator
  const [id] = (await listIds(account)) as [string]
  const before = world.ticket(account.portal_id, id)
  world.changeTickets(account.portal_id, { ids: [id], properties: { subject: 'quiet' }, silent: true })
  assert.equal(world.ticket(account.portal_id, id)?.updatedAt, before?.updatedAt)
  world.changeTickets(account.portal_id, { ids: [id], properties: {}, at: Date.UTC(2027, 0, 2) })
  const after = world.ticket(account.portal_id, id)
  assert.equal(after?.updatedAt, '2027-01-02T00:00:00Z')
  assert.equal(after?.properties.subject, 'quiet')
})

test('the CRM may hold what the API would refuse', async (t) => {
  const account = await startAccount({ tickets: 1 })
  t.after(account.close)
  const { world } = account.emulator
  const nasty = 'NUL \u0000, lone \ud800, <script>, \u202e, __proto__'
  const [id] = (await listIds(account)) as [string]
  world.changeTickets(account.portal_id, {
    ids: [id],
    properties: { subject: nasty, content: 'x'.repeat(70_000) },
  })
  const shown = (await account.get(`${TICKETS}/${id}`)).json.properties
  assert.equal(shown.content.length, 70_000)
  assert.ok(shown.subject.startsWith('NUL \u0000, lone '))
})

test('the truth has every live ticket with all its values, page by page, and archived ones on request', async (t) => {
  const account = await startAccount({ tickets: 23 })
  t.after(account.close)
  const truth = async (query: string) =>
    (await ask(account.emulator.url, 'GET', `/_emulator/portals/${account.portal_id}/truth?${query}`)).json
  const seen: string[] = []
  for (let after = ''; ; ) {
    const page = await truth(`limit=10&after=${after}`)
    assert.equal(page.total, 23)
    for (const one of page.results) {
      seen.push(one.id)
      assert.equal(one.properties.hs_lastmodifieddate, one.updatedAt)
      assert.ok('hs_object_source' in one.properties)
    }
    if (page.next === null) break
    after = page.next
  }
  assert.deepEqual(seen, await listIds(account))
  account.emulator.world.archiveTickets(account.portal_id, { ids: [seen[2] as string] })
  assert.equal((await truth('')).total, 22)
  const archived = await truth('archived=true')
  assert.deepEqual(
    archived.results.map((one: { id: string }) => one.id),
    [seen[2]],
  )
  assert.ok(archived.results[0].archivedAt)
})

test('the clock moves HubSpot’s time: the Date header, modified times and token ages', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const moved = (
    await ask(account.emulator.url, 'POST', '/_emulator/clock', { body: { advance_ms: 3_600_000 } })
  ).json
  assert.equal(moved.offset_ms, 3_600_000)
  const answer = await account.get(TICKETS)
  const date = Date.parse(answer.headers.get('date') ?? '')
  assert.ok(Math.abs(date - Date.now() - 3_600_000) < 3000)
  const [id] = account.emulator.world.addTickets(account.portal_id)
  const created = Date.parse((await account.get(`${TICKETS}/${id}`)).json.createdAt)
  assert.ok(Math.abs(created - date) < 3000)
  assert.equal((await ask(account.emulator.url, 'POST', '/_emulator/clock', { body: {} })).status, 400)
})

test('tokens of one account can be made to expire, or taken away, through the control API', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world, url } = account.emulator
  const app = world.addApp({ required_scopes: ['tickets'] })
  const mine = world.addToken(account.portal_id, { kind: 'oauth', client_id: app.client_id })
  const other = world.addToken(world.addPortal({}).portal_id, { kind: 'oauth', client_id: app.client_id })
  const status = async (token: string) => (await account.call('GET', TICKETS, { token })).json.category
  await ask(url, 'POST', '/_emulator/tokens/expire', { body: { portal_id: account.portal_id } })
  assert.equal(await status(mine.token), 'EXPIRED_AUTHENTICATION')
  assert.equal(await status(other.token), undefined)
  await ask(url, 'POST', '/_emulator/tokens/revoke', { body: { token: other.token } })
  assert.equal(await status(other.token), 'INVALID_AUTHENTICATION')
  const form = {
    grant_type: 'refresh_token',
    refresh_token: other.refresh_token as string,
    client_id: app.client_id,
    client_secret: app.client_secret,
  }
  assert.equal((await ask(url, 'POST', '/oauth/2026-09/token', { form })).json.status, 'BAD_REFRESH_TOKEN')
  const again = await ask(url, 'POST', '/oauth/2026-09/token', {
    form: { ...form, refresh_token: mine.refresh_token as string },
  })
  assert.equal(again.status, 200)
})

test('the request log tells what was asked, by whom and how it ended, and never a secret', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world, url } = account.emulator
  await account.get(`${TICKETS}?limit=3&properties=subject`)
  await account.call('GET', '/crm/owners/2026-09?limit=many')
  await account.get(`${TICKETS}/${account.token}`)
  await ask(url, 'GET', `/oauth/v1/access-tokens/${account.token}`)
  await ask(url, 'GET', `/oauth/authorize?code=abc&client_secret=hush&x=${account.token}`)
  const text = (await ask(url, 'GET', '/_emulator/requests')).text
  assert.ok(!text.includes(account.token) && !text.includes('hush'))
  const entries = JSON.parse(text).results
  assert.deepEqual(
    entries.map((one: { seq: number }) => one.seq),
    [1, 2, 3, 4, 5],
  )
  const [list, owners, inPath, v1, inQuery] = entries
  assert.equal(list.path, TICKETS)
  assert.deepEqual(list.query, { limit: '3', properties: 'subject' })
  assert.equal(list.endpoint, '/crm/objects/{version}/{objectType}')
  assert.equal(list.portal_id, account.portal_id)
  assert.equal(list.token_kind, 'private_app')
  assert.equal(list.status, 200)
  assert.ok(list.bytes > 100 && list.ms >= 0 && list.concurrent === 1)
  assert.equal(list.secret_in_url, false)
  assert.equal(owners.status, 400)
  for (const one of [inPath, v1, inQuery]) assert.equal(one.secret_in_url, true, one.path)
  assert.equal(v1.path, '/oauth/v1/access-tokens/[redacted]')
  const later = (await ask(url, 'GET', '/_emulator/requests?since=1&path=/owners')).json.results
  assert.deepEqual(
    later.map((one: { seq: number }) => one.seq),
    [2],
  )
  const stats = (await ask(url, 'GET', '/_emulator/stats')).json
  assert.equal(stats.requests, 5)
  assert.equal(stats.by_endpoint['GET /crm/objects/{version}/{objectType} 200'], 1)
  await ask(url, 'DELETE', '/_emulator/requests')
  assert.deepEqual((await ask(url, 'GET', '/_emulator/requests')).json.results, [])
  assert.equal(world.log.stats().requests, 0)
})

test('the log counts how many requests were under way together', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  account.emulator.world.faults.add({ kind: 'delay', delay_ms: 150, times: null })
  await Promise.all(Array.from({ length: 6 }, () => account.get(TICKETS)))
  const most = Math.max(...account.emulator.world.log.list().map((one) => one.concurrent))
  assert.equal(most, 6)
  assert.equal(account.emulator.world.log.stats().max_in_flight, 6)
})

test('properties can be added and deleted while the account is in use', async (t) => {
  const account = await startAccount({ tickets: 2 })
  t.after(account.close)
  const path = `/_emulator/portals/${account.portal_id}/properties`
  await ask(account.emulator.url, 'POST', path, { body: { name: 'shoe_size', type: 'number' } })
  const [id] = (await listIds(account)) as [string]
  const patch = () => account.call('PATCH', `${TICKETS}/${id}`, { body: { properties: { shoe_size: '44' } } })
  assert.equal((await patch()).json.properties.shoe_size, '44')
  await ask(account.emulator.url, 'DELETE', `${path}/shoe_size`)
  assert.equal((await patch()).status, 400)
  assert.equal(
    'shoe_size' in (await account.get(`${TICKETS}/${id}?properties=shoe_size`)).json.properties,
    false,
  )
  assert.equal(
    (await account.get('/crm/properties/2026-09/tickets/shoe_size?archived=true')).json.archived,
    true,
  )
})

test('reset empties the world and brings the switches back', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world, url } = account.emulator
  world.changeQuirks({ wrong_link: false })
  world.clock.advance(5000)
  world.faults.add({ kind: 'reset', times: null })
  await ask(url, 'POST', '/_emulator/reset')
  assert.equal((await account.get(TICKETS)).status, 401)
  const state = (await ask(url, 'GET', '/_emulator')).json
  assert.deepEqual(state.portals, [])
  assert.deepEqual(state.apps, [])
  assert.equal(state.quirks.wrong_link, true)
  assert.equal(world.clock.offset(), 0)
})

test('a misspelt switch or value is refused and nothing changes', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const patch = (body: object) => ask(account.emulator.url, 'PATCH', '/_emulator/quirks', { body })
  for (const body of [
    { short_page: true },
    { ticket_id_sort: 'numeric' },
    { index_lag_ms: 'long' },
    { index_lag_ms: -1 },
    { token_info_unknown: 403 },
  ]) {
    const answer = await patch({ wrong_link: false, ...body })
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.ok(answer.json.error)
  }
  assert.equal(account.emulator.world.quirks.wrong_link, true)
  assert.equal((await patch({ index_lag_ms: 120_000, account_info_scope: null })).json.index_lag_ms, 120_000)
  assert.equal((await ask(account.emulator.url, 'GET', '/_emulator/nothing')).status, 404)
})
