/** The Dockerfile and the compose file, checked without a container: the image copies all it needs, and compose sets what Spoke reads. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { readConfig } from '../../src/config.ts'
import { secretNames, variables } from '../../src/environment.ts'
import { adminQuery, withDatabase } from '../support/postgres.ts'
import { startTestService, testKeys } from '../support/service.ts'
import { matches, read, root } from './markdown.ts'

const run = promisify(execFile)
const dockerfile = read('Dockerfile')
const compose = read('deploy/compose.yml')
const known = new Set([...Object.keys(variables), ...secretNames.map((name) => `${name}_FILE`)])

/** What the image takes from the checkout: not what one stage takes from another. */
const copied = matches(dockerfile, /^COPY (?!--from)(.+) \S+$/gm).flatMap((sources) => sources.split(' '))

test('everything the Dockerfile copies is there, and .dockerignore lets it in and nothing else', () => {
  assert.ok(copied.length > 4)
  for (const source of copied) assert.ok(existsSync(join(root, source)), source)
  const [all, ...rest] = matches(read('.dockerignore'), /^([^#\n].*)$/gm)
  assert.equal(all, '*')
  assert.deepEqual(rest.map((line) => line.slice(1)).toSorted(), [...new Set(copied)].sort())
  assert.ok(rest.every((line) => line.startsWith('!')))
})

test('the image runs as a numbered user, listens outward, is probed, and starts under an init without a shell', () => {
  assert.match(dockerfile, /^FROM node:24-slim$/m)
  assert.match(dockerfile, /^RUN npm ci --omit=dev --omit=optional --ignore-scripts/m)
  assert.match(dockerfile, /^USER [1-9]\d*:[1-9]\d*$/m)
  assert.match(dockerfile, /^ENV .*\\\n(?:.*\n)*? *HOST=0\.0\.0\.0/m)
  assert.match(dockerfile, /^VOLUME \/data$/m)
  assert.match(dockerfile, /^HEALTHCHECK .*\\\n {2}CMD \["node", "-e", ".*\/livez/m)
  assert.match(dockerfile, /^RUN apt-get .* tini /m)
  assert.match(dockerfile, /^ENTRYPOINT \["tini", "--"\]$/m)
  assert.match(dockerfile, /^CMD \["node", ("--[a-z-]+=\d+", )+"bin\/spoke\.js", "serve"\]$/m)
  for (const name of matches(dockerfile, /^(?:ENV|) +([A-Z_]+)=/gm))
    assert.ok(name === 'NODE_ENV' || known.has(name), name)
})

let image: string

before(async () => {
  image = mkdtempSync(join(tmpdir(), 'spoke-image-'))
  for (const source of copied) {
    mkdirSync(dirname(join(image, source)), { recursive: true })
    cpSync(join(root, source), join(image, source), { recursive: true })
  }
  // What `npm ci --omit=dev --omit=optional` installs, by the lock file, without the registry.
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean; link?: boolean }>
  }
  for (const [path, { dev, optional, devOptional, link }] of Object.entries(packages)) {
    // A workspace is none of the image's files, and npm leaves its link out.
    if (path === '' || dev || optional || devOptional || link) continue
    // A package inside another one was copied with it.
    if (path.lastIndexOf('node_modules/') === 0)
      cpSync(join(root, path), join(image, path), { recursive: true })
  }
})

after(() => rmSync(image, { recursive: true, force: true }))

const spoke = (args: string[], env: Record<string, string> = {}) =>
  run(process.execPath, ['bin/spoke.js', ...args], { cwd: image, env, timeout: 30_000 })

test('the files of the image are enough to start the command', async () => {
  const { stdout } = await spoke(['--version'])
  assert.equal(stdout.trim(), JSON.parse(read('package.json')).version)
})

test('the files of the image are enough to make the schema of an empty database', async () => {
  const database = 't_container'
  await adminQuery(`create database ${database}`)
  const { stdout } = await spoke(['migrate', '--json'], {
    DATABASE_URL: withDatabase(database),
    SPOKE_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  })
  assert.ok(JSON.parse(stdout).applied.length >= 5)
})

test('the health check of the image is 0 while Spoke answers and 1 otherwise', async () => {
  const check = JSON.parse(/^ {2}CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '') as [string, ...string[]]
  const probe = (port: string) => run(process.execPath, check.slice(1), { env: { PORT: port } })
  const service = await startTestService('http://127.0.0.1:9')
  try {
    await probe(new URL(service.url).port)
  } finally {
    await service.stop()
  }
  await assert.rejects(probe(new URL(service.url).port), { code: 1 })
})

/** The lines below the first `name:` (at that indent, if given) with a deeper indent. */
function below(name: string, text: string, at = ' *'): string {
  const [, indent = '', rest = ''] = new RegExp(`^(${at})${name}:\\n([\\s\\S]*)`, 'm').exec(text) ?? []
  const lines = rest.split('\n')
  const end = lines.findIndex((line) => line.trim() !== '' && !line.startsWith(`${indent} `))
  return lines.slice(0, end === -1 ? undefined : end).join('\n')
}

const services = below('services', compose)
const spokeService = below('spoke', services, ' {2}')
const postgresService = below('postgres', services, ' {2}')

const example = [...read('.env.example').matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(
  ([, name = '', value = '']) => ({ name, value }),
)
/** What compose sets regardless of deploy/.env: name to value. */
const setByCompose = new Map(
  [...below('environment', spokeService).matchAll(/^ +([A-Z_]+): (.+)$/gm)].map(
    ([, name = '', value = '']) => [name, value],
  ),
)

test('compose gives Spoke every variable of deploy/.env, which may be absent, and of the shell, and sets only those that a container needs', () => {
  assert.match(spokeService, /^ {4}env_file:\n {6}- path: \.env\n {8}required: false$/m)
  // Without a value: compose takes it from the shell, or else from the .env beside it, the file above.
  const passed = matches(below('environment', spokeService), /^ +([A-Z_]+):$/gm)
  // A proxy on this machine's loopback does not exist in the container, and a variable missing in the shell would override the image's value.
  const others = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', ...matches(dockerfile, /^(?:ENV|) +([A-Z_]+)=/gm)]
  assert.deepEqual(
    passed.toSorted(),
    example
      .map(({ name }) => name)
      .filter((name) => known.has(name) && !setByCompose.has(name) && !others.includes(name))
      .sort(),
  )
  assert.deepEqual([...setByCompose.keys()].sort(), [
    'DATABASE_URL',
    'HOST',
    'PORT',
    'SPOKE_ADMIN_KEY',
    'SPOKE_ENCRYPTION_KEYS',
    'SPOKE_MIGRATE_URL',
  ])
  // What compose itself reads is in the same file.
  for (const name of matches(compose, /\$\{(\w+)/g))
    assert.ok(
      example.some((one) => one.name === name),
      name,
    )
  assert.match(spokeService, /- '127\.0\.0\.1:8000:8000'/)
  assert.equal(setByCompose.get('PORT'), '8000')
})

test('a deploy/.env with every line of .env.example and the four secrets starts Spoke in compose', () => {
  const secrets: Record<string, string> = {
    SPOKE_ADMIN_KEY: 'k'.repeat(44),
    SPOKE_ENCRYPTION_KEYS: testKeys,
    POSTGRES_PASSWORD: 'a',
    SPOKE_SERVING_PASSWORD: 'b',
  }
  const file = { ...Object.fromEntries(example.map(({ name, value }) => [name, value])), ...secrets }
  const set = [...setByCompose].map(([name, value]) => [
    name,
    value.replaceAll(/\$\{(\w+)[^}]*\}/g, (_, of: string) => secrets[of] ?? ''),
  ])
  const config = readConfig({ ...file, ...Object.fromEntries(set) })
  assert.deepEqual([config.host, config.port], ['0.0.0.0', 8000])
  assert.match(config.databaseUrl ?? '', /^postgres:\/\/spoke_serving:b@postgres:5432\/spoke$/)
})

test('compose does not start without the secrets, and gives none a value', () => {
  for (const name of [
    'SPOKE_ADMIN_KEY',
    'SPOKE_ENCRYPTION_KEYS',
    'POSTGRES_PASSWORD',
    'SPOKE_SERVING_PASSWORD',
  ]) {
    const uses = matches(compose, new RegExp(`(\\$\\{${name}[^}]*\\})`, 'g'))
    assert.ok(uses.length > 0, name)
    for (const use of uses) assert.match(use, /:\?set it in deploy\/\.env/)
  }
})

test('compose starts Spoke when PostgreSQL 18 is healthy, and stores its data in a named volume', () => {
  assert.match(postgresService, /image: postgres:18$/m)
  assert.match(below('healthcheck', postgresService), /pg_isready/)
  assert.match(below('depends_on', spokeService), /postgres:\n +condition: service_healthy/)
  const [volume] = matches(below('volumes', postgresService), /^ +- (\w+):\/var\/lib\/postgresql$/gm)
  assert.ok(volume && new RegExp(`^volumes:\\n {2}${volume}:$`, 'm').test(compose))
  assert.doesNotMatch(compose, /\t/)
})

test('the serving login of compose passes the strict check at start, and the owner would not', async () => {
  const text = read('deploy/serving-login.sql')
  const [, login = ''] = /create role (\w+) login/.exec(text) ?? []
  assert.ok(compose.includes(`DATABASE_URL: postgres://${login}:`))
  const statement = text.slice(text.indexOf('create role')).replace(":'serving_password'", "'x'")
  await adminQuery(statement)
  await adminQuery('create database t_compose')
  const urls = {
    DATABASE_URL: withDatabase('t_compose', login),
    SPOKE_MIGRATE_URL: withDatabase('t_compose'),
  }
  const service = await startTestService('http://127.0.0.1:9', urls)
  try {
    assert.equal((await service.get('/readyz')).status, 200)
  } finally {
    await service.stop()
  }
  await assert.rejects(
    startTestService('http://127.0.0.1:9', { ...urls, DATABASE_URL: urls.SPOKE_MIGRATE_URL }),
    /the serving login \w+ owns tables/,
  )
})
