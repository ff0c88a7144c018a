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
  generation: number
}

/** The result of a reservation: slots, or a refusal with how long to wait. */
export type SlotReservation = { slots: Slot[]; maxAhead: number } | { refuse: (waitMs?: number) => Error }

export interface SlotWaiter {
  /** No slot after this time is useful, ms on our monotonic clock. */
  end: number
  resolve(slot: Slot): void
  reject(error: unknown): void
}

export interface SlotQueueOptions {
  /** How long after its time a slot may be used, ms. */
  graceMs: number
  /** Whether to reserve more slots than there are waiting callers. */
  ahead: boolean
  now(): number
  /** Reserves up to `slots` slots, none later than `end`. */
  reserve(count: number, end: number): Promise<SlotReservation>
  /** The error for a caller whose slot is this much too late. */
  tooLate(waitMs: number): Error
  onLost(count: number): void
}

export interface SlotQueue {
  /**
   * The next slot, in the order of requests. Rejects immediately when the slot would come after
   * `end`.
   */
  next(end: number, signal: AbortSignal): Promise<Slot>
  /** Voids every reserved slot: HubSpot requested a pause. */
  void(): void
  generation(): number
  idle(): boolean
}

/** At most this many callers per statement; the others use the next one. */
const maxPerStatement = 64

export function createSlotQueue(options: SlotQueueOptions): SlotQueue {
  let slots: Slot[] = []
  let waiting: SlotWaiter[] = []
  let reserving = false
  let generation = 0
  let block = 1
  let lost = 0
  /** How many more blocks before the block size may grow. */
  let blocksUntilGrowth = 0

  /** @param tried the callers that the last reservation was for */
  function assignSlots(tried: readonly SlotWaiter[] = []): void {
    const now = options.now()
    const usable = slots.filter((slot) => slot.at + options.graceMs > now)
    if (usable.length < slots.length) {
      lost += slots.length - usable.length
      options.onLost(slots.length - usable.length)
    }
    slots = usable
    while (slots[0] && waiting[0]) {
      const waiter = waiting.shift() as SlotWaiter
      // The slot stays for a caller further back that can wait longer.
      if (slots[0].at > Math.max(waiter.end, now)) waiter.reject(options.tooLate(slots[0].at - now))
      else waiter.resolve(slots.shift() as Slot)
    }
    // Reject callers whose time is over, even if no slot is available, but only after one
    // reservation for them.
    for (const waiter of tried.filter((one) => one.end < now && waiting.includes(one))) {
      waiting = waiting.filter((one) => one !== waiter)
      waiter.reject(options.tooLate(0))
    }
    if (waiting.length > 0 && !reserving) void reserve()
  }

  /**
   * Halves the block when slots were lost and doubles it when none was, so that it never much
   * exceeds what callers use.
   */
  function resize(maxAhead: number): void {
    if (lost > 0) {
      block = Math.max(1, Math.floor(block / 2))
      blocksUntilGrowth = 4
    } else if (blocksUntilGrowth > 0) blocksUntilGrowth -= 1
    else block *= 2
    block = Math.max(1, Math.min(block, maxAhead))
    lost = 0
  }

  async function reserve(): Promise<void> {
    reserving = true
    // Callers that arrive while the statement runs wait for the next one.
    const callers = waiting.slice(0, maxPerStatement)
    const end = Math.max(...callers.map((waiter) => waiter.end))
    try {
      const generationBefore = generation
      const reservation = await options.reserve(Math.max(callers.length, options.ahead ? block : 1), end)
      if ('refuse' in reservation) {
        waiting = waiting.filter((waiter) => !callers.includes(waiter))
        for (const waiter of callers) waiter.reject(reservation.refuse())
      } else if (generationBefore === generation) {
        slots.push(...reservation.slots.map((slot) => ({ ...slot, generation })))
        // On a slow database the first slot would be over on arrival every time, so it counts from
        // its arrival.
        const [first] = slots
        const arrived = options.now()
        if (first && first.at + options.graceMs <= arrived) slots[0] = { ...first, at: arrived }
        if (options.ahead) resize(reservation.maxAhead)
      }
    } catch (error) {
      waiting = waiting.filter((waiter) => !callers.includes(waiter))
      for (const waiter of callers) waiter.reject(error)
    }
    reserving = false
    assignSlots(callers)
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
        const waiter: SlotWaiter = { end, resolve: done(resolve), reject: done(reject) }
        signal.addEventListener('abort', leave, { once: true })
        waiting.push(waiter)
        assignSlots()
      })
    },
    void() {
      generation += 1
      slots = []
    },
    generation: () => generation,
    idle: () => waiting.length === 0 && !reserving && !slots.some((slot) => slot.at > options.now()),
  }
}
