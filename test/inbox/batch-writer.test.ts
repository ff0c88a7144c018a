/** Deliveries that arrive together are stored together, and each gets its own response. */
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
    let save: InboxBatchWriter
    const integrations = new Map<number, string>()

    before(async () => {
      ;({ db, url, close } = await engine.open())
      save = createInboxBatchWriter(db, 0)
      for (const hubId of [1, 2]) integrations.set(hubId, await seedLink(db, hubId))
    })
    beforeEach(async () => {
      await sql`delete from inbox_entries`.execute(db.kysely)
      await sql`delete from webhook_receipts`.execute(db.kysely)
    })
    after(() => close())

    async function storedTicketIds(hubId: number): Promise<string[]> {
      const { rows } = await sql<{ id: string }>`
        select unnest(ticket_ids) as id from inbox_entries where integration_id = ${integrations.get(hubId)}`.execute(
        db.kysely,
      )
      return rows.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))
    }

    test('forty that arrive at once are two transactions; each is stored once, under its own account', async () => {
      const ids = Array.from({ length: 40 }, (_, n) => String(n))
      const answers = await Promise.all(ids.map((id, n) => save(delivery(1 + (n % 2), [id]))))
      assert.deepEqual(
        answers,
        ids.map(() => ({ replayed: false, unknown: 0 })),
      )
      assert.deepEqual(
        await storedTicketIds(1),
        ids.filter((_, n) => n % 2 === 0),
      )
      assert.deepEqual(
        await storedTicketIds(2),
        ids.filter((_, n) => n % 2 === 1),
      )
      const { rows } = await sql<{ n: number }>`
        select count(distinct xmin::text)::int as n from webhook_receipts`.execute(db.kysely)
      assert.deepEqual(rows, [{ n: 2 }])
    })

    test('each gets its own result: not connected, or seen before', async () => {
      const before = delivery(1, ['1'])
      await save(before)
      const twice = randomBytes(32)
      assert.deepEqual(
        await Promise.all([
          save(delivery(nobodys, ['7', '8', '9'])),
          save(before),
          save(delivery(2, ['2'], twice)),
          save(delivery(2, ['3'], twice)),
          save({ hash: randomBytes(32), changes: [] }),
          save(delivery(nobodys, ['7'])),
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
      assert.deepEqual(await storedTicketIds(1), ['1'])
      assert.deepEqual(await storedTicketIds(2), ['2'])
    })

    test('one that cannot be stored does not affect the others', async () => {
      const beyond = 1e30
      const answers = await Promise.allSettled([
        save(delivery(1, ['1'])),
        save(delivery(beyond, ['2'])),
        save(delivery(2, ['3'])),
      ])
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      assert.deepEqual([await storedTicketIds(1), await storedTicketIds(2)], [['1'], ['3']])
      // What was refused is not counted as received: HubSpot's next try is not a replay.
      const { rows } = await sql`select from webhook_receipts`.execute(db.kysely)
      assert.equal(rows.length, 2)
    })

    test('when the database fails, none is retried', async () => {
      let asked = 0
      const failure = Object.assign(new Error('the database is unavailable'), { code: '57P01' })
      const refuses = () => {
        asked += 1
        return Promise.reject(failure)
      }
      const saveThere = createInboxBatchWriter({ ...db, transaction: refuses }, 0)
      const answers = await Promise.allSettled([1, 2, 1].map((hubId) => saveThere(delivery(hubId, ['1']))))
      assert.deepEqual(
        answers.map((one) => one.status === 'rejected' && one.reason),
        [failure, failure, failure],
      )
      assert.equal(asked, 1)
    })

    test('those that wait for a lock do not hold up later ones', async (t) => {
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
        // More than are stored at once.
        for (const id of ['1', '2', '3']) {
          waits.push(
            save(delivery(1, [id])).then(() => {
              answered += 1
            }),
          )
          await new Promise((resolve) => setTimeout(resolve, 30))
        }
        const late = new Promise((resolve) => setTimeout(resolve, 4_000, 'late').unref())
        for (const id of ['4', '5', '6'])
          assert.deepEqual(await Promise.race([save(delivery(2, [id])), late]), {
            replayed: false,
            unknown: 0,
          })
        assert.equal(answered, 0)
        await other.query('rollback')
        await Promise.all(waits)
        assert.deepEqual(
          [await storedTicketIds(1), await storedTicketIds(2)],
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
