// The webhooks journal: what an app subscribes to, the files it reads, how long they are kept.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { passes } from '../../emulator/journal/conditions.ts'
import type { Condition } from '../../emulator/journal/types.ts'
import type { NewPortal } from '../../emulator/portals.ts'
import type { Quirks } from '../../emulator/quirks.ts'
import { ask, startLimited, TICKETS } from './help.ts'

const SCOPES = ['read', 'subscriptions.read', 'subscriptions.write'].map(
  (one) => `developer.webhooks_journal.${one}`,
)
const DAY = 86_400_000

// biome-ignore lint/suspicious/noExplicitAny: test code reads foreign JSON
type Event = any

async function start(t: TestContext, portal: NewPortal = {}, quirks: Partial<Quirks> = {}, scopes = SCOPES) {
  const account = await startLimited(portal, quirks)
  t.after(account.close)
  const { world, url } = account.emulator
  const { portal_id } = account
  const app = world.addApp({ required_scopes: ['oauth', 'tickets'] })
  const install = (to: number) =>
    world.addToken(to, { kind: 'oauth', client_id: app.client_id, scopes: ['oauth', 'tickets'] })
  install(portal_id)
  const mint = async (scope: string) =>
    (
      await ask(url, 'POST', '/oauth/2026-09/token', {
        form: {
          grant_type: 'client_credentials',
          client_id: app.client_id,
          client_secret: app.client_secret,
          scope,
        },
      })
    ).json.access_token as string
  const token = await mint(scopes.join(' '))
  const api = (method: string, path: string, body?: unknown, bearer = token) =>
    ask(url, method, `/webhooks-journal${path}`, { token: bearer, ...(body === undefined ? {} : { body }) })
  const subscribe = async (more: object) => {
    const answer = await api('POST', '/subscriptions/2026-03', {
      subscriptionType: 'OBJECT',
      portalId: portal_id,
      objectTypeId: '0-5',
      actions: ['CREATE', 'UPDATE', 'DELETE', 'MERGE', 'RESTORE'],
      properties: ['subject', 'content', 'region'],
      objectIds: [],
      ...more,
    })
    assert.equal(answer.status, 200, answer.text)
    return answer.json
  }
  const read = (path: string) => api('GET', `/journal/2026-03${path}`)
  const open = async (pointer: { url: string }) => {
    const answer = await fetch(pointer.url)
    assert.equal(answer.status, 200)
    return (await answer.json()) as { offset: string; journalEvents: Event[]; publishedAt: string }
  }
  // Every event from an offset on, or from the start, as a reader would fetch them.
  const walk = async (from: string | null, query = '') => {
    const events: Event[] = []
    let offset = from
    for (;;) {
      const next = await read(`${offset === null ? '/earliest' : `/offset/${offset}/next`}${query}`)
      if (next.status === 204) return { events, offset: offset as string }
      assert.equal(next.status, 200)
      const file = await open(next.json)
      assert.equal(file.offset, next.json.currentOffset)
      events.push(...file.journalEvents)
      offset = file.offset
    }
  }
  return { ...account, world, url, app, install, mint, api, subscribe, read, open, walk }
}

const shape = (events: Event[]) => events.map((one) => [one.action, one.objectId])

test('the life of a ticket stands in the journal, with the properties that were asked for', async (t) => {
  const j = await start(t, { custom_properties: 4 })
  assert.equal((await j.read('/earliest')).status, 204)
  assert.equal((await j.read('/latest')).status, 204)
  await j.subscribe({})
  const [a, b] = j.world.addTickets(j.portal_id, {
    count: 2,
    properties: { subject: 'One', content: 'text', region: 'emea', source_type: 'CHAT' },
  }) as [string, string]
  const { events, offset } = await j.walk(null)
  const { occurredAt, ...created } = events[0]
  assert.match(occurredAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual(created, {
    type: 'crmObject',
    portalId: j.portal_id,
    action: 'CREATE',
    objectTypeId: '0-5',
    objectId: Number(a),
    propertyChanges: { subject: 'One', content: 'text', region: 'emea' },
  })
  const change = (properties: object) => j.call('PATCH', `${TICKETS}/${a}`, { body: { properties } })
  await change({ subject: 'Two', content: '', source_type: 'EMAIL' })
  await change({ source_type: 'PHONE' })
  await j.call('DELETE', `${TICKETS}/${a}`)
  j.world.restoreTickets(j.portal_id, { ids: [a] })
  const { survivor } = j.world.mergeTickets(j.portal_id, { primary: a, loser: b })
  const later = (await j.walk(offset)).events
  assert.deepEqual(shape(later), [
    ['UPDATE', Number(a)],
    ['DELETE', Number(a)],
    ['RESTORE', Number(a)],
    ['MERGE', Number(survivor)],
  ])
  assert.deepEqual(later[0].propertyChanges, { subject: 'Two', content: '' })
  assert.equal(later[1].propertyChanges, undefined)
  j.world.changeQuirks({ journal_merge_object: 'primary' })
  const [c] = j.world.addTickets(j.portal_id) as [string]
  j.world.mergeTickets(j.portal_id, { primary: survivor, loser: c })
  assert.deepEqual(shape((await j.walk(null)).events).at(-1), ['MERGE', Number(survivor)])
})

test('only subscribed actions, records and accounts are written, and each once', async (t) => {
  const j = await start(t)
  const ids = (await j.get(`${TICKETS}?limit=2`)).json.results.map((one: { id: string }) => one.id)
  const other = j.world.addPortal({ tickets: 3 }).portal_id
  j.install(other)
  await j.subscribe({ actions: ['UPDATE'], objectIds: [Number(ids[0])], properties: ['subject'] })
  for (const id of ids) j.world.changeTickets(j.portal_id, { ids: [id] })
  j.world.archiveTickets(j.portal_id, { ids: [ids[0]] })
  j.world.changeTickets(other, { count: 3 })
  const first = await j.walk(null)
  assert.deepEqual(shape(first.events), [['UPDATE', Number(ids[0])]])
  // The same again changes the subscription and makes no second one.
  const again = await j.subscribe({ actions: ['CREATE'], properties: [] })
  const listed = (await j.api('GET', '/subscriptions/2026-03')).json.results
  assert.deepEqual(
    listed.map((one: { id: number }) => one.id),
    [again.id],
  )
  j.world.addTickets(j.portal_id)
  const { events } = await j.walk(first.offset)
  assert.deepEqual([events.length, events[0].propertyChanges], [1, {}])
})

test('associations are told from the side that is subscribed', async (t) => {
  const j = await start(t)
  const [{ id }] = (await j.get(`${TICKETS}?limit=1`)).json.results
  const association = {
    subscriptionType: 'ASSOCIATION',
    actions: ['ASSOCIATION_ADDED', 'ASSOCIATION_REMOVED'],
  }
  await j.subscribe({ ...association, associatedObjectTypeIds: ['0-1'] })
  const change = (to: string, more = {}) =>
    j.world.changeAssociation(j.portal_id, { ticket_id: id, to, to_id: 88, ...more })
  change('contacts')
  change('companies')
  change('contacts', { types: [{ category: 'USER_DEFINED', typeId: 101, label: 'Billing contact' }] })
  change('contacts', { remove: true })
  const { events, offset } = await j.walk(null)
  const side = {
    type: 'association',
    portalId: j.portal_id,
    objectTypeId: '0-5',
    objectId: Number(id),
    associatedObjectTypeId: '0-1',
    associatedObjectId: 88,
    associationType: 'TICKET_TO_CONTACT',
  }
  assert.deepEqual(
    events.map(({ occurredAt: _, ...one }) => one),
    [
      { ...side, action: 'ASSOCIATION_ADDED' },
      { ...side, action: 'ASSOCIATION_REMOVED' },
    ],
  )
  await j.subscribe({ ...association, objectTypeId: '0-3', associatedObjectTypeIds: ['0-5'] })
  change('deals')
  const [deal] = (await j.walk(offset)).events
  assert.deepEqual([deal.objectTypeId, deal.objectId, deal.associatedObjectId], ['0-3', 88, Number(id)])
})

test('installs and uninstalls of the app are told, and an uninstall ends what is subscribed there', async (t) => {
  const j = await start(t)
  for (const eventTypeId of ['4-1909196', '4-1916193']) {
    const body = { subscriptionType: 'APP_LIFECYCLE_EVENT', eventTypeId, properties: [] }
    assert.equal((await j.api('POST', '/subscriptions/2026-03', body)).status, 200)
  }
  await j.subscribe({})
  const other = j.world.addPortal({}).portal_id
  j.install(other)
  // A second authorisation of the same account is no install.
  j.install(other)
  j.world.tokens.uninstall(j.app.app_id, j.portal_id)
  j.world.addTickets(j.portal_id)
  const { events, offset } = await j.walk(null)
  assert.deepEqual(
    events.map((one) => [one.type, one.portalId, one.eventTypeId, one.action]),
    [
      ['app_lifecycle_event', other, '4-1909196', 'APP_INSTALL'],
      ['app_lifecycle_event', j.portal_id, '4-1916193', 'APP_UNINSTALL'],
    ],
  )
  const types = async () =>
    (await j.api('GET', '/subscriptions/2026-03')).json.results.map(
      (one: { subscriptionType: string }) => one.subscriptionType,
    )
  assert.deepEqual(await types(), ['APP_LIFECYCLE_EVENT', 'APP_LIFECYCLE_EVENT'])
  j.world.changeQuirks({ journal_uninstall_ends_subscriptions: false })
  await j.subscribe({ portalId: other })
  j.world.tokens.uninstall(j.app.app_id, other)
  j.world.addTickets(other)
  assert.equal((await types()).length, 3)
  assert.deepEqual(
    (await j.walk(offset)).events.map((one) => one.type),
    ['app_lifecycle_event'],
  )
})

test('files hold so many events, come in order, one by one or in batches, all or of one account', async (t) => {
  const j = await start(t)
  const other = j.world.addPortal({ tickets: 0 }).portal_id
  j.install(other)
  await j.subscribe({})
  await j.subscribe({ portalId: other })
  const settings = (await ask(j.url, 'PATCH', '/_emulator/journal', { body: { file_events: 10 } })).json
  assert.equal(settings.settings.file_events, 10)
  const mine = j.world.addTickets(j.portal_id, { count: 25 })
  const theirs = j.world.addTickets(other, { count: 10 })
  const { events, offset } = await j.walk(null)
  assert.deepEqual(
    events.map((one) => String(one.objectId)),
    [...mine, ...theirs],
  )
  const all = (await j.read('/batch/earliest/100')).json
  assert.deepEqual([all.status, all.results.length], ['COMPLETE', 4])
  const offsets = all.results.map((one: { currentOffset: string }) => one.currentOffset)
  assert.equal(offsets.at(-1), offset)
  assert.equal((await j.read('/earliest')).json.currentOffset, offsets[0])
  assert.equal((await j.read('/latest')).json.currentOffset, offsets[3])
  const pick = async (path: string) =>
    (await j.read(path)).json.results.map((one: { currentOffset: string }) => one.currentOffset)
  assert.deepEqual(await pick('/batch/earliest/2'), offsets.slice(0, 2))
  assert.deepEqual(await pick('/batch/latest/2'), offsets.slice(2))
  assert.deepEqual(await pick(`/batch/${offsets[0]}/next/2`), offsets.slice(1, 3))
  assert.deepEqual(await pick(`/batch/${offsets[3]}/next/2`), [])
  for (const count of ['0', '101', 'x']) assert.equal((await j.read(`/batch/earliest/${count}`)).status, 400)

  const some = await j.api('POST', '/journal/2026-03/batch/read', { inputs: [offsets[2], offsets[0]] })
  assert.deepEqual(
    [some.status, some.json.results.map((one: { currentOffset: string }) => one.currentOffset)],
    [200, [offsets[2], offsets[0]]],
  )
  const partly = await j.api('POST', '/journal/2026-03/batch/read', { inputs: [offsets[1], 'gone'] })
  assert.deepEqual([partly.status, partly.json.results.length, partly.json.numErrors], [207, 1, 1])

  const own = await j.walk(null, `?installPortalId=${other}`)
  assert.deepEqual(
    own.events.map((one) => String(one.objectId)),
    theirs,
  )
  assert.equal((await j.api('GET', '/journal-local/2026-09/earliest')).json.currentOffset, offsets[0])
})

test('the address of a file needs no token, cannot be made up, and ends; files end after three days', async (t) => {
  const j = await start(t, {}, { access_token_ttl_s: 900_000 })
  await j.subscribe({})
  j.world.addTickets(j.portal_id)
  const { json: pointer } = await j.read('/earliest')
  await j.open(pointer)
  assert.ok(Date.parse(pointer.expiresAt) > Date.now())
  for (const wrong of [
    pointer.url.replace(/signature=../, 'signature=00'),
    pointer.url.replace(/expires=\d/, 'expires=9'),
    pointer.url.replace('?', `?portal=${j.portal_id}&`),
  ])
    assert.equal((await fetch(wrong)).status, 403, wrong)
  j.world.clock.advance(300_001)
  const late = await fetch(pointer.url)
  assert.equal(late.status, 403)
  assert.match(await late.text(), /expired/)
  j.world.clock.advance(3 * DAY - 400_000)
  const fresh = (await j.read('/earliest')).json
  assert.equal(fresh.currentOffset, pointer.currentOffset)
  j.world.addTickets(j.portal_id)
  const second = (await j.read('/latest')).json.currentOffset
  j.world.clock.advance(200_000)
  assert.equal((await j.read('/earliest')).json.currentOffset, second)
  const lost = await j.read(`/offset/${pointer.currentOffset}/next`)
  assert.deepEqual([lost.status, lost.json.category], [404, 'OBJECT_NOT_FOUND'])
  j.world.changeQuirks({ journal_lost_offset: 'earliest' })
  assert.equal((await j.read(`/offset/${pointer.currentOffset}/next`)).json.currentOffset, second)
  assert.equal((await fetch(fresh.url)).status, 404)
})

test('a file is published after a while, or at once on order', async (t) => {
  const j = await start(t)
  await j.subscribe({})
  await ask(j.url, 'PATCH', '/_emulator/journal', { body: { publish_ms: 60_000 } })
  j.world.addTickets(j.portal_id)
  assert.equal((await j.read('/earliest')).status, 204)
  j.world.clock.advance(60_000)
  assert.equal((await j.read('/earliest')).status, 200)
  j.world.addTickets(j.portal_id)
  const { apps } = (await ask(j.url, 'POST', '/_emulator/journal/publish')).json
  assert.deepEqual(apps, [
    { client_id: j.app.client_id, subscriptions: 1, files: 2, events: 2, open: 0, dropped: 0 },
  ])
  await ask(j.url, 'PATCH', '/_emulator/journal', { body: { most_events: 3, file_events: 1 } })
  j.world.addTickets(j.portal_id, { count: 4 })
  assert.deepEqual(j.world.journal.state()[0], {
    client_id: j.app.client_id,
    subscriptions: 1,
    files: 3,
    events: 3,
    open: 0,
    dropped: 3,
  })
  await ask(j.url, 'PATCH', '/_emulator/journal', {
    body: { file_events: 100, file_characters: 1000, most_events: 100 },
  })
  j.world.addTickets(j.portal_id, { properties: { content: 'x'.repeat(1200) } })
  const [state] = j.world.journal.state()
  assert.deepEqual([state?.files, state?.open], [4, 0])
  for (const body of [{ file_event: 1 }, { file_events: 0 }, { retention_ms: 'long' }])
    assert.equal((await ask(j.url, 'PATCH', '/_emulator/journal', { body })).status, 400)
})

test('a filter lets only tickets through that fit one of its subscription’s filters', async (t) => {
  const j = await start(t)
  const { id } = await j.subscribe({})
  const add = async (...conditions: object[]) =>
    j.api('POST', '/subscriptions/2026-03/filters', { subscriptionId: id, filter: { conditions } })
  const condition = (property: string, operator: string, more: object) => ({
    filterType: 'CRM_OBJECT_PROPERTY',
    property,
    operator,
    ...more,
  })
  const made = await add(
    condition('hs_ticket_priority', 'IN', { values: ['HIGH', 'URGENT'] }),
    condition('subject', 'STARTS_WITH', { value: 'Bike' }),
    condition('content', 'IS_NOT_EMPTY', {}),
  )
  assert.equal(made.status, 200)
  const ticket = (hs_ticket_priority: string, subject: string, content: string) =>
    j.world.addTickets(j.portal_id, { properties: { hs_ticket_priority, subject, content } })[0]
  const right = ticket('HIGH', 'Bike 1', 'x')
  ticket('LOW', 'Bike 2', 'x')
  ticket('HIGH', 'Car', 'x')
  ticket('HIGH', 'Bike 3', '')
  const first = await j.walk(null)
  assert.deepEqual(shape(first.events), [['CREATE', Number(right)]])
  const listed = (await j.api('GET', `/subscriptions/2026-03/filters/subscription/${id}`)).json
  assert.deepEqual([listed.length, listed[0].id], [1, made.json.filterId])
  const path = `/subscriptions/2026-03/filters/${made.json.filterId}`
  assert.equal((await j.api('GET', path)).json.filter.conditions.length, 3)
  assert.equal((await j.api('DELETE', path)).status, 204)
  assert.equal((await j.api('GET', path)).status, 404)
  ticket('LOW', 'Bike 4', 'x')
  assert.equal((await j.walk(first.offset)).events.length, 1)
  assert.equal((await add(condition('subject', 'LIKE', {}))).status, 400)
  assert.equal((await add({ property: 'subject', operator: 'EQ' })).status, 400)
  assert.equal((await j.api('POST', '/subscriptions/2026-03/filters', { subscriptionId: id })).status, 400)
})

test('conditions compare as their names say', () => {
  const value = (name: string) => ({ n: '10', text: 'Bike 1', time: '2026-11-25T10:00:00Z', empty: '' })[name]
  const cases: [string, string, string | string[], boolean][] = [
    ['text', 'EQ', 'Bike 1', true],
    ['text', 'EQ', 'bike 1', false],
    ['text', 'N_EQ', 'Car', true],
    ['text', 'CONTAINS', 'ke', true],
    ['text', 'CONTAINS', 'car', false],
    ['text', 'STARTS_WITH', 'ike', false],
    ['text', 'ENDS_WITH', '1', true],
    ['text', 'ENDS_WITH', 'Bike', false],
    ['n', 'GT', '9', true],
    ['n', 'GT', '10', false],
    ['n', 'GTE', '10', true],
    ['n', 'LT', '9', false],
    ['n', 'LT', '100', true],
    ['n', 'LTE', '10', true],
    ['time', 'GT', '2026-11-25T09:59:59.999Z', true],
    ['time', 'LTE', '2026-11-24T00:00:00Z', false],
    ['empty', 'LT', '5', false],
    ['text', 'IN', ['Car', 'Bike 1'], true],
    ['text', 'NOT_IN', ['Car', 'Bike 1'], false],
    ['nothing', 'IS_EMPTY', '', true],
    ['nothing', 'IS_NOT_EMPTY', '', false],
    ['n', 'IS_EMPTY', '', false],
  ]
  for (const [property, operator, given, right] of cases) {
    const more = Array.isArray(given) ? { values: given } : { value: given }
    const condition = { filterType: 'CRM_OBJECT_PROPERTY', property, operator, ...more } as Condition
    const filter = { id: 1, subscription_id: 1, created_at: 0, conditions: [condition] }
    assert.equal(passes([filter], value), right, `${property} ${operator} ${given}`)
  }
  assert.equal(passes([], value), true)
})

test('subscriptions are listed, shown and taken away, one or all of an account; nonsense is refused', async (t) => {
  const j = await start(t)
  const { id, createdAt, updatedAt, ...made } = await j.subscribe({})
  assert.ok(createdAt && updatedAt && Number.isSafeInteger(id))
  assert.deepEqual(made, {
    appId: j.app.app_id,
    subscriptionType: 'OBJECT',
    portalId: j.portal_id,
    objectTypeId: '0-5',
    actions: ['CREATE', 'UPDATE', 'DELETE', 'MERGE', 'RESTORE'],
    properties: ['subject', 'content', 'region'],
    objectIds: [],
    associatedObjectTypeIds: [],
  })
  assert.equal((await j.api('GET', `/subscriptions/2026-09/${id}`)).json.id, id)
  assert.equal((await j.api('DELETE', `/subscriptions/2026-03/${id}`)).status, 204)
  assert.equal((await j.api('DELETE', `/subscriptions/2026-03/${id}`)).status, 404)
  assert.equal(j.world.news.tell, null)
  await j.subscribe({})
  assert.notEqual(j.world.news.tell, null)
  assert.equal((await j.api('DELETE', `/subscriptions/2026-03/portals/${j.portal_id}`)).status, 204)
  assert.deepEqual((await j.api('GET', '/subscriptions/2026-03')).json.results, [])
  assert.equal(j.world.news.tell, null)
  const right = {
    subscriptionType: 'OBJECT',
    portalId: j.portal_id,
    objectTypeId: '0-5',
    actions: ['CREATE'],
  }
  const stranger = j.world.addPortal({}).portal_id
  const wrong: [object, number][] = [
    [{ ...right, subscriptionType: 'DREAM' }, 400],
    [{ ...right, actions: ['EXPLODE'] }, 400],
    [{ ...right, actions: 'CREATE' }, 400],
    [{ ...right, objectTypeId: undefined }, 400],
    [{ ...right, portalId: stranger }, 403],
    [{ ...right, portalId: 1 }, 403],
    [{ subscriptionType: 'APP_LIFECYCLE_EVENT', eventTypeId: '4-1' }, 400],
    [{}, 400],
  ]
  for (const [body, status] of wrong)
    assert.equal((await j.api('POST', '/subscriptions/2026-03', body)).status, status, JSON.stringify(body))
})

test('each call needs its scope, of either naming by switch; an account’s token opens nothing', async (t) => {
  const j = await start(t, {}, { journal_scopes: 'spec' }, [
    'webhooks-journal-data-access',
    'webhooks-journal-subscription-read',
    'webhooks-journal-subscription-management',
  ])
  await j.subscribe({})
  assert.equal((await j.read('/earliest')).status, 204)
  const reader = await j.mint('webhooks-journal-data-access')
  assert.equal((await j.api('GET', '/journal/2026-03/earliest', undefined, reader)).status, 204)
  const refused = await j.api('GET', '/subscriptions/2026-03', undefined, reader)
  assert.deepEqual([refused.status, refused.json.category], [403, 'MISSING_SCOPES'])
  const { token } = j.install(j.portal_id)
  assert.equal((await j.api('GET', '/journal/2026-03/earliest', undefined, token)).status, 401)
  assert.equal((await j.api('GET', '/journal/2026-03/earliest', undefined, 'nothing')).status, 401)
  // Another app reads its own journal, which is empty.
  const other = j.world.addApp({})
  j.world.addTickets(j.portal_id)
  const form = {
    grant_type: 'client_credentials',
    client_id: other.client_id,
    client_secret: other.client_secret,
    scope: 'webhooks-journal-data-access',
  }
  const foreign = (await ask(j.url, 'POST', '/oauth/2026-09/token', { form })).json.access_token
  assert.equal((await j.api('GET', '/journal/2026-03/earliest', undefined, foreign)).status, 204)
  assert.equal((await j.read('/earliest')).status, 200)
  j.world.changeQuirks({ journal_available: false })
  assert.equal((await j.read('/earliest')).json.category, 'MISSING_SCOPES')
  assert.equal((await j.api('GET', '/subscriptions/2026-03')).status, 403)
  assert.equal(await j.mint('webhooks-journal-data-access'), undefined)
})

test('no limit counts reads of the journal', async (t) => {
  const j = await start(t)
  const limits = { oauth_ten_secondly: 2, private_ten_secondly: 2, daily: 2 }
  await ask(j.url, 'POST', '/_emulator/limits', { body: limits })
  for (let i = 0; i < 10; i++) assert.equal((await j.read('/earliest')).status, 204)
})
