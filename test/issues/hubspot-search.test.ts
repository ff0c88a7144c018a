/**
 * HubSpot's search over our copy, next to the emulator's over the same tickets: every operator, sort
 * and page; and HubSpot's own client, pointed to us.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Client } from '@hubspot/api-client'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { eventually, runEnded, startTestService, type TestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
const U = '22222222-2222-4222-8222-222222222222'
const portal = 701

interface Found {
  total: number
  results: { id: string; properties: Record<string, string | null> }[]
  paging?: { next: { after: string } }
}

const definitions = [
  ['order_value', 'number', 'number'],
  ['shipped_on', 'date', 'date'],
  ['promised_at', 'datetime', 'date'],
  ['colours', 'enumeration', 'checkbox'],
  ['size', 'enumeration', 'select'],
  ['remark', 'string', 'text'],
] as const

/** By ticket; a ticket beyond the end has none of them. */
const given: Record<string, string>[] = [
  { order_value: '7', shipped_on: '2026-01-02', colours: 'red;blue', size: 'L', remark: 'Left at the door' },
  { order_value: '7.0', shipped_on: '2026-01-03', colours: 'red', size: 'l', remark: 'left at The Door' },
  { order_value: '-12.5', promised_at: '2026-01-02T03:04:05.000Z', colours: 'blue', remark: 'doorway' },
  { order_value: '1000', promised_at: '2026-01-02T03:04:05.500Z', size: 'XL', remark: 'call_back: door 7' },
  { order_value: '999.99', shipped_on: '2025-12-31', promised_at: '2027-05-06T00:00:00.000Z', remark: 'zzz' },
]

const dates = ['2026-01-02', '2026-01-03', '2025-12-31', '2026-06-01']
const times = ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:05.500Z', '2026-01-02T03:04:06.000Z']
const ms = (text: string) => String(Date.parse(text))

const comparisons = ['EQ', 'NEQ', 'LT', 'LTE', 'GT', 'GTE'] as const
const both = (name: string, values: readonly string[], operators: readonly string[]) =>
  operators.flatMap((operator) => values.map((value) => ({ propertyName: name, operator, value })))
const lists = (name: string, values: readonly string[][]) =>
  ['IN', 'NOT_IN'].flatMap((operator) =>
    values.map((some) => ({ propertyName: name, operator, values: some })),
  )
const between = (name: string, pairs: readonly (readonly [string, string])[]) =>
  pairs.map(([value, highValue]) => ({ propertyName: name, operator: 'BETWEEN', value, highValue }))
const presence = (name: string) =>
  ['HAS_PROPERTY', 'NOT_HAS_PROPERTY'].map((operator) => ({ propertyName: name, operator }))

describe('HubSpot’s search over our copy', () => {
  let emulator: TestEmulator
  let service: TestService
  let token: string
  let id: string
  let ids: string[]
  before(async () => {
    emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
    await emulator.control('POST', '/limits', { search_per_second: null })
    service = await startTestService(emulator.url, { DATABASE_URL: await newPostgresDatabase() })
    await emulator.control('POST', '/portals', { portal_id: portal, tickets: 40, plan: 'enterprise' })
    for (const [name, type, field_type] of definitions)
      await emulator.control('POST', `/portals/${portal}/properties`, { name, type, field_type, label: name })
    ;({ token } = await emulator.control('POST', `/portals/${portal}/tokens`, { kind: 'private_app' }))
    ids = (await hubSpot({ limit: 100, sorts: ['hs_object_id'] })).results.map((one) => one.id)
    for (const [at, properties] of given.entries())
      await emulator.control('PATCH', `/portals/${portal}/tickets/${ids[at]}`, { properties })
    await emulator.control('DELETE', `/portals/${portal}/tickets/${ids[39]}`)
    const { body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    id = body.integration_id
    const { body: history } = await service.get(`/api/hubspot/sync/${T}/${id}`)
    await runEnded(service, T, id, history.events[0].sync_event_id)
    await eventually(async () => {
      const { body: found } = await service.get(`/api/hubspot/issues/${T}?count=exact&archived=false`)
      return found.indexing.length === 0 && found.count === 39
    }, 'the index is built')
  })
  after(async () => {
    await service?.stop()
    await emulator.close()
  })

  async function hubSpot(body: unknown): Promise<Found> {
    const answer = await fetch(`${emulator.url}/crm/v3/objects/tickets/search`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    assert.equal(answer.status, 200, text)
    return JSON.parse(text)
  }

  async function spoke(body: unknown): Promise<Found> {
    const { status, body: found } = await service.post(`/api/hubspot/issues/${T}/search`, body)
    assert.equal(status, 200, JSON.stringify(found))
    return found
  }

  const idsOf = ({ results }: Found) => results.map((one) => one.id)

  /** @returns how many were found */
  async function same(body: Record<string, unknown>): Promise<number> {
    const [theirs, ours] = [await hubSpot({ ...body, limit: 100 }), await spoke({ ...body, limit: 100 })]
    const name = JSON.stringify(body)
    assert.deepEqual(idsOf(ours).sort(), idsOf(theirs).sort(), name)
    assert.equal(ours.total, theirs.total, name)
    return ours.total
  }

  const filters = {
    number: [
      ...both('order_value', ['7', '-12.5', '999.99', '1e3', '0', '1e308'], comparisons),
      ...lists('order_value', [['7', '1000'], ['5']]),
      ...between('order_value', [
        ['-13', '7'],
        ['7', '7'],
        ['8', '1'],
      ]),
      ...presence('order_value'),
    ],
    date: [
      ...both('shipped_on', [...dates, ms('2026-01-02')], comparisons),
      ...lists('shipped_on', [['2026-01-02', '2025-12-31']]),
      ...between('shipped_on', [['2025-12-31', '2026-01-02']]),
      ...presence('shipped_on'),
    ],
    datetime: [
      ...both('promised_at', [...times, ms(times[1] as string)], comparisons),
      ...between('promised_at', [[times[0] as string, times[1] as string]]),
      ...presence('promised_at'),
    ],
    checkbox: [
      ...both('colours', ['red', 'blue', 'Red'], ['EQ', 'NEQ']),
      ...lists('colours', [['red', 'green'], ['blue']]),
      ...presence('colours'),
    ],
    select: [...both('size', ['L', 'l', 'XL'], ['EQ', 'NEQ']), ...lists('size', [['L'], ['l', 'XL']])],
    text: [
      ...both('remark', ['left at the door', 'doorway', 'm'], comparisons),
      ...lists('remark', [['left at the door', 'zzz'], ['Zzz']]),
      ...both(
        'remark',
        ['!!!', 'door', 'the door', 'doo*', 'DOOR', '7', 'call_back', 'back'],
        ['CONTAINS_TOKEN', 'NOT_CONTAINS_TOKEN'],
      ),
      ...presence('remark'),
    ],
  }

  for (const [kind, all] of Object.entries(filters))
    test(`each operator finds the same of a property of type ${kind}`, async () => {
      let some = 0
      for (const filter of all) if ((await same({ filterGroups: [{ filters: [filter] }] })) > 0) some += 1
      assert.ok(some > all.length / 3, `only ${some} of ${all.length} filters found anything`)
    })

  test('the properties that Spoke has columns for find the same', async () => {
    const { results } = await hubSpot({ limit: 100, properties: ['hs_pipeline_stage', 'createdate'] })
    const middle = results[20]?.properties.createdate ?? ''
    for (const filter of [
      ...both('createdate', [middle, ms(middle)], ['LT', 'GTE', 'EQ']),
      ...both('hs_lastmodifieddate', [middle], ['LT', 'GTE']),
      ...both('hs_object_id', [ids[10] as string], comparisons),
      ...lists('hs_object_id', [ids.slice(3, 6)]),
      ...both('hs_pipeline_stage', ['1', '4', 'none'], ['EQ', 'NEQ']),
      ...lists('hs_pipeline_stage', [['1', '2']]),
      ...both('hs_ticket_priority', ['HIGH', 'high'], ['EQ', 'NEQ']),
      ...presence('hubspot_owner_id'),
    ])
      await same({ filterGroups: [{ filters: [filter] }] })
  })

  test('groups are alternatives, and the filters of one hold together', async () => {
    const [a, b, c] = [
      { propertyName: 'colours', operator: 'EQ', value: 'red' },
      { propertyName: 'order_value', operator: 'GT', value: '7' },
      { propertyName: 'remark', operator: 'NOT_HAS_PROPERTY' },
    ]
    assert.equal(await same({ filterGroups: [{ filters: [a, b] }] }), 0)
    assert.equal(await same({ filterGroups: [{ filters: [a] }, { filters: [b] }] }), 4)
    assert.equal(await same({ filterGroups: [{ filters: [a] }, { filters: [c] }] }), 36)
    // The index finds a size of other case, and only the first group has no more to compare.
    const [some, size] = [
      { propertyName: 'shipped_on', operator: 'HAS_PROPERTY' },
      { propertyName: 'size', operator: 'EQ', value: 'xl' },
    ]
    assert.equal(await same({ filterGroups: [{ filters: [some] }, { filters: [size] }] }), 3)
    const contact = { propertyName: 'associations.contact', operator: 'EQ', value: '1' }
    assert.equal((await spoke({ filterGroups: [{ filters: [contact] }, { filters: [size] }] })).total, 0)
    assert.equal(await same({ filterGroups: [] }), 39)
    assert.equal(await same({ filterGroups: [{ filters: [a] }], query: ids[0]?.slice(0, 6) }), 2)
  })

  test('results come in the order of any property, and page to the end', async () => {
    for (const sort of [
      'createdate',
      '-hs_lastmodifieddate',
      { propertyName: 'hs_object_id', direction: 'DESCENDING' },
      { propertyName: 'order_value', direction: 'ASCENDING' },
      { propertyName: 'remark', direction: 'DESCENDING' },
    ]) {
      const name = typeof sort === 'string' ? sort.replace('-', '') : sort.propertyName
      const body = { sorts: [sort], properties: [name] }
      const keys = ({ results }: Found) =>
        results.map(({ properties }) => {
          const value = properties[name] || null
          return name === 'order_value' ? value && Number(value) : value?.toLowerCase()
        })
      const theirs = await hubSpot({ ...body, limit: 100 })
      const ours: Found['results'] = []
      for (let page: Found | undefined; !page || page.paging; ) {
        page = await spoke({ ...body, limit: 7, ...(page?.paging ? { after: page.paging.next.after } : {}) })
        ours.push(...page.results)
      }
      assert.equal(new Set(ours.map((one) => one.id)).size, 39)
      assert.deepEqual(keys({ total: 39, results: ours }), keys(theirs), JSON.stringify(sort))
    }
  })

  test('a result has the form of HubSpot’s, with what was asked for', async () => {
    const filterGroups = [{ filters: [{ propertyName: 'hs_object_id', operator: 'EQ', value: ids[0] }] }]
    for (const properties of [undefined, ['remark', 'size', 'no_such_property', 'constructor']]) {
      const body = { filterGroups, ...(properties ? { properties } : {}) }
      const [theirs] = (await hubSpot(body)).results
      const [ours] = (await spoke(body)).results
      const { issue_id, integration_id, ...shown } = ours as unknown as Record<string, unknown>
      assert.ok(issue_id)
      assert.equal(integration_id, id)
      assert.deepEqual(shown, theirs)
    }
  })

  test('HubSpot’s own client searches our copy', async () => {
    const client = new Client({
      accessToken: 'unused in open mode',
      basePath: `${service.url}/api/hubspot/client/${T}/${id}`,
    })
    const found = await client.crm.tickets.searchApi.doSearch({
      filterGroups: [
        { filters: [{ propertyName: 'remark', operator: 'CONTAINS_TOKEN' as never, value: 'door' }] },
      ],
      sorts: ['-createdate'],
      properties: ['remark'],
      limit: 2,
      after: '0',
    })
    assert.equal(found.total, 3)
    assert.equal(found.results.length, 2)
    assert.ok(found.results.every(({ properties }) => /door/i.test(properties.remark ?? '')))
    assert.ok(found.results[0]?.createdAt instanceof Date)
    assert.equal(found.paging?.next?.after, '2')
  })

  test('another tenant finds nothing of it', async () => {
    await emulator.control('POST', '/portals', { portal_id: portal + 1, tickets: 0 })
    const other = await emulator.control('POST', `/portals/${portal + 1}/tokens`, { kind: 'private_app' })
    await service.post(`/api/hubspot/integrations/${U}`, { access_token: other.token })
    const path = `/api/hubspot/client/${U}/${id}/crm/v3/objects/tickets/search`
    assert.equal((await service.post(path, {})).status, 404)
    assert.deepEqual((await service.post(`/api/hubspot/issues/${U}/search`, {})).body.results, [])
    const foreign = `/api/hubspot/issues/${U}/search?integration_id=${id}`
    assert.equal((await service.post(foreign, {})).status, 404)
  })

  const filter = (more: object) => ({
    filterGroups: [{ filters: [{ propertyName: 'remark', operator: 'EQ', value: 'x', ...more }] }],
  })
  const many = (groups: number, each: number) => ({
    filterGroups: Array.from({ length: groups }, () => ({
      filters: Array.from({ length: each }, () => ({ propertyName: 'remark', operator: 'HAS_PROPERTY' })),
    })),
  })
  for (const [what, body, pointer, rule] of [
    [
      'a property that does not exist',
      filter({ propertyName: 'remarc' }),
      '/filterGroups/0/filters/0/propertyName',
      /did you mean remark/,
    ],
    [
      'an unknown operator',
      filter({ operator: 'LIKE' }),
      '/filterGroups/0/filters/0/operator',
      /must be one of/,
    ],
    ['no value', filter({ value: '' }), '/filterGroups/0/filters/0', /needs a value/],
    ['no values', filter({ operator: 'IN' }), '/filterGroups/0/filters/0', /needs values/],
    ['no highValue', filter({ operator: 'BETWEEN' }), '/filterGroups/0/filters/0', /needs a highValue/],
    [
      'a number that is none',
      filter({ propertyName: 'order_value' }),
      '/filterGroups/0/filters/0',
      /a number/,
    ],
    [
      'a time that is none',
      filter({ propertyName: 'promised_at', value: 'soon' }),
      '/filterGroups/0/filters/0',
      /a date/,
    ],
    ['an object for a value', filter({ value: {} }), '/filterGroups/0/filters/0/value', /allowed forms/],
    ['NUL', filter({ value: '\0' }), '/filterGroups/0/filters/0/value', /NUL/],
    ['six groups', many(6, 1), '/filterGroups', /at most 5/],
    ['seven filters in a group', many(1, 7), '/filterGroups/0/filters', /at most 6/],
    ['nineteen filters', many(4, 5), '/filterGroups', /at most 18/],
    [
      'a name of every object',
      filter({ propertyName: 'constructor' }),
      '/filterGroups/0/filters/0/propertyName',
      /no account has/,
    ],
    [
      'another name of every object',
      filter({ propertyName: '__proto__' }),
      '/filterGroups/0/filters/0/propertyName',
      /no account has/,
    ],
    ['NUL in a name', filter({ propertyName: 'a\0' }), '/filterGroups/0/filters/0/propertyName', /NUL/],
    ['a half of a character', filter({ value: '\ud800' }), '/filterGroups/0/filters/0/value', /NUL/],
    [
      'a contact that is no id',
      filter({ propertyName: 'associations.contact' }),
      '/filterGroups/0/filters/0',
      /in digits/,
    ],
    ['an unknown sort', { sorts: ['remarc'] }, '/sorts/0', /did you mean remark/],
    ['two sorts', { sorts: ['remark', 'size'] }, '/sorts', /at most 1/],
    ['a limit above 200', { limit: 201 }, '/limit', /at most 200/],
    ['a made-up cursor', { after: 'x' }, '/after', /paging.next.after/],
    ['a text without words', { query: '!&|' }, '/query', /a letter or a digit/],
    ['a long text', { query: 'x'.repeat(501) }, '/query', /at most 500/],
    ['a misspelled field', { filterGroup: [] }, '/filterGroup', /did you mean filterGroups/],
    [
      'another comparison of records',
      filter({ propertyName: 'associations.contact', operator: 'GT' }),
      '/filterGroups/0/filters/0',
      /EQ and IN/,
    ],
  ] as [string, object, string, RegExp][])
    test(`400: ${what}`, async () => {
      const { status, body: refused } = await service.post(`/api/hubspot/issues/${T}/search`, body)
      assert.deepEqual({ status, code: refused.code }, { status: 400, code: 'validation_failed' })
      assert.equal(refused.errors[0].pointer, pointer)
      assert.match(refused.errors[0].rule, rule)
    })
})
