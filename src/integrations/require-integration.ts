/** For routes: refuses an integration that the tenant does not have. */
import type { TenantScope } from '../db/scope.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { findIntegration, lockIntegration } from './store.ts'

interface IntegrationParams {
  integration_id: string
}

/** @throws AppError integration_not_found */
export async function requireIntegration(
  scope: TenantScope,
  { integration_id }: IntegrationParams,
): Promise<void> {
  if (!(await findIntegration(scope, integration_id))) throw integrationNotFound()
}

/** The same, and locks its row until the transaction ends. */
export async function requireLockedIntegration(
  scope: TenantScope,
  { integration_id }: IntegrationParams,
): Promise<void> {
  if (!(await lockIntegration(scope, integration_id))) throw integrationNotFound()
}
