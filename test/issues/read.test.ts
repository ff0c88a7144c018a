/** Issues read by their ids: which come, which are missing, and which did not fit. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { withTenant } from '../../src/db/scope.ts'
import { findIssuesByIds } from '../../src/issues/store.ts'
import { postgres } from '../support/engines.ts'
import { addIssues } from '../support/erasure.ts'
import { A, seedTenant } from '../support/rows.ts'
import { type HttpIssues, type Json, startHttpIssues, T, U } from './http-issues.ts'

describe('reading issues by their ids', () => {
  let world: HttpIssues
  let all: Json[]
  let others: Json[]
  before(async () => {
    world = await startHttpIssues()
    all = await world.pages('limit=200')
    others = await world.pages('limit=200', U)
  })
  after(() => world?.stop())

  const read = async (body: object, tenant = T) =>
    await world.service.post(`/api/hubspot/issues/${tenant}/read`, body)
  const idOf = ({ issue_id }: Json): string => issue_id
  const refOf = ({ integration_id, ticket_id }: Json) => ({ integration_id, ticket_id })
  const isLong = ({ content }: Json) => content?.length > 10_000

  test('issues come as in the list, in the order of the request and each once', async () => {
    const some = all.filter((issue) => !isLong(issue)).slice(0, 30)
    const mixed = [...some.toReversed(), ...some.slice(0, 3)]
    const expected = {
      success: true,
      tenant_id: T,
      issues: some.toReversed(),
      missing: [],
      unread: [],
    }
    const byId = await read({ issue_ids: mixed.map(idOf) })
    assert.equal(byId.status, 200)
    assert.deepEqual(byId.body, expected)
    assert.deepEqual((await read({ issue_ids: mixed.map((one) => idOf(one).toUpperCase()) })).body, expected)
    assert.deepEqual((await read({ tickets: mixed.map(refOf) })).body, expected)
  })

  test('another tenant’s issues are missing like unknown ones, in the form of the request', async () => {
    const [own, theirs] = [all.find((issue) => !isLong(issue)), others[0]]
    const unknown = randomUUID()
    const byId = await read({ issue_ids: [idOf(theirs), idOf(own), unknown] })
    assert.deepEqual(byId.body.issues, [own])
    assert.deepEqual(byId.body.missing, [idOf(theirs), unknown])
    const tickets = [refOf(theirs), { ...refOf(theirs), integration_id: own.integration_id }, refOf(own)]
    const byTicket = await read({ tickets })
    assert.deepEqual(byTicket.body.issues, [own])
    assert.deepEqual(byTicket.body.missing, tickets.slice(0, 2))
    const { body } = await read({ issue_ids: [idOf(theirs), idOf(own)] }, U)
    assert.deepEqual([body.issues.map(idOf), body.missing], [[idOf(theirs)], [idOf(own)]])
    const nowhere = await read({ issue_ids: [idOf(own)] }, randomUUID())
    assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'integration_not_found'])
  })

  test('what does not fit is named, and asking for it again ends with everything', async () => {
    const unknown = randomUUID()
    const asked = [randomUUID(), ...all.filter(isLong).map(idOf), unknown]
    const seen: string[] = []
    const missing: string[] = []
    let calls = 0
    for (let rest = asked; rest.length > 0; ) {
      const { status, body } = await read({ issue_ids: rest })
      calls += 1
      assert.equal(status, 200)
      assert.ok(body.issues.length < 40, `${body.issues.length} long ones at once`)
      const took = [...body.issues.map(idOf), ...body.missing]
      assert.deepEqual([...took, ...body.unread].sort(), [...rest].sort())
      assert.ok(took.length > 0)
      seen.push(...body.issues.map(idOf))
      missing.push(...body.missing)
      rest = body.unread
    }
    assert.ok(calls > 1)
    assert.deepEqual(seen, asked.slice(1, -1))
    assert.deepEqual(missing, [asked[0], unknown])
    const { body: short } = await read({ issue_ids: asked, fields: ['subject'] })
    assert.deepEqual([short.issues.length, short.unread], [60, []])
    assert.deepEqual(Object.keys(short.issues[0]), ['issue_id', 'integration_id', 'ticket_id', 'subject'])
  })

  test('a GET of the path is refused as a wrong method, and not taken for an issue', async () => {
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      const response = await fetch(`${world.service.url}/api/hubspot/issues/${T}/read`, { method })
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST'], method)
    }
  })

  const one = { integration_id: randomUUID(), ticket_id: '1' }
  for (const [what, body, rule] of [
    ['neither list', {}, /issue_ids.*but not both/],
    ['both lists', { issue_ids: [randomUUID()], tickets: [one] }, /but not both/],
    ['an empty list', { issue_ids: [] }, /at least 1/],
    ['too many', { issue_ids: Array.from({ length: 201 }, () => randomUUID()) }, /at most 200/],
    ['an id that is none', { issue_ids: ['1'] }, /issue_ids\/0.*must be a UUID/],
    ['a ticket without its integration', { tickets: [{ ticket_id: '1' }] }, /tickets\/0\/integration_id/],
    ['a ticket id that is none', { tickets: [{ ...one, ticket_id: '1 or 1=1' }] }, /in digits/],
    ['an unknown field', { issue_ids: [randomUUID()], fields: ['subjct'] }, /did you mean subject/],
    [
      'an unknown property',
      { issue_ids: [randomUUID()], fields: ['properties.contents'] },
      /properties.content\?/,
    ],
    ['an unknown name', { ids: [randomUUID()] }, /did you mean issue_ids|not a known/],
  ] as [string, object, RegExp][])
    test(`400: ${what}`, async () => {
      const { status, body: answer } = await read(body)
      assert.deepEqual([status, answer.code], [400, 'validation_failed'])
      assert.match(JSON.stringify(answer.errors), rule)
    })
})

test('one statement reads them, by full keys', async () => {
  const { db, close } = await postgres.open()
  try {
    const integration = await seedTenant(db, A)
    await addIssues(db, A, integration, 3_000, 'x')
    const plans: string[] = []
    await withTenant(db, A, async (scope) => {
      const query: typeof scope.query = async (statement) => {
        plans.push(JSON.stringify(await scope.query(sql`explain (costs off) ${statement}`)))
        return await scope.query(statement)
      }
      const at = { bytes: 100_000, fields: undefined }
      const tickets = [{ integration_id: integration, ticket_id: '1000150' }]
      const [found] = await findIssuesByIds({ ...scope, query }, { tickets }, at)
      assert.ok(found)
      const again = await findIssuesByIds({ ...scope, query }, { issueIds: [found.issue_id] }, at)
      assert.deepEqual(again, [found])
    })
    assert.equal(plans.length, 2)
    for (const plan of plans) assert.doesNotMatch(plan, /Seq Scan on issues/)
  } finally {
    await close()
  }
})
