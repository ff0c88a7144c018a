/** Request and response schemas of outgoing webhooks. */
import { z } from 'zod'
import { after, eventType, extended, limit, nextAfter, pathId, tenantPath, time } from '../api/wire.ts'

export const endpointPath = tenantPath.extend({
  endpoint_id: pathId('01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01'),
})
const changeId = pathId('0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55')
export const deliveryPath = endpointPath.extend({ change_id: changeId })

const types = z
  .array(eventType)
  .min(1)
  .max(50)
  .nullable()
  .meta({
    description: 'The types to send; null or absent: all',
    examples: [['issue.created', 'issue.updated']],
  })

const include = z
  .array(z.enum(['issue']))
  .max(1)
  .meta({
    description: 'issue: a change of an issue has the issue as of that change',
    examples: [['issue']],
  })

export const endpointBody = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(2_000)
    .meta({
      description: 'https, and publicly reachable',
      examples: ['https://hooks.example.com/spoke'],
    }),
  types: types.optional(),
  in_order: z
    .boolean()
    .default(true)
    .describe(
      'Each change of a ticket waits until the earlier ones are delivered or have failed; true by default',
    ),
  include: include.default([]),
  secret: z
    .string()
    .max(200)
    .optional()
    .describe('whsec_ followed by 24 to 64 bytes in base64; absent: one is generated'),
})

export const endpointChange = z
  .strictObject({
    url: z.string().min(1).max(2_000).optional(),
    types: types.optional(),
    in_order: z.boolean().optional(),
    include: include.optional(),
    enabled: z.literal(true).optional().describe('Enables a disabled endpoint'),
  })
  .meta({ examples: [{ enabled: true }] })

export const endpoint = z
  .object({
    endpoint_id: z.string(),
    url: z.string(),
    types: z.array(z.string()).nullable(),
    in_order: z.boolean(),
    include: z.array(z.string()),
    created_at: z.string(),
    failing_since: z.string().nullable().describe('No delivery has succeeded since then'),
    disabled_at: z.string().nullable(),
    disabled_reason: z.string().nullable(),
    previous_secret_expires_at: z.string().nullable().describe('Until then the previous secret also signs'),
    waiting: z.number().describe('Number of webhooks waiting to be delivered'),
  })
  .meta({
    id: 'Endpoint',
    examples: [
      {
        endpoint_id: '01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01',
        url: 'https://hooks.example.com/spoke',
        types: ['issue.created', 'issue.updated'],
        in_order: true,
        include: [],
        created_at: '2026-11-26T09:00:00.000Z',
        failing_since: null,
        disabled_at: null,
        disabled_reason: null,
        previous_secret_expires_at: null,
        waiting: 0,
      },
    ],
  })

export const createdEndpoint = extended(endpoint, {
  secret: z
    .string()
    .nullable()
    .meta({
      description: 'Shown only once; null when the response is replayed',
      examples: ['whsec_b25lLW9mLXRoZS1leGFtcGxlcy1hbmQtbm8tc2VjcmV0'],
    }),
})
export const endpointListResponse = z.object({ endpoints: z.array(endpoint) })

export const deliveriesQuery = z.strictObject({ limit: limit(200, 50), after })

export const delivery = z
  .object({
    change_id: z.string().nullable().describe('The webhook-id; null when the change is no longer retained'),
    type: z.string().nullable(),
    state: z.enum(['waiting', 'delivered', 'failed']),
    next_attempt_at: z.string().nullable(),
    delivered_at: z.string().nullable(),
    failure_reason: z.string().nullable(),
    attempts: z.array(
      z.object({
        at: z.string(),
        duration_ms: z.number(),
        status: z.number().nullable(),
        error: z.string().nullable(),
        response: z.string().nullable().describe('The beginning of the response'),
      }),
    ),
  })
  .meta({
    id: 'Delivery',
    examples: [
      {
        change_id: '0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55',
        type: 'issue.updated',
        state: 'waiting',
        next_attempt_at: '2026-11-26T09:35:00.000Z',
        delivered_at: null,
        failure_reason: null,
        attempts: [
          {
            at: '2026-11-26T09:30:00.600Z',
            duration_ms: 130,
            status: 503,
            error: null,
            response: 'upgrading',
          },
        ],
      },
    ],
  })

export const deliveryListResponse = z.object({
  deliveries: z.array(delivery).describe('Newest first'),
  next_after: nextAfter,
})

export const recoverBody = z.strictObject({ since: time })
export const recoverResponse = z.object({
  queued: z.number().meta({ description: 'Number of webhooks queued by this request', examples: [17] }),
})
export const queuedDelivery = z.object({ change_id: z.string().meta(changeId.meta() ?? {}) })
