// Many tickets, many portals, many requests: memory stays bounded and counts stay exact.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClock, instant } from '../src/clock.ts'
import { createRequestLog } from '../src/http/request-log.ts'
import { createRing } from '../src/http/ring.ts'
import { ask, filter, SEARCH, startAccount, TICKETS } from './help.ts'

test('times are printed as HubSpot prints them, far away ones too', () => {
  const plain = (ms: number) => new Date(ms).toISOString().replace(/\.000Z$/, 'Z')
  for (let i = 0; i < 20_000; i++) {
    const any = Math.floor(Math.sin(i) * 10 ** (3 + (i % 12)))
    // Every other one without a fraction.
    const ms = i % 2 ? any : Math.floor(any / 1000) * 1000
    assert.equal(instant(ms), plain(ms))
  }
  assert.throws(() => instant(Number.NaN), RangeError)
})

test('a ring keeps the newest, by number and by size', () => {
  const ring = createRing<string>(1000, 100_000, (text) => text.length)
  for (let i = 0; i < 5000; i++) ring.push(`${i}`)
  assert.equal(ring.count(), 1000)
  assert.deepEqual([...ring].slice(0, 2), ['4000', '4001'])
  assert.equal([...ring].at(-1), '4999')
  for (let i = 0; i < 30; i++) ring.push('x'.repeat(10_000))
  assert.equal(ring.count(), 10)
  ring.push('y'.repeat(1_000_000))
  assert.equal(ring.count(), 1)
  ring.clear()
  assert.equal(ring.count(), 0)
})

test('the log forgets old requests, the counts do not: by endpoint, status and portal', async (t) => {
  const isToken = () => false
  const log = createRequestLog(createClock(), isToken, 50)
  const rest = { method: 'GET', url: '/x?a=1', token_kind: null, app_id: null, bytes: 1, fault: null }
  for (let i = 0; i < 500; i++)
    log.end(log.begin(), { ...rest, endpoint: '/x', portal_id: i % 5, status: i % 10 === 0 ? 429 : 200 })
  assert.equal(log.list().length, 50)
  assert.equal(log.list()[0]?.seq, 451)
  assert.deepEqual(
    log.list({ since: 498 }).map((one) => [one.path, one.query]),
    [
      ['/x', { a: '1' }],
      ['/x', { a: '1' }],
    ],
  )
  assert.equal(log.stats().requests, 500)
  assert.deepEqual(log.stats().by_endpoint, { 'GET /x 200': 450, 'GET /x 429': 50 })
  assert.deepEqual(log.stats().by_portal, { 0: 100, 1: 100, 2: 100, 3: 100, 4: 100 })
  assert.deepEqual(log.stats(0).by_status, { 200: 50, 429: 50 })
  assert.deepEqual(log.stats(1).by_status, { 200: 100 })

  const account = await startAccount()
  t.after(account.close)
  const { world, url } = account.emulator
  const other = world.addPortal({})
  const { token } = world.addToken(other.portal_id, { kind: 'private_app' })
  await account.get(TICKETS)
  await account.get(`${TICKETS}?limit=many`)
  await account.call('GET', TICKETS, { token })
  const stats = async (query: string) => (await ask(url, 'GET', `/_emulator/stats${query}`)).json
  assert.equal((await stats('')).requests, 3)
  const mine = await stats(`?portal_id=${account.portal_id}`)
  assert.deepEqual(mine.by_status, { 200: 1, 400: 1 })
  assert.equal(mine.requests, 2)
  assert.equal((await stats(`?portal_id=${other.portal_id}`)).requests, 1)
  assert.equal((await stats('?portal_id=1')).requests, 0)
})

test('a million tickets are there at once: the last page, a search by time, archived ones', async (t) => {
  const account = await startAccount({ tickets: 1_000_000 })
  t.after(account.close)
  const { world } = account.emulator
  const [last] = world.changeTickets(account.portal_id, { count: 1, pick: 'last' }) as [string]
  const page = (await account.get(`${TICKETS}?limit=100&after=${last}`)).json
  assert.deepEqual(
    page.results.map((one: { id: string }) => one.id),
    [last],
  )
  const found = await account.post(SEARCH, filter('hs_lastmodifieddate', 'GTE', Date.now() - 60_000))
  assert.ok(found.json.results.some((one: { id: string }) => one.id === last))
  const all = await account.post(SEARCH, { limit: 1, sorts: ['hs_lastmodifieddate'] })
  assert.equal(all.json.total, 1_000_000)
  world.archiveTickets(account.portal_id, { ids: [last] })
  assert.equal((await account.get(`${TICKETS}?archived=true`)).json.results.length, 1)
})

test('2,000 portals with some dozens of tickets each stay small', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 2000; i++) {
    const { portal_id } = world.addPortal({ tickets: 40 })
    world.addToken(portal_id, { kind: 'oauth' })
  }
  const each = (process.memoryUsage().heapUsed - before) / 2000
  // About 20 kB, garbage not yet collected included.
  assert.ok(each < 60_000, `${each} bytes`)
})
