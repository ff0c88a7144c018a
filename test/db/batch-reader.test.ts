/** Reads in batches: a single one starts at once, many share few statements, and a failure reaches all that waited for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBatchReader } from '../../src/db/batch-reader.ts'

/** Statements end when `finish` is called, in the order in which they began. */
function startReader() {
  const begun: { keys: readonly string[]; finish: (error?: Error) => void }[] = []
  const read = createBatchReader(async (keys) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    begun.push({ keys, finish: (error) => (error ? reject(error) : resolve()) })
    await promise
    return new Map(keys.filter((key) => !key.startsWith('no')).map((key) => [key, `row of ${key}`]))
  })
  const nextStatement = () => new Promise((resolve) => setImmediate(resolve))
  return { begun, read, nextStatement }
}

test('two reads start at once, and all others share the next statement', async () => {
  const { begun, read, nextStatement } = startReader()
  const keys = Array.from({ length: 100 }, (_, n) => `k${n % 50}`)
  const rows = Promise.all([...keys, 'no'].map((key) => read(key)))
  assert.deepEqual(
    begun.map(({ keys }) => keys),
    [['k0'], ['k1']],
  )
  begun[0]?.finish()
  await nextStatement()
  assert.equal(begun.length, 3)
  // One read of each key, also of those whose first read has begun: it may be older.
  assert.deepEqual(begun[2]?.keys.toSorted(), [...new Set(keys), 'no'].toSorted())
  begun[1]?.finish()
  begun[2]?.finish()
  assert.deepEqual(await rows, [...keys.map((key) => `row of ${key}`), undefined])
})

test('a statement reads at most 500 keys, and no more than two run at a time', async () => {
  const { begun, read, nextStatement } = startReader()
  const rows = Promise.all(Array.from({ length: 1_502 }, (_, n) => read(`k${n}`)))
  for (let ended = 0; ended < begun.length; ended++) {
    assert.ok(begun.length - ended <= 2, `${begun.length - ended}`)
    begun[ended]?.finish()
    await nextStatement()
  }
  assert.deepEqual(
    begun.map(({ keys }) => keys.length),
    [1, 1, 500, 500, 500],
  )
  assert.equal((await rows).length, 1_502)
})

test('a failed statement fails for those that waited for it, and the next one runs', async () => {
  const { begun, read, nextStatement } = startReader()
  const first = read('a')
  begun[0]?.finish(new Error('away'))
  await assert.rejects(first, /away/)
  await nextStatement()
  const second = read('a')
  begun[1]?.finish()
  assert.equal(await second, 'row of a')
})
