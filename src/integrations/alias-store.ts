/** All SQL on aliases: ids that `authorize` returned, and that a connect of an account already connected gave up for the older one. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'

/** Of one integration; a program that connects again and again must not grow a tenant. The oldest go first. */
const mostAliases = 20

/** @returns the integration that this id stands for: another one when it is an alias, itself otherwise */
export const resolveAlias = async (scope: TenantScope, id: string): Promise<string> =>
  (await lookUpAlias(scope, id)).integrationId

/**
 * @returns `settled`: an integration that has had an account, so the id names it and nothing else from now on. Only one that never had
 * any is given up for an older one
 */
export async function lookUpAlias(
  scope: TenantScope,
  id: string,
): Promise<{ integrationId: string; settled: boolean }> {
  const [row] = await scope.query(sql<{ integrationId: string | null; settled: boolean }>`
    select
      (select a.integration_id from integration_aliases a
        where a.tenant_id = ${scope.tenantId} and a.alias_id = ${id}) as "integrationId",
      exists (select from tenant_integrations i
        where i.tenant_id = ${scope.tenantId} and i.integration_id = ${id} and i.portal_id is not null) as settled`)
  return { integrationId: row?.integrationId ?? id, settled: row?.settled ?? false }
}

/** From now on `alias` names the integration `id`. Under the tenant's lock. */
export async function insertAlias(scope: TenantScope, alias: string, id: string): Promise<void> {
  const { tenantId } = scope
  await scope.query(sql`
    insert into integration_aliases (tenant_id, alias_id, integration_id) values (${tenantId}, ${alias}, ${id})
    on conflict (tenant_id, alias_id) do update set integration_id = excluded.integration_id`)
  await scope.query(sql`
    delete from integration_aliases where tenant_id = ${tenantId} and alias_id in (
      select alias_id from integration_aliases where tenant_id = ${tenantId} and integration_id = ${id}
      order by created_at desc, alias_id desc offset ${mostAliases})`)
}
