/** What a command changes stands in the audit log, like what a request does. */
import type { AuditEvent } from '../audit/event.ts'
import { type Audit, record, recordDone } from '../audit/record.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { AppError } from '../lib/errors.ts'

/** What a command is about: a tenant and things of it, or what stands above tenants. Never a secret. */
export interface CommandTarget {
  tenantId?: TenantId | undefined
  target?: string
}

/**
 * Runs `work` between its two events. Where the first cannot be written, nothing is done.
 *
 * @param action what the audit log calls it, as the route that does the same
 * @throws as `record` and `work`
 */
export async function auditCommand<T>(
  audit: Audit,
  action: string,
  { tenantId, target }: CommandTarget,
  work: () => Promise<T>,
): Promise<T> {
  const about = { actor: 'cli', action, target: target ?? null, address: null, requestId: null }
  const event = (phase: AuditEvent['phase'], result: string | null) => ({ ...about, phase, result })
  const askedIn = await record(audit, tenantId, event('asked', null))
  const end = (result: string) => recordDone(audit, askedIn, tenantId, event('done', result))
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
