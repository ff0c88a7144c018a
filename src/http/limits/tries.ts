/**
 * Wrong credentials, counted by the address that sends them and by nothing else: whoever knows a key's id can do nothing to that key.
 * An address with too many is not shut out, since the owner of a right one may share it: from then on its credentials are verified a
 * few at a time, together with those of all such addresses, and a right one passes.
 */
import type { Principal } from '../../api/principal.ts'
import type { Clock } from '../../lib/clock.ts'
import { createPermits } from './permits.ts'
import type { Limiter, Verdict } from './rate-limiter.ts'
import { createRemembered } from './remembered.ts'

type Kind = Principal['kind']

export interface Try {
  right(kind: Kind): void
  /** @returns what to answer with, when this address has sent too many */
  wrong(): Promise<Verdict | undefined>
  end(): void
}

export interface Tries {
  /** What this credential was found to be when it last came from this address. */
  known(address: string, credential: string): Kind | undefined
  /**
   * Before a credential is verified; may wait for others that are verified now.
   *
   * @returns undefined: too many wait already, or this one has waited too long
   */
  begin(address: string, credential: string, gone: AbortSignal): Promise<Try | undefined>
}

/** Of all addresses with too many wrong ones together, so that guessing takes few of the database's connections. */
const slow = { most: 4, mostWaiting: 300, waitMs: 2_000 }

/** @param limit wrong ones of an address in a minute; 0: as many as come */
export function createTries(limit: number, limiter: Limiter, clock: Clock): Tries {
  const remembered = createRemembered()
  const permits = createPermits({ clock, ...slow })
  /** How many are verified now, by address. */
  const inside = new Map<string, number>()
  const countOf = (address: string) => inside.get(address) ?? 0
  const nameOf = (address: string) => `failed ${address}`

  /** @returns gives the place back; undefined: there is none */
  async function place(
    address: string,
    credential: string,
    gone: AbortSignal,
  ): Promise<(() => void) | undefined> {
    if (limit === 0 || remembered.find(address, credential)) return () => {}
    // Those under way count as wrong: a thousand tries sent at the same moment are as many as a thousand in a row.
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
          // Also one that was right until now, and was revoked.
          remembered.forget(address, credential)
          if (limit === 0) return undefined
          const verdict = await limiter.spend(nameOf(address), limit)
          return verdict.ok ? undefined : verdict
        },
      }
    },
  }
}
