/**
 * Reads a page whose response is too large in shorter ones, down to a single record without its
 * values.
 */
import { HubSpotError } from './hubspot-error.ts'

/** Replaces a record whose values alone exceed the response limit. */
export interface OversizedRecord {
  id: string
  properties: Record<string, unknown>
  oversize: true
}

/**
 * @param read reads one page of at most `limit` records; not `whole`: without the properties that
 *   make a record long
 * @throws whatever `read` throws; too_large only when a single record is too long even without its
 *   values
 */
export async function readOversizedPages<Page extends { records: unknown[] }>(
  limit: number,
  read: (limit: number, whole: boolean) => Promise<Page>,
): Promise<Page> {
  try {
    return await read(limit, true)
  } catch (error) {
    if (!(error instanceof HubSpotError && error.kind === 'too_large')) throw error
    if (limit > 1) return await readOversizedPages(Math.floor(limit / 2), read)
    const page = await read(limit, false)
    return { ...page, records: page.records.map(asOversize) }
  }
}

function asOversize(record: unknown): OversizedRecord {
  const { id, properties } = (record ?? {}) as { id?: unknown; properties?: Record<string, unknown> }
  return { id: String(id), properties: properties ?? {}, oversize: true }
}
