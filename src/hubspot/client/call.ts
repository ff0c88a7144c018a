/** What a call to HubSpot is, and what comes of it. */
import type { Secret } from '../../lib/secret.ts'
import type { Bucket, BudgetKey, Priority } from '../budget/budget.ts'

/** How long a caller can wait in all, repeats and turns included, and how often a call is sent at most. */
export interface Patience {
  tries: number
  totalMs: number
}

/** What a token opens and whose budget it spends. Made by `integrations/tokens.ts`. */
export interface Access extends BudgetKey {
  token: Secret
}

/** What our app shows HubSpot to be it. */
export interface Credentials {
  clientId: string
  /** Newest first; two while HubSpot's secret is rotated. */
  clientSecrets: readonly Secret[]
}

export interface Call {
  /** A short fixed name for logs and metrics; never holds an id. */
  endpoint: string
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** On HubSpot's API; a secret: an address that HubSpot gave, which opens something to whoever holds it. */
  path: string | Secret
  query?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as application/x-www-form-urlencoded: the OAuth endpoints. */
  form?: Record<string, string>
  /** Goes into the form: the call is made as our app. */
  app?: Credentials
  token?: Secret
  /** So many records are asked for: one that is too slow is not repeated as it is, and the next asks for fewer. */
  records?: number
  /** The answer's body says nothing and may be missing. */
  bodyless?: boolean
  /** Absent: the call counts to no portal's budget (OAuth). Without a priority it is one that somebody waits for. */
  budget?: { key: BudgetKey; bucket: Bucket; priority?: Priority }
  patience: Patience
  signal: AbortSignal
  /** A longer answer is `too_large`. Absent: 32 MiB. */
  mostBytes?: number
}

export interface Answer {
  status: number
  body: unknown
  /** Of the body, as it came. */
  bytes?: number
  /** HubSpot's clock at this answer (its Date header): versions and windows are measured on it. */
  date: Date
}
