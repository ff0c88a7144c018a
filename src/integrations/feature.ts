/** Integrations: connect, status and disconnect; the worker's passes over unconfirmed grants and erasures. */
import type { Feature, FeatureHooks } from '../api/feature.ts'
import { acceptFormOnly } from '../api/form-body.ts'
import { type EraserDependencies, eraseMarkedTenants } from './eraser.ts'
import {
  deleteExpiredAuthorizations,
  deleteStalePendingIntegrations,
  hasExpiredAuthorizations,
  hasStalePendingIntegrations,
} from './oauth/authorization-store.ts'
import { confirmRoutes } from './oauth/confirm-routes.ts'
import { expireAuthorizations } from './oauth/expire-authorizations.ts'
import { type IntegrationRouteDependencies, integrationRoutes } from './routes.ts'

export interface IntegrationsDependencies
  extends Omit<IntegrationRouteDependencies, 'onConnected' | 'onDisconnected'>,
    EraserDependencies {
  /** Of all features. */
  hooks(): readonly FeatureHooks[]
  /** The URL at which browsers reach us. */
  publicUrl: string
  polls: { expireMs: number; eraseMs: number }
}

export function integrationsFeature(given: IntegrationsDependencies): Feature {
  const deps: IntegrationsDependencies & IntegrationRouteDependencies = {
    ...given,
    async onConnected(scope, { integration }) {
      for (const { connected } of given.hooks()) await connected?.(scope, integration.integration_id)
    },
    async onDisconnected(scope, integrationId) {
      for (const { disconnected } of given.hooks()) await disconnected?.(scope, integrationId)
    },
  }
  const { expireMs, eraseMs } = deps.polls
  return {
    async routes(app) {
      integrationRoutes(app, deps)
      await app.register(async (forBrowsers) => {
        acceptFormOnly(forBrowsers)
        confirmRoutes(forBrowsers, deps)
      })
    },
    loops: [
      {
        name: 'unconfirmed_grants',
        everyMs: expireMs,
        pass: (signal) => expireAuthorizations(deps, signal),
      },
      { name: 'erasure', everyMs: eraseMs, pass: (signal) => eraseMarkedTenants(deps, signal) },
    ],
    hooks: {
      retention: [
        {
          name: 'authorizations',
          keepMs: 0,
          hasExpired: hasExpiredAuthorizations,
          remove: deleteExpiredAuthorizations,
        },
        {
          name: 'tenant_integrations',
          keepMs: 0,
          hasExpired: hasStalePendingIntegrations,
          remove: deleteStalePendingIntegrations,
        },
      ],
    },
  }
}
