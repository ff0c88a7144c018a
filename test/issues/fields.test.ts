/** Selected fields of issues: what is sent, what is read, and what a wrong name is told. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { withTenant } from '../../src/db/scope.ts'
import { fieldNames, fieldsOf } from '../../src/issues/issue-fields.ts'
import { listIssues } from '../../src/issues/store.ts'
import { postgres } from '../support/engines.ts'
import { A, seedTenant } from '../support/rows.ts'
import { type HttpIssues, type Json, startHttpIssues, T, U } from './http-issues.ts'

const ids = ['issue_id', 'integration_id', 'ticket_id']

describe('fields of issues', () => {
  let world: HttpIssues
  let all: Json[]
  before(async () => {
    world = await startHttpIssues()
    all = await world.pages('limit=200')
  })
  after(() => world?.stop())

  const only = (issue: Json, names: string[]) =>
    Object.fromEntries(fieldNames.filter((name) => names.includes(name)).map((name) => [name, issue[name]]))

  test('each field, alone and with others, is sent as without the parameter, in every list', async () => {
    const conditions = ['', `integration_id=${world.ids.T}&`, 'sort=-modified_at&', 'q=zebra&']
    for (const name of fieldNames) {
      const { body } = await world.list(`limit=3&fields=${name}`)
      assert.deepEqual(
        body.issues,
        all.slice(0, 3).map((issue) => only(issue, [...ids, name])),
      )
    }
    const names = ['subject', 'stage_name', 'owner_email', 'merged_into', 'created_at']
    for (const condition of conditions) {
      const { body: whole } = await world.list(`${condition}limit=9`)
      const { status, body } = await world.list(`${condition}limit=9&fields=${names.join(',')}`)
      assert.equal(status, 200)
      assert.ok(body.issues.length > 0)
      assert.deepEqual(
        body.issues,
        whole.issues.map((issue: Json) => only(issue, [...ids, ...names])),
      )
      assert.deepEqual([body.highlights, body.count], [whole.highlights, whole.count])
    }
  })

  test('one issue is read with the fields that are asked for', async () => {
    const [issue] = all
    const { status, body } = await world.service.get(
      `/api/hubspot/issues/${T}/${issue.issue_id}?fields=url,priority`,
    )
    assert.equal(status, 200)
    assert.deepEqual(body, { success: true, tenant_id: T, ...only(issue, [...ids, 'url', 'priority']) })
    const { body: other } = await world.service.get(`/api/hubspot/issues/${U}/${issue.issue_id}?fields=url`)
    assert.equal(other.code, 'issue_not_found')
  })

  test('single properties are sent alone, null where there is no value; a repeated parameter is the same list', async () => {
    const { body } = await world.list('limit=5&fields=properties.hs_pipeline,properties.closed_date,subject')
    const { body: repeated } = await world.list(
      'limit=5&fields=subject&fields=properties.closed_date,properties.hs_pipeline',
    )
    for (const [at, issue] of body.issues.entries()) {
      const { hs_pipeline, closed_date = null } = all[at].properties
      assert.deepEqual(issue, {
        ...only(all[at], [...ids, 'subject']),
        properties: { hs_pipeline, closed_date },
      })
    }
    assert.deepEqual(repeated.issues, body.issues)
    const { body: both } = await world.list('limit=1&fields=properties,properties.hs_pipeline')
    assert.deepEqual(both.issues, [only(all[0], [...ids, 'properties'])])
  })

  test('a page without long texts is whole, and a cursor works with other fields', async () => {
    const { body: cut } = await world.list('limit=200')
    assert.ok(cut.issues.length < 100, `${cut.issues.length} long ones on a page`)
    for (const fields of ['content', 'properties.content']) {
      const { body: long } = await world.list(`limit=200&fields=${fields}`)
      assert.ok(long.issues.length < 100, `${long.issues.length} with ${fields} on a page`)
    }
    for (const fields of ['subject,stage_name', 'properties.hs_pipeline']) {
      const { body: page } = await world.list(`limit=200&fields=${fields}`)
      assert.equal(page.issues.length, 200)
      const { status, body: rest } = await world.list(`limit=200&fields=content&after=${page.next_after}`)
      assert.equal(status, 200)
      assert.equal(rest.issues[0].issue_id, all[200].issue_id)
      const { body: full } = await world.list(`limit=1&after=${page.next_after}`)
      assert.deepEqual(full.issues, [all[200]])
    }
    const sorted = 'sort=created_at&limit=4'
    const { body: first } = await world.list(`${sorted}&fields=subject`)
    const { status } = await world.list(`${sorted}&after=${first.next_after}`)
    assert.equal(status, 200)
  })

  test('highlights show words also where subject and content are not asked for', async () => {
    const { body } = await world.list('q=zebra&limit=2&fields=priority')
    assert.equal(body.issues.length, 2)
    for (const issue of body.issues) {
      assert.deepEqual(Object.keys(issue), [...ids, 'priority'])
      assert.equal(body.highlights[issue.issue_id][0].field, 'content')
    }
  })

  for (const [what, fields, rule] of [
    ['a misspelled field', 'subject,stagename', /position 2 .*did you mean stage_name/],
    ['a misspelled property', 'subject,properties.hs_pipline', /position 2 .*properties\.hs_pipeline\?/],
    ['a property in other letters', 'properties.%27%20or%201', /position 1/],
    ['nothing', '', /position 1/],
    ['an empty name', 'subject,,content', /position 2/],
    ['a name of every object', 'constructor', /position 1/],
    ['NUL', '%00', /position 1/],
    ['too many', Array.from({ length: 201 }, (_, n) => `properties.p${n}`).join(','), /at most 200/],
  ] as const)
    test(`400: ${what}`, async () => {
      for (const path of [`/api/hubspot/issues/${T}`, `/api/hubspot/issues/${T}/${all[0].issue_id}`]) {
        const { status, body } = await world.service.get(`${path}?fields=${fields}`)
        assert.equal(status, 400)
        assert.equal(body.code, 'validation_failed')
        assert.match(JSON.stringify(body.errors), rule)
      }
    })
})

test('what is not asked for is not read: neither heavy columns nor names of other tables', async () => {
  const { db, close } = await postgres.open()
  try {
    await seedTenant(db, A)
    const texts: string[] = []
    const read = async (fields: string[] | undefined) =>
      await withTenant(db, A, async (scope) => {
        const query: typeof scope.query = async (statement) => {
          texts.push(statement.compile(db.kysely).sql)
          return await scope.query(statement)
        }
        const page = { archived: undefined, after: undefined, limit: 10, bytes: 100_000 }
        return await listIssues({ ...scope, query }, { ...page, fields: fieldsOf(fields) })
      })
    const heavy = /content|properties|i\.bytes|issue_associations|labels|issue_merges/
    const [issue] = await read(['priority,url'])
    assert.deepEqual(Object.keys(issue ?? {}), ['upTo', ...ids, 'priority', 'url'])
    assert.doesNotMatch(texts.at(-1) ?? '', heavy)
    await read(undefined)
    assert.match(texts.at(-1) ?? '', heavy)
  } finally {
    await close()
  }
})
