// The emulator's clock: real time plus an offset that the control API can move.
export type Clock = {
  now(): number
  offset(): number
  advance(ms: number): void
  reset(): void
  // Who waits for a time must look again when the time is moved.
  listen(tell: () => void): void
}

export function createClock(): Clock {
  let offset = 0
  const listeners: (() => void)[] = []
  function move(next: number): void {
    offset = next
    for (const tell of listeners) tell()
  }
  return {
    now: () => Date.now() + offset,
    offset: () => offset,
    advance: (ms) => move(offset + ms),
    reset: () => move(0),
    listen: (tell) => {
      listeners.push(tell)
    },
  }
}

const DAY = 86_400_000
const two = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))
// The dates of days met lately: an answer prints hundreds of times, and making a date of each is the dear part.
const dates = new Map<number, string>()

function dateOf(day: number): string {
  const known = dates.get(day)
  if (known !== undefined) return known
  const made = new Date(day * DAY).toISOString().split('T')[0] as string
  if (dates.size >= 5000) dates.clear()
  dates.set(day, made)
  return made
}

// HubSpot prints times as Java's Instant does: UTC, milliseconds, and no fraction at all when they are zero.
export function instant(time: number): string {
  const ms = Math.trunc(time)
  const day = Math.floor(ms / DAY)
  const rest = ms - day * DAY
  const seconds = Math.floor(rest / 1000)
  const fraction = rest % 1000
  const clock = `${two[Math.floor(seconds / 3600)]}:${two[Math.floor(seconds / 60) % 60]}:${two[seconds % 60]}`
  return `${dateOf(day)}T${clock}${fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}`}Z`
}
