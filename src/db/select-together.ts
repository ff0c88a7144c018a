/** Reads several values in one statement, which is all of its unit of work. */
import { type RawBuilder, sql } from 'kysely'
import type { Query } from './database.ts'

/**
 * @param expressions SQL expressions, by name
 * @returns their values, by name
 */
export async function selectTogether<Name extends string, Value>(
  query: Query,
  expressions: Readonly<Record<Name, RawBuilder<Value>>>,
): Promise<Record<Name, Value>> {
  const columns = Object.entries<RawBuilder<Value>>(expressions).map(
    ([name, expression]) => sql`${expression} as ${sql.ref(name)}`,
  )
  const [values] = await query(sql<Record<Name, Value>>`select ${sql.join(columns)}`, {
    prepare: true,
    last: true,
  })
  return values as Record<Name, Value>
}
