/** How often the worker polls in tests: a test that waits for a poll does not wait for seconds. */
import type { PollPeriods } from '../../src/worker/poll-periods.ts'

export const shortPolls: PollPeriods = {
  dueMs: 300,
  probeMs: 1_000,
  countMs: 1_000,
  journalMs: 200,
  subscribeMs: 300,
  // Few tests wait for these, and every service of every test polls.
  expireMs: 2_000,
  eraseMs: 1_000,
  retentionMs: 60_000,
  sqlGuardMs: 2_000,
}
