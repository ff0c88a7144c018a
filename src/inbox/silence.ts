/** Logs once that webhooks are missing for an integration in which a sync finds new tickets. */
import type { TenantScope } from '../db/scope.ts'
import type { Log } from '../lib/log.ts'
import { noticeSilence } from './inbox-state-store.ts'

export const createNoticeSilence =
  (log: Log) =>
  async (scope: TenantScope, integrationId: string, newestAt: string): Promise<void> => {
    if (!(await noticeSilence(scope, integrationId, newestAt))) return
    log.warn(
      { tenant_id: scope.tenantId, integration_id: integrationId, newest_at: newestAt },
      'webhooks are missing for an integration',
    )
  }
