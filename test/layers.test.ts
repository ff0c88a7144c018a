/** The source layout: layers, the order of the folders within one, and one folder that writes each table. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')

/** From the bottom up. A folder imports from layers below its own, and within its own from folders listed before it. */
const layers = {
  base: ['lib', 'environment', 'config', 'db'],
  platform: ['hubspot', 'api', 'tenants', 'auth', 'audit'],
  features: ['changes', 'outbox', 'integrations', 'issues', 'sync', 'inbox', 'journal', 'sql-access'],
  delivery: ['http', 'worker'],
  entry: ['app', 'doctor', 'cli', 'main'],
}

/** HTTP and the worker are two ways in, and do not know each other. */
const strangers = new Set(['worker -> http', 'http -> worker'])
const order = Object.values(layers).flat()
const folderOf = (file: string) => file.split('/')[1]?.replace(/\.ts$/, '') ?? ''

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)]
    .map(([, path]) => path as string)
    .filter((path) => path.startsWith('.'))
    .map((path) => relative(root, join(root, dirname(file), path)))
}

const files = (folder: string) => globSync(`${folder}/**/*.{ts,tsx,js}`, { cwd: root })

test('a folder imports from layers below it, and in its own layer in the order drawn', () => {
  const wrong: string[] = []
  for (const file of files('src')) {
    const from = folderOf(file)
    assert.ok(order.includes(from), `${file} is in no layer`)
    for (const target of importsOf(file)) {
      const to = folderOf(target)
      const down = target.startsWith('src/') && order.indexOf(to) < order.indexOf(from)
      if (from !== to && (!down || strangers.has(`${from} -> ${to}`))) wrong.push(`${file} -> ${target}`)
      // Only the entry points of the process read the environment, by its configuration.
      if (to === 'environment' && from !== 'config') wrong.push(`${file} -> ${target}`)
      if (to === 'config' && !layers.entry.includes(from)) wrong.push(`${file} -> ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('every feature is listed in app/compose.ts, and the worker and the server import none', () => {
  const listed = importsOf('src/app/compose.ts')
  // The type of all of them.
  const features = files('src').filter(
    (file) => file.endsWith('/feature.ts') && file !== 'src/api/feature.ts',
  )
  assert.deepEqual(features.filter((file) => !listed.includes(file)).sort(), [])
  const given = [...files('src/worker'), 'src/http/server.ts']
  const wrong = given.flatMap((file) =>
    importsOf(file)
      .filter((target) => layers.features.includes(folderOf(target)))
      .map((target) => `${file} -> ${target}`),
  )
  assert.deepEqual(wrong, [])
})

/** A change and its deliveries are written by one statement, so that neither is there without the other. */
const writtenByTwo = { deliveries: ['changes', 'outbox'] }

test('each table is written by one folder', () => {
  const tables = new Set(
    globSync('migrations/*.sql', { cwd: root }).flatMap((file) =>
      [
        ...readFileSync(join(root, file), 'utf8').matchAll(
          /^create (?:unlogged )?table (?:if not exists )?(\w+)/gm,
        ),
      ].map(([, table]) => table as string),
    ),
  )
  assert.ok(tables.size > 15)
  const writers = new Map([...tables].map((table) => [table, new Set<string>()]))
  for (const file of files('src')) {
    const text = readFileSync(join(root, file), 'utf8')
    for (const [, table] of text.matchAll(/\b(?:insert into|update|delete from|truncate)\s+(\w+)/g))
      writers.get(table as string)?.add(folderOf(file))
  }
  const shared = [...writers].filter(([, folders]) => folders.size > 1)
  assert.deepEqual(
    Object.fromEntries(shared.map(([table, folders]) => [table, [...folders].sort()])),
    writtenByTwo,
  )
})

test('no two files import each other in a circle', () => {
  const done = new Set<string>()
  const circles: string[] = []
  const walk = (file: string, path: string[]): void => {
    const at = path.indexOf(file)
    if (at !== -1) circles.push([...path.slice(at), file].join(' -> '))
    if (at !== -1 || done.has(file)) return
    for (const target of importsOf(file)) walk(target, [...path, file])
    done.add(file)
  }
  for (const file of files('src')) walk(file, [])
  assert.deepEqual(circles, [])
})

test('the emulator and the service know nothing of each other', () => {
  const crossing = [
    ...files('packages/emulator/src').flatMap((file) =>
      importsOf(file).filter((target) => target.startsWith('src/')),
    ),
    ...files('src').flatMap((file) => importsOf(file).filter((target) => !target.startsWith('src/'))),
  ]
  assert.deepEqual(crossing, [])
})

test('a schema.ts is zod and nothing else of ours but the shared wire pieces', () => {
  for (const file of files('src').filter((path) => path.endsWith('/schema.ts'))) {
    assert.deepEqual(
      importsOf(file).filter((target) => target !== 'src/api/wire.ts'),
      [],
      file,
    )
  }
})

test('a file name appears once in src, apart from those that every folder may have', () => {
  const each = new Set(['store.ts', 'schema.ts', 'routes.ts', 'feature.ts'])
  const names = files('src').map((file) => file.split('/').at(-1) as string)
  assert.deepEqual(
    names.filter((name, at) => !each.has(name) && names.indexOf(name) !== at),
    [],
  )
})

test('SQL is only in stores, and only the scope file opens a transaction', () => {
  const sqlFiles = /(store|budget|health)\.ts$|^src\/(db|doctor)\//
  const withSql = files('src').filter((file) => /\bsql`|\bsql</.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(
    withSql.filter((file) => !sqlFiles.test(file)),
    [],
  )
  const opening = files('src').filter((file) =>
    /\binTransaction\b|\bdb\.transaction\b/.test(readFileSync(join(root, file), 'utf8')),
  )
  assert.deepEqual(
    // The doctor tries what no scope does: no tenant, and the owner of the scratch database.
    opening.sort().filter((file) => !file.startsWith('src/doctor/')),
    // Roles are created and dropped by the migrating login itself.
    ['src/db/scope.ts', 'src/db/sql-login-roles.ts', 'src/db/transaction.ts', 'src/http/health.ts'],
  )
})
