// Faults on order: each kind over a real socket, and which requests they hit.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { NewFault } from '../src/http/faults.ts'
import { eventually } from './eventually.ts'
import { type Account, ask, listIds, startAccount, TICKETS } from './help.ts'

const order = (account: Account, fault: NewFault) =>
  ask(account.emulator.url, 'POST', '/_emulator/faults', { body: fault })

// The bytes as they come, for answers that no client would accept.
function raw(account: Account, path: string): Promise<{ head: string; body: Buffer; error: string | null }> {
  return new Promise((done) => {
    const chunks: Buffer[] = []
    const socket = connect(account.emulator.port, '127.0.0.1', () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${account.token}\r\nconnection: close\r\n\r\n`,
      )
    })
    const finish = (error: string | null) => {
      const all = Buffer.concat(chunks)
      const split = all.indexOf('\r\n\r\n')
      done({ head: all.subarray(0, Math.max(0, split)).toString(), body: all.subarray(split + 4), error })
    }
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'))
    socket.on('end', () => finish(null))
  })
}

const lengthOf = (head: string) => Number(/content-length: (\d+)/i.exec(head)?.[1])

test('a status fault answers once in HubSpot’s shape and is gone', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const made = await order(account, { kind: 'status', status: 500 })
  assert.equal(made.json.id, 'f1')
  const answer = await account.get(TICKETS)
  assert.equal(answer.status, 500)
  assert.equal(answer.json.category, 'INTERNAL_ERROR')
  assert.equal((await account.get(TICKETS)).status, 200)
})

test('the statuses of HubSpot’s own list, with their Retry-After and the pages of the edge', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  for (const status of [423, 477, 502, 503, 504, 521, 524]) {
    await order(account, { kind: 'status', status, ...(status === 477 ? { retry_after: 3600 } : {}) })
    const answer = await account.get(TICKETS)
    assert.equal(answer.status, status)
    assert.equal(answer.headers.get('retry-after'), status === 477 ? '3600' : null)
    if (status > 520) assert.match(answer.text, /cloudflare/)
    else assert.equal(answer.json.status, 'error')
  }
})

test('rate limits by order have the bodies of the real ones', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  for (const [policy, name] of [
    ['ten_secondly', 'TEN_SECONDLY_ROLLING'],
    ['secondly', 'SECONDLY'],
    ['daily', 'DAILY'],
  ] as const) {
    await order(account, { kind: 'rate_limit', policy, ...(policy === 'secondly' ? { retry_after: 2 } : {}) })
    const answer = await account.get(TICKETS)
    assert.equal(answer.status, 429)
    assert.equal(answer.json.policyName, name)
    assert.equal(answer.headers.get('retry-after'), policy === 'secondly' ? '2' : null)
  }
})

test('a delay waits and then answers the truth', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  await order(account, { kind: 'delay', delay_ms: 80 })
  const since = performance.now()
  assert.equal((await account.get(TICKETS)).status, 200)
  assert.ok(performance.now() - since >= 79)
})

test('a truncated answer promises its whole length, sends half and closes', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  await order(account, { kind: 'truncate' })
  const { head, body } = await raw(account, TICKETS)
  assert.match(head, /^HTTP\/1\.1 200 /)
  assert.equal(body.length, Math.floor(lengthOf(head) / 2))
  await order(account, { kind: 'truncate' })
  await assert.rejects(account.get(TICKETS))
})

test('invalid JSON is a whole HTTP answer whose text breaks off', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  await order(account, { kind: 'invalid_json' })
  const answer = await account.get(TICKETS)
  assert.equal(answer.status, 200)
  assert.equal(answer.json, null)
  assert.match(answer.text, /^\{"results":\[/)
})

test('a page of HTML, with 502 or with 200, and an empty answer', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  await order(account, { kind: 'html' })
  const page = await account.get(TICKETS)
  assert.equal(page.status, 502)
  assert.match(page.headers.get('content-type') ?? '', /text\/html/)
  await order(account, { kind: 'html', status: 200 })
  assert.equal((await account.get(TICKETS)).status, 200)
  await order(account, { kind: 'empty' })
  const empty = await account.get(TICKETS)
  assert.equal(empty.status, 200)
  assert.equal(empty.text, '')
})

test('a reset closes the socket without a byte', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  await order(account, { kind: 'reset' })
  const { head, error } = await raw(account, TICKETS)
  assert.equal(head, '')
  assert.equal(error, 'ECONNRESET')
})

test('a hang answers nothing until the client gives up', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  await order(account, { kind: 'hang' })
  const signal = AbortSignal.timeout(60)
  await assert.rejects(
    fetch(account.emulator.url + TICKETS, { headers: { authorization: `Bearer ${account.token}` }, signal }),
    {
      name: 'TimeoutError',
    },
  )
  await eventually(async () => account.emulator.world.log.stats().in_flight === 0, 'nothing is left')
})

test('a drip sends the true answer byte by byte', async (t) => {
  const account = await startAccount({ tickets: 0 })
  t.after(account.close)
  await order(account, { kind: 'drip', delay_ms: 3 })
  const since = performance.now()
  const answer = await account.get(TICKETS)
  assert.deepEqual(answer.json, { results: [] })
  assert.ok(performance.now() - since > 30)
})

test('a body of one’s own: the end of a list that is not its end', async (t) => {
  const account = await startAccount({ tickets: 30 })
  t.after(account.close)
  await order(account, {
    kind: 'status',
    status: 200,
    body: { results: [] },
    match: { path: '/tickets' },
    after: 1,
  })
  assert.equal((await listIds(account)).length, 10)
})

test('a fault can do the work and lose the answer', async (t) => {
  const account = await startAccount({ tickets: 0 })
  t.after(account.close)
  const body = { properties: { subject: 'x', hs_pipeline_stage: '1' } }
  await order(account, { kind: 'status', status: 504, phase: 'after', match: { method: 'POST' } })
  assert.equal((await account.post(TICKETS, body)).status, 504)
  assert.equal(account.emulator.world.truth(account.portal_id).total, 1)
  await order(account, { kind: 'status', status: 504, match: { method: 'POST' } })
  assert.equal((await account.post(TICKETS, body)).status, 504)
  assert.equal(account.emulator.world.truth(account.portal_id).total, 1)
})

test('faults choose by method, path and account, skip the first, and stay until removed', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world, url } = account.emulator
  const other = world.addPortal({ tickets: 1 })
  const theirs = world.addToken(other.portal_id, { kind: 'private_app' }).token
  const made = await order(account, {
    kind: 'status',
    status: 503,
    match: { method: 'get', path: '/owners', portal_id: account.portal_id },
    after: 1,
    times: null,
  })
  const owners = '/crm/owners/2026-09'
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await account.get(owners)).status)
  assert.deepEqual(statuses, [200, 503, 503])
  assert.equal((await account.get(TICKETS)).status, 200)
  assert.equal((await account.call('GET', owners, { token: theirs })).status, 200)
  const shown = (await ask(url, 'GET', `/_emulator/faults/${made.json.id}`)).json
  assert.equal(shown.hits, 2)
  await ask(url, 'DELETE', `/_emulator/faults/${made.json.id}`)
  assert.equal((await account.get(owners)).status, 200)
  assert.deepEqual((await ask(url, 'GET', '/_emulator/faults')).json.results, [])
})

test('a fault by chance hits about as often as asked, the same way for the same seed', async (t) => {
  const hits = async () => {
    const account = await startAccount({ tickets: 1 })
    t.after(account.close)
    await order(account, { kind: 'status', status: 503, probability: 0.3, times: null })
    const statuses = []
    for (let i = 0; i < 60; i++) statuses.push((await account.get('/crm/owners/2026-09')).status)
    return statuses
  }
  const first = await hits()
  const count = first.filter((one) => one === 503).length
  assert.ok(count > 6 && count < 32, String(count))
  assert.deepEqual(await hits(), first)
})

test('the token endpoint can be hit for one account', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world, url } = account.emulator
  const app = world.addApp({ required_scopes: ['tickets'] })
  const mine = world.addToken(account.portal_id, { kind: 'oauth', client_id: app.client_id })
  const theirs = world.addToken(world.addPortal({}).portal_id, { kind: 'oauth', client_id: app.client_id })
  await order(account, {
    kind: 'status',
    status: 503,
    match: { path: '/oauth/', portal_id: account.portal_id },
    times: null,
  })
  const refresh = (refresh_token = '') =>
    ask(url, 'POST', '/oauth/2026-09/token', {
      form: {
        grant_type: 'refresh_token',
        refresh_token,
        client_id: app.client_id,
        client_secret: app.client_secret,
      },
    })
  assert.equal((await refresh(mine.refresh_token)).status, 503)
  assert.equal((await refresh(theirs.refresh_token)).status, 200)
})

test('closing the emulator ends requests that hang', async () => {
  const account = await startAccount()
  await order(account, { kind: 'hang' })
  const waiting = assert.rejects(account.get(TICKETS))
  await new Promise((done) => setTimeout(done, 30))
  await account.close()
  await waiting
})

test('what is not there is named or left out; omit leaves out results too; stuck_cursor leads each ticket’s associations in a circle', async (t) => {
  const account = await startAccount({ tickets: 5, associations: { contacts: 2 } })
  t.after(account.close)
  const ids = await listIds(account)
  const inputs = [...ids, '999'].map((id) => ({ id }))
  const read = async (path: string) => (await account.post(path, { inputs, properties: [] })).json
  const whole = await read(`${TICKETS}/batch/read`)
  assert.equal(whole.results.length, 5)
  assert.equal(whole.errors[0].category, 'OBJECT_NOT_FOUND')
  account.emulator.world.changeQuirks({ missing_ids_in_batch: 'silent' })
  const silent = await account.post(`${TICKETS}/batch/read`, { inputs, properties: [] })
  assert.deepEqual([silent.status, silent.json.results.length, silent.json.errors], [200, 5, undefined])
  account.emulator.world.changeQuirks({ missing_ids_in_batch: 'named' })
  await order(account, { kind: 'omit', keep: 2 })
  const short = await read(`${TICKETS}/batch/read`)
  assert.deepEqual([short.results.length, short.errors, short.numErrors], [2, undefined, undefined])
  await order(account, { kind: 'stuck_cursor' })
  const { token } = account.emulator.world.addToken(account.portal_id, {
    kind: 'private_app',
    scopes: ['tickets', 'crm.objects.contacts.read'],
  })
  const path = '/crm/associations/2026-09/tickets/contacts/batch/read'
  const { results } = (await account.call('POST', path, { token, body: { inputs } })).json
  assert.ok(results.length > 0)
  for (const { paging } of results) assert.deepEqual(paging, { next: { after: '0' } })
})
