/** Security headers: on every route, every refusal, and what is refused before there is a request. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { after, before, test } from 'node:test'
import { type Bench, startBench, startOn } from './http-fixture.ts'
import { type Sent, send, sendRaw } from './send.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

const forData = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

function checkHeaders(headers: IncomingHttpHeaders, what: string, over: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries({ ...forData, ...over }))
    assert.equal(headers[name], value, `${name} of ${what}`)
  assert.equal(headers['strict-transport-security'], undefined, what)
  assert.match(String(headers['request-id']), /^[\w.-]+$/, `request-id of ${what}`)
}

const html = { accept: 'text/html' }

/** A page runs nothing and loads nothing; the one style in it is named by its hash. */
function checkPage(headers: IncomingHttpHeaders, text: string, what: string): void {
  assert.match(String(headers['content-type']), /^text\/html/, what)
  const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  checkHeaders(headers, what, { 'content-security-policy': policy })
}

/** One request for each route that the service lists, and for the document itself. */
async function everyRoute(): Promise<Sent[]> {
  const { tenant, integration } = bench
  const history = await bench.send({ path: `/api/hubspot/sync/${tenant}/${integration}` })
  const issues = await bench.send({ path: `/api/hubspot/issues/${tenant}` })
  const ids: Record<string, string> = {
    tenant_id: tenant,
    integration_id: integration,
    sync_event_id: history.json.events[0].sync_event_id,
    key_id: '0123456789abcdef',
    endpoint_id: '0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f12',
    change_id: '0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f13',
    issue_id: issues.json.issues[0].issue_id,
    confirmation_id: '0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f11',
  }
  const { json } = await bench.send({ path: '/openapi.json' })
  const routes = Object.entries(json.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? assert.fail(`no ${name}`)),
      ...(method === 'post' ? { headers: { 'content-type': 'application/json' }, body: '{}' } : {}),
    })),
  )
  assert.ok(routes.length >= 14)
  // Routes that end an integration are called last.
  routes.sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'))
  return [{ path: '/openapi.json' }, ...routes]
}

test('every route tells browsers not to store, sniff, frame, run or share its response, and so does its refusal', async () => {
  for (const route of await everyRoute()) {
    const what = `${route.method ?? 'GET'} ${route.path}`
    checkHeaders((await bench.send(route)).headers, what)
    checkHeaders((await bench.send({ ...route, method: 'PATCH' })).headers, `PATCH for ${what}`)
    const foreign = await bench.send({ ...route, headers: { ...route.headers, host: 'evil.example' } })
    assert.equal(foreign.status, 421)
    checkHeaders(foreign.headers, `${what} for another host`)
    const typed = { 'content-type': 'text/plain' }
    if (route.method === 'POST')
      checkHeaders((await bench.send({ ...route, headers: typed })).headers, `${what} as text`)
  }
})

test('the pages after a connect and a refusal run and load nothing, and name their style by its hash', async () => {
  const connected = await bench.send({ path: '/connected?hub_id=1' })
  checkPage(connected.headers, connected.text, 'the page after a connect')
  const failed = await bench.send({ path: '/api/hubspot/oauth/callback?error=x', headers: html })
  assert.equal(failed.status, 400)
  checkPage(failed.headers, failed.text, 'the page after a refusal')
})

const refusals: [what: string, sent: Sent, status: number][] = [
  ['an unknown path', { path: '/nope' }, 404],
  ['a bad escape', { path: '/api/hubspot/status/%zz/x' }, 400],
  ['a long id', { path: `/api/hubspot/status/${'x'.repeat(300)}/x` }, 414],
  ['an expectation', { path: '/livez', headers: { expect: 'tea' } }, 417],
  ['many headers', { path: '/livez', headers: { 'x-a': Array.from({ length: 150 }, () => 'a') } }, 431],
]

for (const [what, sent, status] of refusals) {
  test(`the refusal of ${what} carries them too`, async () => {
    const answer = await bench.send(sent)
    assert.equal(answer.status, status, answer.text)
    checkHeaders(answer.headers, what)
    assert.equal(answer.json.request_id, answer.headers['request-id'])
  })
}

test('what is refused at the socket carries them too', async () => {
  for (const bytes of ['nonsense\r\n\r\n', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`]) {
    const answer = await sendRaw(bench.service.url, bytes)
    assert.ok(answer.status >= 400)
    checkHeaders(answer.headers, bytes.slice(0, 20))
  }
})

test('HSTS for a year is sent when the public address is https, and only then', async () => {
  const { service } = await startOn(bench.emulator, { SPOKE_PUBLIC_URL: 'https://spoke.example' })
  try {
    const answers = await Promise.all([
      send(service.url, { path: '/livez' }),
      send(service.url, { path: '/nope' }),
      send(service.url, { path: '/%zz' }),
      sendRaw(service.url, 'nonsense\r\n\r\n'),
    ])
    for (const { headers } of answers)
      assert.equal(headers['strict-transport-security'], 'max-age=31536000; includeSubDomains')
  } finally {
    await service.stop()
  }
})
