/** Which database logins may serve: one without superuser rights works; with the strict check, one that owns tables or bypasses RLS is refused. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { startService } from '../../src/app/start.ts'
import { readConfig } from '../../src/config.ts'
import { allRoles } from '../../src/db/isolation/expected.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { quiet } from '../support/engines.ts'
import { adminQuery as query } from '../support/postgres.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { startTestService, type TestService, testKeys } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'

/** A separate server, on which the roles do not exist yet. */
let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

const adminQuery = (text: string) => query(text, server.url)

/** What a login that may not create roles needs to migrate. */
const roleList = allRoles.join(', ')

function withDatabase(name: string, login: string): string {
  const url = new URL(server.url)
  url.pathname = `/${name}`
  url.username = login
  return url.toString()
}

/** A database that is empty but for its owner. */
async function owned(name: string, rights: string): Promise<string> {
  await adminQuery(`create role ${name} login ${rights}`)
  await adminQuery(`create database ${name} owner ${name}`)
  return withDatabase(name, name)
}

async function connects(env: Record<string, string>): Promise<void> {
  const emulator = await startTestEmulator()
  await emulator.control('POST', '/portals', { portal_id: 6, tickets: 120 })
  const { token } = await emulator.control('POST', '/portals/6/tokens', { kind: 'private_app' })
  let service: TestService | undefined
  try {
    service = await startTestService(emulator.url, env)
    const { status, body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    assert.equal(status, 201, JSON.stringify(body))
    assert.equal((await service.get('/readyz')).status, 200)
    assert.equal(
      (await service.get(`/api/hubspot/tickets/${T}/${body.integration_id}?limit=1`)).body.total_count,
      120,
    )
  } finally {
    await service?.stop()
    await emulator.close()
  }
}

test('a login that may make roles but is no superuser migrates and serves', async () => {
  const url = await owned('maker', 'createrole')
  await connects({ DATABASE_URL: url })
  // It gave the view of all tenants' words away, and did not keep the right to act as its owner.
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await assert.rejects(client.query('set role spoke_search'), /permission denied to set role/)
  await client.end()
})

test('a login that may not even make roles serves on roles that were prepared for it', async () => {
  const url = await owned('plain', '')
  await adminQuery(`grant ${roleList} to plain`)
  await connects({ DATABASE_URL: url })
})

test('with a migration login of its own, a serving login that owns nothing serves', async () => {
  const migrateUrl = await owned('migrator', '')
  await adminQuery(`grant ${roleList} to migrator with admin option`)
  await adminQuery('create role server login')
  await connects({ DATABASE_URL: withDatabase('migrator', 'server'), SPOKE_MIGRATE_URL: migrateUrl })
})

test('with a migration login of its own, a serving login that owns or bypasses is refused by name', async () => {
  const migrateUrl = await owned('strict', '')
  await adminQuery(`grant ${roleList} to strict with admin option`)
  await adminQuery('create role bypasser login bypassrls')
  await adminQuery('grant spoke_app, spoke_system, spoke_eraser to bypasser')
  for (const [login, fault] of [
    ['strict', /serving login strict owns tables/],
    ['postgres', /serving login postgres bypasses/],
    ['bypasser', /serving login bypasser bypasses/],
  ] as const) {
    const config = readConfig({
      DATABASE_URL: withDatabase('strict', login),
      SPOKE_MIGRATE_URL: migrateUrl,
      SPOKE_ENCRYPTION_KEYS: testKeys,
      PORT: '0',
    })
    await assert.rejects(startService(config, quiet), fault)
  }
})
