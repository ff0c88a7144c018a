/** Reuses the token of a run from one step to the next. */
import type { HubSpotAccess } from '../../hubspot/client/client.ts'
import { HubSpotError } from '../../hubspot/hubspot-error.ts'
import type { Clock } from '../../lib/clock.ts'
import type { IntegrationRef } from '../integration.ts'
import type { StoredAccess, Tokens, UseOptions } from './tokens.ts'

/**
 * Runs calls with a valid token; each use is one step, so the token is confirmed at most once per
 * step.
 */
export type WithAccess = <T>(work: (access: HubSpotAccess) => Promise<T>) => Promise<T>

/** How long a step may reuse the previous step's token without reading and opening it again. */
const reuseForMs = 10_000
/** How long what was stored may be used without reading it again. */
const storedForMs = 1_000

/**
 * Provides a token for one step after the other. If a call is refused or lacks a scope,
 * `Tokens.use` handles it.
 *
 * @param stored what was just read, for the first step
 */
export function reuseAccess(
  { tokens, clock }: { tokens: Tokens; clock: Clock },
  ref: IntegrationRef,
  options: Omit<UseOptions, 'stored'>,
  stored: StoredAccess,
): WithAccess {
  let first: StoredAccess | undefined = stored
  const firstUntil = clock.monotonic() + storedForMs
  let cached: { access: HubSpotAccess; until: number } | undefined
  return async (work) => {
    let refused: { access: HubSpotAccess; error: HubSpotError } | undefined
    if (cached && clock.monotonic() < cached.until) {
      const { access } = cached
      try {
        return await work(access)
      } catch (error) {
        cached = undefined
        if (!(error instanceof HubSpotError && (error.kind === 'unauthorized' || error.kind === 'forbidden')))
          throw error
        refused = { access, error }
      }
    }
    const justRead = clock.monotonic() < firstUntil ? first : undefined
    first = undefined
    return await tokens.use(ref, { ...options, stored: justRead }, async (access) => {
      // The same token would be refused again, so rethrow its error instead, but only once: if
      // `Tokens.use` retries, HubSpot has confirmed that the token is valid.
      if (refused?.access.token.reveal() === access.token.reveal()) {
        const { error } = refused
        refused = undefined
        throw error
      }
      const done = await work(access)
      cached = { access, until: clock.monotonic() + reuseForMs }
      return done
    })
  }
}
