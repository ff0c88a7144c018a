/** What a worker needs to know of an integration, read in the transaction that claims the work. */
import type { TenantScope } from '../db/scope.ts'
import { type ResourceDue, readDueResources } from './resource-store.ts'
import { readStoredAccess, type StoredAccess } from './tokens/tokens.ts'

export async function readForWork(
  scope: TenantScope,
  integrationId: string,
): Promise<{ resources: ResourceDue[]; access: StoredAccess }> {
  return {
    resources: await readDueResources(scope, integrationId),
    access: await readStoredAccess(scope, integrationId),
  }
}
