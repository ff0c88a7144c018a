/** A scan for due groups over more rows than one window, as the role that polls. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { firstPosition, type ScanPosition, scanInRounds } from '../../src/db/scan.ts'
import { withSystem } from '../../src/db/scope.ts'
import { dueInboxes, type InboxScan } from '../../src/inbox/claim-store.ts'
import { newId } from '../../src/lib/ids.ts'
import { dueEndpoints, type EndpointScan } from '../../src/outbox/delivery-store.ts'
import { engines } from '../support/engines.ts'

const tenants = 600
const by = { instance: newId(), exclusive: false, leaseMs: 25_000 }
const sealed = Buffer.from('{"alg":"dir","kid":"k1"}').toString('base64url')
const idOf = (n: number) => `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`

for (const engine of engines)
  describe(`scans on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => {
      ;({ db, close } = await engine.open())
      const id = `(lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000')::uuid`
      for (const text of [
        `insert into tenants (tenant_id, data_key) select ${id}, '${sealed}.x' from generate_series(1, ${tenants}) n`,
        `insert into tenant_integrations (tenant_id, integration_id, status) select tenant_id, tenant_id, 'active' from tenants`,
        `insert into inbox_entries (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at)
         select tenant_id, tenant_id, now() + interval '1 hour', array['1'], 'propertyChange', now() from tenants`,
        `insert into endpoints (tenant_id, endpoint_id, url, in_order, secret) select tenant_id, tenant_id, 'https://example.com', false, 'x' from tenants`,
        `insert into deliveries (tenant_id, endpoint_id, seq, due_at) select tenant_id, tenant_id, 1, now() + interval '1 hour' from tenants`,
        `update inbox_entries set due_at = now() where tenant_id in ('${idOf(3)}', '${idOf(tenants - 1)}')`,
        `update deliveries set due_at = now() where tenant_id in ('${idOf(3)}', '${idOf(tenants - 1)}')`,
      ])
        await sql.raw(text).execute(db.kysely)
    })
    after(() => close())

    for (const [what, find] of [
      ['inboxes', (after: ScanPosition, except: string[]) => dueInboxes(by, { after, atMost: 10, except })],
      [
        'endpoints',
        (after: ScanPosition, except: string[]) =>
          dueEndpoints({ after, atMost: 10, except, withProduct: true }),
      ],
    ] as const) {
      test(`a round over all ${what} takes as many scans as there are windows, and finds each that is due once`, async () => {
        const due: string[] = []
        let scans = 0
        for (let after: ScanPosition | null = firstPosition; after; scans++) {
          const at: ScanPosition = after
          const [row] = await withSystem(db, ({ query }) =>
            query(sql<{ found: InboxScan | EndpointScan }>`select ${find(at, [])} as found`),
          )
          const found = row?.found ?? assert.fail()
          due.push(...found.due.map(({ tenant_id }) => tenant_id))
          after = found.next
        }
        assert.deepEqual(due, [idOf(3), idOf(tenants - 1)])
        assert.equal(scans, 3)
      })

      test(`tenants that have their share already are left out of the ${what}`, async () => {
        const [row] = await withSystem(db, ({ query }) =>
          query(sql<{ found: InboxScan | EndpointScan }>`select ${find(firstPosition, [idOf(3)])} as found`),
        )
        assert.deepEqual(row?.found.due, [])
      })
    }
  })

test('while a scan finds as many as were asked for, or has not ended its round, there may be more', () => {
  const rounds = scanInRounds(() => sql`null`)
  const next = { tenant_id: idOf(1), id: idOf(1) }
  const moreOf = (due: number, at: ScanPosition | null) => {
    rounds.find({ atMost: 2, except: [] })
    return rounds.read({ due: Array.from({ length: due }), next: at }).more
  }
  assert.deepEqual([moreOf(1, null), moreOf(2, null), moreOf(0, next)], [false, true, true])
})
