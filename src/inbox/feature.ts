/** HubSpot's webhooks: the route that receives them, the drainer, and how long entries are kept. */
import type { Feature } from '../api/feature.ts'
import type { Secret } from '../lib/secret.ts'
import { deleteInbox, findAwaitingInboxes, resumeInbox } from './claim-store.ts'
import type { DrainDependencies } from './drain-step.ts'
import { inboxSource } from './inbox-drainer.ts'
import { inboxStateRoutes } from './inbox-state-routes.ts'
import { countMissingWebhooks } from './inbox-state-store.ts'
import { deleteOldInboxRows, deleteOldReceipts, hasOldInboxRows } from './receipt-retention-store.ts'
import { type WebhookRouteDependencies, webhookRoutes } from './routes.ts'

export interface InboxDependencies extends DrainDependencies, Omit<WebhookRouteDependencies, 'app'> {
  /** Our app. Without an app id no webhook can be authenticated. */
  app: { appId?: number | undefined; clientSecrets: readonly Secret[] } | undefined
  retention: { inboxMs: number | undefined }
}

export function inboxFeature(deps: InboxDependencies): Feature {
  const { db, metrics, retention } = deps
  const app = deps.app?.appId === undefined ? undefined : { ...deps.app, appId: deps.app.appId }
  return {
    async routes(server) {
      inboxStateRoutes(server, { db, webhooks: app !== undefined })
      await server.register(async (forHubSpot) => webhookRoutes(forHubSpot, { ...deps, app }))
    },
    work: [inboxSource(deps)],
    hooks: {
      disconnected: deleteInbox,
      retention: [
        {
          name: 'inbox_entries',
          keepMs: retention.inboxMs,
          hasExpired: hasOldInboxRows,
          remove: deleteOldInboxRows,
        },
      ],
      deleteExpired: deleteOldReceipts,
      count: async (scope) => metrics.inboxesMissingWebhooks.set(await countMissingWebhooks(scope)),
      async findAwaiting(scope, atMost) {
        const inboxes = await findAwaitingInboxes(scope, atMost)
        return inboxes.map(({ tenant_id, integration_id }) => ({
          tenantId: tenant_id,
          resume: (tenant) => resumeInbox(tenant, integration_id),
        }))
      },
    },
  }
}
