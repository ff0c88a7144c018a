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
import { createKnownCredentials } from './known-credentials.ts'
import type { RateDecision, RateLimiter } from './rate-limiter.ts'
import { createSemaphore } from './semaphore.ts'

type Kind = Principal['kind']

export interface LoginAttempt {
  succeeded(kind: Kind): void
  /** @returns the refusal to send when this address has failed too often */
  failed(): Promise<RateDecision | undefined>
  end(): void
}

export interface LoginThrottle {
  /** The kind of principal that this credential had when it last came from this address. */
  knownAs(address: string, credential: string): Kind | undefined
  /**
   * Call before verifying a credential; may wait for verifications that are running.
   *
   * @returns undefined: too many attempts already wait, or this one has waited too long
   */
  begin(address: string, credential: string, signal: AbortSignal): Promise<LoginAttempt | undefined>
}

/**
 * Shared by all addresses with too many failures, so that guessing uses few database connections.
 */
const sharedLimits = { max: 4, maxWaiting: 300, waitMs: 2_000 }

/** @param limit failed attempts of an address per minute; 0: unlimited */
export function createLoginThrottle(limit: number, limiter: RateLimiter, clock: Clock): LoginThrottle {
  const knownCredentials = createKnownCredentials()
  const semaphore = createSemaphore({ clock, ...sharedLimits })
  /** Verifications that are running, by address. */
  const running = new Map<string, number>()
  const countOf = (address: string) => running.get(address) ?? 0
  const limitName = (address: string) => `failed ${address}`

  /** @returns a function that releases the place; undefined: none is available */
  async function takePermit(
    address: string,
    credential: string,
    signal: AbortSignal,
  ): Promise<(() => void) | undefined> {
    if (limit === 0 || knownCredentials.find(address, credential)) return () => {}
    // Running verifications count as failed, so a thousand concurrent attempts get no further than
    // a thousand in a row.
    if (countOf(address) < limiter.remaining(limitName(address), limit)) {
      running.set(address, countOf(address) + 1)
      return () => {
        if (countOf(address) > 1) running.set(address, countOf(address) - 1)
        else running.delete(address)
      }
    }
    return (await semaphore.acquire(signal)) ? semaphore.release : undefined
  }

  return {
    knownAs: (address, credential) => knownCredentials.find(address, credential),
    async begin(address, credential, gone) {
      const end = await takePermit(address, credential, gone)
      if (!end) return undefined
      return {
        end,
        succeeded: (kind) => knownCredentials.add(address, credential, kind),
        async failed() {
          // The credential may have been valid until it was revoked.
          knownCredentials.remove(address, credential)
          if (limit === 0) return undefined
          const decision = await limiter.consume(limitName(address), limit)
          return decision.allowed ? undefined : decision
        },
      }
    },
  }
}
