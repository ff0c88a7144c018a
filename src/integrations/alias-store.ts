/**
 * All SQL on aliases: ids from `authorize` that an already connected account's older id replaced.
 */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'

/**
 * Per integration, so that a program that connects repeatedly does not grow a tenant. The oldest
 * are deleted first.
 */
const maxAliases = 20

/**
 * @returns the integration that this id names: another one if the id is an alias, otherwise itself
 */
export const resolveAlias = async (scope: TenantScope, id: string): Promise<string> =>
  (await lookUpAlias(scope, id)).integrationId

/**
 * @returns `settled`: whether the integration has had an account, so that the id will never name
 *   another one. Only an integration that never had an account is replaced by an older one
 */
export async function lookUpAlias(
  scope: TenantScope,
  id: string,
): Promise<{ integrationId: string; settled: boolean }> {
  const [row] = await scope.query(sql<{ integration_id: string | null; settled: boolean }>`
    select
      (select a.integration_id from integration_aliases a
        where a.tenant_id = ${scope.tenantId} and a.alias_id = ${id}) as integration_id,
      exists (select from tenant_integrations i
        where i.tenant_id = ${scope.tenantId} and i.integration_id = ${id} and i.hub_id is not null) as settled`)
  return { integrationId: row?.integration_id ?? id, settled: row?.settled ?? false }
}

/** From now on, `alias` names the integration `id`. The caller holds the tenant's lock. */
export async function insertAlias(scope: TenantScope, alias: string, id: string): Promise<void> {
  const { tenantId } = scope
  await scope.query(sql`
    insert into integration_aliases (tenant_id, alias_id, integration_id) values (${tenantId}, ${alias}, ${id})
    on conflict (tenant_id, alias_id) do update set integration_id = excluded.integration_id`)
  await scope.query(sql`
    delete from integration_aliases where tenant_id = ${tenantId} and alias_id in (
      select alias_id from integration_aliases where tenant_id = ${tenantId} and integration_id = ${id}
      order by created_at desc, alias_id desc offset ${maxAliases})`)
}
