/** SQL access: a worker's check of the sessions of readers. The operator's commands are in src/cli/. */
import type { Feature } from '../api/feature.ts'
import { type SessionGuardDependencies, sessionGuardLoop } from './session-guard.ts'

export function sqlAccessFeature(deps: SessionGuardDependencies): Feature {
  // An embedded database has no logins.
  return { loops: deps.db.kind === 'postgres' ? [sessionGuardLoop(deps)] : [] }
}
