/** Records what a command changes in the audit log, as requests do. */
import type { AuditEvent } from '../audit/event.ts'
import { type AuditLog, recordAuditEvent, recordAuditResult } from '../audit/record.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { AppError } from '../lib/errors.ts'

/**
 * The target of a command: a tenant and objects in it, or something outside any tenant. Never a
 * secret.
 */
export interface CommandTarget {
  tenantId?: TenantId | undefined
  target?: string
}

/**
 * Runs `work` between its two audit events. If the first cannot be written, nothing is done.
 *
 * @param action the name in the audit log, the same as the equivalent route's
 * @throws as `record` and `work`
 */
export async function runAuditedCommand<T>(
  audit: AuditLog,
  action: string,
  { tenantId, target }: CommandTarget,
  work: () => Promise<T>,
): Promise<T> {
  const about = { actor: 'cli', action, target: target ?? null, address: null, request_id: null }
  const event = (phase: AuditEvent['phase'], result: string | null) => ({ ...about, phase, result })
  const requestedIn = await recordAuditEvent(audit, tenantId, event('requested', null))
  const end = (result: string) => recordAuditResult(audit, requestedIn, tenantId, event('done', result))
  let outcome: T
  try {
    outcome = await work()
  } catch (error) {
    await end(error instanceof AppError ? `failed ${error.code}` : 'failed').catch(() => {})
    throw error
  }
  await end('ok')
  return outcome
}
