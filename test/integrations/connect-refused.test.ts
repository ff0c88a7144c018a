/** A token that is refused, or a HubSpot that is down: three different errors, and nothing is stored. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import type { NewFault } from '../../packages/emulator/src/http/faults.ts'
import { everyRow, tableCounts } from '../http/database.ts'
import { newAccount, startOn } from '../http/http-fixture.ts'
import { checkLog, checkShape, type Watched } from '../http/oracle.ts'
import { send } from '../http/send.ts'
import { startTestEmulator } from '../support/emulator.ts'

let bench: Watched
before(async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  bench = { emulator, ...(await startOn(emulator, { HUBSPOT_TIMEOUT: '3s' })) }
})
after(async () => {
  await bench.service.stop()
  await bench.emulator.close()
})
beforeEach(() => bench.emulator.world.faults.clear())

const refusedTokens: string[] = []

type Expected = { status: number | number[]; code: string; sentence?: string }

/** Pastes the token for a new tenant, and sees that it leaves no trace. */
async function refusedToken(what: string, token: string, expected: Expected) {
  const before = await tableCounts(bench.database)
  const from = bench.service.lines.length
  const path = `/api/hubspot/integrations/${randomUUID()}`
  const began = performance.now()
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ access_token: token })
  const answer = await send(bench.service.url, { method: 'POST', path, headers, body })
  const ms = performance.now() - began
  assert.ok([expected.status].flat().includes(answer.status), `${what}: ${answer.status} ${answer.text}`)
  checkShape(answer, { what, status: answer.status, code: expected.code })
  if (expected.sentence) assert.equal(answer.json.error, expected.sentence)
  checkLog(bench.service, from, answer, what)
  const written = bench.service.lines.slice(from).join('')
  assert.ok(!answer.text.includes(token) && !written.includes(token), `${what}: the token is visible`)
  assert.deepEqual(await tableCounts(bench.database), before, `${what}: something was stored`)
  refusedTokens.push(token)
  const list = await send(bench.service.url, { path })
  assert.equal(list.status, 404, `${what}: a tenant was made`)
  return { answer, ms }
}

const invalid: Expected = { status: 422, code: 'token_invalid', sentence: 'Invalid or expired access token' }
const dead: [what: string, token: () => string][] = [
  ['an unknown one', () => `pat-na1-${randomUUID()}`],
  ['an unknown one in no known format', () => `zq${randomUUID()}`],
  ['revoked', () => revoked(newAccount(bench.emulator).token)],
  ['an expired OAuth token of our app', () => expired({ client_id: 'test-client' })],
  ['an expired OAuth token of another app', () => expired({})],
  ['a refresh token', () => String(oauth({ client_id: 'test-client' }).refresh_token)],
]

const oauth = (token: object): { token: string; refresh_token?: string } => {
  const { portal_id } = bench.emulator.world.addPortal({ tickets: 1 })
  return bench.emulator.world.addToken(portal_id, { kind: 'oauth', ...token }) as never
}

function revoked(token: string): string {
  bench.emulator.world.tokens.revoke({ token })
  return token
}

function expired(of: object): string {
  const { token } = oauth(of)
  bench.emulator.world.tokens.expire({ token })
  return token
}

for (const unknown of [401, 404] as const) {
  for (const [what, token] of dead) {
    test(`a token that is ${what} is 422, where unknown ones are ${unknown}, and nothing is stored`, async () => {
      bench.emulator.world.changeQuirks({ token_info_unknown: unknown })
      await refusedToken(what, token(), invalid)
    })
  }
}

const missing: Expected = { status: 422, code: 'missing_scopes' }
const narrow: [what: string, token: () => string][] = [
  ['a private-app token', () => newAccount(bench.emulator, {}, { scopes: ['oauth', 'contacts'] }).token],
  [
    'an OAuth token of our app',
    () => oauth({ client_id: 'test-client', scopes: ['oauth', 'contacts'] }).token,
  ],
  ['an OAuth token of another app', () => oauth({ scopes: ['oauth', 'contacts'] }).token],
]

for (const [what, token] of narrow) {
  test(`${what} without the scope for tickets is 422, the scope is named, and nothing is stored`, async () => {
    const { answer } = await refusedToken(what, token(), missing)
    assert.match(answer.text, /tickets/)
  })
}

const down: Expected = { status: 502, code: 'hubspot_unavailable', sentence: 'HubSpot connection failed' }
const slow: Expected = { ...down, status: [502, 504] }
const faults: [what: string, fault: NewFault, expected: Expected][] = [
  ...[500, 502, 503, 504, 520, 477].map((status): [string, NewFault, Expected] => [
    `answers ${status}`,
    { kind: 'status', status },
    down,
  ]),
  ['answers a page', { kind: 'html', status: 502 }, down],
  ['answers a page with 200', { kind: 'html', status: 200 }, down],
  ['answers half a JSON', { kind: 'invalid_json' }, down],
  ['answers nothing with 200', { kind: 'empty', status: 200 }, down],
  ['answers JSON of another shape', { kind: 'status', status: 200, body: { hubId: 'x', scopes: 1 } }, down],
  ['answers null', { kind: 'status', status: 200, body: 'null' }, down],
  ['answers a list', { kind: 'status', status: 200, body: [] }, down],
  ['stops in the middle', { kind: 'truncate' }, down],
  ['resets the connection', { kind: 'reset' }, down],
  ['never answers', { kind: 'hang' }, slow],
  ['drips', { kind: 'drip', delay_ms: 100 }, slow],
  ['is slow', { kind: 'delay', delay_ms: 5_000 }, slow],
  ['is at its daily limit', { kind: 'rate_limit', policy: 'daily' }, { status: 503, code: 'hubspot_limit' }],
]
/** One failure of each kind at each request of a connect; the others at all of them at once. */
const placesOf = ({ kind, status }: NewFault) =>
  ['truncate', 'invalid_json', 'rate_limit'].includes(kind) || status === 503
    ? ['', 'access-token-info', '/account-info']
    : ['']

for (const [what, fault, expected] of faults) {
  test(`while HubSpot ${what} a good token is ${expected.status}, and nothing is stored`, async () => {
    const { token } = newAccount(bench.emulator)
    for (const path of placesOf(fault)) {
      bench.emulator.world.faults.clear()
      bench.emulator.world.faults.add({ ...fault, times: null, ...(path ? { match: { path } } : {}) })
      const { answer, ms } = await refusedToken(`${what} at ${path || 'all'}`, token, expected)
      assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/, `${what}: Retry-After`)
      // A second and a half is the deadline here, of all calls of a question together.
      assert.ok(ms < 5_000, `${what} at ${path}: ${ms} ms`)
    }
  })
}

test('a redirect is not followed, so that a token is sent only to HubSpot', async () => {
  const { token } = newAccount(bench.emulator)
  const headers = { location: `${bench.service.url}/livez` }
  bench.emulator.world.faults.add({ kind: 'status', status: 302, headers, times: null })
  const from = bench.service.lines.length
  await refusedToken('a redirect', token, down)
  assert.ok(!bench.service.lines.slice(from).join('').includes('/livez'))
})

test('a wrong client secret does not prevent a tenant from pasting a token', async () => {
  const app = bench.emulator.world.tokens.apps.get('test-client')
  assert.ok(app)
  const { client_secret } = app
  app.client_secret = 'another'
  try {
    const { token } = oauth({})
    const path = `/api/hubspot/integrations/${randomUUID()}`
    const { status, body } = await bench.service.post(path, { access_token: token })
    assert.equal(status, 201, JSON.stringify(body))
  } finally {
    app.client_secret = client_secret
  }
})

test('no refused token is anywhere in the database', async () => {
  const rows = await everyRow(bench.database)
  assert.ok(refusedTokens.length > 25)
  for (const token of refusedTokens) assert.ok(!rows.includes(token))
})
