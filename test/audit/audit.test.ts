/** The hash chain as plain rows: its format is fixed, and any change to any row is found and named. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type AuditRow,
  canonicalEvent,
  eventHash,
  genesisHash,
  unverifiedChain,
  verifyChainRows,
} from '../../src/audit/event.ts'
import { tenantHash, tenantHashes } from '../../src/audit/tenant-hash.ts'
import { A, auditEvent, B, ring } from '../support/rows.ts'

/** A whole chain of `count` events. */
function chainOf(chain: string, count: number): AuditRow[] {
  const rows: AuditRow[] = []
  for (let seq = 1; seq <= count; seq++) {
    const at = `${1_790_000_000 + seq}.000000`
    const row = { ...auditEvent, seq, at, result: null, prev_hash: rows.at(-1)?.hash ?? genesisHash }
    rows.push({ ...row, hash: eventHash(chain, row) })
  }
  return rows
}

const verdictOn = (chain: string, rows: AuditRow[]) => verifyChainRows(unverifiedChain(chain), rows)

test('the hash covers one JSON array of every column, and Python computes the same', () => {
  const row = { ...auditEvent, target: 'a "b"\n', seq: 1, at: '1790000000.123000', prev_hash: genesisHash }
  const text =
    '["spoke-audit-1","operator",1,"1790000000.123000","admin","sync.start","a \\"b\\"\\n","127.0.0.1","a-seed",' +
    `"requested",null,"${genesisHash}"]`
  assert.equal(canonicalEvent('operator', row), text)
  assert.equal(eventHash('operator', row), '6b64a67412e477c5738891bc12138e019ddcc72ce5b7dc58f6624bb193011837')
})

test('an unchanged chain verifies, in one run or in several', () => {
  const rows = chainOf(A, 9)
  const whole = verdictOn(A, rows)
  assert.deepEqual(whole, { chain: A, from: 1, follows: genesisHash, seq: 9, head: rows[8]?.hash, events: 9 })
  assert.deepEqual(verifyChainRows(verdictOn(A, rows.slice(0, 4)), rows.slice(4)), whole)
  assert.deepEqual(verdictOn(A, []), {
    chain: A,
    from: null,
    follows: genesisHash,
    seq: 0,
    head: genesisHash,
    events: 0,
  })
})

test('any change to any one field of any row is found at that row or the next, 3,000 changes', () => {
  const fields = Object.keys(chainOf(A, 1)[0] as AuditRow) as (keyof AuditRow)[]
  assert.equal(fields.length, 11)
  const other = fc.oneof(fc.string(), fc.constant(null), fc.integer(), fc.string({ unit: 'binary' }))
  const count = 7
  fc.assert(
    fc.property(
      fc.nat(count - 1),
      fc.constantFrom(...fields),
      other,
      fc.boolean(),
      (at, field, value, hashedAgain) => {
        const rows = chainOf(A, count)
        const was = rows[at] as AuditRow
        fc.pre(value !== was[field] && (field !== 'seq' || Number.isInteger(value)))
        let row = { ...was, [field]: value } as AuditRow
        // If the row's own hash was recomputed as well, the next row reveals it.
        if (hashedAgain && field !== 'hash' && at < count - 1) row = { ...row, hash: eventHash(A, row) }
        rows[at] = row
        const { fault } = verdictOn(A, rows)
        assert.ok(fault, `${field} of row ${at + 1}`)
        const named = fault.match(/event (-?[\d.e+]+|\S+)/)?.[1]
        assert.ok(field === 'seq' || [at, at + 1, at + 2].map(String).includes(String(named)), fault)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('a row that is taken out, put in, moved, swapped or of another tenant is found', () => {
  const rows = chainOf(A, 6)
  const foreign = chainOf(B, 6)
  for (let at = 1; at < 5; at++) {
    const faultOf = (changed: AuditRow[]) => verdictOn(A, changed).fault
    assert.match(faultOf(rows.toSpliced(at, 1)) ?? '', new RegExp(`events between ${at} and ${at + 2}`))
    assert.match(
      faultOf(rows.toSpliced(at, 0, rows[at] as AuditRow)) ?? '',
      /are missing, or one was inserted/,
    )
    assert.match(
      faultOf(rows.with(at, foreign[at] as AuditRow)) ?? '',
      new RegExp(`^event ${at + 1} does not match its hash`),
    )
    const swapped = rows.with(at, { ...(rows[at + 1] as AuditRow), seq: at + 1 })
    assert.match(faultOf(swapped) ?? '', new RegExp(`^event ${at + 1} does not match its hash`))
  }
  assert.match(verdictOn(B, rows).fault ?? '', /^event 1 does not match its hash/)
})

test('a chain that lost its oldest events reports where it begins, and does not count as complete', () => {
  const rows = chainOf(A, 9)
  const { from, follows, events, fault } = verdictOn(A, rows.slice(3))
  assert.deepEqual([from, follows, events, fault], [4, rows[2]?.hash, 6, undefined])
})

test('a pseudonym is the same each time, differs by tenant and key, and holds nothing of the id', () => {
  const older = { kid: 'k0', key: new Uint8Array(32).fill(9) }
  assert.equal(tenantHash(ring, A), tenantHash(ring, A))
  assert.match(tenantHash(ring, A), /^tenant:k1:[\w-]{22}$/)
  const all = [...tenantHashes([...ring, older], A), ...tenantHashes([...ring, older], B)]
  assert.equal(new Set(all).size, 4)
  assert.ok(all.every((name) => !name.includes(A.slice(0, 8))))
})
