/** A key ring that does not match prevents the start, with the key's name, before anything is served; and the commands that count and rotate. */
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { newDataKey } from '../../src/lib/seal.ts'
import { admitKeyRing, rotateKeyRing } from '../../src/tenants/key-ring.ts'
import { runSpoke } from '../support/command.ts'
import { layOutEmbedded } from '../support/embedded.ts'
import { quiet } from '../support/engines.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { A, B, seedTenant } from '../support/rows.ts'
import { startTestService } from '../support/service.ts'

const bytes = (fill: number) => Buffer.alloc(32, fill).toString('base64')

let dir: string
let url: string
let db: Database
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'spoke-ring-'))
  url = await newPostgresDatabase()
  db = await openDatabase({ url, dataDir: '', poolSize: 2 }, quiet)
  await seedTenant(db, A)
  await seedTenant(db, B)
})
after(async () => {
  await db.close()
  rmSync(dir, { recursive: true, force: true })
})

const command = (ring: string, ...words: string[]) =>
  runSpoke(dir, { DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: ring }, ...words)

/** Ends a start that should have been refused, so that the test fails instead of waiting. */
async function refusedStart(ring: string): Promise<string> {
  const started = startProcess(dir, { DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: ring })
  started.url.then(() => started.end('SIGKILL')).catch(() => {})
  assert.equal(await started.exit, 1, started.output())
  return started.output()
}

/** A refused start, in the process that runs many commands. */
async function refusedCommand(ring: string): Promise<string> {
  const env = {
    DATABASE_URL: url,
    SPOKE_ENCRYPTION_KEYS: ring,
    PORT: '0',
    SPOKE_WATCHDOG: '0s',
    LOG_LEVEL: 'error',
  }
  const { code, err } = await runSpoke(dir, env, 'serve')
  assert.equal(code, 1, err)
  return err
}

function assertNoKeyIn(output: string): void {
  for (const fill of [7, 8, 9])
    for (const form of ['base64', 'base64url', 'hex'] as const)
      assert.ok(!output.includes(Buffer.alloc(32, fill).toString(form).slice(0, 16)))
}

test('wrong, short, missing and dropped keys end the start with exit 1 and one line that names the key', async () => {
  for (const [ring, expected] of [
    [`k1:${bytes(9)}`, /key "k1" of the ring is not the key that this database knows/],
    [`k2:${bytes(8)}`, /key "k1" is not in the ring and seals the data keys of 2 tenants/],
    [`k1:${bytes(7).slice(0, 24)}`, /key "k1" has \d+ bytes, not 32/],
    [`k1:`, /key "k1" has 0 bytes, not 32/],
    [`k1:${bytes(7)},k0:not base64!`, /key "k0" is not base64/],
    ['', /SPOKE_ENCRYPTION_KEYS must be set/],
  ] as const) {
    const output = await refusedCommand(ring)
    // A configuration lists its faults below a headline.
    assert.ok(output.trim().split('\n').length <= 2, output)
    assert.match(output, expected)
    assert.doesNotMatch(output, /listening/)
    assertNoKeyIn(output)
  }
})

test('the refusal is one line on standard error, and the right ring starts', async () => {
  const output = await refusedStart(`k2:${bytes(8)},k1:${bytes(9)}`)
  assert.equal(output.trim().split('\n').length, 1, output)
  assert.doesNotMatch(output, /listening/)
  assertNoKeyIn(output)
  const right = startProcess(dir, { DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: `k1:${bytes(7)}` })
  assert.equal((await fetch(`${await right.url}/readyz`)).status, 200)
  assert.equal(await right.end('SIGTERM'), 0)
  // From here on the database has a sentinel for the key, and no tenant's data key is read.
  assert.match(
    await refusedCommand(`k1:${bytes(9)}`),
    /key "k1" of the ring is not the key that this database knows/,
  )
})

test('key-ring status counts and names removable keys; rotate moves all; --json prints the same for programs', async () => {
  const [old, both] = [`k1:${bytes(7)}`, `k2:${bytes(8)},k1:${bytes(7)}`]
  const before = await command(both, 'key-ring', 'status')
  assert.equal(before.code, 0, before.err)
  assert.equal(before.out, 'k2\t0 tenants\tnewest: seals\nk1\t2 tenants\topens\n')
  const rotated = await command(both, 'key-ring', 'rotate', '--json')
  assert.deepEqual(JSON.parse(rotated.out), { newest: 'k2', resealed: 2, failed: [], left: 0 })
  assert.deepEqual([rotated.code, rotated.err], [0, ''])
  const after = await command(both, 'key-ring', 'status', '--json')
  assert.deepEqual(JSON.parse(after.out), {
    ring: [
      { kid: 'k2', newest: true, tenants: 2 },
      { kid: 'k1', newest: false, tenants: 0 },
    ],
    missing: [],
    faults: [],
  })
  assert.match(
    (await command(both, 'key-ring', 'status')).out,
    /^k1\t0 tenants\tseals nothing: can be removed$/m,
  )
  const lost = await command(old, 'key-ring', 'status')
  assert.equal(lost.code, 1)
  assert.match(lost.out, /^k2\t2 tenants\tNOT IN THE RING$/m)
  assert.match(lost.err, /key "k2" is not in the ring/)
  const refused = await command(old, 'key-ring', 'rotate')
  assert.equal(refused.code, 1)
  assert.match(
    refused.err,
    /^spoke: the key ring does not match the database: key "k2" is not in the ring[^\n]*\n$/,
  )
  await rotateKeyRing(db, [
    { kid: 'k1', key: new Uint8Array(32).fill(7) },
    { kid: 'k2', key: new Uint8Array(32).fill(8) },
  ])
})

test('an embedded database without its key file refuses the start instead of making a key that opens nothing', async () => {
  const dataDir = join(dir, 'data')
  const embedded = { DATABASE_URL: '', SPOKE_ENCRYPTION_KEYS: '', SPOKE_DATA_DIR: dataDir }
  // The key file is made while there is no database; the prepared one has no sentinel before the first start.
  readConfig(embedded)
  await layOutEmbedded(dataDir)
  await (await startTestService('http://127.0.0.1:9', embedded)).stop()
  renameSync(join(dir, 'data.keys'), join(dir, 'saved.keys'))
  const second = await runSpoke(dir, { PORT: '0', SPOKE_WATCHDOG: '0s', LOG_LEVEL: 'error' }, 'serve')
  assert.equal(second.code, 1)
  assert.match(second.err, /the key file \S+data\.keys is missing/)
  renameSync(join(dir, 'saved.keys'), join(dir, 'data.keys'))
  const third = startProcess(dir)
  await third.url
  assert.equal(await third.end('SIGTERM'), 0)
})

test('with 20,000 tenants the check at start reads none of them, and an added or removed key costs one query', async (t) => {
  const many = await newPostgresDatabase()
  const large = await openDatabase({ url: many, dataDir: '', poolSize: 2 }, quiet)
  try {
    const [k1, k2] = [1, 2].map((n) => ({ kid: `k${n}`, key: new Uint8Array(32).fill(n) })) as [
      { kid: string; key: Uint8Array },
      { kid: string; key: Uint8Array },
    ]
    const tenant = '00000000-0000-4000-8000-000000000000'
    const sealed = await newDataKey([k1], tenant)
    await sql`insert into tenants (tenant_id, data_key) values (${tenant}, ${sealed})`.execute(large.kysely)
    await sql`insert into tenants (tenant_id, data_key)
      select gen_random_uuid(), ${sealed} from generate_series(2, 20000)`.execute(large.kysely)
    const timed = async (ring: { kid: string; key: Uint8Array }[]) => {
      const began = performance.now()
      assert.deepEqual(await admitKeyRing(large, ring), [])
      return performance.now() - began
    }
    const came = await timed([k2, k1])
    // What it may not read it does not read.
    await adminQuery('revoke select (tenant_id, key_id) on tenants from spoke_system', many)
    const steady = await timed([k2, k1])
    await adminQuery('grant select (tenant_id, key_id) on tenants to spoke_system', many)
    const went = await timed([k1])
    t.diagnostic(
      `20,000 tenants: ${steady.toFixed(1)} ms; an added key ${came.toFixed(1)} ms, a removed one ${went.toFixed(1)} ms`,
    )
  } finally {
    await large.close()
  }
})
