/** The small pure pieces: cursors, backoff, ids, statements of a migration. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeCursor, encodeCursor } from '../../src/api/cursor.ts'
import { statementsOf } from '../../src/db/migrate.ts'
import { fullJitter } from '../../src/lib/backoff.ts'
import { AppError } from '../../src/lib/errors.ts'
import { newId, parseUuid } from '../../src/lib/ids.ts'
import { nearestName } from '../../src/lib/nearest-name.ts'

test('a cursor is valid only where it was created', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (of, position) => {
      assert.equal(decodeCursor(of, encodeCursor(of, position), /^/), position)
      assert.throws(() => decodeCursor(`${of}x`, encodeCursor(of, position), /^/), AppError)
    }),
  )
})

test('any other text as a cursor is refused with its code', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.throws(() => decodeCursor('tenant', text, /^/), { code: 'invalid_cursor' })
    }),
  )
})

test('backoff stays below its bound, which doubles up to the cap', () => {
  const backoff = { base: 500, cap: 15_000 }
  assert.deepEqual(
    [0, 1, 2, 3, 10, 10_000].map((attempt) => fullJitter(backoff, attempt, 0.999999)),
    [500, 1_000, 2_000, 4_000, 15_000, 15_000],
  )
  assert.equal(fullJitter(backoff, 5, 0), 0)
})

test('new ids are UUIDs that sort by their time', async () => {
  const first = newId()
  await new Promise((resolve) => setTimeout(resolve, 3))
  const second = newId()
  assert.ok(first < second)
  assert.equal(parseUuid(first.toUpperCase()), first)
  for (const bad of [
    '',
    'x',
    `${first}0`,
    first.replaceAll('-', ''),
    ` ${first}`,
    `'${first}'`,
    `${first}'; drop table issues; --`,
  ]) {
    assert.equal(parseUuid(bad), undefined, bad)
  }
})

test('statements end at a semicolon before an empty line; a function body stays whole', () => {
  const text = `-- why\ncreate table a (b int);\n\ncreate function f() as $$\nbegin\n  x := 1;\n  y := 2;\nend $$;\n\n-- only a comment;\n\n`
  assert.deepEqual(statementsOf(text), [
    '-- why\ncreate table a (b int)',
    'create function f() as $$\nbegin\n  x := 1;\n  y := 2;\nend $$',
  ])
})

test('the nearest name is within few edits: a letter too many, too few, another, or two that changed places', () => {
  const names = ['limit', 'after', 'integration_id', 'archived']
  for (const [given, meant] of [
    ['limmit', 'limit'],
    ['limt', 'limit'],
    ['lomit', 'limit'],
    ['liimt', 'limit'],
    ['LIMIT', 'limit'],
    ['integartion_id', 'integration_id'],
    ['priority', undefined],
    ['', undefined],
    ['limit'.repeat(20), undefined],
  ] as const)
    assert.equal(nearestName(given, names), meant, given)
  assert.equal(nearestName('x', []), undefined)
})
