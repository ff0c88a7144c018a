/** The records of an answer that are of the shape. One odd record is left out and does not take the others with it. */
import type { z } from 'zod'

export function readEach<T>(records: readonly unknown[], shape: z.ZodType<T>): T[] {
  return records.flatMap((record) => {
    const read = shape.safeParse(record)
    return read.success ? [read.data] : []
  })
}
