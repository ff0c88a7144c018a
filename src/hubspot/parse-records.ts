/**
 * Returns the records that match a schema, and skips each one that does not without losing the
 * others.
 */
import type { z } from 'zod'

export function parseRecords<T>(records: readonly unknown[], shape: z.ZodType<T>): T[] {
  return records.flatMap((record) => {
    const read = shape.safeParse(record)
    return read.success ? [read.data] : []
  })
}
