/** Reads HubSpot's webhooks journal in one process at a time, and subscribes to every account. */
import type { Whose } from '../integrations/integration.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import { type JournalParts, type JournalPoll, letGo, readJournal } from '../journal/read-journal.ts'
import { type SubscribeParts, subscribeDue } from '../journal/subscriptions.ts'

export interface JournalWork extends SubscribeParts {
  tokens: Tokens
}

/** How often HubSpot is queried for another file after the last one. */
const everyMs = 1_000
const subscribeEveryMs = 2_000
/** Wait after a pass that could not continue. */
const subscribeAgainMs = 30_000
/** Integrations whose token is checked at once. The next sync finds the state of any others. */
const checksAtOnce = 8

/** Runs until the signal aborts, and returns when the work in progress has ended. */
export async function journalUntil(work: JournalWork, signal: AbortSignal): Promise<void> {
  await Promise.all([readUntil(work, signal), subscribeUntil(work, signal)])
}

async function readUntil(work: JournalWork, signal: AbortSignal): Promise<void> {
  const checks = new Set<Promise<void>>()
  while (!signal.aborted) {
    const { more, uninstalled } = await turn(work, signal)
    for (const whose of uninstalled.slice(0, checksAtOnce - checks.size)) {
      const done = check(work, whose, signal).finally(() => checks.delete(done))
      checks.add(done)
    }
    if (!more) await work.clock.sleep(everyMs, signal).catch(() => {})
  }
  await Promise.all(checks)
  await letGo(work).catch(() => {})
}

const turn = (work: JournalParts, signal: AbortSignal): Promise<JournalPoll> =>
  readJournal(work, signal).catch((err: unknown) => {
    work.log.warn({ err }, 'the webhooks journal could not be polled')
    return { more: false, uninstalled: [] }
  })

/**
 * The token is due: using it requests a new one from HubSpot, and the response shows whether our
 * app is still installed.
 */
async function check({ tokens, patience }: JournalWork, whose: Whose, signal: AbortSignal): Promise<void> {
  await tokens.use(whose, { patience, signal }, async () => undefined).catch(() => {})
}

async function subscribeUntil(work: JournalWork, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const wentWell = await subscribeDue(work, signal).then(
      () => true,
      (err: unknown) => {
        if (!signal.aborted) work.log.warn({ err }, 'webhooks journal subscriptions could not be updated')
        return false
      },
    )
    await work.clock.sleep(wentWell ? subscribeEveryMs : subscribeAgainMs, signal).catch(() => {})
  }
}
