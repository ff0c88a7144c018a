// The search index: a copy of the tickets that lags behind them, per change and not always in order.
import type { Clock } from '../clock.ts'
import type { Quirks } from '../quirks.ts'
import { hash } from '../random.ts'
import type { Ticket, Tickets } from './tickets.ts'

type Pending = { visibleAt: number; seq: number; id: number; ticket: Ticket | null }

export type SearchIndex = ReturnType<typeof createSearchIndex>

export function createSearchIndex(tickets: Tickets, clock: Clock, quirks: Quirks, seed: number) {
  // What the index shows for tickets that ever changed; null hides one. All other generated ones are shown as they are.
  const shown = new Map<number, { seq: number; ticket: Ticket | null }>()
  let pending: Pending[] = []
  // Before the first of these nothing has to be looked at.
  let nextAt = Number.POSITIVE_INFINITY
  let seq = 0
  let version = 0

  function show(id: number, at: number, ticket: Ticket | null): void {
    // A late message about an older change must not undo a newer one.
    if ((shown.get(id)?.seq ?? 0) > at) return
    shown.set(id, { seq: at, ticket })
    version += 1
  }

  function lagOf(place: number): number {
    const { index_lag_ms, index_lag_jitter_ms, index_outlier_ms } = quirks
    const jitter = index_lag_jitter_ms > 0 ? hash(seed, place) % (index_lag_jitter_ms + 1) : 0
    // One change in fifty, so that fifty are enough to meet it.
    return index_lag_ms + jitter + (place % 50 === 10 ? index_outlier_ms : 0)
  }

  tickets.listen((id, ticket, before) => {
    seq += 1
    // Until its first change is indexed, the index shows a generated ticket as it was, and a new one not at all.
    if (!shown.has(id)) shown.set(id, { seq: 0, ticket: before })
    const live = ticket?.archivedAt === null ? ticket : null
    const lag = lagOf(seq)
    if (lag === 0 || (live === null && !quirks.index_keeps_archived)) {
      show(id, seq, live)
      return
    }
    const visibleAt = clock.now() + lag
    pending.push({ visibleAt, seq, id, ticket: live })
    nextAt = Math.min(nextAt, visibleAt)
  })

  return {
    // Answers a number that changes whenever what can be found changed.
    refresh(): number {
      const now = clock.now()
      if (nextAt > now) return version
      const late: Pending[] = []
      nextAt = Number.POSITIVE_INFINITY
      for (const one of pending) {
        if (one.visibleAt <= now) show(one.id, one.seq, one.ticket)
        else {
          late.push(one)
          nextAt = Math.min(nextAt, one.visibleAt)
        }
      }
      pending = late
      return version
    },
    shown,
    waiting: () => pending.length,
  }
}
