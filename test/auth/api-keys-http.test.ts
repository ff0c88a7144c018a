/** A tenant's key over HTTP and by command: created, used, rotated, revoked in every process, and unavailable in open mode. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Ran, runSpoke } from '../support/command.ts'
import { layOutEmbedded } from '../support/embedded.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { eventually, startTestService, type TestService, testKeys } from '../support/service.ts'

const adminKey = randomBytes(32).toString('base64url')
const admin = { authorization: `Bearer ${adminKey}` }
const form = /^spk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/

describe('over HTTP', () => {
  let emulator: TestEmulator
  let database: string
  /** Two processes' worth of service on one database. */
  let one: TestService
  let two: TestService
  const tenant = randomUUID()
  const keys = `/api/tenants/${tenant}/api-keys`

  before(async () => {
    emulator = await startTestEmulator()
    database = await newPostgresDatabase()
    const env = { DATABASE_URL: database, SPOKE_ADMIN_KEY: adminKey }
    one = await startTestService(emulator.url, env)
    two = await startTestService(emulator.url, { ...env, SPOKE_ROLE: 'api' })
  })
  after(async () => {
    await one.stop()
    await two.stop()
    await emulator.close()
  })

  const make = (body: object = {}, headers: object = {}) =>
    one.post(keys, { name: 'one', scopes: ['read'], ...body }, { ...admin, ...headers })
  const use = (service: TestService, key: string) =>
    service.get(`/api/tenants/${tenant}`, { authorization: `Bearer ${key}` })

  test('a tenant is made once', async () => {
    const made = await one.post('/api/tenants', { tenant_id: tenant.toUpperCase() }, admin)
    assert.equal(made.status, 201)
    assert.equal(made.body.tenant_id, tenant)
    const again = await one.post('/api/tenants', { tenant_id: tenant }, admin)
    assert.deepEqual([again.status, again.body.created_at], [200, made.body.created_at])
    assert.equal((await one.get(`/api/tenants/${randomUUID()}`, admin)).body.code, 'tenant_not_found')
  })

  test('the tenants are listed, page by page', async () => {
    const more = Array.from({ length: 5 }, () => randomUUID())
    for (const tenant_id of more) await one.post('/api/tenants', { tenant_id }, admin)
    const seen: string[] = []
    for (let after = ''; ; ) {
      const { body } = await one.get(`/api/tenants?limit=2${after}`, admin)
      seen.push(...body.tenants.map((shown: { tenant_id: string }) => shown.tenant_id))
      if (body.next_after === null) break
      after = `&after=${body.next_after}`
    }
    assert.deepEqual(seen, [tenant, ...more].sort())
  })

  test('a key is shown once, works everywhere, and its use is seen', async () => {
    const { status, body } = await make({ expires_in: 3_600 })
    assert.equal(status, 201)
    assert.match(body.api_key, form)
    assert.equal(Date.parse(body.expires_at) - Date.parse(body.created_at), 3_600_000)
    for (const service of [one, two]) assert.equal((await use(service, body.api_key)).status, 200)
    const listed = await eventually(async () => {
      const list = (await one.get(keys, admin)).body.api_keys
      const shown = list.find((key: { key_id: string }) => key.key_id === body.key_id)
      return shown.last_used_at && shown
    }, 'the use is noted')
    const { api_key, success, tenant_id, ...shown } = body
    assert.deepEqual({ ...listed, last_used_at: null }, shown)
    for (const service of [one, two])
      assert.ok(!service.lines.join('').includes(api_key.slice(-43)), 'the key is in the log')
  })

  test('the same Idempotency-Key creates no second key and does not return the first one again', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const first = await make({ name: 'idem' }, headers)
    const again = await make({ name: 'idem' }, headers)
    assert.match(first.body.api_key, form)
    assert.deepEqual([again.status, again.body], [201, { ...first.body, api_key: null }])
    assert.equal((await make({ name: 'other' }, headers)).status, 422)
    const { api_keys } = (await one.get(keys, admin)).body
    assert.equal(api_keys.filter((key: { name: string }) => key.name === 'idem').length, 1)
    const raced = await Promise.all(
      Array.from({ length: 20 }, () => make({ name: 'raced' }, { 'idempotency-key': 'raced' })),
    )
    assert.equal(raced.filter(({ body }) => form.test(body.api_key ?? '')).length, 1)
    assert.equal(new Set(raced.filter(({ status }) => status === 201).map(({ body }) => body.key_id)).size, 1)
  })

  test('a revoked key is refused by both processes within a second', async () => {
    const { body } = await make()
    for (const service of [one, two]) assert.equal((await use(service, body.api_key)).status, 200)
    const revoked = await one.delete(`${keys}/${body.key_id}`, admin)
    assert.ok(revoked.body.revoked_at, JSON.stringify(revoked.body))
    const from = performance.now()
    for (const service of [one, two]) {
      // Every request sent a second later, however long its response took.
      for (;;) {
        const asked = performance.now() - from
        if ((await use(service, body.api_key)).status !== 200) break
        assert.ok(asked < 1_000)
      }
      assert.equal((await use(service, body.api_key)).status, 401)
    }
    const again = await one.delete(`${keys}/${body.key_id}`, admin)
    assert.equal(again.body.revoked_at, revoked.body.revoked_at)
    assert.equal((await one.delete(`${keys}/0123456789abcdef`, admin)).body.code, 'api_key_not_found')
  })

  test('a rotated key works together with the next one, and without an overlap not at all', async () => {
    const { body } = await make({ name: 'turned' })
    const next = await one.post(`${keys}/${body.key_id}/rotate`, {}, admin)
    assert.equal(next.status, 201)
    for (const key of [body.api_key, next.body.api_key]) assert.equal((await use(two, key)).status, 200)
    const last = await one.post(`${keys}/${next.body.key_id}/rotate`, { overlap: 0 }, admin)
    await eventually(async () => (await use(two, next.body.api_key)).status === 401, 'the old key is over')
    assert.equal((await use(two, last.body.api_key)).status, 200)
    const over = await one.post(`${keys}/${next.body.key_id}/rotate`, {}, admin)
    assert.deepEqual([over.status, over.body.code], [409, 'api_key_not_active'])
  })

  test('an invalid key request is refused with the field', async () => {
    for (const [body, pointer] of [
      [{ name: '' }, '/name'],
      [{ name: 'a\u0007b' }, '/name'],
      [{ scopes: [] }, '/scopes'],
      [{ scopes: ['read', 'read'] }, '/scopes'],
      [{ scopes: ['admin'] }, '/scopes/0'],
      [{ expires_in: 1 }, '/expires_in'],
      [{ expires_in: 1e12 }, '/expires_in'],
      [{ key_hash: 'x' }, '/key_hash'],
    ] as const) {
      const answer = await make(body)
      assert.deepEqual(
        [answer.status, answer.body.errors?.[0]?.pointer],
        [400, pointer],
        JSON.stringify(body),
      )
    }
    const nobody = await one.post(
      `/api/tenants/${randomUUID()}/api-keys`,
      { name: 'x', scopes: ['read'] },
      admin,
    )
    assert.deepEqual([nobody.status, nobody.body.code], [404, 'tenant_not_found'])
  })
})

describe('by command', () => {
  let dir: string
  let env: Record<string, string>
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'spoke-keys-'))
    env = {
      DATABASE_URL: await newPostgresDatabase(),
      SPOKE_ENCRYPTION_KEYS: testKeys,
      SPOKE_ADMIN_KEY: adminKey,
    }
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  const done = ({ code, out, err }: Ran): string => {
    assert.equal(code, 0, err)
    return out.trim()
  }

  test('directly on the database, before there is a service', async () => {
    const spoke = (...words: string[]) => runSpoke(dir, env, ...words)
    done(await spoke('migrate'))
    const tenant = done(await spoke('tenants', 'create'))
    assert.match(tenant, /^[0-9a-f-]{36}$/)
    const made = await spoke(
      'api-keys',
      'create',
      tenant,
      '--name',
      'app',
      '--scopes',
      'read,sync',
      '--expires-in',
      '90d',
    )
    const key = done(made)
    assert.match(key, form)
    const keyId = key.split('_')[1] as string
    assert.match(made.err, new RegExp(`^key ${keyId} \\(read, sync\\), expires 20`))
    const listed = done(await spoke('api-keys', 'list', tenant))
    assert.match(listed, new RegExp(`^${keyId}\tapp\tread,sync\tvalid\tnever used$`))
    assert.match(done(await spoke('tenants', 'list')), new RegExp(`^${tenant}\tcreated `))
    const next = JSON.parse(
      done(await spoke('api-keys', 'rotate', tenant, keyId, '--overlap', '0s', '--json')),
    )
    assert.match(next.api_key, form)
    assert.equal(
      done(await spoke('api-keys', 'revoke', tenant, next.key_id)),
      `key ${next.key_id} is revoked`,
    )
    const { api_keys } = JSON.parse(done(await spoke('api-keys', 'list', tenant, '--json')))
    assert.deepEqual([api_keys.length, JSON.stringify(api_keys).includes('spk_')], [2, false])
    for (const [words, expected] of [
      [
        ['api-keys', 'create', randomUUID(), '--name', 'x'],
        /^spoke: Tenant not found \(tenant_not_found\)\n$/,
      ],
      [['api-keys', 'create', 'x', '--name', 'x'], /^spoke: .*tenant_id must be a UUID \(invalid_id\)\n$/],
      [
        ['api-keys', 'create', tenant, '--name', 'x', '--scopes', 'all'],
        /^spoke: The field scopes\.0 must be one of read, sync, manage \(validation_failed\)\n$/,
      ],
      [
        ['api-keys', 'create', tenant, '--name', 'x', '--expires-in', 'soon'],
        /It must be a duration such as 90d/,
      ],
    ] as const) {
      const refused = await spoke(...words)
      assert.equal(refused.code, 1, words.join(' '))
      assert.match(refused.err, expected)
      assert.equal(refused.out, '')
    }
  })

  test('open mode makes no keys, and is not served where there are some', async () => {
    const { SPOKE_ADMIN_KEY, ...open } = env
    const fresh = { ...open, DATABASE_URL: await newPostgresDatabase() }
    done(await runSpoke(dir, fresh, 'migrate'))
    const tenant = done(await runSpoke(dir, fresh, 'tenants', 'create'))
    const refused = await runSpoke(dir, fresh, 'api-keys', 'create', tenant, '--name', 'x')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /SPOKE_ADMIN_KEY.*\(open_mode\)/)
    const closed = { ...fresh, SPOKE_ADMIN_KEY: adminKey }
    const key = done(await runSpoke(dir, closed, 'api-keys', 'create', tenant, '--name', 'x'))
    const service = await runSpoke(
      dir,
      { ...fresh, PORT: '0', SPOKE_WATCHDOG: '0s', LOG_LEVEL: 'error' },
      'serve',
    )
    assert.equal(service.code, 1)
    assert.match(
      service.err,
      /^spoke: this database contains API keys of tenants[^\n]*SPOKE_ADMIN_KEY[^\n]*\n$/,
    )
    done(await runSpoke(dir, closed, 'api-keys', 'revoke', tenant, key.split('_')[1] as string))
    const again = await startTestService('http://127.0.0.1:9', fresh)
    assert.equal((await again.get('/readyz')).status, 200)
    await again.stop()
  })

  test('through the service that holds the embedded directory', async () => {
    const port = String(20_000 + Math.floor(Math.random() * 10_000))
    const embedded = { SPOKE_ADMIN_KEY: adminKey, PORT: port, SPOKE_ENCRYPTION_KEYS: testKeys }
    await layOutEmbedded(join(dir, 'data'))
    // It holds the directory in this process; the commands run in another.
    const service = await startTestService('http://127.0.0.1:9', {
      ...embedded,
      DATABASE_URL: '',
      SPOKE_DATA_DIR: join(dir, 'data'),
    })
    try {
      const tenant = done(await runSpoke(dir, embedded, 'tenants', 'create'))
      const key = done(await runSpoke(dir, embedded, 'api-keys', 'create', tenant, '--name', 'x'))
      const answer = await fetch(`http://127.0.0.1:${port}/api/tenants/${tenant}`, {
        headers: { authorization: `Bearer ${key}` },
      })
      assert.equal(answer.status, 200)
      const elsewhere = await runSpoke(dir, { ...embedded, PORT: '1' }, 'tenants', 'list')
      assert.equal(elsewhere.code, 1)
      assert.match(
        elsewhere.err,
        /is in use by another Spoke process.*That process does not respond at http:\/\/127.0.0.1:1 either/,
      )
      const wrong = await runSpoke(dir, { ...embedded, SPOKE_ADMIN_KEY: 'x'.repeat(24) }, 'tenants', 'list')
      assert.match(wrong.err, /\(unauthenticated\)/)
    } finally {
      await service.stop()
    }
  })
})
