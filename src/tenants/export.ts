/** All that is held of a tenant, as lines of JSON: a page of rows at a time, each in a short transaction of its own. */
import { type Reserve, readPageWithin } from '../api/byte-budget.ts'
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { tenantNotFound } from '../lib/errors.ts'
import { dataInventory } from './data-inventory.ts'
import { type Place, readPage } from './data-inventory-store.ts'
import { tenantExists } from './store.ts'

export const exportFormat = 'spoke-export/1'

/** Bytes of one piece: it grows page by page until it has so many. A row that is longer comes alone. */
const pieceLength = 256 * 1024
const page = { first: 32, most: 1_000 }

const line = (value: object) => `${JSON.stringify(value)}\n`

/**
 * Gives the export in pieces of whole lines, and holds no connection between two of them. Rows that change meanwhile come as
 * they are when their page is read; one that is there all the time comes exactly once.
 *
 * @param reserve makes room for a piece of so many bytes, before it is read
 * @throws AppError tenant_not_found before the first piece; tenant_erasing when the tenant is erased meanwhile
 */
export async function* exportTenant(
  db: Database,
  clock: Clock,
  tenantId: TenantId,
  reserve: Reserve = async () => {},
): AsyncGenerator<string> {
  const now = () => new Date(clock.now()).toISOString()
  if (!(await withTenant(db, tenantId, tenantExists))) throw tenantNotFound()
  yield line({
    format: exportFormat,
    tenant_id: tenantId,
    started_at: now(),
    tables: dataInventory.map(({ table }) => table),
    withheld: Object.fromEntries(
      dataInventory
        .filter(({ withheld }) => withheld.length > 0)
        .map(({ table, withheld }) => [table, withheld]),
    ),
  })
  const counts: Record<string, number> = {}
  for (const entry of dataInventory) {
    const { table, key } = entry
    counts[table] = 0
    let place: Place
    for (let atMost = page.first; ; ) {
      const limit = atMost
      const read = (bytes: number) =>
        withTenant(db, tenantId, (scope) => readPage(scope, entry, place, limit + 1, bytes))
      const { rows, more } = await readPageWithin(limit, reserve, read, pieceLength)
      const piece = rows.map(({ text }) => `{"table":"${table}","row":${text}}\n`).join('')
      if (piece !== '') yield piece
      counts[table] += rows.length
      if (!more || key.length === 0) break
      place = rows.at(-1)?.place
      const fitting = Math.floor((pieceLength / piece.length) * rows.length)
      atMost = Math.max(1, Math.min(page.most, atMost * 2, fitting))
    }
  }
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0)
  yield line({ complete: true, finished_at: now(), rows, tables: counts })
}
