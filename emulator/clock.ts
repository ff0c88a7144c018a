// The emulator's clock: real time plus an offset that the control API can move.
export type Clock = {
  now(): number
  offset(): number
  advance(ms: number): void
  reset(): void
}

export function createClock(): Clock {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    offset: () => offset,
    advance: (ms) => {
      offset += ms
    },
    reset: () => {
      offset = 0
    },
  }
}

// HubSpot prints times as Java's Instant does: UTC, milliseconds, and no fraction at all when they are zero.
export function instant(ms: number): string {
  const iso = new Date(ms).toISOString()
  return iso.endsWith('.000Z') ? `${iso.slice(0, -5)}Z` : iso
}
