/** A whole service in the test's own process, against an emulator, on a database of its own. */
import assert from 'node:assert/strict'
import { type Service, startService } from '../../src/app/start.ts'
import { readConfig } from '../../src/config.ts'
import { undeclaredError } from '../../src/http/error-reply.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { shortPolls } from './poll-periods.ts'
import { newPostgresDatabase } from './postgres.ts'

export const testKeys = `k1:${Buffer.alloc(32, 7).toString('base64')}`

export interface TestService extends Service {
  /** Every line logged so far. */
  lines: string[]
  get(path: string, headers?: Record<string, string>): Promise<Reply>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>
  delete(path: string, headers?: Record<string, string>): Promise<Reply>
}

export interface Reply {
  status: number
  headers: Headers
  // A test asserts on what it reads.
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
  body: any
}

/** @param env on top of a loopback service that schedules no runs, with LOG_LEVEL=debug recorded in `lines` */
export async function startTestService(
  emulatorUrl: string,
  env: Record<string, string> = {},
): Promise<TestService> {
  const lines: string[] = []
  const config = readConfig({
    DATABASE_URL: env.DATABASE_URL ?? (await newPostgresDatabase()),
    SPOKE_ENCRYPTION_KEYS: testKeys,
    PORT: '0',
    HUBSPOT_API_URL: emulatorUrl,
    HUBSPOT_AUTHORIZE_URL: `${emulatorUrl}/oauth/authorize`,
    HUBSPOT_CLIENT_ID: 'test-client',
    HUBSPOT_CLIENT_SECRET: 'test-secret-of-the-app',
    HUBSPOT_APP_ID: '1160001',
    HUBSPOT_REDIRECT_URI: 'http://localhost:8000/api/hubspot/oauth/callback',
    HUBSPOT_TIMEOUT: '10s',
    // Each connection costs the server as much as a request.
    SPOKE_DB_POOL: '5',
    // No scheduled run interferes with a test of something else.
    SPOKE_SYNC_EVERY: '500h',
    // A test of something else may send any number of requests and wrong keys.
    SPOKE_RATE_KEY: '0',
    SPOKE_RATE_TENANT: '0',
    SPOKE_RATE_ADDRESS: '0',
    SPOKE_RATE_FAILED: '0',
    LOG_LEVEL: 'debug',
    ...env,
  })
  const service = await startService(
    config,
    createLog(config.logLevel, (line) => {
      lines.push(line)
      if (!line.includes(undeclaredError)) return
      // No test waits for this, so it fails the file.
      process.exitCode = 1
      process.stderr.write(line)
    }),
    systemClock,
    shortPolls,
  )
  const ask = async (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Reply> => {
    const answer = await fetch(`${service.url}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    })
    const text = await answer.text()
    const isJson = /[/+]json\b/.test(answer.headers.get('content-type') ?? '')
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
  }
  return {
    ...service,
    lines,
    get: (path, headers) => ask('GET', path, headers),
    post: (path, body, headers) =>
      ask(
        'POST',
        path,
        { 'content-type': 'application/json', ...headers },
        typeof body === 'string' ? body : JSON.stringify(body),
      ),
    delete: (path, headers) => ask('DELETE', path, headers),
  }
}

/** A busy machine may be several times slower than an idle one. Runs with planted faults wait less: the event never comes. */
const patienceMs = Number(process.env.SPOKE_TEST_PATIENCE_MS ?? 60_000)

/** Polls until the condition holds. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false>,
  what: string,
  withinMs = patienceMs,
): Promise<T> {
  const began = Date.now()
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    const waitedMs = Date.now() - began
    if (waitedMs > withinMs) assert.fail(`not within ${withinMs} ms: ${what}`)
    // A slow condition is polled less often.
    await new Promise((resolve) => setTimeout(resolve, Math.min(200, 20 + waitedMs / 5)))
  }
}

/** Waits for a run to end, and gives it. */
export async function runEnded(
  service: TestService,
  tenantId: string,
  integrationId: string,
  syncEventId: string,
  withinMs?: number,
) {
  return await eventually(
    async () => {
      const { body } = await service.get(`/api/hubspot/sync/${tenantId}/${integrationId}/${syncEventId}`)
      return typeof body.finished_at === 'string' && body
    },
    `run ${syncEventId} ends`,
    withinMs,
  )
}
