/** Wire schemas of integrations. */
import { z } from 'zod'
import { pathId, uuidText } from '../api/wire.ts'

export const connectBody = z.strictObject({
  access_token: z
    .string()
    // A copied token may end with a line break.
    .overwrite((text) => text.replace(/[\r\n]+$/, ''))
    .min(1)
    .max(2_048)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .meta({ examples: ['your-hubspot-access-token'] }),
})

export const authorizeQuery = z.strictObject({
  integration_id: uuidText.optional().describe('Integration to reconnect; absent: connect a new one'),
})

export const callbackBody = z.strictObject({
  code: z
    .string()
    .min(1)
    .max(1_024)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .meta({ examples: ['oauth-code-from-hubspot'] }),
  state: z
    .string()
    .min(1)
    .max(256)
    .meta({ examples: ['tenant_id:integration_id:nonce'] }),
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

export const confirmParams = z.object({ confirmation_id: pathId('01a2044e-4bd8-71e8-9844-fcb13357773f') })

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
  .meta({
    id: 'Resource',
    examples: [{ state: 'ok', problem: null, read_at: '2026-11-22T17:29:25.610Z' }],
  })

/** The resources read besides the tickets; each can fail alone. */
const resources = z.object({
  properties: resource,
  pipelines: resource,
  owners: resource,
  contacts: resource,
  companies: resource,
  deals: resource,
})

const hubId = z
  .number()
  .nullable()
  .meta({ examples: [25000195] })
const hubDomain = z
  .string()
  .nullable()
  .meta({ examples: ['northwind-bikes.example.com'] })
const scopes = z
  .array(z.string())
  .nullable()
  .meta({
    description: 'null: HubSpot did not return them',
    examples: [['oauth', 'tickets', 'crm.objects.owners.read']],
  })
const status = z
  .enum(['pending', 'active', 'degraded', 'reauth_required', 'disconnected'])
  .meta({ examples: ['active'] })

export const integration = z
  .object({
    tenant_id: z.string().meta({ examples: ['5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11'] }),
    integration_id: z.string().meta({ examples: ['01a2044e-3639-7888-95cf-ef6ead9b1a46'] }),
    integration_type: z.literal('hubspot'),
    status,
    status_reason: z.string().nullable(),
    hub_id: hubId,
    hub_domain: hubDomain,
    scopes,
    created_at: z.string().meta({ examples: ['2026-11-22T17:29:24.271Z'] }),
    last_sync: z.string().nullable().describe('When the last run ended'),
    resources,
  })
  .meta({ id: 'Integration' })

export const integrationList = z.object({
  integrations: z.array(integration),
  total_count: z.number().meta({ examples: [1] }),
})

export const statusResponse = z.object({
  connected: z.boolean().describe('false: `code` and `error` say why, the rest is as last known'),
  hub_domain: hubDomain,
  scopes,
  token_type: z.literal('access'),
  expires_in: z
    .number()
    .nullable()
    .describe('Seconds; null: the token does not expire, or its expiry is unknown'),
  hub_id: hubId,
  status,
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
  authorization_url: z.string().meta({
    examples: ['https://app.hubspot.com/oauth/authorize?client_id=…&redirect_uri=…&scope=…&state=…'],
  }),
  integration_id: z.string().meta({ examples: ['01a2044e-4bd8-71e8-9844-fcb13357773f'] }),
})

export const disconnectResponse = z.object({
  status: z.literal('disconnected'),
  purged: z
    .boolean()
    .meta({ description: 'false: not requested, or connected again meanwhile', examples: [false] }),
  revoked: z.boolean().describe('Whether the token was revoked at HubSpot'),
})
