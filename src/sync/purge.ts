/** What a purge deletes, and in which order. */
import { blankChanges, recordChange } from '../changes/store.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { Whose } from '../integrations/integration.ts'
import { deleteIntegration, lockIntegration } from '../integrations/store.ts'
import { deleteSomeIssues } from '../issues/store.ts'
import { forgetStreams } from './store.ts'

/**
 * An integration with all its data, in statements that stay short; what is left at a crash goes with the next try. Each
 * holds the integration's lock and sees it disconnected: one that is connected again meanwhile stays, and since its
 * streams went first it begins with everything.
 *
 * @returns false when it was connected again before the end
 */
export async function purge(db: Database, { tenantId, integrationId }: Whose): Promise<boolean> {
  const ifStillGone = (work: (scope: TenantScope) => Promise<number>) =>
    withTenant(db, tenantId, async (scope) =>
      (await lockIntegration(scope, integrationId)) === 'disconnected' ? await work(scope) : undefined,
    )
  let deleted: number | undefined
  let recorded = false
  do {
    deleted = await ifStillGone(async (scope) => {
      // With the first step: one that breaks off has told of what it deleted, and connected again it begins with everything.
      if (!recorded) await recordChange(scope, 'integration.purged', integrationId, {})
      await forgetStreams(scope, integrationId)
      return await deleteSomeIssues(scope, integrationId, 2_000)
    })
    recorded = true
  } while (deleted)
  // Nothing is told of its issues any more: a few steps, and the feed has no word of theirs.
  for (let beyond: number | undefined = 0; deleted === 0 && beyond !== undefined; ) {
    const from: number = beyond
    deleted = await ifStillGone(async (scope) => {
      beyond = await blankChanges(scope, integrationId, from, 5_000)
      if (beyond !== undefined) return 0
      await deleteIntegration(scope, integrationId)
      return 0
    })
  }
  return deleted === 0
}
