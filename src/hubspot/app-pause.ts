/**
 * How long the calls of our app itself (tokens, introspection) wait because HubSpot asked for it, in the database, so that every
 * process waits. HubSpot counts such calls by app or by address and for no account, so all tenants wait together.
 */
import type { BudgetRows } from './budget.ts'
import { close, closedFor } from './budget-stop-store.ts'
import type { BudgetKey } from './budget-store.ts'
import { HubSpotError } from './errors.ts'
import { policyWaitMs } from './retry.ts'

export interface AppPause {
  /** ms until the app may call again; 0: now */
  left(clientId: string): Promise<number>
  pause(clientId: string, waitMs: number): Promise<void>
}

/** No account has it: the row of what the app asks for itself. */
const keyOf = (clientId: string): BudgetKey => ({ app: clientId, portalId: 0 })

export const createAppPause = (rows: BudgetRows): AppPause => ({
  left: (clientId) => rows((query) => closedFor(query, keyOf(clientId), 'calls')),
  async pause(clientId, waitMs) {
    await rows((query) => close(query, keyOf(clientId), 'calls', { waitMs, policy: 'unknown', asked: true }))
  },
})

/** An outage holds up all tenants' tokens no longer than this at a time, ms. */
const longestOutageMs = 60_000

/** How long everybody waits after this failure, ms. An account that is being moved (477) says nothing about others. */
export function pauseAfter(error: unknown): number | undefined {
  if (!(error instanceof HubSpotError) || error.circuit || error.status === 477) return undefined
  if (error.kind === 'rate_limited') return error.retryAfterMs ?? policyWaitMs[error.policy ?? 'unknown']
  if (error.kind !== 'unavailable' || error.retryAfterMs === undefined) return undefined
  return Math.min(error.retryAfterMs, longestOutageMs)
}
