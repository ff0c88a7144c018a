/**
 * A browser connects nothing before its user has seen the account and confirmed it: once, in that browser, on our own page, in time.
 * Over 200 lines because each test is one way to press a button, on both engines.
 */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { checkShape } from '../../http/oracle.ts'
import { send } from '../../http/send.ts'
import { onlyLong } from '../../support/long.ts'
import { eventually } from '../../support/service.ts'
import { type ConfirmBench, publicUrl, startConfirm } from './confirm-fixture.ts'
import { callback } from './oauth-fixture.ts'

for (const engine of ['PostgreSQL', 'PGlite'] as const) {
  describe(`confirming on ${engine}`, engine === 'PGlite' ? onlyLong : {}, () => {
    let bench: ConfirmBench
    before(async () => {
      bench = await startConfirm(engine)
    })
    after(() => bench?.stop())
    beforeEach(() => bench.emulator.world.faults.clear())

    /** The button, as a program sees the answer. */
    const press = (path: string, headers: Record<string, string>, body = 'decision=connect') =>
      send(bench.service.url, {
        method: 'POST',
        path,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
          ...headers,
        },
        body,
      })
    const isOver = async (path: string, cookie: string, what: string) => {
      const invalid = { status: 400, code: 'invalid_state' }
      checkShape(await press(path, { cookie }), { what: `${what}: the button`, ...invalid })
      const page = await send(bench.service.url, { path, headers: { cookie } })
      checkShape(page, { what: `${what}: the page`, ...invalid })
    }

    test('nothing is connected before the button, the page names all, and the one cookie is bound to it', async () => {
      const portal = bench.portal({ hub_domain: 'acme.example.com', user: 'ann@acme.example.com' })
      const { tenant, integration, code, state, search } = await bench.start(portal)
      const back = await send(bench.service.url, {
        path: `${callback}${search}`,
        headers: { accept: 'text/html' },
      })
      assert.equal(back.status, 303)
      assert.equal(back.headers['referrer-policy'], 'no-referrer')
      assert.match(String(back.headers['cache-control']), /no-store/)
      const path = String(back.headers.location)
      assert.match(path, /^\/connect\/[0-9a-f-]{36}$/)
      const [set = '', ...more] = back.headers['set-cookie'] ?? []
      assert.deepEqual(more, [])
      assert.match(
        set,
        new RegExp(
          `^spoke_connect=${tenant}\\.[\\w-]{43}; Path=${path}; Max-Age=600; HttpOnly; SameSite=Lax$`,
        ),
      )
      const cookie = set.split(';')[0] as string
      const secret = cookie.split('.')[1] as string
      const page = await send(bench.service.url, { path, headers: { cookie } })
      assert.equal(page.status, 200)
      for (const shown of [
        'acme.example.com',
        String(portal),
        'ann@acme.example.com',
        tenant,
        'tickets',
        'not connected',
      ])
        assert.ok(page.text.includes(shown), shown)
      for (const hidden of [code, state, state.split(':')[2] as string, secret, 'token'])
        assert.ok(!page.text.includes(hidden), hidden)
      const style = createHash('sha256')
        .update(/<style>([\s\S]*)<\/style>/.exec(page.text)?.[1] ?? '')
        .digest('base64')
      assert.equal(
        page.headers['content-security-policy'],
        `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
      )
      assert.equal(page.headers['referrer-policy'], 'same-origin')
      assert.match(String(page.headers['cache-control']), /no-store/)
      assert.doesNotMatch(page.text, /<script|<link|<img|<iframe|https?:|\son\w+=|\sstyle=/i)
      const { status, hub_id } = await bench.integration({ tenant, integration })
      assert.deepEqual([status, hub_id], ['pending', null])
      assert.deepEqual(await bench.rows(`select * from sync_events where tenant_id = '${tenant}'`), [])
      assert.deepEqual(await bench.rows(`select * from account_routes where tenant_id = '${tenant}'`), [])
      const [row] = await bench.confirmations(tenant)
      assert.ok(!JSON.stringify(row).includes(secret))
    })

    test('the button connects and the sync begins; pressing again changes nothing and gets the same response', async () => {
      const portal = bench.portal()
      const came = await bench.came(portal)
      const first = await bench.browser.press(came)
      assert.deepEqual([first.status, first.location], [303, `/connected?hub_id=${portal}`])
      const { status, hub_id } = await bench.integration(came)
      assert.deepEqual([status, hub_id], ['active', portal])
      const token = `select * from integration_tokens where tenant_id = '${came.tenant}'`
      const events = `select * from sync_events where tenant_id = '${came.tenant}'`
      const before = [await bench.rows(token), (await bench.rows(events)).length]
      const second = await bench.browser.press(came)
      assert.deepEqual([second.status, second.location], [303, first.location])
      const back = await send(bench.service.url, { path: came.path, headers: { cookie: came.cookie } })
      assert.deepEqual(
        [back.status, back.headers.location],
        [303, first.location],
        'so is a browser that goes back',
      )
      const late = await bench.browser.press(came, 'cancel')
      assert.deepEqual(
        [late.status, late.location],
        [303, first.location],
        'a connected account is reported as connected',
      )
      assert.deepEqual([await bench.rows(token), (await bench.rows(events)).length], before)
      const [row] = await bench.confirmations(came.tenant)
      assert.deepEqual([row?.access_token, row?.refresh_token], [null, null])
      assert.deepEqual(bench.revoked(portal), [false])
      await bench.idle()
      const ids = `${came.tenant}/${came.integration}`
      assert.equal((await bench.service.get(`/api/hubspot/tickets/${ids}`)).body.total_count, 2)
    })

    test('six presses at the same moment connect once', async () => {
      const portal = bench.portal()
      const came = await bench.came(portal)
      const presses = await Promise.all(Array.from({ length: 6 }, () => bench.browser.press(came)))
      assert.deepEqual(
        [...new Set(presses.map(({ status, location }) => `${status} ${location}`))],
        [`303 /connected?hub_id=${portal}`],
      )
      const [row] = await bench.rows(
        `select epoch from integration_tokens where tenant_id = '${came.tenant}'`,
      )
      assert.equal(Number(row?.epoch), 0)
      await bench.idle()
    })

    test('only the browser that returned may confirm: not without its cookie, nor with that of another browser or tenant, or a changed one', async () => {
      const mine = await bench.came(bench.portal())
      const same = await bench.came(bench.portal(), mine.tenant)
      const other = await bench.came(bench.portal())
      const secretOf = (cookie: string) => cookie.split('.')[1] as string
      const cookies: [string, string][] = [
        ['none', ''],
        ['another confirmation', same.cookie],
        ['another tenant', other.cookie],
        [
          "another tenant's name before this secret",
          `spoke_connect=${other.tenant}.${secretOf(mine.cookie)}`,
        ],
        [
          "this tenant's name before another secret",
          `spoke_connect=${mine.tenant}.${secretOf(other.cookie)}`,
        ],
        ['no secret', `spoke_connect=${mine.tenant}.`],
        ['a secret that is too short', mine.cookie.slice(0, -1)],
        ['another name', mine.cookie.replace('spoke_connect', 'spoke_connec')],
        ['nonsense', 'spoke_connect=%00; ;=;spoke_connect'],
      ]
      for (const [what, cookie] of cookies) await isOver(mine.path, cookie, what)
      for (const one of [mine, same, other]) assert.equal((await bench.integration(one)).status, 'pending')
      for (const one of [mine, same, other]) assert.equal((await bench.browser.press(one)).status, 303)
      for (const one of [mine, same, other]) assert.equal((await bench.integration(one)).status, 'active')
      await bench.idle()
    })

    test('a sealed token opens in its own row alone, not in another that waits for the same integration', async () => {
      const mine = await bench.came(bench.portal())
      const other = await bench.came(bench.portal(), mine.tenant, `?integration_id=${mine.integration}`)
      const ids = [mine, other].map(({ path }) => path.split('/')[2])
      await bench.rows(`update confirmations c set access_token = o.access_token from confirmations o
        where c.confirmation_id = '${ids[0]}' and o.confirmation_id = '${ids[1]}'`)
      assert.equal((await press(mine.path, { cookie: mine.cookie })).status, 500)
      assert.equal((await bench.integration(mine)).status, 'pending')
      assert.equal((await bench.browser.press(other)).status, 303)
      await bench.idle()
    })

    test('a form of another site, or one without an origin, is 403 and does nothing', async () => {
      const came = await bench.came(bench.portal())
      const { path, cookie } = came
      const foreign: Record<string, string>[] = [
        { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
        { 'sec-fetch-site': 'same-site', origin: publicUrl },
        { 'sec-fetch-site': 'none' },
        { 'sec-fetch-site': 'cross-site', origin: publicUrl },
      ]
      for (const headers of foreign) {
        for (const body of ['decision=connect', 'decision=cancel']) {
          const answer = await press(path, { cookie, ...headers }, body)
          checkShape(answer, { what: JSON.stringify(headers), status: 403, code: 'forged_request' })
        }
      }
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const old = (headers: Record<string, string>) =>
        send(bench.service.url, {
          method: 'POST',
          path,
          headers: { ...type, cookie, ...headers },
          body: 'decision=connect',
        })
      for (const headers of [
        {},
        { origin: 'null' },
        { origin: 'https://evil.example' },
        { origin: `${publicUrl}0` },
      ])
        checkShape(await old(headers), { what: JSON.stringify(headers), status: 403, code: 'forged_request' })
      const html = await old({ accept: 'text/html' })
      assert.deepEqual([html.status, /<h1>HubSpot is not connected/.test(html.text)], [403, true])
      assert.equal((await bench.integration(came)).status, 'pending')
      assert.equal((await old({ origin: publicUrl })).status, 303, 'an older browser sends its origin')
      assert.equal((await bench.integration(came)).status, 'active')
      await bench.idle()
    })

    test('the button takes one small form and nothing else', async () => {
      const { path, cookie } = await bench.came(bench.portal())
      const bodies: [what: string, body: string, headers: Record<string, string>, status: number][] = [
        ['JSON', '{"decision":"connect"}', { 'content-type': 'application/json' }, 415],
        ['text', 'decision=connect', { 'content-type': 'text/plain' }, 415],
        ['parts', 'x', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
        ['a packed form', 'decision=connect', { 'content-encoding': 'gzip' }, 415],
        ['a long form', `decision=${'c'.repeat(300)}`, {}, 413],
        ['nothing', '', {}, 400],
        ['another word', 'decision=yes', {}, 400],
        ['another field', 'decision=connect&tenant_id=x', {}, 400],
        ['the field twice', 'decision=connect&decision=cancel', {}, 400],
        ['a prototype', '__proto__=connect', {}, 400],
      ]
      for (const [what, body, headers, status] of bodies) {
        const answer = await press(path, { cookie, ...headers }, body)
        assert.equal(answer.status, status, `${what}: ${answer.text}`)
        checkShape(answer, { what, status, code: answer.json?.code })
      }
      assert.equal((await press(`${path}?x=1`, { cookie })).status, 400)
      assert.equal((await press('/connect/nonsense', { cookie })).status, 400)
      assert.equal((await press(path, { cookie })).status, 303)
      await bench.idle()
    })

    test('after ten minutes the button is over; the grant is forgotten, and revoked at HubSpot', async () => {
      const portal = bench.portal()
      const came = await bench.came(portal)
      const [row] = await bench.rows(
        `select extract(epoch from expires_at - now())::float8 as left from confirmations where tenant_id = '${came.tenant}'`,
      )
      assert.ok(Number(row?.left) > 580 && Number(row?.left) <= 600, String(row?.left))
      await bench.expire(came.tenant)
      await isOver(came.path, came.cookie, 'old')
      await eventually(async () => (await bench.confirmations(came.tenant)).length === 0, 'it is deleted')
      await eventually(async () => bench.revoked(portal)[0], 'the grant is revoked')
      assert.equal((await bench.integration(came)).status, 'pending')
    })

    test('an unconfirmed grant ends no living connection of the same account', async () => {
      bench.emulator.world.changeQuirks({ shared_refresh_token: true })
      const portal = bench.portal()
      const live = await bench.came(portal)
      assert.equal((await bench.browser.press(live)).status, 303)
      await bench.idle()
      const again = await bench.came(portal, live.tenant, `?integration_id=${live.integration}`)
      const other = await bench.came(portal)
      assert.equal((await bench.browser.press(again, 'cancel')).status, 200)
      await bench.expire(other.tenant)
      await eventually(async () => (await bench.confirmations(other.tenant)).length === 0, 'it is deleted')
      assert.deepEqual(bench.revoked(portal), [false])
      const two = [await bench.came(portal), await bench.came(portal)] as const
      const ids = `/api/hubspot/integrations/${live.tenant}/${live.integration}`
      assert.equal(
        (await bench.service.delete(ids)).body.revoked,
        false,
        'two people see the account at this moment',
      )
      assert.equal((await bench.browser.press(two[0], 'cancel')).status, 200)
      assert.deepEqual(bench.revoked(portal), [false], 'one still does')
      assert.equal((await bench.browser.press(two[1])).status, 303)
      bench.emulator.world.clock.advance(31 * 60_000)
      bench.emulator.world.tokens.expire({})
      const status = await bench.service.get(`/api/hubspot/status/${two[1].tenant}/${two[1].integration}`)
      assert.equal(status.body.connected, true)
      await bench.idle()
      bench.emulator.world.changeQuirks({ shared_refresh_token: false })
    })

    test('Cancel deletes and revokes, whatever HubSpot responds, and then the page has expired', async () => {
      const portals = [bench.portal(), bench.portal()] as const
      const came = [await bench.came(portals[0]), await bench.came(portals[1])] as const
      const first = await bench.browser.press(came[0], 'cancel')
      assert.deepEqual([first.status, /<h1>Nothing was connected/.test(first.text)], [200, true])
      assert.deepEqual(bench.revoked(portals[0]), [true])
      bench.emulator.world.faults.add({
        kind: 'status',
        status: 503,
        match: { path: '/revoke' },
        times: null,
      })
      const from = bench.service.lines.length
      const second = await bench.browser.press(came[1], 'cancel')
      assert.equal(second.status, 200, second.text)
      assert.match(
        bench.service.lines.slice(from).join(''),
        /"level":"warn".*could not be revoked at HubSpot/,
      )
      for (const one of came) {
        assert.deepEqual(await bench.confirmations(one.tenant), [])
        await isOver(one.path, one.cookie, 'cancelled')
        assert.equal((await bench.integration(one)).status, 'pending')
      }
    })

    test('an integration that was deleted meanwhile is not brought back, and the grant is revoked', async () => {
      const portal = bench.portal()
      const live = await bench.came(portal)
      await bench.browser.press(live)
      await bench.idle()
      const again = await bench.came(portal, live.tenant, `?integration_id=${live.integration}`)
      assert.ok(again.page.includes('this renews the connection'))
      const path = `/api/hubspot/integrations/${live.tenant}/${live.integration}`
      assert.equal((await bench.service.delete(`${path}?purge=true`)).body.purged, true)
      await isOver(again.path, again.cookie, 'deleted')
      assert.equal((await bench.service.get(path)).status, 404)
      assert.equal(await bench.waiting(live.tenant), 0)
      assert.equal(bench.revoked(portal).at(-1), true)
    })

    test('an account that was connected meanwhile is renewed: the older integration stays, and there is no second', async () => {
      const portal = bench.portal()
      const came = await bench.came(portal)
      assert.ok(came.page.includes('not connected to this account'))
      const { token } = bench.emulator.world.addToken(portal, { kind: 'private_app' })
      const made = await bench.service.post(`/api/hubspot/integrations/${came.tenant}`, {
        access_token: token,
      })
      assert.equal(made.status, 201)
      const { text } = await send(bench.service.url, { path: came.path, headers: { cookie: came.cookie } })
      assert.ok(text.includes('this renews the connection'))
      assert.equal((await bench.browser.press(came)).status, 303)
      const { body } = await bench.service.get(`/api/hubspot/integrations/${came.tenant}`)
      assert.deepEqual(
        body.integrations.map((one: { integration_id: string }) => one.integration_id),
        [made.body.integration_id],
      )
      const [row] = await bench.rows(`select kind from integration_tokens where tenant_id = '${came.tenant}'`)
      assert.equal(row?.kind, 'oauth')
      await bench.idle()
    })

    test('another account than the one that is held is refused, before the page and at the button, and its grant revoked', async () => {
      const [portal, other] = [bench.portal(), bench.portal()]
      const came = await bench.came(portal)
      const late = await bench.start(other, came.tenant, `?integration_id=${came.integration}`)
      assert.equal((await bench.post(late.code, late.state)).status, 200)
      await bench.idle()
      const answer = await press(came.path, { cookie: came.cookie })
      checkShape(answer, { what: 'at the button', status: 409, code: 'hub_changed' })
      assert.deepEqual([await bench.confirmations(came.tenant), bench.revoked(portal)], [[], [true]])
      assert.equal((await bench.integration(came)).hub_id, other)
      const third = bench.portal()
      const early = await bench.start(third, came.tenant, `?integration_id=${came.integration}`)
      const refused = await bench.browse(early.search, 'application/json')
      checkShape(refused, { what: 'before the page', status: 409, code: 'hub_changed' })
      assert.equal(refused.headers['set-cookie'], undefined)
      assert.deepEqual([await bench.confirmations(came.tenant), bench.revoked(third)], [[], [true]])
    })

    test('an account without tickets is refused before the confirmation, and its grant revoked', async () => {
      const portal = bench.portal()
      bench.emulator.world.portals.get(portal)?.removed_scopes.add('tickets')
      const started = await bench.start(portal)
      const answer = await bench.browse(started.search, 'application/json')
      checkShape(answer, { what: 'no tickets', status: 422, code: 'missing_scopes' })
      assert.equal(answer.headers['set-cookie'], undefined)
      assert.deepEqual([await bench.confirmations(started.tenant), bench.revoked(portal)], [[], [true]])
    })

    test("HubSpot's names are text on the page, and cannot reverse or hide the text next to them", async () => {
      const hub_domain = `<script>alert(1)</script>"'&amp;<form action=//evil.example>`
      const user = `ann"><img src=x onerror=alert(1)>\u202egro.live\u200b\u0000${'x'.repeat(5_000)}`
      const { page } = await bench.came(bench.portal({ hub_domain, user }))
      assert.ok(
        page.includes('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;amp;&lt;form action=//evil'),
      )
      assert.ok(page.includes('ann&quot;&gt;&lt;img src=x onerror=alert(1)&gt;\ufffdgro.live\ufffd\ufffdxxx'))
      assert.doesNotMatch(page, /<script|<img|[\u202a-\u202e\u2066-\u2069\u200b\u0000]/)
      assert.equal(page.match(/<form/g)?.length, 1)
      assert.ok(page.length < 4_000, `${page.length}`)
    })

    test('an open page protects its pending integration, however old it is and however many were begun since', async () => {
      const came = await bench.came(bench.portal())
      await bench.rows(
        `update tenant_integrations set created_at = now() - interval '11 minutes' where tenant_id = '${came.tenant}'`,
      )
      // One more than there may be.
      for (let n = 0; n < 21; n++) assert.equal((await bench.authorize(came.tenant)).status, 200)
      await bench.service.get(`/api/hubspot/integrations/${came.tenant}`)
      assert.equal((await bench.browser.press(came)).status, 303)
      assert.equal((await bench.integration(came)).status, 'active')
      await bench.idle()
    })

    test('a caller that begins without end adds twenty rows at most, and the last authorization still works', async () => {
      const tenant = randomUUID()
      const counts = async () => {
        const [row] = await bench.rows(`select
          (select count(*)::int from tenant_integrations where tenant_id = '${tenant}') as integrations,
          (select count(*)::int from authorizations where tenant_id = '${tenant}') as authorizations`)
        return row
      }
      const first = await bench.start(bench.portal(), tenant)
      await Promise.all(Array.from({ length: 30 }, () => bench.authorize(tenant)))
      assert.deepEqual(await counts(), { integrations: 20, authorizations: 20 })
      // States that are used up leave a pending integration each, until it is old. There are twenty already.
      for (let n = 0; n < 6; n++) {
        const url = new URL((await bench.authorize(tenant)).json.authorization_url)
        assert.equal((await bench.post('zq-nonsense', url.searchParams.get('state') as string)).status, 400)
      }
      assert.equal((await counts())?.integrations, 20)
      checkShape(await bench.post(first.code, first.state), {
        what: 'the oldest',
        status: 400,
        code: 'invalid_state',
      })
      const last = await bench.start(bench.portal(), tenant)
      assert.equal((await bench.post(last.code, last.state)).status, 200)
      for (let n = 0; n < 10; n++) await bench.authorize(tenant, `?integration_id=${last.integration}`)
      const ended = await counts()
      assert.equal(ended?.authorizations, 20)
      assert.ok(Number(ended?.integrations) <= 20, JSON.stringify(ended))
      await bench.idle()
    })
  })
}
