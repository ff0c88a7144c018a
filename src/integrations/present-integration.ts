/** Converts an integration to its form in responses. */
import { isoTimes, toIso } from '../api/wire.ts'
import type { Integration } from './integration.ts'
import { unknownResources } from './resource-store.ts'
import type { Resources } from './resources.ts'

export const presentResources = (resources: Resources) => ({
  properties: isoTimes(resources.properties),
  pipelines: isoTimes(resources.pipelines),
  owners: isoTimes(resources.owners),
  contacts: isoTimes(resources.contacts),
  companies: isoTimes(resources.companies),
  deals: isoTimes(resources.deals),
})

export const presentIntegration = (
  tenantId: string,
  { last_sync_at, ...integration }: Integration,
  resources: Map<string, Resources>,
) => ({
  tenant_id: tenantId,
  ...isoTimes(integration),
  last_sync: toIso(last_sync_at),
  resources: presentResources(resources.get(integration.integration_id) ?? unknownResources()),
})
