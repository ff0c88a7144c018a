/** End to end: connect, sync, and issues with labels, all properties and associations; the status reports what is missing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connectTenant, idle, newAccount, startOn } from '../http/http-fixture.ts'
import type { Watched } from '../http/oracle.ts'
import { startTestEmulator } from '../support/emulator.ts'

let bench: Watched
before(async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  bench = { emulator, ...(await startOn(emulator)) }
})
after(async () => {
  await bench.service.stop()
  await bench.emulator.close()
})

const scopes = ['oauth', 'tickets', 'crm.objects.owners.read', 'crm.objects.contacts.read']
const portal = { tickets: 120, custom_properties: 5, associations: { contacts: 2, companies: 1, deals: 1 } }

async function synced(more: string[] = []) {
  const made = newAccount(bench.emulator, portal, { scopes: [...scopes, ...more] })
  const ids = await connectTenant(bench.service, made.token)
  await idle(bench.service, bench.database)
  const { body } = await bench.service.get(
    `/api/hubspot/issues/${ids.tenant}?integration_id=${ids.integration}&limit=200`,
  )
  assert.equal(body.issues.length, 120)
  return { ...made, ...ids, issues: body.issues as Record<string, unknown>[] }
}

test('issues carry names, every property of the account, and associations', async () => {
  const { portal: id, issues } = await synced(['crm.objects.companies.read', 'crm.objects.deals.read'])
  const defined = [...(bench.emulator.world.portals.get(id)?.definitions.keys() ?? [])]
  for (const issue of issues) {
    assert.equal(typeof issue.pipeline_name, 'string', JSON.stringify(issue))
    assert.equal(typeof issue.stage_name, 'string')
    assert.equal(typeof issue.stage_closed, 'boolean')
    if (issue.owner_id !== null) {
      assert.match(String(issue.owner_name), /^\S+ \S+$/)
      assert.match(String(issue.owner_email), /@/)
    }
    const names = Object.keys(issue.properties as object)
    assert.deepEqual(
      defined.filter((name) => !names.includes(name)),
      [],
    )
    const associations = issue.associations as Record<string, unknown[]>
    for (const kind of ['contacts', 'companies', 'deals']) assert.ok(Array.isArray(associations[kind]), kind)
  }
  assert.ok(issues.some((issue) => (issue.associations as { contacts: unknown[] }).contacts.length === 2))
})

test('without the scope of companies and deals these are null, all else is present, and the status names the scope', async () => {
  const { tenant, integration, issues } = await synced()
  for (const { associations } of issues as { associations: Record<string, unknown> }[]) {
    assert.ok(Array.isArray(associations.contacts))
    assert.deepEqual([associations.companies, associations.deals], [null, null])
  }
  const status = await bench.service.get(`/api/hubspot/status/${tenant}/${integration}`)
  const { connected, resources } = status.body
  assert.equal(connected, true)
  assert.deepEqual(
    Object.fromEntries(
      Object.entries(resources as Record<string, { state: string; problem: string | null }>).map(
        ([name, resource]) => [name, resource.problem ?? resource.state],
      ),
    ),
    {
      properties: 'ok',
      pipelines: 'ok',
      owners: 'ok',
      contacts: 'ok',
      companies: 'missing_scopes:crm.objects.companies.read',
      deals: 'missing_scopes:crm.objects.deals.read',
    },
  )
  const one = await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration}`)
  const list = await bench.service.get(`/api/hubspot/integrations/${tenant}`)
  assert.deepEqual([one.body.resources, list.body.integrations[0].resources], [resources, resources])
  assert.equal(one.body.status, 'active')
})

test('archived=true and archived=false split the issues; anything else is refused', async () => {
  const { tenant, integration, issues } = await synced()
  const of = async (archived: string) =>
    await bench.service.get(
      `/api/hubspot/issues/${tenant}?integration_id=${integration}&limit=200&archived=${archived}`,
    )
  assert.equal((await of('false')).body.issues.length, issues.length)
  assert.deepEqual((await of('true')).body.issues, [])
  for (const odd of ['all', '', '1', 'TRUE']) assert.equal((await of(odd)).status, 400, odd)
})
