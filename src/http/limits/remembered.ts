/** Remembers valid credentials by address, so that failed attempts from there do not delay them. */
import { hash, randomBytes } from 'node:crypto'
import type { Principal } from '../../api/principal.ts'

type Kind = Principal['kind']

/** Pairs in memory, about 3 MB. Beyond that the least recently used pair is evicted. */
const mostPairs = 20_000

export interface Remembered {
  find(from: string, credential: string): Kind | undefined
  keep(from: string, credential: string, kind: Kind): void
  forget(from: string, credential: string): void
}

/**
 * Stores hashes under a salt of this process, so that no credential stays in memory and comparison
 * times reveal nothing.
 */
export function createRemembered(): Remembered {
  const salt = randomBytes(32).toString('base64')
  const pairs = new Map<string, Kind>()
  const pairOf = (from: string, credential: string) =>
    hash('sha256', `${salt}\n${from}\n${credential}`, 'base64')
  function put(pair: string, kind: Kind): void {
    if (!pairs.delete(pair) && pairs.size >= mostPairs) pairs.delete(pairs.keys().next().value as string)
    pairs.set(pair, kind)
  }
  return {
    find(from, credential) {
      const pair = pairOf(from, credential)
      const kind = pairs.get(pair)
      if (kind) put(pair, kind)
      return kind
    },
    keep: (from, credential, kind) => put(pairOf(from, credential), kind),
    forget(from, credential) {
      pairs.delete(pairOf(from, credential))
    },
  }
}
