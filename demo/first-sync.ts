/** The first full sync of both, with its progress; and the first ticket that can be read back. */
import assert from 'node:assert/strict'
import type { Issue, SyncEvent } from '../packages/sdk/src/spoke.ts'
import { followToEnd } from './runs.ts'
import { bar, count, type Screen, seconds } from './screen.ts'
import type { DemoContext, Tenant } from './tenants.ts'

/** The first synced ticket as soon as it can be read back. */
export async function firstIssue(
  { spoke, elapsed }: DemoContext,
  tenant: Tenant,
): Promise<{ issue: Issue; afterMs: number }> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const [issue] = (await spoke.tenant(tenant.id).issues.list({ limit: 1 })).issues
    if (issue) return { issue, afterMs: elapsed() }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('no issue could be read within 30 s')
}

/** Connecting has begun a full sync of each. */
export async function syncBoth(
  { spoke, screen, step, elapsed }: DemoContext,
  tenants: Tenant[],
  reading: ReturnType<typeof firstIssue>,
): Promise<void> {
  step('the first synced ticket can be read back')
  const shown = reading.then(({ issue, afterMs }) =>
    screen.held(
      'First ticket',
      `#${issue.ticket_id} "${issue.subject}"`,
      `${seconds(afterMs)} after the start`,
    ),
  )
  // Handled where it is awaited; a failure before that is not a crash.
  shown.catch(() => {})
  const runs = new Map<Tenant, SyncEvent>()
  const draw = () => screen.redraw(tenants.map((one) => progressLine(screen, one, runs.get(one))))
  draw()
  const following = tenants.map(async (tenant) => {
    const own = spoke.tenant(tenant.id)
    const first = (await own.sync.list(tenant.integrationId)).events.at(-1)
    assert.ok(first)
    let quarter = 0
    const last = await followToEnd(own, tenant.integrationId, first.sync_event_id, (run) => {
      runs.set(tenant, run)
      if (screen.moving) return draw()
      const reached = Math.floor((4 * run.done) / (run.total || Number.POSITIVE_INFINITY))
      if (reached > quarter) screen.line(progressLine(screen, tenant, run))
      quarter = Math.max(quarter, reached)
    })
    assert.equal(
      last.state,
      'succeeded',
      `the full sync of tenant ${tenant.letter} ${last.state}: ${last.error}`,
    )
    const there = tenant.account.tickets()
    assert.ok(
      last.total === there && last.done === there,
      `${last.done} of ${last.total}, HubSpot has ${there}`,
    )
  })
  const all = Promise.all(following)
  all.catch(() => {})
  await shown
  step('both accounts are synced')
  await all
  screen.settle()
  screen.held(
    'Synced',
    `${count(tenants.reduce((sum, one) => sum + one.account.tickets(), 0))} tickets`,
    `${seconds(elapsed())} after the start`,
  )
}

function progressLine(screen: Screen, { account }: Tenant, run: SyncEvent | undefined): string {
  const [done, total] = [run?.done ?? 0, run?.total ?? account.tickets()]
  const rate = run?.rate_per_second ? `${count(Math.round(run.rate_per_second))}/s` : ''
  const share = screen.moving
    ? screen.paint('cyan', bar(done, total))
    : `${String(Math.floor((100 * done) / total)).padStart(3)} %`
  const waits = run?.waiting_for ? `waits for ${run.waiting_for}` : ''
  return `    ${account.name.padEnd(18)}${share}  ${count(done).padStart(5)} / ${count(total).padEnd(6)} ${rate} ${waits}`.trimEnd()
}
