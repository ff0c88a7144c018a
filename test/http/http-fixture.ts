/** What these tests share: an emulator, and a service with two connected tenants. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { adminQuery } from '../support/postgres.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'
import { databaseOf } from './database.ts'
import { type Refusal, refused, type Watched } from './oracle.ts'
import { type Answer, type Sent, send } from './send.ts'

export interface Bench extends Watched {
  tenant: string
  integration: string
  otherTenant: string
  otherIntegration: string
  /** Sends the request as given, and adds only Host. */
  send(sent: Sent): Promise<Answer>
  /** Sends a request that must be refused, and checks every guarantee about refusals on the response. */
  refused(expected: Refusal): Promise<Answer>
  stop(): Promise<void>
}

/** One account with a few tickets, and a pasted token for it. */
export function newAccount(emulator: TestEmulator, portal: object = {}, token: object = {}) {
  const { portal_id } = emulator.world.addPortal({ tickets: 3, ...portal })
  const made = emulator.world.addToken(portal_id, { kind: 'private_app', ...token })
  return { portal: portal_id, token: made.token }
}

export async function connectTenant(service: TestService, token: string, tenant: string = randomUUID()) {
  const made = await service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
  assert.ok(made.status === 201 || made.status === 200, `connect: ${JSON.stringify(made.body)}`)
  return { tenant, integration: made.body.integration_id as string }
}

/** Waits until all that a connect set in motion has ended. */
export async function idle(service: TestService, database: string): Promise<void> {
  await eventually(async () => {
    const [row] = await adminQuery(
      `select (select count(*) from sync_events where finished_at is null)::int
         + (select count(*) from search_builds where finished_at is null)::int as open`,
      database,
    )
    return row?.open === 0
  }, `runs of ${service.url} have ended, and the index is built`)
}

export async function startBench(env: Record<string, string> = {}): Promise<Bench> {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  const { service, database } = await startOn(emulator, env)
  const bench = { service, emulator, database }
  const stop = async () => {
    await service.stop()
    await emulator.close()
  }
  try {
    const first = await connectTenant(service, newAccount(emulator).token)
    const second = await connectTenant(service, newAccount(emulator).token)
    await idle(service, database)
    return {
      ...bench,
      tenant: first.tenant,
      integration: first.integration,
      otherTenant: second.tenant,
      otherIntegration: second.integration,
      send: (sent) => send(service.url, sent),
      refused: (expected) => refused(bench, expected),
      stop,
    }
  } catch (error) {
    // A service that is not stopped would keep the test's process alive.
    await stop()
    throw error
  }
}

export async function startOn(emulator: TestEmulator, env: Record<string, string> = {}) {
  const database = env.DATABASE_URL ?? (await databaseOf())
  const service = await startTestService(emulator.url, {
    DATABASE_URL: database,
    HUBSPOT_TIMEOUT: '8s',
    ...env,
  })
  return { service, database }
}
