/** Types of an endpoint that receives changes by webhook. Pure. */
import type { Secret } from '../lib/secret.ts'

/**
 * The product's own endpoint. It is configured, and receives the changes of every tenant; never a
 * tenant's.
 */
export const productEndpoint = '00000000-0000-4000-8000-000000000000'

/** What a webhook may contain besides the change. */
export type Included = 'issue'

export interface Endpoint {
  endpointId: string
  url: string
  /** undefined: all types */
  types: string[] | undefined
  inOrder: boolean
  include: readonly Included[]
  /** Newest first; both sign. */
  secrets: readonly Secret[]
  /** True from the first failed attempt until a delivery succeeds. */
  failing: boolean
}
