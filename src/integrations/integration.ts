/** An integration: one tenant's link to one HubSpot account. Its states and legal steps, as a table. Pure. */
import type { TenantId } from '../db/tenant-id.ts'

export const statuses = ['pending', 'active', 'degraded', 'reauth_required', 'disconnected'] as const

export type IntegrationStatus = (typeof statuses)[number]

/** From each state, where it may go. Reconnecting leads back to active from every state. */
export const steps: Readonly<Record<IntegrationStatus, readonly IntegrationStatus[]>> = {
  pending: ['active', 'disconnected'],
  active: ['degraded', 'reauth_required', 'disconnected'],
  degraded: ['active', 'reauth_required', 'disconnected'],
  reauth_required: ['active', 'disconnected'],
  disconnected: ['active'],
}

/** The states from which `to` may be reached. */
export const sourcesOf = (to: IntegrationStatus): IntegrationStatus[] =>
  statuses.filter((from) => steps[from].includes(to))

/** The states in which calls may be made. */
export const liveStatuses: readonly IntegrationStatus[] = ['active', 'degraded']

/** Whether an account hangs on it, whatever becomes of its token. */
export const isConnected = (status: IntegrationStatus | undefined): status is IntegrationStatus =>
  status !== undefined && status !== 'pending' && status !== 'disconnected'

export type TokenKind =
  /** Of our own app, with a refresh token. */
  | 'oauth'
  /** A private-app token, a static token or a service key: does not expire. */
  | 'static'
  /** A pasted OAuth access token, of whatever app: good until it expires. */
  | 'foreign'

export interface Integration {
  integrationId: string
  integrationType: string
  status: IntegrationStatus
  /** Why it is not active: a code of ours. */
  statusReason: string | null
  portalId: number | null
  hubDomain: string | null
  uiDomain: string | null
  hubUser: string | null
  /** null: HubSpot would not say. */
  scopes: string[] | null
  createdAt: Date
  lastSyncAt: Date | null
}

/** Which integration, and whose. */
export interface Whose {
  tenantId: TenantId
  integrationId: string
}

/** The HubSpot account that a token opens, as found out at connect. */
export interface Account {
  kind: TokenKind
  portalId: number
  hubDomain: string | null
  uiDomain: string | null
  user: string | null
  scopes: string[] | null
  expiresInMs: number | null
}

const ticketScopes = ['tickets', 'crm.objects.tickets.read']

const isTicketScope = (scope: string): boolean => ticketScopes.includes(scope)

/** Which of the scopes Spoke cannot work without is missing; unknown scopes are settled by a real call instead. */
export function lacksTickets(scopes: readonly string[] | null | undefined): boolean {
  return scopes != null && !scopes.some(isTicketScope)
}
