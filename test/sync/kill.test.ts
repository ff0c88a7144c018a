/** SIGKILL in the middle of a full sync of 3,000 tickets: it resumes at the cursor and ends equal to HubSpot. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { layOutEmbedded } from '../support/embedded.ts'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { type SpokeProcess, startShortPolling } from '../support/process.ts'
import { eventually, testKeys } from '../support/service.ts'

const tickets = 3_000
const pages = tickets / 100
const T = '11111111-1111-4111-8111-111111111111'

let emulator: TestEmulator
before(async () => {
  emulator = await startTestEmulator()
})
after(() => emulator.close())

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
async function ask(spoke: SpokeProcess, path: string, body?: unknown): Promise<any> {
  const json = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(`${await spoke.url}/api/hubspot${path}`, body === undefined ? {} : json)
  assert.ok(answer.ok, `${path}: ${answer.status}`)
  return await answer.json()
}

async function readBack(
  spoke: SpokeProcess,
): Promise<Map<string, { subject: string | null; updatedAt: string }>> {
  const found = new Map()
  let after = ''
  do {
    const { issues, next_after } = await ask(spoke, `/issues/${T}?limit=200${after}`)
    for (const issue of issues)
      found.set(issue.ticket_id, { subject: issue.subject, updatedAt: issue.modified_at })
    after = next_after ? `&after=${next_after}` : ''
  } while (after)
  return found
}

async function killInTheMiddle(
  hubId: number,
  env: Record<string, string>,
  resumesWithinMs: number,
): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-kill-'))
  await emulator.control('POST', '/portals', { portal_id: hubId, tickets, plan: 'professional' })
  const { token } = await emulator.control('POST', `/portals/${hubId}/tokens`, { kind: 'private_app' })
  await emulator.control('DELETE', '/requests')
  const listed = async () =>
    (await emulator.requests(`/crm/objects/2026-09/tickets`)).filter(
      ({ method, query }) => method === 'GET' && query.limit === '100' && query.archived !== 'true',
    )
  const spokes: SpokeProcess[] = []
  try {
    if (!env.DATABASE_URL) await layOutEmbedded(join(dir, 'data'))
    const first = startShortPolling(dir, { HUBSPOT_API_URL: emulator.url, ...env })
    spokes.push(first)
    const { integration_id: id } = await ask(first, `/integrations/${T}`, { access_token: token })
    const { sync_event_id: run } = await ask(first, `/sync/${T}/${id}`, { sync_type: 'full' })
    await eventually(
      async () => (await ask(first, `/sync/${T}/${id}/${run}`)).done >= tickets / 3,
      'a third is stored',
      60_000,
    )
    await first.end('SIGKILL')
    const killedAt = performance.now()
    const before = (await listed()).length

    const second = startShortPolling(dir, { HUBSPOT_API_URL: emulator.url, ...env })
    spokes.push(second)
    await second.url
    const upAt = performance.now()
    await eventually(async () => (await listed()).length > before, 'the run resumes', 60_000)
    const resumed = performance.now() - (env.DATABASE_URL ? killedAt : upAt)
    const event = await eventually(
      async () => {
        const now = await ask(second, `/sync/${T}/${id}/${run}`)
        return now.finished_at && now
      },
      'the run ends',
      90_000,
    )

    assert.equal(event.state, 'succeeded')
    assert.equal(event.total, tickets)
    const asked = (await listed()).map(({ query }) => query.after ?? '')
    assert.equal(new Set(asked).size, pages)
    assert.ok(asked.length <= pages + 1, `${asked.length} pages were read for ${pages}`)
    assert.ok(event.inserted === tickets && event.done <= tickets + 100, JSON.stringify(event))
    assert.deepEqual(await readBack(second), await truthOf(emulator, hubId))
    assert.ok(resumed <= resumesWithinMs, `resumed after ${resumed} ms`)
    return `killed after ${before} pages; ${asked.length} read for ${pages}; resumed after ${Math.round(resumed)} ms`
  } finally {
    for (const spoke of spokes) await spoke.end('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  }
}

test('embedded: it resumes at once after the start, and at most one page is read twice', async (t) => {
  t.diagnostic(await killInTheMiddle(1001, { SPOKE_ENCRYPTION_KEYS: testKeys }, 5_000))
})

test('PostgreSQL: it resumes within its lease of 3 s and a poll, and at most one page is read twice', async (t) => {
  const env = {
    DATABASE_URL: await newPostgresDatabase(),
    SPOKE_ENCRYPTION_KEYS: testKeys,
    SPOKE_LEASE: '3s',
  }
  // The lease, a poll, and what a busy machine needs for both.
  t.diagnostic(await killInTheMiddle(1002, env, 9_000))
})
