/** Exports all data of a tenant as lines of JSON, one page of rows per short transaction. */
import { type ReserveBytes, readPageWithinBudget } from '../api/byte-budget.ts'
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { tenantNotFound } from '../lib/errors.ts'
import { type ExportPosition, readDataInventory, readInventoryPage } from './data-inventory-store.ts'
import { tenantExists } from './store.ts'

export const exportFormat = 'spoke-export/1'

/** The target size of one piece, bytes. Pages grow up to it; a longer row is sent alone. */
const pieceLength = 256 * 1024
const pageLimits = { first: 32, most: 1_000 }

const line = (value: object) => `${JSON.stringify(value)}\n`

/**
 * Yields the export in pieces of whole lines, without keeping a connection between pieces. Rows
 * that change meanwhile are exported as they are when their page is read; a row that exists
 * throughout is exported exactly once.
 *
 * @param reserve reserves memory for a piece of that many bytes, before it is read
 * @throws AppError tenant_not_found before the first piece; tenant_erasing when the tenant is
 * erased meanwhile
 */
export async function* exportTenant(
  db: Database,
  clock: Clock,
  tenantId: TenantId,
  reserve: ReserveBytes = async () => {},
): AsyncGenerator<string> {
  const now = () => new Date(clock.now()).toISOString()
  const inventory = await withTenant(db, tenantId, async (scope) =>
    (await tenantExists(scope)) ? await readDataInventory(scope) : undefined,
  )
  if (!inventory) throw tenantNotFound()
  const exported = inventory.filter((entry) => entry.exported.length > 0)
  yield line({
    format: exportFormat,
    tenant_id: tenantId,
    started_at: now(),
    tables: exported.map(({ table }) => table),
    excluded: Object.fromEntries(
      inventory.filter(({ withheld }) => withheld.length > 0).map(({ table, withheld }) => [table, withheld]),
    ),
  })
  const counts: Record<string, number> = {}
  for (const entry of exported) {
    const { table, key } = entry
    counts[table] = 0
    let place: ExportPosition
    for (let atMost = pageLimits.first; ; ) {
      const limit = atMost
      const read = (bytes: number) =>
        withTenant(db, tenantId, (scope) => readInventoryPage(scope, entry, place, limit + 1, bytes))
      const { rows, more } = await readPageWithinBudget(limit, reserve, read, pieceLength)
      const piece = rows.map(({ text }) => `{"table":"${table}","row":${text}}\n`).join('')
      if (piece !== '') yield piece
      counts[table] += rows.length
      if (!more || key.length === 0) break
      place = rows.at(-1)?.place
      const fitting = Math.floor((pieceLength / piece.length) * rows.length)
      atMost = Math.max(1, Math.min(pageLimits.most, atMost * 2, fitting))
    }
  }
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0)
  yield line({ complete: true, finished_at: now(), rows, tables: counts })
}
