/** Whether a credential is still valid, by its name: the check of sessions and open streams. */
import type { SystemScope } from '../db/scope.ts'
import { findLiveApiKeys } from './api-key-store.ts'

/**
 * @param by the name of a principal. Only a tenant's key can be revoked while this process runs:
 *   the operator's keys are configuration, and a JWT ends when it expires
 */
export async function isCredentialValid(scope: SystemScope, by: string): Promise<boolean> {
  const [, keyId] = /^key:(.+)$/.exec(by) ?? []
  return keyId === undefined || (await findLiveApiKeys(scope, [keyId])).length > 0
}
