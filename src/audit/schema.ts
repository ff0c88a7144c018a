/** Response schemas of the audit log. */
import { z } from 'zod'

export const auditEvent = z
  .object({
    seq: z.number().describe('Consecutive within a chain, without gaps'),
    at: z.string(),
    actor: z.string().describe('open, admin, cli, browser, or the name of a credential'),
    action: z.string(),
    target: z.string().nullable(),
    address: z.string().nullable().describe('Of the peer that sent the request'),
    request_id: z.string().nullable(),
    phase: z.enum(['requested', 'done']),
    result: z.string().nullable().describe('When the phase is done: the status, and the code of an error'),
    prev_hash: z.string(),
    hash: z.string(),
  })
  .meta({ id: 'AuditEvent' })

export const operatorAuditList = z.object({
  success: z.literal(true),
  events: z.array(auditEvent),
  next_after: z.string().nullable(),
})

export const auditList = operatorAuditList.extend({ tenant_id: z.string() })
