/** What goes over the wire about webhooks out. */
import { z } from 'zod'
import { after, eventType, limit, time, uuidText } from '../api/wire.ts'

export const endpointPath = z.object({ tenant_id: uuidText, endpoint_id: uuidText })
export const deliveryPath = z.object({ tenant_id: uuidText, endpoint_id: uuidText, change_id: uuidText })

const types = z
  .array(eventType)
  .min(1)
  .max(50)
  .nullable()
  .describe('Which types are sent; null or absent: all')

export const endpointBody = z.strictObject({
  url: z.string().min(1).max(2_000).describe('https, and reachable by everybody'),
  types: types.optional(),
  in_order: z
    .boolean()
    .default(true)
    .describe(
      'What is told of a ticket waits until what was told of it before has arrived; true unless given',
    ),
  secret: z.string().max(200).optional().describe('whsec_ and 24 to 64 bytes in base64; absent: one is made'),
})

export const endpointChange = z.strictObject({
  url: z.string().min(1).max(2_000).optional(),
  types: types.optional(),
  in_order: z.boolean().optional(),
  enabled: z.literal(true).optional().describe('Of one that was disabled'),
})

const endpoint = z.object({
  endpoint_id: z.string(),
  url: z.string(),
  types: z.array(z.string()).nullable(),
  in_order: z.boolean(),
  created_at: z.string(),
  failing_since: z.string().nullable().describe('Nothing has arrived since'),
  disabled_at: z.string().nullable(),
  disabled_for: z.string().nullable(),
  older_secret_until: z.string().nullable().describe('So long the secret before this one signs too'),
  waiting: z.number().describe('Webhooks that have not arrived yet'),
})

export const endpointAnswer = endpoint.extend({ success: z.literal(true), tenant_id: z.string() })
export const madeEndpointAnswer = endpointAnswer.extend({
  secret: z.string().nullable().describe('Shown this once; null when the answer is given again'),
})
export const endpointList = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoints: z.array(endpoint),
})

export const deliveriesQuery = z.strictObject({ limit: limit(200, 50), after })

const delivery = z.object({
  change_id: z.string().nullable().describe('The webhook-id; null: the change is not kept any more'),
  type: z.string().nullable(),
  state: z.enum(['waiting', 'delivered', 'given_up']),
  next_try_at: z.string().nullable(),
  delivered_at: z.string().nullable(),
  given_up_for: z.string().nullable(),
  attempts: z.array(
    z.object({
      at: z.string(),
      ms: z.number(),
      status: z.number().nullable(),
      error: z.string().nullable(),
      answer: z.string().nullable().describe('Its beginning'),
    }),
  ),
})

export const deliveryList = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoint_id: z.string(),
  deliveries: z.array(delivery).describe('Newest first'),
  next_after: z.string().nullable(),
})

export const recoverBody = z.strictObject({ since: time })
export const recoverAnswer = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoint_id: z.string(),
  addressed: z.number().describe('Webhooks that are sent now'),
})
export const sentAnswer = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoint_id: z.string(),
  change_id: z.string(),
})
export const deletedAnswer = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  endpoint_id: z.string(),
})
