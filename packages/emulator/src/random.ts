// Numbers that look random and are the same for the same seed: the data of a portal is computed, not stored.
import { randomBytes, randomUUID } from 'node:crypto'

// A 32-bit mix (the finaliser of MurmurHash3) folded over the parts.
export function hash(...parts: number[]): number {
  let h = 0x9e3779b9
  for (const part of parts) {
    h ^= Math.imul(part | 0, 0x85ebca6b) ^ Math.imul(Math.floor(part / 0x1_0000_0000) | 0, 0xc2b2ae35)
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    h ^= h >>> 16
  }
  return h >>> 0
}

export function unit(...parts: number[]): number {
  return hash(...parts) / 0x1_0000_0000
}

export function pick<T>(list: readonly T[], h: number): T {
  return list[h % list.length] as T
}

// Correlation ids of HubSpot are UUIDs whose first 48 bits are the time.
export function correlationId(now: number): string {
  const time = Math.max(0, now).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${randomUUID().slice(15)}`
}

export function uuid(): string {
  return randomUUID()
}

export function opaque(bytes: number): string {
  return randomBytes(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

// The same uuid for the same seed, so that a demo's tokens survive a restart.
export function seededUuid(...parts: number[]): string {
  const hex = [1, 2, 3, 4]
    .map((n) =>
      hash(...parts, n)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}
