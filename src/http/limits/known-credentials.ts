/** Remembers valid credentials by address, so that failed attempts from there do not delay them. */
import { hash, randomBytes } from 'node:crypto'
import type { Principal } from '../../api/principal.ts'

type Kind = Principal['kind']

/** Pairs in memory, about 3 MB. Beyond that the least recently used pair is evicted. */
const maxPairs = 20_000

export interface KnownCredentials {
  find(from: string, credential: string): Kind | undefined
  add(from: string, credential: string, kind: Kind): void
  remove(from: string, credential: string): void
}

/**
 * Stores hashes under a salt of this process, so that no credential stays in memory and comparison
 * times reveal nothing.
 */
export function createKnownCredentials(): KnownCredentials {
  const salt = randomBytes(32).toString('base64')
  const pairs = new Map<string, Kind>()
  const pairOf = (from: string, credential: string) =>
    hash('sha256', `${salt}\n${from}\n${credential}`, 'base64')
  function put(pair: string, kind: Kind): void {
    if (!pairs.delete(pair) && pairs.size >= maxPairs) pairs.delete(pairs.keys().next().value as string)
    pairs.set(pair, kind)
  }
  return {
    find(from, credential) {
      const pair = pairOf(from, credential)
      const kind = pairs.get(pair)
      if (kind) put(pair, kind)
      return kind
    },
    add: (from, credential, kind) => put(pairOf(from, credential), kind),
    remove(from, credential) {
      pairs.delete(pairOf(from, credential))
    },
  }
}
