/** Pages longer than the limit: fewer records per call, and a single record that is too long is read without its values. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAssociations } from '../../src/hubspot/association-reads.ts'
import { batchRead, listPage, type ObjectPaths, searchPage } from '../../src/hubspot/objects.ts'
import { callOptions, startCanned } from '../issues/catalog-fixture.ts'

const kind: ObjectPaths = { path: 'tickets', modifiedProperty: 'm', properties: ['content', 'm'] }
const mebibytes = (n: number) => 'x'.repeat(n * 1_048_576)
/** A ticket of 2.5 MiB each, but the one that no answer holds. */
const giant = '5'

/** A slow machine needs seconds for a page of twenty MiB: nothing here is about time. */
const unhurriedMs = 60_000
const unhurried = { ...callOptions(), retryLimits: { maxAttempts: 2, totalMs: 2 * unhurriedMs } }

const record = (id: string, properties: readonly string[]) => ({
  id,
  properties: {
    ...(properties.includes('content') ? { content: mebibytes(id === giant ? 9 : 2.5) } : {}),
    ...(properties.includes('m') ? { m: `changed ${id}` } : {}),
  },
})

describe('a page longer than an answer may be', () => {
  const ids = Array.from({ length: 8 }, (_, n) => String(n))
  const whole = (records: unknown[]) =>
    (records as { id: string; properties: { content?: string; m: string }; oversize?: true }[]).map(
      ({ id, properties, oversize }) => {
        // Its time of change is always returned: a search counts its rows by it.
        assert.equal(properties.m, `changed ${id}`)
        return `${id}${properties.content ? ' whole' : ''}${oversize ? ' oversize' : ''}`
      },
    )
  const expected = ids.map((id) => (id === giant ? `${id} oversize` : `${id} whole`))

  test('of a list is read in shorter ones, each going on where the last one ended', async () => {
    const canned = await startCanned((path) => {
      const query = new URLSearchParams(path.slice(path.indexOf('?')))
      const from = Number(query.get('after') ?? 0)
      const end = from + Number(query.get('limit'))
      const results = ids.slice(from, end).map((id) => record(id, (query.get('properties') ?? '').split(',')))
      return { json: { results, ...(end < ids.length ? { paging: { next: { after: String(end) } } } : {}) } }
    }, unhurriedMs)
    try {
      const read: string[] = []
      let after: string | undefined
      do {
        const page = await listPage(canned.hubspot, kind, { after, limit: 8 }, unhurried)
        read.push(...whole(page.records))
        after = page.after
      } while (after !== undefined)
      assert.deepEqual(read, expected)
      assert.ok(canned.asked.length < 20, `${canned.asked.length} calls`)
    } finally {
      await canned.close()
    }
  })

  test('of a search is requested with fewer rows, and one of a batch read is split in two', async () => {
    type Body = { limit?: number; inputs?: { id: string }[]; properties: string[] }
    const canned = await startCanned((_path, given) => {
      const { limit, inputs, properties } = given as Body
      const asked = inputs ? inputs.map(({ id }) => id) : ids.slice(0, limit)
      return { json: { results: asked.map((id) => record(id, properties)) } }
    }, unhurriedMs)
    try {
      const found = await searchPage(
        canned.hubspot,
        kind,
        { filters: [], sortBy: 'hs_object_id', after: undefined, limit: 8 },
        unhurried,
      )
      assert.deepEqual(whole(found.records), expected.slice(0, 2))
      const { records } = await batchRead(canned.hubspot, kind, ids, false, unhurried)
      assert.deepEqual(whole(records), expected)
    } finally {
      await canned.close()
    }
  })

  test('of associations is requested in halves', async () => {
    const asked: number[] = []
    const canned = await startCanned((_path, given) => {
      const { inputs } = given as { inputs: { id: string }[] }
      asked.push(inputs.length)
      const results = inputs.map(({ id }) => ({
        from: { id },
        to: [{ toObjectId: Number(id) + 900, associationTypes: [], padding: mebibytes(2.5) }],
      }))
      return { json: { status: 'COMPLETE', results } }
    }, unhurriedMs)
    try {
      const { found } = await readAssociations(canned.hubspot, 'tickets', 'contacts', ids, unhurried)
      assert.deepEqual(
        [...found].map(([id, ends]) => `${id} ${ends.map((end) => end.id)}`),
        ids.map((id) => `${id} ${Number(id) + 900}`),
      )
      assert.deepEqual(asked, [8, 4, 2, 2, 4, 2, 2])
    } finally {
      await canned.close()
    }
  })
})
