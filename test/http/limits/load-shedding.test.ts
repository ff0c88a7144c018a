/**
 * Under overload: requests are refused at once, probes pass, and the service recovers by itself. `npm run flood` measures the times: here
 * only what holds on a machine of any speed.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import Fastify from 'fastify'
import { replyError } from '../../../src/http/error-reply.ts'
import { createLoadShedding, watchDelay } from '../../../src/http/limits/load-shedding.ts'
import { createMetrics } from '../../../src/lib/metrics.ts'
import { handClock } from '../../support/clock.ts'
import { eventually, startTestService, type TestService } from '../../support/service.ts'
import { databaseOf } from '../database.ts'
import { holdDatabase } from '../hold.ts'
import { checkShape } from '../oracle.ts'
import { type Answer, send } from '../send.ts'
import { live, lorises } from '../slow-loris.ts'

let database: string
let service: TestService
before(async () => {
  database = await databaseOf()
  service = await startTestService('http://127.0.0.1:9', {
    DATABASE_URL: database,
    SPOKE_ROLE: 'api',
    SPOKE_MAX_REQUESTS: '5',
    // Room for the probe beside all that is held.
    SPOKE_DB_POOL: '25',
  })
})
after(() => service.stop())

const path = `/api/hubspot/integrations/${randomUUID()}`

test('of 40 slow requests at once all but five are shed, the probes answer meanwhile, and then all is well', async (t) => {
  const release = await holdDatabase(database)
  t.after(release)
  const shed: Answer[] = []
  const flood = Array.from({ length: 40 }, async () => {
    const answer = await send(service.url, { path, withinMs: 60_000 })
    if (answer.json.code === 'overloaded') shed.push(answer)
    return answer
  })
  await eventually(async () => shed.length >= 35, 'thirty-five are shed while the others wait', 10_000)
  for (const probe of ['/livez', '/readyz'])
    assert.equal((await send(service.url, { path: probe })).status, 200, probe)
  checkShape(await send(service.url, { path: '/metrics' }), {
    what: 'no probe',
    status: 503,
    code: 'overloaded',
  })
  await release()
  const answers = await Promise.all(flood)
  assert.equal(
    answers.filter(({ status }) => status === 404).length,
    5,
    'admitted requests get their response',
  )
  for (const answer of shed) {
    checkShape(answer, { what: 'shed', status: 503, code: 'overloaded' })
    assert.match(String(answer.headers['retry-after']), /^[1-3]$/)
  }
  for (let round = 0; round < 3; round++) {
    const five = await Promise.all(Array.from({ length: 5 }, () => send(service.url, { path })))
    assert.ok(five.every(({ status }) => status === 404))
  }
  const { text } = await send(service.url, { path: '/metrics' })
  assert.match(text, /^spoke_http_shed_total\{reason="requests"\} 36$/m)
})

test('callers that disconnect before their response make room', async (t) => {
  const release = await holdDatabase(database)
  t.after(release)
  const { port, hostname } = new URL(service.url)
  for (let round = 0; round < 3; round++) {
    const leaving = new AbortController()
    const gone = Array.from({ length: 5 }, () =>
      fetch(`http://${hostname}:${port}${path}`, { signal: leaving.signal }).catch(() => undefined),
    )
    await eventually(
      async () => (await send(service.url, { path: '/nope' })).status === 503,
      'the house is full',
    )
    leaving.abort()
    await Promise.all(gone)
    await eventually(async () => (await send(service.url, { path: '/nope' })).status === 404, 'there is room')
  }
})

test('slow-loris sockets of each kind are closed, and probes answer meanwhile', async () => {
  const lives = Promise.all(Array.from({ length: 40 }, (_, n) => live(service.url, n, 30_000)))
  let probed = 0
  const ended = lives.then(() => true)
  const pause = (ms: number) => new Promise<false>((resolve) => setTimeout(resolve, ms, false))
  while (!(await Promise.race([ended, pause(100)]))) {
    assert.equal((await send(service.url, { path: '/livez' })).status, 200)
    probed += 1
  }
  assert.ok(probed > 5)
  // Within 4 s where nothing else runs: bad-input-wire.test.ts, and `npm run flood` for a thousand.
  for (const { what, held, ms } of await lives) assert.ok(!held && ms < 16_000, `${what}: ${ms} ms`)
  assert.equal(new Set((await lives).map(({ what }) => what)).size, lorises.length)
})

test('while the event loop is late everything but the probes is shed', async () => {
  let lateMs = 0
  const shedding = createLoadShedding({
    load: { requests: 10, streams: 10 },
    metrics: createMetrics(),
    clock: handClock(),
    delayMs: () => lateMs,
  })
  const app = Fastify()
  app.setErrorHandler(replyError)
  app.addHook('onRequest', async (request, reply) => shedding.enter(request, reply))
  app.get('/livez', { config: { access: 'public', probe: true } }, async () => 'ok')
  app.get('/other', { config: { access: 'public' } }, async () => 'ok')
  const statuses = async () =>
    await Promise.all(['/livez', '/other'].map(async (url) => (await app.inject(url)).statusCode))
  assert.deepEqual(await statuses(), [200, 200])
  lateMs = 1_500
  assert.deepEqual(await statuses(), [200, 503])
  lateMs = 900
  assert.deepEqual(await statuses(), [200, 200])
})

test('the event loop is late when two ticks in a row were, and not after one long pause', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = handClock()
  const delay = watchDelay(clock)
  /** One tick of 100 ms, so much too late. */
  const tick = (late: number) => {
    clock.move(100 + late)
    t.mock.timers.tick(100)
    return delay.delayMs()
  }
  assert.equal(tick(0), 0)
  assert.equal(tick(1_300), 0, 'one statement of an embedded database')
  assert.equal(tick(5), 5)
  assert.equal(tick(1_200), 5)
  assert.equal(tick(1_500), 1_200, 'late all the time')
  assert.equal(tick(0), 0, 'and over')
  delay.stop()
})
