/** Spoke as a process to be measured, spoken to over its API; its rows are read as superuser, so that watching costs it nothing. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { redirectUri } from '../../test/support/emulator.ts'
import { startProcess } from '../../test/support/process.ts'
import { type HubSpotProcess, pause } from './harness.ts'

export interface Service {
  pid: number
  url: string
  databaseUrl: string
  post(path: string, body: unknown): Promise<Answer>
  get(path: string): Promise<Answer>
  /** By a pasted token. */
  connect(token: string): Promise<Connected>
  /** Through HubSpot's page. */
  connectByOauth(hubId: number): Promise<Connected>
  /** As superuser. */
  rows<T extends object>(text: string, values?: unknown[]): Promise<T[]>
  /** The newest run of that type, to its end. @throws when it does not end well within so many seconds */
  ended(of: Connected, type: 'full' | 'incremental', withinSeconds: number): Promise<Run>
  stop(): Promise<void>
}

interface Answer {
  status: number
  body: Record<string, unknown>
}

export interface Connected {
  tenantId: string
  integrationId: string
}

export interface Run {
  sync_event_id: string
  state: string
  done: number
  requested_at: Date
  started_at: Date | null
  finished_at: Date | null
  error_code: string | null
}

/** Not a secret: it seals tokens of an emulator. */
const sealingKey = `k1:${Buffer.alloc(32, 7).toString('base64')}`

export async function startService(
  hubspot: HubSpotProcess,
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<Service> {
  const cwd = mkdtempSync(join(tmpdir(), 'spoke-bench-'))
  const running = startProcess(cwd, {
    DATABASE_URL: databaseUrl,
    SPOKE_ENCRYPTION_KEYS: sealingKey,
    HUBSPOT_API_URL: hubspot.url,
    HUBSPOT_AUTHORIZE_URL: `${hubspot.url}/oauth/authorize`,
    HUBSPOT_CLIENT_ID: 'test-client',
    HUBSPOT_CLIENT_SECRET: 'test-secret-of-the-app',
    HUBSPOT_REDIRECT_URI: redirectUri,
    ...env,
  })
  const lastWord = () => void running.child.kill('SIGKILL')
  process.on('exit', lastWord)
  const url = await running.url
  const admin = new pg.Client({ connectionString: databaseUrl })
  admin.on('error', () => {})
  await admin.connect()

  async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(`${url}${path}`, {
      method,
      signal: AbortSignal.timeout(60_000),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  const rows: Service['rows'] = async <T extends object>(text: string, values: unknown[] = []) =>
    (await admin.query(text, values)).rows as T[]

  function connected(tenantId: string, { status, body }: Answer): Connected {
    // 201 for a pasted token, 200 for an authorisation that had made the integration before.
    if (status !== 201 && status !== 200)
      throw new Error(`connecting was answered ${status} ${JSON.stringify(body)}`)
    return { tenantId, integrationId: String(body.integration_id) }
  }

  return {
    pid: running.child.pid as number,
    url,
    databaseUrl,
    post: (path, body) => ask('POST', path, body),
    get: (path) => ask('GET', path),
    rows,
    async connect(token) {
      const tenantId = randomUUID()
      const body = { access_token: token }
      return connected(tenantId, await ask('POST', `/api/hubspot/integrations/${tenantId}`, body))
    },
    async connectByOauth(hubId) {
      const tenantId = randomUUID()
      const begun = await ask('GET', `/api/hubspot/authorize/${tenantId}`)
      const page = new URL(String(begun.body.authorization_url))
      page.searchParams.set('auto', '1')
      page.searchParams.set('portal_id', String(hubId))
      const sent = await fetch(page, { redirect: 'manual' })
      const back = new URL(sent.headers.get('location') ?? 'http://nowhere')
      const [code, state] = [back.searchParams.get('code'), back.searchParams.get('state')]
      return connected(tenantId, await ask('POST', '/api/hubspot/oauth/callback', { code, state }))
    },
    async ended({ integrationId }, type, withinSeconds) {
      const end = performance.now() + withinSeconds * 1_000
      let run: Run | undefined
      while (performance.now() < end) {
        ;[run] = await rows<Run>(
          `select sync_event_id, state, done::float8 as done, requested_at, started_at, finished_at, error_code
           from sync_events where integration_id = $1 and sync_type = $2 order by requested_at desc limit 1`,
          [integrationId, type],
        )
        if (run?.finished_at) break
        await pause(200)
      }
      if (run?.state !== 'succeeded')
        throw new Error(
          `the ${type} run is ${run?.state} (${run?.error_code}) after ${withinSeconds} s at most`,
        )
      return run
    },
    async stop() {
      process.off('exit', lastWord)
      await admin.end()
      const late = setTimeout(() => running.child.kill('SIGKILL'), 12_000)
      if (running.child.exitCode === null && running.child.signalCode === null) await running.end('SIGTERM')
      clearTimeout(late)
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}
