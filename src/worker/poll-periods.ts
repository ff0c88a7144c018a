/** How often the loops of the worker poll. One value, so that tests can wait for less. */
export interface PollPeriods {
  /** Between two scheduler polls, ms. */
  scheduleMs: number
  /** Between two polls for inboxes that are due, ms. */
  inboxMs: number
  /** Between two polls for endpoints that are due, ms. */
  outboxMs: number
  /** Between two early tries of something that waits for HubSpot to return, over all processes, ms. */
  probeMs: number
  /** Until HubSpot is queried for another file of the journal after the last one, ms. */
  journalMs: number
  /** Between two polls for journal subscriptions that are due, ms. */
  subscribeMs: number
  /** Between two passes over unconfirmed OAuth grants, ms. */
  expireMs: number
  /** Between two polls for tenants marked for erasure, ms. */
  eraseMs: number
  /**
   * A tenant stays at least this long after its mark, ms. Longer than a scheduler poll and than the
   * wake-ups that follow a commit: a poll that had found its streams has sent its wake-ups by then.
   */
  erasureQuietMs: number
}

export const pollPeriods: PollPeriods = {
  scheduleMs: 4_000,
  inboxMs: 200,
  outboxMs: 200,
  probeMs: 8_000,
  journalMs: 1_000,
  subscribeMs: 2_000,
  expireMs: 5_000,
  eraseMs: 4_000,
  erasureQuietMs: 10_000,
}
