/** Converts an integration to its form in responses. */
import type { Integration } from './integration.ts'
import { unknownParts } from './part-store.ts'
import type { PartName, Parts } from './parts.ts'

export const presentParts = (parts: Parts) => {
  const shown = (name: PartName) => ({ ...parts[name], at: parts[name].at?.toISOString() ?? null })
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
  parts: Map<string, Parts>,
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
  parts: presentParts(parts.get(integration.integrationId) ?? unknownParts()),
})
