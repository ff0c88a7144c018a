/**
 * Limits failed authentication by address.
 *
 * Failures count only against the address that sends them, so knowing a key's id does not let
 * anyone block that key. An address with too many failures is not blocked, because it may share its
 * address with a valid caller. Its credentials, and those of all such addresses, are verified a few
 * at a time, and a valid one is accepted.
 */
import type { Principal } from '../../api/principal.ts'
import type { Clock } from '../../lib/clock.ts'
import { createPermits } from './permits.ts'
import type { Limiter, RateDecision } from './rate-limiter.ts'
import { createRemembered } from './remembered.ts'

type Kind = Principal['kind']

export interface LoginAttempt {
  right(kind: Kind): void
  /** @returns the refusal to send when this address has failed too often */
  wrong(): Promise<RateDecision | undefined>
  end(): void
}

export interface Tries {
  /** The kind of principal that this credential had when it last came from this address. */
  known(address: string, credential: string): Kind | undefined
  /**
   * Call before verifying a credential; may wait for verifications that are running.
   *
   * @returns undefined: too many attempts already wait, or this one has waited too long
   */
  begin(address: string, credential: string, gone: AbortSignal): Promise<LoginAttempt | undefined>
}

/**
 * Shared by all addresses with too many failures, so that guessing uses few database connections.
 */
const slow = { most: 4, mostWaiting: 300, waitMs: 2_000 }

/** @param limit failed attempts of an address per minute; 0: unlimited */
export function createTries(limit: number, limiter: Limiter, clock: Clock): Tries {
  const remembered = createRemembered()
  const permits = createPermits({ clock, ...slow })
  /** Verifications that are running, by address. */
  const inside = new Map<string, number>()
  const countOf = (address: string) => inside.get(address) ?? 0
  const nameOf = (address: string) => `failed ${address}`

  /** @returns a function that releases the place; undefined: none is available */
  async function place(
    address: string,
    credential: string,
    gone: AbortSignal,
  ): Promise<(() => void) | undefined> {
    if (limit === 0 || remembered.find(address, credential)) return () => {}
    // Running verifications count as failed, so a thousand concurrent attempts get no further than
    // a thousand in a row.
    if (countOf(address) < limiter.left(nameOf(address), limit)) {
      inside.set(address, countOf(address) + 1)
      return () => {
        if (countOf(address) > 1) inside.set(address, countOf(address) - 1)
        else inside.delete(address)
      }
    }
    return (await permits.acquire(gone)) ? permits.release : undefined
  }

  return {
    known: (address, credential) => remembered.find(address, credential),
    async begin(address, credential, gone) {
      const end = await place(address, credential, gone)
      if (!end) return undefined
      return {
        end,
        right: (kind) => remembered.keep(address, credential, kind),
        async wrong() {
          // The credential may have been valid until it was revoked.
          remembered.forget(address, credential)
          if (limit === 0) return undefined
          const verdict = await limiter.spend(nameOf(address), limit)
          return verdict.ok ? undefined : verdict
        },
      }
    },
  }
}
