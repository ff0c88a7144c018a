/** Deliveries for the webhooks route: valid and invalid events, signed as HubSpot does, so that the code behind the signature check is reached. */
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { json } from './fuzz-bodies.ts'
import { odd } from './fuzz-values.ts'

/** What the process under test is configured with. */
export const signing = {
  url: 'http://localhost:0/api/hubspot/webhooks',
  secret: 'test-secret-of-the-app',
  appId: 1_160_001,
}

/** A field that an event may lack: null as often as something odd. */
const typeId = fc.constantFrom<unknown>('0-5', '0-1', '2-4711', '', null, 5, {})
const number = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 2 ** 31 - 1 }) },
  fc.constantFrom<unknown>(0, -1, 1.5, 1e300, 2 ** 53, null, '7', '', [], {}),
  odd,
)
const type = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'creation',
      'propertyChange',
      'deletion',
      'merge',
      'restore',
      'associationChange',
    ),
  },
  odd,
)
const event = fc.record(
  {
    subscriptionType: fc
      .tuple(fc.constantFrom('ticket', 'object', 'contact', ''), type)
      .map((both) => both.join('.')),
    eventType: fc.oneof(fc.constant(null), odd),
    eventId: number,
    portalId: number,
    appId: fc.oneof({ weight: 9, arbitrary: fc.constant<unknown>(signing.appId) }, number),
    occurredAt: fc.oneof({ weight: 9, arbitrary: fc.constant<unknown>(1_790_000_000_000) }, number),
    objectId: number,
    objectTypeId: typeId,
    propertyName: odd,
    propertyValue: odd,
    mergedObjectIds: fc.oneof(fc.array(number, { maxLength: 5 }), odd),
    newObjectId: number,
    primaryObjectId: number,
    associationType: fc.oneof(
      fc.constantFrom<unknown>('TICKET_TO_CONTACT', 'CONTACT_TO_TICKET', 'TICKET_TO_TICKET', '_TO_', null),
      odd,
    ),
    fromObjectId: number,
    fromObjectTypeId: typeId,
    toObjectId: number,
    toObjectTypeId: typeId,
    associationTypeId: number,
    associationCategory: odd,
    isSensitive: odd,
  },
  { requiredKeys: [] },
)

/** A body and the headers that prove it. */
export const delivery = fc
  .oneof(
    {
      weight: 8,
      arbitrary: fc.array(
        fc.oneof({ weight: 8, arbitrary: event as fc.Arbitrary<unknown> }, fc.jsonValue()),
        { maxLength: 12 },
      ),
    },
    fc.jsonValue() as fc.Arbitrary<unknown>,
  )
  .map((events) => {
    const body = JSON.stringify(events)
    const at = String(Date.now())
    const signature = createHmac('sha256', signing.secret)
      .update(`POST${signing.url}${body}${at}`)
      .digest('base64')
    return {
      type: json,
      body,
      headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': at },
    }
  })
