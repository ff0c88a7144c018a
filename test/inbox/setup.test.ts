/** `spoke webhooks setup`: the file for a project, and the API for an app that is none. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, test } from 'node:test'
import { askForConfirmation } from '../../src/cli/console.ts'
import { runSpoke } from '../support/command.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { testKeys } from '../support/service.ts'

let emulator: TestEmulator
let dir: string
let env: Record<string, string>
let appId: number

before(async () => {
  emulator = await startTestEmulator()
  dir = mkdtempSync(join(tmpdir(), 'spoke-webhooks-'))
  appId = (await emulator.control('GET', '/apps/test-client/webhooks')).app_id
  env = {
    SPOKE_ENCRYPTION_KEYS: testKeys,
    SPOKE_PUBLIC_URL: 'https://spoke.example.test',
    HUBSPOT_API_URL: emulator.url,
    HUBSPOT_CLIENT_ID: 'test-client',
    HUBSPOT_CLIENT_SECRET: 'test-secret-of-the-app',
    HUBSPOT_APP_ID: String(appId),
  }
})
after(async () => {
  await emulator?.close()
  rmSync(dir, { recursive: true, force: true })
})

const setup = (...words: string[]) => runSpoke(dir, env, 'webhooks', 'setup', ...words)
const kinds = ['creation', 'deletion', 'merge', 'restore', 'associationChange']

test('prints the file of a project: its address, every kind of change, and each property', async () => {
  const { code, out, err } = await setup('--property', 'customer_tier', '--property', 'subject')
  assert.deepEqual([code, err], [0, ''])
  const { uid, type, config } = JSON.parse(out)
  assert.deepEqual([uid, type], ['webhooks', 'webhooks'])
  assert.equal(config.settings.targetUrl, 'https://spoke.example.test/api/hubspot/webhooks')
  assert.ok(config.settings.maxConcurrentRequests > 5, 'HubSpot takes no less')
  const { crmObjects } = config.subscriptions
  assert.ok(crmObjects.every((one: object) => 'active' in one && 'objectType' in one))
  const named = crmObjects.map(({ subscriptionType, propertyName }: Record<string, string>) =>
    [subscriptionType, propertyName].filter(Boolean).join(' '),
  )
  for (const kind of kinds) assert.ok(named.includes(`object.${kind}`), kind)
  for (const name of ['subject', 'hs_pipeline_stage', 'hubspot_owner_id', 'customer_tier'])
    assert.equal(named.filter((one: string) => one === `object.propertyChange ${name}`).length, 1, name)
  assert.ok(!named.includes('object.propertyChange hs_lastmodifieddate'), 'HubSpot sends no such event')
})

test('reports that HubSpot calls https only', async () => {
  const { code, err } = await runSpoke(dir, { ...env, SPOKE_PUBLIC_URL: '' }, 'webhooks', 'setup')
  assert.equal(code, 0)
  assert.match(err, /https addresses only, and SPOKE_PUBLIC_URL is http:\/\/localhost/)
})

test('registers what is missing, resumes what is paused, leaves everything else, and does nothing the second time', async () => {
  await emulator.control('PUT', '/apps/test-client/webhooks', {
    subscriptions: [
      { event_type: 'ticket.creation', active: false },
      { event_type: 'ticket.propertyChange', property_name: 'subject' },
      { event_type: 'ticket.propertyChange', property_name: 'of_somebody_else' },
    ],
  })
  const first = await setup('--register', '--yes', '--property', 'customer_tier')
  assert.deepEqual([first.code, first.err], [0, ''])
  assert.match(first.out, /^HubSpot sends to https:\/\/spoke\.example\.test\/api\/hubspot\/webhooks$/m)
  assert.match(first.out, /^activated {2}ticket\.creation$/m)
  assert.match(first.out, /^added {6}ticket\.propertyChange customer_tier$/m)
  const { target_url, subscriptions } = await emulator.control('GET', '/apps/test-client/webhooks')
  assert.equal(target_url, 'https://spoke.example.test/api/hubspot/webhooks')
  const there = subscriptions.map(
    (one: { event_type: string; property_name: string | null; active: boolean }) => {
      assert.equal(one.active, true, one.event_type)
      return [one.event_type, one.property_name].filter(Boolean).join(' ')
    },
  )
  for (const kind of kinds) assert.ok(there.includes(`ticket.${kind}`), kind)
  assert.ok(there.includes('ticket.propertyChange of_somebody_else'))
  assert.equal(new Set(there).size, there.length)

  const second = await setup('--register', '--property', 'customer_tier', '--json')
  const done = JSON.parse(second.out)
  assert.deepEqual([second.code, done.added, done.activated], [0, [], []])
  assert.equal(done.unchanged, there.length - 1)
  for (const { path } of await emulator.requests('/app-webhooks')) assert.doesNotMatch(path, /hapikey|secret/)
})

test('without a terminal nothing registered is replaced before --yes, and it prints what would be', async () => {
  const registered = { target_url: 'https://another.example.test/hook', max_concurrent_requests: 25 }
  await emulator.control('PUT', '/apps/test-client/webhooks', {
    ...registered,
    subscriptions: [
      { event_type: 'ticket.deletion', active: false },
      { event_type: 'ticket.propertyChange', property_name: 'of_somebody_else' },
    ],
  })
  const before = await emulator.control('GET', '/apps/test-client/webhooks')
  for (const more of [[], ['--json']]) {
    const { code, out, err } = await setup('--register', ...more)
    assert.deepEqual([code, out], [1, ''])
    const target = 'https://spoke.example.test/api/hubspot/webhooks'
    assert.match(err, new RegExp(`^ {2}target URL https://another.example.test/hook with ${target}$`, 'm'))
    assert.match(err, /^ {2}25 concurrent requests per account with 10$/m)
    assert.match(err, /^ {2}paused subscription ticket\.deletion with an active one$/m)
    assert.match(err, /1 others stay/)
    assert.match(err, /nothing was changed; add --yes/)
    assert.deepEqual(await emulator.control('GET', '/apps/test-client/webhooks'), before)
  }
  const { code, out } = await setup('--register', '--yes', '--json')
  assert.equal(code, 0)
  const done = JSON.parse(out)
  assert.equal(done.replaced.length, 3)
  assert.deepEqual(done.others, ['ticket.propertyChange of_somebody_else'])
  const after = await emulator.control('GET', '/apps/test-client/webhooks')
  assert.deepEqual([after.target_url, after.max_concurrent_requests], [done.target, 10])
  // What is already correct is neither replaced nor prompted for.
  const again = await setup('--register', '--json')
  assert.deepEqual([again.code, JSON.parse(again.out).replaced], [0, []])
})

test('on a terminal only yes counts as a confirmation', async () => {
  for (const [typed, yes] of [
    ['y\n', true],
    ['YES\n', true],
    ['\n', false],
    ['n\n', false],
    ['yes please\n', false],
    ['', false],
  ] as const) {
    const input = new PassThrough()
    const output = new PassThrough()
    const answer = askForConfirmation('Replace it?', input, output)
    if (typed) input.write(typed)
    else input.end()
    assert.equal(await answer, yes, JSON.stringify(typed))
    assert.match(String(output.read()), /^Replace it\? \[y\/N\] /)
  }
})

test('what HubSpot refuses is one line and exit 1', async () => {
  await emulator.control('PATCH', '/quirks', { webhook_api_auth: 'hapikey' })
  const { code, out, err } = await setup('--register')
  await emulator.control('PATCH', '/quirks', { webhook_api_auth: 'either' })
  assert.deepEqual([code, out], [1, ''])
  assert.match(err, /^spoke: HubSpot refused the request \(HubSpot app webhooks: .*\n$/)
  const none = await runSpoke(dir, { ...env, HUBSPOT_APP_ID: '' }, 'webhooks', 'setup', '--register')
  assert.match(none.err, /^spoke: HUBSPOT_APP_ID, HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET must be set$/m)
})
