/** Changes at HubSpot, and the incremental sync that brings exactly these. */
import assert from 'node:assert/strict'
import type { Issue, SpokeTenant } from '../packages/sdk/src/spoke.ts'
import { assertSame } from './copies.ts'
import type { Change } from './hubspot.ts'
import { followToEnd, issuesOf } from './runs.ts'
import { cut, type Screen } from './screen.ts'
import type { DemoContext, Tenant } from './tenants.ts'

export async function syncChanges(
  { spoke, hubspot, screen, step }: DemoContext,
  a: Tenant,
  b: Tenant,
): Promise<void> {
  step('an incremental sync brings exactly what changed')
  const [ofA, ofB] = [spoke.tenant(a.id), spoke.tenant(b.id)]
  const read = async () => ({
    a: await issuesOf(ofA),
    b: await issuesOf(ofB),
    kept: await keptSoFar(ofA, a.integrationId),
  })
  const before = await read()
  const changes = hubspot.work(a.account.hubId)
  await syncIncrementally(ofA, a.integrationId)
  const after = await read()

  const arrived = [...after.a.values()].filter((issue) => differs(before.a.get(issue.ticket_id), issue))
  assert.deepEqual(
    arrived.map((issue) => issue.ticket_id).sort(),
    changes.map((change) => change.ticketId).sort(),
  )
  assert.deepEqual(after.b, before.b, 'a change of account A touched tenant B')
  assertSame(after.a, hubspot.truth(a.account.hubId))
  const [changed, inserted] = [
    after.kept.changed - before.kept.changed,
    after.kept.inserted - before.kept.inserted,
  ]
  assert.equal(inserted, changes.filter(({ kind }) => kind === 'new').length)
  assert.equal(changed, changes.filter(({ kind }) => kind === 'changed').length)

  screen.held('At HubSpot', `${changes.length - 1} tickets changed, 1 new`)
  screen.held('Incremental sync', `${changed} changed, ${inserted} new, nothing else`)
  for (const change of changes) screen.line(changeLine(screen, change, before.a, after.a))
}

/** A run that began before now may have read past what just changed, so the demo waits for it and requests another. */
async function syncIncrementally(tenant: SpokeTenant, integrationId: string): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const started = await tenant.sync.start(integrationId, { sync_type: 'incremental' })
    const run = await followToEnd(tenant, integrationId, started.sync_event_id, () => {})
    assert.equal(run.state, 'succeeded', `the incremental sync ${run.state}: ${run.error}`)
    if (!started.already_running) return
  }
  throw new Error('another incremental sync was under way each time')
}

/** Over all runs, because the schedule may have come first with some of it. */
async function keptSoFar(tenant: SpokeTenant, integrationId: string) {
  const runs = (await tenant.sync.list(integrationId)).events
  const sum = (what: 'inserted' | 'changed') => runs.reduce((all, one) => all + one[what], 0)
  return { inserted: sum('inserted'), changed: sum('changed') }
}

const differs = (before: Issue | undefined, after: Issue) =>
  before === undefined || before.synced_at !== after.synced_at || before.modified_at !== after.modified_at

function changeLine(
  screen: Screen,
  change: Change,
  before: Map<string, Issue>,
  after: Map<string, Issue>,
): string {
  const [was, is] = [before.get(change.ticketId), after.get(change.ticketId)]
  const head = `    ${change.kind === 'new' ? '+' : '~'} #${change.ticketId}  `
  const room = screen.columns - head.length
  if (change.kind === 'new') return head + cut(`new  "${is?.subject}"`, room)
  if ('hs_ticket_priority' in change.properties)
    return head + cut(`priority  ${was?.priority} → ${is?.priority}  "${is?.subject}"`, room)
  return head + cut(`subject  "${was?.subject}" → "${is?.subject}"`, room)
}
