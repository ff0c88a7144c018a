/** All SQL on the resources of an account. Times are the database's. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import {
  type Resource,
  type ResourceName,
  type ResourceRefusal,
  type Resources,
  resourceNames,
  temporaryProblems,
} from './resources.ts'

/** How long a read stays fresh, and how long a lasting refusal is assumed to hold. */
const freshFor = sql`interval '1 hour'`
/** After an outage or a limit: not with the next run, which may be seconds away. */
const retryAfter = sql`interval '5 minutes'`

interface Row {
  integration_id: string
  resource: ResourceName
  problem: string | null
  read_at: Date | null
}

/**
 * Lists the resources of all the tenant's integrations, by integration id. An integration that was
 * never read has no entry.
 */
export async function listResources(scope: TenantScope): Promise<Map<string, Resources>> {
  const rows = await scope.query(sql<Row>`
    select integration_id, resource, problem, read_at
    from integration_resources where tenant_id = ${scope.tenantId}`)
  const found = new Map<string, Resources>()
  for (const { integration_id, resource, problem, read_at } of rows) {
    const resources = found.get(integration_id) ?? unknownResources()
    resources[resource] = { state: problem === null ? 'ok' : 'degraded', problem, read_at }
    found.set(integration_id, resources)
  }
  return found
}

export const unknownResources = (): Resources =>
  Object.fromEntries(
    resourceNames.map((name): [string, Resource] => [
      name,
      { state: 'unknown', problem: null, read_at: null },
    ]),
  ) as Resources

export interface ResourceDue {
  resource: ResourceName
  /** It may be requested again: its time has come, or the tenant has connected since. */
  due: boolean
  problem: string | null
  /**
   * For properties: the field type of each, by name, of the last list read; null: never read. A
   * type is null where HubSpot gives none.
   */
  field_types: Readonly<Record<string, string | null>> | null
  /** For properties: those that HubSpot refuses to return; null: none. */
  omitted: string[] | null
}

/** Lists the resources that were requested at least once; any other resource is due. */
export async function readDueResources(scope: TenantScope, integrationId: string): Promise<ResourceDue[]> {
  return await scope.query(
    sql<ResourceDue>`
    select r.resource, r.problem, r.omitted, r.field_types,
      r.due_at <= clock_timestamp() or r.requested_at < coalesce(i.connected_at, r.requested_at) as due
    from integration_resources r
    join tenant_integrations i on i.tenant_id = r.tenant_id and i.integration_id = r.integration_id
    where r.tenant_id = ${scope.tenantId} and r.integration_id = ${integrationId}`,
    { prepare: true },
  )
}

/** Records a successful read. `content` is written only when it differs. */
export async function saveResourceRead(
  scope: TenantScope,
  integrationId: string,
  resource: ResourceName,
  content: object | null,
): Promise<void> {
  const given = content === null ? null : JSON.stringify(content)
  await scope.query(sql`
    insert into integration_resources as r (tenant_id, integration_id, resource, requested_at, due_at, read_at, content)
    values (${scope.tenantId}, ${integrationId}, ${resource}, clock_timestamp(), clock_timestamp() + ${freshFor},
      clock_timestamp(), ${given}::jsonb)
    on conflict (tenant_id, integration_id, resource) do update set
      requested_at = excluded.requested_at, due_at = excluded.due_at, read_at = excluded.read_at, problem = null,
      omitted = null,
      content = case when r.content is distinct from excluded.content then excluded.content else r.content end`)
}

/**
 * Records a successful read of resources that are read often: writes once an hour, or when a
 * problem has ended.
 *
 * @param clearsTemporary false: only a few of many records were read, so a temporary problem stays
 */
export async function saveResourcesReadable(
  scope: TenantScope,
  integrationId: string,
  resources: readonly ResourceName[],
  { clearsTemporary }: { clearsTemporary: boolean },
): Promise<void> {
  const stay = clearsTemporary ? [] : [...temporaryProblems]
  await scope.query(sql`
    insert into integration_resources as r (tenant_id, integration_id, resource, requested_at, due_at, read_at)
    select ${scope.tenantId}, ${integrationId}, u.name, clock_timestamp(), clock_timestamp() + ${freshFor},
      clock_timestamp()
    from unnest(${[...resources]}::text[]) u(name)
    where not exists (
      select from integration_resources k
      where k.tenant_id = ${scope.tenantId} and k.integration_id = ${integrationId} and k.resource = u.name
        and (k.problem is null and k.due_at > clock_timestamp() or k.problem = any(${stay}::text[])))
    on conflict (tenant_id, integration_id, resource) do update set
      requested_at = excluded.requested_at, due_at = excluded.due_at, read_at = excluded.read_at, problem = null`)
}

/** Records a failed read. What was read before stays. */
export async function saveResourceRefusal(
  scope: TenantScope,
  integrationId: string,
  resource: ResourceName,
  { problem, lasting }: ResourceRefusal,
): Promise<void> {
  await scope.query(sql`
    insert into integration_resources as r (tenant_id, integration_id, resource, requested_at, due_at, problem)
    values (${scope.tenantId}, ${integrationId}, ${resource}, clock_timestamp(),
      clock_timestamp() + ${lasting ? freshFor : retryAfter}, ${problem})
    on conflict (tenant_id, integration_id, resource) do update set
      requested_at = excluded.requested_at, due_at = excluded.due_at, problem = excluded.problem`)
}

/** Returns the properties that HubSpot refuses to return. */
export async function readOmittedProperties(scope: TenantScope, integrationId: string): Promise<string[]> {
  const [found] = await scope.query(sql<{ omitted: string[] | null }>`
    select omitted from integration_resources
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and resource = 'properties'`)
  return found?.omitted ?? []
}

/**
 * Records properties that HubSpot has but refuses to return. They are left out until the properties
 * are read again; the due time of that read does not change.
 */
export async function saveOmittedProperties(
  scope: TenantScope,
  integrationId: string,
  names: readonly string[],
  problem: string,
): Promise<void> {
  await scope.query(sql`
    insert into integration_resources as r (tenant_id, integration_id, resource, requested_at, due_at, problem, omitted)
    values (${scope.tenantId}, ${integrationId}, 'properties', clock_timestamp(), clock_timestamp() + ${freshFor},
      ${problem}, ${[...names]}::text[])
    on conflict (tenant_id, integration_id, resource) do update set
      problem = excluded.problem,
      omitted = (select array_agg(distinct name) from unnest(r.omitted || excluded.omitted) name)`)
}
