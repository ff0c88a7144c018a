/** The embedded database's directory and key file, when they were made beforehand with rights for others. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { makePrivate } from '../../src/lib/private-directory.ts'
import { layOutEmbedded } from '../support/embedded.ts'
import { quiet } from '../support/engines.ts'

let base: string
before(() => {
  base = mkdtempSync(join(tmpdir(), 'spoke-private-'))
})
after(() => rmSync(base, { recursive: true, force: true }))

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8)
/** With exactly this mode, whatever the umask. */
function directory(name: string, mode: number): string {
  const path = join(base, name)
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

test('an embedded database is opened in a directory that is closed to other users, even if it existed before', async () => {
  for (const [name, mode] of [
    ['by mkdir', 0o755],
    ['by anybody', 0o777],
    ['for a group', 0o2770],
  ] as const) {
    const dataDir = directory(name, mode)
    makePrivate(dataDir)
    assert.match(modeOf(dataDir), /^2?700$/, name)
  }
  const dataDir = directory('opened', 0o755)
  await layOutEmbedded(dataDir)
  chmodSync(dataDir, 0o755)
  const db = await openDatabase({ dataDir, poolSize: 1 }, quiet)
  await db.close()
  assert.equal(modeOf(dataDir), '700')
  // Once it holds a database it is known to be ours.
  chmodSync(dataDir, 0o755)
  makePrivate(dataDir)
  assert.equal(modeOf(dataDir), '700')
})

test('a directory of another user is not changed, and not used', async () => {
  const shared = directory('shared', 0o1777)
  writeFileSync(join(shared, 'notes.txt'), '')
  await assert.rejects(openDatabase({ dataDir: shared, poolSize: 1 }, quiet), {
    name: 'DatabaseStartError',
    message: `cannot use the data directory ${shared} (SPOKE_DATA_DIR): it is open to other users of this machine (mode 1777) and contains other files; use a directory for Spoke alone`,
  })
  assert.equal(modeOf(shared), '1777')
})

test(
  'a directory that this user may not change refuses the start',
  { skip: process.getuid?.() !== 0 },
  () => {
    const theirs = directory('theirs', 0o777)
    chmodSync(base, 0o755)
    process.seteuid?.(65534)
    try {
      assert.throws(
        () => makePrivate(theirs),
        /this user cannot change that; .* SPOKE_DATA_DIR=\S+\/theirs\/spoke$/,
      )
    } finally {
      process.seteuid?.(0)
    }
  },
)

test('a key file that others can read is closed, and one that anybody could replace is warned of', () => {
  const parent = directory('parent', 0o755)
  const dataDir = join(parent, 'data')
  const env = { SPOKE_DATA_DIR: dataDir, HOST: '127.0.0.1' }
  const [made] = readConfig(env, () => {}).keyRing
  assert.equal(modeOf(`${dataDir}.keys`), '600')
  chmodSync(`${dataDir}.keys`, 0o644)
  assert.deepEqual(readConfig(env, () => {}).keyRing[0], made)
  assert.equal(modeOf(`${dataDir}.keys`), '600')
  chmodSync(parent, 0o777)
  const lines: string[] = []
  const say = (line: string) => lines.push(line)
  assert.deepEqual(readConfig(env, say).keyRing[0], made)
  assert.match(
    lines.join('\n'),
    /^warning: every user of this machine can write .* chmod o-w .*, or set SPOKE_ENCRYPTION_KEYS$/,
  )
  // A checkout in a devcontainer: the first start works too.
  const fresh = { ...env, SPOKE_DATA_DIR: join(parent, 'fresh') }
  assert.equal(readConfig(fresh, say).keyRing.length, 1)
  assert.equal(lines.length, 3)
  chmodSync(parent, 0o1777)
  readConfig(env, say)
  assert.equal(lines.length, 3)
})
