/** Tenants: routes of tenants, of their export and of their erasure. The worker's part is in integrations/eraser.ts. */
import type { Feature } from '../api/feature.ts'
import { type ExportAndErasureDependencies, exportAndErasureRoutes } from './export-and-erasure-routes.ts'
import { type TenantRouteDependencies, tenantRoutes } from './routes.ts'

export function tenantsFeature(deps: TenantRouteDependencies & ExportAndErasureDependencies): Feature {
  return {
    routes(app) {
      tenantRoutes(app, deps)
      exportAndErasureRoutes(app, deps)
    },
  }
}
