/** Two tenants with issues over HTTP, some of them with a long content. */
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { eventually, runEnded, startTestService, type TestService } from '../support/service.ts'

export const T = '11111111-1111-4111-8111-111111111111'
export const U = '22222222-2222-4222-8222-222222222222'

// biome-ignore lint/suspicious/noExplicitAny: responses are looked into freely
export type Json = any

export interface HttpIssues {
  emulator: TestEmulator
  service: TestService
  databaseUrl: string
  /** The integrations of both tenants. */
  ids: { T: string; U: string }
  list(query: string, tenant?: string): Promise<{ status: number; body: Json }>
  /** All pages of a query, in order. */
  pages(query: string, tenant?: string): Promise<Json[]>
  stop(): Promise<void>
}

/** Characters of the content of the first 60 tickets of T, which are more than a page. */
export const longContent = 20_000

export async function startHttpIssues(env: Record<string, string> = {}): Promise<HttpIssues> {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  const databaseUrl = await newPostgresDatabase()
  const service = await startTestService(emulator.url, { DATABASE_URL: databaseUrl, ...env })
  const list = async (query: string, tenant = T) =>
    await service.get(`/api/hubspot/issues/${tenant}?${query}`)

  async function connect(tenant: string, hubId: number, tickets: number, long: boolean): Promise<string> {
    await emulator.control('POST', '/portals', { portal_id: hubId, tickets, plan: 'enterprise' })
    if (long) {
      const ids = [...(await truthOf(emulator, hubId)).keys()].slice(0, 60)
      const properties = { content: `zebra ${'x'.repeat(longContent)}` }
      await emulator.control('PATCH', `/portals/${hubId}/tickets`, { ids, properties })
    }
    const { token } = await emulator.control('POST', `/portals/${hubId}/tokens`, { kind: 'private_app' })
    const { body } = await service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
    const { body: history } = await service.get(`/api/hubspot/sync/${tenant}/${body.integration_id}`)
    await runEnded(service, tenant, body.integration_id, history.events[0].sync_event_id)
    await eventually(async () => {
      const { body: found } = await list('count=exact', tenant)
      return found.indexing.length === 0 && found.count === tickets
    }, 'the index is built')
    return body.integration_id
  }

  return {
    emulator,
    service,
    databaseUrl,
    ids: { T: await connect(T, 601, 300, true), U: await connect(U, 602, 20, false) },
    list,
    async pages(query, tenant) {
      const found: Json[] = []
      for (let next = ''; ; ) {
        const { body } = await list(`${query}${next}`, tenant)
        found.push(...body.issues)
        if (!body.next_after) return found
        next = `&after=${body.next_after}`
      }
    },
    async stop() {
      await service.stop()
      await emulator.close()
    },
  }
}
