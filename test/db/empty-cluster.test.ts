/** A new embedded database: complete or absent, with the settings that the schema relies on. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PGlite } from '@electric-sql/pglite'
import { createCluster } from '../../src/db/empty-cluster.ts'

test('a cluster whose creation was interrupted is created again, and one that is there is left alone', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-cluster-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const cluster = join(dir, 'pg')
  // What a process leaves that is killed while it unpacks.
  mkdirSync(`${cluster}.new`)
  writeFileSync(join(`${cluster}.new`, 'PG_VERSION'), '18\n')
  await createCluster(cluster)
  assert.ok(!existsSync(`${cluster}.new`))
  const pglite = await PGlite.create(cluster)
  const { rows } = await pglite.query(`
    select current_setting('server_encoding') as encoding, datcollate as collation,
      current_setting('data_checksums') as checksums
    from pg_database where datname = current_database()`)
  await pglite.close()
  assert.deepEqual(rows, [{ encoding: 'UTF8', collation: 'C', checksums: 'on' }])
  writeFileSync(join(cluster, 'mark'), '')
  await createCluster(cluster)
  assert.ok(existsSync(join(cluster, 'mark')))
})
