/** A new key of the ring under traffic: two services open tokens all the time while a rotation is killed and run again. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../../src/db/open-database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { parseTenantId } from '../../src/db/tenant-id.ts'
import { readToken } from '../../src/integrations/tokens/token-store.ts'
import { newId } from '../../src/lib/ids.ts'
import { newDataKey } from '../../src/lib/seal.ts'
import { connectTenant, newAccount } from '../http/http-fixture.ts'
import { inherited } from '../support/command.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { quiet } from '../support/engines.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'

const connected = 8
/** Tenants beside those, so that a rotation has a middle to be killed in. */
const others = 400
/** Between two opens of one caller: what is shown is that each opens, not how many can. */
const breathe = () => new Promise((resolve) => setTimeout(resolve, 12))
const k1 = { kid: 'k1', key: new Uint8Array(32).fill(7) }
const k2 = { kid: 'k2', key: new Uint8Array(32).fill(8) }
const ringOf = (...keys: (typeof k1)[]) =>
  keys.map(({ kid, key }) => `${kid}:${Buffer.from(key).toString('base64')}`).join()
const spokeFile = join(import.meta.dirname, '../../bin/spoke.js')

test('eight tenants’ tokens open all the time during a rotation, and every data key is resealed', async (t) => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  const dir = mkdtempSync(join(tmpdir(), 'spoke-rotation-'))
  const url = await newPostgresDatabase()
  const db = await openDatabase({ url, dataDir: '', poolSize: 4 }, quiet)
  const env = {
    DATABASE_URL: url,
    SPOKE_DB_POOL: '4',
    SPOKE_ROLE: 'api',
    SPOKE_TOKEN_CHECK_EVERY: '1h',
    HUBSPOT_API_URL: emulator.url,
    LOG_LEVEL: 'warn',
  }
  const start = (ring: string) => startTestService(emulator.url, { ...env, SPOKE_ENCRYPTION_KEYS: ring })
  const spokes: TestService[] = []
  const stop = new AbortController()
  try {
    const first = await start(ringOf(k1))
    const tenants: { tenant: string; integration: string; token: string }[] = []
    for (let n = 0; n < connected; n++) {
      const { token } = newAccount(emulator)
      tenants.push({ ...(await connectTenant(first, token)), token })
    }
    await first.stop()
    const filler = await Promise.all(
      Array.from({ length: others }, async () => {
        const id = newId()
        return { tenant_id: id, data_key: await newDataKey([k1], id) }
      }),
    )
    await sql`insert into tenants (tenant_id, data_key)
      select * from jsonb_to_recordset(${JSON.stringify(filler)}::jsonb) as t (tenant_id uuid, data_key text)`.execute(
      db.kysely,
    )

    let opened = 0
    const failed: string[] = []
    /** One service opens tokens until `paused`; the loop selects the tenant, so every one is used. */
    const opening = (base: string, paused: AbortSignal) =>
      (async () => {
        for (let n = 0; !paused.aborted && !stop.signal.aborted; n++) {
          const { tenant, integration } = tenants[n % connected] as (typeof tenants)[number]
          const answer = await fetch(`${base}/api/hubspot/status/${tenant}/${integration}`)
          const body = (await answer.json()) as { connected?: boolean }
          if (body.connected) opened += 1
          else failed.push(`${answer.status} ${JSON.stringify(body)}`)
          await breathe()
        }
      })().catch((error: unknown) => failed.push(String(error)))
    const loops = [0, 1].map(() => ({ paused: new AbortController(), done: Promise.resolve<unknown>(0) }))
    /** Restarts one service after the other with another ring; the other one keeps responding. */
    const restart = async (ring: string) => {
      for (const [at, loop] of loops.entries()) {
        loop.paused.abort()
        await loop.done
        await spokes[at]?.stop()
        const next = await start(ring)
        spokes[at] = next
        loop.paused = new AbortController()
        loop.done = opening(next.url, loop.paused.signal)
      }
    }
    /** As a process that was given both keys long ago, without HTTP between. */
    let direct = 0
    const reader = (async () => {
      for (let n = 0; !stop.signal.aborted; n++) {
        const { tenant, integration, token } = tenants[n % connected] as (typeof tenants)[number]
        const held = await withTenant(db, parseTenantId(tenant), (scope) =>
          readToken(scope, [k2, k1], integration),
        )
        assert.equal(held?.accessToken.reveal(), token)
        direct += 1
        await breathe()
      }
    })().catch((error: unknown) => failed.push(String(error)))

    const under = async (kid: string) => {
      const { rows } = await sql<{ n: number }>`
        select count(*)::int as n from tenants where key_id = ${kid}`.execute(db.kysely)
      return rows[0]?.n as number
    }
    const rotation = () => {
      const child = spawn(process.execPath, [spokeFile, 'key-ring', 'rotate', '--json'], {
        cwd: dir,
        env: { ...inherited(), DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: ringOf(k2, k1) },
      })
      let out = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
      })
      return { child, end: once(child, 'close').then(() => out) }
    }

    await restart(ringOf(k1))
    await restart(ringOf(k1, k2))
    await restart(ringOf(k2, k1))
    assert.equal(await under('k1'), connected + others)
    const killed = rotation()
    await eventually(async () => (await under('k2')) > others / 4, 'a quarter is sealed again')
    killed.child.kill('SIGKILL')
    await killed.end
    const half = await under('k2')
    assert.ok(half > others / 4 && half < connected + others, `killed at ${half}`)
    const opensAtKill = opened
    const again = rotation()
    const { resealed, failed: refused, left } = JSON.parse(await again.end)
    assert.deepEqual(
      { resealed, refused, left },
      { resealed: connected + others - half, refused: [], left: 0 },
    )
    assert.deepEqual([await under('k1'), await under('k2')], [0, connected + others])
    // The old key is removed, and everything still opens.
    await restart(ringOf(k2))
    const opensWithout = opened
    await eventually(
      async () => opened >= opensWithout + 2 * connected && opened > 200 && direct > 200,
      'opens without the old key',
    )
    stop.abort()
    await Promise.all([...loops.map(({ done }) => done), reader])

    t.diagnostic(
      `${connected + others} data keys: ${half} before the kill, ${resealed} after it, ${left} left; ` +
        `${opened} opens by two services (${opened - opensAtKill} since the kill) and ${direct} direct, ${failed.length} failed`,
    )
    assert.deepEqual(failed.slice(0, 5), [])
  } finally {
    stop.abort()
    await Promise.all(spokes.map((spoke) => spoke.stop()))
    await emulator.close()
    await db.close()
    rmSync(dir, { recursive: true, force: true })
  }
})
