/** Response schemas of sessions. */
import { z } from 'zod'

export const sessionResponse = z.object({
  success: z.literal(true),
  principal: z.enum(['open', 'admin', 'tenant']),
  tenant_id: z.string().nullable(),
  scopes: z.array(z.enum(['read', 'sync', 'manage'])),
  actor: z.string(),
  csrf_token: z.string().nullable(),
  expires_at: z.string().nullable(),
})

export const sessionEndedResponse = z.object({ success: z.literal(true), ended: z.boolean() })
