/** The request and response schemas for tenants and their API keys. */
import { z } from 'zod'
import { after, limit, tenantPath, uuidText } from '../api/wire.ts'

const day = 86_400

export const tenantBody = z.strictObject({
  tenant_id: uuidText.describe('A UUID of your choice; version 7 keeps new tenants together'),
})
export const listQuery = z.strictObject({ limit: limit(200, 50), after })
export const keyPath = tenantPath.extend({
  key_id: z.string().regex(/^[0-9a-f]{16}$/, 'must be the id of a key'),
})

const scope = z.enum(['read', 'sync', 'manage'])

export const apiKeyBody = z.strictObject({
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

export const rotateApiKeyBody = z.strictObject({
  overlap: z
    .int()
    .min(0)
    .max(30 * day)
    .default(day)
    .describe('Seconds for which the old key remains valid; a day by default'),
})

const tenant = z.object({ tenant_id: z.string(), created_at: z.string() }).meta({ id: 'Tenant' })
export const tenantResponse = tenant.extend({ success: z.literal(true) })
export const tenantListResponse = z.object({
  success: z.literal(true),
  tenants: z.array(tenant),
  next_after: z.string().nullable(),
})

const key = z
  .object({
    key_id: z.string(),
    name: z.string(),
    scopes: z.array(scope),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
    last_used_at: z.string().nullable().describe('To within a minute'),
  })
  .meta({ id: 'ApiKey' })
export const apiKeyResponse = key.extend({ success: z.literal(true), tenant_id: z.string() })
export const createdApiKeyResponse = apiKeyResponse.extend({
  api_key: z
    .string()
    .nullable()
    .describe('Shown only once; null when a request with the same Idempotency-Key is repeated'),
})
export const apiKeyListResponse = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  api_keys: z.array(key),
  next_after: z.string().nullable(),
})
