/** Faults in export, erasure and retention: the lock, the mark, the erasure role, what is deleted and exported, and for how long data is stored. */
import type { Fault } from '../fault.ts'

const erasure = 'test/tenants/erasure.test.ts'
const leaves = 'test/tenants/export-and-erasure.test.ts'
const exportTests = 'test/tenants/export.test.ts'
const retention = 'test/worker/retention.test.ts'

export const exportAndErasure: Fault[] = [
  {
    name: 'erasure-does-not-wait-for-running-work',
    find: `  perform pg_advisory_xact_lock_shared(hashtextextended(spoke_tenant()::text, 1));
`,
    put: '',
    test: erasure,
    only: 'erasing on PostgreSQL it begins when',
    gain: 'a page that is being saved at that moment leaves rows of an erased tenant',
  },
  {
    name: 'erasing-tenant-not-locked-out',
    find: '  if spoke_erasing() then',
    put: '  if false then',
    test: erasure,
    only: 'erasing on PostgreSQL from the mark',
    gain: 'work continues for a tenant while it is erased, and leaves rows behind',
  },
  {
    name: 'erasure-can-be-undone',
    find: 'with check (tenant_id = spoke_tenant() and erasing_at is not null);',
    put: 'with check (tenant_id = spoke_tenant());',
    test: erasure,
    only: 'erasing on PostgreSQL the erasure role',
    gain: 'a tenant comes back with half of its data',
  },
  {
    name: 'eraser-role-not-limited-to-marked-tenants',
    find: '  using (tenant_id = spoke_tenant() and erasing_at is not null);',
    put: '  using (tenant_id = spoke_tenant());',
    test: erasure,
    only: 'erasing on PostgreSQL the erasure role',
    gain: 'one wrong id deletes a tenant that was not marked for erasure',
  },
  {
    name: 'audit-log-deleted-without-a-mark',
    find: `create policy erase_marked on audit_events for delete to spoke_eraser
  using (tenant_id = spoke_tenant() and spoke_erasing());`,
    put: `create policy erase_marked on audit_events for delete to spoke_eraser
  using (tenant_id = spoke_tenant());`,
    test: 'test/db/isolation.test.ts',
    only: 'isolation on PostgreSQL',
    gain: 'the eraser role can delete the audit log of a tenant that is not being erased',
  },
  {
    name: 'table-missing-from-the-data-inventory',
    in: 'dataInventory',
    find: `  entry('issue_merges', 'rows', {
    key: 'integration_id loser_id',
    exported: 'integration_id loser_id survivor_id',
  }),
`,
    put: '',
    test: erasure,
    only: 'erasing on PostgreSQL the list',
    gain: 'a tenant’s rows in a new table survive its erasure and are missing from every export',
  },
  {
    name: 'erasure-ends-without-a-final-check',
    in: 'endErasure',
    find: 'await hasInventoryRows(scope.rows, entry)',
    put: 'entry.table === scope.tenantId',
    test: erasure,
    only: 'erasing on PostgreSQL a tenant',
    gain: 'a tenant counts as erased while rows of it remain',
  },
  {
    name: 'connect-recreates-an-erased-tenant',
    in: 'storeConnection',
    find: 'if (since !== undefined && (await tenantSince(scope)) !== since) throw tenantErasing()',
    put: '',
    test: leaves,
    only: 'a connect',
    gain: 'a connect that began before the erasure recreates the tenant, with a token, after the erasure was reported as complete',
  },
  {
    name: 'pending-grant-not-revoked',
    in: 'listWaitingGrants',
    find: `refreshToken: await openUnlessBroken(deps, rows, () => openWaitingGrant(rows, deps.ring, waiting, 'refresh_token')),`,
    put: 'refreshToken: undefined,',
    test: leaves,
    only: 'a grant that',
    gain: 'a grant that nobody confirmed still gives access to the account of an erased tenant',
  },
  {
    name: 'erasing-tenant-counts-as-sharing-its-account',
    in: 'tenantNotErasing',
    find: `sql\`not exists (
  select from tenants t where t.tenant_id = confirmations.tenant_id and t.erasing_at is not null)\``,
    put: 'sql`true`',
    test: leaves,
    only: 'a grant that',
    gain: 'the token of an erased tenant is never revoked, because the tenant’s own confirmation page was open',
  },
  {
    name: 'grant-during-erasure-not-revoked',
    in: 'connectByAuthorizationCode',
    find: 'if (isTenantErasing(error)) await releaseWaitingGrant',
    put: 'if (error === undefined) await releaseWaitingGrant',
    test: leaves,
    only: 'a connect',
    gain: 'HubSpot honors a grant of which this service has no record',
  },
  {
    name: 'budget-of-a-shared-account-deleted',
    in: 'unused',
    find: 'sql`not exists (select from account_routes r where r.hub_id = b.hub_id)`',
    put: 'sql`true`',
    test: erasure,
    only: 'erasing on PostgreSQL in the',
    gain: 'erasing one tenant deletes the limits that HubSpot reported for another tenant’s account',
  },
  {
    name: 'sealed-token-in-an-export',
    in: 'dataInventory',
    find: `exported: 'integration_id kind expires_at refresh_at confirmed_at epoch lease_until',
    excluded: 'access_token refresh_token',`,
    put: `exported: 'integration_id kind access_token expires_at refresh_at confirmed_at epoch lease_until',
    excluded: 'refresh_token',`,
    test: exportTests,
    only: 'an export on PostgreSQL holds every',
    gain: 'anybody who may read an export obtains sealed tokens, which a key that leaks later opens',
  },
  {
    name: 'export-that-repeats-rows',
    in: 'pageOf',
    find: `(\${refs(key)}) > (`,
    put: `(\${refs(key)}) >= (`,
    test: exportTests,
    only: 'an export on PostgreSQL holds every',
    gain: 'an export differs from the stored data',
  },
  {
    name: 'tombstones-by-age-alone',
    in: 'deleteOldTombstones',
    find: `and i.observed_at < \${ago(retentionMs)}
        and not \${seenSince(sql\`i.ticket_id\`, sql\`i\`, retentionMs)}`,
    put: '',
    test: retention,
    only: 'retention on PostgreSQL tombstones stay',
    gain: 'each full run reports a deleted ticket as newly deleted',
  },
]
