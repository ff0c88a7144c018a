/** The oracle of `npm run prove`: it must report each planted difference, and nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, isClean, type KeptRow, type TrueTicket, type Truth } from '../../bench/prove/oracle.ts'

const ticket = (id: string, properties: TrueTicket['properties'] = {}, mergedInto: string | null = null) => ({
  id,
  properties: { subject: `Ticket ${id}`, ...properties },
  mergedInto,
})

/** Three live ones, one archived, and a chain: 5 and 6 became 7, 7 and 8 became 9. */
function world(): { truth: Truth; rows: KeptRow[] } {
  const live = ['1', '2', '3', '9'].map((id) => ticket(id))
  const archived = [
    ticket('4'),
    ...['5', '6'].map((id) => ticket(id, {}, '7')),
    ticket('7', {}, '9'),
    ticket('8', {}, '9'),
  ]
  const truth: Truth = {
    live: new Map(live.map((one) => [one.id, one])),
    archived: new Map(archived.map((one) => [one.id, one])),
  }
  const row =
    (state: KeptRow['state']) =>
    (one: TrueTicket): KeptRow => ({
      id: one.id,
      state,
      properties: { ...one.properties },
      mergedInto: one.mergedInto,
    })
  return { truth, rows: [...live.map(row('live')), ...archived.map(row('archived'))] }
}

const find = (rows: KeptRow[], id: string) => rows.find((one) => one.id === id) as KeptRow

test('a right copy is clean', () => {
  const { truth, rows } = world()
  assert.ok(isClean(compare(truth, rows)))
})

test('a live ticket without a row, or with an archived one, is missing', () => {
  const { truth, rows } = world()
  find(rows, '2').state = 'archived'
  const verdict = compare(
    truth,
    rows.filter((one) => one.id !== '1'),
  )
  assert.deepEqual(verdict, {
    missing: ['1: not stored', '2: stored as archived'],
    stale: [],
    ghost: [],
    duplicate: [],
  })
})

test('a differing value is stale, of a live ticket and of an archived one', () => {
  const { truth, rows } = world()
  find(rows, '1').properties.subject = 'older'
  find(rows, '4').properties.subject = 'older'
  assert.deepEqual(compare(truth, rows).stale, ['1: subject', '4: subject'])
})

test('a value that one side lacks is stale, in both directions', () => {
  const { truth, rows } = world()
  truth.live.get('1')!.properties.priority = 'HIGH'
  find(rows, '2').properties.priority = 'LOW'
  assert.deepEqual(compare(truth, rows).stale, ['1: priority', '2: priority'])
})

test('only the requested properties are compared', () => {
  const { truth, rows } = world()
  find(rows, '1').properties.subject = 'older'
  find(rows, '2').properties.content = 'other'
  assert.deepEqual(compare(truth, rows, { properties: ['content'] }).stale, ['2: content'])
})

test('empty, null and absent are one; so are two spellings of one time; NUL and half characters are sanitized', () => {
  const { truth, rows } = world()
  Object.assign(truth.live.get('1')!.properties, {
    a: null,
    time: '2026-01-02T03:04:05Z',
    odd: 'x\0y\ud800',
  })
  Object.assign(find(rows, '1').properties, { b: '', time: '2026-01-02T03:04:05.000Z', odd: 'xy\ufffd' })
  assert.ok(isClean(compare(truth, rows)))
  find(rows, '1').properties.time = '2026-01-02T03:04:05.001Z'
  assert.deepEqual(compare(truth, rows).stale, ['1: time'])
})

test('a row that is live here and archived, merged or unknown there is a ghost', () => {
  const { truth, rows } = world()
  find(rows, '4').state = 'live'
  find(rows, '5').state = 'live'
  rows.push({ id: '99', state: 'live', properties: {} })
  assert.deepEqual(compare(truth, rows).ghost, [
    '4: archived',
    '5: merged into 7',
    '99: HubSpot knows no such ticket',
  ])
})

test('a tombstone of a ticket that HubSpot no longer knows is correct, whatever it contains', () => {
  const { truth, rows } = world()
  rows.push({ id: '99', state: 'archived', properties: { subject: 'long ago' } })
  assert.ok(isClean(compare(truth, rows)))
})

test('a second row is a duplicate and hides no ghost', () => {
  const { truth, rows } = world()
  rows.push({ ...find(rows, '1') }, { ...find(rows, '4'), state: 'live' })
  const verdict = compare(truth, rows)
  assert.deepEqual(verdict.duplicate, ['1', '4'])
  assert.deepEqual(verdict.ghost, ['4: archived'])
})

test('a loser may point to the next survivor or to the last, and to no other', () => {
  const { truth, rows } = world()
  find(rows, '5').mergedInto = '9'
  assert.ok(isClean(compare(truth, rows)))
  find(rows, '5').mergedInto = '1'
  find(rows, '6').mergedInto = null
  find(rows, '1').mergedInto = '2'
  assert.deepEqual(compare(truth, rows).stale, [
    '1: merged_into 2 and not null',
    '5: merged_into 1 and not 7',
    '6: merged_into null and not 7',
  ])
})

test('where HubSpot does not return the loser of a merge, its values are not compared; its survivor and its state are', () => {
  const { truth, rows } = world()
  truth.losersHidden = true
  find(rows, '5').properties.subject = 'older'
  assert.ok(isClean(compare(truth, rows)))
  find(rows, '5').mergedInto = '1'
  find(rows, '4').properties.subject = 'older'
  assert.deepEqual(compare(truth, rows).stale, ['4: subject', '5: merged_into 1 and not 7'])
  find(rows, '5').state = 'live'
  assert.deepEqual(compare(truth, rows).ghost, ['5: merged into 7'])
})

test('a sync that does not know merges is not checked for the survivor of a loser', () => {
  const { truth, rows } = world()
  for (const row of rows) delete row.mergedInto
  assert.ok(isClean(compare(truth, rows)))
})

test('exempt tickets may be there or not', () => {
  const { truth, rows } = world()
  find(rows, '1').properties.subject = 'older'
  find(rows, '4').state = 'live'
  const without = rows.filter((one) => one.id !== '2')
  assert.ok(isClean(compare(truth, without, { exempt: new Set(['1', '2', '4']) })))
})
