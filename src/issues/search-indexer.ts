/** Builds the search index of an integration after its first load, in the background. */
import type { WorkSource } from '../api/feature.ts'
import type { Database } from '../db/database.ts'
import { findInOneList } from '../db/scan.ts'
import { withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { lockIntegration } from '../integrations/store.ts'
import { buildSearchRows, type UnfinishedBuild, unfinishedBuilds } from './search-index-store.ts'

/** Issues per transaction, during which no page of the integration can be stored. */
const issuesPerStep = 500
/** Builds at once in this process: they must not delay what callers wait for. */
const builds = 2

export function searchIndexSource({ db }: { db: Database }): WorkSource<UnfinishedBuild> {
  return {
    name: 'search_index',
    ...findInOneList<UnfinishedBuild>(unfinishedBuilds),
    keyOf: ({ integration_id }) => integration_id,
    tenantOf: ({ tenant_id }) => tenant_id,
    limit: () => builds,
    perTenant: 1,
    async run({ tenant_id, integration_id }, signal) {
      const step = () =>
        withTenant(db, parseTenantId(tenant_id), async (scope) => {
          await lockIntegration(scope, integration_id)
          return await buildSearchRows(scope, integration_id, issuesPerStep)
        })
      while (!signal.aborted && (await step()) === issuesPerStep);
      return 0
    },
  }
}
