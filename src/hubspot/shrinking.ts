/** Pages longer than an answer may be: read in shorter ones, down to a single record that comes without its values. */
import { HubSpotError } from './hubspot-error.ts'

/** What stands for a record whose values alone are longer than an answer may be. */
export interface Oversize {
  id: string
  properties: Record<string, unknown>
  oversize: true
}

/**
 * @param read one page of so many records at most; not `whole`: without what makes a record long
 * @throws whatever `read` does, but for too_large
 */
export async function shrinking<Page extends { records: unknown[] }>(
  limit: number,
  read: (limit: number, whole: boolean) => Promise<Page>,
): Promise<Page> {
  try {
    return await read(limit, true)
  } catch (error) {
    if (!(error instanceof HubSpotError && error.kind === 'too_large')) throw error
    if (limit > 1) return await shrinking(Math.floor(limit / 2), read)
    const page = await read(limit, false)
    return { ...page, records: page.records.map(asOversize) }
  }
}

function asOversize(record: unknown): Oversize {
  const { id, properties } = (record ?? {}) as { id?: unknown; properties?: Record<string, unknown> }
  return { id: String(id), properties: properties ?? {}, oversize: true }
}
