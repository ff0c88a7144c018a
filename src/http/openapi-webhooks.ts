/** Describes the outgoing webhooks in the OpenAPI document. */
import type { EventType } from '../lib/event-types.ts'
import { webhook } from '../outbox/payload.ts'

const meaning: Record<EventType, string> = {
  'issue.created': 'A ticket is new, or live for the first time. Read the issue',
  'issue.updated': 'Properties differ; `changed` has their old and new values',
  'issue.archived': 'The ticket was archived at HubSpot, or permanently deleted',
  'issue.restored': 'The ticket is live again',
  'issue.merged': 'The ticket was merged into `detail.merged_into`',
  'sync.completed': 'A full run has ended; `detail.first`: all issues are present for the first time',
  'sync.failed': 'A run failed; `detail.code` says why',
  'integration.connected': 'An account was connected, or connected again',
  'integration.reauth_required': 'HubSpot refuses the token: connect again',
  'integration.disconnected': 'An account was disconnected',
  'integration.purged': 'Its issues are deleted: delete your copies',
  'endpoint.disabled': 'An endpoint gets no more webhooks; `detail.reason` says why',
  'endpoint.test': 'A test of an endpoint was requested',
}

const signed = {
  'webhook-id': 'The id of the change, the same for each attempt: process each id once',
  'webhook-timestamp': 'When the attempt was made, in seconds since 1970',
  'webhook-signature':
    'As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces',
}

/** `components.parameters` */
export const webhookHeaders = Object.fromEntries(
  Object.entries(signed).map(([name, description]) => [
    name,
    { in: 'header', name, required: true, description, schema: { type: 'string' } },
  ]),
)

const responses = {
  '2XX': { description: 'Delivered' },
  '410': { description: 'Gone: disables the endpoint' },
  default: { description: 'Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h' },
}

/** One webhook for each type; all have the same payload. */
export const describeWebhooks = () =>
  Object.fromEntries(
    Object.entries(meaning).map(([type, description]) => [
      type,
      {
        post: {
          operationId: `webhook.${type}`,
          tags: ['webhooks out'],
          summary: type,
          description: `${description}.`,
          security: [],
          parameters: Object.keys(signed).map((name) => ({ $ref: `#/components/parameters/${name}` })),
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: { $ref: `#/components/schemas/${webhook.meta()?.id}` } },
            },
          },
          responses,
        },
      },
    ]),
  )
