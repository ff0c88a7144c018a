/** SIGKILL between the exchange and the button: the grant waits in the database, and the next process accepts the confirmation, or lets it expire. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createBrowser } from '../../../demo/browser.ts'
import { layOutEmbedded } from '../../support/embedded.ts'
import { redirectUri, startTestEmulator, type TestEmulator } from '../../support/emulator.ts'
import { onlyLong } from '../../support/long.ts'
import { newPostgresDatabase } from '../../support/postgres.ts'
import { startShortPolling } from '../../support/process.ts'
import { startTestService, type TestService, testKeys } from '../../support/service.ts'

let emulator: TestEmulator
before(async () => {
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
})
after(() => emulator.close())

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
const read = async (url: string): Promise<any> => await (await fetch(url)).json()
const T = '11111111-1111-4111-8111-111111111111'

for (const engine of ['PostgreSQL', 'PGlite']) {
  const options = engine === 'PGlite' ? onlyLong : {}
  test(`a process that is killed while a person reads loses nothing (${engine})`, options, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'spoke-oauth-killed-'))
    const env = {
      DATABASE_URL: engine === 'PGlite' ? '' : await newPostgresDatabase(),
      SPOKE_DATA_DIR: join(dir, 'data'),
      SPOKE_ENCRYPTION_KEYS: testKeys,
      HUBSPOT_API_URL: emulator.url,
      HUBSPOT_AUTHORIZE_URL: `${emulator.url}/oauth/authorize`,
      HUBSPOT_CLIENT_ID: 'test-client',
      HUBSPOT_CLIENT_SECRET: 'test-secret-of-the-app',
      HUBSPOT_REDIRECT_URI: redirectUri,
    }
    if (engine === 'PGlite') await layOutEmbedded(join(dir, 'data'))
    const portal = emulator.world.addPortal({ tickets: 2 }).portal_id
    const killed = startShortPolling(dir, env)
    let next: TestService | undefined
    try {
      const first = await killed.url
      const begun = await read(`${first}/api/hubspot/authorize/${T}`)
      const page = new URL(begun.authorization_url)
      page.searchParams.set('auto', '1')
      page.searchParams.set('portal_id', String(portal))
      const back = (await fetch(page, { redirect: 'manual' })).headers.get('location') ?? ''
      const came = await createBrowser(first).comeBack(back)
      await killed.end('SIGKILL')

      next = await startTestService(emulator.url, env)
      const second = next.url
      const path = `${second}/api/hubspot/integrations/${T}/${begun.integration_id}`
      assert.equal((await read(path)).status, 'pending')
      const pressed = await createBrowser(second).press(came)
      assert.deepEqual([pressed.status, pressed.location], [303, `/connected?hub_id=${portal}`])
      assert.equal((await read(path)).status, 'active')
    } finally {
      await killed.end('SIGKILL')
      await next?.stop()
      rmSync(dir, { recursive: true, force: true })
    }
  })
}
