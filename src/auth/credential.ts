/** Whether a credential still stands, by its name. The one question that sessions and open streams ask about what they came from. */
import type { SystemScope } from '../db/scope.ts'
import { findLiveKey } from './api-key-store.ts'

/**
 * @param by the name of a principal. Only a tenant's key can be taken back while this process runs: the operator's keys are a
 *   matter of configuration, and a JWT ends by its own time
 */
export async function credentialStands(scope: SystemScope, by: string): Promise<boolean> {
  const [, keyId] = /^key:(.+)$/.exec(by) ?? []
  return keyId === undefined || (await findLiveKey(scope, keyId)) !== undefined
}
