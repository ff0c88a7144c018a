/** The house: imports go down a floor or stay in their room, and nothing imports itself in a circle. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')

/** From the ground up. Rooms of one floor do not know each other. */
const floors = [
  ['lib', 'config'],
  ['hubspot', 'tenants'],
  ['changes'],
  ['outbox'],
  ['integrations'],
  ['issues'],
  ['sync'],
  ['inbox'],
  ['http', 'worker'],
  ['service'],
  ['doctor'],
  ['commands'],
  ['main'],
]

const room = (file: string) => file.split('/')[1]?.replace(/\.ts$/, '') ?? ''
const floorOf = (file: string) => floors.findIndex((rooms) => rooms.includes(room(file)))

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)]
    .map(([, path]) => path as string)
    .filter((path) => path.startsWith('.'))
    .map((path) => relative(root, join(root, dirname(file), path)))
}

const files = (folder: string) => globSync(`${folder}/**/*.{ts,tsx,js}`, { cwd: root })

test('imports in src go downward or stay in their room', () => {
  const faults: string[] = []
  for (const file of files('src')) {
    assert.notEqual(floorOf(file), -1, `${file} stands on no floor`)
    for (const target of importsOf(file)) {
      const down = target.startsWith('src/') && floorOf(target) < floorOf(file)
      if (!down && room(target) !== room(file)) faults.push(`${file} -> ${target}`)
      // The configuration is read by whoever starts the house, and by nobody inside it.
      if (room(target) === 'config' && !['main', 'commands', 'doctor', 'service'].includes(room(file)))
        faults.push(`${file} -> ${target}`)
    }
  }
  // config.ts stands on the ground floor and uses lib's types.
  assert.deepEqual(
    faults.filter((fault) => !fault.startsWith('src/config.ts -> src/lib/')),
    [],
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
  for (const file of [...files('src'), ...files('emulator')]) walk(file, [])
  assert.deepEqual(circles, [])
})

test('the emulator and the service know nothing of each other', () => {
  const crossing = [
    ...files('emulator').flatMap((file) => importsOf(file).filter((target) => target.startsWith('src/'))),
    ...files('src').flatMap((file) => importsOf(file).filter((target) => !target.startsWith('src/'))),
  ]
  assert.deepEqual(crossing, [])
})

test('a schema.ts is zod and nothing else of ours but the shared wire pieces', () => {
  for (const file of files('src').filter((path) => path.endsWith('/schema.ts'))) {
    assert.deepEqual(
      importsOf(file).filter((target) => target !== 'src/lib/wire.ts'),
      [],
      file,
    )
  }
})

test('SQL stands in stores, and only the scope file opens a transaction', () => {
  const sqlRooms = /(store|budget|migrate|db|health)\.ts$|^src\/(tenants\/isolation|doctor)\//
  const withSql = files('src').filter((file) => /\bsql`|\bsql</.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(
    withSql.filter((file) => !sqlRooms.test(file)),
    [],
  )
  const opening = files('src').filter((file) =>
    /\binTransaction\b/.test(readFileSync(join(root, file), 'utf8')),
  )
  assert.deepEqual(
    // The doctor tries what no scope would: nobody's tenant, and the scratch database's own owner.
    opening.sort().filter((file) => !file.startsWith('src/doctor/')),
    ['src/http/health.ts', 'src/lib/db.ts', 'src/tenants/scope.ts'],
  )
})
