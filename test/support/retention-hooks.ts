/** What the features bring to retention, without a service. */
import type { FeatureHooks } from '../../src/api/feature.ts'
import { authFeature } from '../../src/auth/feature.ts'
import { changesFeature } from '../../src/changes/feature.ts'
import { inboxFeature } from '../../src/inbox/feature.ts'
import { integrationsFeature } from '../../src/integrations/feature.ts'
import { issuesFeature } from '../../src/issues/feature.ts'
import { journalFeature } from '../../src/journal/feature.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { outboxFeature } from '../../src/outbox/feature.ts'
import { syncFeature } from '../../src/sync/feature.ts'

/** ms; undefined: unlimited */
export interface RetentionPeriods {
  syncEventsMs: number | undefined
  inboxMs: number | undefined
  changesMs: number | undefined
  problemsMs: number | undefined
  archivedMs: number | undefined
}

export function retentionHooks(retention: RetentionPeriods): FeatureHooks[] {
  // Retention uses nothing else of a feature.
  const deps = {
    retention,
    clock: systemClock,
    publicUrl: 'http://localhost',
    polls: {},
    kinds: [],
  } as unknown as never
  return [
    authFeature(deps),
    integrationsFeature(deps),
    issuesFeature(deps),
    changesFeature(deps),
    outboxFeature(deps),
    syncFeature(deps),
    inboxFeature(deps),
    journalFeature(deps),
  ].flatMap(({ hooks }) => hooks ?? [])
}
