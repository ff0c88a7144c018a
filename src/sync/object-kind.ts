/** What the sync must know of a kind of object. Tickets are one value of it; companies would be a second. */
import type { ObjectPaths } from '../hubspot/objects.ts'
import type { TenantScope } from '../tenants/scope.ts'

export interface ObjectKind extends ObjectPaths {
  name: string
  /** Keeps a page within the caller's transaction; newer wins. A bad record is reported, never thrown. */
  keep(
    scope: TenantScope,
    integrationId: string,
    records: readonly unknown[],
    observedAt: Date,
  ): Promise<{
    inserted: number
    changed: number
    unchanged: number
    rejected: { id: string | undefined; reason: string }[]
  }>
}
