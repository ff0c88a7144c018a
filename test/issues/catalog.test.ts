/** The catalog of an account, on both engines: fresh costs nothing, a refused resource degrades alone. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { listResources } from '../../src/integrations/resource-store.ts'
import type { ResourceName } from '../../src/integrations/resources.ts'
import { findIntegration, setIntegrationStatus } from '../../src/integrations/store.ts'
import { refreshCatalog } from '../../src/issues/catalog.ts'
import { neededProperties, ticketProperties } from '../../src/issues/properties.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { engines } from '../support/engines.ts'
import { A } from '../support/rows.ts'
import { type Bench, letAnHourPass, startBench } from './catalog-fixture.ts'

const topics: ResourceName[] = ['properties', 'pipelines', 'owners']

for (const engine of engines) {
  describe(`the catalog on ${engine.name}`, () => {
    let emulator: TestEmulator
    let db: Database
    let close: () => Promise<void>
    let bench: Bench
    before(async () => {
      emulator = await startTestEmulator()
      ;({ db, close } = await engine.open())
    })
    after(async () => {
      await close()
      await emulator.close()
    })
    const open = async (portal: object = {}, scopes?: string[]) => {
      await withTenant(db, A, ({ query }) => query(sql`delete from tenant_integrations`))
      await emulator.control('DELETE', '/requests')
      bench = await startBench(db, emulator, { custom_properties: 3, owners: 12, ...portal }, scopes)
      // The seed of every table has a row here, too.
      await withTenant(db, A, ({ query }) => query(sql`delete from integration_resources`))
      await withTenant(db, A, ({ query }) => query(sql`delete from labels`))
    }
    beforeEach(() => open())
    afterEach(async () => {
      emulator.world.faults.clear()
      await bench.close()
    })

    const refresh = async () => (await refreshCatalog(bench.parts, bench.whose)).properties
    const labels = () =>
      withTenant(db, A, ({ query }) =>
        query(
          sql<{
            topic: string
            id: string
            label: string
            email: string
            closed: boolean
            archived: boolean
          }>`
            select topic, id, label, email, closed, archived from labels order by topic, parent, id`,
        ),
      )
    const resourcesNow = async () =>
      (await withTenant(db, A, listResources)).get(bench.whose.integrationId) ?? assert.fail('no resources')
    const crm = () => bench.asked('/crm/')

    test('requests every property of the account, sorted, and stores the labels of the ids', async () => {
      const names = await refresh()
      const answer = await fetch(`${emulator.url}/crm/properties/2026-09/tickets`, {
        headers: { authorization: `Bearer ${bench.token}` },
      })
      const { results } = (await answer.json()) as { results: { name: string }[] }
      const defined = results.map(({ name }) => name)
      assert.ok(defined.length > 20)
      assert.deepEqual(names, [...new Set([...defined, ...neededProperties])].sort())
      const saved = await labels()
      assert.deepEqual(
        saved.filter(({ topic }) => topic === 'pipeline').map(({ label }) => label)[0],
        'Support Pipeline',
      )
      const closed = saved.filter(({ topic, id }) => topic === 'stage' && id === '4')
      assert.deepEqual([closed[0]?.label, closed[0]?.closed], ['Closed', true])
      const owners = saved.filter(({ topic }) => topic === 'owner')
      assert.deepEqual([owners.length, owners.filter(({ archived }) => archived).length], [12, 2])
      assert.ok(owners.every(({ label, email }) => /^\S+ \S+$/.test(label) && email.includes('@')))
      const resources = await resourcesNow()
      for (const topic of topics) {
        assert.deepEqual([resources[topic].state, resources[topic].problem], ['ok', null])
        assert.ok(Math.abs(Date.now() - (resources[topic].read_at?.getTime() ?? 0)) < 60_000)
      }
      assert.equal(resources.contacts.state, 'unknown')
    })

    test('costs four calls an hour and none between', async () => {
      const names = await refresh()
      assert.equal(await crm(), 4)
      assert.deepEqual(await refresh(), names)
      assert.equal(await crm(), 4)
      await letAnHourPass(db)
      await refresh()
      assert.equal(await crm(), 8)
    })

    test('finds new properties, follows renames and retains the labels of deleted entries', async () => {
      await refresh()
      const portal = bench.hubId
      await emulator.control('POST', `/portals/${portal}/properties`, { name: 'a_new_one' })
      const held = emulator.world.portals.get(portal) ?? assert.fail()
      const support = held.pipelines.find(({ id }) => id === '0') ?? assert.fail()
      const stage = support.stages[0] ?? assert.fail()
      stage.label = 'Fresh'
      const gone = held.owners.shift() ?? assert.fail()
      assert.ok(!(await refresh()).includes('a_new_one'))
      await letAnHourPass(db)
      assert.ok((await refresh()).includes('a_new_one'))
      const saved = await labels()
      assert.equal(saved.find(({ topic, id }) => topic === 'stage' && id === '1')?.label, 'Fresh')
      const owner = saved.find(({ topic, id }) => topic === 'owner' && id === gone.id)
      assert.deepEqual([owner?.archived, owner?.email], [true, gone.email])
    })

    test('an owner without name or address has none here, and the others have theirs', async () => {
      const held = emulator.world.portals.get(bench.hubId)?.owners ?? assert.fail()
      const [bare, blank, nameless] = held.map(({ id }) => id)
      const change = (id: string | undefined, body: object) =>
        emulator.control('PATCH', `/portals/${bench.hubId}/owners/${id}`, body)
      await change(bare, { firstName: null, lastName: null, email: null })
      await change(blank, { firstName: '', lastName: null, email: ' ' })
      await change(nameless, { firstName: null, lastName: null })
      await refresh()
      const owners = (await labels()).filter(({ topic }) => topic === 'owner')
      const shown = (id: string | undefined) => {
        const { label, email } = owners.find((one) => one.id === id) ?? assert.fail()
        return [label, email]
      }
      assert.deepEqual(
        [shown(bare), shown(blank)],
        [
          [null, null],
          [null, null],
        ],
      )
      const address = held[2]?.email
      assert.deepEqual(shown(nameless), [address, address])
      assert.equal(owners.length, 12)
    })

    test('the same content is not written again', async () => {
      await refresh()
      const versions = () =>
        withTenant(db, A, ({ query }) =>
          query(sql`select xmin::text, ctid::text, id from labels order by 2, 3`),
        )
      const before = await versions()
      assert.ok(before.length > 10)
      await letAnHourPass(db)
      await refresh()
      assert.deepEqual(await versions(), before)
    })

    test('a missing scope degrades that resource alone: the token stays valid, everything else is read, and it is requested again in an hour', async () => {
      await bench.close()
      await open({}, ['oauth', 'tickets'])
      assert.ok((await refresh()).length > 20)
      const { owners, properties, pipelines } = await resourcesNow()
      assert.deepEqual(owners, {
        state: 'degraded',
        problem: 'missing_scopes:crm.objects.owners.read',
        read_at: null,
      })
      assert.deepEqual([properties.state, pipelines.state], ['ok', 'ok'])
      const integration = await withTenant(db, A, (scope) =>
        findIntegration(scope, bench.whose.integrationId),
      )
      assert.equal(integration?.status, 'active')
      const before = await bench.asked('/crm/owners')
      await refresh()
      assert.equal(await bench.asked('/crm/owners'), before)
      await letAnHourPass(db)
      await refresh()
      assert.equal(await bench.asked('/crm/owners'), before + 1)
    })

    test('a scope lost later leaves the stored data, and reads resume when it is granted again; a reconnect reads at once', async () => {
      await refresh()
      const before = await labels()
      const scopes = ['crm.objects.owners.read']
      await emulator.control('POST', `/portals/${bench.hubId}/scopes`, { remove: scopes })
      await letAnHourPass(db)
      await refresh()
      const lost = (await resourcesNow()).owners
      assert.equal(lost.state, 'degraded')
      assert.ok(lost.read_at)
      assert.deepEqual(await labels(), before)
      await emulator.control('POST', `/portals/${bench.hubId}/scopes`, { restore: scopes })
      await refresh()
      assert.equal((await resourcesNow()).owners.state, 'degraded')
      await withTenant(db, A, ({ query }) =>
        query(sql`update tenant_integrations set connected_at = clock_timestamp()`),
      )
      await refresh()
      assert.deepEqual(
        [(await resourcesNow()).owners.state, (await resourcesNow()).owners.problem],
        ['ok', null],
      )
    })

    test('where properties may not be read, those that every account has are requested', async () => {
      emulator.world.faults.add({
        kind: 'status',
        status: 403,
        body: {
          category: 'MISSING_SCOPES',
          message: 'x',
          errors: [{ context: { requiredGranularScopes: ['crm.schemas.tickets.read', 'bad\u0000name'] } }],
        },
        match: { path: '/crm/properties' },
        times: null,
      })
      assert.deepEqual(await refresh(), [...ticketProperties].sort())
      assert.equal((await resourcesNow()).properties.problem, 'missing_scopes:crm.schemas.tickets.read')
      const integration = await withTenant(db, A, (scope) =>
        findIntegration(scope, bench.whose.integrationId),
      )
      assert.equal(integration?.status, 'active')
    })

    test('an outage before properties were ever read is an error; later it is none, and is tried again soon', async () => {
      const down = { kind: 'status', status: 503, match: { path: '/crm/properties' }, times: null } as const
      emulator.world.faults.add(down)
      await assert.rejects(refresh(), /unavailable/)
      emulator.world.faults.clear()
      const names = await refresh()
      await letAnHourPass(db)
      emulator.world.faults.add({ ...down, match: { path: '/crm/' } })
      assert.deepEqual(await refresh(), names)
      const { properties, pipelines, owners } = await resourcesNow()
      for (const resource of [properties, pipelines, owners])
        assert.equal(resource.problem, 'hubspot_unavailable')
      assert.ok(properties.read_at)
      emulator.world.faults.clear()
      const asked = await crm()
      await refresh()
      assert.equal(await crm(), asked)
      await withTenant(db, A, ({ query }) =>
        query(sql`update integration_resources set due_at = due_at - interval '5 minutes'`),
      )
      await refresh()
      assert.equal((await resourcesNow()).properties.problem, null)
    })

    test('a run that lost its stream while reading stores nothing', async () => {
      let asked = 0
      const maySave = async () => {
        asked += 1
        return false
      }
      await refreshCatalog({ ...bench.parts, maySave }, bench.whose)
      assert.equal(asked, 3)
      assert.deepEqual(await labels(), [])
      assert.equal((await withTenant(db, A, listResources)).size, 0)
    })

    test('nothing is stored for an integration that was disconnected meanwhile', async () => {
      await withTenant(db, A, (scope) =>
        setIntegrationStatus(scope, bench.whose.integrationId, 'disconnected', null),
      )
      const { parts } = bench
      await refreshCatalog(
        {
          ...parts,
          withAccess: (work) =>
            work({ token: { reveal: () => bench.token } as never, app: 'pasted', hubId: 1 }),
        },
        bench.whose,
      )
      assert.deepEqual(await labels(), [])
      assert.equal((await withTenant(db, A, listResources)).size, 0)
    })
  })
}
