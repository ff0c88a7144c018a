/** The rehearsal of requests: what it finds in routes that do not check the tenant of a row. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/db/database.ts'
import { runRehearsal } from '../../src/doctor/rehearsal.ts'
import { engines } from '../support/engines.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { testKeys } from '../support/service.ts'

const config = (url: string) => readConfig({ DATABASE_URL: url, SPOKE_ENCRYPTION_KEYS: testKeys })

describe('requests', () => {
  let faults: string[]
  before(async () => {
    const { db, close } = await (engines[0] as (typeof engines)[0]).open()
    const played = await runRehearsal(db, config(await newPostgresDatabase()), (server) =>
      forgetful(server, db),
    )
    faults = played.faults
    assert.ok(played.leaked > 0)
    await close()
  })

  const caught = (what: string, named: RegExp) =>
    test(what, () =>
      assert.ok(
        faults.some((fault) => named.test(fault)),
        faults.join('\n'),
      ),
    )

  caught(
    'a handler that forgets the tenant is caught by what it answers',
    /GET \/api\/rogue\/shows\/:tenant_id\/:integration_id with its own tenant and the other tenant's ids got 200 with data of the other tenant/,
  )
  caught(
    'one that reveals only whether the id exists is found',
    /GET \/api\/rogue\/tells\/:tenant_id\/:integration_id .* got another response \(409\) than with unused ids \(404\)/,
  )
  caught(
    'one that changes the row is caught by the row',
    /POST \/api\/rogue\/writes\/:tenant_id\/:integration_id .* changed rows of the other tenant: tenant_integrations/,
  )
  caught(
    'one that is open to everybody is found by what it returns',
    /GET \/api\/rogue\/open with the other tenant's ids got 200 with data of the other tenant/,
  )
  caught(
    'one that lists every tenant is found with unused ids in the request',
    /with its own ids, GET \/api\/rogue\/lists\/:tenant_id returned data of the other tenant/,
  )
  caught(
    'one with a name in its path that nothing is known by is named, not left out',
    /GET \/api\/rogue\/odd\/:tenant_id\/:odd_name was not rehearsed/,
  )
  test('nothing else is found', () => {
    assert.deepEqual(
      faults.filter(
        (fault) => !fault.includes('/api/rogue/') && !fault.includes('changed rows that are not its own'),
      ),
      [],
    )
  })
})

/** Routes as somebody in a hurry writes them: with the owner's connection, and the id alone. */
function forgetful(server: FastifyInstance, db: Database): void {
  const find = async (params: unknown) => {
    const { integration_id: id } = params as { integration_id: string }
    const { rows } = await sql`select * from tenant_integrations where integration_id = ${id}`.execute(
      db.kysely,
    )
    return rows[0]
  }
  const read = { config: { access: 'read' } } as const
  server.get('/api/rogue/shows/:tenant_id/:integration_id', read, async ({ params }, reply) =>
    reply.code(200).send((await find(params)) ?? {}),
  )
  server.get('/api/rogue/tells/:tenant_id/:integration_id', read, async ({ params }, reply) =>
    reply.code((await find(params)) ? 409 : 404).send({}),
  )
  server.post(
    '/api/rogue/writes/:tenant_id/:integration_id',
    { config: { access: 'manage', audited: 'rogue.write' } },
    async ({ params }, reply) => {
      const { integration_id: id } = params as { integration_id: string }
      await sql`update tenant_integrations set total_count = 1 where integration_id = ${id}`.execute(
        db.kysely,
      )
      return reply.code(404).send({})
    },
  )
  const all = async () => (await sql`select * from tenant_integrations`.execute(db.kysely)).rows
  server.get('/api/rogue/open', { config: { access: 'public' } }, all)
  server.get('/api/rogue/lists/:tenant_id', read, all)
  server.get('/api/rogue/odd/:tenant_id/:odd_name', read, async () => ({}))
}
