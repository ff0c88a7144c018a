/** A worker's check of what readers of SQL do: it ends sessions that could disturb others. */
import type { Loop } from '../api/feature.ts'
import type { Database } from '../db/database.ts'
import { withGuard } from '../db/scope.ts'
import type { Log } from '../lib/log.ts'
import { endExcessiveSessions } from './store.ts'

export interface SessionGuardDependencies {
  db: Database
  log: Log
  polls: { sqlGuardMs: number }
}

export function sessionGuardLoop({ db, log, polls }: SessionGuardDependencies): Loop {
  let mayGuard = true
  return {
    name: 'sql_guard',
    everyMs: polls.sqlGuardMs,
    async pass() {
      try {
        for (const ended of await withGuard(db, (scope) => endExcessiveSessions(scope)))
          log.warn(ended, 'a session of a SQL login was ended')
        mayGuard = true
      } catch (error) {
        if ((error as { code?: string }).code !== '42501') throw error
        // Without logins it does not matter; `spoke doctor isolation` reports it if there are some.
        if (mayGuard) log.info('the database login may not end sessions of SQL logins')
        mayGuard = false
      }
    },
  }
}
