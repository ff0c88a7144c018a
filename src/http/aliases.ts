/** Ids stay valid: a path or query that names an alias is answered for the integration it stands for, in every route. */
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
const mostSettled = 10_000

/** After the gate and the validation, so that only the tenant's own aliases are looked up, and before the audit log names anything. */
export function resolveAliases(app: FastifyInstance, db: Database): void {
  /** `tenant/id`, the oldest first. Right for good, whatever other processes do: such an id never becomes an alias. */
  const settled = new Set<string>()

  async function resolve(tenant: string, id: string): Promise<string> {
    const key = `${tenant}/${id}`
    if (settled.has(key)) return id
    const found = await withTenant(db, parseTenantId(tenant), (scope) => lookUpAlias(scope, id))
    if (found.settled) {
      for (const oldest of settled) {
        if (settled.size < mostSettled) break
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
