/** The two tables of requirements: each requirement has one row, each "met" names an existing test, and the counts are correct. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { matches, read, root, section } from './markdown.ts'
import { requirements } from './requirements.ts'
import { tablesOfSchema } from './tables.ts'

const states = ['met', 'not applicable', 'not met'] as const
type State = (typeof states)[number]

interface Row {
  numbers: string[]
  levels: string
  state: State
  why: string
}

/** `6.2.1–6.2.12` -> each of them */
function numbersOf(cell: string): string[] {
  const [first = '', last = first] = cell.split('–')
  const [chapter, part, from] = first.split('.').map(Number)
  const to = Number(last.split('.')[2])
  return Array.from({ length: to - Number(from) + 1 }, (_, at) => `${chapter}.${part}.${Number(from) + at}`)
}

function rowsOf(text: string): Row[] {
  return [
    ...text.matchAll(
      /^\| (\d+\.\d+\.\d+(?:–\d+\.\d+\.\d+)?) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm,
    ),
  ].map(([, numbers = '', levels = '', , state = '', why = '']) => {
    assert.ok((states as readonly string[]).includes(state), `${numbers} is "${state}"`)
    return { numbers: numbersOf(numbers), levels, state: state as State, why }
  })
}

const testsIn = (text: string) => matches(text, /\]\(\.\.\/\.\.\/(test\/[^)#]+)\)/g)

const asvs = read('docs/security/asvs.md')
const rows = rowsOf(asvs)

test('every requirement of levels 1 and 2 has one row, with its level', () => {
  assert.equal(requirements.size, 253)
  assert.equal([...requirements.values()].filter((level) => level === 1).length, 70)
  assert.deepEqual(
    rows.flatMap(({ numbers }) => numbers),
    [...requirements.keys()],
  )
  for (const { numbers, levels } of rows) {
    const there = [...new Set(numbers.map((number) => requirements.get(number)))].sort()
    assert.equal(levels, there.join(', '), numbers.join())
  }
})

test('each requirement that is met names an existing test; any other gives a reason', () => {
  for (const { numbers, state, why } of rows) {
    const tests = testsIn(why)
    if (state === 'met') assert.ok(tests.length > 0, `${numbers} names no test`)
    else assert.ok(why.length >= 7, `${numbers} gives no reason`)
    for (const path of tests) {
      assert.match(path, /\.test\.ts$/, `${numbers}`)
      assert.ok(existsSync(join(root, path)), `${numbers}: ${path}`)
    }
  }
})

test('the counts in the text are those of the rows', () => {
  const counted = (level: 1 | 2, state: State) =>
    rows
      .filter((row) => row.state === state)
      .flatMap(({ numbers }) => numbers)
      .filter((number) => requirements.get(number) === level).length
  for (const level of [1, 2] as const) {
    const cells = states.map((state) => counted(level, state))
    const total = cells.reduce((sum, cell) => sum + cell, 0)
    assert.ok(
      asvs.includes(`| ${level} | ${cells.join(' | ')} | ${total} |`),
      `${level}: ${cells.join(' | ')} | ${total}`,
    )
  }
})

test('each of the ten risks has its row, with a test or a reason', () => {
  const text = read('docs/security/owasp.md')
  const risks = [...text.matchAll(/^\| (API\d+):2023 ([^|]+) \| ([^|]*) \| ([^|]*) \|$/gm)]
  assert.deepEqual(
    risks.map(([, risk]) => risk),
    Array.from({ length: 10 }, (_, at) => `API${at + 1}`),
  )
  for (const [, risk, , how = '', proof = ''] of risks) {
    assert.ok(how.length > 40, risk)
    const tests = testsIn(proof)
    assert.ok(tests.length > 0, `${risk} names no test`)
    for (const path of tests) assert.ok(existsSync(join(root, path)), `${risk}: ${path}`)
  }
})

test('SECURITY.md stays short and links to the pages', () => {
  const text = read('SECURITY.md')
  assert.ok(text.split('\n').length <= 50)
  for (const page of ['checks', 'owasp', 'asvs', 'planted-faults'])
    assert.ok(text.includes(`(docs/security/${page}.md`), page)
})

test('the algorithms that the page of checks lists are those of the source', () => {
  const table = section(read('docs/security/checks.md'), 'Cryptography')
  for (const name of ['A256GCM', 'SHA-256', 'S256']) assert.ok(table.includes(name), name)
})

test('each table is in the list of stored data', () => {
  const listed = matches(section(read('docs/security/checks.md'), 'Stored data'), /`([a-z_]+)`(?=[,\s|])/g)
  const tables = tablesOfSchema().map(({ name }) => name)
  assert.ok(tables.length > 15)
  assert.deepEqual(listed.toSorted(), tables)
})
