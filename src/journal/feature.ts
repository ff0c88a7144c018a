/** HubSpot's webhooks journal: the loops that read it and subscribe to accounts, if it is configured. */
import type { Feature } from '../api/feature.ts'
import { createJournal } from '../hubspot/journal-api.ts'
import { type JournalReaderDependencies, journalLoops } from './journal-reader.ts'
import { countJournalFailures } from './store.ts'
import { deleteStaleSubscriptions } from './subscription-store.ts'

type Needed = Parameters<typeof createJournal>[0]

export interface JournalFeatureDependencies
  extends Omit<JournalReaderDependencies, 'journal' | 'clientId'>,
    Omit<Needed, 'app'> {
  /** undefined: the journal is not read. */
  journalApp: (Needed['app'] & { clientId: string }) | undefined
  polls: { journalMs: number; subscribeMs: number }
}

export function journalFeature(deps: JournalFeatureDependencies): Feature {
  const { journalApp: app, metrics, polls } = deps
  return {
    loops: app
      ? journalLoops({ ...deps, clientId: app.clientId, journal: createJournal({ ...deps, app }) }, polls)
      : [],
    hooks: {
      deleteExpired: deleteStaleSubscriptions,
      count: async (scope) => metrics.journalFailures.set(await countJournalFailures(scope)),
    },
  }
}
