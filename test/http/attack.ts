/**
 * The attack of `npm run flood -- --seconds n`: a tenant whose texts are long, strangers with half-sent bodies, and wrong keys, against two processes
 * with default settings, while another tenant keeps sending requests. Over 200 lines because the stages share one setup.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { type SpokeProcess, startProcess } from '../support/process.ts'
import { eventually, testKeys } from '../support/service.ts'
import type { Finding } from './flood.ts'
import { send } from './send.ts'
import type { Served, Victim } from './victim-worker.ts'

const adminKey = 'the-admin-key-of-the-attack-command'
const admin = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
const appId = 1_160_001
/** The attackers' sockets come from as many addresses, so that no limit of one address holds them back. */
const addresses = 60
const addressOf = (n: number) => `127.0.1.${1 + (n % addresses)}`

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface Tenant {
  tenantId: string
  integrationId: string
  portal: number
  headers: Record<string, string>
}

export interface AttackFixture {
  emulator: TestEmulator
  processes: SpokeProcess[]
  urls: string[]
  /** Tenants with long texts, and one that only sends requests. */
  attackers: Tenant[]
  victim: Tenant
  close(): Promise<void>
}

/** Two processes on one PostgreSQL database, with no setting but what they cannot do without. */
export async function startAttackFixture(cwd: string): Promise<AttackFixture> {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  const database = await newPostgresDatabase()
  const env = {
    DATABASE_URL: database,
    SPOKE_ADMIN_KEY: adminKey,
    SPOKE_ENCRYPTION_KEYS: testKeys,
    HUBSPOT_API_URL: emulator.url,
    HUBSPOT_CLIENT_ID: 'attack-client',
    HUBSPOT_CLIENT_SECRET: 'the-secret-of-the-app-under-attack',
    HUBSPOT_APP_ID: String(appId),
  }
  const first = startProcess(cwd, env, () => {})
  const urls = [await first.url]
  const second = startProcess(cwd, env, () => {})
  urls.push(await second.url)
  const processes = [first, second]
  const [url] = urls as [string]

  async function post(path: string, body: object) {
    const answer = await send(url, { method: 'POST', path, headers: admin, body: JSON.stringify(body) })
    if (answer.status >= 300) throw new Error(answer.text)
    return answer.json
  }
  async function newTenant(tickets: number): Promise<Tenant> {
    const tenantId = randomUUID()
    const { portal_id: portal } = emulator.world.addPortal({ tickets })
    const { token } = emulator.world.addToken(portal, { kind: 'private_app' })
    const { integration_id: integrationId } = await post(`/api/hubspot/integrations/${tenantId}`, {
      access_token: token,
    })
    const { api_key } = await post(`/api/tenants/${tenantId}/api-keys`, { name: 'k', scopes: ['read'] })
    return { tenantId, integrationId, portal, headers: { authorization: `Bearer ${api_key}` } }
  }

  const victim = await newTenant(100)
  const attackers = [await newTenant(300), await newTenant(300), await newTenant(300)]
  await eventually(
    async () =>
      (await adminQuery('select from sync_events where finished_at is null limit 1', database)).length === 0,
    'the first syncs have ended',
    120_000,
  )
  for (const { tenantId, portal } of attackers) {
    // What HubSpot allows in one property, in some of them; at HubSpot itself in two of each ticket. One letter is beyond Latin-1.
    await adminQuery(
      `update issues set properties = properties || (
         select jsonb_object_agg('long_' || n, repeat('x', 65535) || '…') from generate_series(1, 45) n)
       where tenant_id = '${tenantId}' and ticket_id in (select ticket_id from issues where tenant_id = '${tenantId}' order by ticket_id limit 60)`,
      database,
    )
    await adminQuery(
      `update issues set properties = properties || jsonb_build_object('content', repeat('y', 65536), 'subject', repeat('z', 65536))
       where tenant_id = '${tenantId}' and not properties ? 'long_1'`,
      database,
    )
    const ids = await adminQuery(`select ticket_id from issues where tenant_id = '${tenantId}'`, database)
    await emulator.control('PATCH', `/portals/${portal}/tickets`, {
      ids: ids.map(({ ticket_id }) => ticket_id),
      properties: { content: 'y'.repeat(65_536), subject: 'z'.repeat(65_536) },
    })
  }
  return {
    emulator,
    processes,
    urls,
    victim,
    attackers,
    async close() {
      await Promise.all(processes.map((one) => one.end('SIGTERM')))
      await emulator.close()
    },
  }
}

/** The most memory that a process had so far, MiB. */
function peakMiB({ child }: SpokeProcess): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1_024
}

/** The other tenant, in a thread of its own. */
async function askAsVictim({ urls, victim }: AttackFixture, until: number): Promise<Served> {
  const { tenantId, integrationId, headers } = victim
  const paths = [
    `/api/hubspot/issues/${tenantId}?limit=50`,
    `/api/hubspot/integrations/${tenantId}`,
    `/api/hubspot/changes/${tenantId}?limit=50`,
    `/api/hubspot/sync/${tenantId}/${integrationId}`,
  ]
  const workerData: Victim = { urls, paths, headers, until }
  const worker = new Worker(new URL('./victim-worker.ts', import.meta.url), { workerData })
  const [{ tally, took }] = (await once(worker, 'message')) as [Served]
  return { tally, took: took.toSorted((x, y) => x - y) }
}

type Attack = (world: AttackFixture, until: number) => Promise<Record<string, number>>

/** Holds `count` sockets open, each for at most `lifeMs`, and reconnects after `everyMs` at the earliest. @returns the number of responses per status */
async function keepSockets(
  count: number,
  until: number,
  lifeMs: number,
  everyMs: number,
  dial: (n: number) => { url: string; text: string; reads: boolean; from?: string },
): Promise<Record<string, number>> {
  const tally: Record<string, number> = {}
  const note = (what: string) => {
    tally[what] = (tally[what] ?? 0) + 1
  }
  const caller = async (n: number) => {
    await pause((n * everyMs) / count)
    while (Date.now() < until) {
      const next = Date.now() + everyMs
      const { url, text, reads, from = addressOf(n) } = dial(n)
      const { hostname, port } = new URL(url)
      const socket: Socket = connect({ host: hostname, port: Number(port), localAddress: from })
      socket.on('error', () => {})
      await new Promise<void>((resolve) => {
        const end = setTimeout(() => socket.destroy(), Math.min(lifeMs, Math.max(1, until - Date.now())))
        socket.once('connect', () => socket.write(text))
        socket.once('data', (data) => {
          note(/^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1] ?? 'other')
          if (!reads) socket.pause()
        })
        socket.once('close', () => {
          clearTimeout(end)
          resolve()
        })
      })
      await pause(Math.max(0, next - Date.now()))
    }
  }
  await Promise.all(Array.from({ length: count }, (_, n) => caller(n)))
  return tally
}

const get = (path: string, headers: Record<string, string>) =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: ${headers.authorization}\r\n\r\n`

/** As many requests as the limits allow: every route that returns long texts, from callers that read, callers that do not, and streams. */
const bytes: Attack = ({ urls, attackers }, until) =>
  keepSockets(240, until, 30_000, 8_000, (n) => {
    const { tenantId, integrationId, headers } = attackers[n % attackers.length] as Tenant
    const issues = `/api/hubspot/issues/${tenantId}?limit=200`
    const byIntegration = `${issues}&integration_id=${integrationId}`
    const changes = `/api/hubspot/changes/${tenantId}?limit=1000`
    // Few of them: they would load the emulator, which runs in this process.
    const tickets = `/api/hubspot/tickets/${tenantId}/${integrationId}?limit=1000`
    const paths = [
      issues,
      byIntegration,
      changes,
      issues,
      byIntegration,
      changes,
      issues,
      byIntegration,
      tickets,
    ]
    const at = Math.floor(n / attackers.length)
    return {
      url: urls[at % urls.length] as string,
      text: get(paths[at % paths.length] as string, headers),
      reads: at % 4 < 2,
    }
  })

const halfSent = [
  () =>
    `POST /api/hubspot/webhooks HTTP/1.1\r\nHost: localhost\r\nX-HubSpot-Signature-v3: ${Buffer.alloc(32, 1).toString('base64')}\r\nX-HubSpot-Request-Timestamp: ${Date.now()}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n[`,
  () =>
    `POST /connect/${randomUUID()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\nd`,
  () =>
    'POST /api/hubspot/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 8388608\r\n\r\n[',
  () => 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n',
]

/** 1,050 sockets to each process, renewed; some of them send one request and stay idle. */
const strangers: Attack = ({ urls }, until) =>
  keepSockets(1_050 * urls.length, until, 10_000, 3_000, (n) => ({
    url: urls[n % urls.length] as string,
    text: (halfSent[Math.floor(n / urls.length) % halfSent.length] as () => string)(),
    reads: true,
  }))

/** Wrong keys as fast as they get responses: half with unknown ids, half with the id of the other tenant's own key, from its address too. */
const wrongKeys: Attack = ({ urls, victim }, until) =>
  keepSockets(100, until, 5_000, 0, (n) => {
    const id = n % 4 < 2 ? randomBytes(8).toString('hex') : victim.headers.authorization?.slice(11, 27)
    const key = `spk_${id}_${randomBytes(32).toString('base64url')}`
    return {
      url: urls[n % urls.length] as string,
      text: get('/api/session', { authorization: `Bearer ${key}` }),
      reads: true,
      ...(n % 10 === 0 ? { from: '127.0.0.1' } : {}),
    }
  })

/** So much the other tenant may notice, on a machine that has two cores for all of it. */
const servedWithinMs = 1_000

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN

/** @param seconds of the attack */
async function under(world: AttackFixture, what: string, attack: Attack, seconds: number): Promise<Finding> {
  const until = Date.now() + seconds * 1_000
  const [attackers, victim] = await Promise.all([attack(world, until), askAsVictim(world, until)])
  const crashes = world.processes.filter(({ child }) => child.exitCode !== null || child.signalCode !== null)
  const peaks = crashes.length > 0 ? [] : world.processes.map(peakMiB)
  const { tally, took } = victim
  const refused = Object.entries(tally).reduce((sum, [status, n]) => sum + (status === '200' ? 0 : n), 0)
  return {
    what: `${what}, ${seconds} s`,
    figures: `crashes ${crashes.length}; the other tenant ${JSON.stringify(tally)}, p50 ${at(took, 0.5).toFixed(0)}, p99 ${at(took, 0.99).toFixed(0)}, most ${at(took, 1).toFixed(0)} ms; the attackers ${JSON.stringify(attackers)}; peak memory ${peaks.map((one) => one.toFixed(0)).join(' and ')} MiB`,
    ok: crashes.length === 0 && refused === 0 && at(took, 0.99) <= servedWithinMs,
  }
}

/** Nothing but the other tenant, then each attack for so long. */
export const attacks: ((world: AttackFixture, seconds: number) => Promise<Finding>)[] = [
  (world) => under(world, 'nothing else', async () => ({}), 5),
  (world, seconds) => under(world, 'half-sent bodies and idle connections', strangers, seconds),
  (world, seconds) => under(world, 'wrong keys', wrongKeys, seconds),
  (world, seconds) => under(world, 'long texts', bytes, seconds),
]
