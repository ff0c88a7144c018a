/**
 * A process that is killed, or stopped and woken again, at each step of a run while another works on the same
 * PostgreSQL. No hook in the product: a lock held from outside stops the run at the intended statement.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { type SpokeProcess, startShortPolling } from '../support/process.ts'
import { eventually, testKeys } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
/** By list: the requests of each run without a crash. */
const pages = 3
/** The last page is a short one. */
const tickets = 210

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Any = any

async function ask(spoke: SpokeProcess, path: string, body?: unknown): Promise<Any> {
  const json = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(`${await spoke.url}/api/hubspot${path}`, body === undefined ? {} : json)
  assert.ok(answer.ok, `${path}: ${answer.status}`)
  return await answer.json()
}

/** Where the run is stopped, and how the test detects it. */
const steps: { at: string; lock: string; waits: string }[] = [
  {
    at: 'between fetch and write',
    lock: 'select from tenant_integrations for update',
    waits: '%for no key update%',
  },
  {
    at: 'while the page is written',
    lock: 'select from issues for update',
    waits: '%with page as%',
  },
  {
    at: 'at the checkpoint',
    lock: 'select from sync_streams for update',
    waits: '%update sync_streams set cursor%',
  },
  {
    at: 'between checkpoint and finish',
    lock: 'select from sync_events for update',
    waits: '%update sync_events%',
  },
  {
    at: 'while it finishes',
    lock: `select from sync_streams where sync_type = 'incremental' for update`,
    waits: '%set watermark = greatest%',
  },
  { at: 'in the commit', lock: 'select pg_advisory_lock(42)', waits: 'commit' },
]

/** Blocks the transaction of a page at its commit while the advisory lock is held. */
const waitAtCommit = `
  create function wait_at_commit() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(42); return null; end $$;
  create constraint trigger wait_at_commit after update of cursor on sync_streams
    deferrable initially deferred for each row execute function wait_at_commit()`

describe('a run continues in another process', () => {
  let emulator: TestEmulator
  let databaseUrl: string
  let dir: string
  const spokes: SpokeProcess[] = []
  before(async () => {
    emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
    databaseUrl = await newPostgresDatabase()
    dir = mkdtempSync(join(tmpdir(), 'spoke-crash-'))
    start()
  })
  after(async () => {
    for (const spoke of spokes) {
      spoke.child.kill('SIGCONT')
      await spoke.end('SIGKILL')
    }
    await emulator.close()
    rmSync(dir, { recursive: true, force: true })
  })

  function start(): SpokeProcess {
    const spoke = startShortPolling(dir, {
      DATABASE_URL: databaseUrl,
      SPOKE_ENCRYPTION_KEYS: testKeys,
      HUBSPOT_API_URL: emulator.url,
      SPOKE_LEASE: '2s',
      SPOKE_SYNC_EVERY: '500h',
    })
    spokes.push(spoke)
    return spoke
  }

  /** The process that the test before this one started is the first of this one. All is checked at the end. */
  async function crash(
    hubId: number,
    act: (bench: {
      first: SpokeProcess
      startSecond(): SpokeProcess
      id: string
      startFull(): Promise<string>
    }) => Promise<{ run: string; spoke: SpokeProcess; mostPages: number }>,
  ): Promise<void> {
    await emulator.control('POST', '/portals', { portal_id: hubId, tickets, plan: 'professional' })
    const { token } = await emulator.control('POST', `/portals/${hubId}/tokens`, { kind: 'private_app' })
    const first = spokes.find(({ child }) => child.exitCode === null && child.signalCode === null) ?? start()
    const { integration_id: id } = await ask(first, `/integrations/${T}`, { access_token: token })
    const history = () => ask(first, `/sync/${T}/${id}`)
    await eventually(async () => (await history()).events[0]?.finished_at, 'the first full run', 30_000)
    // Something to write: half of the tickets are other ones now.
    await emulator.control('PATCH', `/portals/${hubId}/tickets`, {
      count: tickets / 2,
      properties: { subject: 'changed before the crash' },
    })
    await emulator.control('DELETE', '/requests')
    const startFull = async () => (await ask(first, `/sync/${T}/${id}`, { sync_type: 'full' })).sync_event_id
    const { run, spoke, mostPages } = await act({ first, startSecond: start, id, startFull })
    const event = await eventually(
      async () => {
        const now = await ask(spoke, `/sync/${T}/${id}/${run}`)
        return now.finished_at && now
      },
      'the run ends',
      60_000,
    )
    const { state, done, changed, unchanged } = event
    assert.deepEqual(
      { state, done, changed, unchanged },
      { state: 'succeeded', done: tickets, changed: tickets / 2, unchanged: tickets / 2 },
    )
    const listed = (await emulator.requests('/crm/objects/2026-09/tickets')).filter(
      (call: Any) =>
        call.method === 'GET' &&
        call.portal_id === hubId &&
        call.query.archived !== 'true' &&
        // The connection check before a run requests no property.
        call.query.properties !== undefined,
    )
    assert.ok(listed.length <= mostPages, `${listed.length} pages were read, not ${mostPages}`)
    const found = new Map()
    for (let cursor = ''; ; ) {
      const { issues, next_after } = await ask(spoke, `/issues/${T}?limit=200&integration_id=${id}${cursor}`)
      for (const issue of issues)
        found.set(issue.ticket_id, { subject: issue.subject, updatedAt: issue.modified_at })
      if (!next_after) break
      cursor = `&after=${next_after}`
    }
    assert.deepEqual(found, await truthOf(emulator, hubId))
    const [stream] = await adminQuery(
      `select count(*)::int as runs from sync_streams where sync_event_id is not null`,
      databaseUrl,
    )
    assert.equal(stream?.runs, 0)
  }

  for (const [n, { at, lock, waits }] of steps.entries()) {
    test(`killed ${at}`, async () => {
      await crash(400 + n, async ({ first, startSecond, startFull }) => {
        if (waits === 'commit') await adminQuery(waitAtCommit, databaseUrl)
        const holder = new pg.Client({ connectionString: databaseUrl })
        await holder.connect()
        let run: string
        try {
          // It stops at the second page: the first is stored, the third not yet read.
          await emulator.control('POST', '/faults', {
            match: {
              path: '/crm/objects/2026-09/tickets',
              method: 'GET',
              query: 'properties=',
              portal_id: 400 + n,
            },
            kind: 'delay',
            delay_ms: 2_000,
            after: 1,
            times: 1,
          })
          run = await startFull()
          await eventually(
            async () =>
              (
                await adminQuery(`select pages from sync_events where sync_event_id = '${run}'`, databaseUrl)
              )[0]?.pages === '1',
            'the first page is stored',
          )
          await holder.query('begin')
          await holder.query(lock)
          const blocked = `select 1 from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query ilike '${waits}'`
          await eventually(
            async () => (await adminQuery(blocked, databaseUrl)).length > 0,
            `the run stops ${at}`,
          )
          await first.end('SIGKILL')
        } finally {
          await holder.end()
        }
        const second = startSecond()
        await second.url
        return { run, spoke: second, mostPages: pages + 1 }
      })
    })
  }

  test('killed after the fetch has begun: the page is read once more', async () => {
    await crash(410, async ({ first, startSecond, startFull }) => {
      await emulator.control('POST', '/faults', {
        match: { path: '/crm/objects/2026-09/tickets', method: 'GET', query: 'properties=', portal_id: 410 },
        kind: 'hang',
        after: 1,
        times: 1,
      })
      const run = await startFull()
      await eventually(
        async () =>
          (await emulator.control('GET', '/faults')).results.some(
            ({ kind, hits }: Any) => kind === 'hang' && hits === 1,
          ),
        'the second page is requested',
      )
      await first.end('SIGKILL')
      const second = startSecond()
      await second.url
      return { run, spoke: second, mostPages: pages + 1 }
    })
  })

  test('stopped beyond its lease and woken again, the first process changes nothing', async () => {
    await crash(411, async ({ first, startSecond, id, startFull }) => {
      const second = startSecond()
      await second.url
      await emulator.control('POST', '/faults', {
        match: { path: '/crm/objects/2026-09/tickets', method: 'GET', query: 'properties=', portal_id: 411 },
        kind: 'delay',
        // The process is stopped while it waits for its second page.
        delay_ms: 2_500,
        after: 1,
        times: 1,
      })
      const run = await startFull()
      const stream = async () =>
        (
          await adminQuery(
            `select epoch::int as epoch, lease_owner from sync_streams where integration_id = '${id}' and sync_type = 'full'`,
            databaseUrl,
          )
        )[0]
      const event = async () =>
        (
          await adminQuery(
            `select pages::int as pages from sync_events where sync_event_id = '${run}'`,
            databaseUrl,
          )
        )[0]
      await eventually(async () => (await event())?.pages === 1, 'the first page is stored')
      // The process with the run is stopped in the middle of its second page; the other must finish the run.
      const fenced = async (spoke: SpokeProcess) =>
        Number(
          /spoke_sync_fenced_total (\d+)/.exec(await (await fetch(`${await spoke.url}/metrics`)).text())?.[1],
        )
      const before = await stream()
      assert.ok(before)
      const holders = await holderOf([first, second], before.lease_owner as string)
      holders.mine.child.kill('SIGSTOP')
      await eventually(
        async () => ((await stream())?.epoch as number) > (before.epoch as number),
        'a newer claim',
      )
      const spoke = holders.other
      await eventually(
        async () => (await ask(spoke, `/sync/${T}/${id}/${run}`)).finished_at,
        'the other ends it',
        60_000,
      )
      const snapshot = `select md5(string_agg(t::text, ',' order by ticket_id)) as all from issues t
        where integration_id = '${id}'`
      const [was] = await adminQuery(snapshot, databaseUrl)
      const [wasEvent] = await adminQuery(
        `select * from sync_events where sync_event_id = '${run}'`,
        databaseUrl,
      )
      holders.mine.child.kill('SIGCONT')
      await eventually(async () => (await fenced(holders.mine)) === 1, 'it finds itself fenced')
      assert.deepEqual((await adminQuery(snapshot, databaseUrl))[0], was)
      assert.deepEqual(
        (await adminQuery(`select * from sync_events where sync_event_id = '${run}'`, databaseUrl))[0],
        wasEvent,
      )
      return { run, spoke, mostPages: pages + 1 }
    })
  })
})

/** Which of the two processes has the claim: each logs the name it claims by at its start. */
async function holderOf(
  [a, b]: [SpokeProcess, SpokeProcess],
  leaseOwner: string,
): Promise<{ mine: SpokeProcess; other: SpokeProcess }> {
  await Promise.all([a.url, b.url])
  return a.output().includes(leaseOwner) ? { mine: a, other: b } : { mine: b, other: a }
}
