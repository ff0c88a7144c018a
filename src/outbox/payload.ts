/**
 * Builds the webhook payload: the change as in the feed, in the envelope of Standard Webhooks.
 * Pure.
 */
import { z } from 'zod'
import { type Change, presentChange } from '../changes/change.ts'
import { change as changeSchema } from '../changes/schema.ts'

export const webhook = z
  .object({
    id: z.string().describe('Of the change; also the header webhook-id'),
    type: z.string().describe('As in the change feed; new ones may be added'),
    timestamp: z.string().describe('When the change was recorded'),
    tenant_id: z.string(),
    data: changeSchema.omit({ change_id: true, type: true, at: true }),
  })
  .meta({
    id: 'Webhook',
    examples: [
      {
        id: '0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55',
        type: 'issue.updated',
        timestamp: '2026-11-26T09:30:00.412Z',
        tenant_id: '5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11',
        data: {
          cursor: 'WyI1ZjBlMGY0ZSIsIjQyLjBjM2Y5YTEyIl0',
          integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
          issue_id: '01a2044e-4f2a-7f01-8a77-3c9d2b1e6f00',
          ticket_id: '300000000123',
          changed: { subject: { from: 'Printer', to: 'Printer on fire' } },
          detail: null,
        },
      },
    ],
  })

export function webhookPayload(tenantId: string, change: Change): string {
  const { change_id, type, at, ...data } = presentChange(tenantId, change)
  const payload: z.input<typeof webhook> = {
    id: change_id,
    type,
    timestamp: at,
    tenant_id: tenantId,
    data,
  }
  return JSON.stringify(payload)
}
