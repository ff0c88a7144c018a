/** Opaque paging cursors that name their owner, so that a cursor from another list is refused. */
import { AppError } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'

export const invalidCursor = () =>
  new AppError('invalid_cursor', '`after` is not a cursor returned by this route', {
    details: [{ pointer: '/after', parameter: 'after', rule: 'must be the next_after of the previous page' }],
  })

/** @param of what the cursor pages through: tenant or integration id */
export const encodeCursor = (of: string, position: string): string =>
  Buffer.from(JSON.stringify([of, position])).toString('base64url')

/**
 * @param form the pattern of this route's positions: a caller can make up a cursor, and the
 *   position is used in SQL
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

/** The same for positions that are Spoke's own ids. */
export function decodeIdCursor(of: string, cursor: string): string {
  const id = parseUuid(decodeCursor(of, cursor, /^[\da-f-]{36}$/i))
  if (!id) throw invalidCursor()
  return id
}

/** The same for positions that are numbers from 1 up. */
export function decodeNumberCursor(of: string, cursor: string): number {
  return Number(decodeCursor(of, cursor, /^[1-9]\d{0,14}$/))
}

/** The cursor after the last row of a page; null when there are no more rows. */
export const nextCursor = <Row>(
  { rows, more }: { rows: readonly Row[]; more: boolean },
  of: string,
  positionOf: (row: Row) => string,
): string | null => {
  const last = more ? rows.at(-1) : undefined
  return last === undefined ? null : encodeCursor(of, positionOf(last))
}

/**
 * Cuts a page from the rows that were read for it.
 *
 * @param rows one more than `limit` when there is a next page
 * @param of what the cursor pages through; `positionOf` returns a row's position in it
 */
export function toCursorPage<Row>(
  rows: readonly Row[],
  limit: number,
  of: string,
  positionOf: (row: Row) => string,
) {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { shown, next_after: last === undefined ? null : encodeCursor(of, positionOf(last)) }
}
