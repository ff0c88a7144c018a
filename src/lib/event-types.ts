/**
 * Event types of the change feed and of outgoing webhooks. Here, so that the configuration can use
 * them too.
 */
export const eventTypes = [
  'issue.created',
  'issue.updated',
  'issue.archived',
  'issue.restored',
  'issue.merged',
  'sync.completed',
  'sync.failed',
  'integration.connected',
  'integration.reauth_required',
  'integration.disconnected',
  'integration.purged',
  'endpoint.disabled',
  'endpoint.test',
] as const

export type EventType = (typeof eventTypes)[number]
