/** Limits over HTTP: forged addresses, many wrong keys, and who is exempt. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startTestEmulator, type TestEmulator } from '../../support/emulator.ts'
import { startTestService, type TestService } from '../../support/service.ts'
import { databaseOf } from '../database.ts'
import { checkShape } from '../oracle.ts'
import { type Answer, send } from '../send.ts'

const key = 'the-admin-key-of-the-limits-tests'
const path = '/api/hubspot/integrations/5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11'
const wrong = (n: number) => ({ authorization: `Bearer wrong-key-${n}-of-enough-characters` })
const right = { authorization: `Bearer ${key}` }
const limits = { SPOKE_RATE_ADDRESS: '60', SPOKE_RATE_FAILED: '10', SPOKE_RATE_KEY: '60' }
/** Each request names its client address in X-Forwarded-For. */
const env = { SPOKE_ADMIN_KEY: key, SPOKE_TRUSTED_PROXIES: '127.0.0.1', SPOKE_ROLE: 'api', LOG_LEVEL: 'info' }

let emulator: TestEmulator
let database: string
const services: TestService[] = []
const start = async (over: Record<string, string> = {}) => {
  const service = await startTestService(emulator.url, { DATABASE_URL: database, ...env, ...over })
  services.push(service)
  return service
}

let a: TestService
let startedAt: number
before(async () => {
  emulator = await startTestEmulator()
  database = await databaseOf()
  startedAt = performance.now()
  a = await start(limits)
})
after(async () => {
  for (const service of services) await service.stop().catch(() => {})
  await emulator.close()
})

/** A test about one minute; if a minute of the service may have ended during the test, it runs again. */
function inMinute(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    for (let tries = 1; ; tries++) {
      try {
        return await body()
      } catch (error) {
        if (tries === 3 || performance.now() - startedAt < 55_000) throw error
      }
    }
  })
}

let hosts = 0
/** An address that no test has used. */
const newAddress = () => `198.18.${Math.floor(++hosts / 250)}.${hosts % 250}`

const ask = (service: TestService, address: string, headers: Record<string, string> = {}) =>
  send(service.url, { path, headers: { 'x-forwarded-for': address, ...headers } })

/** @returns answers in order of their requests */
async function askMany(
  count: number,
  request: (n: number) => Promise<Answer>,
  atOnce = 40,
): Promise<Answer[]> {
  const answers: Answer[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        const n = next++
        answers[n] = await request(n)
      }
    }),
  )
  return answers
}

const counted = (answers: Answer[], status: number) => answers.filter((one) => one.status === status).length
const isLimited = (answer: Answer, limit: string) => {
  checkShape(answer, { what: limit, status: 429, code: 'rate_limited' })
  assert.match(String(answer.headers['retry-after']), /^([1-9]|[1-5]\d|60)$/)
  assert.match(String(answer.headers['ratelimit-policy']), new RegExp(`^"${limit}";q=\\d+;w=60$`))
  assert.match(String(answer.headers.ratelimit), new RegExp(`^"${limit}";r=0;t=\\d+$`))
}

inMinute('an address has a limit of requests without a credential, and another address its own', async () => {
  const address = newAddress()
  const answers = await askMany(130, () => ask(a, address))
  assert.deepEqual([counted(answers, 401), counted(answers, 429)], [60, 70])
  isLimited(answers.at(-1) as Answer, 'address')
  assert.equal((await ask(a, newAddress())).status, 401, 'another address is not limited')
})

inMinute('a whole /64 of IPv6 is one address, and the next one another', async () => {
  const inside = (n: number) => `2001:db8:0:7:${n.toString(16)}::1`
  const answers = await askMany(65, (n) => ask(a, inside(n)))
  assert.equal(counted(answers, 401), 60)
  assert.equal((await ask(a, '2001:db8:0:8::1')).status, 401)
})

inMinute('X-Forwarded-For from an untrusted caller is ignored', async () => {
  const strict = await start({ SPOKE_RATE_ADDRESS: '20', SPOKE_TRUSTED_PROXIES: '' })
  const answers = await askMany(30, (n) => ask(strict, `203.0.113.${n}`))
  assert.equal(counted(answers, 401), 20)
  const forged = newAddress()
  const chain = await askMany(65, (n) => ask(a, `203.0.113.${n}, ${forged}`))
  assert.equal(counted(chain, 401), 60, 'the entries on the left come from the caller')
  await strict.stop()
})

inMinute('probes are never limited, and paths that are not there are', async () => {
  const address = newAddress()
  await askMany(65, () => ask(a, address))
  const headers = { 'x-forwarded-for': address }
  for (const probe of ['/livez', '/readyz'])
    assert.equal((await send(a.url, { path: probe, headers })).status, 200)
  isLimited(await send(a.url, { path: '/nope', headers }), 'address')
  isLimited(await send(a.url, { path: '/openapi.json', headers }), 'address')
})

inMinute('the admin key is exempt: one backend calls for all tenants', async () => {
  const address = newAddress()
  const answers = await askMany(130, () => ask(a, address, right))
  assert.equal(counted(answers, 404), 130)
  assert.equal(answers.at(-1)?.headers.ratelimit, undefined)
  await askMany(65, () => ask(a, address))
  assert.equal((await ask(a, address, right)).status, 404, 'also when others used the address up')
})

inMinute('after the tenth wrong key from an address each further one gets 429', async () => {
  const address = newAddress()
  const answers = await askMany(12, (n) => ask(a, address, wrong(n)), 1)
  assert.deepEqual(
    answers.map(({ status }) => status),
    [...Array.from({ length: 10 }, () => 401), 429, 429],
  )
  isLimited(answers.at(-1) as Answer, 'failed')
  assert.equal((await ask(a, address, right)).status, 404, 'the right one passes')
  assert.equal((await ask(a, address)).status, 401, 'a request without a credential gets 401')
})

inMinute('concurrent wrong keys count like consecutive ones', async () => {
  const address = newAddress()
  const answers = await askMany(50, (n) => ask(a, address, n === 30 ? right : wrong(n)), 50)
  assert.equal(counted(answers, 401), 10)
  assert.equal(counted(answers, 404), 1)
  assert.equal(counted(answers, 429), 39)
})

/** A key of a new tenant, made by the operator. */
async function newKey(): Promise<{ tenant: string; key: string }> {
  const headers = { ...right, 'content-type': 'application/json', 'x-forwarded-for': newAddress() }
  const post = async (path: string, body: object) => {
    const answer = await send(a.url, { method: 'POST', path, headers, body: JSON.stringify(body) })
    assert.ok(answer.status < 300, answer.text)
    return answer.json
  }
  const { tenant_id: tenant } = await post('/api/tenants', { tenant_id: randomUUID() })
  const { api_key: key } = await post(`/api/tenants/${tenant}/api-keys`, { name: 'k', scopes: ['read'] })
  return { tenant, key }
}

inMinute("a tenant's key has one limit across all addresses, and gets the remaining count", async () => {
  const { tenant, key } = await newKey()
  const own = (n: number) =>
    send(a.url, {
      path: `/api/hubspot/integrations/${n % 3 === 0 ? tenant : '00000000-0000-4000-8000-000000000000'}`,
      headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': newAddress() },
    })
  const answers = await askMany(100, own)
  assert.equal(counted(answers, 429), 40)
  const first = answers.find(({ status }) => status === 200)
  assert.equal(first?.headers['ratelimit-policy'], '"key";q=60;w=60')
  assert.match(String(first?.headers.ratelimit), /^"key";r=\d+;t=\d+$/)
  isLimited(answers.find(({ status }) => status === 429) as Answer, 'key')
})

inMinute(
  'wrong keys lock no valid one out: not of the same id, not from the same address, not after a restart',
  async () => {
    const [{ tenant, key }, guesser] = [await newKey(), newAddress()]
    const [id] = /^spk_[0-9a-f]+_/.exec(key) as unknown as [string]
    const from = (service: TestService, given: string, address = newAddress()) =>
      send(service.url, {
        path: `/api/hubspot/integrations/${tenant}`,
        headers: { authorization: `Bearer ${given}`, 'x-forwarded-for': address },
      })
    const guess = (service: TestService) => (n: number) =>
      from(service, id + String(n).padStart(43, 'A'), guesser)
    const guessed = await askMany(100, guess(a))
    assert.deepEqual([counted(guessed, 401), counted(guessed, 429)], [10, 90])
    assert.equal((await from(a, key)).status, 200, 'its first use')
    const restarted = await start(limits)
    const mixed = await askMany(100, (n) =>
      n % 10 === 5 ? from(restarted, key, guesser) : guess(restarted)(n),
    )
    assert.deepEqual(
      [200, 401, 429].map((status) => counted(mixed, status)),
      [10, 10, 80],
    )
    // Also the limit of the address is used up by now.
    assert.equal((await ask(restarted, guesser)).status, 429)
    assert.equal((await from(restarted, key, guesser)).status, 200)
    await restarted.stop()
  },
)

inMinute(
  'neither the responses nor the database reveal the keys, and the log names the address once',
  async () => {
    const address = newAddress()
    const from = a.lines.length
    const answers = await askMany(30, (n) => ask(a, address, wrong(n)))
    const lines = a.lines.slice(from)
    assert.ok(!lines.join('').includes('wrong-key'))
    assert.ok(!answers.some(({ text }) => text.includes('wrong-key')))
    const logged = lines.filter((line) => line.includes('a rate limit was reached'))
    assert.equal(logged.length, 1)
    assert.ok(logged[0]?.includes(address))
    const metrics = await send(a.url, { path: '/metrics', headers: right })
    assert.match(metrics.text, /^spoke_http_limited_total\{limit="failed"\} [1-9]/m)
  },
)

inMinute('in open mode there is no limit a minute', async () => {
  const open = await start({
    DATABASE_URL: await databaseOf(),
    SPOKE_ADMIN_KEY: '',
    SPOKE_RATE_ADDRESS: '5',
    SPOKE_RATE_FAILED: '1',
    SPOKE_RATE_KEY: '1',
  })
  const address = newAddress()
  assert.equal(counted(await askMany(40, (n) => ask(open, address, wrong(n))), 404), 40)
  await open.stop()
})
