/** Drains the inboxes that are due; a process that dies costs only a lease. */
import type { WorkSource } from '../api/feature.ts'
import { scanInRounds } from '../db/scan.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { dueInboxes, type TenantInbox } from './claim-store.ts'
import { drainInbox } from './drain.ts'
import type { DrainDependencies } from './drain-step.ts'

/**
 * Limits per process. A drain mostly waits for HubSpot, so many can run at once. If CPU time is
 * short, more drains only slow down each other and current API requests without draining more;
 * changes that wait are read together later.
 */
const maxDrains = 24
const minDrains = 2
const busyUtilization = 0.7
/**
 * A poll takes a few ms. If it takes this long, the database or its connections are the bottleneck.
 */
const slowPollMs = 100

export function inboxSource(deps: DrainDependencies): WorkSource<TenantInbox> {
  const isBusy = watchLoad()
  let drains = minDrains
  return {
    name: 'inbox',
    ...scanInRounds<TenantInbox>((at) => dueInboxes(deps.claimant, at)),
    keyOf: ({ integration_id }) => integration_id,
    tenantOf: ({ tenant_id }) => tenant_id,
    limit({ someWait, lastPollMs }) {
      drains = nextDrainLimit(drains, someWait, isBusy() || lastPollMs >= slowPollMs)
      return drains
    },
    perTenant: maxDrains,
    async run({ tenant_id, integration_id }, signal) {
      await drainInbox(deps, parseTenantId(tenant_id), integration_id, signal)
      return 0
    },
  }
}

/** @returns whether the event loop has been almost fully busy since the last call */
function watchLoad(): () => boolean {
  let from = performance.eventLoopUtilization()
  return () => {
    const { utilization } = performance.eventLoopUtilization(from)
    from = performance.eventLoopUtilization()
    return utilization >= busyUtilization
  }
}

/**
 * Allows one more drain if inboxes have waited since the last poll; halves the number if resources
 * are short.
 */
export function nextDrainLimit(limit: number, someWait: boolean, isShort: boolean): number {
  if (isShort) return Math.max(minDrains, limit >> 1)
  return someWait ? Math.min(maxDrains, limit + 1) : limit
}
