/** Rows for tests of SQL: two tenants, each with something in every table. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { readIdempotencyKey } from '../../src/api/idempotency.ts'
import { runIdempotent } from '../../src/api/run-idempotent.ts'
import type { AuditEvent } from '../../src/audit/event.ts'
import { appendTenantAuditEvent } from '../../src/audit/store.ts'
import { createApiKey, revokeApiKey } from '../../src/auth/api-keys.ts'
import { insertSession } from '../../src/auth/session-store.ts'
import { recordChange } from '../../src/changes/store.ts'
import type { Database } from '../../src/db/database.ts'
import { withSystem, withTenant } from '../../src/db/scope.ts'
import { parseTenantId, type TenantId } from '../../src/db/tenant-id.ts'
import { claimInbox } from '../../src/inbox/claim-store.ts'
import { enqueueAssociationReads } from '../../src/inbox/store.ts'
import { insertAlias } from '../../src/integrations/alias-store.ts'
import { insertAuthorization } from '../../src/integrations/oauth/authorization-store.ts'
import { insertConfirmation } from '../../src/integrations/oauth/confirmation-store.ts'
import { saveResourceRead } from '../../src/integrations/resource-store.ts'
import { saveConnectedAccount } from '../../src/integrations/store.ts'
import { replaceToken } from '../../src/integrations/tokens/token-store.ts'
import { saveAssociations } from '../../src/issues/association-store.ts'
import type { IssueRow } from '../../src/issues/issue.ts'
import { type LabelRow, saveLabels } from '../../src/issues/label-store.ts'
import { saveProblems } from '../../src/issues/problem-store.ts'
import { beginSearchBuild } from '../../src/issues/search-index-store.ts'
import { saveMerges, upsertIssues } from '../../src/issues/upsert-store.ts'
import { newId } from '../../src/lib/ids.ts'
import type { KeyRing } from '../../src/lib/seal.ts'
import { Secret } from '../../src/lib/secret.ts'
import { newWebhookSecret } from '../../src/lib/standard-webhooks.ts'
import { saveAttempt, takeDeliveries } from '../../src/outbox/delivery-store.ts'
import { insertEndpoint } from '../../src/outbox/endpoint-store.ts'
import { newSqlLoginName } from '../../src/sql-access/sql-logins.ts'
import { insertSqlLogin } from '../../src/sql-access/store.ts'
import { requestRun } from '../../src/sync/store.ts'
import { ensureTenant } from '../../src/tenants/store.ts'

export const A = parseTenantId('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa')
export const B = parseTenantId('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb')
export const ring: KeyRing = [{ kid: 'k1', key: new Uint8Array(32).fill(7) }]

const supportPipeline: LabelRow = {
  topic: 'pipeline',
  parent: '',
  id: '0',
  label: 'Support Pipeline',
  email: null,
  closed: null,
  archived: false,
}

export const auditEvent: AuditEvent = {
  actor: 'admin',
  action: 'sync.start',
  target: null,
  address: '127.0.0.1',
  request_id: 'a-seed',
  phase: 'requested',
  result: null,
}

/** An integration with a token, an authorisation, an issue, a stream, a run and a row of each other kind. @returns its id */
export async function seedTenant(db: Database, tenantId: TenantId, hubId = 4242): Promise<string> {
  const id = newId()
  await withTenant(db, tenantId, async (scope) => {
    await ensureTenant(scope, ring)
    // Revoked, so that the database may still be served in open mode.
    const made = await createApiKey(scope, ring, { name: 'of the tests', scopes: ['read'], lifeMs: null })
    await revokeApiKey(scope, made.details.key_id)
    const account = {
      kind: 'static',
      hub_id: hubId,
      hub_domain: null,
      ui_domain: null,
      hub_user: null,
      scopes: ['tickets'],
      expires_in_ms: null,
    } as const
    await saveConnectedAccount(scope, id, { ...account, scopes: ['tickets'] })
    await insertAlias(scope, newId(), id)
    const accessToken = new Secret(`pat-na1-${tenantId}`)
    await replaceToken(scope, ring, id, {
      kind: 'static',
      accessToken,
      refreshToken: undefined,
      expiresInMs: null,
    })
    const asked = {
      integrationId: id,
      stateHash: newId(),
      codeVerifier: `sealed ${newId()}`,
      requestedBy: 'open',
    }
    await insertAuthorization(scope, asked)
    const sealed = { access_token: `sealed ${newId()}`, refresh_token: `sealed ${newId()}` }
    const waiting = { ...account, ...sealed, scopes: null, confirmation_id: newId(), integration_id: id }
    await insertConfirmation(scope, newId(), waiting)
    await requestRun(scope, { integrationId: id, kind: 'tickets', syncType: 'full' }, 'api')
    await beginSearchBuild(scope, id)
    // Twice: what a read finds as it was is seen.
    const first = issueRow('1')
    for (const at of [new Date(), new Date(Date.now() + 1_000)]) await upsertIssues(scope, id, [first], at)
    await saveMerges(scope, id, [{ loser: '2', survivor: '1' }], new Date())
    const problem = { record_id: '3', state: 'quarantined', reason: 'a seed', record: null } as const
    await saveProblems(scope, id, 'tickets', [problem], [])
    await saveResourceRead(scope, id, 'pipelines', null)
    await saveLabels(scope, id, ['pipeline'], [supportPipeline])
    await saveAssociations(scope, id, new Map([['1', { contacts: [] }]]), new Date())
    const request = { method: 'POST', url: '/', headers: { 'idempotency-key': 'k' }, body: {} }
    await runIdempotent(scope, readIdempotencyKey(request), async () => ({ status: 202, body: {} }))
    await appendTenantAuditEvent(scope, auditEvent)
    const sqlLogin = { login: newSqlLoginName(), name: 'of the tests', statementSeconds: 30, connections: 5 }
    await insertSqlLogin(scope, sqlLogin)
    await claimInbox(scope, id, { instance: 'seed', exclusive: false, leaseMs: 1_000 })
    await enqueueAssociationReads(scope, id, ['1'], new Date())
    const endpointId = newId()
    const endpoint = {
      endpointId,
      url: 'https://example.com/',
      types: ['sync.failed'],
      inOrder: false,
      include: [],
    }
    await insertEndpoint(scope, ring, endpoint, newWebhookSecret())
    const seq = await recordChange(scope, 'sync.failed', null, {})
    const {
      deliveries: [taken],
    } = await takeDeliveries(scope, endpointId, { inOrder: false, atMost: 1, leaseMs: 1_000 })
    const attempt = { ms: 1, status: 500, error: undefined, response: 'x' }
    await saveAttempt(scope, endpointId, { seq, lease: taken?.lease ?? '' }, attempt, { waitMs: 3_600_000 })
  })
  await withSystem(db, (scope) =>
    insertSession(scope, {
      token_hash: newId(),
      tenant_id: tenantId,
      scopes: ['read'],
      created_by: 'jwt:seed',
      binding: `a seed of ${tenantId}`,
      expires_at: new Date(Date.now() + 3_600_000),
    }),
  )
  return id
}

/** An account under a new tenant, with nothing but its link. @param installedAt null: our app is not in it @returns its integration's id */
export async function seedLink(
  db: Database,
  hubId: number,
  installedAt: string | null = '2026-01-01',
): Promise<string> {
  const [tenant, integration] = [parseTenantId(randomUUID()), randomUUID()]
  await withTenant(db, tenant, (scope) => ensureTenant(scope, ring))
  await sql`insert into tenant_integrations (tenant_id, integration_id, status, hub_id)
    values (${tenant}, ${integration}, 'active', ${hubId})`.execute(db.kysely)
  await sql`insert into account_routes (hub_id, tenant_id, integration_id, installed_at)
    values (${hubId}, ${tenant}, ${integration}, ${installedAt}::timestamptz)`.execute(db.kysely)
  return integration
}

/** @param over what differs from a plain ticket; a subject goes into its properties */
export function issueRow(ticketId: string, over: Partial<IssueRow> & { subject?: string } = {}): IssueRow {
  const { subject = `Subject ${ticketId}`, modified_at = '2026-01-01T00:00:00.000Z', ...rest } = over
  return {
    ticket_id: ticketId,
    issue_id: newId(),
    ticket_created_at: '2026-01-01T00:00:00.000Z',
    archived: false,
    archived_at: null,
    url: null,
    ...rest,
    modified_at,
    properties: {
      subject,
      hs_lastmodifieddate: modified_at,
      hs_pipeline: '0',
      hs_pipeline_stage: '1',
      ...over.properties,
    },
  }
}
