// Which events a change makes, for whom, and with which fields.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TICKETS } from './help.ts'
import { startHooked } from './receiver.ts'

const types = (events: { subscriptionType: string }[]) => events.map((one) => one.subscriptionType).sort()

test('a new ticket tells of its creation and of each subscribed property, in HubSpot’s fields', async (t) => {
  const hook = await startHooked(t, ['ticket.creation', 'ticket.propertyChange:subject', 'object.creation'])
  const [id] = hook.world.addTickets(hook.portal_id, { properties: { subject: 'Broken bike' } })
  const events = await hook.events()
  assert.deepEqual(types(events), ['object.creation', 'ticket.creation', 'ticket.propertyChange'])
  const [creation, generic, change] = ['ticket.creation', 'object.creation', 'ticket.propertyChange'].map(
    (type) => events.find((one) => one.subscriptionType === type),
  )
  assert.deepEqual(Object.keys(creation).sort(), [
    'appId',
    'attemptNumber',
    'changeFlag',
    'changeSource',
    'eventId',
    'objectId',
    'occurredAt',
    'portalId',
    'sourceId',
    'subscriptionId',
    'subscriptionType',
  ])
  const { occurredAt, eventId, ...rest } = creation
  assert.ok(Math.abs(occurredAt - Date.now()) < 5000)
  assert.ok(Number.isSafeInteger(eventId))
  assert.deepEqual(rest, {
    subscriptionId: hook.set.subscriptions[0].id,
    portalId: hook.portal_id,
    appId: hook.app.app_id,
    subscriptionType: 'ticket.creation',
    attemptNumber: 0,
    objectId: Number(id),
    changeFlag: 'NEW',
    changeSource: 'CRM_UI',
    sourceId: `userId:${hook.world.portal(hook.portal_id).user_id}`,
  })
  assert.equal(generic.objectTypeId, '0-5')
  assert.equal(creation.objectTypeId, undefined)
  assert.equal(change.propertyName, 'subject')
  assert.equal(change.propertyValue, 'Broken bike')
  assert.equal(new Set(events.map((one) => one.eventId)).size, 3)
})

test('an update tells once of each subscribed property that changed, and of nothing else', async (t) => {
  const names = ['subject', 'content', 'hs_pipeline_stage', 'hs_pipeline', 'closed_date', 'region']
  const hook = await startHooked(
    t,
    names.map((name) => `ticket.propertyChange:${name}`),
    { tickets: 3, custom_properties: 4, pipelines: 1 },
  )
  const id = (await hook.get(`${TICKETS}?limit=1`)).json.results[0].id
  const path = `${TICKETS}/${id}`
  await hook.call('PATCH', path, { body: { properties: { hs_pipeline_stage: '1', content: 'old' } } })
  await hook.events()
  hook.receiver.got.length = 0
  const properties = { subject: 'Neu — ☕', content: '', hs_pipeline_stage: '4' }
  assert.equal((await hook.call('PATCH', path, { body: { properties } })).status, 200)
  const events = await hook.events()
  const values = Object.fromEntries(events.map((one) => [one.propertyName, one.propertyValue]))
  const closed = (await hook.get(`${path}?properties=closed_date`)).json.properties.closed_date
  assert.deepEqual(values, {
    subject: 'Neu — ☕',
    content: '',
    hs_pipeline_stage: '4',
    closed_date: closed,
  })
  assert.equal(events.length, 4)
  const [{ changeSource, sourceId, objectId }] = events
  assert.deepEqual([changeSource, objectId], ['INTEGRATION', Number(id)])
  assert.match(sourceId, /^\d+$/)

  // The same values again change nothing; the modified time alone is no event.
  hook.receiver.got.length = 0
  await hook.call('PATCH', path, { body: { properties } })
  hook.world.changeTickets(hook.portal_id, { ids: [id], properties: {} })
  assert.deepEqual(await hook.events(), [])
})

test('what cannot be subscribed to never fires, computed values only by switch, sensitive ones are hidden', async (t) => {
  const hook = await startHooked(t, [
    'ticket.propertyChange:hs_lastmodifieddate',
    'ticket.propertyChange:num_unique_conversion_events',
    'ticket.propertyChange:hs_is_closed',
    'ticket.propertyChange:no_such_property',
    'ticket.propertyChange:subject',
    'object.propertyChange:subject',
    { event_type: 'object.propertyChange', property_name: 'subject' },
  ])
  await hook.control('PATCH', '/webhooks', { sensitive_properties: ['subject'], change_source: 'IMPORT' })
  const change = (stage: string) =>
    hook.world.changeTickets(hook.portal_id, {
      count: 1,
      pick: 'first',
      properties: { subject: `now ${stage}`, hs_pipeline_stage: stage },
    })
  change('1')
  const first = await hook.events()
  assert.deepEqual(types(first), ['object.propertyChange', 'object.propertyChange', 'ticket.propertyChange'])
  assert.deepEqual(
    first.map((one) => [one.propertyValue, one.isSensitive, one.changeSource]),
    first.map(() => ['REDACTED', true, 'IMPORT']),
  )
  hook.world.changeQuirks({ webhook_calculated_fires: true, webhook_classic_is_sensitive: false })
  hook.receiver.got.length = 0
  change('4')
  change('1')
  const later = await hook.events()
  for (const one of later.filter(({ propertyName }) => propertyName === 'subject'))
    assert.equal(one.isSensitive, one.subscriptionType.startsWith('object') ? true : undefined)
  const names = later.map((one) => one.propertyName)
  assert.ok(names.includes('hs_is_closed'))
  assert.ok(!names.includes('hs_lastmodifieddate'))
})

test('archiving, restoring and deleting for good tell of it', async (t) => {
  const hook = await startHooked(t, ['ticket.deletion', 'ticket.restore'])
  const [a, b] = hook.world.addTickets(hook.portal_id, { count: 2 }) as [string, string]
  await hook.call('DELETE', `${TICKETS}/${a}`)
  hook.world.restoreTickets(hook.portal_id, { ids: [a], at: 1_790_000_000_000 })
  hook.world.deleteTickets(hook.portal_id, { ids: [a] })
  await hook.post(`${TICKETS}/batch/archive`, { inputs: [{ id: b }] })
  // Gone from the archive: nothing that a subscriber could still delete.
  hook.world.deleteTickets(hook.portal_id, { ids: [b] })
  const events = await hook.events()
  assert.deepEqual(
    events.map((one) => [one.subscriptionType, one.objectId, one.changeFlag]),
    [
      ['ticket.deletion', Number(a), 'DELETED'],
      ['ticket.restore', Number(a), undefined],
      ['ticket.deletion', Number(a), 'DELETED'],
      ['ticket.deletion', Number(b), 'DELETED'],
    ],
  )
  assert.equal(events[1].occurredAt, 1_790_000_000_000)
})

test('a merge names the new record, and by switch the records that come and go with it', async (t) => {
  const all = ['ticket.merge', 'object.merge', 'ticket.creation', 'ticket.deletion']
  const hook = await startHooked(t, all)
  const ids = (await hook.get(`${TICKETS}?limit=4`)).json.results.map((one: { id: string }) => one.id)
  const merge = async (primaryObjectId: string, objectIdToMerge: string) =>
    (await hook.post(`${TICKETS}/merge`, { primaryObjectId, objectIdToMerge })).json.id
  const survivor = await merge(ids[0], ids[1])
  const events = await hook.events()
  assert.deepEqual(types(events), ['object.merge', 'ticket.merge'])
  for (const one of events) {
    assert.equal(one.primaryObjectId, Number(ids[0]))
    assert.deepEqual(one.mergedObjectIds, [Number(ids[1])])
    assert.equal(one.newObjectId, Number(survivor))
    assert.equal(one.objectId, Number(survivor))
    assert.notEqual(one.newObjectId, one.primaryObjectId)
    assert.ok(one.numberOfPropertiesMoved > 0)
  }
  hook.world.changeQuirks({ webhook_merge_noise: true, webhook_merge_object: 'primary' })
  hook.receiver.got.length = 0
  const noisy = await merge(ids[2], ids[3])
  const more = await hook.events()
  assert.deepEqual(types(more), [
    'object.merge',
    'ticket.creation',
    'ticket.deletion',
    'ticket.deletion',
    'ticket.merge',
  ])
  assert.equal(more.find((one) => one.subscriptionType === 'ticket.merge').objectId, Number(ids[2]))
  assert.equal(more.find((one) => one.subscriptionType === 'ticket.creation').objectId, Number(noisy))
})

test('an association tells from both sides, a primary one twice, and so does its end', async (t) => {
  const hook = await startHooked(
    t,
    ['ticket.associationChange'],
    { tickets: 2 },
    { webhook_association_object_id: true },
  )
  const [{ id }] = (await hook.get(`${TICKETS}?limit=1`)).json.results
  const change = async (more: object) => {
    hook.receiver.got.length = 0
    const body = { ticket_id: id, to_id: 501, ...more }
    assert.equal((await hook.control('POST', `/portals/${hook.portal_id}/associations`, body)).status, 200)
    return (await hook.events())
      .map((one) => [
        one.associationType,
        one.fromObjectId,
        one.toObjectId,
        one.associationRemoved,
        one.isPrimaryAssociation,
        one.objectId,
      ])
      .sort()
  }
  const n = Number(id)
  assert.deepEqual(await change({ to: 'contacts' }), [
    ['CONTACT_TO_TICKET', 501, n, false, false, 501],
    ['TICKET_TO_CONTACT', n, 501, false, false, n],
  ])
  // A label on an association that is there is no change of it.
  const label = [{ category: 'USER_DEFINED', typeId: 101, label: 'Billing contact' }]
  assert.deepEqual(await change({ to: 'contacts', types: label }), [])
  assert.deepEqual(
    (await change({ to: 'contacts', remove: true })).map((one) => one[3]),
    [true, true],
  )
  const primary = [{ category: 'HUBSPOT_DEFINED', typeId: 26 }]
  const twice = await change({ to: 'companies', types: primary })
  assert.deepEqual(
    twice.map((one) => [one[0], one[4]]),
    [
      ['COMPANY_TO_TICKET', false],
      ['COMPANY_TO_TICKET', true],
      ['TICKET_TO_COMPANY', false],
      ['TICKET_TO_COMPANY', true],
    ],
  )
  hook.world.changeQuirks({
    webhook_primary_twice: false,
    webhook_association_sides: 'own',
    webhook_association_object_id: false,
  })
  assert.deepEqual(await change({ to: 'companies', remove: true }), [
    ['TICKET_TO_COMPANY', n, 501, true, true, undefined],
  ])
  hook.receiver.got.length = 0
  await hook.post(TICKETS, {
    properties: { subject: 'x', hs_pipeline: '0', hs_pipeline_stage: '1' },
    associations: [
      { to: { id: '77' }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 16 }] },
    ],
  })
  assert.equal((await hook.events())[0].toObjectId, 77)
})

test('an association comes in the forms of the classic and of the generic subscription', async (t) => {
  const hook = await startHooked(t, ['ticket.associationChange', 'object.associationChange'], { tickets: 2 })
  const [{ id }] = (await hook.get(`${TICKETS}?limit=1`)).json.results
  const n = Number(id)
  /** Without what every event has. */
  const change = async (quirks: object, more: object = {}) => {
    hook.world.changeQuirks({ webhook_association_sides: 'both', ...quirks })
    hook.receiver.got.length = 0
    const body = { ticket_id: id, to_id: 501, to: 'companies', ...more }
    assert.equal((await hook.control('POST', `/portals/${hook.portal_id}/associations`, body)).status, 200)
    const common = [
      'eventId',
      'subscriptionId',
      'portalId',
      'appId',
      'occurredAt',
      'attemptNumber',
      'sourceId',
    ]
    return (await hook.events()).map((one) =>
      Object.fromEntries(Object.entries(one).filter(([name]) => !common.includes(name))),
    )
  }
  const of = (events: object[], type: string, from: number) =>
    events.find(
      (one) =>
        (one as Record<string, unknown>).subscriptionType === type &&
        (one as Record<string, unknown>).fromObjectId === from,
    )
  const flags = { associationRemoved: false, isPrimaryAssociation: false, changeSource: 'USER' }
  const types = (from: string, to: string, associationTypeId: number) => ({
    fromObjectTypeId: from,
    toObjectTypeId: to,
    associationTypeId,
    associationCategory: 'HUBSPOT_DEFINED',
  })
  const ids = { fromObjectId: 501, toObjectId: n }
  const usual = await change({})
  assert.equal(usual.length, 4)
  const generic = 'object.associationChange'
  assert.deepEqual(of(usual, generic, 501), {
    subscriptionType: generic,
    ...ids,
    ...types('0-2', '0-5', 340),
    ...flags,
  })
  assert.deepEqual(of(usual, generic, n), {
    subscriptionType: generic,
    fromObjectId: n,
    toObjectId: 501,
    ...types('0-5', '0-2', 339),
    ...flags,
  })
  const classic = 'ticket.associationChange'
  assert.deepEqual(of(usual, classic, 501), {
    subscriptionType: classic,
    ...ids,
    associationType: 'COMPANY_TO_TICKET',
    ...flags,
  })
  const removed = { remove: true }
  const typed = await change({ webhook_classic_association: 'typed' }, removed)
  assert.deepEqual(of(typed, classic, 501), {
    subscriptionType: classic,
    ...ids,
    ...types('0-2', '0-5', 340),
    ...flags,
    associationRemoved: true,
  })
  const bare = await change({
    webhook_classic_association: 'bare',
    webhook_object_association: 'object',
    webhook_association_source: 'actor',
  })
  assert.deepEqual(of(bare, classic, 501), {
    subscriptionType: classic,
    ...ids,
    ...flags,
    changeSource: 'CRM_UI',
  })
  assert.deepEqual(of(bare, generic, 501), {
    subscriptionType: generic,
    objectTypeId: '0-5',
    ...ids,
    associationType: 'COMPANY_TO_TICKET',
    ...flags,
    changeSource: 'CRM_UI',
  })
})

test('the Test button sends event 100 about object 123 for each active subscription', async (t) => {
  const hook = await startHooked(t, ['ticket.creation', 'object.propertyChange:subject'])
  const path = `/apps/${hook.app.client_id}/webhooks/test`
  const sent = await hook.control('POST', path, { portal_id: hook.portal_id })
  assert.deepEqual([sent.status, sent.json], [200, { events: 2 }])
  assert.deepEqual(
    (await hook.events()).map((one) => [one.eventId, one.objectId, one.subscriptionType, one.propertyValue]),
    [
      [100, 123, 'ticket.creation', undefined],
      [100, 123, 'object.propertyChange', 'sample-value'],
    ],
  )
  assert.equal((await hook.control('POST', path, { portal_id: 7 })).status, 400)
})

test('only accounts that installed the app by OAuth, with the scope, are told of', async (t) => {
  const hook = await startHooked(t, ['ticket.creation'])
  const { world } = hook
  const other = world.addPortal({}).portal_id
  world.addToken(other, { kind: 'private_app' })
  world.addToken(other, { kind: 'oauth' })
  const narrow = world.addPortal({}).portal_id
  world.addToken(narrow, { kind: 'oauth', client_id: hook.app.client_id, scopes: ['oauth'] })
  const add = () => {
    for (const portal_id of [hook.portal_id, other, narrow]) world.addTickets(portal_id)
  }
  const portals = async () => (await hook.events()).map((one) => one.portalId)
  add()
  assert.deepEqual(await portals(), [hook.portal_id])
  world.portal(hook.portal_id).removed_scopes.add('tickets')
  add()
  assert.equal((await portals()).length, 1)
  world.portal(hook.portal_id).removed_scopes.clear()
  hook.install(other)
  add()
  assert.deepEqual((await portals()).slice(1).sort(), [hook.portal_id, other].sort())
  const gone = await hook.call('DELETE', '/appinstalls/2026-09/external-install', {
    token: hook.oauth_token,
  })
  assert.equal(gone.status, 204)
  add()
  assert.deepEqual((await portals()).slice(3), [other])
  world.deletePortal(other)
  add()
  assert.equal((await portals()).length, 4)
})

test('the older name of the type, and a creation without the burst, are switches', async (t) => {
  const hook = await startHooked(
    t,
    ['ticket.creation', 'ticket.propertyChange:subject'],
    {},
    { webhook_type_field: 'eventType', webhook_creation_burst: false },
  )
  hook.world.addTickets(hook.portal_id)
  const events = await hook.events()
  assert.deepEqual(
    events.map((one) => [one.eventType, one.subscriptionType]),
    [['ticket.creation', undefined]],
  )
})

test('without a subscription nothing is watched, and a paused one counts as none', async (t) => {
  const hook = await startHooked(t, [])
  const { world } = hook
  assert.equal(world.emitter.emit, null)
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, {
    subscriptions: [{ event_type: 'ticket.creation', active: false }],
  })
  assert.equal(world.emitter.emit, null)
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, { subscriptions: ['ticket.creation'] })
  assert.notEqual(world.emitter.emit, null)
  await hook.control('PUT', `/apps/${hook.app.client_id}/webhooks`, { target_url: null })
  assert.equal(world.emitter.emit, null)
  world.addTickets(hook.portal_id, { count: 50 })
  assert.equal((await hook.wait()).made, 0)
})
