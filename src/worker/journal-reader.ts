/** Reads HubSpot's webhooks journal in one process at a time, and subscribes to every account. */
import type { IntegrationRef } from '../integrations/integration.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import {
  type JournalDependencies,
  type JournalPoll,
  readJournal,
  releaseJournalReader,
} from '../journal/read-journal.ts'
import { type SubscriptionDependencies, updateDueSubscriptions } from '../journal/subscriptions.ts'
import type { PollPeriods } from './poll-periods.ts'

export interface JournalReaderDependencies extends SubscriptionDependencies {
  tokens: Tokens
  polls: PollPeriods
}

/** Wait after a pass that could not continue. */
const subscribeRetryMs = 30_000
/** Integrations whose token is checked at once. The next sync finds the state of any others. */
const maxTokenChecks = 8

/** Runs until the signal aborts, and returns when the work in progress has ended. */
export async function runJournalReader(deps: JournalReaderDependencies, signal: AbortSignal): Promise<void> {
  await Promise.all([runReads(deps, signal), runSubscriptions(deps, signal)])
}

async function runReads(deps: JournalReaderDependencies, signal: AbortSignal): Promise<void> {
  const checks = new Set<Promise<void>>()
  while (!signal.aborted) {
    const { more, uninstalled } = await pollJournal(deps, signal)
    for (const ref of uninstalled.slice(0, maxTokenChecks - checks.size)) {
      const done = checkToken(deps, ref, signal).finally(() => checks.delete(done))
      checks.add(done)
    }
    if (!more) await deps.clock.sleep(deps.polls.journalMs, signal).catch(() => {})
  }
  await Promise.all(checks)
  await releaseJournalReader(deps).catch(() => {})
}

const pollJournal = (deps: JournalDependencies, signal: AbortSignal): Promise<JournalPoll> =>
  readJournal(deps, signal).catch((err: unknown) => {
    deps.log.warn({ err }, 'the webhooks journal could not be polled')
    return { more: false, uninstalled: [] }
  })

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

async function runSubscriptions(deps: JournalReaderDependencies, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const wentWell = await updateDueSubscriptions(deps, signal).then(
      () => true,
      (err: unknown) => {
        if (!signal.aborted) deps.log.warn({ err }, 'webhooks journal subscriptions could not be updated')
        return false
      },
    )
    await deps.clock.sleep(wentWell ? deps.polls.subscribeMs : subscribeRetryMs, signal).catch(() => {})
  }
}
