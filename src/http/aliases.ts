/** Ids stay valid: a path or query that names an alias is answered for the integration it stands for, in every route. */
import type { FastifyInstance } from 'fastify'
import { resolveAlias } from '../integrations/alias-store.ts'
import type { Database } from '../lib/db.ts'
import { parseUuid } from '../lib/ids.ts'
import { withTenant } from '../tenants/scope.ts'
import { parseTenantId } from '../tenants/tenant.ts'

interface Named {
  tenant_id?: string
  integration_id?: string
}

/** After the gate and the validation, so that only the tenant's own aliases are looked up, and before the audit log names anything. */
export function resolveAliases(app: FastifyInstance, db: Database): void {
  app.addHook('preHandler', async ({ params, query }) => {
    const { tenant_id: tenant } = (params ?? {}) as Named
    if (tenant === undefined) return
    for (const named of [params, query] as Named[]) {
      const id = parseUuid(named?.integration_id ?? '')
      if (id)
        named.integration_id = await withTenant(db, parseTenantId(tenant), (scope) => resolveAlias(scope, id))
    }
  })
}
