/** The diffs of docs/how-to-add.md apply to the tree, its types hold, and the service does with them what the page says. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type Copy, copyTree } from '../faults/trial.ts'
import { databaseOf } from '../http/database.ts'
import { connectTenant, idle } from '../http/http-fixture.ts'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { adminQuery } from '../support/postgres.ts'
import type { TestService } from '../support/service.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const page = readFileSync(join(root, 'docs/how-to-add.md'), 'utf8')
const diffs = [...page.matchAll(/^```diff\n(.*?)^```$/gms)].map(([, diff]) => diff as string)

/** HubSpot with companies. The emulator has only tickets: a company's path and name become a ticket's on the way. */
async function startCompanies(emulator: TestEmulator): Promise<Server> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const ofCompanies = /\/objects\/[^/]+\/companies\b/.test(request.url ?? '')
    const path = (request.url ?? '').replace('/companies', '/tickets').replace(/\bname\b/, 'subject')
    const headers = new Headers()
    for (const name of ['authorization', 'content-type'] as const) {
      const value = request.headers[name]
      if (value !== undefined) headers.set(name, value)
    }
    const answer = await fetch(emulator.url + (ofCompanies ? path : request.url), {
      method: request.method ?? 'GET',
      headers,
      ...(body === '' ? {} : { body: ofCompanies ? body.replaceAll('"name"', '"subject"') : body }),
    })
    const text = await answer.text()
    const kept = [...answer.headers].filter(([name]) => !/^(content-length|transfer-encoding)$/.test(name))
    response.writeHead(answer.status, Object.fromEntries(kept))
    response.end(ofCompanies ? text.replaceAll('"subject"', '"name"') : text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

describe('what the page shows is added', () => {
  let copy: Copy
  let emulator: TestEmulator
  let hubspot: Server
  let service: TestService
  let database: string
  let portal: number
  let at: { tenant: string; integration: string }

  const rows = <Row>(statement: string) => adminQuery(statement, database) as Promise<Row[]>
  const saved = async () => {
    const found = await rows<{ id: string; name: string | null }>(
      'select company_id as id, name from companies where not archived',
    )
    return new Map(found.map(({ id, name }) => [id, name]))
  }
  const truth = async () =>
    new Map([...(await truthOf(emulator, portal))].map(([id, { subject }]) => [id, subject]))
  /** Runs the stream of companies now, and waits for its end. */
  const sync = async (syncType: 'full' | 'incremental') => {
    await rows(
      `update sync_streams set next_run_at = now() where kind = 'companies' and sync_type = '${syncType}'`,
    )
    for (let left = 300; left > 0; left--) {
      const [row] = await rows(
        `select from sync_streams where kind = 'companies' and (next_run_at <= now() or sync_event_id is not null)`,
      )
      if (!row) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.fail('the run does not end')
  }

  before(async () => {
    copy = copyTree()
    assert.equal(diffs.length, 2)
    for (const [n, diff] of diffs.entries()) {
      writeFileSync(join(copy.at, `${n}.diff`), diff)
      await run('git', ['apply', `${n}.diff`], { cwd: copy.at })
    }
    emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
    portal = emulator.world.addPortal({ tickets: 120 }).portal_id
    const { token } = emulator.world.addToken(portal, { kind: 'private_app' })
    hubspot = await startCompanies(emulator)
    database = await databaseOf()
    const { startTestService } = await import(join(copy.at, 'test/support/service.ts'))
    const { port } = hubspot.address() as AddressInfo
    service = await startTestService(`http://127.0.0.1:${port}`, { DATABASE_URL: database })
    at = await connectTenant(service, token)
    await idle(service, database)
  })
  after(async () => {
    await service?.stop()
    hubspot?.close()
    await emulator?.close()
    copy?.remove()
  })

  test('its types hold', async () => {
    const project = join(copy.at, 'tsconfig.src.json')
    writeFileSync(project, JSON.stringify({ extends: './tsconfig.json', include: ['src'] }))
    await run(process.execPath, [join(root, 'node_modules/.bin/tsc'), '-p', project]).catch((error) =>
      assert.fail(error.stdout || error.message),
    )
  })

  test('the service answers the new route, which needs the integration', async () => {
    const path = `/api/hubspot/problem-counts/${at.tenant}`
    const empty = await service.get(`${path}/${at.integration}`)
    assert.deepEqual([empty.status, empty.body.counts], [200, []])
    await rows(`insert into record_problems (tenant_id, integration_id, kind, record_id, state, reason)
      select '${at.tenant}', '${at.integration}', 'tickets', n::text, 'repaired', 'x' from generate_series(1, 3) n`)
    const { body } = await service.get(`${path}/${at.integration}`)
    assert.deepEqual(body.counts, [{ state: 'repaired', records: 3 }])
    assert.equal((await service.get(`${path}/${at.tenant}`)).status, 404)
    const { body: document } = await service.get('/openapi.json')
    assert.ok(document.paths['/api/hubspot/problem-counts/{tenant_id}/{integration_id}'])
  })

  test('the engine syncs companies beside tickets: first load, changes, deletions', async () => {
    const first = await truth()
    assert.equal(first.size, 120)
    assert.deepEqual(await saved(), first)
    assert.equal((await rows('select from issues where not archived')).length, 120)

    const [one, two, three] = [...first.keys()]
    await emulator.control('PATCH', `/portals/${portal}/tickets`, {
      ids: [one],
      properties: { subject: 'changed' },
    })
    await sync('incremental')
    assert.equal((await saved()).get(one as string), 'changed')
    assert.deepEqual(await saved(), await truth())

    // One is archived; the other is gone without a trace.
    await emulator.control('DELETE', `/portals/${portal}/tickets`, { ids: [two] })
    await emulator.control('DELETE', `/portals/${portal}/tickets`, { ids: [three], permanent: true })
    await sync('full')
    assert.equal((await saved()).size, 118)
    assert.deepEqual(await saved(), await truth())
  })

  test('a record that is none is rejected, and times are HubSpot’s', async () => {
    const { toCompany } = await import(join(copy.at, 'src/companies/company.ts'))
    assert.deepEqual(toCompany({ id: 'x', properties: {} }), {
      id: undefined,
      reason: 'it has no HubSpot id',
    })
    assert.deepEqual(toCompany({ id: '7', properties: { name: 'A' } }), {
      id: '7',
      reason: 'it has no last-modified time',
    })
    const properties = { name: 'A', domain: null, hs_lastmodifieddate: '2026-11-22T17:29:25.724Z' }
    assert.deepEqual(toCompany({ id: '7', properties, archived: true }), {
      company_id: '7',
      name: 'A',
      domain: null,
      modified_at: '2026-11-22T17:29:25.724Z',
      archived: true,
    })
  })
})
