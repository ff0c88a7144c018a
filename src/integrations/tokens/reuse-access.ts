/** Reuses the token of a run from one step to the next. */
import type { HubSpotAccess } from '../../hubspot/client/client.ts'
import { HubSpotError } from '../../hubspot/hubspot-error.ts'
import type { Clock } from '../../lib/clock.ts'
import type { IntegrationRef } from '../integration.ts'
import type { Tokens } from './tokens.ts'

/**
 * Runs calls with a valid token; each use is one step, so the token is confirmed at most once per
 * step.
 */
export type WithAccess = <T>(work: (access: HubSpotAccess) => Promise<T>) => Promise<T>

/** How long a step may reuse the previous step's token without reading and opening it again. */
const reuseForMs = 10_000

/**
 * Provides a token for one step after the other. If a call is refused or lacks a scope,
 * `Tokens.use` handles it.
 */
export function reuseAccess(
  { tokens, clock }: { tokens: Tokens; clock: Clock },
  ref: IntegrationRef,
  options: Parameters<Tokens['use']>[1],
): WithAccess {
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
    return await tokens.use(ref, options, async (access) => {
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
