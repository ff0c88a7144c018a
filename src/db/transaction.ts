/** A unit of work on either engine, and when it is run again. */
import type { Database, Query } from './database.ts'
import { isDiskFull } from './database-errors.ts'
import { DiskFullError } from './disk-space.ts'
import { isLostStatement } from './pooler.ts'

/** True for failures after which the same transaction can be run again. */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === '40001' || code === '40P01' || isLostStatement(error)
}

/**
 * Runs one unit of work: a transaction that first applies `prelude` (role, tenant) and then runs
 * `work`. Serialisation failures and deadlocks repeat it, up to five attempts, so `work` must not
 * have effects outside the database. While the disk is full the transaction is read-only: reads
 * work, and the database rejects writes.
 */
export async function inTransaction<T>(
  db: Database,
  prelude: readonly string[],
  work: (query: Query) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const readOnly = db.kind === 'embedded' && db.disk?.check() === true
    const opening = [...(readOnly ? ['set transaction read only'] : []), ...(db.limits ?? []), ...prelude]
    try {
      return await db.transaction(opening, (query) => runUnit(query, work))
    } catch (error) {
      if (readOnly && (error as { code?: string }).code === '25006') throw new DiskFullError()
      if (isDiskFull(error)) db.disk?.noteFull()
      if (attempt >= 5 || !isTransient(error)) throw error
    }
  }
}

/**
 * @throws the error of a statement that failed, even if `work` ignores it: PostgreSQL would answer
 *   the commit by rolling back
 * @throws TypeError from a statement after the end, which would run without role and tenant
 */
async function runUnit<T>(query: Query, work: (query: Query) => Promise<T>): Promise<T> {
  let isOver = false
  let failed: { error: unknown } | undefined
  try {
    const result = await work(async (statement, options) => {
      if (isOver) throw new TypeError('a statement was run after the end of its unit of work')
      isOver = options?.last === true
      try {
        return await query(statement, options)
      } catch (error) {
        failed ??= { error }
        throw error
      }
    })
    if (failed) throw failed.error
    return result
  } finally {
    isOver = true
  }
}
