/** Spoke as its users have it: a process, spoken to over its HTTP API; and one of its tenants as a system under test. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redirectUri } from '../../test/support/emulator.ts'
import { type SpokeProcess, startProcess } from '../../test/support/process.ts'
import type { KeptRow } from './oracle.ts'
import { follow, type Reply, refused } from './spoke-run.ts'
import type { RunReport, SyncType, SystemUnderTest } from './system.ts'

export interface SpokeServer {
  get(path: string): Promise<Reply>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>
  delete(path: string): Promise<Reply>
  kill(): Promise<void>
  /** Stops as an operator would; start() resumes. */
  pause(): Promise<void>
  start(): Promise<void>
  /** All it has logged. */
  output(): string
  databaseUrl: string
  stop(): Promise<void>
}

export interface SpokeTenant extends SystemUnderTest {
  tenantId: string
  integrationId(): string
  /** Connects with a pasted token; the first full run begins by itself. */
  connect(token: string): Promise<Reply>
  /** Connects through HubSpot's page; again when it was connected before. */
  connectByOauth(): Promise<Reply>
  status(): Promise<Record<string, unknown>>
  integration(): Promise<Record<string, unknown>>
  /** The issues as the API lists them. */
  issues(): Promise<Issue[]>
  /** The newest run, however it was begun, to its end. */
  lastRun(withinSeconds?: number): Promise<RunReport>
}

export type Issue = Record<string, unknown> & { ticket_id: string; properties: Record<string, unknown> }

/** Not a secret: it seals tokens of an emulator. */
const sealingKey = `k1:${Buffer.alloc(32, 7).toString('base64')}`

/** @param emulatorUrl what it takes for HubSpot */
export async function startSpoke(
  emulatorUrl: string,
  databaseUrl: string,
  env: Record<string, string>,
): Promise<SpokeServer> {
  const cwd = mkdtempSync(join(tmpdir(), 'spoke-prove-'))
  const settings = {
    DATABASE_URL: databaseUrl,
    SPOKE_ENCRYPTION_KEYS: sealingKey,
    HUBSPOT_API_URL: emulatorUrl,
    HUBSPOT_AUTHORIZE_URL: `${emulatorUrl}/oauth/authorize`,
    HUBSPOT_CLIENT_ID: 'test-client',
    HUBSPOT_CLIENT_SECRET: 'test-secret-of-the-app',
    HUBSPOT_REDIRECT_URI: redirectUri,
    LOG_LEVEL: 'warn',
    ...env,
  }
  let running: SpokeProcess
  let earlier = ''
  const lastWord = () => void running.child.kill('SIGKILL')
  process.on('exit', lastWord)

  async function ask(method: string, path: string, body?: unknown, headers = {}): Promise<Reply> {
    const answer = await fetch(`${await running.url}${path}`, {
      method,
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } }),
    })
    return { status: answer.status, body: JSON.parse((await answer.text()) || 'null') }
  }

  async function start(): Promise<void> {
    // Its line about listening is of level info.
    running = startProcess(cwd, { ...settings, LOG_LEVEL: 'info' })
    await running.url
  }

  await start()
  return {
    get: (path) => ask('GET', path),
    post: (path, body, headers) => ask('POST', path, body, headers),
    delete: (path) => ask('DELETE', path),
    async kill() {
      await running.end('SIGKILL')
      earlier += running.output()
    },
    async pause() {
      await running.end('SIGTERM')
      earlier += running.output()
    },
    start,
    output: () => earlier + running.output(),
    databaseUrl,
    async stop() {
      process.off('exit', lastWord)
      const late = setTimeout(() => running.child.kill('SIGKILL'), 12_000)
      if (running.child.exitCode === null && running.child.signalCode === null) await running.end('SIGTERM')
      clearTimeout(late)
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}

/** @param connect what its first run begins with */
export function createTenant(
  server: SpokeServer,
  portal: number,
  connect: (tenant: SpokeTenant) => Promise<Reply>,
): SpokeTenant {
  const tenantId = randomUUID()
  const api = '/api/hubspot'
  let integrationId: string | undefined

  const path = (part: string) => `${api}/${part}/${tenantId}/${integrationId}`
  const take = (reply: Reply): Reply => {
    integrationId = reply.body.integration_id ?? integrationId
    return reply
  }

  async function run(type: SyncType, withinSeconds: number): Promise<RunReport> {
    if (integrationId === undefined) {
      const reply = await connect(tenant)
      if (reply.status >= 400) return refused(reply)
      if (type === 'full') return await tenant.lastRun(withinSeconds)
      await tenant.lastRun(withinSeconds)
    }
    const reply = await server.post(path('sync'), { sync_type: type })
    if (reply.status !== 202) return refused(reply)
    const eventPath = `${path('sync')}/${reply.body.sync_event_id}`
    return await follow(() => server.get(eventPath), withinSeconds)
  }

  const tenant: SpokeTenant = {
    name: 'spoke',
    properties: undefined,
    tenantId,
    integrationId: () => integrationId ?? '',
    async connect(token) {
      return take(await server.post(`${api}/integrations/${tenantId}`, { access_token: token }))
    },
    async connectByOauth() {
      const again = integrationId === undefined ? '' : `?integration_id=${integrationId}`
      const begun = await server.get(`${api}/authorize/${tenantId}${again}`)
      if (begun.status !== 200) return begun
      const page = new URL(begun.body.authorization_url)
      page.searchParams.set('auto', '1')
      page.searchParams.set('portal_id', String(portal))
      const sent = await fetch(page, { redirect: 'manual' })
      const back = new URL(sent.headers.get('location') ?? 'http://nowhere')
      const [code, state] = [back.searchParams.get('code'), back.searchParams.get('state')]
      return take(await server.post(`${api}/oauth/callback`, { code, state }))
    },
    status: async () => (await server.get(path('status'))).body,
    integration: async () => (await server.get(path('integrations'))).body,
    full: (withinSeconds = 90) => run('full', withinSeconds),
    incremental: (withinSeconds = 90) => run('incremental', withinSeconds),
    async lastRun(withinSeconds = 90) {
      const { body } = await server.get(path('sync'))
      const [newest] = body.events
      const eventPath = `${path('sync')}/${newest.sync_event_id}`
      return await follow(() => server.get(eventPath), withinSeconds)
    },
    async issues() {
      if (integrationId === undefined) return []
      const issues: Issue[] = []
      let after: string | null = null
      do {
        const query: string = `integration_id=${integrationId}&limit=200${after ? `&after=${encodeURIComponent(after)}` : ''}`
        const { body } = await server.get(`${api}/issues/${tenantId}?${query}`)
        issues.push(...body.issues)
        after = body.next_after
      } while (after !== null)
      return issues
    },
    rows: async () => (await tenant.issues()).map(rowOf),
    async killAndRestart() {
      await server.kill()
      await server.start()
    },
    stop: () => server.stop(),
  }
  return tenant
}

function rowOf(issue: Issue): KeptRow {
  return {
    id: issue.ticket_id,
    state: issue.archived ? 'archived' : 'live',
    properties: issue.properties,
    mergedInto: (issue.merged_into as string | null | undefined) ?? null,
  }
}
