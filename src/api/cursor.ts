/** Paging cursors for our callers: opaque text that says whose it is, so that one given elsewhere is refused. */
import { AppError } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'

export const invalidCursor = () =>
  new AppError('invalid_cursor', '`after` is not a cursor that this route gave out', {
    details: [{ pointer: '/after', parameter: 'after', rule: 'must be the next_after of the page before' }],
  })

/** @param of what the cursor pages through: tenant or integration id */
export const encodeCursor = (of: string, position: string): string =>
  Buffer.from(JSON.stringify([of, position])).toString('base64url')

/**
 * @param form what positions of this route look like: a cursor can be made up, and its position goes into a statement
 * @throws AppError invalid_cursor
 */
export function decodeCursor(of: string, cursor: string, form: RegExp): string {
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw invalidCursor()
  }
  const [owner, position] = Array.isArray(read) && read.length === 2 ? (read as unknown[]) : []
  if (owner !== of || typeof position !== 'string' || !form.test(position)) throw invalidCursor()
  return position
}

/** The same for positions that are ids of ours. */
export function decodeIdCursor(of: string, cursor: string): string {
  const id = parseUuid(decodeCursor(of, cursor, /^[\da-f-]{36}$/i))
  if (!id) throw invalidCursor()
  return id
}

/** The same for positions that are numbers from 1 on. */
export function decodeNumberCursor(of: string, cursor: string): number {
  return Number(decodeCursor(of, cursor, /^[1-9]\d{0,14}$/))
}

/** The cursor behind the last row of a page, where there are more. */
export const cursorBehind = <Row>(
  { rows, more }: { rows: readonly Row[]; more: boolean },
  of: string,
  positionOf: (row: Row) => string,
): string | null => {
  const last = more ? rows.at(-1) : undefined
  return last === undefined ? null : encodeCursor(of, positionOf(last))
}

/**
 * Cuts a page off the rows that were read for it.
 *
 * @param rows one more than `limit` when there is a next page
 * @param of what the cursor pages through; `positionOf` says where a row stands in it
 */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  of: string,
  positionOf: (row: Row) => string,
) {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { shown, next_after: last === undefined ? null : encodeCursor(of, positionOf(last)) }
}
