/** Which tickets HubSpot's webhook events name. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changeTypes, readDelivery } from '../../src/hubspot/events/webhook-event.ts'

const app = 54_321
const now = 1_795_000_000_000
const common = {
  eventId: 1,
  subscriptionId: 2,
  portalId: 62_515,
  appId: app,
  occurredAt: 1_790_000_000_000,
  attemptNumber: 0,
  changeSource: 'CRM_UI',
  sourceId: 'userId:123',
}

const read = (...events: unknown[]) => {
  const delivery = readDelivery(events, app, now)
  assert.ok(delivery)
  return delivery
}
const idsOf = (event: object) =>
  read({ ...common, ...event }).changes.map(({ type, ticketIds }) => [type, ticketIds])

describe('both families of events', () => {
  for (const type of changeTypes.filter((type) => type !== 'merge' && type !== 'associationChange'))
    test(`${type} names its ticket`, () => {
      assert.deepEqual(idsOf({ subscriptionType: `ticket.${type}`, objectId: 77 }), [[type, ['77']]])
      assert.deepEqual(idsOf({ eventType: `ticket.${type}`, objectId: 77 }), [[type, ['77']]])
      assert.deepEqual(idsOf({ subscriptionType: `object.${type}`, objectTypeId: '0-5', objectId: 77 }), [
        [type, ['77']],
      ])
    })

  test('a merge names all that it touched: the new record too', () => {
    const merge = { primaryObjectId: 5, mergedObjectIds: [5, 6], newObjectId: 9, numberOfPropertiesMoved: 3 }
    for (const over of [
      { subscriptionType: 'ticket.merge' },
      { subscriptionType: 'object.merge', objectTypeId: '0-5' },
    ])
      assert.deepEqual(idsOf({ ...over, objectId: 5, ...merge }), [['merge', ['5', '6', '9']]])
    assert.deepEqual(idsOf({ subscriptionType: 'ticket.merge', ...merge }), [['merge', ['5', '6', '9']]])
  })

  test('an association names the end that is a ticket', () => {
    const link = { subscriptionType: 'ticket.associationChange', fromObjectId: 5, toObjectId: 6 }
    for (const [associationType, ids] of [
      ['TICKET_TO_CONTACT', ['5']],
      ['CONTACT_TO_TICKET', ['6']],
      ['TICKET_TO_TICKET', ['5', '6']],
    ] as const)
      assert.deepEqual(idsOf({ ...link, associationType, associationRemoved: true }), [
        ['associationChange', ids],
      ])
    const generic = { ...link, subscriptionType: 'object.associationChange', objectTypeId: '0-5' }
    assert.deepEqual(idsOf({ ...generic, associationType: 'CONTACT_TO_TICKET', objectId: 5 }), [
      ['associationChange', ['6']],
    ])
  })

  const ends = {
    fromObjectId: 5,
    toObjectId: 6,
    associationTypeId: 16,
    associationCategory: 'HUBSPOT_DEFINED',
  }

  for (const subscriptionType of ['object.associationChange', 'ticket.associationChange'])
    test(`${subscriptionType} without a name or an object names the end whose type is that of tickets`, () => {
      const between = (fromObjectTypeId: unknown, toObjectTypeId: unknown) =>
        idsOf({ ...ends, subscriptionType, fromObjectTypeId, toObjectTypeId })
      assert.deepEqual(between('0-5', '0-2'), [['associationChange', ['5']]])
      assert.deepEqual(between('0-2', '0-5'), [['associationChange', ['6']]])
      assert.deepEqual(between('0-5', '0-5'), [['associationChange', ['5', '6']]])
      assert.deepEqual(between('0-5', '2-4711'), [['associationChange', ['5']]])
      assert.deepEqual(between('0-1', '0-2'), [])
    })

  test('the type ids decide, not the name or the object', () => {
    const odd = { ...ends, subscriptionType: 'ticket.associationChange', objectId: 5 }
    const types = { fromObjectTypeId: '0-2', toObjectTypeId: '0-5' }
    for (const associationType of ['SOMETHING_NEW', 'TICKET_TO_COMPANY', '', null])
      assert.deepEqual(idsOf({ ...odd, ...types, associationType }), [['associationChange', ['6']]])
  })

  test('an association that does not specify which end is the ticket names both', () => {
    for (const subscriptionType of ['ticket.associationChange', 'object.associationChange'])
      for (const more of [
        {},
        { objectId: 5 },
        { associationType: 'SOMETHING_NEW' },
        { fromObjectTypeId: null, toObjectTypeId: null, associationType: null },
      ])
        assert.deepEqual(idsOf({ ...ends, ...more, subscriptionType }), [['associationChange', ['5', '6']]])
    // One end is known to be something else.
    const half = { ...ends, subscriptionType: 'ticket.associationChange', fromObjectTypeId: '0-1' }
    assert.deepEqual(idsOf(half), [['associationChange', ['6']]])
    assert.deepEqual(idsOf({ subscriptionType: 'ticket.associationChange', objectId: 8 }), [
      ['associationChange', ['8']],
    ])
  })
})

test('a null in a field that an event may lack is the same as its absence', () => {
  const nothing = {
    eventType: null,
    objectTypeId: null,
    primaryObjectId: null,
    mergedObjectIds: null,
    newObjectId: null,
    associationType: null,
    fromObjectId: null,
    toObjectId: null,
    fromObjectTypeId: null,
    toObjectTypeId: null,
    occurredAt: null,
    propertyName: null,
    propertyValue: null,
    sourceId: null,
    changeFlag: null,
  }
  for (const type of changeTypes)
    assert.deepEqual(idsOf({ ...nothing, subscriptionType: `ticket.${type}`, objectId: 77 }), [
      [type, ['77']],
    ])
  const merge = { primaryObjectId: 5, mergedObjectIds: [null, 6, {}], newObjectId: null, objectId: null }
  assert.deepEqual(idsOf({ subscriptionType: 'ticket.merge', ...merge }), [['merge', ['5', '6']]])
  assert.deepEqual(idsOf({ subscriptionType: null, eventType: 'ticket.creation', objectId: 7 }), [
    ['creation', ['7']],
  ])
})

test('a missing time is the present, and a number may be text', () => {
  const event = { ...common, subscriptionType: 'ticket.creation', objectId: 1 }
  for (const occurredAt of [null, undefined, 'yesterday', 9e15, -1])
    assert.equal(read({ ...event, occurredAt }).changes[0]?.occurredAt, now)
  assert.equal(read({ ...event, occurredAt: '1790000000000' }).changes[0]?.occurredAt, 1_790_000_000_000)
  const { changes } = read({ ...event, portalId: '62515', appId: String(app) })
  assert.equal(changes[0]?.hubId, 62_515)
})

test('only events about tickets count, and only those of our app', () => {
  const other = [
    'contact.creation',
    'object.creation',
    'ticket.privacyDeletion',
    'ticket',
    '',
    'conversation.newMessage',
  ]
  const { changes, ...counts } = read(
    ...other.map((subscriptionType) => ({ ...common, subscriptionType, objectId: 1 })),
    { ...common, subscriptionType: 'object.creation', objectTypeId: '0-1', objectId: 1 },
    { ...common, subscriptionType: 'ticket.creation', objectId: 1, appId: app + 1 },
    { ...common, subscriptionType: 'ticket.creation', objectId: 1, appId: undefined },
  )
  assert.deepEqual(changes, [])
  assert.deepEqual(counts, { otherKind: other.length + 1, otherApp: 2, malformed: 0 })
})

test('one unreadable event does not affect the others', () => {
  const good = { ...common, subscriptionType: 'ticket.creation', objectId: 1 }
  const odd = [
    null,
    7,
    'text',
    [],
    {},
    { ...good, portalId: undefined },
    { ...good, portalId: null },
    { ...good, portalId: 'all' },
    { ...good, portalId: '0' },
    { ...good, portalId: -1 },
    { ...good, portalId: 1.5 },
    { ...good, portalId: 2 ** 53 },
    { ...good, objectId: undefined },
    { ...good, objectId: 2 ** 53 },
    { ...good, objectId: "1' or true" },
    { ...good, objectId: {} },
    { ...good, subscriptionType: undefined },
    { ...good, subscriptionType: 7 },
  ]
  const { changes, malformed } = read(...odd, good)
  assert.equal(malformed, odd.length)
  assert.deepEqual(
    changes.map(({ ticketIds }) => ticketIds),
    [['1']],
  )
})

test('ids are returned as HubSpot sends them, as numbers or as text', () => {
  assert.deepEqual(idsOf({ subscriptionType: 'ticket.creation', objectId: 394_413_098_217 }), [
    ['creation', ['394413098217']],
  ])
  assert.deepEqual(idsOf({ subscriptionType: 'ticket.creation', objectId: '39441309821712345678' }), [
    ['creation', ['39441309821712345678']],
  ])
})

test('a body that is no array is no delivery; an empty one is', () => {
  for (const body of [{}, null, 'text', 7, undefined]) assert.equal(readDelivery(body, app, now), undefined)
  assert.deepEqual(readDelivery([], app, now), { changes: [], otherKind: 0, otherApp: 0, malformed: 0 })
})
