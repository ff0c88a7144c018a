/** Request and response schemas of outgoing webhooks. */
import { z } from 'zod'
import { after, eventType, limit, time, uuidText } from '../api/wire.ts'

export const endpointPath = z.object({ tenant_id: uuidText, endpoint_id: uuidText })
export const deliveryPath = z.object({ tenant_id: uuidText, endpoint_id: uuidText, change_id: uuidText })

const types = z.array(eventType).min(1).max(50).nullable().describe('The types to send; null or absent: all')

export const endpointBody = z.strictObject({
  url: z.string().min(1).max(2_000).describe('https, and publicly reachable'),
  types: types.optional(),
  in_order: z
    .boolean()
    .default(true)
    .describe(
      'Each change of a ticket waits until the earlier ones are delivered or have failed; true by default',
    ),
  secret: z
    .string()
    .max(200)
    .optional()
    .describe('whsec_ followed by 24 to 64 bytes in base64; absent: one is generated'),
})

export const endpointChange = z.strictObject({
  url: z.string().min(1).max(2_000).optional(),
  types: types.optional(),
  in_order: z.boolean().optional(),
  enabled: z.literal(true).optional().describe('Enables a disabled endpoint'),
})

const endpoint = z
  .object({
    endpoint_id: z.string(),
    url: z.string(),
    types: z.array(z.string()).nullable(),
    in_order: z.boolean(),
    created_at: z.string(),
    failing_since: z.string().nullable().describe('No delivery has succeeded since then'),
    disabled_at: z.string().nullable(),
    disabled_reason: z.string().nullable(),
    previous_secret_expires_at: z.string().nullable().describe('Until then the previous secret also signs'),
    waiting: z.number().describe('Number of webhooks waiting to be delivered'),
  })
  .meta({ id: 'Endpoint' })

export const endpointResponse = endpoint.extend({ success: z.literal(true), tenant_id: z.string() })
export const createdEndpointResponse = endpointResponse.extend({
  secret: z.string().nullable().describe('Shown only once; null when the response is replayed'),
})
export const endpointListResponse = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoints: z.array(endpoint),
})

export const deliveriesQuery = z.strictObject({ limit: limit(200, 50), after })

const delivery = z
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
  .meta({ id: 'Delivery' })

export const deliveryListResponse = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoint_id: z.string(),
  deliveries: z.array(delivery).describe('Newest first'),
  next_after: z.string().nullable(),
})

export const recoverBody = z.strictObject({ since: time })
export const recoverResponse = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoint_id: z.string(),
  queued: z.number().describe('Number of webhooks queued by this request'),
})
export const resendResponse = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoint_id: z.string(),
  change_id: z.string(),
})
export const deletedResponse = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoint_id: z.string(),
})
