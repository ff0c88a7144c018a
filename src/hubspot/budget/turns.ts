/**
 * The slots (`Slot`) that this process has reserved under one budget, and the queue of its callers.
 * Reserves a block only when a caller waits; the block's size follows how much of the previous one
 * was used. Contains no SQL and no clock: both are passed in.
 */

export interface Slot {
  /** When it is due, on our monotonic clock, ms. */
  at: number
  /** The one call that may probe whether a daily stop still applies. */
  probe: boolean
  /** A slot from before the last pause is void. */
  era: number
}

/** The result of a reservation: slots, or a refusal with how long to wait. */
export type Got = { turns: Slot[]; mostAhead: number } | { refuse: (waitMs?: number) => Error }

export interface Waiter {
  /** No slot after this time is useful, ms on our monotonic clock. */
  end: number
  resolve(turn: Slot): void
  reject(error: unknown): void
}

export interface LineParts {
  /** How long after its time a slot may be used, ms. */
  graceMs: number
  /** Whether to reserve more slots than there are waiting callers. */
  ahead: boolean
  now(): number
  /** Reserves up to `turns` slots, none later than `end`. */
  reserve(turns: number, end: number): Promise<Got>
  /** The error for a caller whose slot is this much too late. */
  tooLate(waitMs: number): Error
  onLost(turns: number): void
}

export interface Line {
  /**
   * The next slot, in the order of requests. Rejects immediately when the slot would come after
   * `end`.
   */
  next(end: number, signal: AbortSignal): Promise<Slot>
  /** Voids every reserved slot: HubSpot requested a pause. */
  void(): void
  era(): number
  idle(): boolean
}

/** At most this many callers per statement; the others use the next one. */
const most = 64

export function createLine(parts: LineParts): Line {
  let turns: Slot[] = []
  let waiting: Waiter[] = []
  let asking = false
  let era = 0
  let block = 1
  let lost = 0
  /** How many more blocks before the block size may grow. */
  let calm = 0

  /** @param tried the callers that the last reservation was for */
  function hand(tried: readonly Waiter[] = []): void {
    const now = parts.now()
    const good = turns.filter((turn) => turn.at + parts.graceMs > now)
    if (good.length < turns.length) {
      lost += turns.length - good.length
      parts.onLost(turns.length - good.length)
    }
    turns = good
    while (turns[0] && waiting[0]) {
      const waiter = waiting.shift() as Waiter
      // The slot stays for a caller further back that can wait longer.
      if (turns[0].at > Math.max(waiter.end, now)) waiter.reject(parts.tooLate(turns[0].at - now))
      else waiter.resolve(turns.shift() as Slot)
    }
    // Reject callers whose time is over, even if no slot is available, but only after one
    // reservation for them.
    for (const waiter of tried.filter((one) => one.end < now && waiting.includes(one))) {
      waiting = waiting.filter((one) => one !== waiter)
      waiter.reject(parts.tooLate(0))
    }
    if (waiting.length > 0 && !asking) void ask()
  }

  /**
   * Halves the block when slots were lost and doubles it when none was, so that it never much
   * exceeds what callers use.
   */
  function resize(mostAhead: number): void {
    if (lost > 0) {
      block = Math.max(1, Math.floor(block / 2))
      calm = 4
    } else if (calm > 0) calm -= 1
    else block *= 2
    block = Math.max(1, Math.min(block, mostAhead))
    lost = 0
  }

  async function ask(): Promise<void> {
    asking = true
    // Callers that arrive while the statement runs wait for the next one.
    const asked = waiting.slice(0, most)
    const end = Math.max(...asked.map((waiter) => waiter.end))
    try {
      const began = era
      const got = await parts.reserve(Math.max(asked.length, parts.ahead ? block : 1), end)
      if ('refuse' in got) {
        waiting = waiting.filter((waiter) => !asked.includes(waiter))
        for (const waiter of asked) waiter.reject(got.refuse())
      } else if (began === era) {
        turns.push(...got.turns.map((turn) => ({ ...turn, era })))
        // On a slow database the first slot would be over on arrival every time, so it counts from
        // its arrival.
        const [first] = turns
        const arrived = parts.now()
        if (first && first.at + parts.graceMs <= arrived) turns[0] = { ...first, at: arrived }
        if (parts.ahead) resize(got.mostAhead)
      }
    } catch (error) {
      waiting = waiting.filter((waiter) => !asked.includes(waiter))
      for (const waiter of asked) waiter.reject(error)
    }
    asking = false
    hand(asked)
  }

  return {
    async next(end, signal) {
      signal.throwIfAborted()
      return await new Promise<Slot>((resolve, reject) => {
        const leave = () => {
          waiting = waiting.filter((one) => one !== waiter)
          reject(signal.reason)
        }
        const done =
          <T>(settle: (value: T) => void) =>
          (value: T) => {
            signal.removeEventListener('abort', leave)
            settle(value)
          }
        const waiter: Waiter = { end, resolve: done(resolve), reject: done(reject) }
        signal.addEventListener('abort', leave, { once: true })
        waiting.push(waiter)
        hand()
      })
    },
    void() {
      era += 1
      turns = []
    },
    era: () => era,
    idle: () => waiting.length === 0 && !asking && !turns.some((turn) => turn.at > parts.now()),
  }
}
