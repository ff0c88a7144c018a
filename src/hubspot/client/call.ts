/** Types of a HubSpot call and its response. */
import type { Secret } from '../../lib/secret.ts'
import type { Bucket, BudgetKey, Priority } from '../budget/budget.ts'

/**
 * How long a caller can wait in all, including repeats and slots, and the maximum number of
 * attempts.
 */
export interface RetryLimits {
  maxAttempts: number
  totalMs: number
}

/**
 * What a token gives access to, and whose budget it spends. Created by `integrations/tokens.ts`.
 */
export interface HubSpotAccess extends BudgetKey {
  token: Secret
}

/** The credentials that identify our app to HubSpot. */
export interface Credentials {
  clientId: string
  /** Newest first; two while HubSpot's secret is rotated. */
  clientSecrets: readonly Secret[]
}

export interface HubSpotCall {
  /** A short fixed name for logs and metrics; never contains an id. */
  endpoint: string
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /**
   * A path on HubSpot's API. A Secret is an address that HubSpot gave, which grants access to
   * anyone who has it.
   */
  path: string | Secret
  query?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as application/x-www-form-urlencoded: the OAuth endpoints. */
  form?: Record<string, string>
  /** Added to the form: the call is made as our app. */
  app?: Credentials
  token?: Secret
  /**
   * How many records the call requests. A call that is too slow is not repeated at this size, and
   * the next one requests fewer.
   */
  records?: number
  /** The response body carries no information and may be missing. */
  bodyless?: boolean
  /**
   * Absent: the call counts against no account's budget (OAuth). Without a priority it is
   * interactive.
   */
  budget?: { key: BudgetKey; bucket: Bucket; priority?: Priority }
  retryLimits: RetryLimits
  signal: AbortSignal
  /** A longer response is `too_large`. Absent: 32 MiB. */
  maxBytes?: number
}

export interface HubSpotResponse {
  status: number
  body: unknown
  /** Size of the body, as received. */
  bytes?: number
  /**
   * HubSpot's clock at this response (its Date header): versions and windows are measured on it.
   */
  date: Date
}
