/** Under more load than it takes: refused at once and in bounded memory, alive to the probes, and back by itself. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import Fastify from 'fastify'
import pg from 'pg'
import { replyError } from '../../src/http/error-reply.ts'
import { createShedding, watchDelay } from '../../src/http/shedding.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { type SpokeProcess, startProcess } from '../support/process.ts'
import { eventually, testKeys } from '../support/service.ts'
import { databaseOf } from './database.ts'
import { checkShape } from './oracle.ts'
import { send } from './send.ts'

let database: string
let spoke: SpokeProcess
let url: string
/** A run that is ended from outside leaves no service behind. */
const lastWord = () => void spoke.child.kill('SIGKILL')
const cwd = mkdtempSync(join(tmpdir(), 'spoke-shed-'))
before(async () => {
  database = await databaseOf()
  // A process of its own, so that its memory and its event loop are not the test's.
  spoke = startProcess(
    cwd,
    {
      DATABASE_URL: database,
      SPOKE_ROLE: 'api',
      SPOKE_MAX_REQUESTS: '500',
      SPOKE_ENCRYPTION_KEYS: testKeys,
      HUBSPOT_API_URL: 'http://127.0.0.1:9',
    },
    () => {},
  )
  process.on('exit', lastWord)
  url = await spoke.url
})
after(async () => {
  process.off('exit', lastWord)
  await spoke.end('SIGTERM')
  rmSync(cwd, { recursive: true, force: true })
})

const path = `/api/hubspot/integrations/${randomUUID()}`

function residentMiB(): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${spoke.child.pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1_024
}

/** Asks the probe every 20 ms until it is told to end. @returns milliseconds, the shortest first */
function probing(): () => Promise<number[]> {
  // A thread of its own: this one is busy being the flood.
  const worker = new Worker(new URL('./probe-worker.ts', import.meta.url), { workerData: url })
  return async () => {
    worker.postMessage('end')
    const [took] = (await once(worker, 'message')) as [number[]]
    return took.sort((x, y) => x - y)
  }
}

/** On a machine that is busy with other things a probe is late without any flood. */
async function mostMs(): Promise<number> {
  const stop = probing()
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  return Math.max(200, 4 * p99(await stop()))
}

const p99 = (sorted: number[]) => sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN

/** Holds every reader of integrations, as a database does that is busy with something else. */
async function holdDatabase(): Promise<() => Promise<void>> {
  const holder = new pg.Client({ connectionString: database })
  await holder.connect()
  await holder.query('begin; lock table tenant_integrations in access exclusive mode')
  let held = true
  return async () => {
    if (!held) return
    held = false
    await holder.query('rollback')
    await holder.end()
  }
}

test('2,000 slow requests at once: all but 500 are shed, memory is bounded, the probe answers, and then all is well', async (t) => {
  await send(url, { path })
  const bound = await mostMs()
  const before = residentMiB()
  const release = await holdDatabase()
  t.after(release)
  const stop = probing()
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, residentMiB())
  }, 50)
  const shedAt: number[] = []
  const began = performance.now()
  const flood = Array.from({ length: 2_000 }, async () => {
    const answer = await send(url, { path })
    if (answer.json?.code === 'overloaded') shedAt.push(performance.now() - began)
    return answer
  })
  await eventually(async () => shedAt.length >= 1_000, 'requests are shed while the others wait')
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  await release()
  const answers = await Promise.all(flood)
  const tally = Object.groupBy(answers, ({ json }) => json.code ?? 'served')
  for (const answer of tally.overloaded ?? []) {
    checkShape(answer, { what: 'shed', status: 503, code: 'overloaded' })
    assert.match(String(answer.headers['retry-after']), /^[1-3]$/)
  }
  const sorted = await stop()
  clearInterval(watch)
  const counts = Object.fromEntries(Object.entries(tally).map(([code, some]) => [code, some?.length]))
  t.diagnostic(
    `${JSON.stringify(counts)}; memory ${before.toFixed(0)} -> ${most.toFixed(0)} MiB; /livez p99 ${p99(sorted).toFixed(0)} ms of ${sorted.length}`,
  )
  assert.ok((counts.overloaded ?? 0) >= 1_000, JSON.stringify(counts))
  assert.ok(answers.every(({ status }) => [200, 404, 503].includes(status)))
  assert.ok(most - before < 150, `${before} -> ${most} MiB`)
  assert.ok(p99(sorted) < bound, `${p99(sorted)}, and may be ${bound}`)
  const after = await Promise.all(Array.from({ length: 200 }, () => send(url, { path })))
  assert.ok(after.every(({ status }) => status === 404))
  const metrics = await send(url, { path: '/metrics' })
  assert.match(metrics.text, /^spoke_http_shed_total\{reason="requests"\} \d+$/m)
})

/** What a slow-loris says, and how it goes on. */
const lorises: [what: string, first: string, drip: string][] = [
  ['nothing', '', ''],
  ['half a head', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n', ''],
  ['a head that drips', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n', 'x-a: b\r\n'],
  [
    'a body that drips',
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n`,
    ' ',
  ],
]

test('1,000 slow-loris sockets are closed within 4 s, and the probe answers meanwhile', async (t) => {
  const bound = await mostMs()
  const stop = probing()
  const lives = await Promise.all(
    Array.from({ length: 1_000 }, async (_, n) => {
      // Not all in one moment, or the test would measure its own haste.
      await new Promise((resolve) => setTimeout(resolve, n))
      const [what, first, drip] = lorises[n % lorises.length] as (typeof lorises)[number]
      const { port, hostname } = new URL(url)
      const socket: Socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.resume()
      const began = performance.now()
      socket.write(first)
      const dripping = drip === '' ? undefined : setInterval(() => socket.write(drip), 300)
      await new Promise<void>((resolve) => {
        socket.once('close', () => resolve())
        setTimeout(() => socket.destroy(), 10_000).unref()
      })
      clearInterval(dripping)
      return { what, ms: performance.now() - began }
    }),
  )
  const sorted = await stop()
  const longest = lives.reduce((one, other) => (other.ms > one.ms ? other : one))
  t.diagnostic(
    `the last after ${longest.ms.toFixed(0)} ms (${longest.what}); /livez p99 ${p99(sorted).toFixed(0)} ms of ${sorted.length}`,
  )
  assert.ok(longest.ms < 4_500, `${longest.what}: ${longest.ms} ms`)
  assert.ok(p99(sorted) < bound, `${p99(sorted)}, and may be ${bound}`)
})

test('while the event loop is late everything but the probes is shed, and not for one long pause', async () => {
  let lateMs = 0
  const shedding = createShedding({
    load: { requests: 10, streams: 10 },
    metrics: createMetrics(),
    clock: systemClock,
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

  const delay = watchDelay(systemClock)
  const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  const turn = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  await turn(300)
  pause(1_300)
  for (let n = 0; n < 5; n++) {
    await turn(20)
    assert.ok(delay.delayMs() < 100, `${delay.delayMs()} after one pause`)
  }
  for (let n = 0; n < 3; n++) {
    pause(1_200)
    await turn(0)
  }
  assert.ok(delay.delayMs() > 1_000, `${delay.delayMs()} while it is late all the time`)
  await turn(300)
  assert.ok(delay.delayMs() < 100, `${delay.delayMs()} when that is over`)
  delay.stop()
})
