/** The export on both engines: it is what the database holds, without what is excluded, also while rows change. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { dataInventory } from '../../src/tenants/data-inventory.ts'
import { readInventoryPage } from '../../src/tenants/data-inventory-store.ts'
import { beginErasure } from '../../src/tenants/erasure.ts'
import { exportTenant } from '../../src/tenants/export.ts'
import { engines } from '../support/engines.ts'
import { addIssues } from '../support/erasure.ts'
import { A, B, seedTenant } from '../support/rows.ts'

// biome-ignore lint/suspicious/noExplicitAny: lines are looked into freely
type Line = any

for (const engine of engines) {
  describe(`an export on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let integration: string
    before(async () => {
      ;({ db, close } = await engine.open())
      integration = await seedTenant(db, A)
      await seedTenant(db, B)
      // Four pages, of 32 at first and then of twice as many.
      await addIssues(db, A, integration, 300, 'a line\nbreak "quoted" \u2028')
    })
    after(() => close())

    async function exported(between: () => Promise<void> = async () => {}): Promise<Line[]> {
      let text = ''
      for await (const piece of exportTenant(db, systemClock, A)) {
        assert.ok(piece.endsWith('\n'))
        text += piece
        await between()
      }
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    }

    test('holds every row of the tenant in every table and no other’s, and ends with a line that it is complete', async () => {
      const lines = await exported()
      const [head, last] = [lines[0], lines.at(-1)]
      assert.deepEqual([head.format, head.tenant_id], ['spoke-export/1', A])
      assert.deepEqual(head.excluded.integration_tokens, ['access_token', 'refresh_token'])
      assert.deepEqual(
        head.tables,
        dataInventory.map(({ table }) => table),
      )
      const rows = lines.slice(1, -1)
      assert.deepEqual([last.complete, last.rows], [true, rows.length])
      assert.deepEqual(last.tables.issues, 301)
      for (const { table, neverExported } of dataInventory) {
        const { rows: held } = await sql<{ row: Line }>`
          select to_jsonb(t) as row from ${sql.table(table)} t where tenant_id = ${A}`.execute(db.kysely)
        assert.ok(held.length > 0, table)
        const shown = held.map(({ row }) =>
          Object.fromEntries(Object.entries(row).filter(([name]) => !neverExported.includes(name))),
        )
        const asText = (found: Line[]) =>
          found.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
        const given = rows.filter((line) => line.table === table).map(({ row }) => row)
        assert.deepEqual(asText(given), asText(shown), table)
      }
      const text = JSON.stringify(lines)
      assert.ok(!text.includes(B))
      const { rows: secrets } = await sql<{ secret: string }>`
        select data_key as secret from tenants union all select access_token from integration_tokens
        union all select code_verifier || state_hash from authorizations union all select key_hash from idempotency_keys
        union all select salt from idempotency_keys union all select request_hash from idempotency_keys`.execute(
        db.kysely,
      )
      for (const { secret } of secrets) assert.ok(!text.includes(secret))
    })

    test('while rows change, a row that exists throughout is exported once, and pages are read by key', async () => {
      let n = 0
      const lines = await exported(async () => {
        n += 1
        await withTenant(db, A, async ({ query }) => {
          await query(sql`update issues set synced_at = now() where tenant_id = ${A}`)
          await query(sql`
            insert into issues (tenant_id, integration_id, ticket_id, issue_id, modified_at, properties, observed_at)
            select ${A}, ${integration}, ${`${n}-new-`} || i, gen_random_uuid(), now(), '{}', now() from generate_series(1, 20) i`)
          await query(sql`delete from issues where tenant_id = ${A} and ticket_id like ${`${n - 1}-new-%`}`)
        })
      })
      const ids = lines
        .filter(({ table }) => table === 'issues')
        .map(({ row }) => row.ticket_id as string)
        .filter((id) => !id.includes('new'))
      assert.equal(ids.length, 301)
      assert.equal(new Set(ids).size, 301)
      const plan = await withTenant(db, A, async (scope) => {
        const issues = dataInventory.find(({ table }) => table === 'issues')
        assert.ok(issues)
        const seen: string[] = []
        const query: typeof scope.query = async (statement) => {
          const { sql: text } = statement.compile(db.kysely)
          if (text.includes('jsonb_build_object'))
            seen.push(JSON.stringify(await scope.query(sql`explain (costs off) ${statement}`)))
          return await scope.query(statement)
        }
        await readInventoryPage({ ...scope, query }, issues, [integration, '1000150'], 100)
        return seen.join()
      })
      assert.match(plan, /Index Scan using issues_pkey/)
      assert.doesNotMatch(plan, /Sort|Seq Scan/)
    })

    test('of a tenant that is erased meanwhile it ends without its last line', async () => {
      await assert.rejects(
        exported(async () => void (await beginErasure(db, A))),
        (error) => (error as { code?: string }).code === 'tenant_erasing',
      )
    })
  })
}
