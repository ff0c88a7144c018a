/** The cursor's steps against a HubSpot made of arrays: no row is skipped, for any order of ids. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ordersAfter } from '../../src/sync/id-order.ts'
import {
  afterList,
  afterRecount,
  afterSearch,
  type Cursor,
  firstCursor,
  isCursor,
  isRunOver,
  markAt,
  type SearchWalk,
  tooManyAbsent,
  watermarkAfter,
} from '../../src/sync/stream.ts'

type Order = (a: string, b: string) => number
const byNumber: Order = (a, b) => Number(BigInt(a) - BigInt(b))
const byText: Order = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

interface Search {
  sort: Order
  /** How `hs_object_id GT pivot` compares. */
  compare: Order
  pageSize: number
  /** Rows that are edited, and so leave the window, before the page of that number. */
  leave: ReadonlyMap<number, string>
}

/** Runs a search to its end. @returns what was read, and the next step */
function walkThrough(rows: readonly string[], { sort, compare, pageSize, leave }: Search) {
  const inWindow = new Set(rows)
  const read = new Set<string>()
  let walk = firstCursor('incremental', new Date(0)).walk
  for (let page = 0; walk.at === 'search'; page++) {
    assert.ok(page < 200, 'it ends')
    const left = leave.get(page)
    if (left !== undefined) inWindow.delete(left)
    const { beyond, after }: SearchWalk = walk
    const found = [...inWindow].filter((id) => beyond === undefined || compare(id, beyond) > 0).sort(sort)
    const from = Number(after ?? 0)
    const ids = found.slice(from, from + pageSize)
    for (const id of ids) read.add(id)
    walk = afterSearch(walk, {
      ids,
      after: from + pageSize < found.length ? String(from + pageSize) : undefined,
      matched: found.length,
      read: ids.length,
      settled: ids.length,
      ...ordersAfter(walk.orders, walk.beyond, ids),
    })
  }
  const end = walk.at === 'recount' ? afterRecount(walk, inWindow.size, false) : walk
  return { read, inWindow, end, counted: walk.at === 'recount' }
}

const ids = fc.uniqueArray(
  fc.oneof(fc.bigInt(95n, 130n), fc.bigInt(990n, 1_010n), fc.bigInt(99_990n, 100_010n)).map(String),
  { minLength: 1, maxLength: 60 },
)
const search = (sort: Order, compare: Order) =>
  fc.record({
    sort: fc.constant(sort),
    compare: fc.constant(compare),
    pageSize: fc.integer({ min: 1, max: 9 }),
    leave: fc.constant(new Map<number, string>()),
  })

describe('a search by id', () => {
  for (const [name, order] of Object.entries({ number: byNumber, text: byText })) {
    test(`reads everything where HubSpot sorts and compares ids as ${name}, with no extra requests`, () => {
      fc.assert(
        fc.property(ids, search(order, order), (rows, how) => {
          const { read, end } = walkThrough(rows, how)
          assert.deepEqual([...read].sort(), [...rows].sort())
          assert.equal(end.at, 'end')
        }),
      )
    })

    test(`reads what stays, and does not request the list for what left the window meanwhile (${name})`, () => {
      fc.assert(
        fc.property(ids, search(order, order), fc.array(fc.nat(59), { maxLength: 8 }), (rows, how, gone) => {
          const leave = new Map(
            gone.flatMap((at, page) => (rows[at] === undefined ? [] : [[page, rows[at]]])),
          )
          const { read, inWindow, end } = walkThrough(rows, { ...how, leave })
          for (const id of inWindow) assert.ok(read.has(id), `${id} was passed over`)
          assert.equal(end.at, 'end')
        }),
      )
    })
  }

  for (const [name, sort, compare] of [
    ['sorts as text and compares as numbers', byText, byNumber],
    ['sorts as numbers and compares as text', byNumber, byText],
    ['sorts downwards', (a: string, b: string) => -byNumber(a, b), byNumber],
    ['ignores the comparison', byNumber, () => 1],
  ] as const) {
    test(`where HubSpot ${name}, it reads all or leaves the window to the list`, () => {
      fc.assert(
        fc.property(ids, search(sort, compare), (rows, how) => {
          const { read, end } = walkThrough(rows, how)
          if (end.at === 'end') assert.equal(read.size, rows.length)
          else
            assert.deepEqual(end, {
              at: 'list',
              archived: false,
              settles: { from: new Date(0).toISOString(), found: 0 },
            })
        }),
      )
    })
  }

  test('rows that are shuffled within one page need no list, over several pages they do', () => {
    const page = { after: undefined, matched: 3, read: 3, settled: 3 }
    const first = firstCursor('incremental', new Date(0)).walk as SearchWalk
    const one = afterSearch(first, {
      ...page,
      ids: ['2', '3', '1'],
      ...ordersAfter(first.orders, undefined, ['2', '3', '1']),
    })
    assert.equal(one.at, 'end')
    const more = afterSearch(first, {
      ...page,
      after: '3',
      matched: 5,
      ids: ['2', '3', '1'],
      ...ordersAfter(first.orders, undefined, ['2', '3', '1']),
    }) as SearchWalk
    const last = afterSearch(more, {
      ...page,
      read: 4,
      ids: ['2', '3', '4', '5'],
      ...ordersAfter(more.orders, more.beyond, ['2', '3', '4', '5']),
    })
    assert.equal(last.at, 'list')
  })

  test('an empty page with a next one is followed by HubSpot’s own token, from the same pivot', () => {
    const from = firstCursor('incremental', new Date(0)).walk as SearchWalk
    const walk = { ...from, beyond: '7', matched: 400 }
    const empty = {
      ids: [],
      after: '200',
      matched: 393,
      read: 0,
      settled: 0,
      orders: from.orders,
      advanced: true,
    }
    assert.deepEqual(afterSearch(walk, empty), { ...walk, after: '200' })
  })

  test('a list that recently found nothing is not requested again because of a count', () => {
    const walk = { at: 'recount' as const, from: '', settled: 5 }
    assert.equal(afterRecount(walk, 6, false).at, 'list')
    assert.equal(afterRecount(walk, 6, true).at, 'end')
    assert.equal(afterRecount(walk, 5, false).at, 'end')
  })
})

test('a full pass: the live ones, the archived ones, then the absent ones; an incremental’s list only the live ones', () => {
  const { walk } = firstCursor('full', new Date())
  assert.deepEqual(walk, { at: 'list', archived: false })
  assert.ok(walk.at === 'list')
  assert.deepEqual(afterList('full', walk, 'x'), { ...walk, after: 'x' })
  const archived = afterList('full', { ...walk, after: 'x' }, undefined)
  assert.deepEqual(archived, { at: 'list', archived: true })
  assert.ok(archived.at === 'list')
  assert.equal(afterList('full', archived, undefined).at, 'count_absent')
  assert.equal(afterList('incremental', walk, undefined).at, 'end')
  assert.equal(firstCursor('incremental', null).walk.at, 'list')
})

test('an object of another form is no cursor', () => {
  assert.equal(isCursor(null), false)
  assert.equal(isCursor({ walk: 'list', startedAt: '', after: 'x' } as unknown as Cursor), false)
  assert.equal(isCursor(firstCursor('full', null)), true)
})

test('a run is complete when nothing is pending', () => {
  const cursor = { walk: { at: 'end' as const }, startedAt: null }
  assert.equal(isRunOver(cursor), true)
  assert.equal(isRunOver({ ...cursor, confirm: ['1'] }), false)
  assert.equal(isRunOver({ ...cursor, links: ['1'] }), false)
  assert.equal(isRunOver({ ...cursor, walk: { at: 'associations' } }), false)
})

test('too many: more than the share, and more than fifty', () => {
  const walk = (live: number, absentLive: number) => ({
    at: 'count_absent' as const,
    live,
    absent: absentLive,
    absentLive,
  })
  assert.equal(tooManyAbsent(walk(60, 50), 0.2), false)
  assert.equal(tooManyAbsent(walk(60, 51), 0.2), true)
  assert.equal(tooManyAbsent(walk(1_000, 200), 0.2), false)
  assert.equal(tooManyAbsent(walk(1_000, 201), 0.2), true)
})

test('the watermark is the start minus the look-back', () => {
  assert.equal(watermarkAfter('2026-01-01T00:10:00.000Z', 600_000).toISOString(), '2026-01-01T00:00:00.000Z')
})

describe('a loop of pages', () => {
  /** @returns how many steps it takes until it is noticed; undefined: not within so many */
  function noticed(place: (step: number) => string | undefined, atMost: number): number | undefined {
    let cursor: Cursor = firstCursor('full', null)
    for (let step = 0; step < atMost; step++) {
      const mark = markAt(cursor)
      if (!mark) return step
      const after = place(step)
      // Stored and read again, as after a slice of work or a kill.
      cursor = JSON.parse(
        JSON.stringify({
          ...cursor,
          mark,
          walk: { at: 'list', archived: false, ...(after === undefined ? {} : { after }) },
        }),
      )
    }
    return undefined
  }

  test('is detected within three rounds, for any length and start', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 900 }), (tail, length) => {
        const place = (step: number) => `p${step < tail ? step : tail + ((step - tail) % length)}`
        const at = noticed(place, 10_000)
        assert.ok(at !== undefined && at <= 3 * (tail + length) + 2, `${at}`)
      }),
    )
  })

  test('is not reported for a hundred thousand pages without a loop', () => {
    assert.equal(
      noticed((step) => `p${step}`, 100_000),
      undefined,
    )
  })

  test('a retry of the same position after a failure is no loop', () => {
    const mark = markAt(firstCursor('full', null)) ?? assert.fail()
    const next: Cursor = {
      ...firstCursor('full', null),
      walk: { at: 'list', archived: false, after: 'a' },
      mark,
    }
    assert.ok(markAt(next))
    assert.ok(markAt(next))
  })
})
