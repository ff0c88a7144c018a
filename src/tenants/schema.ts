/** The request and response schemas for tenants and their API keys. */
import { z } from 'zod'
import { after, extended, limit, nextAfter, tenantPath } from '../api/wire.ts'

const day = 86_400

export const tenantBody = z.strictObject({
  tenant_id: tenantPath.shape.tenant_id.describe(
    'A UUID of your choice; version 7 keeps new tenants together',
  ),
})
export const listQuery = z.strictObject({ limit: limit(200, 50), after })
export const keyPath = tenantPath.extend({
  key_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'must be the id of a key')
    .meta({ examples: ['3f9c0a7be21d4455'] }),
})

const scope = z.enum(['read', 'sync', 'manage'])

export const apiKeyBody = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[^\p{C}]+$/u, 'must be text without control characters')
      .describe('For people: who or what uses the key'),
    scopes: z
      .array(scope)
      .min(1)
      .max(3)
      .refine((list) => new Set(list).size === list.length, 'must name each scope once'),
    expires_in: z
      .int()
      .min(60)
      .max(10 * 365 * day)
      .optional()
      .describe('Seconds until the key expires; without it the key does not expire'),
  })
  .meta({ examples: [{ name: 'reporting', scopes: ['read', 'sync'], expires_in: 7_776_000 }] })

export const rotateApiKeyBody = z.strictObject({
  overlap: z
    .int()
    .min(0)
    .max(30 * day)
    .default(day)
    .describe('Seconds for which the old key remains valid; a day by default'),
})

export const tenant = z.object({ tenant_id: z.string(), created_at: z.string() }).meta({
  id: 'Tenant',
  examples: [{ tenant_id: '5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11', created_at: '2026-11-22T17:29:24.271Z' }],
})
export const tenantListResponse = z.object({
  success: z.literal(true),
  tenants: z.array(tenant),
  next_after: nextAfter,
})

export const apiKey = z
  .object({
    key_id: z.string(),
    name: z.string(),
    scopes: z.array(scope),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
    last_used_at: z.string().nullable().describe('To within a minute'),
  })
  .meta({
    id: 'ApiKey',
    examples: [
      {
        key_id: '3f9c0a7be21d4455',
        name: 'reporting',
        scopes: ['read', 'sync'],
        created_at: '2026-11-22T17:29:24.271Z',
        expires_at: '2027-02-20T17:29:24.271Z',
        revoked_at: null,
        last_used_at: '2026-11-22T18:02:11.090Z',
      },
    ],
  })
export const createdApiKey = extended(apiKey, {
  api_key: z
    .string()
    .nullable()
    .meta({
      description: 'Shown only once; null when a request with the same Idempotency-Key is repeated',
      examples: ['spk_3f9c0a7be21d4455_<secret>'],
    }),
})
export const apiKeyListResponse = z.object({ api_keys: z.array(apiKey), next_after: nextAfter })
