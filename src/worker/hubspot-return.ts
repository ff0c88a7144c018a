/**
 * Resumes work after a HubSpot outage. Every few seconds one waiting run and one waiting inbox are
 * tried early; the first that succeeds resumes some of the others, and each of these resumes more.
 * All state is in rows, so this works across processes.
 */
import type { AwaitingWork, FeatureHooks } from '../api/feature.ts'
import type { Database } from '../db/database.ts'
import { withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { claimPeriodicTask } from '../tenants/periodic-task-store.ts'

export interface HubSpotReturnDependencies {
  db: Database
  /** Of all features. Called when they are needed: the features are created with the handler. */
  hooks(): readonly FeatureHooks[]
  /** Called after something was resumed. */
  wake(): void
  clock: Clock
  log: Log
}

/** How many of each kind one success resumes. */
const resumeBatchSize = 50

/**
 * Lets one run and one inbox try, if some wait and the next probe is due.
 *
 * @param everyMs between two probes, over all processes
 */
export async function probeHubSpotReturn(deps: HubSpotReturnDependencies, everyMs: number): Promise<void> {
  const { db, clock } = deps
  const awaiting = await findAwaiting(deps)
  if (awaiting.flat().length === 0) return
  if (!(await withSystem(db, (scope) => claimPeriodicTask(scope, 'probe_hubspot', everyMs)))) return
  // Picked at random, so that one account that stays unavailable does not decide for all.
  const one = <T>(some: readonly T[]) => some.slice(Math.floor(clock.random() * some.length)).slice(0, 1)
  await resume(deps, awaiting.map(one))
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
      await findAwaiting(deps)
        .then((awaiting) => resume(deps, awaiting))
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

async function findAwaiting({ db, hooks }: HubSpotReturnDependencies): Promise<AwaitingWork[][]> {
  return await withSystem(db, async (scope) => {
    const found: AwaitingWork[][] = []
    for (const { findAwaiting: find } of hooks()) if (find) found.push(await find(scope, resumeBatchSize))
    return found
  })
}

async function resume(
  { db, wake, log }: HubSpotReturnDependencies,
  awaiting: readonly (readonly AwaitingWork[])[],
): Promise<void> {
  // A failure of one tenant does not affect the others.
  for (const work of awaiting.flat())
    await withTenant(db, parseTenantId(work.tenantId), work.resume).catch((err: unknown) => {
      if (!isTenantErasing(err))
        log.warn(
          { err, tenant_id: work.tenantId },
          'a run or inbox that waits for HubSpot could not be resumed',
        )
    })
  wake()
}
