/** Export and erasure, seen from outside the process: a killed erasure is resumed, and an export holds neither memory nor connections. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../src/db/open-database.ts'
import { runSql } from '../http/database.ts'
import { quiet } from '../support/engines.ts'
import { addIssues, tablesWith } from '../support/erasure.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { type SpokeProcess, startShortPolling } from '../support/process.ts'
import { A, B, seedTenant } from '../support/rows.ts'
import { eventually, startTestService, testKeys } from '../support/service.ts'

/** Services as processes on a database with a large tenant and another one on the same account. */
async function withTenants(
  issues: number,
  content: string,
  act: (bench: { url: string; start(): SpokeProcess }) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-leaving-'))
  const url = await newPostgresDatabase()
  const db = await openDatabase({ url, dataDir: '', poolSize: 2 }, quiet)
  const spokes: SpokeProcess[] = []
  try {
    await addIssues(db, A, await seedTenant(db, A), issues, content)
    await seedTenant(db, B)
    await db.kysely
      .updateTable('sync_streams' as never)
      .set({ sync_event_id: null } as never)
      .execute()
    const env = { DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: testKeys, HUBSPOT_API_URL: 'http://127.0.0.1:9' }
    const start = () => {
      const spoke = startShortPolling(dir, env)
      spokes.push(spoke)
      return spoke
    }
    await act({ url, start })
  } finally {
    for (const spoke of spokes) await spoke.end('SIGKILL')
    await db.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

test('killed midway, an erasure is resumed by the next process and completes', async (t) => {
  const issues = 12_000
  await withTenants(issues, 'x', async ({ url, start }) => {
    const left = async () =>
      Number((await runSql(url, `select count(*)::int as n from issues where tenant_id = '${A}'`))[0]?.n)
    // Slow enough to be killed midway.
    await runSql(
      url,
      'create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return null; end $$',
    )
    await runSql(url, 'create trigger slow after delete on issues for each statement execute function slow()')
    const first = start()
    const answer = await fetch(`${await first.url}/api/tenants/${A}`, { method: 'DELETE' })
    assert.equal(answer.status, 202)
    await eventually(async () => (await left()) < issues - 4_000, 'some are deleted')
    await first.end('SIGKILL')
    const killedAt = await left()
    assert.ok(killedAt > 2_000 && killedAt < issues, `${killedAt} were left`)
    // It learns from the database alone what to resume, so it may run in this process.
    const second = await startTestService('http://127.0.0.1:9', { DATABASE_URL: url })
    const began = performance.now()
    try {
      assert.equal((await second.get(`/api/hubspot/issues/${A}`)).status, 404)
      await eventually(
        async () => (await runSql(url, `select from tenants where tenant_id = '${A}'`)).length === 0,
        'the tenant is erased',
        60_000,
      )
    } finally {
      await second.stop()
    }
    const db = await openDatabase({ url, dataDir: '', poolSize: 1 }, quiet)
    const entry = await tablesWith(db, A)
    const others = await tablesWith(db, B)
    await db.close()
    assert.deepEqual(entry, [])
    assert.ok(others.length > 10, 'the other tenant is there')
    t.diagnostic(
      `killed with ${killedAt} of ${issues} issues left; erased ${Math.round(performance.now() - began)} ms after the start`,
    )
  })
})

test('an export of 100 MB to a slow reader stays small in memory and holds no connection', async (t) => {
  const issues = 24_000
  await withTenants(issues, 'y'.repeat(2_400), async ({ url, start }) => {
    const spoke = start()
    const at = await spoke.url
    const rss = () =>
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${spoke.child.pid}/status`, 'utf8'))?.[1]) / 1_024
    await (await fetch(`${at}/readyz`)).text()
    const before = rss()
    let most = before
    let bytes = 0
    let tail = ''
    let idle = 0
    await new Promise<void>((resolve, reject) => {
      get(`${at}/api/tenants/${A}/export`, (response) => {
        // Pauses for a while without reading: the test checks what the service holds meanwhile.
        setTimeout(async () => {
          // Any poll of the worker is a transaction too; one that is held is there both times.
          const openNow = async () =>
            (
              await runSql(
                url,
                `select pid || ' ' || xact_start as id from pg_stat_activity
                 where datname = current_database() and state like 'idle in transaction%'`,
              )
            ).map(({ id }) => id)
          const earlier = await openNow()
          await new Promise((wait) => setTimeout(wait, 300))
          idle = (await openNow()).filter((id) => earlier.includes(id)).length
          most = Math.max(most, rss())
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length
            tail = (tail + chunk.toString()).slice(-2_000)
            most = Math.max(most, rss())
          })
        }, 1_500)
        response.on('end', resolve)
        response.on('error', reject)
      }).on('error', reject)
    })
    const last = JSON.parse(tail.trimEnd().split('\n').at(-1) as string)
    assert.equal(last.complete, true)
    assert.equal(last.tables.issues, issues + 1)
    assert.ok(bytes > 100e6, `${bytes} bytes`)
    assert.equal(idle, 0, 'a transaction is open while the reader is paused')
    assert.ok(most - before < 80, `from ${before} to ${most} MiB`)
    t.diagnostic(
      `${Math.round(bytes / 1e6)} MB; resident ${Math.round(before)} MiB before, at most ${Math.round(most)} MiB`,
    )

    // A caller that disconnects ends it.
    await new Promise<void>((resolve) => {
      const request = get(`${at}/api/tenants/${A}/export`, (response) => {
        response.once('data', () => {
          request.destroy()
          resolve()
        })
      })
      request.on('error', () => {})
    })
    const asked = async () =>
      (
        await runSql(
          url,
          `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like '%jsonb_build_object%' and state <> 'idle'`,
        )
      ).length
    await eventually(async () => (await asked()) === 0, 'nothing is read for it')

    // A stop does not wait for a paused reader.
    const still = get(`${at}/api/tenants/${A}/export`, () => {})
    still.on('error', () => {})
    await new Promise((resolve) => setTimeout(resolve, 500))
    const stopped = performance.now()
    assert.equal(await spoke.end('SIGTERM'), 0)
    assert.ok(performance.now() - stopped < 8_000)
  })
})
