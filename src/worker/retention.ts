/** Deletes expired rows once an hour, in one process, tenant by tenant, in short steps. */
import { deleteExpiredIdempotencyKeys, tenantsWithExpiredIdempotencyKeys } from '../api/idempotency-store.ts'
import { deleteEndedSessions } from '../auth/session-store.ts'
import { deleteOldChanges } from '../changes/store.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withSystem, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { deleteIdleBudgets } from '../hubspot/budget/budget-retention-store.ts'
import { deleteOldInboxRows, deleteOldReceipts } from '../inbox/receipt-retention-store.ts'
import {
  deleteExpiredAuthorizations,
  deleteStalePendingIntegrations,
} from '../integrations/oauth/authorization-store.ts'
import { listIntegrations, lockIntegration } from '../integrations/store.ts'
import { deleteOldProblems, deleteOldTombstones } from '../issues/tombstone-retention-store.ts'
import { deleteStaleSubscriptions } from '../journal/subscription-store.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { deleteOldDeliveries } from '../outbox/delivery-store.ts'
import { deleteOldSyncEvents } from '../sync/event-retention-store.ts'
import { claimPeriodicTask, listTenantsFrom } from '../tenants/periodic-task-store.ts'

/** Retention period of each kind of row, ms; undefined: unlimited. */
export interface RetentionPeriods {
  syncEventsMs: number | undefined
  inboxMs: number | undefined
  changesMs: number | undefined
  problemsMs: number | undefined
  archivedMs: number | undefined
}

export interface RetentionDependencies {
  db: Database
  retention: RetentionPeriods
  clock: Clock
  log: Log
}

const passIntervalMs = 3_600_000
const checkIntervalMs = 60_000
/** Rows per statement. */
const rowsPerStatement = 2_000
const tenantsPerPage = 200

export async function runRetention(deps: RetentionDependencies, signal: AbortSignal): Promise<void> {
  const { db, clock, log } = deps
  while (!signal.aborted) {
    try {
      if (await withSystem(db, (scope) => claimPeriodicTask(scope, 'retention', passIntervalMs)))
        await runRetentionPass(deps, signal)
    } catch (err) {
      log.warn({ err }, 'a retention pass failed and will be retried')
    }
    await clock.sleep(checkIntervalMs, signal).catch(() => {})
  }
}

/**
 * Runs one complete pass. It starts at a random tenant, so that a pass that ends early does not
 * always skip the same tenants.
 */
export async function runRetentionPass(deps: RetentionDependencies, signal: AbortSignal): Promise<void> {
  const { db, clock } = deps
  const more = () => !signal.aborted
  for (const remove of [deleteIdleBudgets, deleteEndedSessions, deleteOldReceipts, deleteStaleSubscriptions])
    while (more() && (await withSystem(db, (scope) => remove(scope, rowsPerStatement))) === rowsPerStatement);
  for (let after: TenantId | undefined; more(); ) {
    const ids = await withSystem(db, (scope) =>
      tenantsWithExpiredIdempotencyKeys(scope, after, tenantsPerPage),
    )
    await forEachTenant(deps, ids, signal, (scope) => deleteExpiredIdempotencyKeys(scope, rowsPerStatement))
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
      const found = await withSystem(db, (scope) => listTenantsFrom(scope, after, tenantsPerPage))
      const ids = found.filter((id) => id <= end)
      await deleteExpiredRows(deps, ids, signal)
      const last = ids.at(-1)
      if (!last || ids.length < found.length) break
      after = last
    }
}

async function deleteExpiredRows(
  deps: RetentionDependencies,
  ids: readonly TenantId[],
  signal: AbortSignal,
): Promise<void> {
  const { syncEventsMs, inboxMs, changesMs, problemsMs, archivedMs } = deps.retention
  await forEachTenant(deps, ids, signal, async (scope) => {
    await deleteExpiredAuthorizations(scope)
    await deleteStalePendingIntegrations(scope)
    return 0
  })
  if (syncEventsMs !== undefined)
    await forEachTenant(deps, ids, signal, (scope) =>
      deleteOldSyncEvents(scope, syncEventsMs, rowsPerStatement),
    )
  if (inboxMs !== undefined)
    await forEachTenant(deps, ids, signal, (scope) => deleteOldInboxRows(scope, inboxMs, rowsPerStatement))
  if (changesMs !== undefined) {
    await forEachTenant(deps, ids, signal, (scope) => deleteOldChanges(scope, changesMs, rowsPerStatement))
    await forEachTenant(deps, ids, signal, (scope) => deleteOldDeliveries(scope, rowsPerStatement))
  }
  if (problemsMs !== undefined)
    await forEachTenant(deps, ids, signal, (scope) => deleteOldProblems(scope, problemsMs, rowsPerStatement))
  if (archivedMs !== undefined)
    await forEachTenant(deps, ids, signal, (scope) => deleteTombstones(scope, archivedMs))
}

/**
 * Deletes one page per integration, under the integration's lock.
 *
 * @returns `rowsPerStatement` if there may be more
 */
async function deleteTombstones(scope: TenantScope, archivedMs: number): Promise<number> {
  for (const { integrationId } of await listIntegrations(scope)) {
    await lockIntegration(scope, integrationId)
    if ((await deleteOldTombstones(scope, integrationId, archivedMs, rowsPerStatement)) === rowsPerStatement)
      return rowsPerStatement
  }
  return 0
}

/**
 * Runs one step per tenant, and further rounds for those whose step was full: a tenant with much to
 * delete does not delay the others, and a tenant that fails does not affect them.
 */
async function forEachTenant(
  { db, log }: RetentionDependencies,
  ids: readonly TenantId[],
  signal: AbortSignal,
  work: (scope: TenantScope) => Promise<number>,
): Promise<void> {
  for (let round = ids; round.length > 0; ) {
    const full: TenantId[] = []
    for (const tenantId of round) {
      if (signal.aborted) return
      try {
        if ((await withTenant(db, tenantId, work)) === rowsPerStatement) full.push(tenantId)
      } catch (err) {
        if (!isTenantErasing(err)) log.warn({ err, tenant_id: tenantId }, 'retention skipped a tenant')
      }
    }
    round = full
  }
}
