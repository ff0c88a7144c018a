/** Issues: routes of issues, of live tickets and of records with problems; how long each is kept. */
import type { Feature } from '../api/feature.ts'
import type { TenantScope } from '../db/scope.ts'
import { listIntegrations, lockIntegration } from '../integrations/store.ts'
import { type ExportRouteDependencies, exportRoutes } from './export-routes.ts'
import { hubSpotSearchRoutes } from './hubspot-search-routes.ts'
import { problemRoutes } from './problem-routes.ts'
import { queryRoutes } from './query-routes.ts'
import { readRoutes } from './read-routes.ts'
import { type IssueRouteDependencies, issueRoutes } from './routes.ts'
import { searchIndexSource } from './search-indexer.ts'
import {
  deleteOldProblems,
  deleteOldTombstones,
  hasOldProblems,
  hasOldTombstones,
} from './tombstone-retention-store.ts'

export interface IssuesDependencies extends IssueRouteDependencies, ExportRouteDependencies {
  retention: { problemsMs: number | undefined; archivedMs: number | undefined }
}

export function issuesFeature(deps: IssuesDependencies): Feature {
  return {
    routes(app) {
      queryRoutes(app, deps)
      readRoutes(app, deps)
      hubSpotSearchRoutes(app, deps)
      exportRoutes(app, deps)
      issueRoutes(app, deps)
      problemRoutes(app, deps)
    },
    work: [searchIndexSource(deps)],
    hooks: {
      retention: [
        {
          name: 'record_problems',
          keepMs: deps.retention.problemsMs,
          hasExpired: hasOldProblems,
          remove: deleteOldProblems,
        },
        {
          name: 'issues',
          keepMs: deps.retention.archivedMs,
          hasExpired: hasOldTombstones,
          remove: deleteTombstones,
        },
      ],
    },
  }
}

/** Deletes one page per integration, under the integration's lock. */
async function deleteTombstones(scope: TenantScope, archivedMs: number, atMost: number): Promise<number> {
  for (const { integration_id: integrationId } of await listIntegrations(scope)) {
    await lockIntegration(scope, integrationId)
    if ((await deleteOldTombstones(scope, integrationId, archivedMs, atMost)) === atMost) return atMost
  }
  return 0
}
