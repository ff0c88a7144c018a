/** Types and cursors of the change feed. Pure. */
import type { z } from 'zod'
import { decodeCursor, encodeCursor, invalidCursor } from '../api/cursor.ts'
import type { EventType } from '../lib/event-types.ts'
import type { change } from './schema.ts'

export type ChangeType = EventType

export interface Change {
  /** Its number in the tenant's feed. */
  seq: number
  change_id: string
  type: ChangeType
  at: Date
  integration_id: string | null
  /** For a change of an issue; also null once its integration was purged. */
  issue_id: string | null
  ticket_id: string | null
  detail: Record<string, unknown> | null
  /** See ReadIssues. Absent: not requested, or not a change of an issue. */
  issue?: ShownIssue | null
}

/** An issue as `issues.get` shows it. */
export type ShownIssue = Readonly<Record<string, unknown>>

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

export const feedPositionOf = ({ seq, change_id }: Pick<Change, 'seq' | 'change_id'>): FeedPosition => ({
  seq,
  mark: markOf(change_id),
})

/** Whether this is the change that the position names. */
export const isAtPosition = (
  { seq, mark }: FeedPosition,
  change: Pick<Change, 'seq' | 'change_id'> | undefined,
) => change !== undefined && change.seq === seq && markOf(change.change_id) === mark

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
  const { change_id, type, at, integration_id, issue_id, ticket_id } = one
  const { changed, ...detail } = one.detail ?? {}
  return {
    cursor: encodeFeedPosition(tenantId, feedPositionOf(one)),
    change_id,
    type,
    at: at.toISOString(),
    integration_id,
    issue_id,
    ticket_id,
    ...(changed ? { changed: changed as PresentedChange['changed'] } : {}),
    detail: Object.keys(detail).length > 0 ? detail : null,
    ...(one.issue === undefined ? {} : { issue: one.issue }),
  }
}
