/** The steps of the live test: each checks one property of a Spoke that is connected to the given HubSpot. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Api, Issue, Run } from '../../demo/api.ts'
import { count, type Screen } from '../../demo/screen.ts'

interface Parts {
  api: Api
  screen: Screen
  /** Names the step that is under way, for the case that it does not hold. */
  step(name: string): void
}

interface Live extends Parts {
  tenantId: string
  integrationId: string
}

/** @throws the assertion or the answer that did not hold */
export async function proveAll(parts: Parts, token: string): Promise<void> {
  const live = await connect(parts, token)
  const tickets = await list(live)
  await full(live, tickets)
  await incremental(live)
}

async function connect(parts: Parts, token: string): Promise<Live> {
  const { api, screen } = parts
  parts.step('connect')
  const tenantId = randomUUID()
  const made = (await api.post(`/api/hubspot/integrations/${tenantId}`, { access_token: token }, 201)).body
  const { integration_id: integrationId, hub_id: hubId, hub_domain: domain, scopes } = made
  const { body: status } = await api.get(`/api/hubspot/status/${tenantId}/${integrationId}`)
  assert.equal(status.connected, true, status.error)
  assert.equal(status.hub_id, hubId)
  screen.held('Connect', `account ${hubId}${domain ? ` (${domain})` : ''}`)
  screen.held('Scopes', scopes ? scopes.join(' ') : 'HubSpot does not list them')
  return { ...parts, tenantId, integrationId }
}

interface LiveTicket {
  id: string
  properties: Record<string, string | null>
}

async function list({ api, screen, step, tenantId, integrationId }: Live): Promise<LiveTicket[]> {
  step('list')
  const { body } = await api.get(`/api/hubspot/tickets/${tenantId}/${integrationId}?limit=20`)
  assert.equal(body.success, true)
  for (const { id, properties } of body.tickets) {
    assert.match(id, /^\d+$/)
    assert.equal(typeof properties, 'object')
  }
  assert.ok(body.total_count === null || body.total_count >= body.tickets.length)
  screen.held(
    'List',
    `${body.tickets.length} read, HubSpot counts ${body.total_count ?? 'nothing (no search)'}`,
  )
  return body.tickets
}

/** Connecting has begun a full sync already; that one is followed. */
async function full(live: Live, tickets: LiveTicket[]): Promise<void> {
  const { api, screen, tenantId, integrationId } = live
  live.step('full sync')
  const { body } = await api.get(`/api/hubspot/sync/${tenantId}/${integrationId}`)
  const run = await follow(live, body.events.at(-1).sync_event_id)
  const issues = await api.issues(tenantId)
  // Tickets may come and go at HubSpot while the run reads, so the count from before is printed and not required.
  assert.equal(issues.size, run.inserted + run.archived)
  for (const ticket of tickets) assertKept(ticket, issues.get(ticket.id))
  screen.held('Full sync', `${count(issues.size)} issues here, HubSpot had counted ${run.total ?? 'nothing'}`)
}

function assertKept({ id, properties }: LiveTicket, issue: Issue | undefined): void {
  assert.ok(issue, `ticket ${id} was listed and is not here`)
  const listed = properties.hs_lastmodifieddate
  // It may have been changed between the list and the sync.
  if (!listed || Date.parse(issue.modified_at) > Date.parse(listed)) return
  assert.equal(issue.subject, properties.subject ?? null, `ticket ${id} has another subject`)
}

async function incremental(live: Live): Promise<void> {
  const { api, screen, tenantId, integrationId } = live
  live.step('incremental sync')
  const path = `/api/hubspot/sync/${tenantId}/${integrationId}`
  const started = (await api.post(path, { sync_type: 'incremental' }, 202)).body
  const run = await follow(live, started.sync_event_id)
  const counts = `${count(run.inserted)} new, ${count(run.changed)} changed, ${count(run.unchanged)} as they were`
  screen.held('Incremental sync', counts)
}

async function follow({ api, screen, tenantId, integrationId }: Live, syncEventId: string): Promise<Run> {
  let said = 0
  const run = await api.follow(`/api/hubspot/sync/${tenantId}/${integrationId}/${syncEventId}`, (now) => {
    if (now.finished_at !== null || Date.now() < said + 10_000) return
    said = Date.now()
    const waits = now.waiting_for ? `, waits for ${now.waiting_for}` : ''
    screen.line(`    ${count(now.done)} of ${now.total === null ? 'unknown' : count(now.total)}${waits}`)
  })
  assert.equal(
    run.state,
    'succeeded',
    `the run ${run.state}: ${run.error ?? `${run.failed} records not stored`}`,
  )
  return run
}
