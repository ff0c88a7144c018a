/** Reports whether a connection works; an invalid token is a result here, not an error. */
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import { asAppError } from '../hubspot/as-app-error.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import type { TestConnection } from './connection-test.ts'
import type { Integration, IntegrationRef } from './integration.ts'
import { listResources, unknownResources } from './resource-store.ts'
import type { Resources } from './resources.ts'
import { findIntegration } from './store.ts'
import type { Tokens, UseOptions } from './tokens/tokens.ts'

export interface ConnectionStatus {
  integration: Integration
  connected: boolean
  /** Why it is not connected: the code and the message from the specification. */
  trouble: { code: string; error: string } | undefined
  resources: Resources
  /**
   * Whole seconds until the token expires; null when it does not expire, or the expiry is unknown.
   */
  expiresIn: number | null
  /** Connected through our own app; HubSpot sends change notifications only for those accounts. */
  byOAuth: boolean
}

const reportedErrors = new Set([
  'token_invalid',
  'hubspot_unavailable',
  'hubspot_limit',
  'missing_scopes',
  'hubspot_forbidden',
  'integration_not_connected',
  'oauth_not_configured',
])

/** Tests the connection on each call; nothing is cached. @throws AppError integration_not_found */
export async function connectionStatus(
  deps: { db: Database; tokens: Tokens; testConnection: TestConnection },
  ref: IntegrationRef,
  options: UseOptions,
): Promise<ConnectionStatus> {
  const trouble = await deps.testConnection(ref, options).then(
    () => undefined,
    (failure: unknown) => {
      const error = asAppError(failure)
      if (!(error instanceof AppError && reportedErrors.has(error.code))) throw error
      return { code: error.code, error: error.message }
    },
  )
  const { integration, known } = await withTenant(deps.db, ref.tenantId, async (scope) => ({
    integration: await findIntegration(scope, ref.integrationId),
    known: await listResources(scope),
  }))
  if (!integration) throw integrationNotFound()
  const token = await deps.tokens.stored(ref)
  const expiresIn =
    token?.expiresInMs === undefined ? null : Math.max(0, Math.floor(token.expiresInMs / 1_000))
  return {
    integration,
    connected: trouble === undefined,
    trouble,
    resources: known.get(ref.integrationId) ?? unknownResources(),
    expiresIn,
    byOAuth: token?.kind === 'oauth',
  }
}
