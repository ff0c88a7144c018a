/** Wrong credentials: so many a minute from one address and for one key, and beyond that none is looked at. */
import type { Clock } from '../lib/clock.ts'
import { keyIdOf } from '../tenants/api-key.ts'
import type { Principal } from '../tenants/principal.ts'
import type { Limiter, Verdict } from '../tenants/rate-limiter.ts'
import { createRemembered } from './remembered.ts'
import { createTurnstile } from './turnstile.ts'

type Kind = Principal['kind']

export interface TooMany {
  /** The address, or the key that was named. */
  who: string
  verdict: Verdict
}

export interface Try {
  /** Set: the credential must not be looked at. */
  tooMany?: TooMany
  right(kind: Kind): void
  /** @returns what to answer with, when this one was one too many */
  wrong(): Promise<TooMany | undefined>
  end(): void
}

export interface Tries {
  /** What this credential was found to be when it last came from this address. */
  known(address: string, credential: string): Kind | undefined
  /** Before a credential is looked at; may wait for others that are looked at now. */
  begin(address: string, credential: string, gone: AbortSignal): Promise<Try>
}

/** A credential waits no longer than this to be looked at. */
const patienceMs = 2_000
const anywhere = ''

/** @param limit wrong ones a minute; 0: as many as come */
export function createTries(limit: number, limiter: Limiter, clock: Clock): Tries {
  const remembered = createRemembered()
  const looks = createTurnstile(clock)

  /**
   * Whose counts this credential stands under. One that was right from this address has nothing to fear from others who try
   * there, and one that was right at all nothing from those who try its key.
   */
  function countsOf(address: string, credential: string): string[] {
    if (limit === 0 || remembered.find(address, credential)) return []
    const keyId = keyIdOf(credential.replace(/^Bearer /i, ''))
    return keyId && !remembered.find(anywhere, credential) ? [address, `key:${keyId}`] : [address]
  }

  const nameOf = (who: string) => `failed ${who}`

  function refusalOf(counts: readonly string[]): TooMany | undefined {
    for (const who of counts) {
      const verdict = limiter.refusal(nameOf(who))
      if (verdict) return { who, verdict }
    }
    return undefined
  }

  /**
   * No more are looked at at once than may still be wrong: a thousand tries sent at the same moment would all be looked at before
   * the first of them is counted.
   */
  async function place(address: string, credential: string, gone: AbortSignal): Promise<TooMany | string[]> {
    const until = clock.monotonic() + patienceMs
    for (let waited: string | undefined; ; ) {
      // Asked again each time: one of those who were in may have brought the same credential, and it was right.
      const counts = countsOf(address, credential)
      const tooMany = refusalOf(counts)
      const full = counts.find((who) => looks.inside(who) >= limiter.left(nameOf(who), limit))
      if (waited && (tooMany || full !== waited)) looks.pass(waited)
      if (tooMany) return tooMany
      if (full === undefined) {
        for (const who of counts) looks.enter(who)
        return counts
      }
      waited = full
      if (!(await looks.wait(full, until - clock.monotonic(), gone)))
        return { who: full, verdict: { ok: false, left: 0, againMs: 1_000, news: false } }
    }
  }

  return {
    known: (address, credential) => remembered.find(address, credential),
    async begin(address, credential, gone) {
      const placed = await place(address, credential, gone)
      const counts = Array.isArray(placed) ? placed : []
      return {
        ...(Array.isArray(placed) ? {} : { tooMany: placed }),
        right(kind) {
          if (remembered.find(address, credential)) return
          remembered.keep(address, credential, kind)
          remembered.keep(anywhere, credential, kind)
        },
        async wrong() {
          // Also one that was right until now, and was revoked.
          for (const from of [address, anywhere]) remembered.forget(from, credential)
          const whose = counts.length > 0 ? counts : countsOf(address, credential)
          const spent = await Promise.all(
            whose.map(async (who) => ({ who, verdict: await limiter.spend(nameOf(who), limit) })),
          )
          return spent.find(({ verdict }) => !verdict.ok)
        },
        end() {
          for (const who of counts) looks.leave(who)
        },
      }
    },
  }
}
