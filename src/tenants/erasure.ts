/**
 * Erases a tenant: the mark ends all other work, then rows go in short steps, and the tenant last.
 */
import type { Database } from '../db/database.ts'
import { type ErasureScope, withErasure } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import {
  deleteInventoryPage,
  deleteInventoryRows,
  type ExportPosition,
  hasInventoryRows,
  readDataInventory,
} from './data-inventory-store.ts'
import { deleteErasedTenant, isMarkedForErasure, markTenantErasing } from './erasure-store.ts'

/** Rows per step. */
const rowsPerStep = 2_000

/**
 * The stages of eraseTenantRows, each by the mark of its tables. Tables with any other mark or none
 * belong to `rows`, so that nothing is left even if a mark is missing. Those marked `at once` are
 * among them, in case the tenant was marked some other way.
 */
const stages = { integrations: 'after the rest', audit: 'by the eraser' } as const
/** `once revoked`: after revoking each at HubSpot. `last`: the tenant itself. */
const notRows: readonly string[] = [...Object.values(stages), 'once revoked', 'last']

/**
 * Marks the tenant. Once this commits, no other unit of work can enter the tenant, and everything
 * that grants access or creates work is gone: credentials, streams, routes, pending authorisations.
 * A worker does the rest. If the tenant is already marked, the mark keeps its time.
 *
 * @returns false when the tenant does not exist
 */
export async function beginErasure(db: Database, tenantId: TenantId): Promise<boolean> {
  return await withErasure(db, tenantId, async (scope) => {
    if (!(await markTenantErasing(scope))) return false
    for (const entry of await readDataInventory(scope.rows))
      if (entry.erased === 'at once') await deleteInventoryRows(scope.rows, entry)
    return true
  })
}

/**
 * One step of an erasure. It checks the mark every time: another worker may have finished the
 * erasure, and the tenant may have been created again.
 *
 * @returns undefined when the tenant does not exist or is not marked
 */
export async function runErasureStep<T>(
  db: Database,
  tenantId: TenantId,
  step: (scope: ErasureScope) => Promise<T>,
): Promise<T | undefined> {
  return await withErasure(db, tenantId, async (scope) =>
    (await isMarkedForErasure(scope)) ? await step(scope) : undefined,
  )
}

/**
 * Deletes the rows of one stage, one short transaction per step. Completed steps stay committed if
 * the erasure is interrupted.
 *
 * @param more called before each step: whether there is time for it
 * @returns false when it was interrupted
 */
export async function eraseTenantRows(
  db: Database,
  tenantId: TenantId,
  when: 'rows' | keyof typeof stages,
  more: () => boolean,
): Promise<boolean> {
  const inventory = await runErasureStep(db, tenantId, ({ rows }) => readDataInventory(rows))
  for (const entry of inventory ?? []) {
    if (when === 'rows' ? notRows.includes(entry.erased) : entry.erased !== stages[when]) continue
    let place: ExportPosition
    do {
      if (!more()) return false
      place = await runErasureStep(db, tenantId, (scope) =>
        deleteInventoryPage(when === 'audit' ? scope : scope.rows, entry, place, rowsPerStep),
      )
    } while (place)
  }
  return true
}

/**
 * Deletes the tenant's own row once nothing else of the tenant is left.
 *
 * @returns gone: also when it was already gone
 */
export async function endErasure(db: Database, tenantId: TenantId): Promise<'gone' | 'rows_left'> {
  const left = await runErasureStep(db, tenantId, async (scope) => {
    for (const entry of await readDataInventory(scope.rows))
      if (entry.erased !== 'last' && (await hasInventoryRows(scope.rows, entry))) return true
    await deleteErasedTenant(scope)
    return false
  })
  return left ? 'rows_left' : 'gone'
}
