// Rate limits: windows, headers, the bodies of 429, and who shares what.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, SEARCH, startLimited, TICKETS } from './help.ts'

// The clock stands as still as a test is fast: windows move only by advancing it.
async function many(count: number, call: () => Promise<{ status: number }>): Promise<number[]> {
  const answers = []
  for (let i = 0; i < count; i += 20)
    answers.push(...(await Promise.all(Array.from({ length: Math.min(20, count - i) }, call))))
  return answers.map((one) => one.status)
}

const refused = (statuses: number[]) => statuses.filter((one) => one === 429).length

test('an OAuth app gets 110 calls in ten seconds for one account, then 429 until the window has moved on', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const { world } = account.emulator
  const { token } = world.addToken(account.portal_id, { kind: 'oauth' })
  const call = () => account.call('GET', '/crm/objects/2026-09/tickets/1', { token })
  assert.equal(refused(await many(110, call)), 0)
  const answer = await account.call('GET', TICKETS, { token })
  assert.equal(answer.status, 429)
  assert.deepEqual(Object.keys(answer.json), [
    'status',
    'message',
    'errorType',
    'correlationId',
    'policyName',
    'groupName',
  ])
  assert.equal(answer.json.message, 'You have reached your ten_secondly_rolling limit.')
  assert.equal(answer.json.policyName, 'TEN_SECONDLY_ROLLING')
  assert.equal(answer.json.errorType, 'RATE_LIMIT')
  assert.equal(answer.headers.get('retry-after'), null)
  assert.equal(answer.headers.get('x-hubspot-ratelimit-remaining'), '0')
  world.clock.advance(10_000)
  assert.equal((await account.call('GET', TICKETS, { token })).status, 200)
})

test('the window is per app and account: another account and another app are not touched', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const { world } = account.emulator
  const app = world.addApp({ required_scopes: ['tickets'] })
  const other = world.addPortal({ tickets: 1 })
  const mint = (portal_id: number, client_id?: string) =>
    world.addToken(portal_id, { kind: 'oauth', ...(client_id ? { client_id } : {}) }).token
  const [mine, again] = [mint(account.portal_id, app.client_id), mint(account.portal_id, app.client_id)]
  await many(110, () => account.call('GET', '/crm/objects/2026-09/tickets/1', { token: mine }))
  assert.equal((await account.call('GET', TICKETS, { token: again })).status, 429)
  assert.equal(
    (await account.call('GET', TICKETS, { token: mint(other.portal_id, app.client_id) })).status,
    200,
  )
  assert.equal((await account.call('GET', TICKETS, { token: mint(account.portal_id) })).status, 200)
})

test('headers tell what is left; daily ones come with pasted tokens only, and search has none', async (t) => {
  const account = await startLimited({ tickets: 1, plan: 'starter' })
  t.after(account.close)
  const { world } = account.emulator
  const pasted = await account.get(TICKETS)
  assert.equal(pasted.headers.get('x-hubspot-ratelimit-max'), '100')
  assert.equal(pasted.headers.get('x-hubspot-ratelimit-remaining'), '99')
  assert.equal(pasted.headers.get('x-hubspot-ratelimit-interval-milliseconds'), '10000')
  assert.equal(pasted.headers.get('x-hubspot-ratelimit-daily'), '250000')
  assert.equal(pasted.headers.get('x-hubspot-ratelimit-daily-remaining'), '249999')
  const { token } = world.addToken(account.portal_id, { kind: 'oauth' })
  const oauth = await account.call('GET', TICKETS, { token })
  assert.equal(oauth.headers.get('x-hubspot-ratelimit-max'), '110')
  assert.equal(oauth.headers.get('x-hubspot-ratelimit-secondly'), '11')
  assert.equal(oauth.headers.get('x-hubspot-ratelimit-daily'), null)
  const search = await account.post(SEARCH, {})
  assert.deepEqual(
    [...search.headers.keys()].filter((name) => name.includes('ratelimit')),
    [],
  )
  const professional = world.addPortal({ plan: 'professional' })
  const their = world.addToken(professional.portal_id, { kind: 'static' }).token
  assert.equal(
    (await account.call('GET', TICKETS, { token: their })).headers.get('x-hubspot-ratelimit-max'),
    '190',
  )
})

test('search has five a second per account, shared by tokens, outside the ten-second window', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const { world } = account.emulator
  const { token } = world.addToken(account.portal_id, { kind: 'oauth' })
  const statuses = await Promise.all(
    [account.token, token, account.token, token, account.token, token].map((one) =>
      account.call('POST', SEARCH, { body: {}, token: one }),
    ),
  )
  const limited = statuses.filter((one) => one.status === 429)
  assert.equal(limited.length, 1)
  assert.equal(limited[0]?.json.message, 'You have reached your secondly limit.')
  assert.equal(limited[0]?.json.policyName, 'SECONDLY')
  assert.match(
    limited[0]?.json.groupName,
    new RegExp(`^publicapi:crm:search:\\w+:\\d+:${account.portal_id}$`),
  )
  assert.equal((await account.get(TICKETS)).headers.get('x-hubspot-ratelimit-remaining'), '189')
  world.clock.advance(1001)
  assert.equal((await account.post(SEARCH, {})).status, 200)
})

test('the daily count is shared by the pasted tokens of an account, counts searches, and ends at its own midnight', async (t) => {
  const account = await startLimited({ tickets: 1, time_zone: 'Asia/Tokyo' })
  t.after(account.close)
  const { world } = account.emulator
  await ask(account.emulator.url, 'POST', '/_emulator/limits', { body: { daily: 3 } })
  const { token } = world.addToken(account.portal_id, { kind: 'service_key' })
  assert.equal((await account.get(TICKETS)).status, 200)
  assert.equal((await account.call('GET', TICKETS, { token })).status, 200)
  assert.equal((await account.post(SEARCH, {})).status, 200)
  const answer = await account.get(TICKETS)
  assert.equal(answer.status, 429)
  assert.equal(answer.json.policyName, 'DAILY')
  assert.ok(answer.json.requestId)
  const oauth = world.addToken(account.portal_id, { kind: 'oauth' }).token
  assert.equal((await account.call('GET', TICKETS, { token: oauth })).status, 200)
  const usage = (
    await account.call('GET', '/account-info/2026-09/api-usage/daily/private-apps', { token: oauth })
  ).json.results[0]
  assert.equal(usage.currentUsage, 3)
  assert.equal(usage.usageLimit, 3)
  assert.match(usage.resetsAt, /T15:00:00Z$/)
  world.clock.advance(Date.parse(usage.resetsAt) - world.clock.now() + 1000)
  assert.equal((await account.get(TICKETS)).status, 200)
})

test('limits can be changed and switched off, and a wrong name is refused', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const set = (body: object) => ask(account.emulator.url, 'POST', '/_emulator/limits', { body })
  await set({ private_ten_secondly: 2 })
  assert.deepEqual(await many(3, () => account.get(TICKETS)), [200, 200, 429])
  await set({ enabled: false })
  assert.equal((await account.get(TICKETS)).status, 200)
  assert.equal((await set({ search_per_minute: 2 })).status, 400)
})

test('a Retry-After comes with 429 only by switch', async (t) => {
  const account = await startLimited({ tickets: 1 }, { retry_after_on_429: true })
  t.after(account.close)
  account.emulator.world.rates.limits.private_ten_secondly = 0
  assert.equal((await account.get(TICKETS)).headers.get('retry-after'), '10')
})

test('a privately distributed OAuth app has the limit of a private app', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const { world } = account.emulator
  const app = world.addApp({ distribution: 'private', required_scopes: ['tickets'] })
  const { token } = world.addToken(account.portal_id, { kind: 'oauth', client_id: app.client_id })
  assert.equal((await account.call('GET', TICKETS, { token })).headers.get('x-hubspot-ratelimit-max'), '190')
})

test('searches share one bucket per account, or have one per app by switch', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const { world } = account.emulator
  const { token } = world.addToken(account.portal_id, { kind: 'private_app' })
  const search = (one: string) => account.call('POST', SEARCH, { body: {}, token: one })
  const five = async (one: string) => refused(await many(5, () => search(one)))
  // The window follows the emulator's clock, which also runs on by itself: a second is enough for ten calls.
  assert.equal(await five(account.token), 0)
  assert.ok((await five(token)) > 0)
  world.clock.advance(1001)
  world.changeQuirks({ search_bucket: 'app' })
  assert.equal(await five(account.token), 0)
  assert.equal(await five(token), 0)
  assert.ok((await five(token)) > 0)
})

test('a refused call does not count, or counts by switch', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const { world } = account.emulator
  world.rates.limits.private_ten_secondly = 2
  const statuses = async () => (await many(1, () => account.get(TICKETS)))[0]
  for (const [refused_calls_count, expected] of [
    [false, 200],
    [true, 429],
  ] as const) {
    world.clock.advance(20_000)
    world.changeQuirks({ refused_calls_count })
    assert.equal(await statuses(), 200)
    assert.equal(await statuses(), 200)
    world.clock.advance(6000)
    assert.equal(await statuses(), 429)
    assert.equal(await statuses(), 429)
    // The two that were answered have left the window, the two that were refused have not.
    world.clock.advance(5000)
    assert.equal(await statuses(), expected)
  }
})

test('answers tell the limits in headers, or by switch not at all', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const names = async () =>
    [...(await account.get(TICKETS)).headers.keys()].filter((name) => name.includes('ratelimit'))
  assert.equal((await names()).length, 7)
  account.emulator.world.changeQuirks({ rate_headers: false })
  assert.deepEqual(await names(), [])
})

test('the 429 of a second comes with a policy, or with a category by switch', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const { world } = account.emulator
  world.rates.limits.search_per_second = 0
  const body = async () => (await account.post(SEARCH, {})).json
  assert.equal((await body()).policyName, 'SECONDLY')
  world.changeQuirks({ secondly_body: 'category' })
  assert.deepEqual(Object.keys(await body()), ['status', 'message', 'correlationId', 'category'])
  assert.equal((await body()).category, 'RATE_LIMITS')
  assert.equal((await body()).message, 'You have reached your secondly limit.')
  assert.ok((await body()).correlationId)
  world.faults.add({ kind: 'rate_limit', policy: 'secondly' })
  assert.equal((await account.get(TICKETS)).json.category, 'RATE_LIMITS')
})

test('traffic of other apps takes its part of every window, of pasted and OAuth tokens, until it ends', async (t) => {
  const account = await startLimited({ tickets: 1 })
  t.after(account.close)
  const { world, url } = account.emulator
  const { token } = world.addToken(account.portal_id, { kind: 'oauth' })
  const traffic = (body: object) =>
    ask(url, 'POST', `/_emulator/portals/${account.portal_id}/traffic`, { body })
  assert.deepEqual((await traffic({ calls: 100, searches: 3 })).json, { calls: 100, searches: 3 })
  const oauth = () => account.call('GET', '/crm/objects/2026-09/tickets/1', { token })
  assert.equal(refused(await many(12, oauth)), 2)
  world.clock.advance(10_001)
  const answer = await oauth()
  assert.equal(answer.headers.get('x-hubspot-ratelimit-remaining'), '9')
  assert.equal((await account.get(TICKETS)).headers.get('x-hubspot-ratelimit-remaining'), '89')
  assert.equal(refused(await many(3, () => account.post(SEARCH, {}))), 1)
  assert.deepEqual((await traffic({ calls: 0 })).json, { calls: 0, searches: 3 })
  assert.equal(refused(await many(20, oauth)), 0)
  for (const body of [{ calls: -1 }, { calls: 1.5 }, { call: 5 }, { searches: 'many' }])
    assert.equal((await traffic(body)).status, 400, JSON.stringify(body))
  const other = world.addPortal({ tickets: 1 })
  const their = world.addToken(other.portal_id, { kind: 'private_app' }).token
  const free = await account.call('GET', TICKETS, { token: their })
  assert.equal(free.headers.get('x-hubspot-ratelimit-remaining'), '189')
})
