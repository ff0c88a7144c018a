/**
 * Resumes work after a HubSpot outage. Every few seconds one waiting run and one waiting inbox are
 * tried early; the first that succeeds resumes some of the others, and each of these resumes more.
 * All state is in rows, so this works across processes.
 */
import type { Database } from '../db/database.ts'
import { type TenantScope, withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { findAwaitingInboxes, resumeInbox } from '../inbox/claim-store.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { findAwaitingStreams, resumeAwaitingStream } from '../sync/schedule-store.ts'
import { claimPeriodicTask } from '../tenants/periodic-task-store.ts'
import type { Bell } from './loop.ts'
import type { PollPeriods } from './poll-periods.ts'

export interface HubSpotReturnDependencies {
  db: Database
  bell: Bell
  clock: Clock
  log: Log
}

/** How many runs, and how many inboxes, one success resumes. */
const resumeBatchSize = 50

/** Lets one run and one inbox try, if some wait and the next probe is due. */
export async function probeHubSpotReturn(
  deps: HubSpotReturnDependencies & { polls: PollPeriods },
): Promise<void> {
  const { db, clock, polls } = deps
  const { streams, inboxes } = await findWaiting(deps)
  if (streams.length + inboxes.length === 0) return
  if (!(await withSystem(db, (scope) => claimPeriodicTask(scope, 'probe_hubspot', polls.probeMs)))) return
  // Picked at random, so that one account that stays unavailable does not decide for all.
  const one = <T>(some: readonly T[]) => some.slice(Math.floor(clock.random() * some.length)).slice(0, 1)
  await resume(deps, { streams: one(streams), inboxes: one(inboxes) })
}

/**
 * To be called when a run or an inbox that waited for HubSpot succeeds.
 *
 * @returns does not wait; calls during a pass cause one further pass
 */
export function createHubSpotReturnHandler(deps: HubSpotReturnDependencies): () => void {
  let running = false
  let again = false
  const resumeSome = async () => {
    running = true
    do {
      again = false
      await findWaiting(deps)
        .then((waiting) => resume(deps, waiting))
        .catch((err: unknown) =>
          deps.log.warn({ err }, 'runs and inboxes that wait for HubSpot could not be resumed'),
        )
    } while (again)
    running = false
  }
  return () => {
    if (running) again = true
    else void resumeSome()
  }
}

const findWaiting = ({ db }: HubSpotReturnDependencies) =>
  withSystem(db, async (scope) => ({
    streams: await findAwaitingStreams(scope, resumeBatchSize),
    inboxes: await findAwaitingInboxes(scope, resumeBatchSize),
  }))

type Waiting = Awaited<ReturnType<typeof findWaiting>>

async function resume(
  { db, bell, log }: HubSpotReturnDependencies,
  { streams, inboxes }: Waiting,
): Promise<void> {
  /** A failure of one tenant does not affect the others. */
  const each = async (tenantId: string, work: (scope: TenantScope) => Promise<void>) => {
    await withTenant(db, parseTenantId(tenantId), work).catch((err: unknown) => {
      if (!isTenantErasing(err))
        log.warn({ err, tenant_id: tenantId }, 'a run or inbox that waits for HubSpot could not be resumed')
    })
  }
  for (const { tenant_id, integration_id: integrationId, kind, sync_type: syncType } of streams)
    await each(tenant_id, (scope) => resumeAwaitingStream(scope, { integrationId, kind, syncType }))
  for (const { tenant_id, integration_id } of inboxes)
    await each(tenant_id, (scope) => resumeInbox(scope, integration_id))
  bell.ring()
}
