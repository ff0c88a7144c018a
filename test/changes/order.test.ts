/**
 * No reader of the feed misses a change or reads one twice, whatever commits in whatever order; on PostgreSQL, whose transactions
 * run side by side. Beside it the same with a plain sequence, which loses one.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { type Change, type FeedPosition, feedBeginning, feedPositionOf } from '../../src/changes/change.ts'
import { readChanges as readPage, recordChange } from '../../src/changes/store.ts'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { type TenantScope, withTenant } from '../../src/db/scope.ts'
import { lockIntegration } from '../../src/integrations/store.ts'
import { upsertIssues } from '../../src/issues/upsert-store.ts'
import { engines, quiet } from '../support/engines.ts'
import { long } from '../support/long.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { A, issueRow, seedTenant } from '../support/rows.ts'
import { eventually } from '../support/service.ts'

const readChanges = async (scope: TenantScope, after: FeedPosition, atMost: number) =>
  await readPage(scope, after, atMost)

let db: Database
let url: string
before(async () => {
  url = await newPostgresDatabase()
  db = await openDatabase({ url, dataDir: '', poolSize: 12 }, quiet)
})
after(() => db?.close())

const lockWaits = async () =>
  (
    await adminQuery(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      url,
    )
  ).length

/** Two writers: the first has its number and commits last. @returns what a reader with a cursor saw, look by look */
async function late(
  write: (name: string, before: () => Promise<void>) => Promise<void>,
  read: () => Promise<string[]>,
): Promise<string[][]> {
  const hold = Promise.withResolvers<void>()
  const numbered = Promise.withResolvers<void>()
  const first = write('first', () => {
    numbered.resolve()
    return hold.promise
  })
  await numbered.promise
  let committed = false
  const second = write('second', async () => {}).then(() => {
    committed = true
  })
  await eventually(async () => committed || (await lockWaits()) > 0, 'the second commits or waits')
  const looks = [await read()]
  hold.resolve()
  await Promise.all([first, second])
  looks.push(await read())
  return looks
}

test('a cursor over a sequence misses what commits late; the feed’s does not', async () => {
  const id = await seedTenant(db, A)
  await adminQuery('create table naive (seq bigint generated always as identity, name text)', url)
  let naive = 0
  const missed = await late(
    (name, before) =>
      db.kysely.transaction().execute(async (trx) => {
        await sql`insert into naive (name) values (${name})`.execute(trx)
        await before()
      }),
    async () => {
      const rows = (await adminQuery(
        `select seq::int, name from naive where seq > ${naive} order by seq`,
        url,
      )) as {
        seq: number
        name: string
      }[]
      naive = rows.at(-1)?.seq ?? naive
      return rows.map(({ name }) => name)
    },
  )
  assert.deepEqual(missed, [['second'], []], 'the first is never seen')

  let position = (await withTenant(db, A, (scope) => readChanges(scope, feedBeginning, 1_000)))
    ?.map(feedPositionOf)
    .at(-1)
  const seen = await late(
    (name, before) =>
      withTenant(db, A, async (scope) => {
        await recordChange(scope, 'sync.completed', id, { name })
        await before()
      }),
    async () => {
      const changes = await withTenant(db, A, (scope) => readChanges(scope, position ?? feedBeginning, 1_000))
      assert.ok(changes)
      position = changes.map(feedPositionOf).at(-1) ?? position
      return changes.map(({ detail }) => String(detail?.name))
    },
  )
  assert.deepEqual(seen, [[], ['first', 'second']], 'the second waits for the first')
})

const writers = 8
const most = long ? 1_000_000 : 1_000
/** Changes of one transaction; what may be lost or read twice depends on the number of transactions. */
const page = long ? 100 : 25
/** Changes of one read: fewer than are written, so that a reader needs several reads. */
const readAtMost = long ? 1_000 : 200

for (const engine of long ? engines : engines.slice(0, 1))
  test(
    `${most} changes of ${writers} writers are each read once and in order, on ${engine.name}`,
    { timeout: 3_600_000 },
    async () => {
      const { db, close } = await engine.open()
      try {
        const ids = [await seedTenant(db, A)]
        for (let n = 1; n < writers; n++) ids.push(await seedTenant(db, A, 4_242 + n))
        await withTenant(db, A, (scope) => scope.query(sql`update tenant_integrations set loaded_at = now()`))
        let position = (await withTenant(db, A, (scope) => readChanges(scope, feedBeginning, 1_000)))
          ?.map(feedPositionOf)
          .at(-1)
        assert.ok(position)
        const begun = position.seq
        let over = false
        const write = async (id: string, writer: number) => {
          for (let n = 0; n < most / writers; n += page) {
            const size = Math.min(page, most / writers - n)
            // The same tickets again and again, so that they stay few; the first time they are created.
            const modified_at = new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString()
            const rows = Array.from({ length: size }, (_, at) =>
              issueRow(`${writer}${at + 1_000}`, { subject: `${writer}.${n + at}`, modified_at }),
            )
            const save = (fails: boolean) =>
              withTenant(db, A, async (scope) => {
                await lockIntegration(scope, id)
                await upsertIssues(scope, id, rows, new Date(Date.UTC(2026, 0, 2) + n * 1_000))
                // Some have their numbers for a while before they commit, and some are rolled back and come again.
                if (n % (7 * page) === 0) await new Promise((later) => setTimeout(later, writer))
                if (fails) throw new Error('rolled back')
              })
            if (n % (11 * page) === 0) await assert.rejects(save(true), /rolled back/)
            await save(false)
          }
        }
        const writing = Promise.allSettled(ids.map(write)).then((all) => {
          over = true
          return all
        })
        const seen: number[] = Array.from({ length: writers }, () => 0)
        let read = 0
        for (let quietly = false; ; ) {
          const from: FeedPosition = position
          const changes: Change[] | undefined = await withTenant(db, A, (scope) =>
            readChanges(scope, from, readAtMost),
          )
          assert.ok(changes, 'the feed is there')
          for (const one of changes) {
            read += 1
            assert.equal(one.seq, begun + read)
            const writer = Number(one.ticket_id?.[0])
            seen[writer] = (seen[writer] ?? 0) + 1
          }
          position = changes.map(feedPositionOf).at(-1) ?? position
          if (changes.length === 0 && quietly) break
          quietly = over && changes.length === 0
          if (changes.length === 0) await new Promise((later) => setTimeout(later, 5))
        }
        for (const one of await writing) assert.equal(one.status, 'fulfilled', String(Object.values(one)))
        assert.equal(read, most)
        assert.deepEqual(
          seen,
          Array.from({ length: writers }, () => most / writers),
        )
      } finally {
        await close()
      }
    },
  )
