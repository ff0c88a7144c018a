/**
 * Handles properties that HubSpot refuses to return because they became sensitive.
 *
 * They are left out, the resource `properties` reports the scope's name, and the next list of
 * properties requests them again.
 */
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import type { HubSpot, HubSpotAccess, RetryLimits } from '../hubspot/client/client.ts'
import { readProperties } from '../hubspot/definitions.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { scopesCode } from '../hubspot/missing-scopes.ts'
import type { ObjectPaths } from '../hubspot/objects.ts'
import { findRefusedProperties } from '../hubspot/refused-properties.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import { saveOmittedProperties } from '../integrations/resource-store.ts'
import { lockIntegration } from '../integrations/store.ts'
import { neededProperties, versionProperties } from './properties.ts'

export interface OmitDependencies {
  db: Database
  hubspot: HubSpot
  withAccess<T>(work: (access: HubSpotAccess) => Promise<T>): Promise<T>
  retryLimits: RetryLimits
  signal: AbortSignal
}

/**
 * Called after HubSpot refused a read of `kind.properties`: finds the properties that caused it and
 * records them.
 *
 * @returns the properties that can still be requested; undefined when no property caused the
 *   refusal, or one that tickets cannot be stored without
 * @throws HubSpotError when HubSpot cannot be reached; whatever `withAccess` throws
 */
export async function omitRefusedProperties(
  deps: OmitDependencies,
  ref: IntegrationRef,
  kind: ObjectPaths,
  failure: unknown,
): Promise<string[] | undefined> {
  if (!(failure instanceof HubSpotError && failure.missing)) return undefined
  const { db, hubspot, retryLimits, signal } = deps
  const found = await deps.withAccess(async (access) => {
    const options = { access, retryLimits, signal, priority: 'background' as const }
    // HubSpot no longer lists a property that became sensitive.
    const defined = await readProperties(hubspot, kind.path, options).catch((error: unknown) => {
      if (error instanceof HubSpotError) return undefined
      throw error
    })
    const listed = new Set(defined?.map(({ name }) => name) ?? kind.properties)
    const suspects = kind.properties.filter((name) => !listed.has(name) || failure.words.has(name))
    // Issue columns first: they are left out only after HubSpot refused them alone.
    const needed = new Set<string>(neededProperties)
    const ordered = [
      ...suspects.filter((name) => needed.has(name)),
      ...suspects.filter((name) => !needed.has(name)),
    ]
    return await findRefusedProperties(hubspot, kind, ordered, options)
  })
  if (!found || found.names.some((name) => versionProperties.includes(name))) return undefined
  await withTenant(db, ref.tenantId, async (scope) => {
    await lockIntegration(scope, ref.integrationId)
    await saveOmittedProperties(scope, ref.integrationId, found.names, scopesCode(found.missing))
  })
  const omitted = new Set(found.names)
  return kind.properties.filter((name) => !omitted.has(name))
}
