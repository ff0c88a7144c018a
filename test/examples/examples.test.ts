/** The clients in examples/ work as described, against a service that the test starts. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Emulator, startEmulator } from '../../packages/emulator/src/server.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { findPython, noPython } from './find-python.ts'
import { type Ran, runProgram } from './run-program.ts'

const examples = join(import.meta.dirname, '../../examples')
const adminKey = 'a-key-of-the-operator-of-this-test'
/** More than one page of issues. */
const tickets = 320

let hubspot: Emulator
let spoke: TestService

before(async () => {
  hubspot = await startEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  // A closed Spoke, so that the clients' credential is needed too.
  spoke = await startTestService(hubspot.url, { SPOKE_ADMIN_KEY: adminKey })
})

after(async () => {
  await spoke?.stop()
  await hubspot?.close()
})

const clients: [string, string, () => Promise<string | undefined>][] = [
  ['the Python client', 'python/spoke_client.py', findPython],
  ['the curl script', 'curl/connect-and-sync.sh', async () => 'sh'],
]

for (const [name, path, find] of clients) {
  const run = (command: string, env: Record<string, string>): Promise<Ran> =>
    runProgram(
      command,
      [join(examples, path)],
      { SPOKE_URL: spoke.url, SPOKE_ADMIN_KEY: adminKey, ...env },
      60_000,
    )

  test(
    `${name} connects an account, follows its sync and reads every issue`,
    { timeout: 90_000 },
    async (t) => {
      const command = await find()
      if (!command) return t.skip(noPython)
      const { portal_id: hubId } = hubspot.world.addPortal({ tickets })
      const { token } = hubspot.world.addToken(hubId, { kind: 'private_app' })
      const tenant = randomUUID()
      const { code, stdout, stderr } = await run(command, { HUBSPOT_TOKEN: token, SPOKE_TENANT: tenant })
      assert.equal(code, 0, stderr)
      assert.equal(stderr, '')
      assert.match(
        stdout,
        new RegExp(`^connected: tenant ${tenant}, integration [0-9a-f-]{36}, account ${hubId}$`, 'm'),
      )
      assert.match(stdout, /^status: connected/m)
      assert.match(stdout, new RegExp(`^tickets at HubSpot: ${tickets}$`, 'm'))
      assert.match(stdout, new RegExp(`^sync: succeeded, ${tickets} of ${tickets}$`, 'm'))
      assert.match(stdout, new RegExp(`^issues here: ${tickets}$`, 'm'))
      assert.ok(!stdout.includes(token))

      const [integration] = (
        await spoke.get(`/api/hubspot/integrations/${tenant}`, { authorization: `Bearer ${adminKey}` })
      ).body.integrations
      assert.ok(stdout.includes(`integration ${integration.integration_id}`))
    },
  )

  test(
    `${name} ends with Spoke’s error message when the token is refused`,
    { timeout: 60_000 },
    async (t) => {
      const command = await find()
      if (!command) return t.skip(noPython)
      const refused = await run(command, { HUBSPOT_TOKEN: 'pat-na1-00000000-0000-4000-8000-000000000000' })
      assert.equal(refused.code, 1)
      assert.equal(refused.stdout, '')
      assert.match(refused.stderr, /^spoke: .*Invalid or expired access token/)
    },
  )

  test(`${name} names the variable it needs`, async (t) => {
    const command = await find()
    if (!command) return t.skip(noPython)
    const { code, stderr } = await run(command, {})
    assert.notEqual(code, 0)
    assert.match(stderr, /set HUBSPOT_TOKEN/)
  })
}
