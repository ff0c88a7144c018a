/** What the emulator prints for a Spoke to be pasted, against Spoke's own configuration. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startCommand } from '../packages/emulator/test/command.ts'
import { ask } from '../packages/emulator/test/help.ts'
import { readConfig } from '../src/config.ts'
import { testKeys } from './support/service.ts'

test('the lines that it prints for Spoke can be pasted: a shell exports them, and Spoke takes them all', async (t) => {
  for (const [args, redirect] of [
    [['--spoke-port', '18001'], 'http://localhost:18001/api/hubspot/oauth/callback'],
    [['--redirect', 'https://spoke.example/back'], 'https://spoke.example/back'],
  ] as const) {
    const { text, url } = await startCommand(t, ...args)
    const [, lines = ''] = /paste these lines.*\n((?: {2}export .*\n)+) {2}npm start\n/.exec(text) ?? []
    const { stdout } = await promisify(execFile)('sh', ['-c', `${lines} env`], { env: {} })
    const env = Object.fromEntries(
      [...stdout.matchAll(/^((?:HUBSPOT_|PORT)\w*)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    )
    const config = readConfig({ ...env, SPOKE_ENCRYPTION_KEYS: testKeys })
    assert.equal(config.hubspot.apiUrl, url)
    assert.equal(config.hubspot.app?.redirectUri, redirect)
    const { client_id, target_url, app_id } = (
      await ask(url, 'GET', `/_emulator/apps/${config.hubspot.app?.clientId}/webhooks`)
    ).json
    assert.deepEqual([client_id, app_id], [config.hubspot.app?.clientId, config.hubspot.app?.appId])
    assert.equal(target_url, `${config.publicUrl}/api/hubspot/webhooks`)
    const page = new URL(`${url}/oauth/authorize`)
    page.search = new URLSearchParams({
      client_id,
      redirect_uri: redirect,
      scope: 'oauth tickets crm.objects.owners.read',
      auto: '1',
    }).toString()
    assert.equal((await fetch(page, { redirect: 'manual' })).status, 302, 'the redirect URL is registered')
  }
})
