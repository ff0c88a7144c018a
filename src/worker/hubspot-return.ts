/**
 * After an outage: every few seconds one of those that wait for HubSpot tries before its time; the first that gets through
 * resumes some of the others, and each of these some more. Rows only, so it works across processes.
 */
import type { Database } from '../db/database.ts'
import { withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { findAwaitingInboxes, resumeInbox } from '../inbox/claim-store.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import { findAwaiting, resumeAwaiting } from '../sync/store.ts'
import { claimPeriodicTask } from '../tenants/periodic-task-store.ts'
import type { Queues } from './queues.ts'

export interface ReturnParts {
  db: Database
  queues: Queues
  clock: Clock
  log: Log
}

/** Of all processes together, one run and one inbox in this time. */
const probeEveryMs = 8_000
/** Resumed at once by one that got through. */
const atOnce = 50

/** Lets one run and one inbox try, if some wait and it is time. */
export async function probeHubSpot(parts: ReturnParts): Promise<void> {
  const { db, clock } = parts
  const { streams, inboxes } = await findWaiting(parts)
  if (streams.length + inboxes.length === 0) return
  if (!(await withSystem(db, (scope) => claimPeriodicTask(scope, 'probe_hubspot', probeEveryMs)))) return
  // Any of them: one account that stays away is not to stand for all.
  const one = <T>(some: readonly T[]) => some.slice(Math.floor(clock.random() * some.length)).slice(0, 1)
  await resume(parts, { streams: one(streams), inboxes: one(inboxes) })
}

/**
 * To be called when a run or an inbox that waited for HubSpot got through.
 *
 * @returns does not wait; calls that come while one is at it are answered by one more
 */
export function createResumer(parts: ReturnParts): () => void {
  let running = false
  let again = false
  const resumeSome = async () => {
    running = true
    do {
      again = false
      await findWaiting(parts)
        .then((waiting) => resume(parts, waiting))
        .catch((err: unknown) => parts.log.warn({ err }, 'those that wait for HubSpot could not be resumed'))
    } while (again)
    running = false
  }
  return () => {
    if (running) again = true
    else void resumeSome()
  }
}

const findWaiting = ({ db }: ReturnParts) =>
  withSystem(db, async (scope) => ({
    streams: await findAwaiting(scope, atOnce),
    inboxes: await findAwaitingInboxes(scope, atOnce),
  }))

type Waiting = Awaited<ReturnType<typeof findWaiting>>

async function resume({ db, queues, log }: ReturnParts, { streams, inboxes }: Waiting): Promise<void> {
  /** One tenant's trouble is not the others'. */
  const each = async (tenantId: string, work: () => Promise<void>) => {
    await work().catch((err: unknown) => {
      if (!isTenantErasing(err))
        log.warn({ err, tenant_id: tenantId }, 'a wait for HubSpot could not be ended')
    })
  }
  for (const { tenantId, ...key } of streams)
    await each(tenantId, async () => {
      if (await withTenant(db, parseTenantId(tenantId), (scope) => resumeAwaiting(scope, key)))
        await queues.wake({ tenantId, ...key }, newId())
    })
  for (const { tenantId, integrationId } of inboxes)
    await each(tenantId, () =>
      withTenant(db, parseTenantId(tenantId), (scope) => resumeInbox(scope, integrationId)),
    )
}
