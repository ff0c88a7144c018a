/** Converts an integration to its form in responses. */
import type { Integration } from './integration.ts'
import { unknownResources } from './resource-store.ts'
import type { ResourceName, Resources } from './resources.ts'

export const presentResources = (resources: Resources) => {
  const shown = (name: ResourceName) => {
    const { state, problem, readAt } = resources[name]
    return { state, problem, read_at: readAt?.toISOString() ?? null }
  }
  return {
    properties: shown('properties'),
    pipelines: shown('pipelines'),
    owners: shown('owners'),
    contacts: shown('contacts'),
    companies: shown('companies'),
    deals: shown('deals'),
  }
}

export const presentIntegration = (
  tenantId: string,
  integration: Integration,
  resources: Map<string, Resources>,
) => ({
  tenant_id: tenantId,
  integration_id: integration.integrationId,
  integration_type: 'hubspot' as const,
  status: integration.status,
  status_reason: integration.statusReason,
  hub_id: integration.hubId,
  hub_domain: integration.hubDomain,
  scopes: integration.scopes,
  created_at: integration.createdAt.toISOString(),
  last_sync: integration.lastSyncAt?.toISOString() ?? null,
  resources: presentResources(resources.get(integration.integrationId) ?? unknownResources()),
})
