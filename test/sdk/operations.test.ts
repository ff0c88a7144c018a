/** What the generator makes of an operation that is new: a method, and one that reads all pages of a list. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeOperations } from '../../packages/sdk/scripts/describe-operations.ts'
import { writeOperations } from '../../packages/sdk/scripts/write-operations.ts'

const list = { type: 'array', items: { $ref: '#/components/schemas/Issue' } }
const page = (more: object = {}) => ({
  content: {
    'application/json': {
      schema: { type: 'object', properties: { issues: list, next_after: { type: 'string' }, ...more } },
    },
  },
})
const after = { in: 'query', name: 'after' }
const path = '/api/hubspot/issues/{tenant_id}'

function describe(operation: object, method = 'get', at = path) {
  const document = {
    paths: { [at]: { [method]: { operationId: 'issues.search', summary: 'Search', ...operation } } },
    components: {
      schemas: { Issue: { type: 'object' } },
      parameters: { 'Idempotency-Key': { in: 'header', name: 'Idempotency-Key' } },
    },
  }
  return describeOperations(document)
}

test('a POST whose body takes `after` is a list of pages, and its input is the body', () => {
  const body = { type: 'object', properties: { q: { type: 'string' }, after: { type: 'string' } } }
  const described = describe(
    {
      parameters: [{ $ref: '#/components/parameters/Idempotency-Key' }],
      requestBody: { content: { 'application/json': { schema: body } } },
      responses: { 200: page(), 422: { 'x-error-codes': ['query_too_broad'] } },
    },
    'post',
    `${path}/search/{view_id}`,
  )
  assert.deepEqual(described.operations[0]?.ids, ['view_id'])
  assert.deepEqual(described.errorCodes, ['query_too_broad'])
  const text = writeOperations(described)
  for (const line of [
    `'issues.search': { method: 'post', path: '${path}/search/{view_id}', ofTenant: true, body: 'application/json', idempotent: true, json: true, pages: { method: 'searchAll', items: 'issues' } },`,
    `search(view_id: string, input?: InputOf<'issues.search'>, options?: CallOptions): Promise<ResultOf<'issues.search'>>`,
    `searchAll(view_id: string, input?: InputOf<'issues.search'>, options?: CallOptions): AsyncGenerator<ItemOf<'issues.search', 'issues'>, void, undefined>`,
    `  | 'query_too_broad'`,
  ])
    assert.ok(text.includes(line), `${line} is not in\n${text}`)
})

test('a list that does not end, or that cannot be continued, has no such method', () => {
  const pagesOf = (operation: object) => describe(operation).operations[0]?.pages
  assert.deepEqual(pagesOf({ parameters: [after], responses: { 200: page() } }), {
    method: 'searchAll',
    items: 'issues',
  })
  assert.equal(pagesOf({ parameters: [], responses: { 200: page() } }), undefined)
  assert.equal(pagesOf({ parameters: [after], responses: { 200: page({ has_more: {} }) } }), undefined)
})

test('an input is required where a field of the body or a parameter of the query is', () => {
  const optional = (operation: object) =>
    describe({ responses: {}, ...operation }).operations[0]?.inputOptional
  const body = (required: string[]) => ({
    requestBody: { content: { 'application/json': { schema: { type: 'object', required } } } },
  })
  assert.equal(optional({}), true)
  assert.equal(optional(body([])), true)
  assert.equal(optional(body(['url'])), false)
  assert.equal(optional({ parameters: [{ ...after, required: true }] }), false)
})

test('an operation without an id of a group and a name is refused', () => {
  for (const operationId of [undefined, 'search', 'issues.search.more'])
    assert.throws(() => describe({ operationId, responses: {} }), /no operationId group.method/)
})

test('a description cannot end the comment that it is in', () => {
  const text = writeOperations(describe({ description: 'ends */ here', responses: {} }))
  assert.ok(text.includes('ends * / here'))
})
