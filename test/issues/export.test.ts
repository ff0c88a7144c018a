/** Exports of queries: they are what the list has, in both formats, and an incomplete one can be told. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { maxPageBytes } from '../../src/api/byte-budget.ts'
import type { Database } from '../../src/db/database.ts'
import { columnsOf, csvLine } from '../../src/issues/csv.ts'
import { exportIssues } from '../../src/issues/issue-export.ts'
import { exportQuery } from '../../src/issues/query-schema.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { beginErasure } from '../../src/tenants/erasure.ts'
import { postgres } from '../support/engines.ts'
import { addIssues } from '../support/erasure.ts'
import { A, B, seedTenant } from '../support/rows.ts'
import { type HttpIssues, type Json, startHttpIssues, T, U } from './http-issues.ts'

/** The records of RFC 4180, and nothing else. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [[]]
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  while (field.lastIndex < text.length) {
    const at = field.lastIndex
    const [, quoted, plain = '', end] = field.exec(text) ?? assert.fail(`not CSV at ${at}`)
    records.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain)
    if (end === '\r\n') records.push([])
  }
  assert.deepEqual(records.pop(), [], 'ends with a line break')
  return records
}

describe('exports of queries', () => {
  let world: HttpIssues
  before(async () => {
    world = await startHttpIssues()
  })
  after(() => world?.stop())

  const get = (query: string, tenant = T) =>
    fetch(`${world.service.url}/api/hubspot/issues/${tenant}/export?${query}`)

  async function lines(query: string, tenant = T): Promise<Json[]> {
    const response = await get(query, tenant)
    const text = await response.text()
    assert.equal(response.status, 200, text)
    assert.ok(text.endsWith('\n'))
    return text
      .slice(0, -1)
      .split('\n')
      .map((line) => JSON.parse(line))
  }

  test('each query is exported as the list has it, over several pages, with a last line that counts', async () => {
    const queries = [
      '',
      'sort=-modified_at',
      'closed=true&priority=HIGH&sort=created_at',
      'q=zebra',
      'archived=true',
    ]
    queries.push(`integration_id=${world.ids.T}`, 'properties.hs_pipeline=0&sort=modified_at')
    queries.push('fields=subject,properties.hs_pipeline&sort=-created_at')
    for (const query of queries) {
      const expected = await world.pages(`limit=150&${query}`)
      const found = await lines(query)
      const { finished_at, ...last } = found.pop()
      assert.deepEqual(last, { complete: true, issues: expected.length, indexing: [] }, query)
      assert.ok(Date.parse(finished_at))
      assert.deepEqual(found, expected, query)
    }
  })

  test('no issue of another tenant is in it, and another tenant’s account is not there', async () => {
    const own = new Set((await world.pages('limit=200')).map(({ issue_id }) => issue_id))
    const theirs = await lines('', U)
    assert.equal(theirs.length, 21)
    assert.ok(theirs.every(({ issue_id }) => !own.has(issue_id)))
    for (const [tenant, query] of [
      [U, `integration_id=${world.ids.T}`],
      [randomUUID(), ''],
    ] as const)
      for (const format of ['ndjson', 'csv']) {
        const response = await get(`${query}&format=${format}`, tenant)
        assert.equal(response.status, 404)
        assert.equal(((await response.json()) as Json).code, 'integration_not_found')
      }
  })

  test('CSV has a column for each value that fits in a cell, and the same rows as the list', async () => {
    const expected = await world.pages('limit=150&sort=created_at')
    const response = await get('format=csv&sort=created_at')
    assert.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8')
    assert.equal(response.headers.get('content-disposition'), `attachment; filename="spoke-issues-${T}.csv"`)
    const [columns = [], ...rows] = parseCsv(await response.text())
    assert.deepEqual(columns.slice(0, 4), ['issue_id', 'integration_id', 'ticket_id', 'subject'])
    assert.ok(!columns.includes('associations') && !columns.includes('properties'))
    for (const name of Object.keys(expected[0].properties))
      assert.ok(columns.includes(`properties.${name}`), name)
    const cellOf = (issue: Json, column: string) =>
      String((column.startsWith('properties.') ? issue.properties[column.slice(11)] : issue[column]) ?? '')
    assert.deepEqual(
      rows,
      expected.map((issue) => columns.map((column) => cellOf(issue, column))),
    )
  })

  test('CSV of some fields has these columns in the order of the request, also where nothing is found', async () => {
    const query = 'format=csv&fields=stage_name,properties.hs_pipeline,associations,subject'
    const header =
      'issue_id,integration_id,ticket_id,stage_name,properties.hs_pipeline,associations,subject\r\n'
    assert.equal(await (await get(`${query}&archived=true`)).text(), header)
    const { issues } = (await world.list('limit=1')).body
    const [, row] = parseCsv(await (await get(`${query}&ticket_id=${issues[0].ticket_id}`)).text())
    assert.deepEqual(row?.slice(3, 5), [issues[0].stage_name, issues[0].properties.hs_pipeline])
    assert.deepEqual(JSON.parse(row?.[5] || 'null'), issues[0].associations)
  })

  test('HEAD is refused', async () => {
    const response = await fetch(`${world.service.url}/api/hubspot/issues/${T}/export`, { method: 'HEAD' })
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET'])
  })

  for (const [what, query, rule] of [
    ['an unknown format', 'format=xlsx', /must be one of ndjson, csv/],
    ['an unknown parameter', 'formt=csv', /did you mean format/],
    ['a limit', 'limit=5', /is not a known query parameter/],
    ['a cursor', 'after=x', /is not a known query parameter/],
    ['a misspelled field', 'fields=subjct', /did you mean subject/],
    ['a misspelled property as a column', 'format=csv&fields=properties.contents', /properties\.content\?/],
    ['a misspelled property as a condition', 'format=csv&properties.contents=1', /did you mean content/],
    ['csv_safe of lines of JSON', 'csv_safe=true', /format=csv only/],
    ['a text without a word', 'q=%26', /a letter or a digit/],
  ] as const)
    test(`400: ${what}`, async () => {
      const response = await get(query)
      const body = (await response.json()) as Json
      assert.deepEqual([response.status, body.code], [400, 'validation_failed'])
      assert.match(JSON.stringify(body.errors), rule)
    })
})

describe('the walk of an export', () => {
  let db: Database
  let close: () => Promise<void>
  before(async () => {
    ;({ db, close } = await postgres.open())
    const integration = await seedTenant(db, A)
    await seedTenant(db, B)
    await addIssues(db, A, integration, 500, `a line\nbreak "quoted" ${'x'.repeat(3_000)}`)
  })
  after(() => close())

  async function pieces(query: object, between: () => Promise<void> = async () => {}) {
    const found: string[] = []
    const reserved: number[] = []
    const reserve = async (bytes: number) => void reserved.push(bytes)
    const given = exportQuery.parse(query)
    for await (const piece of exportIssues({ db, clock: systemClock }, A, given, reserve)) {
      found.push(piece)
      // A reservation of one page, and no connection is kept.
      assert.equal(reserved.length, found.length)
      await between()
    }
    return { found, reserved }
  }

  for (const format of ['ndjson', 'csv'])
    test(`${format}: memory is reserved for one page at a time, and a page is bounded`, async () => {
      const { found, reserved } = await pieces({ format })
      assert.ok(found.length > 5, `${found.length} pieces`)
      assert.ok(found.every((piece) => Buffer.byteLength(piece) < 2 * maxPageBytes))
      assert.ok(reserved.every((bytes) => bytes === maxPageBytes))
      const text = found.join('')
      assert.ok(!text.includes(B))
      const records = format === 'csv' ? parseCsv(text).length - 1 : text.split('\n').length - 2
      assert.equal(records, 501)
    })

  test('of a tenant that is erased meanwhile it fails instead of ending', async () => {
    let seen = 0
    await assert.rejects(
      pieces({}, async () => {
        seen += 1
        await beginErasure(db, A)
      }),
      (error) => (error as { code?: string }).code === 'tenant_erasing',
    )
    assert.equal(seen, 1)
  })
})

test('a cell is quoted where it must be, and safe ones are no formulas', () => {
  const columns = columnsOf(['subject'], [])
  const line = (subject: unknown, safe = false) => csvLine(columns, { subject }, safe)
  for (const [value, plain, safe = plain] of [
    ['a', 'a'],
    [null, ''],
    [false, 'false'],
    ['a "b", c', '"a ""b"", c"'],
    ['a\r\nb', '"a\r\nb"'],
    ['=1+1', '=1+1', "'=1+1"],
    ['+cmd|x', '+cmd|x', "'+cmd|x"],
    ['-2+3', '-2+3', "'-2+3"],
    ['@sum(a1)', '@sum(a1)', "'@sum(a1)"],
    ['\t=1', '\t=1', "'\t=1"],
    ['\r=1', '"\r=1"', '"\'\r=1"'],
    ['＝1+1', '＝1+1', "'＝1+1"],
    ['="a","b"', '"=""a"",""b"""', '"\'=""a"",""b"""'],
    ['-2.5', '-2.5'],
    ['+41', '+41'],
  ]) {
    assert.equal(line(value), `,,,${plain}\r\n`)
    assert.equal(line(value, true), `,,,${safe}\r\n`)
  }
})
