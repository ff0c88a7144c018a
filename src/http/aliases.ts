/** Resolves aliases in paths and queries to integration ids, so that old ids stay valid. */
import type { FastifyInstance } from 'fastify'
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { lookUpAlias } from '../integrations/alias-store.ts'
import { parseUuid } from '../lib/ids.ts'

interface Named {
  tenant_id?: string
  integration_id?: string
}

/** Integrations that this process need not look up again. */
const maxCached = 10_000

/**
 * Runs after the gate and validation, so that only the tenant's own aliases are looked up, and
 * before the audit log names a target.
 */
export function resolveAliases(app: FastifyInstance, db: Database): void {
  /**
   * `tenant/id`, oldest first. An entry never goes stale: such an id never becomes an alias,
   * whatever other processes do.
   */
  const settled = new Set<string>()

  async function resolve(tenant: string, id: string): Promise<string> {
    const key = `${tenant}/${id}`
    if (settled.has(key)) return id
    const found = await withTenant(db, parseTenantId(tenant), (scope) => lookUpAlias(scope, id))
    if (found.settled) {
      for (const oldest of settled) {
        if (settled.size < maxCached) break
        settled.delete(oldest)
      }
      settled.add(key)
    }
    return found.integrationId
  }

  app.addHook('preHandler', async ({ params, query }) => {
    const { tenant_id: tenant } = (params ?? {}) as Named
    if (tenant === undefined) return
    for (const named of [params, query] as Named[]) {
      const id = parseUuid(named?.integration_id ?? '')
      if (id) named.integration_id = await resolve(tenant, id)
    }
  })
}
