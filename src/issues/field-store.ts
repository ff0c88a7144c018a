/** SQL on the properties that the accounts of a tenant define. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import { nearestName } from '../lib/nearest-name.ts'
import { type IssueFields, namesIn, unknownField } from './issue-fields.ts'

const maxProperties = 5_000

/** The names of all properties, in order. Empty: no definition was read yet. */
export async function listPropertyNames(scope: TenantScope, integrationId?: string): Promise<string[]> {
  const only = integrationId === undefined ? sql`` : sql`and integration_id = ${integrationId}`
  const rows = await scope.query(sql<{ name: string }>`
    select distinct d.name collate "C" as name from integration_resources, jsonb_object_keys(property_types) d(name)
    where tenant_id = ${scope.tenantId} and resource = 'properties' ${only}
    order by name limit ${maxProperties}`)
  return rows.map(({ name }) => name)
}

/**
 * Where no definition was read yet, a property may have any name.
 *
 * @param given as for `fieldsOf`, for errors
 * @throws AppError validation_failed for a property that no account has
 */
export async function checkProperties(
  scope: TenantScope,
  fields: IssueFields | undefined,
  given: readonly string[] | undefined,
): Promise<void> {
  if (!fields || fields.properties.length === 0) return
  const [unknown] = await scope.query(sql<{ name: string }>`
    select u.name from unnest(${[...fields.properties]}::text[]) with ordinality u(name, at)
    cross join lateral (
      select bool_or(property_types is not null) as defined, bool_or(property_types ? u.name) as known
      from integration_resources
      where tenant_id = ${scope.tenantId} and resource = 'properties') r
    where r.defined and not r.known
    order by u.at limit 1`)
  if (!unknown) return
  const near = nearestName(unknown.name, await listPropertyNames(scope))
  const at = namesIn(given ?? []).indexOf(`properties.${unknown.name}`)
  throw unknownField(at + 1, near && `properties.${near}`)
}
