/** The configuration: every fault is reported at once, no value is printed, and no start is open by accident. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ConfigError, readConfig } from '../src/config.ts'
import { runSpoke, startSpoke } from './support/command.ts'
import { testKeys } from './support/service.ts'

const url = 'postgres://spoke:hidden-word@localhost/spoke'

describe('the configuration', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'spoke-config-'))
  })
  after(() => rmSync(dir, { recursive: true, force: true }))
  const faultsOf = (env: Record<string, string>): readonly string[] => {
    try {
      readConfig({ SPOKE_DATA_DIR: join(dir, 'never'), SPOKE_ENCRYPTION_KEYS: testKeys, ...env })
      return []
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error))
      return error.faults
    }
  }

  test('without any variable it is the embedded service on loopback, in open mode, with the real HubSpot', () => {
    const config = readConfig({ SPOKE_DATA_DIR: join(dir, 'data') })
    assert.deepEqual(
      {
        host: config.host,
        port: config.port,
        database: config.databaseUrl,
        admin: config.adminKey,
        api: config.hubspot.apiUrl,
        role: config.role,
        every: config.syncEveryMs,
      },
      {
        host: '127.0.0.1',
        port: 8000,
        database: undefined,
        admin: undefined,
        api: 'https://api.hubapi.com',
        role: 'all',
        every: 300_000,
      },
    )
  })

  test('the first start creates a key next to the data directory, readable only by its owner, and logs it; the next one uses it', () => {
    const said: string[] = []
    const data = join(dir, 'fresh')
    const first = readConfig({ SPOKE_DATA_DIR: data }, (line) => said.push(line))
    const path = `${data}.keys`
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(said.length, 1)
    assert.ok(said[0]?.includes(path))
    assert.ok(!said[0]?.includes(readFileSync(path, 'utf8').trim().split(':')[1] as string))
    const second = readConfig({ SPOKE_DATA_DIR: data }, (line) => said.push(line))
    assert.deepEqual(second.keyRing, first.keyRing)
    assert.equal(said.length, 1)
  })

  test('all faults are named at once and no value is printed', () => {
    const faults = faultsOf({
      PORT: 'hidden-word',
      HUBSPOT_API_URL: 'ftp://hidden-word',
      SPOKE_SYNC_EVERY: 'hidden-word',
      LOG_LEVEL: 'hidden-word',
      SPOKE_ADMIN_KEY: 'hidden-word',
      SPOKE_ROLE: 'hidden-word',
    })
    for (const name of [
      'PORT',
      'HUBSPOT_API_URL',
      'SPOKE_SYNC_EVERY',
      'LOG_LEVEL',
      'SPOKE_ADMIN_KEY',
      'SPOKE_ROLE',
    ]) {
      assert.equal(faults.filter((fault) => fault.startsWith(`${name} `)).length, 1, `${name}: ${faults}`)
    }
    assert.ok(!faults.join().includes('hidden-word'), faults.join())
  })

  const unknown: [name: string, value: string, meant: string | undefined][] = [
    ['SPOKE_ADMINKEY', 'k', 'SPOKE_ADMIN_KEY'],
    ['SPOKE_SYNC_EVRY', '1m', 'SPOKE_SYNC_EVERY'],
    ['HUBSPOT_CLEINT_ID', 'k', 'HUBSPOT_CLIENT_ID'],
    ['SPOKE_ADMIN_KEY_FIEL', '/k', 'SPOKE_ADMIN_KEY_FILE'],
    ['SPOKE_DATA_DIR_FILE', '/k', 'SPOKE_DATA_DIR'],
    ['SPOKE_DATABASE_URL', 'k', 'DATABASE_URL'],
    ['SPOKE_PORT', '8001', 'PORT'],
    ['spoke_admin_key', 'k', 'SPOKE_ADMIN_KEY'],
    ['SPOKE_COLOUR_OF_THE_SKY', 'blue', undefined],
    ['HUBSPOT_', 'k', undefined],
    ['SPOKE_SERVICE_HOSTS', 'k', undefined],
  ]
  for (const [name, value, meant] of unknown)
    test(`${name} is refused${meant ? `, and ${meant} proposed` : ''}`, () => {
      assert.deepEqual(faultsOf({ [name]: value }), [
        `${name} is not a Spoke variable${meant ? `; did you mean ${meant}?` : ''}`,
      ])
    })

  test('unknown names are reported together with all other faults, without a value; empty ones count as absent', () => {
    const faults = faultsOf({ SPOKE_ADMINKEY: 'hidden-word', PORT: 'hidden-word', SPOKE_SYNC_EVRY: ' ' })
    assert.deepEqual(faults, [
      'SPOKE_ADMINKEY is not a Spoke variable; did you mean SPOKE_ADMIN_KEY?',
      'PORT must be a whole number',
    ])
  })

  test('variables of other programs are no fault: service links of Kubernetes, compose, examples, the tests', () => {
    const links = {
      SPOKE_SERVICE_HOST: '10.0.0.1',
      SPOKE_SERVICE_PORT: '8000',
      SPOKE_SERVICE_PORT_HTTP: '8000',
      SPOKE_PORT: 'tcp://10.0.0.1:8000',
      SPOKE_PORT_8000_TCP: 'tcp://10.0.0.1:8000',
      SPOKE_PORT_8000_TCP_PROTO: 'tcp',
      SPOKE_PORT_8000_TCP_PORT: '8000',
      SPOKE_PORT_8000_TCP_ADDR: '10.0.0.1',
      HUBSPOT_PROXY_SERVICE_HOST: '10.0.0.2',
      HUBSPOT_PROXY_PORT: 'tcp://10.0.0.2:80',
    }
    const others = { SPOKE_SERVING_PASSWORD: 'k', SPOKE_URL: 'k', HUBSPOT_TOKEN: 'k', SPOKE_TEST_PG: 'k' }
    assert.deepEqual(faultsOf({ ...links, ...others, PATH: '/bin', SPOKESMAN: 'x' }), [])
  })

  test('no message about a variable is zod’s default', () => {
    const faults = faultsOf({ SPOKE_ROLE: 'api ', LOG_LEVEL: 'loud', SPOKE_EVENTS_TYPES: 'issue.craeted' })
    assert.match(faults.join('\n'), /^LOG_LEVEL must be one of debug, info, warn, error, silent/m)
    assert.match(faults.join('\n'), /^SPOKE_EVENTS_TYPES must be one of .*; the nearest is issue.created$/m)
    assert.doesNotMatch(faults.join('\n'), /Invalid|expected|received/)
  })

  const key = 'k'.repeat(24)
  const provider = {
    SPOKE_JWT_ISSUER: 'https://login.example/',
    SPOKE_JWT_AUDIENCE: 'spoke',
    SPOKE_JWT_JWKS_URL: 'https://login.example/keys',
  }
  const cases: [string, Record<string, string>, RegExp | undefined][] = [
    ['loopback without a key', {}, undefined],
    [
      'all addresses without an admin key',
      { HOST: '0.0.0.0' },
      /HOST is not loopback, so SPOKE_ADMIN_KEY must be set/,
    ],
    ['a name without an admin key', { HOST: 'spoke.example' }, /SPOKE_ADMIN_KEY must be set/],
    ['all addresses with an admin key', { HOST: '0.0.0.0', SPOKE_ADMIN_KEY: key }, undefined],
    ['an admin key that is short', { SPOKE_ADMIN_KEY: 'k'.repeat(23) }, /at least 24/],
    [
      'PostgreSQL without encryption keys',
      { DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: '' },
      /SPOKE_ENCRYPTION_KEYS must be set/,
    ],
    [
      'not on loopback without encryption keys',
      { HOST: '0.0.0.0', SPOKE_ADMIN_KEY: key, SPOKE_ENCRYPTION_KEYS: '' },
      /SPOKE_ENCRYPTION_KEYS must be set/,
    ],
    ['a key that is too short', { SPOKE_ENCRYPTION_KEYS: 'k1:c2hvcnQ=' }, /key "k1" has 5 bytes, not 32/],
    [
      'a key without an id',
      { SPOKE_ENCRYPTION_KEYS: Buffer.alloc(32).toString('base64') },
      /entry 1 is not kid:base64/,
    ],
    ['a key id twice', { SPOKE_ENCRYPTION_KEYS: `${testKeys},${testKeys}` }, /names a key twice/],
    [
      'two keys',
      { SPOKE_ENCRYPTION_KEYS: `${testKeys},k0:${Buffer.alloc(32, 1).toString('base64')}` },
      undefined,
    ],
    ['a client id alone', { HUBSPOT_CLIENT_ID: 'x' }, /go together/],
    ['an identity provider', { SPOKE_ADMIN_KEY: key, ...provider }, undefined],
    [
      'its keys on loopback by http',
      { SPOKE_ADMIN_KEY: key, ...provider, SPOKE_JWT_JWKS_URL: 'http://[::1]:9/k' },
      undefined,
    ],
    [
      'its keys elsewhere by http',
      { SPOKE_ADMIN_KEY: key, ...provider, SPOKE_JWT_JWKS_URL: 'http://login.example/k' },
      /SPOKE_JWT_JWKS_URL must be an https URL/,
    ],
    [
      'its keys at a name that only begins like loopback',
      { SPOKE_ADMIN_KEY: key, ...provider, SPOKE_JWT_JWKS_URL: 'http://localhost.evil.example/k' },
      /SPOKE_JWT_JWKS_URL must be an https URL/,
    ],
    [
      'its keys behind a login',
      { SPOKE_ADMIN_KEY: key, ...provider, SPOKE_JWT_JWKS_URL: 'https://a:hidden-word@login.example/k' },
      /SPOKE_JWT_JWKS_URL must be an https URL/,
    ],
    [
      'its keys in a file',
      { SPOKE_ADMIN_KEY: key, ...provider, SPOKE_JWT_JWKS_URL: 'file:///etc/keys' },
      /SPOKE_JWT_JWKS_URL must be an https URL/,
    ],
    [
      'an issuer alone',
      { SPOKE_ADMIN_KEY: key, SPOKE_JWT_ISSUER: 'x' },
      /go together; missing: SPOKE_JWT_AUDIENCE, SPOKE_JWT_JWKS_URL/,
    ],
    [
      'no audience',
      { SPOKE_ADMIN_KEY: key, ...provider, SPOKE_JWT_AUDIENCE: '' },
      /go together; missing: SPOKE_JWT_AUDIENCE$/m,
    ],
    ['an identity provider in open mode', provider, /needs SPOKE_ADMIN_KEY/],
    [
      'a claim that is no name',
      { SPOKE_ADMIN_KEY: key, ...provider, SPOKE_JWT_TENANT_CLAIM: 'a b' },
      /SPOKE_JWT_TENANT_CLAIM must be a claim name/,
    ],
    ['a worker on the embedded database', { SPOKE_ROLE: 'worker' }, /needs DATABASE_URL/],
    [
      'a migration login without a database',
      { SPOKE_MIGRATE_URL: url },
      /SPOKE_MIGRATE_URL needs DATABASE_URL/,
    ],
    [
      'required scopes without tickets',
      { HUBSPOT_REQUIRED_SCOPES: 'oauth crm.objects.contacts.read' },
      /^HUBSPOT_REQUIRED_SCOPES must include oauth and tickets: Spoke cannot work without them$/,
    ],
    ['required scopes of an own app', { HUBSPOT_REQUIRED_SCOPES: 'tickets oauth files' }, undefined],
    ['a proxy as a URL', { HTTPS_PROXY: 'http://me:hidden-word@proxy.example:3128' }, undefined],
    [
      'a proxy as a host and port',
      { https_proxy: 'proxy.example:3128', NO_PROXY: '*.internal,10.0.0.0/8' },
      undefined,
    ],
    [
      'a proxy of another kind',
      { HTTPS_PROXY: 'socks5://hidden-word:1080' },
      /^HTTPS_PROXY must be the http or https URL of a proxy, or host:port$/,
    ],
    ['a proxy that is a path', { HTTP_PROXY: 'http://proxy.example/x' }, /^HTTP_PROXY must be the http/],
    ['another kind of database', { DATABASE_URL: 'mysql://x' }, /DATABASE_URL must begin with postgres/],
  ]
  for (const [name, env, expected] of cases) {
    test(`${name} ${expected ? 'is refused' : 'is fine'}`, () => {
      const faults = faultsOf(env).join('\n')
      if (expected) assert.match(faults, expected)
      else assert.equal(faults, '')
    })
  }

  test('a secret may come from a file; both forms at once, or a file that is not there, are faults', () => {
    const path = join(dir, 'database-url')
    writeFileSync(path, `${url}\n`)
    assert.equal(readConfig({ DATABASE_URL_FILE: path, SPOKE_ENCRYPTION_KEYS: testKeys }).databaseUrl, url)
    assert.match(
      faultsOf({ DATABASE_URL: url, DATABASE_URL_FILE: path }).join(),
      /DATABASE_URL and DATABASE_URL_FILE are both set/,
    )
    assert.match(
      faultsOf({ SPOKE_ADMIN_KEY_FILE: join(dir, 'nowhere') }).join(),
      /SPOKE_ADMIN_KEY_FILE cannot be read/,
    )
  })

  test('printing a configuration prints no secret', () => {
    const config = readConfig({
      SPOKE_DATA_DIR: join(dir, 'x'),
      SPOKE_ADMIN_KEY: `${key}hidden-word`,
      HUBSPOT_CLIENT_ID: 'id',
      HUBSPOT_CLIENT_SECRET: 'hidden-word',
      HTTPS_PROXY: 'https://me:hidden-word@proxy.example',
    })
    assert.equal(config.proxies.https?.origin, 'https://proxy.example')
    assert.doesNotMatch(
      JSON.stringify({ ...config, keyRing: undefined, databaseUrl: undefined }),
      /hidden-word/,
    )
  })
})

describe('the spoke command', () => {
  const cases: [words: string[], said: RegExp][] = [
    [['tenant', 'list'], /^error: unknown command 'tenant'\n\(Did you mean tenants\?\)/],
    [['tenants', 'lsit'], /^error: unknown command 'lsit'\n\(Did you mean list\?\)/],
    [['migrate', '--jsno'], /^error: unknown option '--jsno'\n\(Did you mean --json\?\)/],
  ]
  test('a misspelled command is refused with the nearest one, and starts nothing', async () => {
    for (const [n, [words, said]] of cases.entries()) {
      const run = n === 0 ? startSpoke : runSpoke
      const { code, out, err } = await run(tmpdir(), { SPOKE_DATA_DIR: '/dev/null/never' }, ...words)
      assert.deepEqual([code, out], [1, ''], words.join(' '))
      assert.match(err, said)
    }
  })
})
