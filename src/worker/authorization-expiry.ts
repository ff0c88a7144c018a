/** Discards unconfirmed OAuth grants, apart from the scheduler, which must not wait for HubSpot. */
import { type ExpireDependencies, expireAuthorizations } from '../integrations/oauth/expire-authorizations.ts'
import type { Clock } from '../lib/clock.ts'
import type { PollPeriods } from './poll-periods.ts'

/** Runs until the signal aborts. A failed pass is logged and repeated. */
export async function runAuthorizationExpiry(
  deps: ExpireDependencies & { clock: Clock; polls: PollPeriods },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await expireAuthorizations(deps, signal).catch((err: unknown) =>
      deps.log.warn({ err }, 'unconfirmed grants could not be listed'),
    )
    await deps.clock.sleep(deps.polls.expireMs, signal).catch(() => {})
  }
}
