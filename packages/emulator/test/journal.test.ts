// The webhooks journal: which events a change makes, for whom, and with which fields.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TICKETS } from './help.ts'
import { shape, startJournal } from './journal-help.ts'

test('the life of a ticket stands in the journal, with the properties that were asked for', async (t) => {
  const j = await startJournal(t, { custom_properties: 4 })
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
  const j = await startJournal(t)
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
  const j = await startJournal(t)
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
    fromObjectTypeId: '0-5',
    fromObjectId: Number(id),
    toObjectTypeId: '0-1',
    toObjectId: 88,
    associationTypeId: 16,
    associationCategory: 'HUBSPOT_DEFINED',
    isPrimary: false,
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
  const next = await j.walk(offset)
  const [deal] = next.events
  assert.deepEqual(
    [deal.fromObjectTypeId, deal.fromObjectId, deal.toObjectTypeId, deal.toObjectId],
    ['0-3', 88, '0-5', Number(id)],
  )
  j.world.changeQuirks({ journal_association: 'object' })
  change('deals', { remove: true })
  const [gone] = (await j.walk(next.offset)).events
  assert.deepEqual(
    [gone.objectTypeId, gone.objectId, gone.associatedObjectId, gone.associationType, gone.fromObjectId],
    ['0-3', 88, Number(id), 'DEAL_TO_TICKET', undefined],
  )
})

test('installs and uninstalls of the app are told, and an uninstall ends what is subscribed there', async (t) => {
  const j = await startJournal(t)
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
