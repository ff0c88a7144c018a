/** A rotated refresh token is never lost by us: not by a stop, a database failure or a missing setting. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestEmulator, type TestEmulator } from '../../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../../support/postgres.ts'
import { eventually, startTestService, type TestService } from '../../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
const tokenPath = '/oauth/2026-09/token'

describe('a refresh in flight, where refresh tokens rotate', () => {
  let emulator: TestEmulator
  before(async () => {
    emulator = await startTestEmulator({}, 'rotating')
  })
  after(() => emulator.close())

  async function connected(hubId: number) {
    const databaseUrl = await newPostgresDatabase()
    const start = (env: Record<string, string> = {}) =>
      startTestService(emulator.url, { DATABASE_URL: databaseUrl, HUBSPOT_TIMEOUT: '8s', ...env })
    const service = await start()
    await emulator.control('POST', '/portals', { portal_id: hubId, tickets: 20 })
    const { body } = await service.get(`/api/hubspot/authorize/${T}`)
    const back = await fetch(`${body.authorization_url}&auto=1&portal_id=${hubId}`, { redirect: 'manual' })
    const { searchParams } = new URL(back.headers.get('location') as string)
    const answer = { code: searchParams.get('code'), state: searchParams.get('state') }
    const { body: integration } = await service.post('/api/hubspot/oauth/callback', answer)
    return { service, databaseUrl, start, id: integration.integration_id as string }
  }
  const expire = (databaseUrl: string) =>
    adminQuery(`update integration_tokens set refresh_at = now()`, databaseUrl)
  const statusOf = async (service: TestService, id: string) =>
    (await service.get(`/api/hubspot/status/${T}/${id}`)).body

  for (const staying of [true, false]) {
    test(`is finished and stored when the service stops, ${staying ? 'with' : 'without'} its caller`, async () => {
      const { service, databaseUrl, start, id } = await connected(staying ? 1 : 2)
      await expire(databaseUrl)
      await emulator.control('POST', '/faults', {
        match: { path: tokenPath },
        kind: 'delay',
        delay_ms: 5_000,
        phase: 'after',
        times: 1,
      })
      const gone = new AbortController()
      const asked = fetch(`${service.url}/api/hubspot/status/${T}/${id}`, { signal: gone.signal }).catch(
        () => {},
      )
      await eventually(
        async () => emulator.world.log.stats().in_flight > 0,
        'a token is requested from HubSpot',
      )
      if (!staying) gone.abort()
      const began = performance.now()
      await service.stop()
      assert.ok(performance.now() - began < 9_500)
      await asked
      const again = await start()
      assert.equal((await statusOf(again, id)).connected, true)
      await again.stop()
    })
  }

  test('is finally stored when the database fails between HubSpot’s response and the commit', async () => {
    const { service, databaseUrl, id } = await connected(3)
    await adminQuery(
      `create sequence stumbles;
       grant usage on sequence stumbles to spoke_app;
       create function stumble() returns trigger language plpgsql as $$ begin
         if new.access_token is distinct from old.access_token and nextval('stumbles') < 4 then
           raise exception 'shutting down' using errcode = '57P01';
         end if;
         return new;
       end $$;
       create trigger stumble before update on integration_tokens for each row execute function stumble()`,
      databaseUrl,
    )
    await expire(databaseUrl)
    assert.equal((await statusOf(service, id)).connected, true)
    assert.ok(service.lines.some((line) => line.includes('could not be stored yet')))
    await service.stop()
  })

  test('without the app’s settings no tenant is disconnected; when they are back everything works again', async () => {
    const { service, databaseUrl, start, id } = await connected(4)
    await service.stop()
    await expire(databaseUrl)
    const without = await start({ HUBSPOT_CLIENT_ID: '', HUBSPOT_CLIENT_SECRET: '', HUBSPOT_APP_ID: '' })
    const { connected: now, code, status } = await statusOf(without, id)
    assert.deepEqual([now, code, status], [false, 'oauth_not_configured', 'active'])
    await without.stop()
    const again = await start()
    assert.equal((await statusOf(again, id)).connected, true)
    await again.stop()
  })
})
