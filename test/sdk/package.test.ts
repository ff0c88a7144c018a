/** The built package, installed beside nothing but its dependency: a program in JavaScript runs it, one in TypeScript is checked. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProgram } from '../examples/run-program.ts'

const root = join(import.meta.dirname, '../..')
const sdk = join(root, 'packages/sdk')
const tsc = join(root, 'node_modules/.bin/tsc')
let program: string

before(async () => {
  program = mkdtempSync(join(tmpdir(), 'spoke-sdk-'))
  const installed = join(program, 'node_modules/@spoke/sdk')
  mkdirSync(installed, { recursive: true })
  const built = ['-p', join(sdk, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')]
  const { code, stdout } = await runProgram(tsc, built, {}, 60_000)
  assert.equal(code, 0, stdout)
  cpSync(join(sdk, 'package.json'), join(installed, 'package.json'))
  const { dependencies } = JSON.parse(readFileSync(join(sdk, 'package.json'), 'utf8'))
  assert.deepEqual(Object.keys(dependencies), ['openapi-fetch'])
  for (const name of ['openapi-fetch', 'openapi-typescript-helpers'])
    symlinkSync(join(root, 'node_modules', name), join(program, 'node_modules', name))
  writeFileSync(join(program, 'package.json'), '{ "type": "module" }')
})

after(() => rmSync(program, { recursive: true, force: true }))

test('a program in JavaScript imports both entries', async () => {
  writeFileSync(
    join(program, 'main.js'),
    `import { createSpoke, SpokeError } from '@spoke/sdk'
     import { verifyWebhook } from '@spoke/sdk/webhooks'
     const spoke = createSpoke({ baseUrl: 'http://127.0.0.1:1', retry: { attempts: 1 } })
     const error = await spoke.tenants.list().catch((error) => error)
     console.log(error instanceof SpokeError, error.code, typeof verifyWebhook)`,
  )
  const { code, stdout, stderr } = await runProgram(process.execPath, [join(program, 'main.js')], {}, 20_000)
  assert.deepEqual([code, stdout, stderr], [0, 'true connection_failed function\n', ''])
})

/** Each line, and what the compiler says about it; without a text it is right. */
const lines: [line: string, fault?: RegExp][] = [
  ["const page = await tenant.issues.list({ stage_name: ['New'], closed: false, sort: '-modified_at' })"],
  ["await tenant.issues.list({ stage_name: 'New', 'modified_at.gte': new Date(), after: undefined })"],
  ["await tenant.issues.list({ 'properties.severity': ['1', '2'] })"],
  ['const subject: string | null | undefined = page.issues[0]?.subject'],
  ['for await (const { ticket_id } of tenant.issues.all()) ticket_id.length'],
  ['for await (const { changed } of tenant.changes.stream()) changed?.subject?.to'],
  ["await tenant.sync.start('id')"],
  ["await tenant.endpoints.create({ url: 'https://example.com', types: ['issue.updated'] }, { signal })"],
  ["await tenant.integrations.disconnect('id', { purge: true })"],
  ['const text: string = await (await spoke.health.metrics()).text()'],
  ["await tenant.issues.list({ stage: 'New' })", /'stage' does not exist/],
  ["await tenant.issues.list({ sort: 'newest' })", /'"newest"' is not assignable/],
  ['await tenant.issues.get()', /Expected 1-3 arguments/],
  ["await tenant.endpoints.create({ url: 'https://example.com', types: ['nothing'] })", /'"nothing"'/],
  ['await tenant.integrations.connect({})', /'access_token' is missing/],
  ['page.issues[0]?.title', /'title' does not exist/],
  ['await spoke.issues.list()', /'issues' does not exist/],
  ["await tenant.tickets.list('id', { 'properties.severity': '1' })", /'properties.severity'/],
]

test('a program in TypeScript gets the types of openapi.json', async () => {
  const head = [
    "import { createSpoke } from '@spoke/sdk'",
    "const spoke = createSpoke({ baseUrl: 'http://localhost:8000' })",
    "const tenant = spoke.tenant('id')",
    'const { signal } = new AbortController()',
  ]
  writeFileSync(join(program, 'main.ts'), [...head, ...lines.map(([line]) => line), 'export {}'].join('\n'))
  writeFileSync(
    join(program, 'tsconfig.json'),
    JSON.stringify({
      // What most programs have, and no types of Node.
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: 'es2022',
        module: 'nodenext',
        lib: ['es2022', 'esnext.disposable', 'dom', 'dom.asynciterable'],
        types: [],
      },
      files: ['main.ts'],
    }),
  )
  const { stdout } = await runProgram(tsc, ['-p', program, '--pretty', 'false'], {}, 60_000)
  const faults = new Map<number, string>()
  for (const [, row, text] of stdout.matchAll(/^\S*main\.ts\((\d+),\d+\): error (.*(?:\n .*)*)/gm))
    faults.set(Number(row), text as string)
  lines.forEach(([line, fault], index) => {
    const said = faults.get(head.length + index + 1)
    if (fault) assert.match(said ?? '', fault, line)
    else assert.equal(said, undefined, line)
  })
  const expected = lines.filter(([, fault]) => fault).length
  assert.equal(faults.size, expected, stdout)
  // None in the package's own declarations.
  assert.equal(stdout.match(/: error /g)?.length, expected, stdout)
})
