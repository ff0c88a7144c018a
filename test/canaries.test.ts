/**
 * Every kind of secret goes through the main paths once, at debug level; then the test searches for it in all that was
 * written: database, data directory, log lines, answers, metrics. Over 200 lines because the paths are one sequence, and what
 * they leave behind is searched once, at its end.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { compactDecrypt } from 'jose'
import { sql } from 'kysely'
import { createBrowser } from '../demo/browser.ts'
import type { Database } from '../src/db/database.ts'
import { openDatabase } from '../src/db/open-database.ts'
import { withTenant } from '../src/db/scope.ts'
import { parseTenantId } from '../src/db/tenant-id.ts'
import type { KeyRing } from '../src/lib/seal.ts'
import { rotateKeyRing } from '../src/tenants/key-ring.ts'
import { tenantSealerOf } from '../src/tenants/store.ts'
import { type Answer, type Sent, send } from './http/send.ts'
import { type Canary, canary, dumpOf, filesOf, formsOf, type Place, search } from './support/canaries.ts'
import { layOutEmbedded } from './support/embedded.ts'
import { startTestEmulator, type TestEmulator } from './support/emulator.ts'
import { engines, quiet } from './support/engines.ts'
import { newPostgresDatabase } from './support/postgres.ts'
import {
  claimsFor,
  environmentOf,
  newKey,
  type Provider,
  type SigningKey,
  sign,
  startProvider,
} from './support/provider.ts'
import { eventually, startTestService, type TestService } from './support/service.ts'

const callback = '/api/hubspot/oauth/callback'
const ours = 'https://spoke.example'
const secretOfApp = () => `zq${randomUUID()}`

for (const { name: engine } of engines) {
  describe(`canaries on ${engine}`, () => {
    const adminKey = randomBytes(32).toString('base64url')
    const ring: KeyRing = ['k2', 'k1'].map((kid) => ({ kid, key: new Uint8Array(randomBytes(32)) }))
    const [newest, older] = [secretOfApp(), secretOfApp()]
    const canaries: Canary[] = [
      canary('the admin key', adminKey),
      ...ring.map(({ kid, key }) => canary(`ring key ${kid}`, key)),
      canary('the newest client secret', newest),
      canary('the older client secret', older),
    ]
    const answers: Place[] = []
    let dir: string
    let dataDir: string
    let emulator: TestEmulator
    let provider: Provider
    let service: TestService
    let stopped = false

    before(async () => {
      dir = mkdtempSync(join(tmpdir(), 'spoke-canaries-'))
      dataDir = join(dir, 'data')
      if (engine === 'PGlite') await layOutEmbedded(dataDir)
      provider = await startProvider()
      emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } }, 'rotating')
      const app = emulator.world.tokens.apps.get('test-client')
      assert.ok(app)
      app.client_secret = older
      service = await startTestService(emulator.url, {
        DATABASE_URL: engine === 'PostgreSQL' ? await newPostgresDatabase() : '',
        SPOKE_DATA_DIR: dataDir,
        SPOKE_ADMIN_KEY: adminKey,
        SPOKE_PUBLIC_URL: ours,
        ...environmentOf(provider),
        SPOKE_ENCRYPTION_KEYS: ring
          .map(({ kid, key }) => `${kid}:${Buffer.from(key).toString('base64')}`)
          .join(),
        HUBSPOT_CLIENT_SECRET: `${newest},${older}`,
        SPOKE_TOKEN_CHECK_EVERY: '0s',
        HUBSPOT_TIMEOUT: '10s',
      })
    })
    after(async () => {
      if (!stopped) await service?.stop()
      await emulator?.close()
      await provider?.close()
      rmSync(dir, { recursive: true, force: true })
    })

    const auth = { authorization: `Bearer ${adminKey}` }

    const ask = (sent: Sent): Promise<Answer> => askAs(auth, sent)

    async function askAs(who: Record<string, string>, sent: Sent): Promise<Answer> {
      const answer = await send(service.url, { ...sent, headers: { ...who, ...sent.headers } })
      const said = `${JSON.stringify(answer.headers)}\n${answer.text}`
      answers.push({
        name: `answer ${answers.length} to ${sent.method ?? 'GET'}`,
        content: Buffer.from(said),
      })
      return answer
    }
    const get = (path: string) => ask({ path: `/api/hubspot${path}` })
    const post = (path: string, body: unknown) =>
      ask({
        method: 'POST',
        path: `/api/hubspot${path}`,
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
    const remember = (what: string, secret: string | Uint8Array) => canaries.push(canary(what, secret))

    const idle = () =>
      eventually(async () => {
        const { rows } = await sql<{ open: number }>`
          select count(*)::int as open from sync_events where finished_at is null`.execute(service.db.kysely)
        return rows[0]?.open === 0
      }, 'all runs have ended')

    async function connected(portal: number) {
      const tenant = randomUUID()
      const { token } = emulator.world.addToken(portal, { kind: 'private_app' })
      const made = await post(`/integrations/${tenant}`, { access_token: token })
      assert.equal(made.status, 201, made.text)
      await idle()
      return { tenant, id: made.json.integration_id as string, token }
    }

    /** To HubSpot's page and back, as a browser does. The one response that must contain the state is not recorded. */
    async function authorized(portal: number) {
      const tenant = randomUUID()
      const path = `/api/hubspot/authorize/${tenant}`
      const { json } = await send(service.url, { path, headers: auth })
      const page = new URL(json.authorization_url)
      const state = page.searchParams.get('state') as string
      remember('an OAuth state', state.split(':')[2] as string)
      page.searchParams.set('auto', '1')
      page.searchParams.set('portal_id', String(portal))
      const { rows } = await sql<{ sealed: string }>`
        select code_verifier as sealed from authorizations where tenant_id = ${tenant}`.execute(
        service.db.kysely,
      )
      const id = json.integration_id as string
      const verifier = await withTenant(service.db, parseTenantId(tenant), async (scope) =>
        (await tenantSealerOf(scope, ring))?.open(rows[0]?.sealed as string, {
          integration: id,
          field: 'code_verifier',
        }),
      )
      remember('a PKCE verifier', verifier?.reveal() as string)
      const back = await fetch(page, { redirect: 'manual' })
      const code = new URL(back.headers.get('location') as string).searchParams.get('code') as string
      return { tenant, id, state, code }
    }

    const portal = () => emulator.world.addPortal({ tickets: 5 }).portal_id
    const pasted = { tenant: '', id: '' }
    const oauth = { tenant: '', id: '' }

    test('connect by pasted token, read everything', async () => {
      const { tenant, id } = Object.assign(pasted, await connected(portal()))
      for (const path of [
        `/status/${tenant}/${id}`,
        `/tickets/${tenant}/${id}?limit=2`,
        `/issues/${tenant}`,
        `/sync/${tenant}/${id}`,
        `/problems/${tenant}/${id}`,
        `/integrations/${tenant}`,
        `/integrations/${tenant}/${id}`,
      ])
        assert.equal((await get(path)).status, 200, path)
    })

    /** Back from HubSpot. The one response that must contain the cookie is not recorded. */
    async function returned({ state, code }: { state: string; code: string }) {
      const query = new URLSearchParams({ state, code })
      const came = await createBrowser(service.url).comeBack(`${callback}?${query}`)
      const [, secret] = came.cookie.split('.')
      assert.ok(secret)
      remember("the secret of a browser's cookie", secret)
      return came
    }

    test('connect by OAuth, with the older client secret, on both routes; refresh; sync', async () => {
      const first = Object.assign(oauth, await authorized(portal()))
      const { state, code } = first as unknown as { state: string; code: string }
      assert.equal((await post('/oauth/callback', { state, code })).status, 200)
      const second = await authorized(portal())
      const came = await returned(second)
      assert.equal((await ask({ path: came.path, headers: { cookie: came.cookie } })).status, 200)
      // Another secret of this format, another confirmation, another site: refused, and not echoed.
      const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
      const press = (cookie: string, over = {}) =>
        ask({
          method: 'POST',
          path: came.path,
          headers: { ...form, cookie, ...over },
          body: 'decision=connect',
        })
      const other = await returned(await authorized(portal()))
      assert.equal((await press(other.cookie)).status, 400)
      assert.equal((await press(came.cookie, { 'sec-fetch-site': 'cross-site' })).status, 403)
      const pressed = await press(came.cookie)
      assert.equal(pressed.status, 303)
      assert.equal((await ask({ path: String(pressed.headers.location) })).status, 200)
      // One stays pending, so that its row exists; one is denied by its user.
      await returned(await authorized(portal()))
      const no = await returned(await authorized(portal()))
      const cancelled = await ask({
        method: 'POST',
        path: no.path,
        headers: { ...form, cookie: no.cookie },
        body: 'decision=cancel',
      })
      assert.equal(cancelled.status, 200)
      await idle()
      for (let n = 0; n < 2; n++) {
        emulator.world.clock.advance(31 * 60_000)
        emulator.world.tokens.expire({})
        assert.equal((await get(`/status/${oauth.tenant}/${oauth.id}`)).json.connected, true)
        assert.equal((await post(`/sync/${oauth.tenant}/${oauth.id}`, { sync_type: 'full' })).status, 202)
        await idle()
      }
      const { refreshes } = await emulator.control('GET', '/stats')
      assert.ok(refreshes[0].ok >= 2, JSON.stringify(refreshes))
    })

    test('browsers: logins by each kind of credential, with what rides on them, and all that is refused', async () => {
      const { tenant, id } = pasted
      const token = () =>
        sign(provider.keys[0] as SigningKey, { ...claimsFor(provider, tenant), jti: randomUUID() })
      const rememberJwt = (what: string, jwt: string) => {
        // The header is the same for each of a key; the claims and the signature are the token's own.
        for (const part of jwt.split('.').slice(1)) remember(what, part)
      }
      const keyPath = `/api/tenants/${tenant}/api-keys`
      const made = await send(service.url, {
        method: 'POST',
        path: keyPath,
        headers: { ...auth, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'canary', scopes: ['read'] }),
      })
      assert.equal(made.status, 201, made.text)
      // The secret itself may hold an underscore, even as its first letter.
      remember('a key of a tenant', made.json.api_key.replace(/^spk_[^_]+_/, ''))
      const bearers = [adminKey, made.json.api_key as string, await token()]
      rememberJwt('a JWT', bearers[2] as string)
      for (const bearer of bearers) {
        const authorization = `Bearer ${bearer}`
        // The response that must contain both, and the one that repeats the second, are not recorded.
        const host = 'spoke.example'
        const login = await send(service.url, {
          method: 'POST',
          path: '/api/session',
          headers: { host, authorization },
        })
        assert.equal(login.status, 200, login.text)
        const cookie = login.headers['set-cookie']?.[0]?.split(';')[0] as string
        const csrf = login.json.csrf_token as string
        remember('a session', cookie.split('=')[1] as string)
        remember('what a page must send', csrf)
        const page = { host, cookie, 'sec-fetch-site': 'same-origin', 'x-spoke-csrf': csrf }
        const own = (sent: Sent, over: Record<string, string> = {}) => askAs({ ...page, ...over }, sent)
        const read = { path: `/api/hubspot/integrations/${tenant}/${id}` }
        const drop = { method: 'DELETE', path: `/api/hubspot/integrations/${tenant}/${randomUUID()}` }
        assert.equal((await own(read)).status, 200)
        assert.ok([403, 404].includes((await own(drop)).status))
        assert.equal((await own(drop, { 'sec-fetch-site': 'cross-site' })).status, 403)
        assert.equal((await own(drop, { 'x-spoke-csrf': `${csrf}x` })).status, 403)
        assert.equal((await own(drop, { host: 'evil.example' })).status, 421)
        assert.equal((await own(read, { cookie: `${cookie}; ${cookie}` })).status, 401)
        assert.equal((await own({ path: `/api/hubspot/status/${tenant}/${csrf}` })).status, 400)
        assert.equal((await own({ method: 'POST', path: '/api/session' })).status, 401)
        assert.equal((await askAs({ authorization }, read)).status, 200)
        if (bearer !== bearers[0]) {
          assert.equal((await own({ method: 'DELETE', path: '/api/session' })).status, 200)
          assert.equal((await own(read)).status, 401)
        }
      }
      const stale = await sign(provider.keys[0] as SigningKey, {
        ...claimsFor(provider, tenant),
        exp: 1,
        jti: randomUUID(),
      })
      rememberJwt('a JWT that is over', stale)
      assert.equal((await askAs({ authorization: `Bearer ${stale}` }, { path: '/api/session' })).status, 401)
      const nowhere = await token()
      rememberJwt('a JWT in a wrong place', nowhere)
      for (const path of [
        `/api/session?access_token=${nowhere}`,
        `/api/hubspot/issues/${nowhere}`,
        `/${nowhere}`,
      ])
        assert.ok((await ask({ path })).status >= 400)
      provider.answer = (_, response) => void response.destroy()
      const unknown = await sign(await newKey(), { ...claimsFor(provider, tenant), jti: randomUUID() })
      rememberJwt('a JWT while the provider is unavailable', unknown)
      const away = await askAs({ authorization: `Bearer ${unknown}` }, { path: '/api/session' })
      assert.ok([401, 503].includes(away.status), away.text)
      provider.answer = undefined
    })

    test('errors of callers: wrong tokens, codes, states, keys and bodies', async () => {
      const { tenant, id } = pasted
      const wrong = `pat-na1-${randomUUID()}`
      const opaque = randomBytes(40).toString('base64url')
      const wrongKey = randomBytes(32).toString('base64url')
      remember('a token that HubSpot does not know', wrong)
      remember('an opaque token that HubSpot does not know', opaque)
      remember('a wrong admin key', wrongKey)
      for (const token of [wrong, opaque]) {
        assert.equal((await post(`/integrations/${tenant}`, { access_token: token })).status, 422)
        for (const body of [
          `{"access_token": "${token}"`,
          { access_token: [token] },
          { access_token: token, [token]: 1 },
          { token },
          JSON.stringify(token),
        ])
          assert.equal((await post(`/integrations/${tenant}`, body)).status, 400, JSON.stringify(body))
        assert.equal((await get(`/status/${tenant}/${token}`)).status, 400)
        assert.equal((await get(`/status/${tenant}/${id}?access_token=${token}`)).status, 400)
        assert.equal((await ask({ path: `/${token}` })).status, 404)
      }
      const began = await authorized(portal())
      const code = `zq-${randomUUID()}`
      remember('a code that HubSpot does not know', code)
      assert.equal((await post('/oauth/callback', { state: began.state, code })).status, 400)
      assert.equal((await post('/oauth/callback', { state: began.state, code: began.code })).status, 400)
      const query = new URLSearchParams({ state: `${tenant}:${id}:${opaque}`, code })
      for (const accept of ['text/html', 'application/json'])
        assert.equal((await ask({ path: `${callback}?${query}`, headers: { accept } })).status, 400)
      for (const authorization of [`Bearer ${wrongKey}`, `Basic ${wrongKey}`, wrongKey])
        assert.equal(
          (await ask({ path: `/api/hubspot/issues/${tenant}`, headers: { authorization } })).status,
          401,
        )
    })

    test('errors of HubSpot, of the operator, and our own', async () => {
      const { tenant, id } = oauth
      for (const fault of [
        { kind: 'status', status: 500 },
        { kind: 'invalid_json' },
        { kind: 'html', status: 200 },
        { kind: 'reset' },
        { kind: 'status', status: 429 },
      ] as const) {
        emulator.world.faults.add({ ...fault, match: { path: '/' }, times: null })
        emulator.world.tokens.expire({})
        await get(`/status/${tenant}/${id}`)
        await get(`/tickets/${tenant}/${id}`)
        emulator.world.faults.clear()
      }
      const app = emulator.world.tokens.apps.get('test-client')
      assert.ok(app)
      app.client_secret = 'neither'
      emulator.world.tokens.expire({})
      await eventually(
        async () => (await get(`/status/${tenant}/${id}`)).json.code === 'oauth_not_configured',
        'both secrets are refused',
        60_000,
      )
      app.client_secret = newest
      // A sealed value in a foreign row: a SealError in the log, and a 500 without details.
      const other = await connected(portal())
      await sql`update integration_tokens set access_token = (
          select access_token from integration_tokens where integration_id = ${pasted.id})
        where integration_id = ${other.id}`.execute(service.db.kysely)
      assert.equal((await get(`/status/${other.tenant}/${other.id}`)).status, 500)
    })

    test('a dead token, disconnect with and without purge, a rotation of the ring', async () => {
      const dead = await connected(portal())
      const access = emulator.world.tokens.access.get(dead.token)
      assert.ok(access)
      access.refused = true
      const { json } = await get(`/status/${dead.tenant}/${dead.id}`)
      assert.deepEqual([json.connected, json.code], [false, 'token_invalid'])
      assert.equal((await get(`/tickets/${dead.tenant}/${dead.id}`)).status, 409)
      assert.equal((await rotateKeyRing(service.db, ring.toReversed())).left, 0)
      for (const [{ tenant, id }, query] of [
        [oauth, ''],
        [dead, '?purge=true'],
      ] as const)
        assert.equal(
          (await ask({ method: 'DELETE', path: `/api/hubspot/integrations/${tenant}/${id}${query}` })).status,
          200,
        )
      for (const path of ['/metrics', '/openapi.json', '/readyz'])
        assert.equal((await ask({ path })).status, 200)
    })

    test('no secret is found anywhere, in any form; and a planted one is found in every form and place', async (t) => {
      // One that is still in progress, so that its row exists.
      await authorized(portal())
      const { tokens } = emulator.world
      for (const { token, kind } of tokens.access.values()) remember(`an access token (${kind})`, token)
      for (const { token } of tokens.refresh.values()) remember('a refresh token', token)
      for (const { code } of tokens.codes.values()) remember('a code', code)
      const { rows } = await sql<{ data_key: string }>`select data_key from tenants`.execute(
        service.db.kysely,
      )
      for (const { data_key } of rows) {
        const open = async ({ key }: { key: Uint8Array }) => (await compactDecrypt(data_key, key)).plaintext
        remember('a data key', await Promise.any(ring.map(open)))
      }
      const kinds = new Map<string, number>()
      for (const { what } of canaries) kinds.set(what, (kinds.get(what) ?? 0) + 1)
      for (const what of [
        'an access token (oauth)',
        'a refresh token',
        'a code',
        'an OAuth state',
        'a PKCE verifier',
        "the secret of a browser's cookie",
        'a data key',
        'a session',
        'what a page must send',
        'a JWT',
      ])
        assert.ok((kinds.get(what) ?? 0) >= 2, `${what}: ${kinds.get(what)}`)

      const tables = await dumpOf(service.db)
      const log = { name: 'the log', content: Buffer.from(service.lines.join('')) }
      assert.ok(service.lines.some((line) => line.includes('"level":"debug"')))
      assert.ok(tables.length > 15 && answers.length > 50)
      const places = [...tables, log, ...answers]
      assert.deepEqual(search(places, canaries), [])

      // The search itself: each secret, in each form, in the middle of each kind of place.
      let planted = 0
      const saved = [
        tables.find(({ name }) => name.includes('sync_events')) as Place,
        log,
        answers[0] as Place,
      ]
      for (const one of canaries)
        for (const [form, text] of formsOf(one))
          for (const { name, content } of saved) {
            const at = content.length >> 1
            const spoiled = Buffer.concat([content.subarray(0, at), text, content.subarray(at)])
            assert.ok(
              search([{ name, content: spoiled }], [one]).length > 0,
              `${one.what} as ${form} in ${name}`,
            )
            planted += 1
          }
      // Base64 of a longer text that holds it, at each offset, as a driver might write it.
      for (const one of canaries)
        for (const before of ['', 'x', 'xy']) {
          const whole = Buffer.concat([Buffer.from(`{"${before}`), one.bytes, Buffer.from('"}')])
          for (const form of ['base64', 'base64url'] as const)
            assert.ok(
              search([{ name: 'b', content: Buffer.from(whole.toString(form)) }], [one]).length > 0,
              one.what,
            )
        }
      const token = canaries.find(({ what }) => what === 'an access token (oauth)') as Canary
      const plant = (db: Database) =>
        sql`update tenant_integrations set hub_user = ${token.bytes.toString('utf8')}
          where integration_id = ${pasted.id}`.execute(db.kysely)
      if (engine === 'PostgreSQL') {
        await plant(service.db)
        assert.deepEqual(search(await dumpOf(service.db), canaries), [
          { what: token.what, form: 'plain', place: 'table public.tenant_integrations' },
        ])
      }
      await service.stop()
      stopped = true
      const size = (all: Place[]) => all.reduce((sum, { content }) => sum + content.length, 0)
      let files: Place[] = []
      if (engine === 'PGlite') {
        files = filesOf(dataDir)
        assert.ok(size(files) > 10_000_000)
        assert.deepEqual(search(files, canaries), [])
        const again = await openDatabase({ dataDir, poolSize: 1 }, quiet)
        await plant(again)
        await again.close()
        const found = search(filesOf(dataDir), [token])
        assert.ok(found.length > 0 && found.every(({ form }) => form === 'plain'), JSON.stringify(found))
      }
      t.diagnostic(
        `${canaries.length} secrets of ${kinds.size} kinds; ${tables.length} tables, ${service.lines.length} lines, ` +
          `${answers.length} answers, ${files.length} files, ${(size([...places, ...files]) / 1e6).toFixed(1)} MB: 0 found; ${planted} planted, all found`,
      )
    })
  })
}
