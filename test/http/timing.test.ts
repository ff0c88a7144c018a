/**
 * A tenant's key on another tenant's path learns nothing: not from bytes, not from the statements, not from time. Whether a
 * tenant or an integration is there makes no difference to any of the three.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { startTestEmulator } from '../support/emulator.ts'
import { long } from '../support/long.ts'
import { eventually } from '../support/service.ts'
import { idle, newAccount, startOn } from './http-fixture.ts'
import { type Operation, pathOf, readOperations } from './operations.ts'
import type { Watched } from './oracle.ts'
import { type Answer, send } from './send.ts'

const admin = { authorization: `Bearer ${randomBytes(32).toString('base64url')}` }
const asJson = { 'content-type': 'application/json' }
let key: Record<string, string>
let bench: Watched
let operations: Operation[]
/** Another tenant with its own ids; an existing tenant with unknown ids; and an unknown tenant. */
const there: Record<string, string> = { tenant_id: randomUUID() }
let half: Record<string, string>
const nowhere: Record<string, string> = {}

before(async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  bench = {
    emulator,
    ...(await startOn(emulator, {
      SPOKE_ADMIN_KEY: admin.authorization.slice(7),
      SPOKE_ROLE: 'api',
      // Counted as usual, and never reached.
      SPOKE_RATE_KEY: '1000000',
      SPOKE_RATE_TENANT: '0',
      SPOKE_RATE_ADDRESS: '1000000',
      SPOKE_RATE_FAILED: '10',
    })),
  }
  // Ended before the measurement, so that each statement seen belongs to a response.
  const { service: worker } = await startOn(emulator, {
    SPOKE_ADMIN_KEY: admin.authorization.slice(7),
    SPOKE_ROLE: 'worker',
    DATABASE_URL: bench.database,
  })
  const post = async (path: string, body: object) => {
    const headers = { ...admin, ...asJson }
    const { status, json } = await send(bench.service.url, {
      method: 'POST',
      path,
      headers,
      body: JSON.stringify(body),
    })
    assert.ok(status < 300, JSON.stringify(json))
    return json
  }
  const own = randomUUID()
  await post(`/api/hubspot/integrations/${own}`, { access_token: newAccount(emulator).token })
  const { api_key } = await post(`/api/tenants/${own}/api-keys`, {
    name: 'own',
    scopes: ['read', 'sync', 'manage'],
  })
  key = { authorization: `Bearer ${api_key}` }
  const made = await post(`/api/hubspot/integrations/${there.tenant_id}`, {
    access_token: newAccount(emulator).token,
  })
  there.integration_id = made.integration_id
  await idle(bench.service, bench.database)
  await worker.stop()
  const get = async (path: string) => (await send(bench.service.url, { path, headers: admin })).json
  there.sync_event_id = (
    await get(`/api/hubspot/sync/${there.tenant_id}/${there.integration_id}`)
  ).events[0].sync_event_id
  there.issue_id = (await get(`/api/hubspot/issues/${there.tenant_id}`)).issues[0].issue_id
  operations = (await readOperations(bench.service.url)).filter(({ template }) =>
    template.includes('{tenant_id}'),
  )
  for (const { template } of operations)
    for (const [, name = ''] of template.matchAll(/\{(\w+)\}/g)) {
      nowhere[name] ??= randomUUID()
      there[name] ??= randomUUID()
    }
  half = { ...nowhere, tenant_id: there.tenant_id as string }
})
after(async () => {
  await bench.service.stop()
  await bench.emulator.close()
})

const ask = (one: Operation, ids: Record<string, string>) =>
  send(bench.service.url, {
    method: one.method,
    path: pathOf(one, ids),
    headers: { ...key, ...(one.body ? asJson : {}) },
    ...(one.body ? { body: '{}' } : {}),
  })

/** Everything that a caller can observe, except the id and the time of each response. */
const seen = ({ status, headers, text, json }: Answer) => ({
  status,
  // The remaining limit decreases by one each time, for any request.
  headers: { ...headers, 'request-id': '', date: '', ratelimit: typeof headers.ratelimit },
  text: text.replaceAll(json?.request_id, ''),
})

test('on every route of a tenant the answer is the same bytes, whether anything is there or not', async () => {
  for (const one of operations) {
    const answers = [seen(await ask(one, there)), seen(await ask(one, half)), seen(await ask(one, nowhere))]
    assert.ok([403, 404].includes(answers[0]?.status as number), `${one.name}: ${JSON.stringify(answers[0])}`)
    assert.deepEqual(answers[1], answers[0], one.name)
    assert.deepEqual(answers[2], answers[0], one.name)
  }
})

test('on every route of a tenant no statement is sent beyond those that prove the key and note its refusal', async () => {
  const statements: string[] = []
  const { query } = pg.Client.prototype
  // The statements that the driver gets, from any caller.
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [first] = given as [string | { text: string; statements?: string[] }]
    statements.push(...(typeof first === 'string' ? [first] : (first.statements ?? [first.text])))
    return Reflect.apply(query, this, given)
  } as typeof query
  const foreign = (text: string) =>
    !/\b(api_keys|audit_events|erasing_at|pg_advisory_xact_lock|spoke_begin_tenant)\b|for key share$|^(begin|set local|commit|rollback|select 1)\b|data_key/i.test(
      text,
    )
  try {
    for (const one of operations) for (const ids of [there, half, nowhere]) await ask(one, ids)
    const beyond = statements.filter(foreign)
    assert.deepEqual([...new Set(beyond)], [])
    // Only the scope of the key's own tenant was entered.
    assert.deepEqual(
      statements.filter(
        (text) => text.includes(there.tenant_id as string) || text.includes(nowhere.tenant_id as string),
      ),
      [],
    )
    await eventually(async () => {
      await send(bench.service.url, { path: `/api/hubspot/integrations/${there.tenant_id}`, headers: admin })
      return statements.some((text) => text.includes(there.tenant_id as string))
    }, 'the operator’s question is seen')
  } finally {
    pg.Client.prototype.query = query
  }
})

/** Of each kind; more of them detect smaller differences. */
const answers = long ? 2_000 : 500

/** The probability that two samples of one distribution lie at least as far apart in rank (Mann–Whitney, normal approximation). */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((ms) => ({ ms, of: 0 })), ...b.map((ms) => ({ ms, of: 1 }))].sort(
    (x, y) => x.ms - y.ms,
  )
  let ranks = 0
  for (let at = 0; at < all.length; ) {
    let end = at
    while (end < all.length && all[end]?.ms === all[at]?.ms) end++
    for (let tied = at; tied < end; tied++) if (all[tied]?.of === 0) ranks += (at + end + 1) / 2
    at = end
  }
  const [n, m] = [a.length, b.length]
  const u = ranks - (n * (n + 1)) / 2
  const z = Math.abs(u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12)
  // Abramowitz and Stegun 26.2.17, good to 1e-7.
  const t = 1 / (1 + 0.231_641_9 * z)
  const tail =
    t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))))
  return (2 * tail * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}

test('the statistical test distinguishes equal from unequal', () => {
  const drawn = (shift: number, length = 2_000) => Array.from({ length }, () => Math.random() + shift)
  assert.ok(mannWhitney(drawn(0), drawn(0.1)) < 1e-6)
  const fair = Array.from({ length: 200 }, () => mannWhitney(drawn(0, answers), drawn(0, answers)))
  const low = fair.filter((p) => p < 0.1).length
  assert.ok(low > 4 && low < 50, `${low} of 200 below 0.1`)
})

test('the times of many alternating responses do not distinguish existing ids from unknown ones', async (t) => {
  const one = operations.find(
    ({ name }) => name === 'GET /api/hubspot/status/{tenant_id}/{integration_id}',
  ) as Operation
  const timed = async (ids: Record<string, string>) => {
    const began = performance.now()
    await ask(one, ids)
    return performance.now() - began
  }
  for (const other of [half, nowhere]) {
    let p = 0
    // Each try reports equal distributions as unequal once in a hundred: three in a row once in a million.
    for (let tries = 1; tries <= 3 && p <= 0.01; tries++) {
      const [a, b]: [number[], number[]] = [[], []]
      for (let n = 0; n < answers; n++) {
        // The order alternates, or the later one of each pair would have an advantage.
        const first = n % 2 === 0
        if (first) a.push(await timed(there))
        b.push(await timed(other))
        if (!first) a.push(await timed(there))
      }
      p = mannWhitney(a, b)
      const median = (list: number[]) => list.toSorted((x, y) => x - y)[list.length >> 1]?.toFixed(3)
      t.diagnostic(`medians ${median(a)} and ${median(b)} ms, p = ${p.toFixed(3)}`)
    }
    assert.ok(p > 0.01, `p = ${p} three times`)
  }
})
