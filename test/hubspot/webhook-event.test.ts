/** Which tickets HubSpot's webhook events speak of. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changeTypes, readDelivery } from '../../src/hubspot/webhook-event.ts'

const app = 54_321
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
  const delivery = readDelivery(events, app)
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
    assert.deepEqual(idsOf({ ...generic, associationType: 'SOMETHING_NEW' }), [['associationChange', ['5']]])
    assert.deepEqual(idsOf({ ...generic, objectId: 8 }), [['associationChange', ['8']]])
  })
})

test('only what is about tickets counts, and only of our app', () => {
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

test('one event that cannot be read spoils no other', () => {
  const good = { ...common, subscriptionType: 'ticket.creation', objectId: 1 }
  const odd = [
    null,
    7,
    'text',
    [],
    {},
    { ...good, portalId: undefined },
    { ...good, portalId: '62515' },
    { ...good, portalId: -1 },
    { ...good, portalId: 1.5 },
    { ...good, portalId: 2 ** 53 },
    { ...good, occurredAt: undefined },
    { ...good, occurredAt: 'yesterday' },
    { ...good, occurredAt: 9e15 },
    { ...good, objectId: undefined },
    { ...good, objectId: 2 ** 53 },
    { ...good, objectId: "1' or true" },
    { ...good, objectId: {} },
    { ...good, subscriptionType: undefined },
    { ...good, subscriptionType: 7 },
    { ...good, subscriptionType: 'ticket.merge', mergedObjectIds: 'all' },
  ]
  const { changes, malformed } = read(...odd, good)
  assert.equal(malformed, odd.length)
  assert.deepEqual(
    changes.map(({ ticketIds }) => ticketIds),
    [['1']],
  )
})

test('ids are kept as HubSpot gives them, as numbers or as text', () => {
  assert.deepEqual(idsOf({ subscriptionType: 'ticket.creation', objectId: 394_413_098_217 }), [
    ['creation', ['394413098217']],
  ])
  assert.deepEqual(idsOf({ subscriptionType: 'ticket.creation', objectId: '39441309821712345678' }), [
    ['creation', ['39441309821712345678']],
  ])
})

test('a body that is no array is no delivery; an empty one is', () => {
  for (const body of [{}, null, 'text', 7, undefined]) assert.equal(readDelivery(body, app), undefined)
  assert.deepEqual(readDelivery([], app), { changes: [], otherKind: 0, otherApp: 0, malformed: 0 })
})
