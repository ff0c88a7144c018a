/** Faults in tenant isolation: roles, policies, scopes, and who may act for whom. */
import type { Fault } from '../fault.ts'

const wall = 'test/db/isolation.test.ts'
const words = 'test/tenant-canaries.test.ts'
/** What is planted is the same on both engines; one of them spares time. */
const wallOnPostgres = 'isolation on PostgreSQL'
const onPostgres = 'tenant canaries on PostgreSQL'

export const isolation: Fault[] = [
  {
    name: 'a-table-without-row-security',
    find: 'alter table idempotency_keys enable row level security, force row level security;',
    put: 'alter table idempotency_keys force row level security;',
    test: wall,
    only: wallOnPostgres,
    gain: 'one query that lacks its `where` shows a tenant the stored responses of all tenants',
  },
  {
    name: 'a-table-without-its-policy',
    find: `create policy own_tenant on issues to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());`,
    put: 'create policy own_tenant on issues to spoke_app using (true) with check (true);',
    test: wall,
    only: wallOnPostgres,
    gain: 'issues of every tenant can be read and written in the scope of any tenant',
  },
  {
    name: 'a-policy-that-guards-reading-alone',
    find: `create policy own_tenant on issues to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());`,
    put: `create policy own_tenant on issues to spoke_app
  using (tenant_id = spoke_tenant()) with check (true);`,
    test: wall,
    only: wallOnPostgres,
    gain: 'a tenant can insert issues into another tenant’s data',
  },
  {
    name: 'a-table-not-forced',
    find: 'alter table record_problems enable row level security, force row level security;',
    put: 'alter table record_problems enable row level security;',
    test: wall,
    only: wallOnPostgres,
    gain: 'the owner of the table bypasses its policy',
  },
  {
    name: 'set-that-outlives-its-transaction',
    in: 'setTenant',
    find: 'set local spoke.tenant_id',
    put: 'set spoke.tenant_id',
    test: wall,
    only: wallOnPostgres,
    gain: 'the next unit of work on the pooled connection acts for the previous tenant',
  },
  {
    name: 'role-that-is-not-dropped',
    in: 'withTenant',
    find: `['set local role spoke_app', `,
    put: `['set local role none', `,
    test: wall,
    only: wallOnPostgres,
    gain: 'with the owner’s login, no policy applies at all',
  },
  {
    name: 'tenant-id-not-checked-in-the-scope',
    in: 'setTenant',
    find: 'const checked = parseUuid(tenantId)',
    put: 'const checked: string | undefined = tenantId',
    test: wall,
    only: wallOnPostgres,
    gain: 'text cast to a tenant id ends the quoted literal and runs as SQL',
  },
  {
    name: 'system-role-granted-too-much',
    find: 'grant select (tenant_id, integration_id, kind, sync_type, epoch,',
    put: 'grant select (cursor, tenant_id, integration_id, kind, sync_type, epoch,',
    test: wall,
    only: wallOnPostgres,
    gain: 'code without a tenant can read what only the tenant may read',
  },
  {
    name: 'start-check-that-sees-no-open-policy',
    in: 'tableFaults',
    find: '.filter((policy) => !meant.includes(policy))',
    put: '.filter(() => false)',
    test: wall,
    only: wallOnPostgres,
    gain: 'the service starts although a policy added by hand opens a table',
  },
  {
    name: 'purge-of-another-integration',
    in: 'deletionOf',
    find: `where tenant_id = \${tenantId} and integration_id = \${integrationId}
        and ticket_id = any`,
    put: `where tenant_id = \${tenantId}
        and ticket_id = any`,
    test: 'test/integrations/purge.test.ts',
    gain: 'purging one integration destroys the data of another',
  },
  {
    name: 'cursor-of-another-accepted',
    in: 'decodeCursor',
    find: 'if (owner !== of || typeof',
    put: 'if (typeof',
    test: 'test/http/bad-input-everywhere.test.ts',
    gain: 'a cursor issued to one tenant reads the pages of another tenant',
  },
  {
    name: 'response-stored-for-another-request',
    in: 'findStoredResponse',
    find: 'if (row.request_hash !== key.hashWith(row.salt)) throw mismatch()',
    put: '',
    test: 'test/api/idempotency-http.test.ts',
    gain: 'the response to one request is returned to another request with the same idempotency key',
  },
  {
    name: 'shared-account-revoked',
    in: 'releaseGrant',
    find: 'if (await withSystem(db, (scope) => accountIsShared(scope, hubId, except))) return false',
    put: '',
    test: 'test/integrations/disconnect.test.ts',
    gain: 'one tenant ends the connection of another tenant to the same HubSpot account',
  },
  {
    name: 'other-account-under-the-same-integration',
    in: 'checkConnectAccount',
    find: 'if (begun && begun.hub_id !== null && begun.hub_id !== hubId) {',
    put: 'if (begun && begun.hub_id === -1) {',
    test: 'test/integrations/oauth/oauth.test.ts',
    gain: 'the tickets of one account are mixed into the data of another',
  },
  {
    name: 'memory-shared-by-tenants',
    in: 'presentIssue',
    find: '...isoTimes(stored),',
    put: '...isoTimes(stored), subject: ((globalThis as { kept?: string | null }).kept ??= stored.subject),',
    test: words,
    only: onPostgres,
    gain: 'data read for one tenant is returned to the next',
  },
  {
    name: 'metrics-that-name-tenants',
    in: 'createServer',
    find: '{ method: request.method, route, status: reply.statusCode },',
    put: `{ method: request.method, route: String(request.url.split('?')[0]), status: reply.statusCode },`,
    test: words,
    only: onPostgres,
    gain: 'anybody who reads the metrics learns who the customers are, and how active they are',
  },
  {
    name: 'log-line-of-two-tenants',
    in: 'createServer',
    find: 'status: reply.statusCode, ms: Math.round(reply.elapsedTime) },',
    put: 'status: reply.statusCode, sockets: known.push({ method: request.id, pattern: /$^/ }) && known.slice(-2) },',
    test: words,
    only: onPostgres,
    gain: 'the log shown to one tenant reveals data of another',
  },
]
