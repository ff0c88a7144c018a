/**
 * Limits the memory that responses use, in total and per tenant.
 *
 * A response counts from before its rows are read until the caller has read its last byte. A
 * request that finds no room waits briefly. When the process has no room, it gives up the response
 * that its caller has left unread for longest. Single rows longer than a page are read one at a
 * time, because the event loop serves nobody else while it processes one. Over 200 lines because
 * memory and permits are granted together.
 */
import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'

export interface ByteLimits {
  total: number
  ofOneTenant: number
}

/** Bytes that count against the budget until they are released. */
export interface ByteReservation {
  /** Reduces the bytes, or raises them without waiting, because they are already in memory. */
  resize(bytes: number): void
  /** From now on it only waits for its caller, and may be given up to make room. */
  waitsForCaller(giveUp: () => void): void
  release(): void
}

export interface ReserveOptions {
  /** Absent: two seconds. */
  maxWaitMs?: number | undefined
  /**
   * Starts only when no other such response is being made, and after a pause for other requests as
   * long as the last one took. The response counts as made once it is resized, waits for its
   * caller, or is released.
   */
  oneAtATime?: boolean
}

export interface ByteBudget {
  /**
   * @param bytes of the response as sent; it counts twice, because several copies are in memory
   *   while it is made
   * @throws AppError rate_limited: the tenant's share is used up; overloaded: the whole budget is,
   *   or too many wait for a permit. Also the signal's reason.
   */
  take(
    tenantId: string,
    bytes: number,
    signal: AbortSignal,
    options?: ReserveOptions,
  ): Promise<ByteReservation>
  /** Counts memory that is already in use and cannot wait. */
  hold(tenantId: string, bytes: number): ByteReservation
  /** Bytes counted now. */
  held(): number
}

/**
 * Approximate size of a page; further rows come with a cursor, and a longer row comes alone. It is
 * what the event loop processes in one go, blocking everything else for some ten ms.
 */
export const maxPageBytes = 512 * 2 ** 10

const defaultMaxWaitMs = 2_000
const recheckMs = 100
/** A caller that is reading finishes a response sooner than this, ms. */
const unreadMs = 1_000
/** A slow database does not make others wait for their permit longer than this, ms. */
const maxPermitMs = 1_000

/**
 * A share of the heap, not of the machine's memory, because rows and their JSON are on the heap.
 * While a response is made it takes about six times its length (the driver's bytes, values, and
 * JSON, each with up to two bytes per character), so that all responses together take at most half.
 */
export function byteLimits(heapBytes = getHeapStatistics().heap_size_limit): ByteLimits {
  const total = Math.floor(Math.min(heapBytes / 6, 256 * 2 ** 20))
  return { total, ofOneTenant: Math.floor(total / 8) }
}

interface Entry {
  tenantId: string
  cost: number
  /** Set once it waits for its caller. Monotonic, ms. */
  since?: number
  giveUp?: () => void
}

interface WaitingReservation {
  tenantId: string
  cost: number
  oneAtATime: boolean
  admit(): void
}

/** @param onRefused receives why a caller was refused or disconnected */
export function createByteBudget(
  limits: ByteLimits,
  clock: Clock,
  onRefused: (why: 'tenant' | 'all' | 'large' | 'unread') => void,
): ByteBudget {
  const mutex = createPacedMutex(clock)
  const entries = new Set<Entry>()
  const ofTenant = new Map<string, number>()
  const waiting = new Set<WaitingReservation>()
  let total = 0

  const bytesOf = (tenantId: string) => ofTenant.get(tenantId) ?? 0

  function account(tenantId: string, more: number): void {
    total += more
    const held = bytesOf(tenantId) + more
    if (held > 0) ofTenant.set(tenantId, held)
    else ofTenant.delete(tenantId)
  }

  function enter(tenantId: string, cost: number, releaseMutex = () => {}): ByteReservation {
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
        releaseMutex()
        set(bytes)
        admitWaiting()
      },
      waitsForCaller(giveUp) {
        releaseMutex()
        // Reinserted at the end, because its unread time starts now; only the last call counts.
        entries.delete(entry)
        entries.add(Object.assign(entry, { since: clock.monotonic(), giveUp }))
      },
      release() {
        releaseMutex()
        set(0)
        entries.delete(entry)
        admitWaiting()
      },
    }
  }

  const tenantHasRoom = ({ tenantId, cost }: WaitingReservation) =>
    bytesOf(tenantId) + cost <= limits.ofOneTenant
  const isNext = (one: WaitingReservation) => tenantHasRoom(one) && (!one.oneAtATime || mutex.isFree())

  /** The tenant that uses least goes first, then the request that came first. */
  function admitWaiting(): void {
    for (;;) {
      const [next] = [...waiting].filter(isNext).sort((x, y) => bytesOf(x.tenantId) - bytesOf(y.tenantId))
      if (!next || total + next.cost > limits.total) return
      waiting.delete(next)
      next.admit()
    }
  }

  /** Gives up the response left unread for longest, of the tenant that uses most. */
  function giveUpOne(): boolean {
    const before = clock.monotonic() - unreadMs
    let found: Entry | undefined
    for (const entry of entries) {
      if (entry.since === undefined || entry.since > before) continue
      if (!found || bytesOf(entry.tenantId) > bytesOf(found.tenantId)) found = entry
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

  function freeMemory(): void {
    admitWaiting()
    // Only when the process has no room: a tenant that has used up its own share waits for its own
    // callers.
    while ([...waiting].some(isNext) && giveUpOne()) admitWaiting()
  }

  return {
    hold: (tenantId, bytes) => enter(tenantId, bytes),
    held: () => total,
    async take(tenantId, bytes, signal, { maxWaitMs = defaultMaxWaitMs, oneAtATime = false } = {}) {
      signal.throwIfAborted()
      // A response larger than a tenant's share may use the whole share.
      const cost = Math.min(2 * bytes, limits.ofOneTenant)
      let reservation: ByteReservation | undefined
      const own: WaitingReservation = {
        tenantId,
        cost,
        oneAtATime,
        admit: () => {
          reservation = enter(tenantId, cost, oneAtATime ? mutex.begin() : undefined)
          awake.abort()
        },
      }
      const awake = new AbortController()
      const until = clock.monotonic() + maxWaitMs
      waiting.add(own)
      try {
        freeMemory()
        const wake = AbortSignal.any([awake.signal, signal])
        while (!reservation && clock.monotonic() < until) {
          await clock.sleep(recheckMs, wake).catch(() => {})
          if (signal.aborted) break
          if (!reservation) freeMemory()
        }
      } finally {
        waiting.delete(own)
      }
      if (signal.aborted) {
        reservation?.release()
        signal.throwIfAborted()
      }
      if (reservation) return reservation
      if (!tenantHasRoom(own)) {
        onRefused('tenant')
        throw new AppError('rate_limited', 'Unread responses use up the memory budget of this tenant', {
          retryAfter: 2,
        })
      }
      const retryAfter = 1 + Math.floor(clock.random() * 3)
      if (!isNext(own)) {
        onRefused('large')
        throw new AppError('overloaded', 'Too many very large responses are queued', { retryAfter })
      }
      onRefused('all')
      throw new AppError('overloaded', 'Unread responses use up the memory budget for responses', {
        retryAfter,
      })
    },
  }
}

/** One permit at a time, each followed by a pause as long as the permit was used. */
function createPacedMutex(clock: Clock): { isFree(): boolean; begin(): () => void } {
  let current: { since: number } | undefined
  let pausedUntil = -Infinity
  return {
    isFree() {
      const now = clock.monotonic()
      return current ? now - current.since > maxPermitMs : now >= pausedUntil
    },
    begin() {
      const own = { since: clock.monotonic() }
      current = own
      return () => {
        // The permit has already ended, or another response has it.
        if (current !== own) return
        current = undefined
        const now = clock.monotonic()
        pausedUntil = now + Math.min(maxPermitMs, now - own.since)
      }
    },
  }
}

/** A row of a page that is cut by bytes. */
export interface SizedRow {
  /** Bytes of this row and the rows before it on its page. */
  upTo: number
}

/** Reserves memory for this many bytes, replacing the previous reservation. */
export type ReserveBytes = (bytes: number, asking?: ReserveOptions) => Promise<void>

/**
 * Reads a page of at most `maxPageBytes`, or of one longer row. Memory is reserved before anything is
 * read.
 *
 * @param read returns at most one row more than `limit`, in order; of rows beyond `bytes` only
 *   their length
 * @returns the rows of the page, and whether there are more
 */
export async function readPageWithinBudget<Row extends SizedRow>(
  limit: number,
  reserve: ReserveBytes,
  read: (bytes: number) => Promise<Row[]>,
  maxBytes = maxPageBytes,
): Promise<{ rows: Row[]; more: boolean }> {
  for (let bytes = maxBytes, attempt = 1; ; attempt++) {
    await reserve(bytes, { oneAtATime: bytes > maxBytes })
    const all = await read(bytes)
    const page = all.slice(0, limit).filter(({ upTo }, at) => at === 0 || upTo <= maxBytes)
    const needed = page.at(-1)?.upTo ?? 0
    const whole = page.filter(({ upTo }) => upTo <= bytes)
    // Rows may grow between two statements; the rows that were read whole are then the page.
    if (needed <= bytes || (attempt > 1 && whole.length > 0))
      return { rows: whole, more: all.length > whole.length }
    if (attempt === 5)
      throw new AppError('overloaded', 'The rows keep growing while they are read', { retryAfter: 1 })
    bytes = needed
  }
}
