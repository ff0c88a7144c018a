/** What the tests of the inbox share: an emulator whose app sends webhooks, and a service that takes them and never polls. */

import { databaseOf } from '../http/database.ts'
import { connectTenant, idle } from '../http/http-fixture.ts'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { freePort } from '../support/free-port.ts'
import { adminQuery } from '../support/postgres.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'

export interface InboxBench {
  emulator: TestEmulator
  service: TestService
  database: string
  /** Sends the events as HubSpot would: signed, for this service. */
  deliver(events: unknown, over?: Delivered): Promise<Response>
  /** Waits until nothing is on its way and nothing waits in the inbox but what was dead-lettered. */
  drained(): Promise<void>
  /** An account that has our app, connected under a tenant of its own. */
  account(portal?: object, connected?: string): Promise<Account>
  runSql<Row>(statement: string): Promise<Row[]>
  stop(): Promise<void>
}

export interface Account {
  portal: number
  tenant: string
  integration: string
  token: string
}

/** What differs from a genuine delivery. */
export interface Delivered {
  url?: string
  timestamp?: number
  which?: 'v1' | 'v2' | 'v3' | 'both'
  headers?: Record<string, string>
  /** Sent in the place of what was signed. */
  body?: string | Buffer
}

export const clientId = 'test-client'
const scopes = [
  'oauth',
  'tickets',
  'crm.objects.owners.read',
  'crm.objects.contacts.read',
  'crm.objects.companies.read',
  'crm.objects.deals.read',
]
const everything = ['ticket', 'object'].flatMap((of) => [
  ...['creation', 'deletion', 'merge', 'restore', 'associationChange'].map((type) => `${of}.${type}`),
  ...['subject', 'content', 'hs_pipeline_stage'].map((name) => `${of}.propertyChange:${name}`),
])

/**
 * @param subscriptions of the app; by default both families of events
 * @param wired the way from the service to its database
 */
export async function startInboxBench(
  env: Record<string, string> = {},
  quirks: object = {},
  subscriptions: readonly string[] = everything,
  wired = async (database: string) => database,
): Promise<InboxBench> {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, ...quirks } })
  const port = await freePort()
  const publicUrl = `http://127.0.0.1:${port}`
  const { app_id } = await emulator.control('PUT', `/apps/${clientId}/webhooks`, {
    target_url: `${publicUrl}/api/hubspot/webhooks`,
    subscriptions,
  })
  const database = await databaseOf()
  const service = await startTestService(emulator.url, {
    DATABASE_URL: await wired(database),
    HUBSPOT_APP_ID: String(app_id),
    PORT: String(port),
    SPOKE_PUBLIC_URL: publicUrl,
    SPOKE_WEBHOOK_WINDOW: '100ms',
    ...env,
  })
  const runSql = <Row>(statement: string) => adminQuery(statement, database) as Promise<Row[]>
  return {
    emulator,
    service,
    database,
    runSql,
    async deliver(events, { body: sent, headers: more = {}, ...over } = {}) {
      const { body, headers } = await emulator.control('POST', `/apps/${clientId}/webhooks/sign`, {
        body: typeof events === 'string' ? events : JSON.stringify(events),
        url: `${publicUrl}/api/hubspot/webhooks`,
        ...over,
      })
      return await fetch(`${service.url}/api/hubspot/webhooks`, {
        method: 'POST',
        headers: new Headers([...Object.entries<string>(headers), ...Object.entries(more)]),
        body: sent ?? body,
      })
    },
    async drained() {
      await emulator.control('POST', '/webhooks/wait', { timeout_ms: 20_000 })
      await eventually(async () => {
        const [row] = await runSql<{ open: number }>(
          `select count(*)::int as open from inbox_entries where due_at < 'infinity'`,
        )
        return row?.open === 0
      }, 'the inbox is drained')
    },
    async account(portal = {}, connected) {
      const { portal_id } = emulator.world.addPortal({ tickets: 3, ...portal })
      emulator.world.addToken(portal_id, {
        kind: 'oauth',
        client_id: clientId,
        scopes: [...scopes],
      })
      const { token } = emulator.world.addToken(portal_id, { kind: 'private_app', scopes: [...scopes] })
      const made = await connectTenant(service, token, connected)
      await idle(service, database)
      return { portal: portal_id, token, ...made }
    },
    async stop() {
      await service.stop()
      await emulator.close()
    },
  }
}

/** How the store differs from what HubSpot has: live ids, subjects and times. Empty: they are equal. */
export async function differences(
  { emulator, runSql }: Pick<InboxBench, 'emulator' | 'runSql'>,
  { portal, integration }: Account,
): Promise<string[]> {
  const truth = await truthOf(emulator, portal)
  const rows = await runSql<{ id: string; subject: string | null; modified: Date }>(
    `select ticket_id as id, subject, modified_at as modified from issues
     where integration_id = '${integration}' and not archived`,
  )
  const saved = new Map(rows.map((row) => [row.id, row]))
  const faults: string[] = []
  for (const [id, { subject, updatedAt }] of truth) {
    const row = saved.get(id)
    if (!row) faults.push(`${id} is missing`)
    else if (row.subject !== subject) faults.push(`${id} has ${row.subject}, not ${subject}`)
    else if (row.modified.getTime() !== Date.parse(updatedAt)) faults.push(`${id} is of another time`)
  }
  for (const id of saved.keys()) if (!truth.has(id)) faults.push(`${id} is a ghost`)
  return faults
}
