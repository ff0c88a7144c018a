/** Erases marked tenants in rotation, in short steps that resume wherever the last one ended. */
import { withSystem } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { deleteBudgets } from '../hubspot/budget/budget-retention-store.ts'
import { portalsOf } from '../integrations/portal-store.ts'
import { type RevokeParts, revokeAll } from '../integrations/tokens/revoke-all.ts'
import type { Clock } from '../lib/clock.ts'
import type { Metrics } from '../lib/metrics.ts'
import { findErasing } from '../tenants/data-inventory-store.ts'
import { endErasure, eraseRows, whileErasing } from '../tenants/erasure.ts'
import type { Queues } from './queues.ts'

export interface EraseParts extends RevokeParts {
  queues: Queues
  clock: Clock
  metrics: Metrics
  /**
   * A tenant stays at least this long after its mark: a scheduler poll that had found its streams
   * has sent its wake-ups by then.
   */
  quietMs: number
}

const everyMs = 4_000
const atOnce = 100
/** The next tenant follows after this time. */
const sliceMs = 5_000

/**
 * Polls for marked tenants until the signal aborts. Any number of processes may run this: each step
 * has exclusive access to its tenant.
 */
export async function eraseUntil(parts: EraseParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await eraseMarked(parts, signal).catch((err: unknown) =>
      parts.log.warn({ err }, 'tenants marked for erasure could not be listed'),
    )
    await parts.clock.sleep(everyMs, signal).catch(() => {})
  }
}

/**
 * Works through the marked tenants in rotation until none of them can make further progress now.
 */
export async function eraseMarked(parts: EraseParts, signal: AbortSignal): Promise<void> {
  const { db, metrics, log } = parts
  const marked = await withSystem(db, (scope) => findErasing(scope, atOnce))
  metrics.tenantsErasing.set(marked.length)
  for (let turn = marked; turn.length > 0; ) {
    const next: TenantId[] = []
    for (const tenantId of turn) {
      if (signal.aborted) return
      try {
        const outcome = await eraseForAWhile(parts, tenantId, signal)
        if (outcome === 'cut_short') next.push(tenantId)
        if (outcome === 'gone') log.info({ tenant_id: tenantId }, 'a tenant was erased')
      } catch (err) {
        // A tenant that fails does not affect the others and is retried at the next poll.
        log.warn({ err, tenant_id: tenantId }, 'an erasure failed and will be retried')
      }
    }
    turn = next
  }
}

async function eraseForAWhile(
  parts: EraseParts,
  tenantId: TenantId,
  signal: AbortSignal,
): Promise<'cut_short' | 'too_soon' | 'rows_left' | 'gone'> {
  const { db, clock, queues, quietMs } = parts
  const end = clock.monotonic() + sliceMs
  const more = () => !signal.aborted && clock.monotonic() < end
  if (!(await revokeAll(parts, tenantId, signal, more))) return 'cut_short'
  if (!(await eraseRows(db, tenantId, 'rows', more))) return 'cut_short'
  const portals = await whileErasing(db, tenantId, ({ rows }) => portalsOf(rows))
  if (portals && portals.length > 0) await withSystem(db, (scope) => deleteBudgets(scope, portals))
  for (const when of ['integrations', 'audit'] as const)
    if (!(await eraseRows(db, tenantId, when, more))) return 'cut_short'
  return await endErasure(db, tenantId, quietMs, () => queues.forget(tenantId))
}
