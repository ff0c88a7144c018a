/** Reads HubSpot's webhooks journal, one process of all at a time; and sees to it that it tells of every account. */
import type { Whose } from '../integrations/integration.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import { type JournalParts, letGo, readOn, type Turn } from '../journal/read-journal.ts'
import { type SubscribeParts, subscribeDue } from '../journal/subscriptions.ts'

export interface JournalWork extends SubscribeParts {
  tokens: Tokens
}

/** After the last file HubSpot is asked so often whether there is another. */
const everyMs = 1_000
const subscribeEveryMs = 2_000
/** So long after a pass that could not go on. */
const subscribeAgainMs = 30_000
/** Integrations whose token is tried at once. Of more, the next sync finds what became of it. */
const checksAtOnce = 8

/** Goes on until the signal aborts, and ends when what is under way has. */
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

const turn = (work: JournalParts, signal: AbortSignal): Promise<Turn> =>
  readOn(work, signal).catch((err: unknown) => {
    work.log.warn({ err }, 'the webhooks journal could not be looked at')
    return { more: false, uninstalled: [] }
  })

/** Its token is due: using it asks HubSpot for another, and the answer says whether our app is still there. */
async function check({ tokens, patience }: JournalWork, whose: Whose, signal: AbortSignal): Promise<void> {
  await tokens.use(whose, { patience, signal }, async () => undefined).catch(() => {})
}

async function subscribeUntil(work: JournalWork, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const wentWell = await subscribeDue(work, signal).then(
      () => true,
      (err: unknown) => {
        if (!signal.aborted) work.log.warn({ err }, 'the webhooks journal takes no subscription now')
        return false
      },
    )
    await work.clock.sleep(wentWell ? subscribeEveryMs : subscribeAgainMs, signal).catch(() => {})
  }
}
