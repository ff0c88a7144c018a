// What became of events and deliveries: counts of all, and the last attempts one by one.
import { createRing } from '../http/ring.ts'

const KEEP = 5000

export type Attempt = {
  seq: number
  at: number
  client_id: string
  portal_ids: number[]
  url: string
  // The number of events, the attempt that it was for the most tried of them, and their ids.
  events: number
  attempt: number
  event_ids: number[]
  status: number | null
  error: string | null
  ms: number
}

const ZERO = {
  // Of events: made by changes, lost on purpose, added as copies, too many to keep, taken by the receiver, tried again,
  // given up after the last retry, dropped because nobody is there to send them to.
  made: 0,
  lost: 0,
  copied: 0,
  overflowed: 0,
  delivered: 0,
  retried: 0,
  failed: 0,
  dropped: 0,
  // Of requests.
  attempts: 0,
  refused: 0,
}

export type Tally = ReturnType<typeof createTally>

/** Counts that grow for ever and attempts that do not. */
export function createTally() {
  const counts = { ...ZERO }
  const attempts = createRing<Attempt>(KEEP, Number.POSITIVE_INFINITY, () => 1)
  let seq = 0
  return {
    counts,
    keep(attempt: Omit<Attempt, 'seq'>): void {
      seq += 1
      attempts.push({ seq, ...attempt })
    },
    list(filter: { since?: number; portal_id?: number; client_id?: string; limit?: number } = {}): Attempt[] {
      const { since = 0, portal_id, client_id, limit } = filter
      const found: Attempt[] = []
      for (const one of attempts) {
        if (limit !== undefined && found.length >= limit) break
        if (one.seq <= since || (client_id && one.client_id !== client_id)) continue
        if (portal_id === undefined || one.portal_ids.includes(portal_id)) found.push(one)
      }
      return found
    },
    clear(): void {
      Object.assign(counts, ZERO)
      attempts.clear()
    },
  }
}
