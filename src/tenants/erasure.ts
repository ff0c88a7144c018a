/** Erasing a tenant: the mark that ends everything else, rows in short steps, the tenant itself last. */
import type { Database } from '../db/database.ts'
import { type ErasureScope, withErasure } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { dataInventory, type InventoryEntry } from './data-inventory.ts'
import {
  deleteAll,
  deletePage,
  deleteTenant,
  holdsAny,
  markErasing,
  markedMsAgo,
  type Place,
} from './data-inventory-store.ts'

/** Rows of one step. */
const stepRows = 2_000

const going = (when: InventoryEntry['goes']) => dataInventory.filter(({ goes }) => goes === when)

/**
 * Marks the tenant. From its commit on nobody enters the tenant, and what lets in or makes work is gone: credentials, streams,
 * routes, authorisations under way. The rest is a worker's. Marked before, it stays as it was.
 *
 * @returns false when there is no such tenant
 */
export async function beginErasure(db: Database, tenantId: TenantId): Promise<boolean> {
  return await withErasure(db, tenantId, async (scope) => {
    if (!(await markErasing(scope))) return false
    for (const entry of going('marked')) await deleteAll(scope.rows, entry)
    return true
  })
}

/**
 * One step of an erasure. Never without the mark: another worker may have come to the end, and the tenant may have been made
 * anew.
 *
 * @returns undefined when the tenant is not there, or not marked
 */
export async function whileErasing<T>(
  db: Database,
  tenantId: TenantId,
  step: (scope: ErasureScope) => Promise<T>,
): Promise<T | undefined> {
  return await withErasure(db, tenantId, async (scope) =>
    (await markedMsAgo(scope)) === undefined ? undefined : await step(scope),
  )
}

/**
 * Deletes what goes at that stage, a short transaction a step. What a step deleted stays deleted, whatever ends it.
 *
 * @param more asked before each step: whether there is time for it
 * @returns false when it was cut short
 */
export async function eraseRows(
  db: Database,
  tenantId: TenantId,
  when: 'rows' | 'integrations' | 'audit',
  more: () => boolean,
): Promise<boolean> {
  // What the mark deleted is looked at once more with the rows: nothing may be left, whoever set the mark.
  for (const entry of [...going(when), ...(when === 'rows' ? going('marked') : [])]) {
    let place: Place
    do {
      if (!more()) return false
      place = await whileErasing(db, tenantId, (scope) =>
        deletePage(when === 'audit' ? scope : scope.rows, entry, place, stepRows),
      )
    } while (place)
  }
  return true
}

/**
 * Deletes the tenant itself, when nothing else of it is left.
 *
 * @param quietMs not sooner after the mark: whoever had found work of it before has then sent its wake-up
 * @param justBefore what is kept elsewhere and goes with it
 * @returns gone: also when it was gone before
 */
export async function endErasure(
  db: Database,
  tenantId: TenantId,
  quietMs: number,
  justBefore: () => Promise<void>,
): Promise<'gone' | 'too_soon' | 'rows_left'> {
  const ms = await withErasure(db, tenantId, markedMsAgo)
  if (ms === undefined) return 'gone'
  if (ms < quietMs) return 'too_soon'
  await justBefore()
  const left = await whileErasing(db, tenantId, async (scope) => {
    for (const entry of dataInventory)
      if (entry.goes !== 'tenant' && (await holdsAny(scope.rows, entry))) return true
    await deleteTenant(scope)
    return false
  })
  return left ? 'rows_left' : 'gone'
}
