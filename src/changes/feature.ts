/** The change feed: its routes, and how long changes are kept. */
import type { Feature } from '../api/feature.ts'
import type { Clock } from '../lib/clock.ts'
import { createChangeNotifier } from './change-notifier.ts'
import { type ChangeRouteDependencies, changeRoutes } from './routes.ts'
import { deleteOldChanges, hasOldChanges } from './store.ts'

export interface ChangesDependencies extends Omit<ChangeRouteDependencies, 'notifier'> {
  retention: { changesMs: number | undefined }
  clock: Clock
}

export function changesFeature(deps: ChangesDependencies): Feature {
  const notifier = createChangeNotifier(deps.db, deps.clock, deps.log)
  return {
    routes: (app) => changeRoutes(app, { ...deps, notifier }),
    hooks: {
      retention: [
        {
          name: 'changes',
          keepMs: deps.retention.changesMs,
          hasExpired: hasOldChanges,
          remove: deleteOldChanges,
        },
      ],
    },
    close: async () => notifier.stop(),
  }
}
