/** Deletes expired rows once an hour, in one process, tenant by tenant, in short steps. */
import type { FeatureHooks, RetentionRule } from '../api/feature.ts'
import { deleteExpiredIdempotencyKeys, tenantsWithExpiredIdempotencyKeys } from '../api/idempotency-store.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withSystem, withTenant } from '../db/scope.ts'
import { selectTogether } from '../db/select-together.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { deleteIdleBudgets } from '../hubspot/budget/budget-retention-store.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { claimPeriodicTask, listTenantsFrom } from '../tenants/periodic-task-store.ts'

export interface RetentionDependencies {
  db: Database
  /** Of all features. */
  hooks(): readonly FeatureHooks[]
  clock: Clock
  log: Log
}

const passIntervalMs = 3_600_000
/** Rows per statement. */
const rowsPerStatement = 2_000
const tenantsPerPage = 200

/** Runs a pass if the last one of any process began an hour ago. */
export async function runRetentionIfDue(deps: RetentionDependencies, signal: AbortSignal): Promise<void> {
  if (await withSystem(deps.db, (scope) => claimPeriodicTask(scope, 'retention', passIntervalMs)))
    await runRetentionPass(deps, signal)
}

/**
 * Runs one complete pass. It starts at a random tenant, so that a pass that ends early does not
 * always skip the same tenants.
 */
export async function runRetentionPass(deps: RetentionDependencies, signal: AbortSignal): Promise<void> {
  const { db, clock } = deps
  const more = () => !signal.aborted
  const hooks = deps.hooks()
  for (const remove of [deleteIdleBudgets, ...hooks.flatMap(({ deleteExpired = [] }) => deleteExpired)])
    while (more() && (await withSystem(db, (scope) => remove(scope, rowsPerStatement))) === rowsPerStatement);
  for (let after: TenantId | undefined; more(); ) {
    const ids = await withSystem(db, (scope) =>
      tenantsWithExpiredIdempotencyKeys(scope, after, tenantsPerPage),
    )
    await forEachTenant(deps, ids, signal, async (tenantId) => {
      const remove = (scope: TenantScope) => deleteExpiredIdempotencyKeys(scope, rowsPerStatement)
      return (await withTenant(db, tenantId, remove)) === rowsPerStatement
    })
    after = ids.at(-1)
    if (!after) break
  }
  const from = `${Math.floor(clock.random() * 256)
    .toString(16)
    .padStart(2, '0')}000000-0000-0000-0000-000000000000`
  const rules = hooks.flatMap(({ retention = [] }) => retention).flatMap(limited)
  for (const [start, end] of [
    [from, 'g'],
    [undefined, from],
  ] as const)
    for (let after: string | undefined = start; more(); ) {
      const found = await withSystem(db, (scope) => listTenantsFrom(scope, after, tenantsPerPage))
      const ids = found.filter((id) => id <= end)
      await forEachTenant(deps, ids, signal, (tenantId) => deleteExpiredRows(deps, tenantId, rules))
      const last = ids.at(-1)
      if (!last || ids.length < found.length) break
      after = last
    }
}

/** A rule whose rows are not kept for good. */
type LimitedRule = RetentionRule & { keepMs: number }

const limited = ({ keepMs, ...rule }: RetentionRule): LimitedRule[] =>
  keepMs === undefined ? [] : [{ ...rule, keepMs }]

/**
 * Most tenants have nothing to delete, which one statement finds. Each kind of row has a transaction
 * of its own, so that one that cannot be deleted does not keep the others.
 *
 * @returns whether anything was deleted: there may be more, or rows that depended on it
 */
async function deleteExpiredRows(
  deps: RetentionDependencies,
  tenantId: TenantId,
  rules: readonly LimitedRule[],
): Promise<boolean> {
  const found = await withTenant(deps.db, tenantId, (scope) =>
    selectTogether(
      scope.query,
      Object.fromEntries(rules.map((rule) => [rule.name, rule.hasExpired(scope, rule.keepMs)])),
    ),
  )
  let deleted = false
  for (const rule of rules)
    if (found[rule.name])
      await unlessFailing(deps, tenantId, async () => {
        const remove = (scope: TenantScope) => rule.remove(scope, rule.keepMs, rowsPerStatement)
        if ((await withTenant(deps.db, tenantId, remove)) > 0) deleted = true
      })
  return deleted
}

/** A failure of one tenant does not affect the others. */
async function unlessFailing(
  { log }: RetentionDependencies,
  tenantId: TenantId,
  work: () => Promise<void>,
): Promise<void> {
  await work().catch((err: unknown) => {
    if (!isTenantErasing(err)) log.warn({ err, tenant_id: tenantId }, 'retention skipped rows of a tenant')
  })
}

/** Tenants at once: one waits for the database while the rows of another are checked. */
const tenantsAtOnce = 4

/**
 * Runs one step per tenant, and further rounds for those with more to delete, so that a tenant with
 * much to delete does not delay the others.
 *
 * @param step returns whether there may be more
 */
async function forEachTenant(
  deps: RetentionDependencies,
  ids: readonly TenantId[],
  signal: AbortSignal,
  step: (tenantId: TenantId) => Promise<boolean>,
): Promise<void> {
  for (let round = ids; round.length > 0; ) {
    const again: TenantId[] = []
    const left = round.values()
    const visit = async () => {
      for (const tenantId of left) {
        if (signal.aborted) return
        await unlessFailing(deps, tenantId, async () => {
          if (await step(tenantId)) again.push(tenantId)
        })
      }
    }
    await Promise.all(Array.from({ length: tenantsAtOnce }, visit))
    round = again
  }
}
