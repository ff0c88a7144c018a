/**
 * Several tenants at once on one service, on both engines, each with a marker word in all its data: whatever one tenant gets,
 * receives in streams or causes in the log has no word of another, and metrics have none. The routes come from the service, so
 * that a new one is covered or this fails. Over 200 lines because the sequence of one tenant goes from connect to purge.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { noLimits } from '../bench/load/harness.ts'
import { createBrowser } from '../demo/browser.ts'
import { type Operation, pathOf, readOperations } from './http/operations.ts'
import { type Answer, type Sent, send } from './http/send.ts'
import { canary, formsOf, type Place, search } from './support/canaries.ts'
import { type CanaryTenant, newCanaryTenant } from './support/canary-tenants.ts'
import { layOutEmbedded } from './support/embedded.ts'
import { startTestEmulator, type TestEmulator } from './support/emulator.ts'
import { long, onlyLong } from './support/long.ts'
import { newPostgresDatabase } from './support/postgres.ts'
import { eventually, startTestService, type TestService } from './support/service.ts'

/** A tenant during the test. */
interface Walker extends CanaryTenant {
  /** Values for the places in paths. */
  ids: Record<string, string>
  /** Cursors that it was given. */
  cursors: string[]
  heard: Place[]
  /** Ids of another tenant that it sent itself. */
  sent: Set<string>
  /** Its own credential. */
  headers: Record<string, string>
  /** Of the browser in which its user confirms the account. */
  cookie: string
}

const asJson = { 'content-type': 'application/json' }
const admin = { authorization: `Bearer ${randomBytes(32).toString('base64url')}` }
/** Routes about all tenants: the operator's, called and not searched. */
const aboveTenants = ['GET /api/tenants', 'GET /api/audit']

for (const engine of ['PostgreSQL', 'PGlite'] as const) {
  describe(`tenant canaries on ${engine}`, engine === 'PGlite' ? onlyLong : {}, () => {
    let dir: string
    let emulator: TestEmulator
    let service: TestService
    let operations: Operation[]
    let walkers: Walker[]
    const walked = new Set<string>()

    before(async () => {
      dir = mkdtempSync(join(tmpdir(), 'spoke-tenant-canaries-'))
      if (engine === 'PGlite') await layOutEmbedded(join(dir, 'data'))
      emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
      await emulator.control('POST', '/limits', noLimits)
      service = await startTestService(emulator.url, {
        DATABASE_URL: engine === 'PostgreSQL' ? await newPostgresDatabase() : '',
        SPOKE_DATA_DIR: join(dir, 'data'),
        SPOKE_ADMIN_KEY: admin.authorization.slice(7),
        SPOKE_TOKEN_CHECK_EVERY: '0s',
        HUBSPOT_TIMEOUT: '10s',
      })
      operations = await readOperations(service.url)
      walkers = Array.from({ length: long ? 4 : 2 }, () => ({
        ...newCanaryTenant(emulator),
        ids: {},
        cursors: [],
        heard: [],
        sent: new Set<string>(),
        headers: {},
        cookie: '',
      }))
    })
    after(async () => {
      await service?.stop()
      await emulator?.close()
      rmSync(dir, { recursive: true, force: true })
    })

    /** Sends a request for a tenant, with its key unless another is given, under a request id that names it, and records the response. */
    async function ask(walker: Walker, sent: Sent): Promise<Answer> {
      const id = { 'x-request-id': `${walker.word}-${walker.heard.length}` }
      const headers = { ...id, ...walker.headers, ...sent.headers }
      const answer = await send(service.url, { ...sent, headers })
      const name = `${sent.method ?? 'GET'} ${sent.path} -> ${answer.status}`
      const said = `${JSON.stringify(answer.headers)}\n${withoutOwnWords(walker, sent.path, answer.text)}`
      walker.heard.push({ name, content: Buffer.from(said) })
      if (typeof answer.json?.api_key === 'string') walker.marks.push(canary('its key', answer.json.api_key))
      if (typeof answer.json?.next_after === 'string') walker.cursors.push(answer.json.next_after)
      return answer
    }

    const operation = (name: string) => operations.find((one) => one.name === name) ?? assert.fail(name)
    const own = (walker: Walker, what: string, value: string) => {
      walker.ids[what] = value
      walker.marks.push(canary(`its ${what}`, value))
    }

    /** A valid body per operation: every operation with a body must be here. */
    const bodies: Record<string, (walker: Walker) => unknown> = {
      'POST /api/hubspot/integrations/{tenant_id}': ({ token }) => ({ access_token: token }),
      'POST /api/hubspot/sync/{tenant_id}/{integration_id}': () => ({ sync_type: 'incremental' }),
      'POST /api/hubspot/inbox/{tenant_id}/{integration_id}/replay': () => ({}),
      'POST /api/hubspot/endpoints/{tenant_id}': ({ word }) => ({ url: `https://${word}.example.com/` }),
      'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}': ({ word }) => ({
        url: `https://${word}.example.com/`,
      }),
      'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/recover': () => ({
        since: '2026-01-01T00:00:00Z',
      }),
      'POST /api/hubspot/issues/{tenant_id}/read': ({ ids }) => ({ issue_ids: [ids.issue_id] }),
      'POST /api/hubspot/issues/{tenant_id}/search': ({ word }) => ({ query: word }),
      'POST /api/hubspot/client/{tenant_id}/{integration_id}/crm/v3/objects/tickets/search': () => ({}),
      'POST /api/tenants': ({ id }) => ({ tenant_id: id }),
      'POST /api/tenants/{tenant_id}/api-keys': ({ word }) => ({
        name: word,
        scopes: ['read', 'sync', 'manage'],
      }),
      'POST /api/tenants/{tenant_id}/api-keys/{key_id}/rotate': () => ({ overlap: 3_600 }),
      'POST /api/hubspot/oauth/callback': ({ word, ids }) => ({
        code: `${word}-code`,
        state: `${ids.tenant_id}:${ids.integration_id}:${word}`,
      }),
    }
    const queries: Record<string, (walker: Walker) => string> = {
      'GET /api/hubspot/oauth/callback': ({ word, ids }) =>
        `?code=${word}&state=${ids.tenant_id}:${ids.integration_id}:${word}`,
      'GET /connected': ({ portal }) => `?hub_id=${portal}`,
    }

    function right(walker: Walker, one: Operation, ids = walker.ids): Sent {
      const query = queries[one.name]?.(walker) ?? ''
      const sent = { method: one.method, path: `${pathOf(one, ids)}${query}` }
      if (one.template.startsWith('/connect/')) return { ...sent, headers: { cookie: walker.cookie } }
      if (!one.body) return sent
      const body =
        bodies[one.name] ?? assert.fail(`${one.name} takes a body, and no tenant here has one for it`)
      return { ...sent, headers: asJson, body: JSON.stringify(body(walker)) }
    }

    /** Runs of the tenant have ended. */
    const idle = (walker: Walker) =>
      eventually(async () => {
        const { ids } = walker
        const { json } = await ask(walker, {
          path: `/api/hubspot/sync/${ids.tenant_id}/${ids.integration_id}`,
        })
        return json.running.length === 0 && json
      }, `runs of ${walker.id} have ended`)

    async function connect(walker: Walker): Promise<void> {
      own(walker, 'tenant_id', walker.id)
      for (const name of ['POST /api/tenants', 'POST /api/tenants/{tenant_id}/api-keys']) {
        const sent = right(walker, operation(name))
        const { status, json, text } = await ask(walker, { ...sent, headers: { ...sent.headers, ...admin } })
        assert.equal(status, 201, text)
        if (json.key_id) own(walker, 'key_id', json.key_id)
        if (json.api_key) walker.headers = { authorization: `Bearer ${json.api_key}` }
      }
      const made = await ask(walker, right(walker, operation('POST /api/hubspot/integrations/{tenant_id}')))
      assert.equal(made.status, 201, made.text)
      own(walker, 'integration_id', made.json.integration_id)
      const endpoint = await ask(walker, right(walker, operation('POST /api/hubspot/endpoints/{tenant_id}')))
      assert.equal(endpoint.status, 201, endpoint.text)
      own(walker, 'endpoint_id', endpoint.json.endpoint_id)
      const sent = await ask(
        walker,
        right(walker, operation('POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/test')),
      )
      own(walker, 'change_id', sent.json.change_id)
      const { events } = await idle(walker)
      own(walker, 'sync_event_id', events[0].sync_event_id)
      const { json } = await ask(walker, { path: `/api/hubspot/issues/${walker.id}` })
      assert.equal(json.issues.length, 7)
      for (const { issue_id } of json.issues) own(walker, 'issue_id', issue_id)
      const shown = JSON.stringify(json.issues[0])
      // The words are where a leak would come from.
      for (const part of ['subject', 'content', 'pipeline_name', 'stage_name', 'owner_name', 'owner_email'])
        assert.match(json.issues[0][part], new RegExp(walker.word), `${part} of ${shown}`)
      assert.equal(json.issues[0].properties[`${walker.word}_kind`], `${walker.word} value`, shown)
    }

    /**
     * Each operation with a valid request, with invalid ones, and with the ids and cursors of another tenant.
     *
     * @param briefly only as it should be, and with the other's ids
     */
    async function walkAll(walker: Walker, other: Walker, briefly = false): Promise<void> {
      const walkerIndex = walkers.indexOf(walker)
      for (const [index, one] of operations.filter(({ method }) => method !== 'DELETE').entries()) {
        const sent = right(walker, one)
        walked.add(one.name)
        const query = sent.path.includes('?') ? '&' : '?'
        for (const id of Object.values(other.ids)) walker.sent.add(id)
        const mixed = { ...walker.ids, ...without(other.ids, 'tenant_id') }
        if (aboveTenants.includes(one.name)) {
          assert.equal((await send(service.url, { ...sent, headers: admin })).status, 200)
          continue
        }
        if (briefly) {
          await ask(walker, sent)
          await ask(walker, right(walker, one, mixed))
          continue
        }
        const tries: Sent[] = [
          { ...sent, headers: { ...sent.headers, ...admin } },
          { ...sent, headers: { ...sent.headers, authorization: `Bearer ${walker.word}` } },
          { ...sent, headers: { ...sent.headers, 'idempotency-key': `${walker.word}-${one.name.length}` } },
          { ...sent, headers: { ...sent.headers, accept: 'text/html' } },
          { ...sent, headers: { ...sent.headers, accept: 'application/problem+json' } },
          { ...sent, path: `${sent.path}${query}${walker.word}=1` },
          { ...sent, path: `${sent.path}/${walker.word}` },
          { ...sent, method: 'PUT' },
          ...Object.keys(walker.ids).map((name) =>
            right(walker, one, { ...walker.ids, [name]: walker.word }),
          ),
        ]
        if (one.body) {
          tries.push({ ...sent, body: JSON.stringify({ [walker.word]: walker.word }) })
          tries.push({ ...sent, body: `{"${walker.word}` })
        }
        // Each wrong request is sent by one of the tenants, and in a long run by all.
        const chosen = tries.filter((_, n) => long || (n + index) % walkers.length === walkerIndex)
        for (const each of [sent, right(walker, one, mixed), ...chosen]) await ask(walker, each)
        if (one.query.some(({ name }) => name === 'after')) await walkPages(walker, sent.path, other)
      }
      await idle(walker)
    }

    /** Its own pages to the second, and from the other's cursors none. */
    async function walkPages(walker: Walker, path: string, other: Walker): Promise<void> {
      const first = await ask(walker, { path: `${path}?limit=2` })
      const after = (cursor: string) =>
        ask(walker, { path: `${path}?limit=2&after=${encodeURIComponent(cursor)}` })
      if (first.json?.next_after) await after(first.json.next_after)
      for (const cursor of [...other.cursors.slice(-2), walker.word]) await after(cursor)
    }

    /** To HubSpot's page and back. @returns the query of the redirect */
    async function authorized(walker: Walker): Promise<URLSearchParams> {
      const path = `/api/hubspot/authorize/${walker.id}?integration_id=${walker.ids.integration_id}`
      const page = new URL((await ask(walker, { path })).json.authorization_url)
      page.searchParams.set('auto', '1')
      page.searchParams.set('portal_id', String(walker.portal))
      const back = new URL((await fetch(page, { redirect: 'manual' })).headers.get('location') as string)
      return back.searchParams
    }

    /** A user with an open confirmation page. */
    async function askPerson(walker: Walker): Promise<void> {
      const came = await createBrowser(service.url).comeBack(
        `/api/hubspot/oauth/callback?${await authorized(walker)}`,
      )
      assert.ok(came.page.includes(walker.word), came.page)
      walker.cookie = came.cookie
      walker.marks.push(canary('the secret of its browser', came.cookie.split('.')[1] as string))
      own(walker, 'confirmation_id', came.path.split('/')[2] as string)
    }

    /** Once more by OAuth, so that there are tokens of that kind too. */
    async function connectByOAuth(walker: Walker): Promise<void> {
      const query = await authorized(walker)
      const [code, state] = ['code', 'state'].map((name) => query.get(name) as string)
      const body = JSON.stringify({ code, state })
      const sent = { method: 'POST', path: '/api/hubspot/oauth/callback', headers: asJson, body }
      const { status, text } = await ask(walker, sent)
      assert.equal(status, 200, text)
      await idle(walker)
      const { access, refresh } = emulator.world.tokens
      for (const { token, portal_id } of access.values())
        if (portal_id === walker.portal) walker.marks.push(canary('a token', token))
      for (const { token, grant } of refresh.values())
        if (grant.portal_id === walker.portal) walker.marks.push(canary('a refresh token', token))
    }

    /** Every way in which HubSpot fails, for this tenant's account only, with its marker in the messages. */
    async function walkWhileHubSpotFails(walker: Walker): Promise<void> {
      const match = { portal_id: walker.portal }
      const body = { status: 'error', category: walker.word, message: `${walker.word} has failed` }
      for (const fault of [
        { kind: 'status', status: 500, body },
        { kind: 'status', status: 400, body },
        { kind: 'status', status: 403, body },
        { kind: 'html', status: 502 },
        { kind: 'invalid_json' },
        { kind: 'reset' },
        // Without a time a daily stop lasts a quarter of an hour, and the later runs would wait for it.
        { kind: 'rate_limit', policy: 'daily', retry_after: 1 },
        { kind: 'status', status: 401, body },
      ] as const) {
        const { id } = emulator.world.faults.add({ ...fault, match, times: null })
        for (const name of ['status', 'tickets', 'integrations'])
          await ask(walker, { path: `/api/hubspot/${name}/${walker.id}/${walker.ids.integration_id}` })
        await ask(walker, right(walker, operation('POST /api/hubspot/sync/{tenant_id}/{integration_id}')))
        await ask(walker, right(walker, operation('POST /api/hubspot/integrations/{tenant_id}')))
        emulator.world.faults.remove(id)
      }
    }

    /** Changes come in, are watched, and all of it ends. */
    async function runAndEnd(walker: Walker): Promise<void> {
      const { ids } = walker
      emulator.world.changeTickets(walker.portal, {
        count: 3,
        properties: { subject: `${walker.word} again` },
      })
      const path = `/api/hubspot/sync/${ids.tenant_id}/${ids.integration_id}`
      const started = await ask(walker, {
        method: 'POST',
        path,
        headers: asJson,
        body: '{"sync_type":"full"}',
      })
      const event = started.json?.sync_event_id ?? ids.sync_event_id
      const stream = await ask(walker, { path: `${path}/${event}/events` })
      if (started.status === 202) assert.match(stream.text, /event: progress/)
      await idle(walker)
      // Innermost first: a tenant ends after its integrations and keys.
      const ends = operations.filter(({ method }) => method === 'DELETE')
      for (const one of ends.toSorted((a, b) => b.template.length - a.template.length)) {
        walked.add(one.name)
        for (const query of ['?purge=false', '?purge=true', '', `?${walker.word}=1`])
          for (const headers of [{}, admin])
            await ask(walker, { ...right(walker, one), headers, path: `${pathOf(one, ids)}${query}` })
      }
    }

    test('all tenants call every route at the same time, with errors, syncs, streams, disconnects, and HubSpot failing for one', async () => {
      await Promise.all(walkers.map(connect))
      await Promise.all(walkers.slice(1, 3).map(connectByOAuth))
      await Promise.all(walkers.map(askPerson))
      const [last] = walkers.slice(-1) as [Walker]
      await Promise.all([
        ...walkers.map((walker, at) => walkAll(walker, walkers[(at + 1) % walkers.length] as Walker)),
        ...walkers.slice(0, 2).map(async (walker) => {
          for (let n = 0; n < 20; n++) await idle(walker)
        }),
      ])
      await Promise.all([
        walkWhileHubSpotFails(last),
        ...walkers.slice(0, -1).map((walker) => walkAll(walker, last, true)),
      ])
      await Promise.all(walkers.map(runAndEnd))
      assert.deepEqual([...walked].sort(), operations.map(({ name }) => name).sort())
      for (const { heard } of walkers) {
        const statuses = new Set(heard.map(({ name }) => name.slice(-3)))
        for (const status of ['200', '201', '202', '400', '401', '403', '404', '405'])
          assert.ok(statuses.has(status), `${status} in ${[...statuses].join()}`)
      }
    })

    const others = (walker: Walker) => walkers.filter((one) => one !== walker).flatMap(({ marks }) => marks)

    test('no response, header or stream of one contains a word or an id of another', async (t) => {
      let sizes = 0
      for (const walker of walkers) {
        assert.deepEqual(search(walker.heard, others(walker)), [])
        sizes += walker.heard.length
        // The search itself.
        const [stranger] = others(walker) as [ReturnType<typeof canary>]
        for (const [, text] of formsOf(stranger))
          assert.ok(
            search([{ name: 'planted', content: Buffer.concat([Buffer.from('"'), text]) }], [stranger])
              .length > 0,
          )
      }
      t.diagnostic(`${sizes} answers for ${walkers.length} tenants, ${walked.size} operations`)
    })

    test('no log line that names one contains a word or an id of another', (t) => {
      const named = new Map(walkers.map(({ id }) => [id, 0]))
      for (const line of service.lines) {
        const about = walkers.filter(({ marks }) =>
          marks.some(({ bytes }) => line.includes(bytes.toString())),
        )
        assert.ok(about.length <= 1, `one line names ${about.length} tenants: ${line}`)
        for (const { id } of about) named.set(id, (named.get(id) ?? 0) + 1)
      }
      for (const [id, lines] of named) assert.ok(lines > 100, `${lines} lines name ${id}`)
      t.diagnostic(`${service.lines.length} lines, ${[...named.values()].join(' + ')} of them name a tenant`)
    })

    test('metrics, probes and the document contain no tenant’s word or id at all', async () => {
      const all = walkers.flatMap(({ marks }) => marks)
      for (const path of ['/metrics', '/readyz', '/livez', '/openapi.json']) {
        const { status, text, headers } = await send(service.url, { path, headers: admin })
        assert.equal(status, 200)
        const said = Buffer.from(`${JSON.stringify(headers)}\n${text}`)
        assert.deepEqual(search([{ name: path, content: said }], all), [])
      }
    })
  })
}

const without = (ids: Record<string, string>, name: string) =>
  Object.fromEntries(Object.entries(ids).filter(([key]) => key !== name))

/** A tenant's audit log, also part of its export, records its requests with the ids that it sent. Data of other tenants must not appear there either. */
function withoutOwnWords({ sent }: Walker, path: string, text: string): string {
  if (!/^\/api\/tenants\/[^/]+\/(audit|export)\b/.test(path)) return text
  return text.replaceAll(/"target": ?"[^"]*"/g, (target) =>
    [...sent].reduce((shorter, id) => shorter.replaceAll(id, ''), target),
  )
}
