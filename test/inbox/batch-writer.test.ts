/** Deliveries that arrive together are kept together, and each is answered for itself. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import type { Database } from '../../src/db/database.ts'
import { createInboxBatchWriter, type InboxBatchWriter } from '../../src/inbox/batch-writer.ts'
import { engines } from '../support/engines.ts'
import { seedLink } from '../support/rows.ts'

const nobodys = 999
const delivery = (hubId: number, ticketIds: string[], hash = randomBytes(32)) => ({
  hash,
  changes: [{ hubId, type: 'propertyChange' as const, ticketIds, occurredAt: 1_790_000_000_000 }],
})

for (const engine of engines)
  describe(engine.name, () => {
    let db: Database
    let url: string | undefined
    let close: () => Promise<void>
    let keep: InboxBatchWriter
    const integrations = new Map<number, string>()

    before(async () => {
      ;({ db, url, close } = await engine.open())
      keep = createInboxBatchWriter(db, 0)
      for (const hubId of [1, 2]) integrations.set(hubId, await seedLink(db, hubId))
    })
    beforeEach(async () => {
      await sql`delete from inbox_entries`.execute(db.kysely)
      await sql`delete from webhook_receipts`.execute(db.kysely)
    })
    after(() => close())

    async function kept(hubId: number): Promise<string[]> {
      const { rows } = await sql<{ id: string }>`
        select unnest(ticket_ids) as id from inbox_entries where integration_id = ${integrations.get(hubId)}`.execute(
        db.kysely,
      )
      return rows.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))
    }

    test('forty that arrive at once are two transactions; each is kept once, under its own account', async () => {
      const ids = Array.from({ length: 40 }, (_, n) => String(n))
      const answers = await Promise.all(ids.map((id, n) => keep(delivery(1 + (n % 2), [id]))))
      assert.deepEqual(
        answers,
        ids.map(() => ({ replayed: false, unknown: 0 })),
      )
      assert.deepEqual(
        await kept(1),
        ids.filter((_, n) => n % 2 === 0),
      )
      assert.deepEqual(
        await kept(2),
        ids.filter((_, n) => n % 2 === 1),
      )
      const { rows } = await sql<{ n: number }>`
        select count(distinct xmin::text)::int as n from webhook_receipts`.execute(db.kysely)
      assert.deepEqual(rows, [{ n: 2 }])
    })

    test('each learns for itself what nobody is connected to, and that it was there before', async () => {
      const before = delivery(1, ['1'])
      await keep(before)
      const twice = randomBytes(32)
      assert.deepEqual(
        await Promise.all([
          keep(delivery(nobodys, ['7', '8', '9'])),
          keep(before),
          keep(delivery(2, ['2'], twice)),
          keep(delivery(2, ['3'], twice)),
          keep({ hash: randomBytes(32), changes: [] }),
          keep(delivery(nobodys, ['7'])),
        ]),
        [
          { replayed: false, unknown: 3 },
          { replayed: true, unknown: 0 },
          { replayed: false, unknown: 0 },
          { replayed: true, unknown: 0 },
          { replayed: false, unknown: 0 },
          { replayed: false, unknown: 1 },
        ],
      )
      assert.deepEqual(await kept(1), ['1'])
      assert.deepEqual(await kept(2), ['2'])
    })

    test('one that cannot be kept costs none of the others', async () => {
      const beyond = 1e30
      const answers = await Promise.allSettled([
        keep(delivery(1, ['1'])),
        keep(delivery(beyond, ['2'])),
        keep(delivery(2, ['3'])),
      ])
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      assert.deepEqual([await kept(1), await kept(2)], [['1'], ['3']])
      // What was refused is not counted as received: HubSpot's next try is not a replay.
      const { rows } = await sql`select from webhook_receipts`.execute(db.kysely)
      assert.equal(rows.length, 2)
    })

    test('where the database is in trouble, none is asked for once more', async () => {
      let asked = 0
      const trouble = Object.assign(new Error('the database is gone'), { code: '57P01' })
      const refuses = () => {
        asked += 1
        return Promise.reject(trouble)
      }
      const gone = { ...db, alone: undefined, kysely: { transaction: () => ({ execute: refuses }) } }
      const keepThere = createInboxBatchWriter(gone as unknown as Database, 0)
      const answers = await Promise.allSettled([1, 2, 1].map((hubId) => keepThere(delivery(hubId, ['1']))))
      assert.deepEqual(
        answers.map((one) => one.status === 'rejected' && one.reason),
        [trouble, trouble, trouble],
      )
      assert.equal(asked, 1)
    })

    test('those that wait for another’s lock hold up nobody who comes after them', async (t) => {
      if (!url) return t.skip('PGlite has one connection')
      const other = new pg.Client({ connectionString: url })
      await other.connect()
      try {
        await other.query('begin')
        await other.query('select from tenant_integrations where integration_id = $1 for update', [
          integrations.get(1),
        ])
        let answered = 0
        const waits: Promise<unknown>[] = []
        // More than are kept at once.
        for (const id of ['1', '2', '3']) {
          waits.push(
            keep(delivery(1, [id])).then(() => {
              answered += 1
            }),
          )
          await new Promise((resolve) => setTimeout(resolve, 30))
        }
        const late = new Promise((resolve) => setTimeout(resolve, 4_000, 'late').unref())
        for (const id of ['4', '5', '6'])
          assert.deepEqual(await Promise.race([keep(delivery(2, [id])), late]), {
            replayed: false,
            unknown: 0,
          })
        assert.equal(answered, 0)
        await other.query('rollback')
        await Promise.all(waits)
        assert.deepEqual(
          [await kept(1), await kept(2)],
          [
            ['1', '2', '3'],
            ['4', '5', '6'],
          ],
        )
      } finally {
        await other.end()
      }
    })
  })
