/**
 * A reader builds a copy of every issue from the feed alone, through random ticket histories: on both engines statement by
 * statement, where each `from` must be what was reported before, and where the issue as of each change must be what the copy
 * was then; and of a whole service that is killed in between.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { type Change, feedPositionOf } from '../../src/changes/change.ts'
import { findFeedEnd, readChanges } from '../../src/changes/store.ts'
import { type TenantScope, withTenant } from '../../src/db/scope.ts'
import { lockIntegration } from '../../src/integrations/store.ts'
import { markDeleted } from '../../src/issues/absence-store.ts'
import { presentIssue } from '../../src/issues/present-issue.ts'
import { issue as shownIssue } from '../../src/issues/schema.ts'
import { listIssues, type StoredIssue } from '../../src/issues/store.ts'
import { ticketKind } from '../../src/issues/ticket-kind.ts'
import { readIssueVersions } from '../../src/issues/version-store.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { engines } from '../support/engines.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { type SpokeProcess, startShortPolling } from '../support/process.ts'
import { A, seedTenant } from '../support/rows.ts'
import { eventually, startTestService, type TestService, testKeys } from '../support/service.ts'

/** The same numbers for the same seed (mulberry32). */
function randomFrom(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    below,
    chance: (of: number) => next() < of,
    one: <T>(list: readonly T[]) => list[below(list.length)] as T,
  }
}

type Random = ReturnType<typeof randomFrom>
type Properties = Record<string, string | null>

interface Copy {
  archived: boolean
  mergedInto: string | null
  properties: Properties
}

/** What is compared: values that are there, and are not computed at the moment of reading. */
const plain = (properties: Record<string, unknown>): Properties =>
  Object.fromEntries(
    Object.entries(properties as Properties).filter(
      ([name, value]) => value !== null && value !== '' && !name.startsWith('hs_time_in_'),
    ),
  )

interface Reported {
  type: string
  ticketId: string
  changed?: Record<string, { from: string | null; to: string | null }> | undefined
  mergedInto?: string | undefined
}

/** @param strict each difference must begin at what the copy holds */
function apply(
  copies: Map<string, Copy>,
  { type, ticketId, changed = {}, mergedInto }: Reported,
  strict: boolean,
) {
  const copy = copies.get(ticketId) ?? assert.fail(`${type} of ${ticketId}, which no change has reported`)
  for (const [name, { from, to }] of Object.entries(changed)) {
    if (strict) assert.equal(from, copy.properties[name] ?? null, `${type} of ${ticketId}: ${name}`)
    assert.ok(!name.startsWith('hs_time_in_'), name)
    if (to === null) delete copy.properties[name]
    else copy.properties[name] = to
  }
  if (type === 'issue.archived' || type === 'issue.merged') copy.archived = true
  if (type === 'issue.restored') copy.archived = false
  if (mergedInto !== undefined) copy.mergedInto = mergedInto
}

/** PGlite differs in its decoding alone, and is slow. */
const seeds: Record<string, { seed: number; statements: number }[]> = {
  PostgreSQL: [1, 2].map((seed) => ({ seed, statements: 120 })),
  PGlite: [{ seed: 4, statements: 40 }],
}

for (const engine of engines)
  describe(`a copy built from the feed alone, on ${engine.name}`, () => {
    for (const { seed, statements } of seeds[engine.name] ?? [])
      test(`equals the store after each of ${statements} random statements (seed ${seed})`, async () => {
        const { db, close } = await engine.open()
        try {
          const id = await seedTenant(db, A)
          await withTenant(db, A, async ({ query }) => {
            for (const table of ['issues', 'issue_last_seen', 'issue_merges'])
              await query(sql`delete from ${sql.table(table)}`)
            await query(sql`update tenant_integrations set loaded_at = now()`)
          })
          await live(randomFrom(seed), statements, id, (work) => withTenant(db, A, work))
        } finally {
          await close()
        }
      })
  })

interface TrueTicket {
  id: string
  state: 'live' | 'archived' | 'merged' | 'gone'
  modified: number
  properties: Properties
}

/** All that a change determines; when it was archived is not known of what is live again. */
const columnsOf = ({
  properties: _,
  synced_at,
  archived_at,
  deleted_at,
  ...columns
}: ReturnType<typeof presentIssue>) => columns

type Within = <T>(work: (scope: TenantScope) => Promise<T>) => Promise<T>

async function live(random: Random, statements: number, integrationId: string, within: Within) {
  const { below, chance, one } = random
  const tickets: TrueTicket[] = []
  const copies = new Map<string, Copy>()
  /** Answers that come late. */
  const late: { records: unknown[]; at: number }[] = []
  /** What the issue was after each change, by the number of the change. */
  const versions = new Map<number, { issueId: string; copy: Copy; stored: StoredIssue | undefined }>()
  let second = 1
  let position = await within(findFeedEnd)
  const clock = () => new Date(Date.UTC(2026, 0, 2) + second * 1_000)
  const touch = (ticket: TrueTicket, properties: Properties) => {
    // Now and then a second edit in one millisecond.
    ticket.modified = chance(0.1) ? ticket.modified : second
    Object.assign(ticket.properties, properties)
  }
  const create = (properties: Properties = {}) => {
    const ticket: TrueTicket = {
      id: String(1_000 + tickets.length),
      state: 'live',
      modified: second,
      properties: { subject: 'new', ...properties },
    }
    tickets.push(ticket)
    return ticket
  }
  const some = (...states: TrueTicket['state'][]) => {
    const fitting = tickets.filter(({ state }) => states.includes(state))
    return fitting.length > 0 ? one(fitting) : undefined
  }

  function happens() {
    const what = below(10)
    const ticket = some('live')
    if (what < 1 || !ticket) return void create(chance(0.5) ? { note: 'a note' } : {})
    if (what < 6)
      return touch(ticket, {
        [one(['subject', 'note', 'hs_pipeline_stage'])]: one(['x', 'y', 'z', null, '']),
      })
    if (what < 7) ticket.state = 'archived'
    else if (what < 8) {
      const archived = some('archived')
      if (archived) archived.state = 'live'
    } else if (what < 9) {
      const loser = some('live')
      if (!loser || loser === ticket) return
      const before = ticket.properties.hs_merged_object_ids ?? loser.properties.hs_merged_object_ids ?? ''
      create({
        ...ticket.properties,
        hs_merged_object_ids: [ticket.id, loser.id, ...before.split(';')].filter(Boolean).join(';'),
      })
      ticket.state = 'merged'
      loser.state = 'merged'
    } else if (chance(0.3)) (some('archived', 'live') ?? ticket).state = 'gone'
  }

  /** As HubSpot shows it: of what is empty one answer has "", another null, another nothing. */
  function shown(ticket: TrueTicket) {
    const properties: Properties = {
      hs_time_in_1: String(below(1e6)),
      hs_lastmodifieddate: new Date(Date.UTC(2026, 0, 1) + ticket.modified * 1_000).toISOString(),
    }
    for (const [name, value] of Object.entries(ticket.properties)) {
      if (value !== null && value !== '') properties[name] = value
      else if (chance(0.7)) properties[name] = one(['', null])
    }
    return {
      id: ticket.id,
      properties,
      archived: ticket.state !== 'live',
      updatedAt: properties.hs_lastmodifieddate,
    }
  }

  async function statement(scope: TenantScope) {
    await lockIntegration(scope, integrationId)
    const save = (records: unknown[], at: Date, source: 'read' | 'search') =>
      ticketKind.upsert(scope, integrationId, records, at, source, ['hs_time_in_1'])
    const answer = late.length > 0 && chance(0.3) ? late.splice(below(late.length), 1)[0] : undefined
    if (answer) return await save(answer.records, new Date(answer.at), 'read')
    const found = tickets.filter(({ state }) => state !== 'gone' && chance(0.4))
    const records = found.map(shown)
    if (chance(0.1)) return void late.push({ records, at: clock().getTime() })
    if (chance(0.2)) {
      const gone = tickets.filter(({ state }) => state === 'gone').map((ticket) => ticket.id)
      return await markDeleted(scope, integrationId, gone, clock())
    }
    const bySearch = chance(0.4)
    await save(
      bySearch ? records.filter(({ archived }) => !archived) : records,
      clock(),
      bySearch ? 'search' : 'read',
    )
  }

  const asCopy = (issue: StoredIssue): Copy => ({
    archived: issue.archived,
    mergedInto: issue.merged_into,
    properties: plain(issue.properties),
  })
  for (let n = 0; n < statements; n++) {
    for (let acts = below(4); acts > 0; acts--) happens()
    second += 1
    // A process that is killed leaves nothing of the statement that it was at.
    const killed = chance(0.1)
    await within(async (scope) => {
      await statement(scope)
      if (killed) throw new Error('killed')
    }).catch((error: Error) => assert.equal(error.message, 'killed', error.stack))
    const issues = new Map(
      (await within((scope) => listIssues(scope, { after: undefined, limit: 10_000 }))).map((issue) => [
        issue.ticket_id,
        issue,
      ]),
    )
    const changes: Change[] =
      (await within((scope) => readChanges(scope, position, 1_000))) ?? assert.fail('no feed')
    for (const change of changes) {
      const { type, detail } = change
      const ticketId = change.ticket_id ?? ''
      if (type === 'issue.created') {
        assert.ok(!copies.has(ticketId), `${ticketId} is created twice`)
        copies.set(ticketId, asCopy(issues.get(ticketId) ?? assert.fail('created, and not there')))
      } else
        apply(
          copies,
          {
            type,
            ticketId,
            changed: detail?.changed as Reported['changed'],
            mergedInto: detail?.merged_into as string | undefined,
          },
          true,
        )
      position = feedPositionOf(change)
      const issue = issues.get(ticketId) ?? assert.fail(ticketId)
      const copy = structuredClone(copies.get(ticketId) ?? assert.fail(ticketId))
      // The stored row is that after the last change of the statement.
      const isLast = changes.findLast(({ ticket_id }) => ticket_id === ticketId) === change
      versions.set(change.seq, { issueId: issue.issue_id, copy, stored: isLast ? issue : undefined })
    }
    for (const [ticketId, issue] of issues) {
      const copy = copies.get(ticketId)
      if (copy) assert.deepEqual(copy, asCopy(issue), `${ticketId} after statement ${n}`)
      else assert.ok(issue.archived, `${ticketId} is live and no change reported it`)
    }
    if (chance(0.1) || n === statements - 1) await checkVersions()
  }

  /** Reads random pages of versions, and all of them. */
  async function checkVersions() {
    for (const share of [0.1, 1]) {
      const asked = [...versions].filter(() => chance(share))
      const read = await within((scope) =>
        readIssueVersions(
          scope,
          asked.map(([seq, { issueId }]) => ({ seq, issueId, upTo: 0 })),
          { bytes: 2 ** 30 },
        ),
      )
      assert.deepEqual(
        read.map(({ seq }) => seq),
        asked.map(([seq]) => seq),
      )
      for (const { seq, size, issue } of read) {
        const { copy, stored } = versions.get(seq) ?? assert.fail(`${seq}`)
        const as = issue as unknown as ReturnType<typeof presentIssue>
        assert.deepEqual(
          { archived: as.archived, mergedInto: as.merged_into, properties: plain(as.properties) },
          copy,
          `the issue as of ${seq}`,
        )
        assert.ok(Buffer.byteLength(JSON.stringify(as)) <= size, `${seq} is longer than ${size}`)
        if (stored)
          assert.deepEqual(columnsOf(as), columnsOf(shownIssue.parse(presentIssue(stored))), `${seq}`)
      }
    }
  }
  // A long history contains every kind of change.
  const met = [...copies.values()]
  assert.ok(
    statements < 100 || (met.some(({ mergedInto }) => mergedInto) && met.some(({ archived }) => archived)),
  )
}

test('a copy built from the feed alone equals the issues of a service that is killed repeatedly', async () => {
  const { below, chance, one } = randomFrom(5)
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  const dir = mkdtempSync(join(tmpdir(), 'spoke-adds-up-'))
  const env = {
    DATABASE_URL: await newPostgresDatabase(),
    SPOKE_ENCRYPTION_KEYS: testKeys,
    HUBSPOT_API_URL: emulator.url,
    SPOKE_LEASE: '1500ms',
    SPOKE_SYNC_EVERY: '500h',
    SPOKE_SYNC_OVERLAP: '2s',
    SPOKE_INDEX_LAG: '0s',
  }
  let spoke: SpokeProcess = startShortPolling(dir, env)
  /** After the last kill, in this process. */
  let last: TestService | undefined
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
  const ask = async (path: string, body?: unknown): Promise<any> => {
    const json = {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }
    const answer = await fetch(
      `${last?.url ?? (await spoke.url)}/api/hubspot${path}`,
      body === undefined ? {} : json,
    )
    assert.ok(answer.ok, `${path}: ${answer.status}`)
    return await answer.json()
  }
  const issues = async () =>
    new Map<string, Issue>(
      (await ask(`/issues/${A}?limit=200`)).issues.map((issue: Issue) => [issue.ticket_id, issue]),
    )
  const asCopy = (issue: Issue): Copy => ({
    archived: issue.archived,
    mergedInto: issue.merged_into,
    properties: plain(issue.properties),
  })
  const act = (method: string, path: string, body: unknown) =>
    emulator.control(method, `/portals/77/tickets${path}`, body)
  try {
    await emulator.control('POST', '/portals', { portal_id: 77, tickets: 40, plan: 'enterprise' })
    await act('DELETE', '', { count: 5 })
    const { token } = await emulator.control('POST', '/portals/77/tokens', { kind: 'private_app' })
    const { integration_id: id } = await ask(`/integrations/${A}`, { access_token: token })
    await eventually(
      async () => (await ask(`/changes/${A}`)).changes.some(({ type }: Change) => type === 'sync.completed'),
      'the first load ends',
    )
    let { next_after: after } = await ask(`/changes/${A}?after=now`)
    const copies = new Map(
      [...(await issues())]
        .filter(([, issue]) => !issue.archived)
        .map(([ticket, issue]) => [ticket, asCopy(issue)]),
    )
    const dead = new Set<string>()
    for (let round = 0; round < 4; round++) {
      for (let acts = 0; acts < 4; acts++) {
        await act('PATCH', '', {
          count: 3,
          properties: { [one(['subject', 'content'])]: one(['x', 'y', null, `of round ${round}`]) },
        })
        if (chance(0.5)) for (const ticket of (await act('DELETE', '', { count: 1 })).ids) dead.add(ticket)
        if (chance(0.3)) await act('POST', '', { count: 1 })
        const [back] = dead
        if (back !== undefined && chance(0.4) && dead.delete(back))
          await act('POST', '/restore', { ids: [back] })
        const [primary, loser] = (await act('PATCH', '', { count: 2 })).ids
        if (chance(0.3)) await act('POST', '/merge', { primary, loser })
      }
      // An edit that the next read sees together with the deletion, and never apart.
      const [edited] = (await act('PATCH', '', { count: 1, properties: { subject: `last of ${round}` } })).ids
      await act('DELETE', '', { ids: [edited] })
      dead.add(edited)
      await emulator.control('POST', '/clock', { advance_ms: 3_000 })
      const { sync_event_id: run } = await ask(`/sync/${A}/${id}`, {
        sync_type: round % 3 === 2 ? 'incremental' : 'full',
      })
      if (round % 2 === 0) {
        await new Promise((resolve) => setTimeout(resolve, below(120)))
        await spoke.end('SIGKILL')
        if (round === 0) spoke = startShortPolling(dir, env)
        else last = await startTestService(emulator.url, env)
      }
      await eventually(async () => (await ask(`/sync/${A}/${id}/${run}`)).finished_at, 'the run ends')
      const now = await issues()
      const page = await ask(`/changes/${A}?limit=1000&after=${after}`)
      after = page.next_after
      for (const { type, ticket_id: ticketId, changed, detail } of page.changes) {
        if (type === 'issue.created') copies.set(ticketId, asCopy(now.get(ticketId) ?? assert.fail(ticketId)))
        else if (type.startsWith('issue.'))
          apply(copies, { type, ticketId, changed, mergedInto: detail?.merged_into }, false)
      }
      for (const [ticket, issue] of now) {
        const copy = copies.get(ticket)
        if (copy) assert.deepEqual(copy, asCopy(issue), `${ticket} in round ${round}`)
        else assert.ok(issue.archived, `${ticket} is live and no change reported it`)
      }
    }
  } finally {
    await spoke.end('SIGKILL')
    await last?.stop()
    await emulator.close()
    rmSync(dir, { recursive: true, force: true })
  }
})

interface Issue {
  ticket_id: string
  archived: boolean
  merged_into: string | null
  properties: Record<string, string | null>
}
