/** How often the worker polls in tests: a test that waits for a poll does not wait for seconds. */
import type { PollPeriods } from '../../src/worker/poll-periods.ts'

export const shortPolls: PollPeriods = {
  scheduleMs: 1_000,
  inboxMs: 400,
  outboxMs: 400,
  probeMs: 1_000,
  journalMs: 200,
  subscribeMs: 300,
  // Few tests wait for these, and every service of every test polls.
  expireMs: 2_000,
  eraseMs: 1_000,
  // Longer than a scheduler poll, as in the product.
  erasureQuietMs: 1_500,
}
