/** The export on both engines: it is what the database holds, without what is excluded, also while rows change. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { readDataInventory, readInventoryPage } from '../../src/tenants/data-inventory-store.ts'
import { beginErasure } from '../../src/tenants/erasure.ts'
import { exportTenant } from '../../src/tenants/export.ts'
import { engines } from '../support/engines.ts'
import { addIssues } from '../support/erasure.ts'
import { A, B, seedTenant } from '../support/rows.ts'

// biome-ignore lint/suspicious/noExplicitAny: lines are looked into freely
type Line = any

/** Written by hand, so that a wrong mark on a column is found: everything that must never be in an export. */
const withheld: Readonly<Record<string, string[]>> = {
  api_keys: ['key_hash'],
  authorizations: ['state_hash', 'code_verifier'],
  confirmations: ['secret_hash', 'access_token', 'refresh_token'],
  endpoints: ['secret', 'previous_secret'],
  idempotency_keys: ['key_hash', 'salt', 'request_hash'],
  integration_tokens: ['access_token', 'refresh_token'],
  sessions: ['token_hash', 'binding'],
  tenants: ['data_key'],
}

/** Values that the rows of other tables have too. */
const derived: Record<string, string[]> = {
  issue_search: [
    'tenant_id',
    'integration_id',
    'ticket_id',
    'issue_id',
    'pipeline_id',
    'stage_id',
    'owner_id',
    'priority',
    'category',
    'archived',
    'created_at',
    'modified_at',
    'archived_at',
    'deleted_at',
    'synced_at',
  ],
  issue_terms: ['tenant_id', 'integration_id', 'ticket_id', 'words', 'terms'],
}
const excluded = { ...withheld, ...derived }

/** Columns that are named like a secret and are none. */
const harmless = new Set([
  'api_keys.key_id',
  'audit_events.hash',
  'audit_events.prev_hash',
  'confirmations.token_expires_at',
  'deliveries.ordering_key',
  'endpoints.previous_secret_expires_at',
  'tenants.key_id',
])
const likeASecret = /key|token|secret|hash|salt|password|credential|verifier|binding|nonce|signature/

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
      const { rows: tables } = await sql<{ name: string }>`
        select relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where relnamespace = current_schema()::regnamespace and relkind = 'r'`.execute(db.kysely)
      assert.deepEqual(
        [...head.tables, ...Object.keys(derived)].sort(),
        tables.map(({ name }) => name).sort(),
      )
      assert.deepEqual(head.excluded, excluded)
      const rows = lines.slice(1, -1)
      assert.deepEqual([last.complete, last.rows], [true, rows.length])
      assert.deepEqual(last.tables.issues, 301)
      for (const table of head.tables) {
        const { rows: held } = await sql<{ row: Line }>`
          select to_jsonb(t) as row from ${sql.table(table)} t where tenant_id = ${A}`.execute(db.kysely)
        assert.ok(held.length > 0, table)
        const shown = held.map(({ row }) =>
          Object.fromEntries(Object.entries(row).filter(([name]) => !withheld[table]?.includes(name))),
        )
        for (const column of Object.keys(shown[0] ?? {}))
          assert.ok(!likeASecret.test(column) || harmless.has(`${table}.${column}`), `${table}.${column}`)
        const asText = (found: Line[]) =>
          found.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
        const given = rows.filter((line) => line.table === table).map(({ row }) => row)
        assert.deepEqual(asText(given), asText(shown), table)
      }
      const text = JSON.stringify(lines)
      assert.ok(!text.includes(B))
      for (const [table, columns] of Object.entries(withheld)) {
        const { rows: secrets } = await sql<Record<string, string>>`
          select ${sql.join(columns.map((column) => sql.ref(column)))} from ${sql.table(table)}`.execute(
          db.kysely,
        )
        for (const secret of secrets.flatMap((row) => Object.values(row)).filter((one) => one !== null)) {
          // A short one could be part of another text.
          assert.ok(secret.length > 10, `${table}: ${secret}`)
          assert.ok(!text.includes(secret), `${table}: ${secret}`)
        }
      }
    })

    test('a column or table that nobody has marked is not exported', async () => {
      const { rows } = await sql<{ mark: string }>`
        select col_description('labels'::regclass, attnum) as mark from pg_attribute
        where attrelid = 'labels'::regclass and attname = 'label'`.execute(db.kysely)
      assert.equal(rows[0]?.mark, 'exported')
      await sql`alter table labels add column note text default 'a canary'`.execute(db.kysely)
      await sql`comment on column labels.note is 'exported by mistake'`.execute(db.kysely)
      await sql`comment on column labels.label is null`.execute(db.kysely)
      await sql`create table leaked as select tenant_id, 'a canary' as text from tenants`.execute(db.kysely)
      await sql`grant select on leaked to spoke_app`.execute(db.kysely)
      try {
        const [head, ...lines] = await exported()
        assert.ok(!head.tables.includes('leaked'))
        assert.deepEqual(head.excluded, {
          ...excluded,
          labels: ['label', 'note'],
          leaked: ['tenant_id', 'text'],
        })
        assert.ok(!JSON.stringify(lines).includes('a canary'))
        const { row } = lines.find(({ table }) => table === 'labels')
        assert.deepEqual([row.note, row.label, row.topic], [undefined, undefined, 'pipeline'])
      } finally {
        await sql`drop table leaked`.execute(db.kysely)
        await sql`alter table labels drop column note`.execute(db.kysely)
        await sql`comment on column labels.label is 'exported'`.execute(db.kysely)
      }
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
        const issues = (await readDataInventory(scope)).find(({ table }) => table === 'issues')
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
