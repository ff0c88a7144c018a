/** The audit log in the database, on both engines: it only grows, no role can change it, and changes by its owner are found. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { chainHeadFault, verifyChains } from '../../src/audit/chain.ts'
import { type ChainState, eventHash, genesisHash, operatorChain } from '../../src/audit/event.ts'
import { recordAuditEvent, recordAuditResult } from '../../src/audit/record.ts'
import { appendOperatorAuditEvent, appendTenantAuditEvent, auditRowsAfter } from '../../src/audit/store.ts'
import { tenantHash } from '../../src/audit/tenant-hash.ts'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { withSystem, withTenant } from '../../src/db/scope.ts'
import { parseTenantId, type TenantId } from '../../src/db/tenant-id.ts'
import { newId } from '../../src/lib/ids.ts'
import { ensureTenant } from '../../src/tenants/store.ts'
import { engines, quiet } from '../support/engines.ts'
import { long, onlyLong } from '../support/long.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { A, auditEvent, B, ring } from '../support/rows.ts'

const codeOf = (error: unknown) => (error as { code?: string }).code

async function verdicts(db: Database): Promise<Map<string, ChainState>> {
  const all = new Map<string, ChainState>()
  for await (const verdict of verifyChains(db)) all.set(verdict.chain, verdict)
  return all
}

async function faults(db: Database): Promise<string[]> {
  const all = [...(await verdicts(db)).values()]
  return all.flatMap(({ chain, fault }) => (fault === undefined ? [] : [`${chain}: ${fault}`]))
}

const makeTenant = (db: Database, id: TenantId) => withTenant(db, id, (scope) => ensureTenant(scope, ring))
const say = (db: Database, id: TenantId | undefined, action = 'sync.start') =>
  recordAuditEvent({ db, ring }, id, { ...auditEvent, action })
/** As the owner of the tables. */
const asOwner = async (db: Database, ...statements: string[]) => {
  for (const statement of statements) await sql.raw(statement).execute(db.kysely)
}

test('25 events at once from two pools make one sequence in each chain, without gaps and without deadlocks', async (t) => {
  const url = await newPostgresDatabase()
  const open = () => openDatabase({ url, dataDir: '', poolSize: 8, statementMs: 5_000 }, quiet)
  const [one, two] = [await open(), await open()]
  try {
    await makeTenant(one, A)
    await makeTenant(two, B)
    const at = performance.now()
    await Promise.all(
      Array.from({ length: 25 }, (_, n) =>
        [A, B, undefined].map((chain) => say(n % 2 ? one : two, chain, `n.${n}`)),
      ).flat(),
    )
    const ms = performance.now() - at
    const all = await verdicts(one)
    for (const chain of [A, B, operatorChain]) {
      const { events, seq, fault } = all.get(chain) as ChainState
      assert.deepEqual([events, seq, fault], [25, 25, undefined], chain)
    }
    const { rows } = await sql<{ n: number }>`
      select count(distinct action)::int as n from audit_events where tenant_id = ${A}`.execute(one.kysely)
    assert.equal(rows[0]?.n, 25)
    const began = performance.now()
    const more = long ? 200 : 20
    for (let n = 0; n < more; n++) await say(one, A)
    const each = (performance.now() - began) / more
    t.diagnostic(
      `75 events in ${ms.toFixed(0)} ms on three chains; one after the other ${each.toFixed(2)} ms each`,
    )
  } finally {
    await one.close()
    await two.close()
  }
})

for (const engine of engines) {
  describe(`the audit log on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => {
      ;({ db, close } = await engine.open())
      for (const id of [A, B]) await makeTenant(db, id)
      for (let n = 0; n < 6; n++) for (const id of [A, B, undefined]) await say(db, id, `n.${n}`)
      for (const table of ['audit_events', 'operator_audit'])
        await asOwner(
          db,
          `create table kept_${table} (like ${table})`,
          `insert into kept_${table} select * from ${table}`,
        )
      await asOwner(db, 'alter table kept_audit_events rename column tenant_id to whose')
    })
    after(() => close())

    /** As it was before somebody was at it. */
    const restore = () =>
      asOwner(
        db,
        'delete from audit_events',
        'delete from operator_audit',
        'insert into audit_events select * from kept_audit_events',
        'insert into operator_audit select * from kept_operator_audit',
      )

    test('events are read as written, with the exact time', async () => {
      assert.deepEqual(await faults(db), [])
      const [row] = await withTenant(db, A, (scope) => auditRowsAfter(scope, undefined, 1))
      assert.match(String(row?.at), /^\d{10}\.\d{3}000$/)
      assert.equal(row?.seq, 1)
    })

    test('neither role of the service can change, delete or empty it, or write into the other role’s chain', async () => {
      const roles = {
        spoke_app: (statement: string) => withTenant(db, A, ({ query }) => query(sql.raw(statement))),
        spoke_system: (statement: string) => withSystem(db, ({ query }) => query(sql.raw(statement))),
      }
      let tried = 0
      for (const [role, ask] of Object.entries(roles))
        for (const table of ['audit_events', 'operator_audit'])
          for (const statement of [
            `update ${table} set actor = 'x'`,
            `update ${table} set hash = hash`,
            `delete from ${table}`,
            `delete from ${table} where seq < 0`,
            `truncate ${table}`,
            `select from ${table} for update`,
            `lock table ${table} in access exclusive mode`,
            `alter table ${table} disable trigger all`,
            `drop table ${table}`,
          ]) {
            await assert.rejects(
              ask(statement),
              (error) => codeOf(error) === '42501',
              `${role}: ${statement}`,
            )
            tried += 1
          }
      assert.equal(tried, 36)
      await assert.rejects(
        roles.spoke_app('select from operator_audit'),
        (error) => codeOf(error) === '42501',
      )
      await assert.rejects(
        roles.spoke_system('select from audit_events'),
        (error) => codeOf(error) === '42501',
      )
      await assert.rejects(roles.spoke_app('delete from tenants'), (error) => codeOf(error) === '42501')
      assert.deepEqual(await faults(db), [])
    })

    // A property of our hashing needs more examples on one engine than on the other.
    const isPostgres = engine.name === 'PostgreSQL'

    test('any change of one row by the owner is reported with chain and row, for many changes of any column', async () => {
      const text = fc.constantFrom(`'x'`, `''`, `'admin'`, `'200'`, `'sync.start '`)
      const nullable = fc.oneof(text, fc.constant('null'))
      const columns: Record<string, fc.Arbitrary<string>> = {
        seq: fc.integer({ min: 7, max: 99 }).map(String),
        at: fc.constantFrom(
          `at + interval '1 microsecond'`,
          `at - interval '1 day'`,
          `'infinity'`,
          `(to_char(at, 'YYYY-MM-DD HH24:MI:SS.US') || ' BC')::timestamp`,
        ),
        actor: text,
        action: text,
        target: nullable,
        address: nullable,
        request_id: nullable,
        phase: fc.constant(`'done'`),
        result: nullable,
        prev_hash: fc.constantFrom(`repeat('0', 63) || '1'`, 'hash', 'upper(prev_hash)'),
        hash: fc.constantFrom('prev_hash', `repeat('f', 64)`, 'upper(hash)'),
      }
      // Column by column, so that a few examples miss none.
      for (const [column, values] of Object.entries(columns))
        await fc.assert(
          fc.asyncProperty(
            fc.constantFrom(A, B, operatorChain),
            fc.integer({ min: 1, max: 6 }),
            values,
            async (chain, seq, value) => {
              const [table, where] =
                chain === operatorChain
                  ? ['operator_audit', '']
                  : ['audit_events', `tenant_id = '${chain}' and`]
              const { rows } = await sql
                .raw<{ one: number }>(
                  `update ${table} set ${column} = ${value} where ${where} seq = ${seq} and ${column} is distinct from ${value} returning 1 as one`,
                )
                .execute(db.kysely)
              fc.pre(rows.length === 1)
              const found = await faults(db)
              await restore()
              assert.equal(found.length, 1, `${column} = ${value} at ${seq} of ${chain}: ${found}`)
              assert.ok(found[0]?.startsWith(`${chain}: `), found[0])
              if (column !== 'seq') assert.match(found[0] as string, new RegExp(`event ${seq}\\b`))
            },
          ),
          { numRuns: long ? 15 : isPostgres ? 5 : 3 },
        )
      assert.deepEqual(await faults(db), [])
    })

    const acts: [what: string, statements: string[], expected: RegExp][] = [
      [
        'deletes a row',
        [`delete from audit_events where tenant_id = '${A}' and seq = 3`],
        /events between 2 and 4/,
      ],
      [
        'deletes a run of rows',
        [`delete from operator_audit where seq in (2, 3)`],
        /^operator: events between 1 and/,
      ],
      [
        'puts a row in at the end',
        [
          `insert into audit_events select whose, 7, at, actor, action, target, address, request_id, phase, result, hash, hash
            from kept_audit_events where whose = '${A}' and seq = 6`,
        ],
        /event 7 does not match its hash/,
      ],
      [
        'puts a row in before the first',
        [
          `alter table audit_events drop constraint audit_events_seq_check`,
          `insert into audit_events select whose, 0, at, actor, action, target, address, request_id, phase, result, prev_hash, hash
            from kept_audit_events where whose = '${A}' and seq = 1`,
        ],
        /event 0 does not match its hash/,
      ],
      [
        'swaps the numbers of two rows',
        [
          `update audit_events set seq = seq + 100 where tenant_id = '${A}' and seq in (2, 3)`,
          `update audit_events set seq = 105 - seq where tenant_id = '${A}' and seq > 100`,
        ],
        /event 2 does not match its hash/,
      ],
      [
        'gives a row to another tenant',
        [
          `delete from audit_events where tenant_id = '${B}' and seq = 4`,
          `update audit_events set tenant_id = '${B}' where tenant_id = '${A}' and seq = 4`,
        ],
        /event 4 does not match its hash/,
      ],
      [
        'swaps two tenants’ whole chains',
        [
          `delete from audit_events`,
          `insert into audit_events select case whose when '${A}' then '${B}' else '${A}' end::uuid, seq, at, actor, action, target,
            address, request_id, phase, result, prev_hash, hash from kept_audit_events`,
        ],
        /event 1 does not match its hash/,
      ],
      [
        'gives a tenant’s row to the operator',
        [
          `insert into operator_audit select 7, at, actor, action, target, address, request_id, phase, result, prev_hash, hash
            from kept_audit_events where whose = '${A}' and seq = 1`,
        ],
        /^operator: event 7 does not match its hash/,
      ],
    ]
    for (const [what, statements, expected] of acts) {
      test(`an owner who ${what} is found`, async () => {
        await asOwner(db, ...statements)
        const found = await faults(db)
        await restore()
        assert.ok(found.length > 0, what)
        assert.match(found.join('\n'), expected)
      })
    }

    test('a saved head shows what the chain cannot: newest rows deleted, and a chain rewritten', async () => {
      const noted = [...(await verdicts(db)).values()].map(({ chain, seq, head }) => ({ chain, seq, head }))
      assert.equal(noted.length, 3)
      const savedHeadFaults = async () => {
        const said: string[] = []
        for (const head of noted) said.push((await chainHeadFault(db, head)) ?? '')
        return said.filter(Boolean)
      }
      await say(db, A)
      assert.deepEqual(await savedHeadFaults(), [], 'a chain that grew')
      await asOwner(db, `delete from audit_events where tenant_id = '${A}' and seq > 4`)
      assert.deepEqual(await faults(db), [], 'a chain that is shorter holds')
      assert.deepEqual(await savedHeadFaults(), ['event 6 is among the saved heads but is missing'])
      await restore()
      // Every hash recomputed, as the owner of the table can.
      let prevHash = genesisHash
      for (const row of await withTenant(db, A, (scope) => auditRowsAfter(scope, undefined, 100))) {
        const forged = { ...row, actor: 'somebody-else', prev_hash: prevHash }
        const hash = eventHash(A, forged)
        await sql`update audit_events set actor = ${forged.actor}, prev_hash = ${prevHash}, hash = ${hash}
          where tenant_id = ${A} and seq = ${row.seq}`.execute(db.kysely)
        prevHash = hash
      }
      assert.deepEqual(await faults(db), [], 'a chain written anew holds')
      assert.deepEqual(await savedHeadFaults(), ['event 6 differs from the saved head'])
      await restore()
    })

    test(
      'a long chain is verified in steps; if its oldest events are missing, that is reported',
      isPostgres ? {} : onlyLong,
      async (t) => {
        const C = parseTenantId(newId())
        await makeTenant(db, C)
        // All but the last three are written at once: adding them one after the other takes seconds.
        let prevHash = genesisHash
        const rows = Array.from({ length: 1_200 }, (_, n) => {
          const row = { ...auditEvent, seq: n + 1, at: `${1_780_000_000 + n}.000000`, prev_hash: prevHash }
          prevHash = eventHash(C, row)
          return { ...row, hash: prevHash }
        })
        await sql`
          insert into audit_events
            (tenant_id, seq, at, actor, action, target, address, request_id, phase, result, prev_hash, hash)
          select ${C}, seq, to_timestamp(at), actor, action, target, address, request_id, phase, result,
            prev_hash, hash
          from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(
            seq bigint, at float8, actor text, action text, target text, address text, request_id text,
            phase text, result text, prev_hash text, hash text)`.execute(db.kysely)
        await withTenant(db, C, async (scope) => {
          for (let n = 0; n < 3; n++) await appendTenantAuditEvent(scope, auditEvent)
        })
        const here = async () => (await verdicts(db)).get(C) as ChainState
        const began = performance.now()
        const { events, fault } = await here()
        t.diagnostic(`${events} events verified in ${(performance.now() - began).toFixed(0)} ms`)
        assert.deepEqual([events, fault], [1_203, undefined])
        await asOwner(db, `delete from audit_events where tenant_id = '${C}' and seq <= 500`)
        const cut = await here()
        assert.deepEqual([cut.from, cut.events, cut.fault], [501, 703, undefined])
        for (const seq of [1_000, 1_001, 1_203]) {
          await asOwner(db, `update audit_events set result = 'x' where tenant_id = '${C}' and seq = ${seq}`)
          assert.match(String((await here()).fault), new RegExp(`^event ${seq} does not match its hash`))
          await asOwner(db, `update audit_events set result = null where tenant_id = '${C}' and seq = ${seq}`)
        }
        await asOwner(db, `delete from audit_events where tenant_id = '${C}' and seq = 1001`)
        assert.match(String((await here()).fault), /events between 1000 and 1002/)
        await asOwner(db, `delete from tenants where tenant_id = '${C}'`)
        assert.equal((await verdicts(db)).has(C), false, 'the chain of an erased tenant is deleted')
      },
    )

    test('an event of an unknown tenant goes to the operator’s chain, without its id', async () => {
      const D = parseTenantId(newId())
      const audit = { db, ring }
      const done = { ...auditEvent, phase: 'done', result: '201', target: 'integration:1' } as const
      assert.equal(await recordAuditEvent(audit, D, { ...auditEvent, target: null }), operatorChain)
      await makeTenant(db, D)
      await recordAuditResult(audit, operatorChain, D, done)
      const last = async () =>
        (await withSystem(db, (scope) => auditRowsAfter(scope, 6, 100))).map(({ phase, target }) => [
          phase,
          target,
        ])
      const name = tenantHash(ring, D)
      assert.deepEqual(await last(), [
        ['requested', name],
        ['done', `${name} integration:1`],
      ])
      const own = await withTenant(db, D, (scope) => auditRowsAfter(scope, undefined, 100))
      assert.deepEqual(
        own.map(({ phase, target }) => [phase, target]),
        [['done', 'integration:1']],
      )
      // The other way round: the request is in the tenant's chain, and the effect deletes the tenant.
      const requestedIn = await recordAuditEvent(audit, D, auditEvent)
      assert.equal(requestedIn, D)
      await asOwner(db, `delete from tenants where tenant_id = '${D}'`)
      await recordAuditResult(audit, requestedIn, D, done)
      assert.equal((await last()).length, 3)
      const { rows } = await sql<{
        all: string
      }>`select string_agg(o::text, '') as all from operator_audit o`.execute(db.kysely)
      assert.ok(!rows[0]?.all.includes(D))
      assert.deepEqual(await faults(db), [])
    })

    test('an event that is not committed leaves no gap', async () => {
      const undo = new Error('undo')
      const refused = withSystem(db, async (scope) => {
        await appendOperatorAuditEvent(scope, auditEvent)
        throw undo
      })
      await assert.rejects(refused, undo)
      await say(db, undefined)
      assert.deepEqual(await faults(db), [])
    })
  })
}
