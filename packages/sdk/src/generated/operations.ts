/** The operations of openapi.json, written by scripts/generate.ts: `npm run sdk`. Do not edit. */
import type { CallOptions, InputOf, ItemOf, OperationFacts, ResultOf } from '../operation-types.ts'

export const operations = {
  'health.live': { method: 'get', path: '/livez', json: true },
  'health.ready': { method: 'get', path: '/readyz', json: true },
  'health.metrics': { method: 'get', path: '/metrics' },
  'tenants.create': { method: 'post', path: '/api/tenants', body: 'application/json', idempotent: true, json: true },
  'tenants.list': { method: 'get', path: '/api/tenants', json: true, pages: { method: 'all', items: 'tenants' } },
  'tenants.get': { method: 'get', path: '/api/tenants/{tenant_id}', ofTenant: true, json: true },
  'tenants.erase': { method: 'delete', path: '/api/tenants/{tenant_id}', ofTenant: true, json: true },
  'tenants.export': { method: 'get', path: '/api/tenants/{tenant_id}/export', ofTenant: true },
  'apiKeys.create': { method: 'post', path: '/api/tenants/{tenant_id}/api-keys', ofTenant: true, body: 'application/json', idempotent: true, json: true },
  'apiKeys.list': { method: 'get', path: '/api/tenants/{tenant_id}/api-keys', ofTenant: true, json: true, pages: { method: 'all', items: 'api_keys' } },
  'apiKeys.rotate': { method: 'post', path: '/api/tenants/{tenant_id}/api-keys/{key_id}/rotate', ofTenant: true, body: 'application/json', idempotent: true, json: true },
  'apiKeys.revoke': { method: 'delete', path: '/api/tenants/{tenant_id}/api-keys/{key_id}', ofTenant: true, json: true },
  'session.begin': { method: 'post', path: '/api/session', json: true },
  'session.get': { method: 'get', path: '/api/session', json: true },
  'session.end': { method: 'delete', path: '/api/session', json: true },
  'audit.list': { method: 'get', path: '/api/tenants/{tenant_id}/audit', ofTenant: true, json: true, pages: { method: 'all', items: 'events' } },
  'audit.listOperator': { method: 'get', path: '/api/audit', json: true, pages: { method: 'listOperatorAll', items: 'events' } },
  'integrations.list': { method: 'get', path: '/api/hubspot/integrations/{tenant_id}', ofTenant: true, json: true },
  'integrations.connect': { method: 'post', path: '/api/hubspot/integrations/{tenant_id}', ofTenant: true, body: 'application/json', idempotent: true, json: true },
  'integrations.get': { method: 'get', path: '/api/hubspot/integrations/{tenant_id}/{integration_id}', ofTenant: true, json: true },
  'integrations.disconnect': { method: 'delete', path: '/api/hubspot/integrations/{tenant_id}/{integration_id}', ofTenant: true, json: true },
  'integrations.status': { method: 'get', path: '/api/hubspot/status/{tenant_id}/{integration_id}', ofTenant: true, json: true },
  'oauth.authorize': { method: 'get', path: '/api/hubspot/authorize/{tenant_id}', ofTenant: true, json: true },
  'oauth.callback': { method: 'post', path: '/api/hubspot/oauth/callback', body: 'application/json', idempotent: true, json: true },
  'oauth.browserCallback': { method: 'get', path: '/api/hubspot/oauth/callback' },
  'oauth.connectedPage': { method: 'get', path: '/connected' },
  'oauth.confirmPage': { method: 'get', path: '/connect/{confirmation_id}' },
  'oauth.confirm': { method: 'post', path: '/connect/{confirmation_id}', body: 'application/x-www-form-urlencoded' },
  'issues.list': { method: 'get', path: '/api/hubspot/issues/{tenant_id}', ofTenant: true, json: true, pages: { method: 'all', items: 'issues' } },
  'issues.facets': { method: 'get', path: '/api/hubspot/issues/{tenant_id}/facets', ofTenant: true, json: true },
  'issues.read': { method: 'post', path: '/api/hubspot/issues/{tenant_id}/read', ofTenant: true, body: 'application/json', json: true },
  'issues.search': { method: 'post', path: '/api/hubspot/issues/{tenant_id}/search', ofTenant: true, body: 'application/json', json: true },
  'issues.searchByClient': { method: 'post', path: '/api/hubspot/client/{tenant_id}/{integration_id}/crm/v3/objects/tickets/search', ofTenant: true, body: 'application/json', json: true },
  'issues.export': { method: 'get', path: '/api/hubspot/issues/{tenant_id}/export', ofTenant: true },
  'tickets.list': { method: 'get', path: '/api/hubspot/tickets/{tenant_id}/{integration_id}', ofTenant: true, json: true, pages: { method: 'all', items: 'tickets' } },
  'issues.get': { method: 'get', path: '/api/hubspot/issues/{tenant_id}/{issue_id}', ofTenant: true, json: true },
  'problems.list': { method: 'get', path: '/api/hubspot/problems/{tenant_id}/{integration_id}', ofTenant: true, json: true, pages: { method: 'all', items: 'problems' } },
  'changes.list': { method: 'get', path: '/api/hubspot/changes/{tenant_id}', ofTenant: true, json: true },
  'endpoints.create': { method: 'post', path: '/api/hubspot/endpoints/{tenant_id}', ofTenant: true, body: 'application/json', idempotent: true, json: true },
  'endpoints.list': { method: 'get', path: '/api/hubspot/endpoints/{tenant_id}', ofTenant: true, json: true },
  'endpoints.change': { method: 'post', path: '/api/hubspot/endpoints/{tenant_id}/{endpoint_id}', ofTenant: true, body: 'application/json', idempotent: true, json: true },
  'endpoints.delete': { method: 'delete', path: '/api/hubspot/endpoints/{tenant_id}/{endpoint_id}', ofTenant: true, json: true },
  'endpoints.rotate': { method: 'post', path: '/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/rotate', ofTenant: true, idempotent: true, json: true },
  'endpoints.test': { method: 'post', path: '/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/test', ofTenant: true, idempotent: true, json: true },
  'endpoints.recover': { method: 'post', path: '/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/recover', ofTenant: true, body: 'application/json', idempotent: true, json: true },
  'endpoints.deliveries': { method: 'get', path: '/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries', ofTenant: true, json: true, pages: { method: 'deliveriesAll', items: 'deliveries' } },
  'endpoints.resend': { method: 'post', path: '/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries/{change_id}/resend', ofTenant: true, idempotent: true, json: true },
  'sync.start': { method: 'post', path: '/api/hubspot/sync/{tenant_id}/{integration_id}', ofTenant: true, body: 'application/json', idempotent: true, json: true },
  'sync.list': { method: 'get', path: '/api/hubspot/sync/{tenant_id}/{integration_id}', ofTenant: true, json: true, pages: { method: 'all', items: 'events' } },
  'sync.get': { method: 'get', path: '/api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}', ofTenant: true, json: true },
  'sync.events': { method: 'get', path: '/api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}/events', ofTenant: true },
  'inbox.get': { method: 'get', path: '/api/hubspot/inbox/{tenant_id}/{integration_id}', ofTenant: true, json: true, pages: { method: 'deadLetters', items: 'dead_letters' } },
  'inbox.replay': { method: 'post', path: '/api/hubspot/inbox/{tenant_id}/{integration_id}/replay', ofTenant: true, body: 'application/json', idempotent: true, json: true },
  'webhooks.receive': { method: 'post', path: '/api/hubspot/webhooks' },
} as const satisfies Record<string, OperationFacts>

/** The codes that an error of Spoke may have. A newer Spoke may have more. */
export type ErrorCode =
  | 'api_key_not_active'
  | 'api_key_not_found'
  | 'bad_request'
  | 'body_too_large'
  | 'cursor_gone'
  | 'delivery_not_found'
  | 'disk_full'
  | 'endpoint_not_found'
  | 'forged_request'
  | 'hub_changed'
  | 'hubspot_forbidden'
  | 'hubspot_limit'
  | 'hubspot_unavailable'
  | 'idempotency_in_progress'
  | 'idempotency_mismatch'
  | 'insufficient_scope'
  | 'integration_not_connected'
  | 'integration_not_found'
  | 'internal'
  | 'invalid_cursor'
  | 'invalid_id'
  | 'invalid_json'
  | 'invalid_signature'
  | 'invalid_state'
  | 'issue_not_found'
  | 'misdirected_request'
  | 'missing_scopes'
  | 'oauth_code_rejected'
  | 'oauth_denied'
  | 'oauth_not_configured'
  | 'open_mode'
  | 'overloaded'
  | 'query_too_broad'
  | 'rate_limited'
  | 'request_too_large'
  | 'sync_event_not_found'
  | 'tenant_erasing'
  | 'tenant_not_found'
  | 'token_invalid'
  | 'too_many_endpoints'
  | 'unauthenticated'
  | 'unavailable'
  | 'unsupported_media_type'
  | 'validation_failed'
  | 'webhooks_not_configured'

/** Operations that are not about one tenant. */
export interface RootOperations {
  health: {
    /**
     * Whether the process responds. For a liveness probe: it checks nothing else, and responds under any load.
     *
     * `GET /livez`
     */
    live(input?: InputOf<'health.live'>, options?: CallOptions): Promise<ResultOf<'health.live'>>
    /**
     * Whether the process can serve requests. For a readiness probe: the database responds, has disk space and the expected schema, and the process is not stopping. `checks` says which of these failed.
     *
     * `GET /readyz`
     */
    ready(input?: InputOf<'health.ready'>, options?: CallOptions): Promise<ResultOf<'health.ready'>>
    /**
     * Metrics in Prometheus’s format. No metric has a tenant label. Needs the metrics key or the admin key.
     *
     * `GET /metrics`
     */
    metrics(input?: InputOf<'health.metrics'>, options?: CallOptions): Promise<ResultOf<'health.metrics'>>
  }
  tenants: {
    /**
     * Create a tenant. 201 if it is new, 200 if it exists.
     *
     * `POST /api/tenants`
     */
    create(input: InputOf<'tenants.create'>, options?: CallOptions): Promise<ResultOf<'tenants.create'>>
    /**
     * List tenants. In the order of their ids.
     *
     * `GET /api/tenants`
     */
    list(input?: InputOf<'tenants.list'>, options?: CallOptions): Promise<ResultOf<'tenants.list'>>
    /**
     * List tenants. Reads page after page until the last. In the order of their ids.
     *
     * `GET /api/tenants`
     */
    all(input?: InputOf<'tenants.list'>, options?: CallOptions): AsyncGenerator<ItemOf<'tenants.list', 'tenants'>, void, undefined>
  }
  session: {
    /**
     * Begin a session. Exchanges the credential in `Authorization` for a cookie that no script can read. A session cannot create a session. It ends after 30 minutes without a request, after 12 hours, and with its credential. In open mode there is no cookie.
     *
     * `POST /api/session`
     */
    begin(input?: InputOf<'session.begin'>, options?: CallOptions): Promise<ResultOf<'session.begin'>>
    /**
     * Read the session. Who is calling, by cookie or by header. A reloaded page gets its `csrf_token` here.
     *
     * `GET /api/session`
     */
    get(input?: InputOf<'session.get'>, options?: CallOptions): Promise<ResultOf<'session.get'>>
    /**
     * End the session. Ends the cookie’s session and removes the cookie. `ended` is false if there was none.
     *
     * `DELETE /api/session`
     */
    end(input?: InputOf<'session.end'>, options?: CallOptions): Promise<ResultOf<'session.end'>>
  }
  audit: {
    /**
     * List the audit log of the operator. Events above the level of a tenant, newest first. A tenant that does not exist appears as a pseudonym.
     *
     * `GET /api/audit`
     */
    listOperator(input?: InputOf<'audit.listOperator'>, options?: CallOptions): Promise<ResultOf<'audit.listOperator'>>
    /**
     * List the audit log of the operator. Reads page after page until the last. Events above the level of a tenant, newest first. A tenant that does not exist appears as a pseudonym.
     *
     * `GET /api/audit`
     */
    listOperatorAll(input?: InputOf<'audit.listOperator'>, options?: CallOptions): AsyncGenerator<ItemOf<'audit.listOperator', 'events'>, void, undefined>
  }
  oauth: {
    /**
     * Finish connecting by OAuth. For a program that received the code and the state itself; a browser uses the GET. Connects at once. The caller that started the authorization must finish it: the operator, or any credential of the same tenant.
     *
     * `POST /api/hubspot/oauth/callback`
     */
    callback(input: InputOf<'oauth.callback'>, options?: CallOptions): Promise<ResultOf<'oauth.callback'>>
    /**
     * Receive the browser from HubSpot. Needs no credential: the single-use state is one. It connects nothing yet, but leads to a page that shows the account. An error is a page for a browser, and the usual object for others.
     *
     * `GET /api/hubspot/oauth/callback`
     */
    browserCallback(input?: InputOf<'oauth.browserCallback'>, options?: CallOptions): Promise<ResultOf<'oauth.browserCallback'>>
    /**
     * Show the page after connecting. Where the browser ends up after connecting. It depends only on `hub_id`.
     *
     * `GET /connected`
     */
    connectedPage(input: InputOf<'oauth.connectedPage'>, options?: CallOptions): Promise<ResultOf<'oauth.connectedPage'>>
    /**
     * Show the page that asks whether to connect the account. For the browser that came back from HubSpot, for ten minutes. Shows the account, its user and scopes, and the tenant. Leads on if the account is already connected.
     *
     * `GET /connect/{confirmation_id}`
     */
    confirmPage(confirmation_id: string, input?: InputOf<'oauth.confirmPage'>, options?: CallOptions): Promise<ResultOf<'oauth.confirmPage'>>
    /**
     * Confirm or cancel connecting the account. The two buttons of the page; accepted only from that page. Connect leads on, also when it is sent twice; Cancel deletes the grant and revokes it at HubSpot.
     *
     * `POST /connect/{confirmation_id}`
     */
    confirm(confirmation_id: string, input: InputOf<'oauth.confirm'>, options?: CallOptions): Promise<ResultOf<'oauth.confirm'>>
  }
  webhooks: {
    /**
     * Receive webhooks from HubSpot. Called by HubSpot: up to 100 events as a JSON array, signed (X-HubSpot-Signature-v3) with the app’s client secret.
     *
     * `POST /api/hubspot/webhooks`
     */
    receive(input?: InputOf<'webhooks.receive'>, options?: CallOptions): Promise<ResultOf<'webhooks.receive'>>
  }
}

/** Operations of one tenant, whose id is given by `spoke.tenant(id)`. */
export interface TenantOperations {
  /**
   * Read a tenant. When the tenant was created. A tenant that is being erased is not found.
   *
   * `GET /api/tenants/{tenant_id}`
   */
  get(input?: InputOf<'tenants.get'>, options?: CallOptions): Promise<ResultOf<'tenants.get'>>
  /**
   * Erase a tenant. Permanently deletes the tenant with all its data. The response comes once nobody can reach the tenant any more; a worker then deletes the rows. A repeated request gets 202 until that is done, and 404 afterwards.
   *
   * `DELETE /api/tenants/{tenant_id}`
   */
  erase(input?: InputOf<'tenants.erase'>, options?: CallOptions): Promise<ResultOf<'tenants.erase'>>
  /**
   * Export the data of a tenant. Lines of JSON: a header, one line for each row of every table, and a last line that counts them. Without a last line that says `complete` the export was cut off. It is not a snapshot: a row that changes meanwhile appears as it is when it is read.
   *
   * `GET /api/tenants/{tenant_id}/export`
   */
  export(input?: InputOf<'tenants.export'>, options?: CallOptions): Promise<ResultOf<'tenants.export'>>
  apiKeys: {
    /**
     * Create an API key. The response contains the key, only this once: Spoke stores a hash. If the response was lost, revoke the key and create another.
     *
     * `POST /api/tenants/{tenant_id}/api-keys`
     */
    create(input: InputOf<'apiKeys.create'>, options?: CallOptions): Promise<ResultOf<'apiKeys.create'>>
    /**
     * List the API keys of a tenant. Includes revoked and expired ones, without their secrets.
     *
     * `GET /api/tenants/{tenant_id}/api-keys`
     */
    list(input?: InputOf<'apiKeys.list'>, options?: CallOptions): Promise<ResultOf<'apiKeys.list'>>
    /**
     * List the API keys of a tenant. Reads page after page until the last. Includes revoked and expired ones, without their secrets.
     *
     * `GET /api/tenants/{tenant_id}/api-keys`
     */
    all(input?: InputOf<'apiKeys.list'>, options?: CallOptions): AsyncGenerator<ItemOf<'apiKeys.list', 'api_keys'>, void, undefined>
    /**
     * Replace an API key. Creates a second key with the same name, scopes and lifetime. Both are valid for `overlap` seconds; then the old one expires.
     *
     * `POST /api/tenants/{tenant_id}/api-keys/{key_id}/rotate`
     */
    rotate(key_id: string, input?: InputOf<'apiKeys.rotate'>, options?: CallOptions): Promise<ResultOf<'apiKeys.rotate'>>
    /**
     * Revoke an API key. Within a second no process accepts it, and its sessions end.
     *
     * `DELETE /api/tenants/{tenant_id}/api-keys/{key_id}`
     */
    revoke(key_id: string, input?: InputOf<'apiKeys.revoke'>, options?: CallOptions): Promise<ResultOf<'apiKeys.revoke'>>
  }
  audit: {
    /**
     * List the audit log of a tenant. The tenant’s chain, newest first: everything that had an effect, and refused attempts. Each event contains the hash of the one before it.
     *
     * `GET /api/tenants/{tenant_id}/audit`
     */
    list(input?: InputOf<'audit.list'>, options?: CallOptions): Promise<ResultOf<'audit.list'>>
    /**
     * List the audit log of a tenant. Reads page after page until the last. The tenant’s chain, newest first: everything that had an effect, and refused attempts. Each event contains the hash of the one before it.
     *
     * `GET /api/tenants/{tenant_id}/audit`
     */
    all(input?: InputOf<'audit.list'>, options?: CallOptions): AsyncGenerator<ItemOf<'audit.list', 'events'>, void, undefined>
  }
  integrations: {
    /**
     * List the integrations of a tenant. All of them, oldest first, including pending and disconnected ones. This makes no call to HubSpot.
     *
     * `GET /api/hubspot/integrations/{tenant_id}`
     */
    list(input?: InputOf<'integrations.list'>, options?: CallOptions): Promise<ResultOf<'integrations.list'>>
    /**
     * Connect a HubSpot account with a token. Accepts a private-app token, a static token, a service key, or an OAuth access token. Spoke tests the token, stores it sealed, and starts a sync. The response is 200 instead of 201 if the tenant already had this HubSpot account: the integration keeps its id and data. The operator’s first call for a new UUID creates the tenant. On an error nothing is stored.
     *
     * `POST /api/hubspot/integrations/{tenant_id}`
     */
    connect(input: InputOf<'integrations.connect'>, options?: CallOptions): Promise<ResultOf<'integrations.connect'>>
    /**
     * Read an integration. As last known; to test the connection, use `integrations.status`. An id that was replaced by a reconnect still works, and the response names the current one.
     *
     * `GET /api/hubspot/integrations/{tenant_id}/{integration_id}`
     */
    get(integration_id: string, input?: InputOf<'integrations.get'>, options?: CallOptions): Promise<ResultOf<'integrations.get'>>
    /**
     * Disconnect an integration. Deletes the tokens, cancels its runs and stops the schedule. Issues and history stay unless `purge=true`. An OAuth token is then revoked at HubSpot, unless another integration uses the same account.
     *
     * `DELETE /api/hubspot/integrations/{tenant_id}/{integration_id}`
     */
    disconnect(integration_id: string, input?: InputOf<'integrations.disconnect'>, options?: CallOptions): Promise<ResultOf<'integrations.disconnect'>>
    /**
     * Test the connection to HubSpot. Calls HubSpot each time; concurrent requests share one call. A broken connection is also a 200, with `connected: false`, the reason in `code` and `error`, and the last known values.
     *
     * `GET /api/hubspot/status/{tenant_id}/{integration_id}`
     */
    status(integration_id: string, input?: InputOf<'integrations.status'>, options?: CallOptions): Promise<ResultOf<'integrations.status'>>
  }
  oauth: {
    /**
     * Begin to connect a HubSpot account by OAuth. Send the tenant’s browser to `authorization_url` within ten minutes. Without `integration_id` this creates a pending integration; its id stays valid if an older one is renewed instead. A tenant can have twenty unfinished authorizations; newer ones replace the oldest.
     *
     * `GET /api/hubspot/authorize/{tenant_id}`
     */
    authorize(input?: InputOf<'oauth.authorize'>, options?: CallOptions): Promise<ResultOf<'oauth.authorize'>>
  }
  issues: {
    /**
     * List issues. All conditions must hold. Without `sort`, in the order in which they were first saved; of one integration and without a filter, by ticket id. Paging to the end returns each issue that does not change meanwhile once. Includes tombstones unless `archived=false`. A page may be shorter than `limit`: it ends at 512 KiB.
     *
     * `GET /api/hubspot/issues/{tenant_id}`
     */
    list(input?: InputOf<'issues.list'>, options?: CallOptions): Promise<ResultOf<'issues.list'>>
    /**
     * List issues. Reads page after page until the last. All conditions must hold. Without `sort`, in the order in which they were first saved; of one integration and without a filter, by ticket id. Paging to the end returns each issue that does not change meanwhile once. Includes tombstones unless `archived=false`. A page may be shorter than `limit`: it ends at 512 KiB.
     *
     * `GET /api/hubspot/issues/{tenant_id}`
     */
    all(input?: InputOf<'issues.list'>, options?: CallOptions): AsyncGenerator<ItemOf<'issues.list', 'issues'>, void, undefined>
    /**
     * Count issues by their values. Takes the conditions of `issues.list` and counts what they find by account, pipeline, stage, owner, priority and category, and with `interval` by time.
     *
     * `GET /api/hubspot/issues/{tenant_id}/facets`
     */
    facets(input?: InputOf<'issues.facets'>, options?: CallOptions): Promise<ResultOf<'issues.facets'>>
    /**
     * Read issues by their ids. Up to 200 issues, in the order of the request and each once. It changes nothing; an `Idempotency-Key` is ignored.
     *
     * `POST /api/hubspot/issues/{tenant_id}/read`
     */
    read(input?: InputOf<'issues.read'>, options?: CallOptions): Promise<ResultOf<'issues.read'>>
    /**
     * Search issues as HubSpot does. Takes the body of HubSpot’s search of tickets and answers in its form from Spoke’s copy: without a rate limit, and without an end after 10,000 results. A page ends at 512 KiB.
     *
     * `POST /api/hubspot/issues/{tenant_id}/search`
     */
    search(input?: InputOf<'issues.search'>, options?: CallOptions): Promise<ResultOf<'issues.search'>>
    /**
     * Search issues with HubSpot’s client. The same at the path that HubSpot’s own clients call: set their base path to `/api/hubspot/client/{tenant_id}/{integration_id}` of Spoke, and their access token to a key of Spoke.
     *
     * `POST /api/hubspot/client/{tenant_id}/{integration_id}/crm/v3/objects/tickets/search`
     */
    searchByClient(integration_id: string, input?: InputOf<'issues.searchByClient'>, options?: CallOptions): Promise<ResultOf<'issues.searchByClient'>>
    /**
     * Export issues. What `issues.list` finds with the same conditions and sort, as one response. ndjson: an issue on each line, and a last line that counts them; without a last line that says `complete` the export was cut off. csv: a header line with the names of the columns; a cut-off response has no proper end. It is not a snapshot.
     *
     * `GET /api/hubspot/issues/{tenant_id}/export`
     */
    export(input?: InputOf<'issues.export'>, options?: CallOptions): Promise<ResultOf<'issues.export'>>
    /**
     * Read an issue. The issue as last synced; `synced_at` says when it last changed here. A tombstone has `archived: true`.
     *
     * `GET /api/hubspot/issues/{tenant_id}/{issue_id}`
     */
    get(issue_id: string, input?: InputOf<'issues.get'>, options?: CallOptions): Promise<ResultOf<'issues.get'>>
  }
  tickets: {
    /**
     * List tickets live from HubSpot. Calls HubSpot for each 100 tickets and returns them unchanged, in HubSpot’s order. If texts are long, a page ends early, at 2 MiB. To read many tickets, use `issues.list`, which makes no call to HubSpot.
     *
     * `GET /api/hubspot/tickets/{tenant_id}/{integration_id}`
     */
    list(integration_id: string, input?: InputOf<'tickets.list'>, options?: CallOptions): Promise<ResultOf<'tickets.list'>>
    /**
     * List tickets live from HubSpot. Reads page after page until the last. Calls HubSpot for each 100 tickets and returns them unchanged, in HubSpot’s order. If texts are long, a page ends early, at 2 MiB. To read many tickets, use `issues.list`, which makes no call to HubSpot.
     *
     * `GET /api/hubspot/tickets/{tenant_id}/{integration_id}`
     */
    all(integration_id: string, input?: InputOf<'tickets.list'>, options?: CallOptions): AsyncGenerator<ItemOf<'tickets.list', 'tickets'>, void, undefined>
  }
  problems: {
    /**
     * List records that could not be stored as received. Sorted by id. `repaired`: saved without the characters that no database can store, or cut at 131,072 characters per value. `quarantined`: not saved. A record leaves the list once HubSpot returns it intact.
     *
     * `GET /api/hubspot/problems/{tenant_id}/{integration_id}`
     */
    list(integration_id: string, input?: InputOf<'problems.list'>, options?: CallOptions): Promise<ResultOf<'problems.list'>>
    /**
     * List records that could not be stored as received. Reads page after page until the last. Sorted by id. `repaired`: saved without the characters that no database can store, or cut at 131,072 characters per value. `quarantined`: not saved. A record leaves the list once HubSpot returns it intact.
     *
     * `GET /api/hubspot/problems/{tenant_id}/{integration_id}`
     */
    all(integration_id: string, input?: InputOf<'problems.list'>, options?: CallOptions): AsyncGenerator<ItemOf<'problems.list', 'problems'>, void, undefined>
  }
  changes: {
    /**
     * List changes. The changes of issues and integrations, each once and in commit order. With `include=issue`, a change of an issue has the issue as that change left it. With `Accept: text/event-stream`, the same as server-sent events: `event` is the type, `data` the change, `id` its cursor.
     *
     * `GET /api/hubspot/changes/{tenant_id}`
     */
    list(input?: InputOf<'changes.list'>, options?: CallOptions): Promise<ResultOf<'changes.list'>>
  }
  endpoints: {
    /**
     * Create an endpoint. The URL must use https on port 443 and have a public address. The response contains the secret that signs the webhooks, only this once. A tenant can have 20 endpoints.
     *
     * `POST /api/hubspot/endpoints/{tenant_id}`
     */
    create(input: InputOf<'endpoints.create'>, options?: CallOptions): Promise<ResultOf<'endpoints.create'>>
    /**
     * List the endpoints of a tenant. All of them, without their secrets, with the number of webhooks that wait.
     *
     * `GET /api/hubspot/endpoints/{tenant_id}`
     */
    list(input?: InputOf<'endpoints.list'>, options?: CallOptions): Promise<ResultOf<'endpoints.list'>>
    /**
     * Change an endpoint. Changes only the given fields. `enabled: true` enables a disabled endpoint; `endpoints.recover` then sends what was recorded meanwhile.
     *
     * `POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}`
     */
    change(endpoint_id: string, input?: InputOf<'endpoints.change'>, options?: CallOptions): Promise<ResultOf<'endpoints.change'>>
    /**
     * Delete an endpoint. Also deletes its deliveries, including those that wait.
     *
     * `DELETE /api/hubspot/endpoints/{tenant_id}/{endpoint_id}`
     */
    delete(endpoint_id: string, input?: InputOf<'endpoints.delete'>, options?: CallOptions): Promise<ResultOf<'endpoints.delete'>>
    /**
     * Rotate the secret of an endpoint. Creates a new secret, shown only this once; the previous one also signs for another 24 hours.
     *
     * `POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/rotate`
     */
    rotate(endpoint_id: string, input?: InputOf<'endpoints.rotate'>, options?: CallOptions): Promise<ResultOf<'endpoints.rotate'>>
    /**
     * Send a test webhook. Sends an `endpoint.test` webhook to this endpoint only. A disabled endpoint is not found.
     *
     * `POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/test`
     */
    test(endpoint_id: string, input?: InputOf<'endpoints.test'>, options?: CallOptions): Promise<ResultOf<'endpoints.test'>>
    /**
     * Send undelivered changes again. Queues the changes since the given time that match the endpoint’s types and were neither delivered nor queued; at most 10,000 per call, so repeat until `queued` is 0. It reaches as far back as the change feed.
     *
     * `POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/recover`
     */
    recover(endpoint_id: string, input: InputOf<'endpoints.recover'>, options?: CallOptions): Promise<ResultOf<'endpoints.recover'>>
    /**
     * List the deliveries of an endpoint. Delivered, waiting and failed ones, newest first, each with its attempts.
     *
     * `GET /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries`
     */
    deliveries(endpoint_id: string, input?: InputOf<'endpoints.deliveries'>, options?: CallOptions): Promise<ResultOf<'endpoints.deliveries'>>
    /**
     * List the deliveries of an endpoint. Reads page after page until the last. Delivered, waiting and failed ones, newest first, each with its attempts.
     *
     * `GET /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries`
     */
    deliveriesAll(endpoint_id: string, input?: InputOf<'endpoints.deliveries'>, options?: CallOptions): AsyncGenerator<ItemOf<'endpoints.deliveries', 'deliveries'>, void, undefined>
    /**
     * Send a webhook again. Sends the webhook again with the same id, even if it was delivered.
     *
     * `POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries/{change_id}/resend`
     */
    resend(endpoint_id: string, change_id: string, input?: InputOf<'endpoints.resend'>, options?: CallOptions): Promise<ResultOf<'endpoints.resend'>>
  }
  sync: {
    /**
     * Start a sync. Tests the connection, then runs in the background; follow it at `Location`. While a run of this type is queued, running or waiting, the response names that run, and a waiting one resumes at once. A full and an incremental run can run side by side.
     *
     * `POST /api/hubspot/sync/{tenant_id}/{integration_id}`
     */
    start(integration_id: string, input?: InputOf<'sync.start'>, options?: CallOptions): Promise<ResultOf<'sync.start'>>
    /**
     * List the runs of an integration. Newest first. `running` repeats the runs of this page that have not ended.
     *
     * `GET /api/hubspot/sync/{tenant_id}/{integration_id}`
     */
    list(integration_id: string, input?: InputOf<'sync.list'>, options?: CallOptions): Promise<ResultOf<'sync.list'>>
    /**
     * List the runs of an integration. Reads page after page until the last. Newest first. `running` repeats the runs of this page that have not ended.
     *
     * `GET /api/hubspot/sync/{tenant_id}/{integration_id}`
     */
    all(integration_id: string, input?: InputOf<'sync.list'>, options?: CallOptions): AsyncGenerator<ItemOf<'sync.list', 'events'>, void, undefined>
    /**
     * Read a run. The run with its progress so far. `state` is final once `finished_at` is not null.
     *
     * `GET /api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}`
     */
    get(integration_id: string, sync_event_id: string, input?: InputOf<'sync.get'>, options?: CallOptions): Promise<ResultOf<'sync.get'>>
    /**
     * Follow a run. Server-sent events until the run ends: `progress` for each observed change, at most two a second. `data` is the run as `sync.get` returns it, `id` a number that grows. A comment every 15 seconds keeps the connection open.
     *
     * `GET /api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}/events`
     */
    events(integration_id: string, sync_event_id: string, input?: InputOf<'sync.events'>, options?: CallOptions): Promise<ResultOf<'sync.events'>>
  }
  inbox: {
    /**
     * Read the state of the inbox, and its dead-lettered changes. Whether HubSpot’s webhooks arrive, how many changes wait to be read, and why the last attempt failed. `dead_letters` are changes that could not be read after five attempts.
     *
     * `GET /api/hubspot/inbox/{tenant_id}/{integration_id}`
     */
    get(integration_id: string, input?: InputOf<'inbox.get'>, options?: CallOptions): Promise<ResultOf<'inbox.get'>>
    /**
     * Read the state of the inbox, and its dead-lettered changes. Reads page after page until the last. Whether HubSpot’s webhooks arrive, how many changes wait to be read, and why the last attempt failed. `dead_letters` are changes that could not be read after five attempts.
     *
     * `GET /api/hubspot/inbox/{tenant_id}/{integration_id}`
     */
    deadLetters(integration_id: string, input?: InputOf<'inbox.get'>, options?: CallOptions): AsyncGenerator<ItemOf<'inbox.get', 'dead_letters'>, void, undefined>
    /**
     * Drain dead-lettered changes again. Drains the dead-lettered changes again: all of them, or those that match every field given.
     *
     * `POST /api/hubspot/inbox/{tenant_id}/{integration_id}/replay`
     */
    replay(integration_id: string, input?: InputOf<'inbox.replay'>, options?: CallOptions): Promise<ResultOf<'inbox.replay'>>
  }
}
