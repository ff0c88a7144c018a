/** A connected integration for tests of change capture: what HubSpot has, what we store, and what runs requested. */
import assert from 'node:assert/strict'
import type { TestEmulator } from '../support/emulator.ts'
import { runEnded, type TestService } from '../support/service.ts'

export const T = '11111111-1111-4111-8111-111111111111'

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Any = any

export interface Connected {
  id: string
  hubId: number
  /** Control calls on the portal. */
  act(method: string, path: string, body?: unknown): Promise<Any>
  sync(type: 'full' | 'incremental'): Promise<Any>
  start(type: 'full' | 'incremental'): Promise<string>
  ended(syncEventId: string, withinMs?: number): Promise<Any>
  /** ticket id -> issue, of all or of the live ones. */
  issues(): Promise<Map<string, Any>>
  truth(archived?: boolean): Promise<Map<string, Any>>
  /** Differences between live tickets here and at HubSpot, as text; expected: none. */
  differences(): Promise<string[]>
  /** Calls of the CRM since the log was cleared, `METHOD path` with ids left out; without the tests of the connection. */
  asked(): Promise<string[]>
  forgetCalls(): Promise<void>
}

export async function connect(
  emulator: TestEmulator,
  service: TestService,
  portal: { portal_id: number; tickets: number; [more: string]: unknown },
  token: Record<string, unknown> = { kind: 'private_app' },
): Promise<Connected> {
  const hubId = portal.portal_id
  const act = (method: string, path: string, body?: unknown) =>
    emulator.control(method, `/portals/${hubId}${path}`, body)
  await emulator.control('POST', '/portals', { plan: 'enterprise', ...portal })
  const { token: access_token } = await act('POST', '/tokens', token)
  const { status, body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token })
  assert.equal(status, 201, JSON.stringify(body))
  const id: string = body.integration_id
  const ended = (run: string, withinMs?: number) => runEnded(service, T, id, run, withinMs)
  const start = async (sync_type: string) => {
    const answer = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type })
    assert.equal(answer.status, 202, JSON.stringify(answer.body))
    return answer.body.sync_event_id
  }
  const { body: history } = await service.get(`/api/hubspot/sync/${T}/${id}`)
  const connected: Connected = {
    id,
    hubId,
    act,
    start,
    ended,
    sync: async (type) => await ended(await start(type), 60_000),
    async issues() {
      const found = new Map()
      for (let after = ''; ; ) {
        const { body: page } = await service.get(
          `/api/hubspot/issues/${T}?limit=200&integration_id=${id}${after}`,
        )
        for (const issue of page.issues) found.set(issue.ticket_id, issue)
        if (!page.next_after) return found
        after = `&after=${page.next_after}`
      }
    },
    async truth(archived = false) {
      const found = new Map()
      for (let after = ''; ; ) {
        const page = await act('GET', `/truth?limit=10000&archived=${archived}${after}`)
        for (const ticket of page.results) found.set(ticket.id, ticket)
        if (!page.next) return found
        after = `&after=${page.next}`
      }
    },
    async differences() {
      const [here, there] = [await connected.issues(), await connected.truth()]
      const found: string[] = []
      for (const [ticket, { properties }] of there) {
        const issue = here.get(ticket)
        if (!issue || issue.archived) found.push(`${ticket} is missing`)
        else
          for (const [name, value] of Object.entries(properties))
            if ((issue.properties[name] ?? null) !== value)
              found.push(`${ticket}: ${name} is ${issue.properties[name]}, not ${value}`)
      }
      for (const [ticket, issue] of here)
        if (!issue.archived && !there.has(ticket)) found.push(`${ticket} is a ghost`)
      return found
    },
    async asked() {
      const calls = await emulator.requests('/crm/')
      return calls
        .filter((call) => (call as Any).portal_id === hubId)
        .filter(({ method, query }) => !(method === 'GET' && query.limit === '1' && !query.properties))
        .map(({ method, path, query }) => `${method} ${path}${query.archived === 'true' ? ' archived' : ''}`)
    },
    forgetCalls: () => emulator.control('DELETE', '/requests'),
  }
  await ended(history.events.find(({ trigger }: Any) => trigger === 'connect').sync_event_id, 60_000)
  return connected
}
