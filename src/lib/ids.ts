/** Ids: ours are UUIDs that sort by the time they were made (version 7), so that new rows lie beside each other. */
import { randomUUIDv7 } from 'node:crypto'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const newId = (): string => randomUUIDv7()

/** The canonical form (lower case, dashes) of a UUID of any version, or undefined. */
export function parseUuid(text: string): string | undefined {
  const lower = text.toLowerCase()
  return uuid.test(lower) ? lower : undefined
}
