/** Faults in how a tenant leaves: the lock, the mark, the door, what goes and what is told; and in what is kept how long. */
import type { Fault } from '../fault.ts'

const erasure = 'test/tenants/erasure.test.ts'
const leaves = 'test/tenants/leaving.test.ts'
const told = 'test/tenants/export.test.ts'
const retention = 'test/worker/retention.test.ts'

export const leaving: Fault[] = [
  {
    name: 'erasure-that-waits-for-nobody',
    find: `  perform pg_advisory_xact_lock_shared(hashtextextended(spoke_tenant()::text, 1));
`,
    put: '',
    test: erasure,
    only: 'erasing on PostgreSQL it begins when',
    gain: 'a page that is being kept at that moment leaves rows of a tenant that is erased',
  },
  {
    name: 'mark-that-keeps-nobody-out',
    find: '  if spoke_erasing() then',
    put: '  if false then',
    test: erasure,
    only: 'erasing on PostgreSQL from the mark',
    gain: 'work goes on in a tenant while it is erased, and leaves rows behind',
  },
  {
    name: 'mark-that-can-be-taken-back',
    find: 'with check (tenant_id = (select spoke_tenant()) and erasing_at is not null);',
    put: 'with check (tenant_id = (select spoke_tenant()));',
    test: erasure,
    only: 'erasing on PostgreSQL the door',
    gain: 'a tenant comes back with half of its data',
  },
  {
    name: 'door-that-deletes-whom-nobody-marked',
    find: '  using (tenant_id = (select spoke_tenant()) and erasing_at is not null);',
    put: '  using (tenant_id = (select spoke_tenant()));',
    test: erasure,
    only: 'erasing on PostgreSQL the door',
    gain: 'one wrong id deletes a tenant that nobody meant to erase',
  },
  {
    name: 'audit-log-deleted-without-a-mark',
    find: `create policy erase_marked on audit_events for delete to spoke_eraser
  using (tenant_id = (select spoke_tenant()) and (select spoke_erasing()));`,
    put: `create policy erase_marked on audit_events for delete to spoke_eraser
  using (tenant_id = (select spoke_tenant()));`,
    test: 'test/db/isolation.test.ts',
    only: 'isolation on PostgreSQL',
    gain: 'the door of erasures removes the audit log of a tenant that stays',
  },
  {
    name: 'table-that-nobody-decided',
    in: 'dataInventory',
    find: `  entry('issue_merges', 'rows', {
    key: 'integration_id loser_id',
    exported: 'integration_id loser_id survivor_id',
  }),
`,
    put: '',
    test: erasure,
    only: 'erasing on PostgreSQL the list',
    gain: 'what a new table holds of a tenant outlives it, and is in no export',
  },
  {
    name: 'end-without-a-last-look',
    in: 'endErasure',
    find: 'await holdsAny(scope.rows, entry)',
    put: 'entry.table === scope.tenantId',
    test: erasure,
    only: 'erasing on PostgreSQL a tenant',
    gain: 'a tenant counts as gone while rows of it are there',
  },
  {
    name: 'wake-ups-that-outlive-their-tenant',
    in: 'eraseForAWhile',
    find: '() => queues.forget(tenantId)',
    put: 'async () => {}',
    test: leaves,
    only: 'from the',
    gain: 'the queue goes on entry the ids of a tenant that is gone',
  },
  {
    name: 'connect-that-brings-a-tenant-back',
    in: 'activate',
    find: 'if (since !== undefined && (await tenantSince(scope)) !== since) throw tenantErasing()',
    put: '',
    test: leaves,
    only: 'a connect',
    gain: 'a connect from before the erasure makes the tenant anew, with a token, after everybody was told that it is gone',
  },
  {
    name: 'grant-that-waits-is-not-told',
    in: 'waitingIn',
    find: `refreshToken: await opened(parts, rows, () => openWaiting(rows, parts.ring, waiting, 'refresh_token')),`,
    put: 'refreshToken: undefined,',
    test: leaves,
    only: 'a grant that',
    gain: 'what a person never said yes to goes on opening the account of a tenant that is gone',
  },
  {
    name: 'grants-of-one-who-leaves-keep-each-other',
    in: 'tenantStays',
    find: `sql\`not exists (
  select from tenants t where t.tenant_id = confirmations.tenant_id and t.erasing_at is not null)\``,
    put: 'sql`true`',
    test: leaves,
    only: 'a grant that',
    gain: 'the token of a tenant that is gone is never revoked, because a page of its own was open',
  },
  {
    name: 'grant-that-came-after-the-mark',
    in: 'finishAuthorization',
    find: 'if (isTenantErasing(error)) await releaseWaiting',
    put: 'if (error === undefined) await releaseWaiting',
    test: leaves,
    only: 'a connect',
    gain: 'HubSpot goes on honouring a grant that nobody here remembers',
  },
  {
    name: 'budget-of-a-shared-account-forgotten',
    in: 'unused',
    find: 'sql`not exists (select from portal_routes r where r.portal_id = b.portal_id)`',
    put: 'sql`true`',
    test: erasure,
    only: 'erasing on PostgreSQL in the',
    gain: 'erasing one tenant makes the other lose what HubSpot said of its limits',
  },
  {
    name: 'sealed-token-in-an-export',
    in: 'dataInventory',
    find: `exported: 'integration_id kind expires_at refresh_at confirmed_at epoch lease_until',
    withheld: 'access_token refresh_token',`,
    put: `exported: 'integration_id kind access_token expires_at refresh_at confirmed_at epoch lease_until',
    withheld: 'refresh_token',`,
    test: told,
    only: 'an export on PostgreSQL holds every',
    gain: 'who may read an export carries sealed tokens away, to open them with a key that leaks later',
  },
  {
    name: 'export-that-repeats-rows',
    in: 'pageOf',
    find: `(\${refs(key)}) > (`,
    put: `(\${refs(key)}) >= (`,
    test: told,
    only: 'an export on PostgreSQL holds every',
    gain: 'an export is not what is held',
  },
  {
    name: 'tombstones-by-age-alone',
    in: 'deleteOldTombstones',
    find: `and i.observed_at < \${ago(keepMs)}
        and not \${shownSince(sql\`i.ticket_id\`, sql\`i\`, keepMs)}`,
    put: '',
    test: retention,
    only: 'retention on PostgreSQL tombstones stay',
    gain: 'a deleted ticket comes back with each full run, as one that was just deleted',
  },
]
