/** The live test itself, run against the emulator: what it checks, what it requests from HubSpot, and when it fails. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, test } from 'node:test'
import { createScreen } from '../../demo/screen.ts'
import { type Emulator, startEmulator } from '../../packages/emulator/src/server.ts'
import { createSpoke } from '../../packages/sdk/src/spoke.ts'
import { proveAll } from '../live/steps.ts'
import { startTestService } from '../support/service.ts'
import { runProgram } from './run-program.ts'

const script = join(import.meta.dirname, '../live/main.ts')
const timeout = 120_000
let hubspot: Emulator

before(async () => {
  hubspot = await startEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
})

after(async () => {
  await hubspot?.close()
})

const run = (env: Record<string, string>) => runProgram(process.execPath, [script], env, 100_000)

test('the live test connects, lists and syncs, and only ever reads from HubSpot', { timeout }, async () => {
  const { portal_id: hubId } = hubspot.world.addPortal({ tickets: 130 })
  const { token } = hubspot.world.addToken(hubId, { kind: 'private_app' })
  const before = hubspot.world.truth(hubId)
  const scratch = mkdtempSync(join(tmpdir(), 'spoke-live-test-'))
  const ran = await run({ HUBSPOT_TEST_TOKEN: token, HUBSPOT_API_URL: hubspot.url, TMPDIR: scratch })
  assert.equal(ran.code, 0, ran.stderr)
  const held = [...ran.stdout.matchAll(/✓ (\w+(?: sync)?) /g)].map(([, what]) => what)
  assert.deepEqual(held, ['Connect', 'Scopes', 'List', 'Full sync', 'Incremental sync'])
  assert.match(ran.stdout, /Full sync +130 issues here, HubSpot had counted 130/)
  assert.match(ran.stdout, /Everything held against http:/)
  assert.ok(!`${ran.stdout}${ran.stderr}`.includes(token))

  const asked = hubspot.world.log.list({ portal_id: hubId })
  assert.ok(asked.length > 0)
  const writes = asked.filter(
    ({ method, path }) => method !== 'GET' && !/\/search$|\/batch\/read$|token-info/.test(path),
  )
  assert.deepEqual(writes, [])
  assert.deepEqual(hubspot.world.truth(hubId), before)
  assert.deepEqual(readdirSync(scratch), [], 'something was left behind')
  rmSync(scratch, { recursive: true })
})

test('a token that HubSpot refuses ends it at the connect, with Spoke’s error message', async () => {
  const spoke = await startTestService(hubspot.url)
  let step = ''
  const screen = createScreen(new PassThrough().resume() as unknown as NodeJS.WriteStream, false)
  const client = createSpoke({ baseUrl: spoke.url, signal: AbortSignal.timeout(30_000) })
  const named = (name: string) => {
    step = name
  }
  try {
    await assert.rejects(
      proveAll({ spoke: client, screen, step: named }, 'pat-na1-0'),
      /Invalid or expired access token/,
    )
    assert.equal(step, 'connect')
  } finally {
    await spoke.stop()
  }
})

test('without a token it prints one line with what it needs, and sends no request', async () => {
  const since = hubspot.world.log.list().length
  const ran = await run({ HUBSPOT_API_URL: hubspot.url })
  assert.equal(ran.code, 2)
  assert.equal(ran.stdout, '')
  assert.match(ran.stderr, /^test:live: set HUBSPOT_TEST_TOKEN .*\n$/)
  assert.equal(hubspot.world.log.list().length, since)
})
