/** Faults in export, erasure and retention: the lock, the mark, the erasure role, what is deleted and exported, and for how long data is stored. */
import type { Fault } from '../fault.ts'

const erasure = 'test/tenants/erasure.test.ts'
const leaves = 'test/tenants/export-and-erasure.test.ts'
const exportTests = 'test/tenants/export.test.ts'
const retention = 'test/worker/retention.test.ts'

export const exportAndErasure: Fault[] = [
  {
    name: 'erasure-does-not-wait-for-running-work',
    find: `  perform pg_advisory_xact_lock_shared(hashtextextended(tenant::text, 1));
`,
    put: '',
    test: erasure,
    only: 'erasing on PostgreSQL it begins when',
    gain: 'a page that is being saved at that moment leaves rows of an erased tenant',
  },
  {
    name: 'erasing-tenant-not-locked-out',
    find: '  if exists (select from tenants where tenant_id = tenant and erasing_at is not null) then',
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
    name: 'unmarked-table-not-erased',
    in: 'eraseTenantRows',
    find: "when === 'rows' ? notRows.includes(entry.erased) : entry.erased !== stages[when]",
    put: "entry.erased !== (when === 'rows' ? 'in steps' : stages[when])",
    test: erasure,
    only: 'erasing on PostgreSQL a table that',
    gain: 'a tenant’s rows in a new table that nobody has marked stay, and the erasure never ends',
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
    find: "'integration_tokens.access_token',",
    put: '',
    test: exportTests,
    only: 'an export on PostgreSQL holds every',
    gain: 'anybody who may read an export obtains sealed tokens, which a key that leaks later opens',
  },
  {
    name: 'unmarked-column-in-an-export',
    in: 'readDataInventory',
    find: `filter (where d.description ~ '^exported(:|$)'), '{}') as exported`,
    put: `filter (where d.description ~ '^secret(:|$)' is not true), '{}') as exported`,
    test: exportTests,
    only: 'an export on PostgreSQL a column',
    gain: 'a new column with a secret leaves with every export until somebody thinks of it',
  },
  {
    name: 'column-without-a-mark',
    find: `loop
    execute format('comment on column %I.%I is %L'`,
    put: `loop
    continue when one.relname = 'labels' and one.attname = 'email';
    execute format('comment on column %I.%I is %L'`,
    test: 'test/db/schema.test.ts',
    only: 'the schema on PostgreSQL each column',
    gain: 'nobody has decided whether a new column is in an export',
  },
  {
    name: 'grant-that-no-review-shows',
    find: 'grant select, insert, update (installed_at), delete on account_routes to spoke_app;',
    put: 'grant select, insert, update, delete on account_routes to spoke_app;',
    test: 'test/db/schema.test.ts',
    only: 'the schema on PostgreSQL is that',
    gain: 'a migration widens a grant, and schema.sql still shows the old one',
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
