/** Which tickets the files of HubSpot's journal name, and which accounts have uninstalled our app. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readJournalFile } from '../../src/hubspot/events/journal-event.ts'

const now = 1_790_000_000_000
const common = { type: 'crmObject', portalId: 62_515, occurredAt: '2026-09-03T10:00:00.123Z' }
const ticket = { ...common, objectTypeId: '0-5', objectId: 77 }

const read = (...journalEvents: unknown[]) => {
  const events = readJournalFile({ offset: 'x', journalEvents, publishedAt: '2026-09-03T10:00:01Z' }, now)
  assert.ok(events)
  return events
}
const idsOf = (event: object) => read(event).changes.map(({ type, ticketIds }) => [type, ticketIds])

describe('what is about tickets', () => {
  for (const [action, type] of [
    ['CREATE', 'creation'],
    ['UPDATE', 'propertyChange'],
    ['DELETE', 'deletion'],
    ['GDPR_DELETE', 'deletion'],
    ['RESTORE', 'restore'],
    ['MERGE', 'merge'],
  ])
    test(`${action} names its ticket`, () => assert.deepEqual(idsOf({ ...ticket, action }), [[type, ['77']]]))

  test('times are text, as was seen, or numbers', () => {
    const at = Date.parse(common.occurredAt)
    for (const occurredAt of [common.occurredAt, at])
      assert.equal(read({ ...ticket, action: 'UPDATE', occurredAt }).changes[0]?.occurredAt, at)
  })

  test('ids may be text, and a merge may name more than its record', () => {
    assert.deepEqual(idsOf({ ...ticket, action: 'UPDATE', objectId: '9007199254740993' }), [
      ['propertyChange', ['9007199254740993']],
    ])
    const merge = { primaryObjectId: 77, mergedObjectIds: [5, 6], newObjectId: 9 }
    assert.deepEqual(idsOf({ ...ticket, action: 'MERGE', ...merge }), [['merge', ['77', '5', '6', '9']]])
  })

  for (const names of [
    ['fromObjectTypeId', 'fromObjectId', 'toObjectTypeId', 'toObjectId'],
    ['objectTypeId', 'objectId', 'associatedObjectTypeId', 'associatedObjectId'],
  ] as const)
    test(`an association names the end that is a ticket (${names[1]})`, () => {
      const link = { ...common, type: 'association', action: 'ASSOCIATION_ADDED', associationTypeId: 16 }
      const [fromType, from, toType, to] = names
      const ends = (one: unknown, other: unknown) =>
        idsOf({ ...link, [fromType]: one, [from]: 5, [toType]: other, [to]: '6' })
      assert.deepEqual(ends('0-5', '0-1'), [['associationChange', ['5']]])
      assert.deepEqual(ends('0-1', '0-5'), [['associationChange', ['6']]])
      assert.deepEqual(ends('0-5', '0-5'), [['associationChange', ['5', '6']]])
      assert.deepEqual(ends('0-1', '0-2'), [])
      assert.deepEqual(ends(null, null), [['associationChange', ['5', '6']]])
    })

  test('an association with one end alone names it', () =>
    assert.deepEqual(idsOf({ ...ticket, action: 'ASSOCIATION_REMOVED' }), [['associationChange', ['77']]]))
})

test('an uninstall is reported once for each account, whether its action or its type names it', () => {
  const { uninstalled, changes } = read(
    { ...common, type: 'app_lifecycle_event', action: 'APP_UNINSTALL' },
    { ...common, type: 'app_lifecycle_event', eventTypeId: '4-1916193' },
    { ...common, type: 'app_lifecycle_event', eventTypeId: '4-1909196', action: 'APP_INSTALL' },
    { ...common, portalId: 7, eventTypeId: '4-1916193' },
  )
  assert.deepEqual([uninstalled, changes], [[62_515, 7], []])
})

test('events of another kind and invalid ones are counted and stop nothing', () => {
  const odd = [
    null,
    'text',
    [],
    {},
    { ...ticket, action: 'UPDATE', portalId: 'x' },
    { ...ticket, action: 'UPDATE', portalId: null },
    { ...ticket, action: 'UPDATE', portalId: -1 },
    { ...ticket, action: 'UPDATE', objectId: 1.5 },
    { ...ticket, action: 'UPDATE', objectId: undefined },
    { ...ticket, action: 'UPDATE', objectId: '12; drop' },
  ]
  const other = [
    { ...ticket, action: 'SNAPSHOT' },
    { ...ticket, action: 'constructor' },
    { ...ticket, action: 7 },
    { ...ticket, objectTypeId: '0-1', action: 'UPDATE' },
    { ...common, action: 'ADDED_TO_LIST' },
  ]
  const { changes, otherKind, malformed } = read(...odd, ...other, { ...ticket, action: 'UPDATE' })
  assert.deepEqual([changes.length, otherKind, malformed], [1, other.length, odd.length])
})

test('a field that we do not use may have any value', () => {
  const odd = {
    associatedObjectId: null,
    eventTypeId: null,
    mergedObjectIds: 'x',
    newObjectId: {},
    type: null,
  }
  assert.deepEqual(idsOf({ ...ticket, action: 'UPDATE', ...odd }), [['propertyChange', ['77']]])
  for (const occurredAt of [undefined, null, 'yesterday', 1e300, -1])
    assert.equal(read({ ...ticket, action: 'UPDATE', occurredAt }).changes[0]?.occurredAt, now)
  const at = 1_785_000_000_000
  assert.equal(read({ ...ticket, action: 'UPDATE', occurredAt: String(at) }).changes[0]?.occurredAt, at)
  assert.equal(read({ ...ticket, action: 'UPDATE', portalId: '62515' }).changes[0]?.hubId, 62_515)
  const uninstall = { ...common, action: 'APP_UNINSTALL', objectId: '', objectTypeId: null, occurredAt: null }
  assert.deepEqual(read(uninstall).uninstalled, [62_515])
  const many = Array.from({ length: 1_200 }, (_, at) => at + 1)
  assert.equal(
    read({ ...ticket, action: 'MERGE', mergedObjectIds: many }).changes[0]?.ticketIds.length,
    1_200,
  )
})

test('an invalid file is rejected', () => {
  for (const body of [undefined, null, [], 'x', {}, { journalEvents: null }, { journalEvents: {} }])
    assert.equal(readJournalFile(body, now), undefined)
  assert.deepEqual(read().changes, [])
})
