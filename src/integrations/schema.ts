/** Wire schemas of integrations. */
import { z } from 'zod'
import { uuidText } from '../api/wire.ts'

export const connectBody = z.strictObject({
  access_token: z
    .string()
    // A copied token may end with a line break.
    .overwrite((text) => text.replace(/[\r\n]+$/, ''))
    .min(1)
    .max(2_048)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces'),
})

export const authorizeQuery = z.strictObject({
  integration_id: uuidText.optional().describe('Integration to reconnect; absent: connect a new one'),
})

export const callbackBody = z.strictObject({
  code: z
    .string()
    .min(1)
    .max(1_024)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces'),
  state: z.string().min(1).max(256),
})

/**
 * HubSpot redirects the browser with a code, or with an error when the person declined. It may add
 * fields.
 */
export const callbackQuery = z.object({
  code: z.string().min(1).max(1_024).optional(),
  state: z.string().min(1).max(256).optional(),
  error: z.string().max(256).optional(),
})

export const confirmParams = z.object({ confirmation_id: uuidText })

export const confirmBody = z.strictObject({ decision: z.enum(['connect', 'cancel']) })

export const disconnectQuery = z.strictObject({
  purge: z.enum(['true', 'false']).default('false').describe('Also delete the synced data and its history'),
})

const resource = z
  .object({
    state: z.enum(['ok', 'degraded', 'unknown']).describe('unknown: not requested from HubSpot yet'),
    problem: z
      .string()
      .nullable()
      .describe('missing_scopes:…, forbidden, refused, hubspot_limit, hubspot_unavailable, invalid_answer'),
    read_at: z.string().nullable().describe('When HubSpot last returned it'),
  })
  .meta({ id: 'Resource' })

/** The resources read besides the tickets; each can fail alone. */
const resources = z.object({
  properties: resource,
  pipelines: resource,
  owners: resource,
  contacts: resource,
  companies: resource,
  deals: resource,
})

export const integration = z
  .object({
    tenant_id: z.string(),
    integration_id: z.string(),
    integration_type: z.literal('hubspot'),
    status: z.enum(['pending', 'active', 'degraded', 'reauth_required', 'disconnected']),
    status_reason: z.string().nullable(),
    hub_id: z.number().nullable(),
    hub_domain: z.string().nullable(),
    scopes: z.array(z.string()).nullable().describe('null: HubSpot did not return them'),
    created_at: z.string(),
    last_sync: z.string().nullable(),
    resources,
  })
  .meta({ id: 'Integration' })

export const integrationResponse = integration.extend({ success: z.literal(true) })

export const integrationList = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  integrations: z.array(integration),
  total_count: z.number(),
})

export const statusResponse = z.object({
  success: z.literal(true),
  connected: z.boolean(),
  hub_domain: z.string().nullable(),
  scopes: z.array(z.string()).nullable(),
  token_type: z.literal('access'),
  expires_in: z
    .number()
    .nullable()
    .describe('Seconds; null: the token does not expire, or its expiry is unknown'),
  tenant_id: z.string(),
  integration_id: z.string(),
  hub_id: z.number().nullable(),
  status: integration.shape.status,
  change_source: z
    .enum(['webhooks', 'journal', 'polling'])
    .describe(
      'How changes arrive: within seconds through HubSpot’s webhooks or its journal, with scheduled polling as a backup; or through scheduled polling only',
    ),
  resources,
  error: z.string().optional(),
  code: z.string().optional(),
})

export const authorizeResponse = z.object({
  success: z.literal(true),
  authorization_url: z.string(),
  integration_id: z.string(),
  tenant_id: z.string(),
})

export const disconnectResponse = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  integration_id: z.string(),
  status: z.literal('disconnected'),
  purged: z.boolean(),
  revoked: z.boolean().describe('Whether the token was revoked at HubSpot'),
})
