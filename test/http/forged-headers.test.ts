/** Forged headers: forwarded hosts, other methods, request ids; none has any further effect. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Bench, startBench } from './http-fixture.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

const mark = 'zqmark7'

const forged: [what: string, headers: Record<string, string>][] = [
  ['X-Forwarded-Host', { 'x-forwarded-host': 'evil.example' }],
  ['Forwarded', { forwarded: 'host=evil.example;proto=https' }],
  ['X-Forwarded-For and -Proto', { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'evil' }],
  ['X-Original-URL', { 'x-original-url': '/metrics', 'x-rewrite-url': '/metrics' }],
  // A foreign Origin is refused.
  ['Referer', { referer: 'https://evil.example/' }],
]

for (const [what, headers] of forged) {
  test(`${what} has no effect on the URLs that are given out`, async () => {
    const path = `/api/hubspot/authorize/${randomUUID()}`
    const answer = await bench.send({ path, headers })
    assert.equal(answer.status, 200, answer.text)
    const url = new URL(answer.json.authorization_url)
    const plain = new URL((await bench.send({ path })).json.authorization_url)
    assert.equal(url.origin, plain.origin)
    assert.equal(url.searchParams.get('redirect_uri'), plain.searchParams.get('redirect_uri'))
    assert.ok(!answer.text.includes('evil') && !JSON.stringify(answer.headers).includes('evil'))
  })
}

test('X-HTTP-Method-Override has no effect on the method', async () => {
  const path = `/api/hubspot/integrations/${bench.tenant}/${bench.integration}`
  for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
    assert.equal((await bench.send({ path, headers: { [name]: 'DELETE' } })).status, 200)
    const wrong = await bench.send({
      method: 'POST',
      path: `${path}?_method=DELETE`,
      headers: { [name]: 'DELETE' },
    })
    assert.equal(wrong.status, 405)
  }
  assert.equal((await bench.send({ path })).json.status, 'active')
})

test('a request id of the caller is taken only when it cannot harm a log', async () => {
  const ids: [given: string, taken: boolean][] = [
    ['run-7.of_mine', true],
    ['x'.repeat(65), false],
    ['a b', false],
    [`"}${mark}`, false],
    ['', false],
  ]
  for (const [id, taken] of ids) {
    const { headers } = await bench.send({ path: '/nope', headers: { 'x-request-id': id } })
    assert.equal(headers['request-id'] === id, taken, id)
    assert.ok(headers['request-id'])
  }
})
