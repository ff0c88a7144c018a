/** What the tests of the catalog share: a client of HubSpot's without a budget, and an integration with a true token. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import type { Budget } from '../../src/hubspot/budget/budget.ts'
import { createHubSpot, type HubSpot, type HubSpotAccess } from '../../src/hubspot/client/client.ts'
import type { CallOptions } from '../../src/hubspot/objects.ts'
import type { IntegrationRef } from '../../src/integrations/integration.ts'
import { replaceToken } from '../../src/integrations/tokens/token-store.ts'
import { createTokens } from '../../src/integrations/tokens/tokens.ts'
import { ticketKind } from '../../src/issues/ticket-kind.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { Secret } from '../../src/lib/secret.ts'
import type { TestEmulator } from '../support/emulator.ts'
import { quiet } from '../support/engines.ts'
import { A, ring, seedTenant } from '../support/rows.ts'

export function freeHubSpot(apiUrl: string, timeoutMs = 2_000): HubSpot {
  const budget: Budget = { take: async () => {}, pause: async () => 0, answered: async () => {} }
  return createHubSpot({
    apiUrl,
    timeoutMs,
    budget,
    clock: systemClock,
    metrics: createMetrics(),
    log: quiet,
  })
}

export const retryLimits = { maxAttempts: 2, totalMs: 4_000 }

export function callOptions(token = 'any'): CallOptions {
  return {
    access: { token: new Secret(token), app: 'pasted', hubId: 1 },
    retryLimits,
    signal: new AbortController().signal,
  }
}

/** A HubSpot with given responses, for shapes that the emulator does not produce. */
export async function startCanned(
  answer: (path: string, body: unknown, asked: number) => { status?: number; json: unknown },
  timeoutMs?: number,
) {
  const asked: { path: string; body: unknown }[] = []
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const one = { path: request.url ?? '', body: text === '' ? undefined : JSON.parse(text) }
    asked.push(one)
    const { status = 200, json } = answer(one.path, one.body, asked.length)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const hubspot = freeHubSpot(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs)
  return {
    hubspot,
    asked,
    async close() {
      await hubspot.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

export type Bench = Awaited<ReturnType<typeof startBench>>

/** Tenant A with an integration whose token opens an account of the emulator's. */
export async function startBench(
  db: Database,
  emulator: TestEmulator,
  portal: Record<string, unknown> = {},
  scopes: string[] = ['oauth', 'tickets', 'crm.objects.owners.read'],
) {
  const { portal_id: hubId } = emulator.world.addPortal({ tickets: 3, ...portal })
  const { token } = emulator.world.addToken(hubId, { kind: 'private_app', scopes })
  const integrationId = await seedTenant(db, A, hubId)
  await withTenant(db, A, (scope) =>
    replaceToken(scope, ring, integrationId, {
      kind: 'static',
      accessToken: new Secret(token),
      refreshToken: undefined,
      expiresInMs: null,
    }),
  )
  const whose: IntegrationRef = { tenantId: A, integrationId }
  const hubspot = freeHubSpot(emulator.url)
  const tokens = createTokens({
    db,
    ring,
    hubspot,
    app: undefined,
    clock: systemClock,
    metrics: createMetrics(),
    log: quiet,
    checkEveryMs: 3_600_000,
    tickets: ticketKind,
  })
  const { signal } = new AbortController()
  const parts = {
    db,
    hubspot,
    retryLimits,
    signal,
    maySave: async () => true,
    withAccess: <T>(work: (access: HubSpotAccess) => Promise<T>) =>
      tokens.use(whose, { retryLimits, signal }, (access) => work(access)),
  }
  return {
    hubId,
    token,
    whose,
    parts,
    tokens,
    /** The number of requests to HubSpot on paths that contain `path` since `from`. */
    async asked(path: string): Promise<number> {
      const all = await emulator.requests(path)
      return all.filter((one) => one.path.includes(path)).length
    },
    async close() {
      await hubspot.close()
    },
  }
}

/** Lets the hour of each resource pass. */
export async function letAnHourPass(db: Database): Promise<void> {
  const changed = await withTenant(db, A, ({ query }) =>
    query(sql`
      update integration_resources set due_at = due_at - interval '1 hour', requested_at = requested_at - interval '1 hour'
      returning resource`),
  )
  assert.ok(changed.length > 0)
}
