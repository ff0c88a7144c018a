/**
 * An integration links one tenant to one HubSpot account; its states and legal transitions. Pure.
 */
import type { TenantId } from '../db/tenant-id.ts'

export const statuses = ['pending', 'active', 'degraded', 'reauth_required', 'disconnected'] as const

export type IntegrationStatus = (typeof statuses)[number]

/** The legal transitions from each state. Reconnecting leads back to active from every state. */
export const transitions: Readonly<Record<IntegrationStatus, readonly IntegrationStatus[]>> = {
  pending: ['active', 'disconnected'],
  active: ['degraded', 'reauth_required', 'disconnected'],
  degraded: ['active', 'reauth_required', 'disconnected'],
  reauth_required: ['active', 'disconnected'],
  disconnected: ['active'],
}

/** The states from which `to` can be reached. */
export const sourcesOf = (to: IntegrationStatus): IntegrationStatus[] =>
  statuses.filter((from) => transitions[from].includes(to))

/** The states in which calls may be made. */
export const liveStatuses: readonly IntegrationStatus[] = ['active', 'degraded']

/** Whether it is linked to an account, even if its token no longer works. */
export const isConnected = (status: IntegrationStatus | undefined): status is IntegrationStatus =>
  status !== undefined && status !== 'pending' && status !== 'disconnected'

export type TokenKind =
  /** From our own app, with a refresh token. */
  | 'oauth'
  /** A private-app token, a static token or a service key: does not expire. */
  | 'static'
  /** A pasted OAuth access token of any app: valid until it expires. */
  | 'foreign'

export interface Integration {
  integration_id: string
  integration_type: 'hubspot'
  status: IntegrationStatus
  /** Why it is not active: one of our codes. */
  status_reason: string | null
  hub_id: number | null
  hub_domain: string | null
  /** null: HubSpot did not return them. */
  scopes: string[] | null
  created_at: Date
  last_sync_at: Date | null
}

/** Identifies an integration and its tenant. */
export interface IntegrationRef {
  tenantId: TenantId
  integrationId: string
}

/** The HubSpot account that a token opens, as determined when connecting. */
export interface ConnectedAccount {
  kind: TokenKind
  hub_id: number
  hub_domain: string | null
  ui_domain: string | null
  hub_user: string | null
  scopes: string[] | null
  expires_in_ms: number | null
}

const ticketScopes = ['tickets', 'crm.objects.tickets.read']

const isTicketScope = (scope: string): boolean => ticketScopes.includes(scope)

/**
 * Whether the scopes lack those for tickets, which Spoke requires; if scopes are unknown, a real
 * call decides instead.
 */
export function lacksTickets(scopes: readonly string[] | null | undefined): boolean {
  return scopes != null && !scopes.some(isTicketScope)
}
