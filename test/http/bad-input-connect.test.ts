/** Bad input while connecting: pasted tokens, callbacks and authorize; nothing is stored and HubSpot is not called. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { toIssue } from '../../src/issues/issue.ts'
import { type Bench, startBench } from './http-fixture.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

const json = { 'content-type': 'application/json' }
const mark = 'zqmark7'
const bad = { status: 400, code: 'validation_failed' }
const token = (value: unknown) => JSON.stringify({ access_token: value })

const pasted: [what: string, body: string, pointer?: string][] = [
  ['no token', '{}', '/access_token'],
  ['null as the body', 'null'],
  ['a number as the body', '1'],
  ['a text as the body', `"${mark}"`],
  ['the empty token', token(''), '/access_token'],
  ['null', token(null), '/access_token'],
  ['a number', token(1), '/access_token'],
  ['a list', token([mark]), '/access_token'],
  ['an object', token({ [mark]: 1 }), '/access_token'],
  ['5,000 characters', token(mark.repeat(715)), '/access_token'],
  ['a line feed', token(`${mark}\nx`), '/access_token'],
  ['a header smuggled in', token(`${mark}\r\nx-evil: 1`), '/access_token'],
  ['a NUL', token(`${mark}\u0000`), '/access_token'],
  ['an emoji', token(`${mark}😀`), '/access_token'],
  ['half an emoji', `{"access_token":"${mark}\\ud83d"}`, '/access_token'],
  ['a blank', token(`${mark} x`), '/access_token'],
  ['a blank before', token(` ${mark}`), '/access_token'],
  ['a soft hyphen', token(`${mark}\u00ad`), '/access_token'],
  ['an unknown field', JSON.stringify({ access_token: mark, tenant_id: mark }), '/tenant_id'],
  ['an id of its own', JSON.stringify({ access_token: mark, integration_id: mark }), '/integration_id'],
]

for (const [what, body, pointer] of pasted) {
  test(`a pasted token that is ${what} is 400, is not echoed, and makes no tenant`, async () => {
    const path = `/api/hubspot/integrations/${randomUUID()}`
    const expected = { what, ...bad, secret: [mark], ...(pointer === undefined ? {} : { pointer }) }
    await bench.refused({ method: 'POST', path, headers: json, body, ...expected })
    await bench.refused({ what, path, status: 404, code: 'integration_not_found' })
  })
}

const callback = (fields: object) => JSON.stringify(fields)
const bodies: [what: string, body: string, pointer?: string][] = [
  ['nothing', '{}'],
  ['a code alone', callback({ code: mark }), '/state'],
  ['a state alone', callback({ state: mark }), '/code'],
  ['an empty code', callback({ code: '', state: mark }), '/code'],
  ['an empty state', callback({ code: mark, state: '' }), '/state'],
  ['a code of 5,000 characters', callback({ code: mark.repeat(715), state: 'x' }), '/code'],
  ['a code with a line feed', callback({ code: `${mark}\n`, state: 'x' }), '/code'],
  ['a code in a list', callback({ code: [mark], state: 'x' }), '/code'],
  ['a state that is an object', callback({ code: mark, state: { $ne: 1 } }), '/state'],
  ['a state that is true', callback({ code: mark, state: true }), '/state'],
  ['a redirect of its own', callback({ code: mark, state: 'x', redirect_uri: 'https://evil.example' })],
]

for (const [what, body, pointer] of bodies) {
  test(`a callback of ${what} is 400 before any lookup`, async () => {
    const expected = { what, ...bad, secret: [mark, 'evil'], ...(pointer === undefined ? {} : { pointer }) }
    await bench.refused({
      method: 'POST',
      path: '/api/hubspot/oauth/callback',
      headers: json,
      body,
      ...expected,
    })
  })
}

const states: [what: string, state: (ids: Record<'t' | 'i' | 'b' | 'ib', string>) => string][] = [
  ['a word', () => mark],
  ['one colon', () => ':'],
  ['four parts', () => 'a:b:c:d'],
  ['the bare form while nothing is pending', ({ t, i }) => `${t}:${i}`],
  ['the bare form with a colon behind', ({ t, i }) => `${t}:${i}:`],
  ['a made-up nonce', ({ t, i }) => `${t}:${i}:${'A'.repeat(43)}`],
  ['an unknown nonce', () => `${randomUUID()}:${randomUUID()}:${'A'.repeat(43)}`],
  ["one tenant's id with another's integration", ({ t, ib }) => `${t}:${ib}:${'A'.repeat(43)}`],
  ["another tenant's bare form", ({ b, ib }) => `${b}:${ib}`],
  ['a NUL in it', ({ t, i }) => `${t}:${i}:\u0000`],
  ['a quote in it', ({ t, i }) => `${t}:${i}:' or 1=1--`],
  ['a tenant that is no UUID', ({ i }) => `${mark}:${i}:${'A'.repeat(43)}`],
  ['an emoji for a nonce', ({ t, i }) => `${t}:${i}:😀`],
  ['256 characters', () => mark.repeat(37).slice(0, 256)],
]

for (const [what, state] of states) {
  test(`a state of ${what} is 400 invalid_state by POST and by GET, and HubSpot is not called`, async () => {
    const text = state({
      t: bench.tenant,
      i: bench.integration,
      b: bench.otherTenant,
      ib: bench.otherIntegration,
    })
    const path = '/api/hubspot/oauth/callback'
    const expected = { what, status: 400, code: 'invalid_state', secret: [mark] }
    const body = callback({ code: mark, state: text })
    await bench.refused({ method: 'POST', path, headers: json, body, ...expected })
    const query = new URLSearchParams({ code: mark, state: text })
    await bench.refused({ path: `${path}?${query}`, ...expected })
  })
}

const browsers: [what: string, query: string, code: string[]][] = [
  ['nothing', '', ['invalid_state', 'validation_failed']],
  ['a code alone', `?code=${mark}`, ['invalid_state', 'validation_failed']],
  ['a state alone', `?state=${mark}`, ['invalid_state', 'validation_failed']],
  ['two codes', `?code=${mark}&code=b&state=c`, ['validation_failed', 'invalid_state']],
  ['two states', `?code=${mark}&state=b&state=c`, ['validation_failed', 'invalid_state']],
  ['a long code', `?code=${mark.repeat(715)}&state=b`, ['validation_failed', 'invalid_state']],
  ['a bad escape', `?code=%zz&state=${mark}`, ['validation_failed', 'invalid_state', 'bad_request']],
  ['markup', `?code=<script>${mark}&state=<b>`, ['validation_failed', 'invalid_state']],
  ['a refusal by the person', `?error=access_denied&error_description=${mark}`, ['oauth_denied']],
  ['an error of its own words', `?error=${mark}<b>&state=x`, ['oauth_denied', 'validation_failed']],
]

for (const [what, query, code] of browsers) {
  test(`a browser that returns with ${what} gets 400, and a page that repeats none of it`, async () => {
    const path = `/api/hubspot/oauth/callback${query}`
    await bench.refused({ what, path, status: 400, code, secret: [mark] })
    const from = bench.service.lines.length
    const page = await bench.send({ path, headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
    assert.equal(page.status, 400)
    assert.match(String(page.headers['content-type']), /text\/html|json/)
    assert.ok(!page.text.includes(mark), page.text)
    const lines = bench.service.lines.slice(from)
    assert.ok(!lines.join('').includes(mark), lines.join(''))
    const why = lines.filter((line) => JSON.parse(line).code !== undefined)
    assert.equal(why.length, 1, `lines with the reason: ${lines.join('')}`)
  })
}

const evil = 'https://evil.example/x'
const asks: [what: string, query: string][] = [
  ['a redirect and a return', `?redirect_uri=${evil}&return_to=//evil.example`],
  ['scopes of its own', '?scope=crm.objects.contacts.write&client_id=evil'],
  ['an integration that is no id', '?integration_id=evil'],
  ['two integrations', `?integration_id=${randomUUID()}&integration_id=${randomUUID()}`],
]

for (const [what, query] of asks) {
  test(`authorize with ${what} refuses or ignores it`, async () => {
    const path = `/api/hubspot/authorize/${randomUUID()}${query}`
    const answer = await bench.send({ path })
    assert.ok(answer.status === 400 || answer.status === 200, answer.text)
    assert.ok(!answer.text.includes('evil'), answer.text)
    if (answer.status === 400) await bench.refused({ what, path, ...bad, secret: ['evil'] })
  })
}

test('authorize to reconnect an unknown integration or one of another tenant is the same 404', async () => {
  for (const id of [randomUUID(), bench.otherIntegration]) {
    const path = `/api/hubspot/authorize/${bench.tenant}?integration_id=${id}`
    await bench.refused({ what: id, path, status: 404, code: 'integration_not_found' })
  }
})

test('a link of HubSpot’s that is no https is passed on neither with live tickets nor with issues', async () => {
  const at = '2026-01-02T03:04:05.678Z'
  const record = (id: string, url: unknown) => ({
    id,
    properties: { hs_lastmodifieddate: at, createdate: at },
    createdAt: at,
    updatedAt: at,
    archived: false,
    url,
  })
  const links: [unknown, string | null][] = [
    ['https://app.hubspot.com/contacts/1/record/0-5/1', 'https://app.hubspot.com/contacts/1/record/0-5/1'],
    ['javascript:alert(1)', null],
    ['JavaScript://app.hubspot.com/%0aalert(1)', null],
    [' javascript:alert(1)', null],
    ['data:text/html,x', null],
    ['http://app.hubspot.com/', null],
    ['//app.hubspot.com/', null],
    ['https://a b/', null],
    [`https://${'a'.repeat(3_000)}/`, null],
    [7, null],
  ]
  bench.emulator.world.faults.add({
    kind: 'status',
    status: 200,
    body: { results: links.map(([url], at) => record(String(at + 1), url)) },
    match: { method: 'GET', path: '/crm/objects' },
    times: null,
  })
  const path = `/api/hubspot/tickets/${bench.tenant}/${bench.integration}?limit=100`
  const { status, json: live } = await bench.send({ path })
  bench.emulator.world.faults.clear()
  assert.equal(status, 200)
  assert.deepEqual(
    live.tickets.map(({ url }: { url: unknown }) => url),
    links.map(([, shown]) => shown),
  )
  const saved = links.map(([url], at) => toIssue(record(String(at + 1), url)))
  assert.deepEqual(
    saved.map((one) => 'row' in one && one.row.url),
    links.map(([, shown]) => shown),
  )
})
