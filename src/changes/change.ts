/** Types and cursors of the change feed. Pure. */
import type { z } from 'zod'
import { decodeCursor, encodeCursor, invalidCursor } from '../api/cursor.ts'
import type { EventType } from '../lib/event-types.ts'
import type { change } from './schema.ts'

export type ChangeType = EventType

export interface Change {
  /** Its number in the tenant's feed. */
  seq: number
  changeId: string
  type: ChangeType
  at: Date
  integrationId: string | null
  /** For a change of an issue; also null once its integration was purged. */
  issueId: string | null
  ticketId: string | null
  detail: Record<string, unknown> | null
}

/** A position in a feed: just after the change that it names. */
export interface FeedPosition {
  seq: number
  /**
   * The beginning of the change's id. After a restore from a backup a number may be reused; an id
   * is not.
   */
  mark: string
}

export const feedBeginning: FeedPosition = { seq: 0, mark: '' }

const markOf = (changeId: string) => changeId.slice(0, 8)

export const feedPositionOf = ({ seq, changeId }: Pick<Change, 'seq' | 'changeId'>): FeedPosition => ({
  seq,
  mark: markOf(changeId),
})

/** Whether this is the change that the position names. */
export const isAtPosition = (
  { seq, mark }: FeedPosition,
  change: Pick<Change, 'seq' | 'changeId'> | undefined,
) => change !== undefined && change.seq === seq && markOf(change.changeId) === mark

export const encodeFeedPosition = (tenantId: string, { seq, mark }: FeedPosition): string =>
  encodeCursor(tenantId, `${seq}.${mark}`)

/** @throws AppError invalid_cursor */
export function decodeFeedPosition(tenantId: string, cursor: string): FeedPosition {
  const form = /^(0|[1-9]\d{0,14})\.([0-9a-f]{8}|)$/
  const [, seq, mark] = form.exec(decodeCursor(tenantId, cursor, form)) ?? []
  if (seq === undefined || mark === undefined || (seq === '0') !== (mark === '')) throw invalidCursor()
  return { seq: Number(seq), mark }
}

type PresentedChange = z.infer<typeof change>

/** The change as the API returns it. */
export function presentChange(tenantId: string, one: Change): PresentedChange {
  const { changed, ...detail } = one.detail ?? {}
  return {
    cursor: encodeFeedPosition(tenantId, feedPositionOf(one)),
    change_id: one.changeId,
    type: one.type,
    at: one.at.toISOString(),
    integration_id: one.integrationId,
    issue_id: one.issueId,
    ticket_id: one.ticketId,
    ...(changed ? { changed: changed as PresentedChange['changed'] } : {}),
    detail: Object.keys(detail).length > 0 ? detail : null,
  }
}
