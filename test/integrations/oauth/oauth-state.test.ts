/** The state of an authorization: single-use, ten minutes, for one tenant; any other is 400 and HubSpot is not called. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { runSql, tableCounts } from '../../http/database.ts'
import { idle } from '../../http/http-fixture.ts'
import { checkLog, checkShape } from '../../http/oracle.ts'
import { type Answer, send } from '../../http/send.ts'
import { callback, type OAuthBench, startOAuth } from './oauth-fixture.ts'

let bench: OAuthBench
before(async () => {
  bench = await startOAuth()
})
after(() => bench.stop())

/** Both callback routes refuse the state, HubSpot is not called, nothing changes, and the state appears nowhere. */
async function refusedState(what: string, state: string, routes: ('post' | 'get')[] = ['post', 'get']) {
  const code = `zqcode${randomUUID()}`
  const query = `?${new URLSearchParams({ code, state })}`
  for (const route of routes) {
    const asked = bench.emulator.world.log.list().length
    const counts = await tableCounts(bench.database)
    const from = bench.service.lines.length
    const answer =
      route === 'post' ? await bench.post(code, state) : await bench.browse(query, 'application/json')
    checkShape(answer, { what: `${what} by ${route}`, status: 400, code: 'invalid_state' })
    checkLog(bench.service, from, answer, what)
    assert.ok(!answer.text.includes(code) && !bench.service.lines.slice(from).join('').includes(code))
    assert.equal(bench.emulator.world.log.list().length, asked, `${what}: HubSpot was called`)
    assert.deepEqual(await tableCounts(bench.database), counts, what)
  }
}

const statusOf = async (tenant: string, integration: string) =>
  (await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration}`)).body.status

test('a state that was changed in any part is refused, and the true one still works', async () => {
  const mine = await bench.start(bench.portal())
  const other = await bench.start(bench.portal())
  const [tenant, integration, nonce = ''] = mine.state.split(':')
  const flipped = (nonce.startsWith('A') ? 'B' : 'A') + nonce.slice(1)
  const states: [string, string][] = [
    ['another nonce', `${tenant}:${integration}:${flipped}`],
    ['half a nonce', `${tenant}:${integration}:${nonce.slice(0, 12)}`],
    ['a longer nonce', `${mine.state}x`],
    ['a fourth part', `${mine.state}:x`],
    ['a blank behind', `${mine.state} `],
    ['no nonce', `${tenant}:${integration}:`],
    ['the nonce alone', nonce],
    ['another tenant', `${other.tenant}:${integration}:${nonce}`],
    ['another integration', `${tenant}:${other.integration}:${nonce}`],
    ["another tenant's pair", `${other.tenant}:${other.integration}:${nonce}`],
    ['unknown ids', `${randomUUID()}:${randomUUID()}:${nonce}`],
    ['the nonce in capitals', `${tenant}:${integration}:${nonce.toUpperCase()}`],
    ['a percent sign', `${tenant}:${integration}:%`],
  ]
  for (const [what, state] of states) if (state !== mine.state) await refusedState(what, state)
  assert.equal((await bench.post(mine.code, mine.state)).status, 200)
  assert.equal(await statusOf(mine.tenant, mine.integration), 'active')
  assert.equal(await statusOf(other.tenant, other.integration), 'pending')
  await idle(bench.service, bench.database)
})

test('a state is good once, by whichever route', async () => {
  const one = await bench.start(bench.portal())
  assert.equal((await bench.post(one.code, one.state)).status, 200)
  await idle(bench.service, bench.database)
  await refusedState('used by a program', one.state)
  const two = await bench.start(bench.portal())
  assert.equal((await bench.browse(two.search)).status, 303)
  await idle(bench.service, bench.database)
  await refusedState('used by a browser', two.state)
})

test('a HEAD, as from a link preview, does not use up the state', async () => {
  const mine = await bench.start(bench.portal())
  const asked = bench.emulator.world.log.list().length
  const counts = await tableCounts(bench.database)
  const path = `${callback}?${new URLSearchParams({ code: mine.code, state: mine.state })}`
  const answer = await send(bench.service.url, { method: 'HEAD', path })
  assert.equal(answer.status, 405)
  assert.equal(answer.headers.allow, 'GET, POST')
  assert.equal(bench.emulator.world.log.list().length, asked, 'HubSpot was called')
  assert.deepEqual(await tableCounts(bench.database), counts)
  assert.equal((await bench.post(mine.code, mine.state)).status, 200)
})

test('of six concurrent requests with one state one wins, and one token is requested from HubSpot', async () => {
  const { tenant, integration, code, state, search } = await bench.start(bench.portal())
  const before = bench.tokenCalls()
  const routes = [0, 1, 2].flatMap(() => [() => bench.post(code, state), () => bench.browse(search, '*/*')])
  const answers: Answer[] = await Promise.all(routes.map((route) => route()))
  const won = answers.filter(({ status }) => status === 200 || status === 303)
  assert.equal(won.length, 1, answers.map(({ status }) => status).join(' '))
  for (const lost of answers.filter((one) => !won.includes(one)))
    checkShape(lost, { what: 'a loser', status: 400, code: 'invalid_state' })
  assert.equal(bench.tokenCalls(), before + 1)
  // What a browser has won waits for its person.
  const expected = won[0]?.status === 303 ? 'pending' : 'active'
  assert.equal(await statusOf(tenant, integration), expected)
  await idle(bench.service, bench.database)
})

test('the bare form counts on a POST while exactly one authorization is pending for the tenant, and never on a GET', async () => {
  const tenant = randomUUID()
  const first = await bench.start(bench.portal(), tenant)
  const bare = `${tenant}:${first.integration}`
  await refusedState('bare by GET with one pending', bare, ['get'])
  const second = await bench.start(bench.portal(), tenant)
  await refusedState('bare with two pending', bare)
  await refusedState('bare with two pending, the second', `${tenant}:${second.integration}`)
  assert.equal((await bench.post(second.code, second.state)).status, 200)
  await idle(bench.service, bench.database)
  await refusedState('bare of the one that is not pending', `${tenant}:${second.integration}`)
  await refusedState('bare of another tenant', `${randomUUID()}:${first.integration}`)
  const { status, json } = await bench.post(first.code, bare)
  assert.deepEqual([status, json.integration_id], [200, first.integration], JSON.stringify(json))
  await idle(bench.service, bench.database)
  await refusedState('bare with none pending', bare)
})

test('two authorizations of one integration are two pending ones, so the bare form does not choose', async () => {
  const tenant = randomUUID()
  const portal = bench.portal()
  const first = await bench.start(portal, tenant)
  const second = await bench.start(portal, tenant, `?integration_id=${first.integration}`)
  assert.equal(second.integration, first.integration)
  await refusedState('bare', `${tenant}:${first.integration}`)
  assert.equal((await bench.post(second.code, second.state)).status, 200)
  await idle(bench.service, bench.database)
})

test('an authorization that is ten minutes old is over, in either form', async () => {
  const { tenant, integration, code, state } = await bench.start(bench.portal())
  await runSql(
    bench.database,
    `update authorizations set expires_at = now() - interval '1 second' where tenant_id = '${tenant}'`,
  )
  await refusedState('old', state)
  await refusedState('old and bare', `${tenant}:${integration}`)
  assert.equal((await bench.post(code, state)).status, 400)
  const fresh = await bench.start(bench.portal(), tenant)
  const { status } = await bench.post(fresh.code, `${tenant}:${fresh.integration}`)
  assert.equal(status, 200, 'one that is over does not count as pending')
})

test('an authorization lives ten minutes', async () => {
  const { tenant } = await bench.start(bench.portal())
  const [row] = await runSql(
    bench.database,
    `select extract(epoch from expires_at - now())::float8 as left from authorizations where tenant_id = '${tenant}'`,
  )
  assert.ok(Number(row?.left) > 580 && Number(row?.left) <= 600, String(row?.left))
})
