/** The steps of the live test: each checks one property of a Spoke that is connected to the given HubSpot. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { followToEnd, issuesOf } from '../../demo/runs.ts'
import { count, type Screen } from '../../demo/screen.ts'
import type { Issue, Spoke, SpokeTenant, SyncEvent, Ticket } from '../../packages/sdk/src/spoke.ts'

interface Parts {
  spoke: Spoke
  screen: Screen
  /** Names the step that is under way, for the case that it does not hold. */
  step(name: string): void
}

interface Live extends Parts {
  tenant: SpokeTenant
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
  const { spoke, screen } = parts
  parts.step('connect')
  const tenant = spoke.tenant(randomUUID())
  const made = await tenant.integrations.connect({ access_token: token })
  const { integration_id: integrationId, hub_id: hubId, hub_domain: domain, scopes } = made
  const status = await tenant.integrations.status(integrationId)
  assert.equal(status.connected, true, status.error)
  assert.equal(status.hub_id, hubId)
  screen.held('Connect', `account ${hubId}${domain ? ` (${domain})` : ''}`)
  screen.held('Scopes', scopes ? scopes.join(' ') : 'HubSpot does not list them')
  return { ...parts, tenant, integrationId }
}

async function list({ screen, step, tenant, integrationId }: Live): Promise<Ticket[]> {
  step('list')
  const body = await tenant.tickets.list(integrationId, { limit: 20 })
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
async function full(live: Live, tickets: Ticket[]): Promise<void> {
  const { screen, tenant, integrationId } = live
  live.step('full sync')
  const first = (await tenant.sync.list(integrationId)).events.at(-1)
  assert.ok(first)
  const run = await follow(live, first.sync_event_id)
  const issues = await issuesOf(tenant)
  // Tickets may come and go at HubSpot while the run reads, so the count from before is printed and not required.
  assert.equal(issues.size, run.inserted + run.archived)
  for (const ticket of tickets) assertKept(ticket, issues.get(ticket.id))
  screen.held('Full sync', `${count(issues.size)} issues here, HubSpot had counted ${run.total ?? 'nothing'}`)
}

function assertKept({ id, properties }: Ticket, issue: Issue | undefined): void {
  assert.ok(issue, `ticket ${id} was listed and is not here`)
  const listed = properties.hs_lastmodifieddate
  // It may have been changed between the list and the sync.
  if (!listed || Date.parse(issue.modified_at ?? '') > Date.parse(String(listed))) return
  assert.equal(issue.subject, properties.subject ?? null, `ticket ${id} has another subject`)
}

async function incremental(live: Live): Promise<void> {
  const { screen, tenant, integrationId } = live
  live.step('incremental sync')
  const started = await tenant.sync.start(integrationId, { sync_type: 'incremental' })
  const run = await follow(live, started.sync_event_id)
  const counts = `${count(run.inserted)} new, ${count(run.changed)} changed, ${count(run.unchanged)} as they were`
  screen.held('Incremental sync', counts)
}

async function follow({ screen, tenant, integrationId }: Live, syncEventId: string): Promise<SyncEvent> {
  let said = 0
  const run = await followToEnd(tenant, integrationId, syncEventId, (now) => {
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
