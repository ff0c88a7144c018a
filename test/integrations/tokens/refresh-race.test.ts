/**
 * Processes, one rotating refresh token, fifty expiries: one refresh each, and the integration stays
 * connected. In `npm test` they are services in one process, with nothing in common but the database.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTestEmulator } from '../../support/emulator.ts'
import { long } from '../../support/long.ts'
import { adminQuery, newPostgresDatabase } from '../../support/postgres.ts'
import { startShortPolling } from '../../support/process.ts'
import { eventually, startTestService, testKeys } from '../../support/service.ts'

const processes = long ? 8 : 3
const expiries = long ? 50 : 12
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
const read = async (answer: Promise<Response>): Promise<any> => await (await answer).json()
const T = '11111111-1111-4111-8111-111111111111'

test('several processes and many expiries with rotating refresh tokens: one refresh per expiry, nothing lost', async (t) => {
  const emulator = await startTestEmulator({}, 'rotating')
  await emulator.control('POST', '/portals', { portal_id: 77, tickets: 10 })
  const dir = mkdtempSync(join(tmpdir(), 'spoke-race-'))
  const databaseUrl = await newPostgresDatabase()
  const env = {
    DATABASE_URL: databaseUrl,
    SPOKE_DB_POOL: '4',
    SPOKE_ENCRYPTION_KEYS: testKeys,
    SPOKE_ROLE: 'api',
    // Each request checks the token at HubSpot, so that all of them see each expiry at once.
    SPOKE_TOKEN_CHECK_EVERY: '0s',
    HUBSPOT_API_URL: emulator.url,
    HUBSPOT_AUTHORIZE_URL: `${emulator.url}/oauth/authorize`,
    HUBSPOT_CLIENT_ID: 'test-client',
    HUBSPOT_CLIENT_SECRET: 'test-secret-of-the-app',
    HUBSPOT_REDIRECT_URI: 'http://localhost:8000/api/hubspot/oauth/callback',
    LOG_LEVEL: 'info',
  }
  const ends: (() => Promise<unknown>)[] = []
  const start = async (): Promise<string> => {
    if (long) {
      const spoke = startShortPolling(dir, env)
      ends.push(() => spoke.end('SIGKILL'))
      return await spoke.url
    }
    const service = await startTestService(emulator.url, env)
    ends.push(service.stop)
    return service.url
  }
  const stop = new AbortController()
  try {
    const urls: string[] = []
    while (urls.length < processes) urls.push(await start())
    const { authorization_url: authorize } = await read(fetch(`${urls[0]}/api/hubspot/authorize/${T}`))
    const back = await fetch(`${authorize}&auto=1&portal_id=77`, { redirect: 'manual' })
    const { searchParams } = new URL(back.headers.get('location') as string)
    const connected = await fetch(`${urls[0]}/api/hubspot/oauth/callback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code: searchParams.get('code'), state: searchParams.get('state') }),
    })
    const { integration_id: id, success } = await read(Promise.resolve(connected))
    assert.ok(success)

    const answered = urls.map(() => 0)
    const troubles: unknown[] = []
    const useOne = async (url: string, of: number) => {
      const { connected, ...rest } = await read(fetch(`${url}/api/hubspot/status/${T}/${id}`))
      answered[of] = (answered[of] ?? 0) + 1
      if (!connected) troubles.push(rest)
    }
    const useAll = async () => {
      while (!stop.signal.aborted) {
        // At the same moment, so that all of them find the token expired.
        await Promise.all(urls.map(useOne))
        await sleep(20)
      }
    }
    const users = useAll()
    users.catch(() => {})
    const refreshes = async () => {
      const { refreshes: grants } = await emulator.control('GET', '/stats')
      return grants[0] ?? { refreshes: 0, ok: 0, max_concurrent: 0 }
    }
    for (let n = 1; n <= expiries; n++) {
      // According to HubSpot, or to our own clock.
      if (n % 2) await emulator.control('POST', '/tokens/expire', { portal_id: 77 })
      else
        await adminQuery(
          "update integration_tokens set refresh_at = now() - interval '1 second'",
          databaseUrl,
        )
      await eventually(async () => (await refreshes()).ok >= n, `refresh ${n}`)
      const before = [...answered]
      // Every process has checked again before the next expiry.
      await eventually(
        async () => answered.every((count, of) => count >= (before[of] ?? 0) + 2),
        `answers after refresh ${n}`,
      )
    }
    stop.abort()
    await users

    const { refreshes: asked, ok, max_concurrent: atOnce } = await refreshes()
    t.diagnostic(
      `${asked} refreshes (${ok} granted, ${atOnce} at once at most) for ${expiries} expiries; ${answered.reduce((sum, count) => sum + count)} answers from ${processes} processes`,
    )
    assert.deepEqual({ asked, ok, atOnce }, { asked: expiries, ok: expiries, atOnce: 1 })
    assert.deepEqual(troubles, [])
    const [row] = await adminQuery('select status from tenant_integrations', databaseUrl)
    assert.equal(row?.status, 'active')
  } finally {
    stop.abort()
    await Promise.all(ends.map((end) => end()))
    await emulator.close()
    rmSync(dir, { recursive: true, force: true })
  }
})
