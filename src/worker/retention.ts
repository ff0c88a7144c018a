/** Deletes expired rows once an hour, in one process, tenant by tenant, in short steps. */
import { deleteExpiredKeys, tenantsWithExpiredKeys } from '../api/idempotency-store.ts'
import { deleteEndedSessions } from '../auth/session-store.ts'
import { deleteOldChanges } from '../changes/store.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withSystem, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { deleteIdleBudgets } from '../hubspot/budget/budget-retention-store.ts'
import { deleteOldInboxRows, forgetReceipts } from '../inbox/receipt-retention-store.ts'
import { deleteExpiredAuthorizations, deleteStalePending } from '../integrations/oauth/authorization-store.ts'
import { listIntegrations, lockIntegration } from '../integrations/store.ts'
import { deleteOldProblems, deleteOldTombstones } from '../issues/tombstone-retention-store.ts'
import { forgetSubscriptions } from '../journal/subscription-store.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { deleteOldDeliveries } from '../outbox/delivery-store.ts'
import { deleteOldEvents } from '../sync/event-retention-store.ts'
import { claimPeriodicTask, tenantsFrom } from '../tenants/periodic-task-store.ts'

/** Retention period of each kind of row, ms; undefined: unlimited. */
export interface RetentionPeriods {
  syncEventsMs: number | undefined
  inboxMs: number | undefined
  changesMs: number | undefined
  problemsMs: number | undefined
  archivedMs: number | undefined
}

export interface RetentionParts {
  db: Database
  keep: RetentionPeriods
  clock: Clock
  log: Log
}

const periodMs = 3_600_000
const lookEveryMs = 60_000
/** Rows per statement. */
const step = 2_000
const tenantsAtOnce = 200

export async function retentionUntil(parts: RetentionParts, signal: AbortSignal): Promise<void> {
  const { db, clock, log } = parts
  while (!signal.aborted) {
    try {
      if (await withSystem(db, (scope) => claimPeriodicTask(scope, 'retention', periodMs)))
        await keepUp(parts, signal)
    } catch (err) {
      log.warn({ err }, 'a retention pass failed, will retry')
    }
    await clock.sleep(lookEveryMs, signal).catch(() => {})
  }
}

/**
 * Runs one complete pass. It starts at a random tenant, so that a pass that ends early does not
 * always skip the same tenants.
 */
export async function keepUp(parts: RetentionParts, signal: AbortSignal): Promise<void> {
  const { db, clock } = parts
  const more = () => !signal.aborted
  for (const remove of [deleteIdleBudgets, deleteEndedSessions, forgetReceipts, forgetSubscriptions])
    while (more() && (await withSystem(db, (scope) => remove(scope, step))) === step);
  for (let after: TenantId | undefined; more(); ) {
    const ids = await withSystem(db, (scope) => tenantsWithExpiredKeys(scope, after, tenantsAtOnce))
    await each(parts, ids, signal, (scope) => deleteExpiredKeys(scope, step))
    after = ids.at(-1)
    if (!after) break
  }
  const from = `${Math.floor(clock.random() * 256)
    .toString(16)
    .padStart(2, '0')}000000-0000-0000-0000-000000000000`
  for (const [start, end] of [
    [from, 'g'],
    [undefined, from],
  ] as const)
    for (let after: string | undefined = start; more(); ) {
      const found = await withSystem(db, (scope) => tenantsFrom(scope, after, tenantsAtOnce))
      const ids = found.filter((id) => id <= end)
      await tidyTenants(parts, ids, signal)
      const last = ids.at(-1)
      if (!last || ids.length < found.length) break
      after = last
    }
}

async function tidyTenants(
  parts: RetentionParts,
  ids: readonly TenantId[],
  signal: AbortSignal,
): Promise<void> {
  const { syncEventsMs, inboxMs, changesMs, problemsMs, archivedMs } = parts.keep
  await each(parts, ids, signal, async (scope) => {
    await deleteExpiredAuthorizations(scope)
    await deleteStalePending(scope)
    return 0
  })
  if (syncEventsMs !== undefined)
    await each(parts, ids, signal, (scope) => deleteOldEvents(scope, syncEventsMs, step))
  if (inboxMs !== undefined)
    await each(parts, ids, signal, (scope) => deleteOldInboxRows(scope, inboxMs, step))
  if (changesMs !== undefined) {
    await each(parts, ids, signal, (scope) => deleteOldChanges(scope, changesMs, step))
    await each(parts, ids, signal, (scope) => deleteOldDeliveries(scope, step))
  }
  if (problemsMs !== undefined)
    await each(parts, ids, signal, (scope) => deleteOldProblems(scope, problemsMs, step))
  if (archivedMs !== undefined) await each(parts, ids, signal, (scope) => tombstones(scope, archivedMs))
}

/**
 * Deletes one page per integration, under the integration's lock.
 *
 * @returns `step` if there may be more
 */
async function tombstones(scope: TenantScope, archivedMs: number): Promise<number> {
  for (const { integrationId } of await listIntegrations(scope)) {
    await lockIntegration(scope, integrationId)
    if ((await deleteOldTombstones(scope, integrationId, archivedMs, step)) === step) return step
  }
  return 0
}

/**
 * Runs one step per tenant, and further rounds for those whose step was full: a tenant with much to
 * delete does not delay the others, and a tenant that fails does not affect them.
 */
async function each(
  { db, log }: RetentionParts,
  ids: readonly TenantId[],
  signal: AbortSignal,
  work: (scope: TenantScope) => Promise<number>,
): Promise<void> {
  for (let turn = ids; turn.length > 0; ) {
    const full: TenantId[] = []
    for (const tenantId of turn) {
      if (signal.aborted) return
      try {
        if ((await withTenant(db, tenantId, work)) === step) full.push(tenantId)
      } catch (err) {
        if (!isTenantErasing(err)) log.warn({ err, tenant_id: tenantId }, 'retention skipped a tenant')
      }
    }
    turn = full
  }
}
