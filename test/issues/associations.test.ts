/** Associations of tickets: stored per ticket, the newer read wins, and a kind that may not be read becomes null. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { HubSpotError } from '../../src/hubspot/hubspot-error.ts'
import { listResources } from '../../src/integrations/resource-store.ts'
import { lockIntegration } from '../../src/integrations/store.ts'
import {
  type AssociatedRecord,
  saveAssociations,
  type TicketAssociations,
} from '../../src/issues/association-store.ts'
import {
  readAssociationsForStep,
  readTicketAssociations,
  saveAssociationsFound,
  unreadableKinds,
} from '../../src/issues/associations.ts'
import { deleteIssueBatch, listIntegrationIssues } from '../../src/issues/store.ts'
import { upsertIssues } from '../../src/issues/upsert-store.ts'
import { engines } from '../support/engines.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'
import { callOptions, letAnHourPass, startCanned } from './catalog-fixture.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 2, 0, 0, second))
const one = (id: string, label: string | null = null): AssociatedRecord => ({
  id,
  labels: [{ category: 'HUBSPOT_DEFINED', type_id: 16, label }],
})
const all = (contacts: AssociatedRecord[] | null): TicketAssociations => ({
  contacts,
  companies: [],
  deals: [],
})

for (const engine of engines) {
  describe(`storing associations on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let id: string
    before(async () => {
      ;({ db, close } = await engine.open())
      id = await seedTenant(db, A)
      await seedTenant(db, B)
      const rows = [...Array(1_000).keys()].map((n) => issueRow(String(n)))
      await withTenant(db, A, (scope) => upsertIssues(scope, id, rows, at(0)))
    })
    after(() => close())
    beforeEach(() => withTenant(db, A, ({ query }) => query(sql`delete from issue_associations`)))

    const save = (given: Record<string, TicketAssociations>, observedAt: Date) =>
      withTenant(db, A, async (scope) => {
        await lockIntegration(scope, id)
        return await saveAssociations(scope, id, new Map(Object.entries(given)), observedAt)
      })
    const stored = async () =>
      Object.fromEntries(
        (
          await withTenant(db, A, ({ query }) =>
            query(
              sql<{ ticket: string; of: TicketAssociations }>`
                select ticket_id as ticket, associations as of from issue_associations`,
            ),
          )
        ).map(({ ticket, of }) => [ticket, of]),
      )

    test('new ones are stored, the same again writes nothing', async () => {
      const given = { 1: all([one('7')]), 2: all([]) }
      assert.deepEqual(await save(given, at(1)), { changed: 2, unchanged: 0 })
      const versions = () =>
        withTenant(db, A, ({ query }) => query(sql`select xmin::text, ctid::text from issue_associations`))
      const before = await versions()
      assert.deepEqual(await save(given, at(9)), { changed: 0, unchanged: 2 })
      assert.deepEqual(await versions(), before)
      assert.deepEqual(await stored(), given)
    })

    test('a ticket that has none any more loses its own, a changed label is a change', async () => {
      await save({ 1: all([one('7')]), 2: all([one('8')]), 3: all([one('9')]) }, at(1))
      const now = { 1: all([]), 2: all([one('8', 'Billing')]), 3: all([one('9')]) }
      assert.deepEqual(await save(now, at(2)), { changed: 2, unchanged: 1 })
      assert.deepEqual(await stored(), now)
    })

    test('older never replaces newer; within one second of HubSpot’s clock the later write wins', async () => {
      await save({ 1: all([one('new')]) }, at(5))
      assert.deepEqual(await save({ 1: all([one('old')]) }, at(4)), { changed: 0, unchanged: 1 })
      assert.deepEqual(await stored(), { 1: all([one('new')]) })
      assert.deepEqual(await save({ 1: all([one('same second')]) }, at(5)), { changed: 1, unchanged: 0 })
    })

    test('a kind that is absent stays as it was, one that is null becomes null', async () => {
      await save({ 1: all([one('7')]) }, at(1))
      await save({ 1: { companies: [one('c')] } }, at(2))
      assert.deepEqual((await stored())[1], { contacts: [one('7')], companies: [one('c')], deals: [] })
      await save({ 1: { contacts: null } }, at(3))
      assert.deepEqual((await stored())[1], { contacts: null, companies: [one('c')], deals: [] })
      assert.deepEqual(await save({ 9: {} }, at(3)), { changed: 0, unchanged: 1 })
      assert.equal((await stored())[9], undefined)
    })

    test('nothing is stored for a ticket that is no issue here', async () => {
      assert.deepEqual(await save({ 1: all([]), 4711: all([]) }, at(1)), { changed: 1, unchanged: 0 })
      assert.deepEqual(await stored(), { 1: all([]) })
    })

    test('a thousand at once, and another tenant sees none of them', async () => {
      const many = Object.fromEntries([...Array(1_000).keys()].map((n) => [String(n), all([one(`${n}`)])]))
      assert.deepEqual(await save(many, at(1)), { changed: 1_000, unchanged: 0 })
      assert.deepEqual(await save({ ...many, 5: all([]) }, at(2)), { changed: 1, unchanged: 999 })
      const theirs = await withTenant(db, B, ({ query }) =>
        query(sql<{ n: number }>`select count(*)::int as n from issue_associations`),
      )
      assert.equal(theirs[0]?.n, 1)
    })

    test('a refused kind is remembered for an hour, and a problem that is over is forgotten', async () => {
      const refusal = { problem: 'missing_scopes:crm.objects.deals.read', lasting: true }
      const found = (problems: [] | [['deals', typeof refusal]]) => ({
        associations: new Map([['1', all([])]]),
        observedAt: at(1),
        read:
          problems.length > 0 ? (['contacts'] as const).slice() : (['contacts', 'deals'] as const).slice(),
        problems: new Map(problems),
      })
      const keepAll = (given: ReturnType<typeof found>) =>
        withTenant(db, A, (scope) => saveAssociationsFound(scope, id, given))
      const skip = () => withTenant(db, A, (scope) => unreadableKinds(scope, id))
      const resources = async () => (await withTenant(db, A, listResources)).get(id)
      await keepAll(found([['deals', refusal]]))
      assert.deepEqual(await skip(), new Set(['deals']))
      const { deals, contacts } = (await resources()) ?? assert.fail()
      assert.deepEqual(deals, { state: 'degraded', problem: refusal.problem, read_at: null })
      assert.deepEqual([contacts.state, contacts.problem], ['ok', null])
      await letAnHourPass(db)
      assert.deepEqual(await skip(), new Set())
      await keepAll(found([]))
      assert.equal((await resources())?.deals.state, 'ok')
    })

    test('what is readable is noted once an hour, not with every page', async () => {
      const note = () =>
        withTenant(db, A, (scope) =>
          saveAssociationsFound(scope, id, {
            associations: new Map(),
            observedAt: at(1),
            read: ['contacts', 'companies', 'deals'],
            problems: new Map(),
          }),
        )
      const versions = () =>
        withTenant(db, A, ({ query }) =>
          query(sql`select resource, xmin::text, ctid::text from integration_resources order by 1`),
        )
      await note()
      const before = await versions()
      await note()
      assert.deepEqual(await versions(), before)
      await letAnHourPass(db)
      await note()
      assert.notDeepEqual(await versions(), before)
    })

    test('a purge deletes the associations too', async () => {
      await save(Object.fromEntries([...Array(15).keys()].map((n) => [n, all([one('7')])])), at(1))
      await withTenant(db, A, ({ query }) => query(sql`delete from issues where ticket_id::int > 14`))
      assert.equal(await withTenant(db, A, (scope) => deleteIssueBatch(scope, id, 10)), 10)
      const left = await withTenant(db, A, (scope) =>
        listIntegrationIssues(scope, { integrationId: id, after: undefined, limit: 9 }),
      )
      assert.equal(left.length, 5)
      assert.deepEqual(
        Object.keys(await stored()).sort(),
        left.map(({ ticket_id: ticketId }) => ticketId).sort(),
      )
    })
  })
}

describe('reading associations', () => {
  type Canned = Awaited<ReturnType<typeof startCanned>>
  const hubspotWith = async <T>(
    answer: Parameters<typeof startCanned>[0],
    work: (canned: Canned) => Promise<T>,
  ) => {
    const canned = await startCanned(answer)
    try {
      return await work(canned)
    } finally {
      await canned.close()
    }
  }
  const missing = (scope: string) => ({
    status: 403,
    json: { category: 'MISSING_SCOPES', errors: [{ context: { requiredGranularScopes: [scope] } }] },
  })
  const end = (id: number) => ({
    toObjectId: id,
    associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 28, label: null }],
  })

  test('one call per kind and 1,000 tickets; a kind without its scope is null, and named', async () => {
    const ids = [...Array(1_500).keys()].map(String)
    const answer = (path: string) =>
      path.includes('/companies/')
        ? missing('crm.objects.companies.read')
        : {
            json: {
              results: [
                { from: { id: '3' }, to: [end(30)] },
                { from: { id: '1400' }, to: [end(31)] },
              ],
            },
          }
    await hubspotWith(answer, async ({ hubspot, asked }) => {
      const found = await readTicketAssociations(hubspot, ids, callOptions(), new Set())
      assert.equal(found.associations.size, 1_500)
      const labels = [{ category: 'HUBSPOT_DEFINED', type_id: 28, label: null }]
      assert.deepEqual(found.associations.get('3'), {
        contacts: [{ id: '30', labels }],
        companies: null,
        deals: [{ id: '30', labels }],
      })
      assert.deepEqual(found.associations.get('4'), { contacts: [], companies: null, deals: [] })
      assert.deepEqual(found.associations.get('1400')?.deals, [{ id: '31', labels }])
      assert.deepEqual(found.read.toSorted(), ['contacts', 'deals'])
      assert.deepEqual(
        [...found.problems],
        [['companies', { problem: 'missing_scopes:crm.objects.companies.read', lasting: true }]],
      )
      const sizes = asked.map(({ body }) => (body as { inputs: unknown[] }).inputs.length)
      assert.deepEqual(
        sizes.sort((a, b) => a - b),
        [500, 500, 1_000, 1_000, 1_000],
      )
    })
  })

  test('a kind that is skipped costs no call and is null; all skipped and no ids cost none', async () => {
    await hubspotWith(
      () => ({ json: { results: [] } }),
      async ({ hubspot, asked }) => {
        const found = await readTicketAssociations(hubspot, ['1'], callOptions(), new Set(['contacts']))
        assert.deepEqual(found.associations.get('1'), { contacts: null, companies: [], deals: [] })
        assert.equal(asked.length, 2)
        const none = await readTicketAssociations(
          hubspot,
          ['1'],
          callOptions(),
          new Set(['contacts', 'companies', 'deals']),
        )
        assert.equal(none.observedAt, null)
        await readTicketAssociations(hubspot, [], callOptions(), new Set())
        assert.equal(asked.length, 2)
      },
    )
  })

  test('a kind that one step found refused is not requested by the next', async () => {
    const answer = (path: string) =>
      path.includes('/deals/') ? missing('crm.objects.deals.read') : { json: { results: [] } }
    await hubspotWith(answer, async ({ hubspot, asked }) => {
      const skip = new Set<string>()
      for (const ids of [['1'], ['2']]) await readAssociationsForStep(hubspot, ids, callOptions(), skip)
      assert.deepEqual(skip, new Set(['deals']))
      assert.equal(asked.filter(({ path }) => path.includes('/deals/')).length, 1)
      assert.equal(asked.length, 5)
    })
  })

  test('an outage of one kind fails the whole read, so that no partial result is stored', async () => {
    const answer = (path: string) =>
      path.includes('/deals/') ? { status: 503, json: {} } : { json: { results: [] } }
    await hubspotWith(answer, ({ hubspot }) =>
      assert.rejects(
        readTicketAssociations(hubspot, ['1'], callOptions(), new Set()),
        (error) => error instanceof HubSpotError && error.kind === 'unavailable',
      ),
    )
  })

  test('a record that HubSpot leaves out stays as it is, and its kind counts as incomplete', async () => {
    const answer = () => ({
      status: 207,
      json: { results: [], errors: [{ category: 'INTERNAL_ERROR', context: { ids: ['1'] } }] },
    })
    await hubspotWith(answer, async ({ hubspot }) => {
      const found = await readTicketAssociations(hubspot, ['1', '2'], callOptions(), new Set())
      assert.deepEqual(found.associations.get('1'), {})
      assert.deepEqual(found.associations.get('2'), { contacts: [], companies: [], deals: [] })
      assert.deepEqual([found.read, [...found.undecided]], [[], ['1']])
      assert.deepEqual(
        new Set([...found.problems.values()].map(({ problem }) => problem)),
        new Set(['invalid_answer']),
      )
    })
  })
})
