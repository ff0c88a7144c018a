/** Deletes an integration with all its data, in a fixed order. */
import { recordChange, redactChanges } from '../changes/store.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import { deleteIntegration, lockIntegration } from '../integrations/store.ts'
import { deleteIssueBatch } from '../issues/store.ts'
import { resetStreams } from './store.ts'

/**
 * Deletes an integration with all its data, in short statements; after a crash the next attempt
 * deletes the rest. Each statement locks the integration and checks that it is disconnected. An
 * integration that is connected again meanwhile stays and, because its streams were reset first,
 * starts with a full sync.
 *
 * @returns false if it was connected again before the end
 */
export async function purgeIntegration(
  db: Database,
  { tenantId, integrationId }: IntegrationRef,
): Promise<boolean> {
  const ifStillGone = (work: (scope: TenantScope) => Promise<number>) =>
    withTenant(db, tenantId, async (scope) =>
      (await lockIntegration(scope, integrationId)) === 'disconnected' ? await work(scope) : undefined,
    )
  let deleted: number | undefined
  let recorded = false
  do {
    deleted = await ifStillGone(async (scope) => {
      // With the first step, so that a purge that stops early has announced what it deleted.
      // Connected again, the integration starts with a full sync.
      if (!recorded) await recordChange(scope, 'integration.purged', integrationId, {})
      await resetStreams(scope, integrationId)
      return await deleteIssueBatch(scope, integrationId, 2_000)
    })
    recorded = true
  } while (deleted)
  // Its issues cause no new changes now, so a few steps remove all their data from the change feed.
  for (let beyond: number | undefined = 0; deleted === 0 && beyond !== undefined; ) {
    const from: number = beyond
    deleted = await ifStillGone(async (scope) => {
      beyond = await redactChanges(scope, integrationId, from, 5_000)
      if (beyond !== undefined) return 0
      await deleteIntegration(scope, integrationId)
      return 0
    })
  }
  return deleted === 0
}
