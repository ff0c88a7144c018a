/** Response schemas of the audit log. */
import { z } from 'zod'
import { nextAfter } from '../api/wire.ts'

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
  .meta({
    id: 'AuditEvent',
    examples: [
      {
        seq: 2,
        at: '2026-11-22T17:29:24.301Z',
        actor: 'key:9f2c41d07a6be358',
        action: 'sync.start',
        target: 'integration:01a2044e-3639-7888-95cf-ef6ead9b1a46',
        address: '203.0.113.7',
        request_id: '01a2044e-4702-7d11-9c52-3f0f5a1e8b21',
        phase: 'done',
        result: '202',
        prev_hash: '6b64a67412e477c5738891bc12138e019ddcc72ce5b7dc58f6624bb193011837',
        hash: '0c3e4f4a36a1c8b4fd2b0b6e3c2f7f5d1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c',
      },
    ],
  })

export const auditList = z.object({ events: z.array(auditEvent), next_after: nextAfter })
