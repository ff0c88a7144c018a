/** Credentials that were right, and from which address: a flood of wrong ones from there does not delay them. */
import { hash, randomBytes } from 'node:crypto'
import type { Principal } from '../../api/principal.ts'

type Kind = Principal['kind']

/** Pairs in memory, some 3 MB; beyond them the one that was not met for longest goes. */
const mostPairs = 20_000

export interface Remembered {
  find(from: string, credential: string): Kind | undefined
  keep(from: string, credential: string, kind: Kind): void
  forget(from: string, credential: string): void
}

/** Kept as hashes under a salt of this process alone: nothing of a credential lies in memory, and no comparison tells of it. */
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
