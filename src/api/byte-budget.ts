/**
 * What answers may take of this process's memory, in all and for one tenant: from before their rows are read until the last byte has
 * been taken by the caller. Whoever finds no room waits a little; where the process has none, the answer that its caller has not
 * taken for longest is given up. Single rows that are longer than a page are read one after the other, because everybody else waits
 * while the event loop is busy with one. Over 200 lines because room and turns are given together.
 */
import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'

export interface ByteLimits {
  total: number
  ofOneTenant: number
}

/** Bytes that are accounted for, until they are given back. */
export interface Hold {
  /** Less, or more without waiting: it is there already. */
  resize(bytes: number): void
  /** From now on it only waits for its caller, and may be given up for others. */
  waitsForCaller(giveUp: () => void): void
  release(): void
}

export interface Asking {
  /** Absent: two seconds. */
  patienceMs?: number | undefined
  /**
   * Begins only when no other of its kind is being made, and when the process has then had as long for everybody else. It is made
   * when its length is told, or it waits for its caller, or is released.
   */
  inTurn?: boolean
}

export interface ByteBudget {
  /**
   * @param bytes of the answer as it goes over the wire; while it is made it lies in memory several times, and counts twice
   * @throws AppError rate_limited: the tenant's share is taken; overloaded: all of it is, or too many wait for their turn. The
   *   signal's reason.
   */
  take(tenantId: string, bytes: number, signal: AbortSignal, asking?: Asking): Promise<Hold>
  /** What is there already and cannot wait. */
  hold(tenantId: string, bytes: number): Hold
  /** Bytes held now. */
  held(): number
}

/**
 * A page of rows, about: whoever asks for more rows gets a cursor. One row that is longer comes alone. It is what the event loop
 * does in one go, for which everybody else waits: some ten ms.
 */
export const pageBytes = 512 * 2 ** 10

const patienceForRoomMs = 2_000
const lookAgainMs = 100
/** An answer that its caller takes is gone sooner, ms. */
const unreadMs = 1_000
/** A slow database does not keep the others waiting for their turn for longer, ms. */
const mostTurnMs = 1_000

/**
 * Of the heap, not of the machine: rows and their JSON are made there. While an answer is made it takes about six times its length
 * (the driver's bytes, values, JSON, each perhaps with two bytes a letter), so that all of them together take less than half.
 */
export function byteLimits(heapBytes = getHeapStatistics().heap_size_limit): ByteLimits {
  const total = Math.floor(Math.min(heapBytes / 6, 256 * 2 ** 20))
  return { total, ofOneTenant: Math.floor(total / 8) }
}

interface Entry {
  tenantId: string
  cost: number
  /** Set: it waits for its caller. Monotonic, ms. */
  since?: number
  giveUp?: () => void
}

interface Waiting {
  tenantId: string
  cost: number
  inTurn: boolean
  admit(): void
}

/** @param onRefused told why a caller was refused or let go */
export function createByteBudget(
  limits: ByteLimits,
  clock: Clock,
  onRefused: (why: 'tenant' | 'all' | 'turns' | 'unread') => void,
): ByteBudget {
  const turns = createTurns(clock)
  const entries = new Set<Entry>()
  const ofTenant = new Map<string, number>()
  const waiting = new Set<Waiting>()
  let total = 0

  const heldBy = (tenantId: string) => ofTenant.get(tenantId) ?? 0

  function account(tenantId: string, more: number): void {
    total += more
    const held = heldBy(tenantId) + more
    if (held > 0) ofTenant.set(tenantId, held)
    else ofTenant.delete(tenantId)
  }

  function enter(tenantId: string, cost: number, endTurn = () => {}): Hold {
    const entry: Entry = { tenantId, cost }
    entries.add(entry)
    account(tenantId, cost)
    const set = (next: number) => {
      if (!entries.has(entry)) return
      account(tenantId, next - entry.cost)
      entry.cost = next
    }
    return {
      resize(bytes) {
        endTurn()
        set(bytes)
        admitWaiting()
      },
      waitsForCaller(giveUp) {
        endTurn()
        // The last one counts, and its time begins when it began to wait.
        entries.delete(entry)
        entries.add(Object.assign(entry, { since: clock.monotonic(), giveUp }))
      },
      release() {
        endTurn()
        set(0)
        entries.delete(entry)
        admitWaiting()
      },
    }
  }

  const tenantHasRoom = ({ tenantId, cost }: Waiting) => heldBy(tenantId) + cost <= limits.ofOneTenant
  const isNext = (one: Waiting) => tenantHasRoom(one) && (!one.inTurn || turns.isFree())

  /** Who holds least goes first, then who came first. */
  function admitWaiting(): void {
    for (;;) {
      const [next] = [...waiting].filter(isNext).sort((x, y) => heldBy(x.tenantId) - heldBy(y.tenantId))
      if (!next || total + next.cost > limits.total) return
      waiting.delete(next)
      next.admit()
    }
  }

  /** Of the tenant that holds most, what its caller has not taken for longest. */
  function giveUpOne(): boolean {
    const before = clock.monotonic() - unreadMs
    let found: Entry | undefined
    for (const entry of entries) {
      if (entry.since === undefined || entry.since > before) continue
      if (!found || heldBy(entry.tenantId) > heldBy(found.tenantId)) found = entry
    }
    if (!found) return false
    const { giveUp } = found
    onRefused('unread')
    account(found.tenantId, -found.cost)
    found.cost = 0
    entries.delete(found)
    giveUp?.()
    return true
  }

  function makeRoom(): void {
    admitWaiting()
    // Only where the process has no room: a tenant that has taken its own share waits for its own callers.
    while ([...waiting].some(isNext) && giveUpOne()) admitWaiting()
  }

  return {
    hold: (tenantId, bytes) => enter(tenantId, bytes),
    held: () => total,
    async take(tenantId, bytes, signal, { patienceMs = patienceForRoomMs, inTurn = false } = {}) {
      signal.throwIfAborted()
      // One that is longer than a share has the share to itself.
      const cost = Math.min(2 * bytes, limits.ofOneTenant)
      let hold: Hold | undefined
      const own: Waiting = {
        tenantId,
        cost,
        inTurn,
        admit: () => {
          hold = enter(tenantId, cost, inTurn ? turns.begin() : undefined)
          awake.abort()
        },
      }
      const awake = new AbortController()
      const until = clock.monotonic() + patienceMs
      waiting.add(own)
      try {
        makeRoom()
        const wake = AbortSignal.any([awake.signal, signal])
        while (!hold && clock.monotonic() < until) {
          await clock.sleep(lookAgainMs, wake).catch(() => {})
          if (signal.aborted) break
          if (!hold) makeRoom()
        }
      } finally {
        waiting.delete(own)
      }
      if (signal.aborted) {
        hold?.release()
        signal.throwIfAborted()
      }
      if (hold) return hold
      if (!tenantHasRoom(own)) {
        onRefused('tenant')
        throw new AppError(
          'rate_limited',
          'Answers of this tenant that are not read yet take all of its memory',
          {
            retryAfter: 2,
          },
        )
      }
      const retryAfter = 1 + Math.floor(clock.random() * 3)
      if (!isNext(own)) {
        onRefused('turns')
        throw new AppError('overloaded', 'Too many very long answers are waiting to be made', { retryAfter })
      }
      onRefused('all')
      throw new AppError('overloaded', 'Answers that are not read yet take all of the memory for them', {
        retryAfter,
      })
    },
  }
}

/** One at a time, each followed by a rest that is as long as it was. */
function createTurns(clock: Clock): { isFree(): boolean; begin(): () => void } {
  let current: { since: number } | undefined
  let restUntil = -Infinity
  return {
    isFree() {
      const now = clock.monotonic()
      return current ? now - current.since > mostTurnMs : now >= restUntil
    },
    begin() {
      const own = { since: clock.monotonic() }
      current = own
      return () => {
        // Over already, or passed on to somebody else.
        if (current !== own) return
        current = undefined
        const now = clock.monotonic()
        restUntil = now + Math.min(mostTurnMs, now - own.since)
      }
    },
  }
}

/** A row of a page that is cut by bytes. */
export interface Sized {
  /** Bytes of this row and of those before it on its page. */
  upTo: number
}

/** Makes room for so many bytes, in the place of what was reserved before. */
export type Reserve = (bytes: number, asking?: Asking) => Promise<void>

/**
 * Reads a page of at most `pageBytes`, or of one row that is longer. Nothing is read that was not made room for.
 *
 * @param read at most one row more than `limit`, in order; of those beyond `bytes` only how long they are
 * @returns the rows of the page, and whether there are more
 */
export async function readPageWithin<Row extends Sized>(
  limit: number,
  reserve: Reserve,
  read: (bytes: number) => Promise<Row[]>,
  most = pageBytes,
): Promise<{ rows: Row[]; more: boolean }> {
  for (let bytes = most, tries = 1; ; tries++) {
    await reserve(bytes, { inTurn: bytes > most })
    const all = await read(bytes)
    const page = all.slice(0, limit).filter(({ upTo }, at) => at === 0 || upTo <= most)
    const needed = page.at(-1)?.upTo ?? 0
    const whole = page.filter(({ upTo }) => upTo <= bytes)
    // Rows may grow between two statements; whatever is whole by then is a page.
    if (needed <= bytes || (tries > 1 && whole.length > 0))
      return { rows: whole, more: all.length > whole.length }
    if (tries === 5)
      throw new AppError('overloaded', 'The rows grow faster than they are read', { retryAfter: 1 })
    bytes = needed
  }
}
