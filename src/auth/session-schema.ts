/** Response schemas of sessions. */
import { z } from 'zod'

export const session = z
  .object({
    principal: z.enum(['open', 'admin', 'tenant']),
    tenant_id: z.string().nullable().describe('null except for a tenant'),
    scopes: z.array(z.enum(['read', 'sync', 'manage'])),
    actor: z.string().describe('The credential, as in the audit log'),
    csrf_token: z.string().nullable().describe('null without a session'),
    expires_at: z.string().nullable(),
  })
  .meta({
    id: 'Session',
    examples: [
      {
        principal: 'tenant',
        tenant_id: '5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11',
        scopes: ['read', 'sync'],
        actor: 'key:9f2c41d07a6be358',
        csrf_token: 'spc_…',
        expires_at: '2026-11-23T05:29:24.271Z',
      },
    ],
  })

export const sessionEnded = z.object({
  ended: z.boolean().meta({ description: 'false: there was no session', examples: [true] }),
})
