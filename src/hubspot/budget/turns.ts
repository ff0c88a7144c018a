/**
 * The turns this process holds under one budget, and its callers in line for them. A block is reserved only when
 * somebody waits; its size follows what was used of the one before. Knows no SQL and no clock: both are given.
 */

export interface Turn {
  /** When it is due, on our monotonic clock, ms. */
  at: number
  /** The one call that may find out whether a daily stop still stands. */
  probe: boolean
  /** A turn from before the last pause is worth nothing. */
  era: number
}

/** What a reservation got: turns, or how long to stay away. */
export type Got = { turns: Turn[]; mostAhead: number } | { refuse: (waitMs?: number) => Error }

export interface Waiter {
  /** No turn after this helps, ms on our monotonic clock. */
  end: number
  resolve(turn: Turn): void
  reject(error: unknown): void
}

export interface LineParts {
  /** Until so long after its time a turn may be used, ms. */
  graceMs: number
  /** Whether more turns are reserved than callers wait. */
  ahead: boolean
  now(): number
  /** Reserves up to `turns`, none later than `end`. */
  reserve(turns: number, end: number): Promise<Got>
  /** A turn is too late for this caller by so much. */
  tooLate(waitMs: number): Error
  onLost(turns: number): void
}

export interface Line {
  /** The next turn, in the order of asking. Rejects at once when it would come after `end`. */
  next(end: number, signal: AbortSignal): Promise<Turn>
  /** Everything held is void: HubSpot said stop. */
  void(): void
  era(): number
  idle(): boolean
}

/** So many callers' turns in one statement at most; the others ask again. */
const most = 64

export function createLine(parts: LineParts): Line {
  let turns: Turn[] = []
  let waiting: Waiter[] = []
  let asking = false
  let era = 0
  let block = 1
  let lost = 0
  /** Blocks to go before the next one may grow. */
  let calm = 0

  /** @param tried for whom was asked just now */
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
      // The turn stays for who stands behind and can wait longer.
      if (turns[0].at > Math.max(waiter.end, now)) waiter.reject(parts.tooLate(turns[0].at - now))
      else waiter.resolve(turns.shift() as Turn)
    }
    // Who can wait no longer is told so, also while no turn is to be had at all; but asked for it was once.
    for (const waiter of tried.filter((one) => one.end < now && waiting.includes(one))) {
      waiting = waiting.filter((one) => one !== waiter)
      waiter.reject(parts.tooLate(0))
    }
    if (waiting.length > 0 && !asking) void ask()
  }

  /** Halved when turns were lost, doubled when none was: a block is never much more than what callers take. */
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
    // Those who come while the statement is under way wait for the next one.
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
        // On a slow database the first turn is over before it arrives, each time anew: it counts from its arrival.
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
      return await new Promise<Turn>((resolve, reject) => {
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
