// The search index: a copy of the tickets that lags behind them, per change and not always in order.
import type { Clock } from '../clock.ts'
import type { Quirks } from '../quirks.ts'
import { hash } from '../random.ts'
import type { Ticket, Tickets } from './tickets.ts'

type Pending = { visibleAt: number; seq: number; ticket: Ticket }

export type SearchIndex = ReturnType<typeof createSearchIndex>

export function createSearchIndex(tickets: Tickets, clock: Clock, quirks: Quirks, seed: number) {
  // What the index shows for tickets that ever changed; null hides one. All other generated ones are shown as they are.
  const shown = new Map<number, { seq: number; ticket: Ticket | null }>()
  let pending: Pending[] = []
  let seq = 0
  let version = 0

  function show(id: number, at: number, ticket: Ticket | null): void {
    // A late message about an older change must not undo a newer one.
    if ((shown.get(id)?.seq ?? 0) > at) return
    shown.set(id, { seq: at, ticket })
    version += 1
  }

  tickets.listen((ticket, before) => {
    seq += 1
    // Until its first change is indexed, the index shows a generated ticket as it was, and a new one not at all.
    if (!shown.has(ticket.id)) shown.set(ticket.id, { seq: 0, ticket: before })
    const gone = ticket.archivedAt !== null
    const lag =
      quirks.index_lag_ms +
      (quirks.index_lag_jitter_ms > 0 ? hash(seed, seq) % (quirks.index_lag_jitter_ms + 1) : 0)
    if (lag === 0 || (gone && !quirks.index_keeps_archived)) show(ticket.id, seq, gone ? null : ticket)
    else pending.push({ visibleAt: clock.now() + lag, seq, ticket })
  })

  return {
    // Answers a number that changes whenever what can be found changed.
    refresh(): number {
      const now = clock.now()
      const late: Pending[] = []
      for (const one of pending) {
        if (one.visibleAt > now) late.push(one)
        else show(one.ticket.id, one.seq, one.ticket.archivedAt === null ? one.ticket : null)
      }
      pending = late
      return version
    },
    shown,
    waiting: () => pending.length,
  }
}
