/**
 * Ids: new ones are UUIDs version 7, which sort by creation time, so that new rows are adjacent.
 */
import { randomUUIDv7 } from 'node:crypto'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const newId = (): string => randomUUIDv7()

/** The canonical form (lower case, dashes) of a UUID of any version, or undefined. */
export function parseUuid(text: string): string | undefined {
  const lower = text.toLowerCase()
  return uuid.test(lower) ? lower : undefined
}
