/**
 * Properties that HubSpot refuses although the account has them, because they became sensitive: they are left out, the resource
 * `properties` says so with the scope's name, and they are asked for again with the next list of properties.
 */
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import type { Access, HubSpot, Patience } from '../hubspot/client/client.ts'
import { readProperties } from '../hubspot/definitions.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { scopesCode } from '../hubspot/missing-scopes.ts'
import type { ObjectPaths } from '../hubspot/objects.ts'
import { findRefusedProperties } from '../hubspot/refused-properties.ts'
import type { Whose } from '../integrations/integration.ts'
import { keepOmitted } from '../integrations/part-store.ts'
import { lockIntegration } from '../integrations/store.ts'
import { neededProperties, versionProperties } from './properties.ts'

export interface OmitParts {
  db: Database
  hubspot: HubSpot
  withAccess<T>(work: (access: Access) => Promise<T>): Promise<T>
  patience: Patience
  signal: AbortSignal
}

/**
 * After HubSpot refused a read of `kind.properties`: finds the properties that it is about, and writes them down.
 *
 * @returns those that can still be asked for; undefined when it is not about a property, or about one that tickets cannot be kept without
 * @throws HubSpotError when HubSpot cannot be asked; whatever `withAccess` throws
 */
export async function omitRefused(
  parts: OmitParts,
  whose: Whose,
  kind: ObjectPaths,
  failure: unknown,
): Promise<string[] | undefined> {
  if (!(failure instanceof HubSpotError && failure.missing)) return undefined
  const { db, hubspot, patience, signal } = parts
  const found = await parts.withAccess(async (access) => {
    const options = { access, patience, signal, priority: 'background' as const }
    // What became sensitive is no longer among the properties that HubSpot lists.
    const defined = await readProperties(hubspot, kind.path, options).catch((error: unknown) => {
      if (error instanceof HubSpotError) return undefined
      throw error
    })
    const listed = new Set(defined?.map(({ name }) => name) ?? kind.properties)
    const suspects = kind.properties.filter((name) => !listed.has(name) || failure.words.has(name))
    // An issue's columns first: they are left out only after HubSpot refused them alone.
    const needed = new Set<string>(neededProperties)
    const ordered = [
      ...suspects.filter((name) => needed.has(name)),
      ...suspects.filter((name) => !needed.has(name)),
    ]
    return await findRefusedProperties(hubspot, kind, ordered, options)
  })
  if (!found || found.names.some((name) => versionProperties.includes(name))) return undefined
  await withTenant(db, whose.tenantId, async (scope) => {
    await lockIntegration(scope, whose.integrationId)
    await keepOmitted(scope, whose.integrationId, found.names, scopesCode(found.missing))
  })
  const omitted = new Set(found.names)
  return kind.properties.filter((name) => !omitted.has(name))
}
