/** Reads HubSpot's webhooks journal in one process at a time, and subscribes to every account. */
import type { Loop } from '../api/feature.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import { readJournal, releaseJournalReader } from './read-journal.ts'
import { type SubscriptionDependencies, updateDueSubscriptions } from './subscriptions.ts'

export interface JournalReaderDependencies extends SubscriptionDependencies {
  tokens: Tokens
}

/** Wait after a pass that could not continue. */
const subscribeRetryMs = 30_000
/** Integrations whose token is checked at once. The next sync finds the state of any others. */
const maxTokenChecks = 8

/**
 * @param polls.journalMs until HubSpot is queried for another file after the last one
 * @param polls.subscribeMs between two polls for subscriptions that are due
 */
export function journalLoops(
  deps: JournalReaderDependencies,
  polls: { journalMs: number; subscribeMs: number },
): Loop[] {
  const checks = new Set<Promise<void>>()
  return [
    {
      name: 'journal',
      everyMs: polls.journalMs,
      async pass(signal) {
        const { more, uninstalled } = await readJournal(deps, signal)
        for (const ref of uninstalled.slice(0, maxTokenChecks - checks.size)) {
          const done = checkToken(deps, ref, signal).finally(() => checks.delete(done))
          checks.add(done)
        }
        return more ? 'again' : 'done'
      },
      async end() {
        await Promise.all(checks)
        await releaseJournalReader(deps)
      },
    },
    {
      name: 'journal_subscriptions',
      everyMs: polls.subscribeMs,
      retryMs: subscribeRetryMs,
      pass: (signal) => updateDueSubscriptions(deps, signal),
    },
  ]
}

/**
 * The token is due: using it requests a new one from HubSpot, and the response shows whether our
 * app is still installed.
 */
async function checkToken(
  { tokens, retryLimits }: JournalReaderDependencies,
  ref: IntegrationRef,
  signal: AbortSignal,
): Promise<void> {
  await tokens.use(ref, { retryLimits, signal }, async () => undefined).catch(() => {})
}
