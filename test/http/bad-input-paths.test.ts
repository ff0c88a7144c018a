/** Bad ids, paths, methods and queries: each is refused in the one format, and other tenants' ids look like unknown ones. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Bench, startBench } from './http-fixture.ts'
import type { Refusal } from './oracle.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

const mark = 'zqmark7'
const nobody = '00000000-0000-0000-0000-000000000000'
const json = { 'content-type': 'application/json' }
const notFound = { status: 404, code: 'not_found' }
const badQuery = { status: 400, code: 'validation_failed' }

/** The routes of two ids, as a request that would be right but for the ids. */
const pairs: [method: string, path: (tenant: string, integration: string) => string, body?: string][] = [
  ['GET', (t, i) => `/api/hubspot/tickets/${t}/${i}`],
  ['GET', (t, i) => `/api/hubspot/status/${t}/${i}`],
  ['POST', (t, i) => `/api/hubspot/sync/${t}/${i}`, '{}'],
  ['GET', (t, i) => `/api/hubspot/sync/${t}/${i}`],
  ['GET', (t, i) => `/api/hubspot/integrations/${t}/${i}`],
  ['DELETE', (t, i) => `/api/hubspot/integrations/${t}/${i}`],
  ['DELETE', (t, i) => `/api/hubspot/integrations/${t}/${i}?purge=true`],
  ['GET', (t, i) => `/api/hubspot/issues/${t}?integration_id=${i}`],
]

const sent = ([method, path, body]: (typeof pairs)[number], tenant: string, integration: string) => ({
  method,
  path: path(tenant, integration),
  ...(body ? { body, headers: json } : {}),
})

for (const pair of pairs) {
  const name = `${pair[0]} ${pair[1](':tenant', ':integration')}`
  test(`${name}: unknown and foreign ids are one 404 in the same bytes`, async () => {
    const { tenant, integration, otherTenant, otherIntegration } = bench
    const ids: [string, string, string][] = [
      ['unknown integration', tenant, nobody],
      ['unknown tenant', randomUUID(), integration],
      ["another's integration", tenant, otherIntegration],
      ["another's path", otherTenant, integration],
    ]
    const said = new Set<string>()
    for (const [what, t, i] of ids) {
      const refusal = { what: `${what} at ${name}`, status: 404, code: 'integration_not_found' }
      const answer = await bench.refused({ ...sent(pair, t, i), ...refusal })
      assert.equal(answer.json.error, 'Integration not found')
      said.add(answer.text.replace(answer.json.request_id, ''))
    }
    assert.equal(said.size, 1, [...said].join('\n'))
  })
}

const ids: [what: string, id: string, status?: number, code?: string[]][] = [
  ['a word', 'not-a-uuid'],
  ['a NUL', '%00'],
  ['a way up', '..%2f..%2fetc%2fpasswd'],
  ['a quote', `${nobody}'--`],
  ['braces', `{${nobody}}`],
  ['a urn', `urn:uuid:${nobody}`],
  ['no dashes', nobody.replaceAll('-', '')],
  ['a line feed behind', `${nobody}%0a`],
  ['a digit of another script', `${nobody.slice(0, 35)}%D9%A3`],
  ['a bad escape', '%zz', 400, ['invalid_id', 'bad_request']],
  ['half an escape', '%e', 400, ['invalid_id', 'bad_request']],
  ['bytes that are no UTF-8', '%ff%fe', 400, ['invalid_id', 'bad_request']],
  ['300 characters', mark.repeat(43), 414, ['request_too_large']],
]

for (const [what, id, status = 400, code = ['invalid_id']] of ids) {
  test(`an id that is ${what} is ${status} on every route`, async () => {
    for (const pair of pairs) {
      const { tenant, integration } = bench
      const expected = { what: `${what} at ${pair[1](':t', ':i')}`, status, code, secret: [mark] }
      await bench.refused({ ...sent(pair, id, integration), ...expected })
      if (pair[1]('', '').includes('?integration_id')) continue
      await bench.refused({ ...sent(pair, tenant, id), ...expected })
    }
    const alone = `/api/hubspot/integrations/${id}`
    await bench.refused({ what, path: alone, status, code, secret: [mark] })
    const body = `{"access_token":"pat-na1-${nobody}"}`
    await bench.refused({ what, method: 'POST', path: alone, headers: json, body, status, code })
    await bench.refused({ what, path: `/api/hubspot/authorize/${id}`, status, code })
    await bench.refused({ what, path: `/api/hubspot/issues/${bench.tenant}/${id}`, status, code })
    const event = `/api/hubspot/sync/${bench.tenant}/${bench.integration}/${id}`
    await bench.refused({ what, path: event, status, code })
    await bench.refused({ what, path: `${event}/events`, status, code })
  })
}

test('an id in capitals is the same id, and an answer is canonical', async () => {
  const { tenant, integration } = bench
  const path = `/api/hubspot/integrations/${tenant.toUpperCase()}/${integration.toUpperCase()}`
  const { status, json } = await bench.send({ path })
  assert.equal(status, 200)
  assert.deepEqual([json.tenant_id, json.integration_id], [tenant, integration])
})

test('unknown runs and issues of a known integration are 404, and their events do not stream', async () => {
  const { tenant, integration } = bench
  const event = `/api/hubspot/sync/${tenant}/${integration}/${nobody}`
  const unknown = { status: 404, code: 'sync_event_not_found' }
  await bench.refused({ what: 'run', path: event, ...unknown })
  await bench.refused({ what: 'events', path: `${event}/events`, ...unknown })
  const path = `/api/hubspot/issues/${tenant}/${nobody}`
  await bench.refused({ what: 'issue', path, status: 404, code: 'issue_not_found' })
})

const paths = [
  '/api/hubspot/nope',
  '/API/HUBSPOT/status',
  '//api/hubspot',
  '/api/hubspot/',
  '/api/hubspot',
  '/',
  `/${mark}?${mark}=${mark}`,
  `/api/hubspot/status/${nobody}`,
  `/api/hubspot/status/${nobody}/${nobody}/`,
  `/api/hubspot/status/${nobody}/${nobody}/x`,
  '/.env',
  '/api/hubspot/oauth/callback/',
]

for (const path of paths) {
  test(`the path ${path} is not there`, async () => {
    await bench.refused({ what: path, path, ...notFound, secret: [mark] })
  })
}

test('the ids count in the spelling of the path: a route in capitals is not there', async () => {
  const path = `/API/HUBSPOT/STATUS/${bench.tenant}/${bench.integration}`
  await bench.refused({ what: 'capitals', path, ...notFound })
})

const routes: [path: string, methods: string[]][] = [
  ['status/T/I', ['GET']],
  ['tickets/T/I', ['GET']],
  ['sync/T/I', ['GET', 'POST']],
  ['integrations/T', ['GET', 'POST']],
  ['integrations/T/I', ['GET', 'DELETE']],
  ['authorize/T', ['GET']],
  ['oauth/callback', ['GET', 'POST']],
  ['issues/T', ['GET']],
  ['issues/T/I', ['GET']],
  ['sync/T/I/E', ['GET']],
  ['sync/T/I/E/events', ['GET']],
]

for (const [route, methods] of routes) {
  test(`/${route} takes ${methods.join(', ')} and answers 405 to every other method`, async () => {
    const { tenant, integration } = bench
    const path = `/api/hubspot/${route.replace('T', tenant).replace('I', integration).replace('E', nobody)}`
    for (const method of ['DELETE', 'PUT', 'PATCH', 'TRACE', 'OPTIONS', 'POST', 'PROPFIND']) {
      if (methods.includes(method)) continue
      const refusal: Refusal = { what: method, method, path, status: 405, code: 'method_not_allowed' }
      const { headers } = await bench.refused(refusal)
      const allowed = String(headers.allow).split(/,\s*/)
      for (const one of methods) assert.ok(allowed.includes(one), `${method}: Allow is ${headers.allow}`)
      assert.ok(!allowed.includes(method), `${method}: Allow is ${headers.allow}`)
    }
  })
}

const queries: [route: string, bad: string[]][] = [
  ['tickets/T/I', ['limit=1001', 'foo=1', `foo=${mark}`, 'limit=5&limit=6', 'limit[]=5', 'after=']],
  ['issues/T', ['limit=201', 'foo=1', 'limit=5&limit=6', 'integration_id=I', 'after=a&after=b', 'after=']],
  ['sync/T/I', ['limit=201', 'foo=1', 'limit=5&limit=6', 'sync_type=full']],
  ['integrations/T', ['foo=1', '__proto__=1']],
  ['integrations/T/I', ['foo=1']],
  ['status/T/I', ['foo=1', `api_key=${mark}`]],
]
const numbers = ['0', '-1', '1.5', 'abc', '', '1e1', '0x10', '%D9%A3', '%2B5', '5%20', '007', '10001', 'NaN']

for (const [route, bad] of queries) {
  const limits = /tickets|issues|sync/.test(route) ? numbers.map((number) => `limit=${number}`) : []
  test(`/${route} refuses a bad or unknown query`, async () => {
    const { tenant, integration } = bench
    const path = `/api/hubspot/${route.replace('T', tenant).replace('I', integration)}`
    for (const query of [...limits, ...bad])
      await bench.refused({ what: query, path: `${path}?${query}`, ...badQuery, secret: [mark] })
  })
}
