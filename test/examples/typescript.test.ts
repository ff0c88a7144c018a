/** The TypeScript example copies the issues, follows their changes, and asks its question, against a real Spoke. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createSpoke, type SpokeTenant } from '../../packages/sdk/src/spoke.ts'
import { inherited } from '../support/command.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'

const example = join(import.meta.dirname, '../../examples/typescript/follow-issues.ts')
const adminKey = 'a-key-of-the-operator-of-this-test'
const tickets = 220

let hubspot: TestEmulator
let spoke: TestService

before(async () => {
  hubspot = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  spoke = await startTestService(hubspot.url, { SPOKE_ADMIN_KEY: adminKey })
})

after(async () => {
  await spoke?.stop()
  await hubspot?.close()
})

function start(env: Record<string, string>, changes = '2') {
  const child = spawn(process.execPath, [example, changes], {
    env: { ...inherited(), SPOKE_URL: spoke.url, SPOKE_ADMIN_KEY: adminKey, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  const out = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (out.stdout += chunk))
  child.stderr.on('data', (chunk) => (out.stderr += chunk))
  return { out, ended: once(child, 'close') as Promise<[number | null]> }
}

/** Edits until the change is in the feed: HubSpot's clock counts whole seconds, and the next sync finds the edit. */
async function edit(tenant: SpokeTenant, hubId: number, id: string, properties: object): Promise<void> {
  const { next_after: from } = await tenant.changes.list({ after: 'now' })
  await hubspot.control('PATCH', `/portals/${hubId}/tickets`, { ids: [id], properties })
  const [integration] = (await tenant.integrations.list()).integrations
  const integrationId = integration?.integration_id as string
  await eventually(async () => {
    const { sync_event_id: run } = await tenant.sync.start(integrationId, { sync_type: 'incremental' })
    for await (const _ of tenant.sync.follow(integrationId, run));
    return (await tenant.changes.list({ after: from })).changes.length > 0
  }, 'the edit is in the feed')
}

test('it connects, copies every issue, prints the changes that follow, and finds what is urgent', async () => {
  const { portal_id: hubId } = hubspot.world.addPortal({ tickets })
  const { token } = hubspot.world.addToken(hubId, { kind: 'private_app' })
  const tenant = createSpoke({ baseUrl: spoke.url, key: adminKey }).tenant(randomUUID())
  const { out, ended } = start({ HUBSPOT_TOKEN: token, SPOKE_TENANT: tenant.id })
  await eventually(async () => /^copied: /m.test(out.stdout) || out.stderr !== '', 'the issues are copied')
  assert.equal(out.stderr, '')
  // The index of queries is built after the first sync.
  const issues = await eventually(async () => {
    const open = await tenant.issues.list({ closed: false, archived: false, limit: 2 })
    return open.indexing.length === 0 && open.issues
  }, 'the issues are indexed')
  const [first, second] = issues.map(({ ticket_id }) => ticket_id) as [string, string]
  await edit(tenant, hubId, first, { subject: 'Printer on fire' })
  await edit(tenant, hubId, second, { hs_ticket_priority: 'URGENT', subject: 'Everything on fire' })
  const [code] = await ended
  assert.deepEqual([code, out.stderr], [0, ''])
  const { count } = await tenant.issues.list({
    closed: false,
    archived: false,
    priority: ['HIGH', 'URGENT'],
    count: 'exact',
  })
  const expected = [
    new RegExp(`^connected: tenant ${tenant.id}, integration [0-9a-f-]{36}, account ${hubId}$`, 'm'),
    new RegExp(`^sync: succeeded, ${tickets} of ${tickets}$`, 'm'),
    new RegExp(`^copied: ${tickets} issues$`, 'm'),
    new RegExp(`^change: issue.updated of ticket ${first}, .*subject`, 'm'),
    new RegExp(`^urgent: ${count} open issues\n {2}#${second} URGENT .*: Everything on fire$`, 'm'),
  ]
  // HubSpot may show the two changes in either order.
  assert.match(
    out.stdout,
    new RegExp(`^change: issue.updated of ticket ${second}, .*hs_ticket_priority`, 'm'),
  )
  let at = 0
  for (const line of expected) {
    const found = out.stdout.slice(at).search(line)
    assert.notEqual(found, -1, `${line} is missing after:\n${out.stdout.slice(0, at)}`)
    at += found
  }
  assert.ok(!out.stdout.includes(token) && !out.stdout.includes(adminKey))
})

test('it ends with Spoke’s error message when the token is refused, and names the variable it needs', async () => {
  const refused = start({ HUBSPOT_TOKEN: 'pat-na1-00000000-0000-4000-8000-000000000000' })
  const none = start({})
  assert.deepEqual(await refused.ended, [1, null])
  assert.equal(refused.out.stdout, '')
  assert.match(refused.out.stderr, /^spoke: Invalid or expired access token \(request [0-9a-f-]{36}\)\n$/)
  assert.deepEqual(await none.ended, [1, null])
  assert.match(none.out.stderr, /set HUBSPOT_TOKEN/)
})
