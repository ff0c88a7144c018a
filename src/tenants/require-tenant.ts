/** For routes: refuses a tenant that does not exist. */
import type { TenantScope } from '../db/scope.ts'
import type { AppError } from '../lib/errors.ts'
import { tenantExists } from './store.ts'

/**
 * @param notFound the same error that the route throws for another missing part of its path, so
 *   that a caller cannot tell them apart
 */
export const requireTenant = (notFound: () => AppError) => async (scope: TenantScope) => {
  if (!(await tenantExists(scope))) throw notFound()
}
