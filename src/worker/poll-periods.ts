/** How often the loops of the worker poll, ms. One value, so that tests can wait for less. */
export interface PollPeriods {
  /** Between two polls for work that is due: runs, inboxes, endpoints. */
  dueMs: number
  /** Between two early tries of something that waits for HubSpot to return, over all processes. */
  probeMs: number
  /** Between two counts for the metrics. */
  countMs: number
  /** Until HubSpot is queried for another file of the journal after the last one. */
  journalMs: number
  /** Between two polls for journal subscriptions that are due. */
  subscribeMs: number
  /** Between two passes over unconfirmed OAuth grants. */
  expireMs: number
  /** Between two polls for tenants marked for erasure. */
  eraseMs: number
  /** Between two checks whether a retention pass is due. */
  retentionMs: number
  /** Between two checks of what readers of SQL do. */
  sqlGuardMs: number
}

export const pollPeriods: PollPeriods = {
  dueMs: 250,
  probeMs: 8_000,
  countMs: 15_000,
  journalMs: 1_000,
  subscribeMs: 5_000,
  expireMs: 5_000,
  eraseMs: 4_000,
  retentionMs: 60_000,
  sqlGuardMs: 5_000,
}
