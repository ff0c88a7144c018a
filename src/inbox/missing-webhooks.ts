/** Logs once that webhooks are missing for an integration in which a sync finds new tickets. */
import type { TenantScope } from '../db/scope.ts'
import type { Log } from '../lib/log.ts'
import { recordMissingWebhooks } from './inbox-state-store.ts'

export const createMissingWebhooksDetector =
  (log: Log) =>
  async (scope: TenantScope, integrationId: string, newestAt: string): Promise<void> => {
    if (!(await recordMissingWebhooks(scope, integrationId, newestAt))) return
    log.warn(
      { tenant_id: scope.tenantId, integration_id: integrationId, newest_at: newestAt },
      'webhooks are missing for an integration',
    )
  }
