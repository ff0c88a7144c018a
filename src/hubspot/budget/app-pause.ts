/**
 * How long calls of our app itself (tokens, introspection) wait at HubSpot's request; stored in the
 * database, so that every process waits. HubSpot counts such calls per app or per address and not
 * per account, so all tenants wait together.
 */
import { policyWaitMs } from '../client/retry.ts'
import { HubSpotError } from '../hubspot-error.ts'
import type { BudgetTransaction } from './budget.ts'
import { closeBudget, readBudgetClosedMs } from './budget-stop-store.ts'
import type { BudgetKey } from './budget-store.ts'

export interface AppPause {
  /** ms until the app may call again; 0: now */
  remainingMs(clientId: string): Promise<number>
  pause(clientId: string, waitMs: number): Promise<void>
}

/** The row for the app's own calls; no account has this id. */
const keyOf = (clientId: string): BudgetKey => ({ app: clientId, hubId: 0 })

export const createAppPause = (rows: BudgetTransaction): AppPause => ({
  remainingMs: (clientId) => rows((query) => readBudgetClosedMs(query, keyOf(clientId), 'calls')),
  async pause(clientId, waitMs) {
    await rows((query) =>
      closeBudget(query, keyOf(clientId), 'calls', { waitMs, policy: 'unknown', asked: true }),
    )
  },
})

/**
 * How long all callers wait after this failure, ms; set for a rate limit only. An outage with a
 * `Retry-After` may concern one token or one account, so it delays only its own caller.
 */
export function appPauseMs(error: unknown): number | undefined {
  if (!(error instanceof HubSpotError) || error.kind !== 'rate_limited') return undefined
  return error.retryAfterMs ?? policyWaitMs[error.policy ?? 'unknown']
}
