/**
 * Queries for issues next to a model in memory, over random data: filters, sorts, counts and cursors,
 * also while issues change; and how the index follows the issues.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { type TenantScope, withTenant } from '../../src/db/scope.ts'
import { saveResourceRead } from '../../src/integrations/resource-store.ts'
import { lockIntegration } from '../../src/integrations/store.ts'
import { markDeleted } from '../../src/issues/absence-store.ts'
import { saveAssociations, type TicketAssociations } from '../../src/issues/association-store.ts'
import { countByTime, countByValue } from '../../src/issues/facet-store.ts'
import { filterOf } from '../../src/issues/issue-filter-store.ts'
import { type LabelRow, saveLabels } from '../../src/issues/label-store.ts'
import { decodePosition, encodePosition, sortOf } from '../../src/issues/query.ts'
import { type IssuesQuery, issuesQuery, sorts } from '../../src/issues/query-schema.ts'
import { countIssues, findIssues } from '../../src/issues/query-store.ts'
import {
  beginSearchBuild,
  buildSearchRows,
  dropSearchBuild,
  listIncompleteIndexes,
} from '../../src/issues/search-index-store.ts'
import { createTermsOf, type IndexedContent } from '../../src/issues/search-terms.ts'
import { deleteIssueBatch, listIssues, type StoredIssue } from '../../src/issues/store.ts'
import { saveMerges, upsertIssues } from '../../src/issues/upsert-store.ts'
import { bothEngines } from '../support/engines.ts'
import { long } from '../support/long.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'

type Given = Record<string, string | string[]>

const priorities = ['LOW', 'HIGH', '']
const owners = ['7', '8', '']
const stages = ['1', '2', '4']
const pipelines = ['0', '9']
const categories = ['BILLING', 'a,b', '']
/** Few different times, so that many issues share one. */
const times = [0, 1, 1, 2, 3].map((day) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString())

const labels: LabelRow[] = [
  ...pipelines.map((id) => ['pipeline', '', id, `Pipeline ${id}`, null] as const),
  ...pipelines.flatMap((parent) =>
    stages.map((id) => ['stage', parent, id, `Stage ${id}`, id === '4'] as const),
  ),
  ...owners.filter((id) => id).map((id) => ['owner', '', id, `Owner ${id}`, null] as const),
].map(([topic, parent, id, label, closed]) => ({
  topic,
  parent,
  id,
  label,
  email: topic === 'owner' ? `${id}@example.com` : null,
  closed,
  archived: false,
}))

const definitions = [
  ['amount', 'number'],
  ['due', 'date'],
  ['opened', 'datetime'],
  ['tags', 'enumeration'],
  ['note', 'string'],
].map(([name, type]) => ({ name, type, label: '', hubspotDefined: false, calculated: false }))

/** Texts of few words, so that many match. */
const subjects = [
  'Printer on fire',
  'printer: ON  fire!',
  'Fire the printer',
  'Café printing',
  '印刷できない',
  '',
]
const contents = ['', 'It prints nothing on paper.', 'see a.b@example.com', 'fire '.repeat(300)]
const values = {
  amount: ['7', '7.0', '-2', '1e3', 'none', ''],
  due: ['2026-01-02', '2026-01-03', '1767398400000', ''],
  opened: ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.500Z', '2026-02-02T03:04:05.5Z', 'soon', ''],
  tags: ['red', 'red;blue', 'blue;Red', `${'x'.repeat(190)};${'y'.repeat(190)};red`, ''],
  note: ['Hello', 'hello', '007', '7', 'a;b', 'x'.repeat(201), ''],
}

const wordsIn = (text: string) =>
  text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .match(/[印刷できない]|[a-z\d]+/g) ?? []

/** Whether the words follow each other. */
const follows = (text: string[], words: string[], isPrefix: boolean) =>
  text.some((_, at) =>
    words.every((word, k) =>
      isPrefix && k === words.length - 1 ? text[at + k]?.startsWith(word) : text[at + k] === word,
    ),
  )

function hasText({ subject, content, ticket_id }: StoredIssue, q: string): boolean {
  const texts = [subject ?? '', content ?? '', ticket_id].map(wordsIn)
  return (q.match(/-?"[^"]*"|\S+/g) ?? []).every((part, at, parts) => {
    const isExcluded = part.startsWith('-')
    const isQuoted = part.endsWith('"')
    const words = wordsIn(part)
    const isPrefix = at === parts.length - 1 && !isQuoted && !isExcluded && !/[^ -~]$/.test(part)
    return texts.some((text) => follows(text, words, isPrefix)) !== isExcluded
  })
}

const asTime = (value: string) =>
  Date.parse(/^\d{13}$/.test(value) ? new Date(Number(value)).toISOString() : value)

function hasProperty({ properties }: StoredIssue, key: string, given: string[]): boolean {
  const [name = '', suffix] = key.split('.')
  const stored = properties[name] ?? ''
  if (suffix === 'exists') return (stored !== '') === (given[0] === 'true')
  if (stored === '') return false
  const asNumber = name === 'amount' ? Number : name === 'note' || name === 'tags' ? undefined : asTime
  const operands = suffix === 'in' ? given.flatMap((list) => list.split(',')) : given
  if (!asNumber)
    return operands.some((one) => one === stored || (name === 'tags' && stored.split(';').includes(one)))
  const is = asNumber(stored)
  return operands.some((one) => {
    const wanted = asNumber(one)
    if (suffix === 'gt') return is > wanted
    if (suffix === 'gte') return is >= wanted
    if (suffix === 'lt') return is < wanted
    return suffix === 'lte' ? is <= wanted : is === wanted
  })
}

/** Whether the issue satisfies the query, by what the API shows of it. */
function matches(issue: StoredIssue, given: Given): boolean {
  const shown: Record<string, unknown> = { ...issue, closed: issue.stage_closed }
  return Object.entries(given).every(([name, value]) => {
    if (name === 'sort') return true
    if (name === 'q') return hasText(issue, value as string)
    if (name === 'contact_id' || name === 'company_id') {
      const records = issue.associations?.[name === 'contact_id' ? 'contacts' : 'companies']
      return (records ?? []).some(({ id }) => value.includes(id))
    }
    if (name.startsWith('properties.'))
      return hasProperty(issue, name.slice('properties.'.length), [value].flat())
    const [field = '', comparison] = name.split('.')
    const is = shown[field]
    if (comparison === 'exists') return (is !== null) === (value === 'true')
    if (comparison) {
      if (!(is instanceof Date)) return false
      const [a, b] = [is.getTime(), Date.parse(value as string)]
      return { gt: a > b, gte: a >= b, lt: a < b, lte: a <= b }[comparison]
    }
    if (typeof is === 'boolean') return is === (value === 'true')
    return is !== null && [value].flat().includes(String(is))
  })
}

/** As the route does: parameters of properties are one object. */
function parse(given: Given): IssuesQuery {
  const isProperty = ([name]: [string, unknown]) => name.startsWith('properties.')
  const properties = Object.entries(given).filter(isProperty)
  return issuesQuery.parse({
    ...Object.fromEntries(Object.entries(given).filter((entry) => !isProperty(entry))),
    ...(properties.length > 0
      ? { properties: Object.fromEntries(properties.map(([name, value]) => [name.slice(11), value])) }
      : {}),
  })
}

function inOrder(issues: StoredIssue[], sort: string | string[] | undefined): string[] {
  const column = String(sort ?? '').replace('-', '') as 'created_at' | 'modified_at' | ''
  const sign = String(sort).startsWith('-') ? -1 : 1
  const keyOf = (issue: StoredIssue) => (column === '' ? 0 : (issue[column]?.getTime() ?? 0))
  return issues
    .toSorted((a, b) => sign * (keyOf(a) - keyOf(b) || (a.issue_id < b.issue_id ? -1 : 1)))
    .map(({ issue_id }) => issue_id)
}

const some = (values: readonly string[]) => fc.subarray([...values], { minLength: 1 })
const flag = fc.constantFrom('true', 'false')
const conditions = {
  pipeline_id: some(pipelines),
  pipeline_name: some(['Pipeline 0', 'Pipeline 9', 'none']),
  stage_id: some(stages),
  stage_name: some(['Stage 1', 'Stage 4', 'stage 1']),
  closed: flag,
  owner_id: some(['7', '8', '9']),
  owner_name: some(['Owner 7', 'Owner 8']),
  owner_email: some(['7@example.com', 'x']),
  'owner_id.exists': flag,
  priority: some(['LOW', 'HIGH', 'low']),
  'priority.exists': flag,
  category: some(['BILLING', 'a,b']),
  'category.exists': flag,
  archived: flag,
  ticket_id: some(['10', '11', '12', '13', '99999']),
  'created_at.gt': fc.constantFrom(...times),
  'created_at.lte': fc.constantFrom(...times),
  'modified_at.gte': fc.constantFrom(...times),
  'modified_at.lt': fc.constantFrom(...times),
  'archived_at.gte': fc.constantFrom(...times),
  q: fc.constantFrom(
    ...[
      'print',
      'printer fire',
      '"printer on"',
      'fire -paper',
      'on -"on fire"',
      '印刷',
      '"fire fire" cafe',
      'CAFÉ',
      '12',
    ],
    ...['a.b@example.com', 'example', '"pri"', "printer: & | ! ( ) <-> ' \\ :*", '1'],
  ),
  contact_id: some(['51', '52', '051', '9007199254740993']),
  company_id: some(['71']),
  'properties.amount': some(['7', '-2.00', '1000']),
  'properties.amount.gte': fc.constantFrom('-5', '7', '7.5'),
  'properties.amount.lt': fc.constantFrom('-5', '7', '1001', '1e400'),
  'properties.due': some(['2026-01-02', '2026-01-03T00:00:00Z']),
  'properties.due.lte': fc.constantFrom('2026-01-02', '2026-01-03T01:00:00+02:00'),
  'properties.opened.gt': fc.constantFrom('2026-01-02', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.499Z'),
  'properties.opened.exists': flag,
  'properties.tags': some(['red', 'Red', 'red;blue']),
  'properties.tags.in': fc.constantFrom('blue,green', 'Red'),
  'properties.note': some(['hello', '7', 'a', 'a;b']),
  'properties.note.exists': flag,
}
/** At most three conditions: most combinations of more find nothing. */
const queries: fc.Arbitrary<Given> = fc
  .tuple(
    fc.subarray(Object.keys(conditions) as (keyof typeof conditions)[], { maxLength: 3 }),
    fc.record(conditions),
    fc.record({ sort: fc.constantFrom(...sorts) }, { requiredKeys: [] }),
  )
  .map(([names, all, sort]) => ({ ...Object.fromEntries(names.map((name) => [name, all[name]])), ...sort }))

for (const engine of bothEngines) {
  describe(`queries for issues on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let first: string
    let second: string
    const runs = engine.name === 'PostgreSQL' ? (long ? 2_000 : 150) : 25

    before(async () => {
      ;({ db, close } = await engine.open())
      first = await seedTenant(db, A)
      second = await seedTenant(db, A, 4343)
      const foreign = await seedTenant(db, B)
      await within((scope) => saveLabels(scope, first, ['pipeline', 'stage', 'owner'], labels))
      // The other account has the same ids, of other names.
      await within((scope) =>
        saveLabels(
          scope,
          second,
          ['pipeline', 'stage', 'owner'],
          labels.map((row) => ({
            ...row,
            label: `${row.label?.split(' ')[0]} ${row.id === '7' ? '8' : '1'}`,
            closed: row.closed === null ? null : row.id === '1',
          })),
        ),
      )
      for (const id of [first, second])
        await within((scope) => saveResourceRead(scope, id, 'properties', definitions))
      for (const [integrationId, from] of [
        [first, 10],
        [second, 12],
      ] as const)
        await write(integrationId, fc.sample(issues(from), { numRuns: 1, seed: from })[0] ?? [])
      for (const id of [first, second]) await within((scope) => buildSearchRows(scope, id, 1_000))
      await withTenant(db, B, (scope) => upsertIssues(scope, foreign, [issueRow('10')], new Date()))
    })
    after(() => close())

    const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, A, work)

    const row = (ticketId: string) =>
      fc
        .record({
          modified_at: fc.constantFrom(...times),
          ticket_created_at: fc.constantFrom(...times, null),
          archived: fc.boolean(),
          properties: fc.record({
            subject: fc.constantFrom(...subjects),
            content: fc.constantFrom(...contents),
            amount: fc.constantFrom(...values.amount),
            due: fc.constantFrom(...values.due),
            opened: fc.constantFrom(...values.opened),
            tags: fc.constantFrom(...values.tags),
            note: fc.constantFrom(...values.note),
            hs_pipeline: fc.constantFrom(...pipelines, ''),
            hs_pipeline_stage: fc.constantFrom(...stages, ''),
            hubspot_owner_id: fc.constantFrom(...owners),
            hs_ticket_priority: fc.constantFrom(...priorities),
            hs_ticket_category: fc.constantFrom(...categories),
          }),
        })
        .map((one) => issueRow(ticketId, { ...one, archived_at: one.archived ? (times[2] as string) : null }))
    const issues = (from: number) => fc.tuple(...Array.from({ length: 60 }, (_, n) => row(String(from + n))))

    let observed = Date.UTC(2026, 5, 1)
    /** HubSpot's clock: later with each call. */
    const later = () => {
      observed += 5_000
      return new Date(observed)
    }
    const write = (integrationId: string, rows: readonly ReturnType<typeof issueRow>[]) =>
      within(async (scope) => {
        await lockIntegration(scope, integrationId)
        await upsertIssues(scope, integrationId, rows, later())
        const associations = new Map(
          rows.map(({ ticket_id }, at): [string, TicketAssociations] => [
            ticket_id,
            {
              contacts: ['51', '52', '9007199254740992']
                .slice(at % 3, at % 4)
                .map((id) => ({ id, labels: [] })),
              companies: at % 5 === 0 ? null : [{ id: at % 2 ? '71' : '51', labels: [] }],
            },
          ]),
        )
        await saveAssociations(scope, integrationId, associations, later())
      })

    const all = () => within((scope) => listIssues(scope, { after: undefined, limit: 10_000 }))

    const count = (query: IssuesQuery) =>
      within(async (scope) => await countIssues(scope, await filterOf(scope, query)))

    /** What the index has, compared with what it should have. */
    const differences = () =>
      within((scope) =>
        scope.query(sql`
          select * from (
            (select integration_id, ticket_id, issue_id, pipeline_id, stage_id, owner_id, priority, category, archived,
              coalesce(ticket_created_at, 'epoch') as created_at, modified_at, archived_at, deleted_at, date_trunc('milliseconds', synced_at) as synced_at
            from issues where tenant_id = ${A})
            except
            (select integration_id, ticket_id, issue_id, pipeline_id, stage_id, owner_id, priority, category, archived,
              created_at, modified_at, archived_at, deleted_at, synced_at from issue_search where tenant_id = ${A})) missing
          union all
          select * from (
            (select integration_id, ticket_id, issue_id, pipeline_id, stage_id, owner_id, priority, category, archived,
              created_at, modified_at, archived_at, deleted_at, synced_at from issue_search where tenant_id = ${A})
            except
            (select integration_id, ticket_id, issue_id, pipeline_id, stage_id, owner_id, priority, category, archived,
              coalesce(ticket_created_at, 'epoch') as created_at, modified_at, archived_at, deleted_at, date_trunc('milliseconds', synced_at) as synced_at
            from issues where tenant_id = ${A})) extra`),
      )

    /** Issues whose words and terms are not those of what is stored. */
    const staleContent = () =>
      within(async (scope) => {
        const rows = await scope.query(sql<IndexedContent & { words: string | null; terms: number[] | null }>`
          select i.ticket_id, i.properties, a.associations, t.words::text as words, t.terms from issues i
          full join issue_terms t using (tenant_id, integration_id, ticket_id)
          left join issue_associations a using (tenant_id, integration_id, ticket_id)
          where coalesce(i.tenant_id, t.tenant_id) = ${A}`)
        const termsOf = createTermsOf(A)
        const asVector = async (words: string) =>
          (await scope.query(sql<{ words: string }>`select ${words}::tsvector::text as words`))[0]?.words
        const stale: string[] = []
        for (const { words, terms, ...issue } of rows) {
          const meant = termsOf(issue)
          const sameTerms =
            JSON.stringify((terms ?? []).map(Number).sort()) === JSON.stringify([...meant.terms].sort())
          if (!sameTerms || words !== (await asVector(meant.words))) stale.push(issue.ticket_id)
        }
        return stale
      })

    /** Pages to the end. @param between called after each page */
    async function walk(given: Given, limit: number, between = async () => {}) {
      const found: string[] = []
      for (let next: string | undefined; ; ) {
        const query = parse({ ...given, ...(next ? { after: next } : {}) })
        const at = decodePosition(A, query)
        const rows = await within((scope) =>
          filterOf(scope, query).then((conditions) =>
            findIssues(scope, conditions, sortOf(query), { after: at, limit: limit + 1, bytes: 1e9 }),
          ),
        )
        found.push(...rows.slice(0, limit).map(({ issue_id }) => issue_id))
        const last = rows.length > limit ? rows[limit - 1] : undefined
        if (!last) return found
        next = encodePosition(A, query, last)
        await between()
      }
    }

    test('finds, orders and counts what a model in memory finds', async () => {
      const model = await all()
      let matched = 0
      await fc.assert(
        fc.asyncProperty(queries, fc.integer({ min: 1, max: 30 }), async (given, limit) => {
          const expected = inOrder(
            model.filter((issue) => matches(issue, given)),
            given.sort,
          )
          matched += Math.min(1, expected.length)
          const found = await walk(given, limit)
          if (given.q && !given.sort) assert.deepEqual(found.toSorted(), expected.toSorted())
          else assert.deepEqual(found, expected)
          const query = parse(given)
          assert.equal(await count(query), expected.length)
        }),
        { numRuns: runs, seed: 18, endOnFailure: true },
      )
      assert.ok(matched > runs / 4, `only ${matched} of ${runs} queries found anything`)
    })

    test('facets and buckets count what a model in memory counts', async () => {
      const model = await all()
      await fc.assert(
        fc.asyncProperty(
          queries,
          fc.constantFrom('day', 'month'),
          fc.constantFrom('created_at', 'modified_at'),
          async ({ sort: _, ...given }, interval, time) => {
            const matching = model.filter((issue) => matches(issue, given))
            const query = parse(given)
            const { count, facets, buckets } = await within(async (scope) => {
              const conditions = await filterOf(scope, query)
              const buckets = await countByTime(scope, conditions, { interval, time })
              return { ...(await countByValue(scope, conditions)), buckets }
            })
            assert.equal(count, matching.length)
            for (const [facet, names] of Object.entries({
              integration: ['integration_id'],
              pipeline: ['integration_id', 'pipeline_id', 'pipeline_name'],
              stage: ['integration_id', 'pipeline_id', 'stage_id', 'stage_name', 'stage_closed'],
              owner: ['integration_id', 'owner_id', 'owner_name', 'owner_email'],
              priority: ['priority'],
              category: ['category'],
            } as const)) {
              const keyOf = (one: object) =>
                JSON.stringify(names.map((name) => (one as Record<string, unknown>)[name]))
              const expected = [...Map.groupBy(matching, keyOf)].map(([key, of]) => [key, of.length])
              const found = facets[facet as keyof typeof facets].map((one) => [keyOf(one), one.count])
              assert.deepEqual(found.toSorted(), expected.toSorted(), facet)
              const counts = found.map(([, n]) => n as number)
              assert.deepEqual(
                counts,
                counts.toSorted((a, b) => b - a),
              )
            }
            const startOf = (at: Date) => `${at.toISOString().slice(0, interval === 'day' ? 10 : 7)}`
            const times = matching.flatMap((issue) => issue[time] ?? []).map(startOf)
            assert.deepEqual(
              buckets.map(({ start, count }) => [startOf(start), count]),
              [...Map.groupBy(times.sort(), (at) => at)].map(([at, of]) => [at, of.length]),
            )
          },
        ),
        { numRuns: Math.ceil(runs / 3), seed: 20, endOnFailure: true },
      )
    })

    test('while issues change, none comes twice, and none that did not change is missing', async () => {
      await fc.assert(
        fc.asyncProperty(queries, issues(10), fc.integer({ min: 2, max: 9 }), async (given, next, limit) => {
          const expected = (await all()).filter((issue) => matches(issue, given))
          const changed = new Set<string>()
          const pending = [...next]
          const found = await walk(given, limit, async () => {
            const rows = pending.splice(0, 4)
            if (rows.length === 0) return
            // Later than what is stored, so that the change is one.
            await write(
              first,
              rows.map((one) => ({ ...one, modified_at: later().toISOString() })),
            )
            for (const { ticket_id } of rows) changed.add(ticket_id)
          })
          assert.equal(new Set(found).size, found.length, 'an issue came twice')
          const missing = expected
            .filter((issue) => issue.integration_id !== first || !changed.has(issue.ticket_id))
            .filter(({ issue_id }) => !found.includes(issue_id))
          assert.deepEqual(missing, [])
        }),
        { numRuns: Math.ceil(runs / 8), seed: 19, endOnFailure: true },
      )
    })

    test('an issue that a change moves to the end of the order does not come again', async () => {
      const expected = await all()
      const before = expected.filter(({ integration_id }) => integration_id === first)
      const found = await walk({ sort: 'modified_at' }, 10, async () => {
        const next = before.pop()
        if (next) await write(first, [issueRow(next.ticket_id, { modified_at: later().toISOString() })])
      })
      assert.equal(new Set(found).size, found.length)
      assert.ok(found.length < expected.length, 'no issue was moved')
    })

    test('times far from 1970 are sorted and paged through', async () => {
      const fourth = await seedTenant(db, A, 4445)
      const far = ['1960-05-01T00:00:00.001Z', '1969-12-31T23:59:59.999Z', '9998-03-01T00:00:00.120Z']
      const rows = [...far, '9998-03-01T00:00:00.121Z', '9998-03-01T00:00:00.122Z'].map((at, n) =>
        issueRow(String(3_000 + n), { ticket_created_at: at }),
      )
      await write(fourth, rows)
      const ids = new Set(rows.map(({ issue_id }) => issue_id))
      const expected = rows.map(({ issue_id }) => issue_id)
      for (const sort of ['created_at', '-created_at']) {
        const found = await walk({ sort, integration_id: fourth }, 1)
        assert.deepEqual(
          found.filter((id) => ids.has(id)),
          sort === 'created_at' ? expected : expected.toReversed(),
        )
      }
      const early = await walk(
        { 'created_at.lt': '1970-01-02T00:00:00Z', integration_id: fourth, sort: 'created_at' },
        10,
      )
      assert.deepEqual(early, expected.slice(0, 2))
      const buckets = await within(async (scope) => {
        const conditions = await filterOf(scope, issuesQuery.parse({ integration_id: fourth }))
        return await countByTime(scope, conditions, { interval: 'month', time: 'created_at' })
      })
      for (const [start, count] of [
        ['1960-05-01', 1],
        ['1969-12-01', 1],
        ['9998-03-01', 3],
      ] as const)
        assert.equal(buckets.find((one) => one.start.toISOString().startsWith(start))?.count, count, start)
      while (await within((scope) => deleteIssueBatch(scope, fourth, 10)));
    })

    test('a value that is longer than a key of an index can be is stored, and no query finds it', async () => {
      const fifth = await seedTenant(db, A, 4446)
      // Random, so that compression does not make it short.
      const long = randomBytes(30_000).toString('base64')
      const properties = {
        hs_pipeline: long,
        hs_pipeline_stage: long,
        hubspot_owner_id: long,
        hs_ticket_priority: long,
        hs_ticket_category: long,
      }
      await assert.doesNotReject(write(fifth, [issueRow('4000', { properties })]))
      await within((scope) => dropSearchBuild(scope, fifth))
      await write(fifth, [issueRow('4001', { properties })])
      await within((scope) => beginSearchBuild(scope, fifth))
      assert.ok((await within((scope) => buildSearchRows(scope, fifth, 1_000))) < 1_000)
      assert.equal((await walk({ integration_id: fifth, 'priority.exists': 'true' }, 10)).length, 2)
      assert.deepEqual(await walk({ integration_id: fifth, priority: long.slice(0, 200) }, 10), [])
      while (await within((scope) => deleteIssueBatch(scope, fifth, 10)));
    })

    test('connected again after a purge that did not end, the index has what is stored', async () => {
      const sixth = await seedTenant(db, A, 4447)
      const rows = Array.from({ length: 10 }, (_, n) => issueRow(String(5_000 + n)))
      await write(sixth, rows)
      assert.equal(await within((scope) => deleteIssueBatch(scope, sixth, 3)), 3)
      const properties = { hs_ticket_priority: 'NEW' }
      await write(sixth, [issueRow('5008', { properties, modified_at: later().toISOString() })])
      await within((scope) => beginSearchBuild(scope, sixth))
      while (await within((scope) => buildSearchRows(scope, sixth, 4)));
      assert.equal((await walk({ integration_id: sixth, priority: 'NEW' }, 10)).length, 1)
      assert.deepEqual(await differences(), [])
      assert.deepEqual(await staleContent(), [])
      while (await within((scope) => deleteIssueBatch(scope, sixth, 10)));
    })

    test('each statement that writes an issue writes its row in the index', async () => {
      assert.deepEqual(await differences(), [])
      assert.deepEqual(await staleContent(), [])
      await within((scope) => saveMerges(scope, first, [{ loser: '20', survivor: '21' }], later()))
      assert.deepEqual(await differences(), [])
      assert.deepEqual(await staleContent(), [])
      const { markedDeleted } = await within((scope) =>
        markDeleted(scope, first, ['22', '23', '24', '25'], later()),
      )
      assert.ok(markedDeleted.length > 0)
      assert.deepEqual(await differences(), [])
      assert.deepEqual(await staleContent(), [])
    })

    test('a first load is indexed afterwards, and until then the integration is named', async () => {
      const third = await seedTenant(db, A, 4444)
      await within((scope) => dropSearchBuild(scope, third))
      const ticketIds = Array.from({ length: 25 }, (_, n) => String(1_000 + n))
      await write(
        third,
        ticketIds.map((id) => issueRow(id)),
      )
      const indexed = () => walk({ integration_id: third, sort: 'modified_at' }, 100)
      const incomplete = () => within((scope) => listIncompleteIndexes(scope, undefined))
      await within(async (scope) => await deleteSeeded(scope, third))
      assert.deepEqual(await indexed(), [])
      assert.deepEqual(await incomplete(), [third])
      await within((scope) => beginSearchBuild(scope, third))
      // Before the build has come to it, and behind it.
      await write(third, [issueRow('1020', { modified_at: times[3] as string }), issueRow('2000')])
      assert.equal(await within((scope) => buildSearchRows(scope, third, 10)), 10)
      await write(third, [issueRow('1003', { modified_at: times[3] as string })])
      assert.deepEqual(await incomplete(), [third])
      while (await within((scope) => buildSearchRows(scope, third, 10)));
      assert.deepEqual(await incomplete(), [])
      // Those of the load, one that came during the build, and one of the seed.
      assert.equal((await indexed()).length, 27)
      assert.deepEqual(await differences(), [])
      assert.deepEqual(await staleContent(), [])
      // Its data deleted, it is loaded anew.
      while (await within((scope) => deleteIssueBatch(scope, third, 10)));
      assert.deepEqual(await indexed(), [])
      await write(third, [issueRow('1')])
      assert.deepEqual(await incomplete(), [third])
      while (await within((scope) => deleteIssueBatch(scope, third, 10)));
    })
  })
}

/** What `seedTenant` indexed of an integration before its build was dropped. */
const deleteSeeded = (scope: TenantScope, integrationId: string) =>
  scope.query(sql`
    with terms as (
      delete from issue_terms where tenant_id = ${scope.tenantId} and integration_id = ${integrationId})
    delete from issue_search where tenant_id = ${scope.tenantId} and integration_id = ${integrationId}`)
