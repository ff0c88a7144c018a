/** The documents name everything that exists, and nothing else: routes, errors, metrics, tables, states, links. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { after, before, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { transitions } from '../../src/integrations/integration.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { syncEvent } from '../../src/sync/schema.ts'
import { startTestService, type TestService } from '../support/service.ts'
import {
  anchorsOf,
  blocksOf,
  documents,
  headingsOf,
  matches,
  prose,
  read,
  root,
  section,
} from './markdown.ts'
import { tablesOfSchema } from './tables.ts'

interface Operation {
  operationId?: string
  summary?: string
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}

interface OpenApi {
  paths: Record<string, Record<string, Operation>>
  components?: object
}

let service: TestService
let openapi: OpenApi

before(async () => {
  service = await startTestService('http://127.0.0.1:9')
  const answer = await service.get('/openapi.json')
  assert.equal(answer.status, 200)
  openapi = answer.body
})

after(() => service?.stop())

/** As `GET /path/{id}`. The description of the routes does not describe itself and its page. */
const routes = (): string[] => [
  'GET /docs',
  'GET /openapi.json',
  ...Object.entries(openapi.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  ),
]

const methodAndPath = /^(GET|POST|PUT|PATCH|DELETE) \//

test('openapi.json is what the service returns; `npm run openapi` writes it', () => {
  assert.deepEqual(JSON.parse(read('openapi.json')), openapi)
})

test('each operation has a summary and an id of its own', () => {
  const operations = Object.values(openapi.paths).flatMap((path) => Object.values(path))
  assert.deepEqual(
    operations.filter(({ summary, operationId }) => !summary || !operationId),
    [],
  )
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
})

test('docs/api.md has a heading for each route and no other', () => {
  const named = headingsOf(read('docs/api.md')).filter((heading) => methodAndPath.test(heading))
  assert.deepEqual(named.toSorted(), routes().sort())
})

test('the table of docs/api.md has a row for each route and no other', () => {
  const named = matches(
    section(read('docs/api.md'), 'Routes'),
    /^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \|/gm,
  )
  assert.deepEqual(named.toSorted(), routes().sort())
})

test('the examples of docs/api.md are what the schemas allow', () => {
  const ajv = new Ajv2020({ strict: false })
  addFormats.default(ajv)
  let checked = 0
  for (const { info, text, heading } of blocksOf(read('docs/api.md'))) {
    const [language, what = ''] = info.split(' ')
    if (language !== 'json') continue
    const [method = '', path = ''] = heading.split(' ')
    const operation = openapi.paths[path]?.[method.toLowerCase()]
    const content = what === 'request' ? operation?.requestBody?.content : operation?.responses[what]?.content
    const schema = content?.['application/json']?.schema
    assert.ok(schema, `${heading}: the route has no "${what}"`)
    const valid = ajv.compile({ ...schema, components: openapi.components })
    assert.ok(valid(JSON.parse(text)), `${heading} ${what}: ${ajv.errorsText(valid.errors)}`)
    checked += 1
  }
  assert.ok(checked >= 10, `only ${checked} examples`)
})

test('every error code is named in docs/errors.md with its status, and no other', () => {
  const codes = matches(read('src/lib/errors.ts'), /^ {2}\| '([a-z_]+)'$/gm)
  const statuses = read('src/http/route-errors.ts')
  assert.ok(codes.length > 20)
  const text = read('docs/errors.md')
  const headings = matches(text, /^### (.+)$/gm)
  assert.deepEqual(headings.toSorted(), [...codes, 'internal'].sort())
  for (const code of headings) {
    const status =
      code === 'internal' ? '500' : new RegExp(`^ {2}${code}: (\\d{3}),$`, 'm').exec(statuses)?.[1]
    assert.match(section(text, code), new RegExp(`^HTTP ${status}\\b`), code)
  }
})

test('codes that documents name as an error of a route are codes', () => {
  const codes = new Set(matches(read('docs/errors.md'), /^### (.+)$/gm))
  for (const line of prose(read('docs/api.md')).matchAll(/Errors: ([\s\S]*?)\.(?=\s)/g)) {
    for (const name of matches(line[1] as string, /`([a-z]+_[a-z_]+)`/g))
      assert.ok(codes.has(name) || name === 'integration_id', `docs/api.md names ${name}`)
  }
})

test('docs/operations.md lists every metric and no other', async () => {
  const printed = await createMetrics().print()
  const ours = matches(printed, /^# TYPE (spoke_\w+) /gm)
  const named = matches(section(read('docs/operations.md'), 'Metrics'), /^\| `(spoke_\w+)` \|/gm)
  assert.deepEqual(named.toSorted(), ours.sort())
})

test('every log line that docs/operations.md explains is written somewhere', () => {
  const lines = matches(section(read('docs/operations.md'), 'Log lines'), /^\| `([^`]+)` \|/gm)
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(join('src', file)))
    .join('\n')
  assert.ok(lines.length > 15)
  for (const line of lines) assert.ok(sources.includes(`'${line}`), `no source logs "${line}"`)
})

test('every table is named in docs/concepts.md or docs/architecture.md', () => {
  const named = read('docs/concepts.md') + read('docs/architecture.md')
  assert.ok(tablesOfSchema().length > 30)
  for (const { name } of tablesOfSchema())
    assert.ok(named.includes(`\`${name}\``), `no document names table ${name}`)
})

test('the table of marks in docs/architecture.md is that of schema.sql', () => {
  const listed = [
    ...section(read('docs/architecture.md'), 'The tables').matchAll(/^\| `(\w+)` \| (\w+) \|/gm),
  ]
  assert.deepEqual(
    listed.map(([, table, mark]) => `${table} ${mark}`).sort(),
    tablesOfSchema()
      .map(({ name, mark }) => `${name} ${mark}`)
      .sort(),
  )
})

test('the states in docs/concepts.md are those of the code', () => {
  const text = read('docs/concepts.md')
  const table = (heading: string) =>
    [...section(text, heading).matchAll(/^\| `(\w+)` \|([^|]*)\|/gm)].map(
      ([, from, to]) => [from as string, matches(to as string, /`(\w+)`/g)] as const,
    )
  const integration = table('Integration: states').filter(([from]) => from in transitions)
  assert.deepEqual(Object.fromEntries(integration), transitions)
  const events = table('Sync event: states').map(([from]) => from)
  assert.deepEqual(events, syncEvent.shape.state.options)
})

test('relative links lead to files and headings that are there', () => {
  const broken: string[] = []
  for (const document of documents()) {
    const text = prose(read(document)).replaceAll(/`[^`\n]*`/g, '')
    for (const target of matches(text, /\]\(([^()\s]+(?:\([^()]*\))?[^()\s]*)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? document : normalize(join(dirname(document), path))
      const there = existsSync(join(root, file))
      const lands = there && (anchor === undefined || anchorsOf(read(file)).has(anchor))
      if (!lands) broken.push(`${document} -> ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('JSON in documents is JSON', () => {
  for (const document of documents()) {
    for (const { info, text } of blocksOf(read(document))) {
      if (info.split(' ')[0] !== 'json') continue
      assert.doesNotThrow(() => JSON.parse(text), `${document}:\n${text}`)
    }
  }
})

test("README's first screen holds one sentence, both commands and a curl, and it stays short", () => {
  const lines = read('README.md').split('\n')
  assert.ok(lines.length < 200, `${lines.length} lines`)
  const screen = lines.slice(0, 25).join('\n')
  for (const needed of ['npm ci && npm run demo', 'npm ci && npm test', 'curl ', 'issues/issue.ts'])
    assert.ok(screen.includes(needed), needed)
})
