/** An export of many issues, seen from outside the process: small in memory, and cut when its key is revoked. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../src/db/open-database.ts'
import { quiet } from '../support/engines.ts'
import { addIssues } from '../support/erasure.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { type SpokeProcess, startShortPolling } from '../support/process.ts'
import { A, seedTenant } from '../support/rows.ts'
import { testKeys } from '../support/service.ts'

const adminKey = 'admin-key-of-the-export-test-0123456789'
const admin = { authorization: `Bearer ${adminKey}` }
const issues = 16_000
const dir = mkdtempSync(join(tmpdir(), 'spoke-export-'))
let spoke: SpokeProcess
let url: string

before(async () => {
  const database = await newPostgresDatabase()
  const db = await openDatabase({ url: database, dataDir: '', poolSize: 2 }, quiet)
  await addIssues(db, A, await seedTenant(db, A), issues, 'y'.repeat(2_400))
  await db.close()
  spoke = startShortPolling(dir, {
    DATABASE_URL: database,
    SPOKE_ADMIN_KEY: adminKey,
    SPOKE_ROLE: 'api',
    SPOKE_ENCRYPTION_KEYS: testKeys,
    HUBSPOT_API_URL: 'http://127.0.0.1:9',
  })
  url = await spoke.url
})
after(async () => {
  await spoke.end('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

const path = () => `${url}/api/hubspot/issues/${A}/export`

const begin = (headers: Record<string, string>, query = '') =>
  new Promise<IncomingMessage>((resolve, reject) => {
    get(path() + query, { headers, agent: false }, resolve).on('error', reject)
  })

/** How the response ends, if it is read from now on. */
async function rest(response: IncomingMessage) {
  let bytes = 0
  let tail = ''
  const end = await new Promise<string>((resolve) => {
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      tail = (tail + chunk.toString()).slice(-2_000)
    })
    response.on('end', () => resolve('whole'))
    response.on('error', () => resolve('cut off'))
  })
  return { end, bytes, last: tail.trimEnd().split('\n').at(-1) ?? '' }
}

test('an export of 80 MB to a slow reader is whole, and stays small in memory', async (t) => {
  const rss = () =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${spoke.child.pid}/status`, 'utf8'))?.[1]) / 1_024
  await (await fetch(`${path()}?fields=subject`, { headers: admin })).text()
  const before = rss()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, rss())
  }, 20)
  const response = await begin(admin)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const { end, bytes, last } = await rest(response)
  clearInterval(watch)
  assert.equal(end, 'whole')
  assert.equal(JSON.parse(last).issues, issues + 1)
  assert.ok(bytes > 70e6, `${bytes} bytes`)
  assert.ok(most - before < 100, `from ${before} to ${most} MiB`)
  t.diagnostic(`${Math.round(bytes / 1e6)} MB; from ${Math.round(before)} to ${Math.round(most)} MiB`)
})

for (const format of ['ndjson', 'csv'])
  test(`${format}: when its key is revoked, it is cut off, and the caller can tell`, async () => {
    const keys = `${url}/api/tenants/${A}/api-keys`
    const body = JSON.stringify({ name: 'of an export', scopes: ['read'] })
    const made = await fetch(keys, {
      method: 'POST',
      headers: { ...admin, 'content-type': 'application/json' },
      body,
    })
    const { api_key, key_id } = (await made.json()) as { api_key: string; key_id: string }
    const response = await begin({ authorization: `Bearer ${api_key}` }, `?format=${format}`)
    assert.equal(response.statusCode, 200)
    const revoked = await fetch(`${keys}/${key_id}`, { method: 'DELETE', headers: admin })
    assert.equal(revoked.status, 200)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    const { end, bytes, last } = await rest(response)
    assert.equal(end, 'cut off')
    assert.ok(bytes < 40e6, `${bytes} bytes`)
    assert.ok(!last.includes('"complete"'))
  })
