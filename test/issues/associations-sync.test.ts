/** Associations from an emulated HubSpot into issues, under each answer to what HubSpot leaves open. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { listResources } from '../../src/integrations/resource-store.ts'
import { findIntegration, lockIntegration } from '../../src/integrations/store.ts'
import type { TicketAssociations } from '../../src/issues/association-store.ts'
import { associatedKinds } from '../../src/issues/association-store.ts'
import {
  readTicketAssociations,
  saveAssociationsFound,
  unreadableKinds,
} from '../../src/issues/associations.ts'
import { toIssue } from '../../src/issues/issue.ts'
import { listIntegrationIssues } from '../../src/issues/store.ts'
import { upsertIssues } from '../../src/issues/upsert-store.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { postgres } from '../support/engines.ts'
import { A } from '../support/rows.ts'
import { type Bench, startBench } from './catalog-fixture.ts'

const scopes = [
  'oauth',
  'tickets',
  'crm.objects.contacts.read',
  'crm.objects.companies.read',
  'crm.objects.deals.read',
]

const uncertain = [
  { no_associations: 'empty', to_object_id: 'number' },
  { no_associations: 'error', to_object_id: 'string' },
] as const

for (const quirks of uncertain) {
  describe(`associations, ${JSON.stringify(quirks)}`, () => {
    let emulator: TestEmulator
    let db: Database
    let close: () => Promise<void>
    let bench: Bench
    let ids: string[]
    before(async () => {
      emulator = await startTestEmulator({ quirks })
      ;({ db, close } = await postgres.open())
      const associations = { contacts: 3, companies: 1, deals: 2 }
      bench = await startBench(db, emulator, { tickets: 1_200, associations }, scopes)
      ids = await keepTickets(emulator, db, bench)
    })
    after(async () => {
      await bench.close()
      await close()
      await emulator.close()
    })

    const sync = async (of: string[]) => {
      const { hubspot, withAccess, retryLimits, signal } = bench.parts
      const { integrationId } = bench.whose
      const skip = await withTenant(db, A, (scope) => unreadableKinds(scope, integrationId))
      const found = await withAccess((access) =>
        readTicketAssociations(hubspot, of, { access, retryLimits, signal }, skip),
      )
      return await withTenant(db, A, async (scope) => {
        await lockIntegration(scope, integrationId)
        return await saveAssociationsFound(scope, integrationId, found)
      })
    }
    const stored = async () => {
      const issues = await withTenant(db, A, (scope) =>
        listIntegrationIssues(scope, { ...bench.whose, after: undefined, limit: 2_000 }),
      )
      return new Map(issues.map(({ ticket_id: ticketId, associations }) => [ticketId, associations]))
    }

    test('1,200 tickets cost two calls per kind, and the stored associations equal HubSpot’s single reads', async () => {
      const before = await bench.asked('/batch/read')
      assert.deepEqual(await sync(ids), { changed: 1_200, unchanged: 0 })
      assert.equal((await bench.asked('/batch/read')) - before, 6)
      const saved = await stored()
      for (const id of ids.slice(0, 40)) {
        for (const kind of associatedKinds) {
          const there = (saved.get(id)?.[kind] ?? assert.fail(`${id} ${kind}`)).map((one) => [
            one.id,
            one.labels.map(({ category, type_id, label }) => `${category} ${type_id} ${label}`).sort(),
          ])
          assert.deepEqual(there.sort(), (await single(emulator, bench, id, kind)).sort())
        }
      }
      assert.ok([...saved.values()].some((one) => one?.contacts?.length === 3))
      assert.ok([...saved.values()].some((one) => one?.contacts?.length === 0))
      assert.deepEqual(await sync(ids), { changed: 0, unchanged: 1_200 })
    })

    test('added, labelled and removed associations arrive with the next read', async () => {
      const [ticket_id = ''] = ids
      const path = `/portals/${bench.hubId}/associations`
      const types = [{ category: 'USER_DEFINED', typeId: 99, label: 'Billing contact' }]
      await emulator.control('POST', path, { ticket_id, to: 'contacts', to_id: '987654321', types })
      assert.equal((await sync(ids.slice(0, 5))).changed, 1)
      const now = (await stored()).get(ticket_id)?.contacts?.find(({ id }) => id === '987654321')
      assert.ok(now?.labels.some(({ type_id, label }) => type_id === 99 && label === 'Billing contact'))
      await emulator.control('POST', path, {
        ticket_id,
        to: 'contacts',
        to_id: '987654321',
        types,
        remove: true,
      })
      await sync([ticket_id])
      assert.deepEqual(
        (await stored())
          .get(ticket_id)
          ?.contacts?.map((one) => one.id)
          .toSorted(),
        (await single(emulator, bench, ticket_id, 'contacts')).map(([id]) => id as string).toSorted(),
      )
    })

    test('a ticket with 1,200 contacts is read whole', async () => {
      const ticket_id = ids[7] ?? assert.fail()
      const types = [{ category: 'HUBSPOT_DEFINED' as const, typeId: 16, label: null }]
      for (let n = 0; n < 1_200; n++) {
        emulator.world.changeAssociation(bench.hubId, {
          ticket_id,
          to: 'contacts',
          to_id: String(5_000_000 + n),
          types,
        })
      }
      await sync(ids.slice(5, 10))
      const contacts = (await stored()).get(ticket_id)?.contacts ?? []
      assert.equal(
        contacts.filter(({ id }) => Number(id) >= 5_000_000 && Number(id) < 5_001_200).length,
        1_200,
      )
    })

    test('a lost scope makes that kind null and a problem of its resource; the token stays valid, the kind is not requested again', async () => {
      const lost = ['crm.objects.deals.read']
      await emulator.control('POST', `/portals/${bench.hubId}/scopes`, { remove: lost })
      await sync(ids.slice(0, 3))
      const of: TicketAssociations = (await stored()).get(ids[0] ?? '') ?? assert.fail()
      assert.equal(of.deals, null)
      assert.ok(Array.isArray(of.contacts) && Array.isArray(of.companies))
      const resources = (await withTenant(db, A, listResources)).get(bench.whose.integrationId)
      assert.deepEqual(
        [resources?.deals.state, resources?.deals.problem, resources?.contacts.state],
        ['degraded', 'missing_scopes:crm.objects.deals.read', 'ok'],
      )
      const integration = await withTenant(db, A, (scope) =>
        findIntegration(scope, bench.whose.integrationId),
      )
      assert.equal(integration?.status, 'active')
      const before = await bench.asked('/tickets/deals/')
      await sync(ids.slice(0, 3))
      assert.equal(await bench.asked('/tickets/deals/'), before)
    })
  })
}

/** Stores the portal's tickets as a sync would. @returns their ids */
async function keepTickets(emulator: TestEmulator, db: Database, bench: Bench): Promise<string[]> {
  const { results } = await emulator.control('GET', `/portals/${bench.hubId}/truth?limit=10000`)
  const rows = (results as unknown[]).flatMap((ticket) => {
    const mapped = toIssue(ticket)
    return 'row' in mapped ? [mapped.row] : []
  })
  await withTenant(db, A, (scope) => upsertIssues(scope, bench.whose.integrationId, rows, new Date()))
  return rows.map((row) => row.ticket_id)
}

/** The same by HubSpot's read of one record, which is another path. */
async function single(emulator: TestEmulator, bench: Bench, id: string, kind: string) {
  const url = `${emulator.url}/crm/objects/2026-03/tickets/${id}/associations/${kind}?limit=500`
  const answer = await fetch(url, { headers: { authorization: `Bearer ${bench.token}` } })
  const { results } = (await answer.json()) as {
    results: {
      toObjectId: number | string
      associationTypes: { category: string; typeId: number; label: string | null }[]
    }[]
  }
  return results.map((one): [string, string[]] => [
    String(one.toObjectId),
    one.associationTypes.map(({ category, typeId, label }) => `${category} ${typeId} ${label}`).sort(),
  ])
}
