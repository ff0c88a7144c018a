/** Whoever is told of changes by webhook. Pure. */
import type { Secret } from '../lib/secret.ts'

/** The product's own, which is configured and told of every tenant; never a tenant's. */
export const productEndpoint = '00000000-0000-4000-8000-000000000000'

export interface Endpoint {
  endpointId: string
  url: string
  /** undefined: whatever there is to tell */
  types: string[] | undefined
  inOrder: boolean
  /** Newest first; both sign. */
  secrets: readonly Secret[]
  /** Nothing has arrived since some time. */
  failing: boolean
}

/** As it is shown: without a secret. */
export interface EndpointState {
  endpointId: string
  url: string
  types: string[] | null
  inOrder: boolean
  createdAt: Date
  failingSince: Date | null
  disabledAt: Date | null
  disabledFor: string | null
  olderUntil: Date | null
  waiting: number
}
