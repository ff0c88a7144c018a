/** The types of openapi.json, written by openapi-typescript: `npm run sdk`. Do not edit. */
export interface paths {
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process responds
         * @description For a liveness probe: it checks nothing else, and responds under any load.
         */
        get: operations["health.live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process can serve requests
         * @description For a readiness probe: the database responds, has disk space and the expected schema, and the process is not stopping. `checks` says which of these failed.
         */
        get: operations["health.ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics in Prometheus’s format
         * @description No metric has a tenant label. Needs the metrics key or the admin key.
         */
        get: operations["health.metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tenants
         * @description In the order of their ids.
         */
        get: operations["tenants.list"];
        put?: never;
        /**
         * Create a tenant
         * @description 201 if it is new, 200 if it exists.
         */
        post: operations["tenants.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tenants/{tenant_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a tenant
         * @description When the tenant was created. A tenant that is being erased is not found.
         */
        get: operations["tenants.get"];
        put?: never;
        post?: never;
        /**
         * Erase a tenant
         * @description Permanently deletes the tenant with all its data. The response comes once nobody can reach the tenant any more; a worker then deletes the rows. A repeated request gets 202 until that is done, and 404 afterwards.
         */
        delete: operations["tenants.erase"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tenants/{tenant_id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export the data of a tenant
         * @description Lines of JSON: a header, one line for each row of every table, and a last line that counts them. Without a last line that says `complete` the export was cut off. It is not a snapshot: a row that changes meanwhile appears as it is when it is read.
         */
        get: operations["tenants.export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tenants/{tenant_id}/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the API keys of a tenant
         * @description Includes revoked and expired ones, without their secrets.
         */
        get: operations["apiKeys.list"];
        put?: never;
        /**
         * Create an API key
         * @description The response contains the key, only this once: Spoke stores a hash. If the response was lost, revoke the key and create another.
         */
        post: operations["apiKeys.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tenants/{tenant_id}/api-keys/{key_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replace an API key
         * @description Creates a second key with the same name, scopes and lifetime. Both are valid for `overlap` seconds; then the old one expires.
         */
        post: operations["apiKeys.rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tenants/{tenant_id}/api-keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description Within a second no process accepts it, and its sessions end.
         */
        delete: operations["apiKeys.revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the session
         * @description Who is calling, by cookie or by header. A reloaded page gets its `csrf_token` here.
         */
        get: operations["session.get"];
        put?: never;
        /**
         * Begin a session
         * @description Exchanges the credential in `Authorization` for a cookie that no script can read. A session cannot create a session. It ends after 30 minutes without a request, after 12 hours, and with its credential. In open mode there is no cookie.
         */
        post: operations["session.begin"];
        /**
         * End the session
         * @description Ends the cookie’s session and removes the cookie. `ended` is false if there was none.
         */
        delete: operations["session.end"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tenants/{tenant_id}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the audit log of a tenant
         * @description The tenant’s chain, newest first: everything that had an effect, and refused attempts. Each event contains the hash of the one before it.
         */
        get: operations["audit.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the audit log of the operator
         * @description Events above the level of a tenant, newest first. A tenant that does not exist appears as a pseudonym.
         */
        get: operations["audit.listOperator"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/integrations/{tenant_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the integrations of a tenant
         * @description All of them, oldest first, including pending and disconnected ones. This makes no call to HubSpot.
         */
        get: operations["integrations.list"];
        put?: never;
        /**
         * Connect a HubSpot account with a token
         * @description Accepts a private-app token, a static token, a service key, or an OAuth access token. Spoke tests the token, stores it sealed, and starts a sync. The response is 200 instead of 201 if the tenant already had this HubSpot account: the integration keeps its id and data. The operator’s first call for a new UUID creates the tenant. On an error nothing is stored.
         */
        post: operations["integrations.connect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/integrations/{tenant_id}/{integration_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an integration
         * @description As last known; to test the connection, use `integrations.status`. An id that was replaced by a reconnect still works, and the response names the current one.
         */
        get: operations["integrations.get"];
        put?: never;
        post?: never;
        /**
         * Disconnect an integration
         * @description Deletes the tokens, cancels its runs and stops the schedule. Issues and history stay unless `purge=true`. An OAuth token is then revoked at HubSpot, unless another integration uses the same account.
         */
        delete: operations["integrations.disconnect"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/status/{tenant_id}/{integration_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Test the connection to HubSpot
         * @description Calls HubSpot each time; concurrent requests share one call. A broken connection is also a 200, with `connected: false`, the reason in `code` and `error`, and the last known values.
         */
        get: operations["integrations.status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/authorize/{tenant_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Begin to connect a HubSpot account by OAuth
         * @description Send the tenant’s browser to `authorization_url` within ten minutes. Without `integration_id` this creates a pending integration; its id stays valid if an older one is renewed instead. A tenant can have twenty unfinished authorizations; newer ones replace the oldest.
         */
        get: operations["oauth.authorize"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/oauth/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Receive the browser from HubSpot
         * @description Needs no credential: the single-use state is one. It connects nothing yet, but leads to a page that shows the account. An error is a page for a browser, and the usual object for others.
         */
        get: operations["oauth.browserCallback"];
        put?: never;
        /**
         * Finish connecting by OAuth
         * @description For a program that received the code and the state itself; a browser uses the GET. Connects at once. The caller that started the authorization must finish it: the operator, or any credential of the same tenant.
         */
        post: operations["oauth.callback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the page after connecting
         * @description Where the browser ends up after connecting. It depends only on `hub_id`.
         */
        get: operations["oauth.connectedPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connect/{confirmation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the page that asks whether to connect the account
         * @description For the browser that came back from HubSpot, for ten minutes. Shows the account, its user and scopes, and the tenant. Leads on if the account is already connected.
         */
        get: operations["oauth.confirmPage"];
        put?: never;
        /**
         * Confirm or cancel connecting the account
         * @description The two buttons of the page; accepted only from that page. Connect leads on, also when it is sent twice; Cancel deletes the grant and revokes it at HubSpot.
         */
        post: operations["oauth.confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/issues/{tenant_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List issues
         * @description All conditions must hold. Without `sort`, in the order in which they were first saved; of one integration and without a filter, by ticket id. Paging to the end returns each issue that does not change meanwhile once. Includes tombstones unless `archived=false`. A page may be shorter than `limit`: it ends at 512 KiB.
         */
        get: operations["issues.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/issues/{tenant_id}/facets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count issues by their values
         * @description Takes the conditions of `issues.list` and counts what they find by account, pipeline, stage, owner, priority and category, and with `interval` by time.
         */
        get: operations["issues.facets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/issues/{tenant_id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read issues by their ids
         * @description Up to 200 issues, in the order of the request and each once. It changes nothing; an `Idempotency-Key` is ignored.
         */
        post: operations["issues.read"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/issues/{tenant_id}/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Search issues as HubSpot does
         * @description Takes the body of HubSpot’s search of tickets and answers in its form from Spoke’s copy: without a rate limit, and without an end after 10,000 results. A page ends at 512 KiB.
         */
        post: operations["issues.search"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/client/{tenant_id}/{integration_id}/crm/v3/objects/tickets/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Search issues with HubSpot’s client
         * @description The same at the path that HubSpot’s own clients call: set their base path to `/api/hubspot/client/{tenant_id}/{integration_id}` of Spoke, and their access token to a key of Spoke.
         */
        post: operations["issues.searchByClient"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/issues/{tenant_id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export issues
         * @description What `issues.list` finds with the same conditions and sort, as one response. ndjson: an issue on each line, and a last line that counts them; without a last line that says `complete` the export was cut off. csv: a header line with the names of the columns; a cut-off response has no proper end. It is not a snapshot.
         */
        get: operations["issues.export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/tickets/{tenant_id}/{integration_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tickets live from HubSpot
         * @description Calls HubSpot for each 100 tickets and returns them unchanged, in HubSpot’s order. If texts are long, a page ends early, at 2 MiB. To read many tickets, use `issues.list`, which makes no call to HubSpot.
         */
        get: operations["tickets.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/issues/{tenant_id}/{issue_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an issue
         * @description The issue as last synced; `synced_at` says when it last changed here. A tombstone has `archived: true`.
         */
        get: operations["issues.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/problems/{tenant_id}/{integration_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List records that could not be stored as received
         * @description Sorted by id. `repaired`: saved without the characters that no database can store, or cut at 131,072 characters per value. `quarantined`: not saved. A record leaves the list once HubSpot returns it intact.
         */
        get: operations["problems.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/changes/{tenant_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List changes
         * @description The changes of issues and integrations, each once and in commit order. With `include=issue`, a change of an issue has the issue as that change left it. With `Accept: text/event-stream`, the same as server-sent events: `event` is the type, `data` the change, `id` its cursor.
         */
        get: operations["changes.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/endpoints/{tenant_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the endpoints of a tenant
         * @description All of them, without their secrets, with the number of webhooks that wait.
         */
        get: operations["endpoints.list"];
        put?: never;
        /**
         * Create an endpoint
         * @description The URL must use https on port 443 and have a public address. The response contains the secret that signs the webhooks, only this once. A tenant can have 20 endpoints.
         */
        post: operations["endpoints.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/endpoints/{tenant_id}/{endpoint_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change an endpoint
         * @description Changes only the given fields. `enabled: true` enables a disabled endpoint; `endpoints.recover` then sends what was recorded meanwhile.
         */
        post: operations["endpoints.change"];
        /**
         * Delete an endpoint
         * @description Also deletes its deliveries, including those that wait.
         */
        delete: operations["endpoints.delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate the secret of an endpoint
         * @description Creates a new secret, shown only this once; the previous one also signs for another 24 hours.
         */
        post: operations["endpoints.rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test webhook
         * @description Sends an `endpoint.test` webhook to this endpoint only. A disabled endpoint is not found.
         */
        post: operations["endpoints.test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/recover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send undelivered changes again
         * @description Queues the changes since the given time that match the endpoint’s types and were neither delivered nor queued; at most 10,000 per call, so repeat until `queued` is 0. It reaches as far back as the change feed.
         */
        post: operations["endpoints.recover"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the deliveries of an endpoint
         * @description Delivered, waiting and failed ones, newest first, each with its attempts.
         */
        get: operations["endpoints.deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/endpoints/{tenant_id}/{endpoint_id}/deliveries/{change_id}/resend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a webhook again
         * @description Sends the webhook again with the same id, even if it was delivered.
         */
        post: operations["endpoints.resend"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/sync/{tenant_id}/{integration_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the runs of an integration
         * @description Newest first. `running` repeats the runs of this page that have not ended.
         */
        get: operations["sync.list"];
        put?: never;
        /**
         * Start a sync
         * @description Tests the connection, then runs in the background; follow it at `Location`. While a run of this type is queued, running or waiting, the response names that run, and a waiting one resumes at once. A full and an incremental run can run side by side.
         */
        post: operations["sync.start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a run
         * @description The run with its progress so far. `state` is final once `finished_at` is not null.
         */
        get: operations["sync.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow a run
         * @description Server-sent events until the run ends: `progress` for each observed change, at most two a second. `data` is the run as `sync.get` returns it, `id` a number that grows. A comment every 15 seconds keeps the connection open.
         */
        get: operations["sync.events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/inbox/{tenant_id}/{integration_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the state of the inbox, and its dead-lettered changes
         * @description Whether HubSpot’s webhooks arrive, how many changes wait to be read, and why the last attempt failed. `dead_letters` are changes that could not be read after five attempts.
         */
        get: operations["inbox.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/inbox/{tenant_id}/{integration_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Drain dead-lettered changes again
         * @description Drains the dead-lettered changes again: all of them, or those that match every field given.
         */
        post: operations["inbox.replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/hubspot/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Receive webhooks from HubSpot
         * @description Called by HubSpot: up to 100 events as a JSON array, signed (X-HubSpot-Signature-v3) with the app’s client secret.
         */
        post: operations["webhooks.receive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    "issue.created": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * issue.created
         * @description A ticket is new, or live for the first time. Read the issue.
         */
        post: operations["webhook.issue.created"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "issue.updated": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * issue.updated
         * @description Properties differ; `changed` has their old and new values.
         */
        post: operations["webhook.issue.updated"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "issue.archived": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * issue.archived
         * @description The ticket was archived at HubSpot, or permanently deleted.
         */
        post: operations["webhook.issue.archived"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "issue.restored": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * issue.restored
         * @description The ticket is live again.
         */
        post: operations["webhook.issue.restored"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "issue.merged": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * issue.merged
         * @description The ticket was merged into `detail.merged_into`.
         */
        post: operations["webhook.issue.merged"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "sync.completed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * sync.completed
         * @description A full run has ended; `detail.first`: all issues are present for the first time.
         */
        post: operations["webhook.sync.completed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "sync.failed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * sync.failed
         * @description A run failed; `detail.code` says why.
         */
        post: operations["webhook.sync.failed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "integration.connected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * integration.connected
         * @description An account was connected, or connected again.
         */
        post: operations["webhook.integration.connected"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "integration.reauth_required": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * integration.reauth_required
         * @description HubSpot refuses the token: connect again.
         */
        post: operations["webhook.integration.reauth_required"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "integration.disconnected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * integration.disconnected
         * @description An account was disconnected.
         */
        post: operations["webhook.integration.disconnected"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "integration.purged": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * integration.purged
         * @description Its issues are deleted: delete your copies.
         */
        post: operations["webhook.integration.purged"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "endpoint.disabled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * endpoint.disabled
         * @description An endpoint gets no more webhooks; `detail.reason` says why.
         */
        post: operations["webhook.endpoint.disabled"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "endpoint.test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * endpoint.test
         * @description A test of an endpoint was requested.
         */
        post: operations["webhook.endpoint.test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /**
         * @example {
         *       "success": false,
         *       "error": "Integration not found",
         *       "code": "integration_not_found",
         *       "request_id": "01a2044d-931b-7036-973b-bd405adddab6",
         *       "type": "urn:spoke:problem:integration_not_found",
         *       "title": "Integration not found",
         *       "status": 404,
         *       "detail": "Integration not found"
         *     }
         */
        Problem: {
            /** @constant */
            success: false;
            error: string;
            /** @description Stable: check it, not the text */
            code: string;
            /** @description Also in the header Request-Id, and in the log */
            request_id: string;
            type: string;
            title: string;
            status: number;
            detail: string;
            errors?: {
                pointer: string;
                /** @description The invalid query parameter */
                parameter?: string;
                rule: string;
            }[];
        };
        /**
         * @example {
         *       "seq": 2,
         *       "at": "2026-11-22T17:29:24.301Z",
         *       "actor": "key:9f2c41d07a6be358",
         *       "action": "sync.start",
         *       "target": "integration:01a2044e-3639-7888-95cf-ef6ead9b1a46",
         *       "address": "203.0.113.7",
         *       "request_id": "01a2044e-4702-7d11-9c52-3f0f5a1e8b21",
         *       "phase": "done",
         *       "result": "202",
         *       "prev_hash": "6b64a67412e477c5738891bc12138e019ddcc72ce5b7dc58f6624bb193011837",
         *       "hash": "0c3e4f4a36a1c8b4fd2b0b6e3c2f7f5d1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"
         *     }
         */
        AuditEvent: {
            /** @description Consecutive within a chain, without gaps */
            seq: number;
            at: string;
            /** @description open, admin, cli, browser, or the name of a credential */
            actor: string;
            action: string;
            target: string | null;
            /** @description Of the peer that sent the request */
            address: string | null;
            request_id: string | null;
            /** @enum {string} */
            phase: "requested" | "done";
            /** @description When the phase is done: the status, and the code of an error */
            result: string | null;
            prev_hash: string;
            hash: string;
        };
        /**
         * @example {
         *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
         *       "created_at": "2026-11-22T17:29:24.271Z"
         *     }
         */
        Tenant: {
            tenant_id: string;
            created_at: string;
        };
        /**
         * @example {
         *       "key_id": "3f9c0a7be21d4455",
         *       "name": "reporting",
         *       "scopes": [
         *         "read",
         *         "sync"
         *       ],
         *       "created_at": "2026-11-22T17:29:24.271Z",
         *       "expires_at": "2027-02-20T17:29:24.271Z",
         *       "revoked_at": null,
         *       "last_used_at": "2026-11-22T18:02:11.090Z"
         *     }
         */
        ApiKey: {
            key_id: string;
            name: string;
            scopes: ("read" | "sync" | "manage")[];
            created_at: string;
            expires_at: string | null;
            revoked_at: string | null;
            /** @description To within a minute */
            last_used_at: string | null;
        };
        /**
         * @example {
         *       "cursor": "WyI1ZjBlMGY0ZSIsIjQyLjBjM2Y5YTEyIl0",
         *       "change_id": "0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55",
         *       "type": "issue.updated",
         *       "at": "2026-11-26T09:30:00.412Z",
         *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
         *       "issue_id": "01a2044e-4f2a-7f01-8a77-3c9d2b1e6f00",
         *       "ticket_id": "300000000123",
         *       "changed": {
         *         "subject": {
         *           "from": "Printer",
         *           "to": "Printer on fire"
         *         }
         *       },
         *       "detail": null
         *     }
         */
        Change: {
            /** @description Pass it as `after` to continue after this change */
            cursor: string;
            /** @description Unique; never reused */
            change_id: string;
            type: string;
            at: string;
            integration_id: string | null;
            issue_id: string | null;
            ticket_id: string | null;
            /** @description Old and new value of each property that differs; absent if there is none */
            changed?: {
                [key: string]: {
                    from: unknown;
                    to: unknown;
                };
            };
            /** @description Further data, depending on the type */
            detail: {
                [key: string]: unknown;
            } | null;
            /** @description With `include`, of a change of an issue: the issue as this change left it; null: it can no longer be determined */
            issue?: components["schemas"]["Issue"] | null;
        };
        /**
         * @example {
         *       "id": "0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55",
         *       "type": "issue.updated",
         *       "timestamp": "2026-11-26T09:30:00.412Z",
         *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
         *       "data": {
         *         "cursor": "WyI1ZjBlMGY0ZSIsIjQyLjBjM2Y5YTEyIl0",
         *         "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
         *         "issue_id": "01a2044e-4f2a-7f01-8a77-3c9d2b1e6f00",
         *         "ticket_id": "300000000123",
         *         "changed": {
         *           "subject": {
         *             "from": "Printer",
         *             "to": "Printer on fire"
         *           }
         *         },
         *         "detail": null
         *       }
         *     }
         */
        Webhook: {
            /** @description Of the change; also the header webhook-id */
            id: string;
            /** @description As in the change feed; new ones may be added */
            type: string;
            /** @description When the change was recorded */
            timestamp: string;
            tenant_id: string;
            data: {
                /** @description Pass it as `after` to continue after this change */
                cursor: string;
                integration_id: string | null;
                issue_id: string | null;
                ticket_id: string | null;
                /** @description Old and new value of each property that differs; absent if there is none */
                changed?: {
                    [key: string]: {
                        from: unknown;
                        to: unknown;
                    };
                };
                /** @description Further data, depending on the type */
                detail: {
                    [key: string]: unknown;
                } | null;
                /** @description With `include`, of a change of an issue: the issue as this change left it; null: it can no longer be determined */
                issue?: components["schemas"]["Issue"] | null;
            };
        };
        /**
         * @example {
         *       "ticket_id": "300000000123",
         *       "change": "propertyChange",
         *       "occurred_at": "2026-11-25T08:12:44.003Z",
         *       "received_at": "2026-11-25T08:12:44.651Z",
         *       "attempt_count": 5,
         *       "dead_letter_reason": "HubSpot tickets batch read: rejected (400)"
         *     }
         */
        DeadLetter: {
            ticket_id: string;
            /** @description HubSpot’s name for it: creation, propertyChange, … */
            change: string;
            /** @description When it occurred, by HubSpot’s clock */
            occurred_at: string;
            received_at: string;
            attempt_count: number;
            dead_letter_reason: string | null;
        };
        /**
         * @example {
         *       "state": "ok",
         *       "problem": null,
         *       "read_at": "2026-11-22T17:29:25.610Z"
         *     }
         */
        Resource: {
            /**
             * @description unknown: not requested from HubSpot yet
             * @enum {string}
             */
            state: "ok" | "degraded" | "unknown";
            /** @description missing_scopes:…, forbidden, refused, hubspot_limit, hubspot_unavailable, invalid_answer */
            problem: string | null;
            /** @description When HubSpot last returned it */
            read_at: string | null;
        };
        Integration: {
            /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
            tenant_id: string;
            /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
            integration_id: string;
            /** @constant */
            integration_type: "hubspot";
            /**
             * @example active
             * @enum {string}
             */
            status: "pending" | "active" | "degraded" | "reauth_required" | "disconnected";
            status_reason: string | null;
            /** @example 25000195 */
            hub_id: number | null;
            /** @example northwind-bikes.example.com */
            hub_domain: string | null;
            /**
             * @description null: HubSpot did not return them
             * @example [
             *       "oauth",
             *       "tickets",
             *       "crm.objects.owners.read"
             *     ]
             */
            scopes: string[] | null;
            /** @example 2026-11-22T17:29:24.271Z */
            created_at: string;
            /** @description When the last run ended */
            last_sync: string | null;
            resources: {
                properties: components["schemas"]["Resource"];
                pipelines: components["schemas"]["Resource"];
                owners: components["schemas"]["Resource"];
                contacts: components["schemas"]["Resource"];
                companies: components["schemas"]["Resource"];
                deals: components["schemas"]["Resource"];
            };
        };
        /**
         * @description As HubSpot returned it
         * @example {
         *       "id": "397940000006",
         *       "properties": {
         *         "subject": "Can somebody call me about single sign-on?",
         *         "hs_ticket_priority": "MEDIUM",
         *         "hs_pipeline_stage": "4",
         *         "hs_lastmodifieddate": "2025-06-02T04:49:10.732Z"
         *       },
         *       "createdAt": "2025-05-31T22:07:14.763Z",
         *       "updatedAt": "2025-06-02T04:49:10.732Z",
         *       "archived": false
         *     }
         */
        Ticket: {
            id: string;
            properties: {
                [key: string]: unknown;
            };
        } & {
            [key: string]: unknown;
        };
        /**
         * @example {
         *       "issue_id": "01a2044e-3b22-7014-9cc8-9f60e5564519",
         *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
         *       "ticket_id": "397940000030",
         *       "subject": "Feature request: filters for the printer driver",
         *       "content": "Hi team, any workaround would help.",
         *       "pipeline_id": "0",
         *       "pipeline_name": "Support Pipeline",
         *       "stage_id": "4",
         *       "stage_name": "Closed",
         *       "stage_closed": true,
         *       "priority": "MEDIUM",
         *       "category": "GENERAL_INQUIRY",
         *       "owner_id": "48857036",
         *       "owner_name": "Ada Lovelace",
         *       "owner_email": "ada.lovelace@northwind-bikes.example.com",
         *       "created_at": "2025-06-09T15:14:50.410Z",
         *       "modified_at": "2025-06-09T18:33:36.923Z",
         *       "archived": false,
         *       "archived_at": null,
         *       "deleted_at": null,
         *       "merged_into": null,
         *       "url": "https://app.hubspot.com/contacts/25000195/record/0-5/397940000030",
         *       "properties": {
         *         "subject": "Feature request: filters for the printer driver",
         *         "hs_is_closed": "true"
         *       },
         *       "associations": {
         *         "contacts": [
         *           {
         *             "id": "51",
         *             "labels": [
         *               {
         *                 "category": "HUBSPOT_DEFINED",
         *                 "type_id": 16,
         *                 "label": null
         *               }
         *             ]
         *           }
         *         ],
         *         "companies": [],
         *         "deals": null
         *       },
         *       "synced_at": "2026-11-22T17:29:25.524Z"
         *     }
         */
        Issue: {
            issue_id: string;
            integration_id: string;
            /** @description HubSpot’s id */
            ticket_id: string;
            subject: string | null;
            content: string | null;
            pipeline_id: string | null;
            pipeline_name: string | null;
            stage_id: string | null;
            stage_name: string | null;
            /** @description Whether tickets in this stage count as closed */
            stage_closed: boolean | null;
            priority: string | null;
            category: string | null;
            owner_id: string | null;
            /** @description First and last name, or the email address if there is no name */
            owner_name: string | null;
            owner_email: string | null;
            /** @description null: unknown */
            created_at: string | null;
            /** @description Time of the last change in HubSpot; null: unknown */
            modified_at: string | null;
            archived: boolean;
            archived_at: string | null;
            /** @description When Spoke found that the ticket no longer exists in HubSpot */
            deleted_at: string | null;
            /** @description HubSpot’s id of the ticket that this one was merged into */
            merged_into: string | null;
            url: string | null;
            properties: {
                [key: string]: string | null;
            };
            /** @description null: never read */
            associations: {
                /** @description null: not read because HubSpot does not allow it; see `resources` in the integration’s status */
                contacts: {
                    /** @description HubSpot’s id of the contact, company or deal */
                    id: string;
                    labels: {
                        category: string;
                        type_id: number;
                        label: string | null;
                    }[];
                }[] | null;
                /** @description null: not read because HubSpot does not allow it; see `resources` in the integration’s status */
                companies: {
                    /** @description HubSpot’s id of the contact, company or deal */
                    id: string;
                    labels: {
                        category: string;
                        type_id: number;
                        label: string | null;
                    }[];
                }[] | null;
                /** @description null: not read because HubSpot does not allow it; see `resources` in the integration’s status */
                deals: {
                    /** @description HubSpot’s id of the contact, company or deal */
                    id: string;
                    labels: {
                        category: string;
                        type_id: number;
                        label: string | null;
                    }[];
                }[] | null;
            } | null;
            /** @description When the stored content last changed */
            synced_at: string;
        };
        /**
         * @example {
         *       "kind": "tickets",
         *       "record_id": "300000000123",
         *       "state": "repaired",
         *       "reason": "subject: removed characters that the database cannot store",
         *       "record": null,
         *       "found_at": "2026-11-22T17:29:25.724Z"
         *     }
         */
        RecordProblem: {
            kind: string;
            /** @description HubSpot’s id, or `unknown-…` if the record has none */
            record_id: string;
            /** @enum {string} */
            state: "repaired" | "quarantined";
            reason: string;
            /** @description What HubSpot returned, for a quarantined record */
            record: string | null;
            found_at: string;
        };
        /**
         * @example {
         *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
         *       "url": "https://hooks.example.com/spoke",
         *       "types": [
         *         "issue.created",
         *         "issue.updated"
         *       ],
         *       "in_order": true,
         *       "include": [],
         *       "created_at": "2026-11-26T09:00:00.000Z",
         *       "failing_since": null,
         *       "disabled_at": null,
         *       "disabled_reason": null,
         *       "previous_secret_expires_at": null,
         *       "waiting": 0
         *     }
         */
        Endpoint: {
            endpoint_id: string;
            url: string;
            types: string[] | null;
            in_order: boolean;
            include: string[];
            created_at: string;
            /** @description No delivery has succeeded since then */
            failing_since: string | null;
            disabled_at: string | null;
            disabled_reason: string | null;
            /** @description Until then the previous secret also signs */
            previous_secret_expires_at: string | null;
            /** @description Number of webhooks waiting to be delivered */
            waiting: number;
        };
        /**
         * @example {
         *       "change_id": "0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55",
         *       "type": "issue.updated",
         *       "state": "waiting",
         *       "next_attempt_at": "2026-11-26T09:35:00.000Z",
         *       "delivered_at": null,
         *       "failure_reason": null,
         *       "attempts": [
         *         {
         *           "at": "2026-11-26T09:30:00.600Z",
         *           "duration_ms": 130,
         *           "status": 503,
         *           "error": null,
         *           "response": "upgrading"
         *         }
         *       ]
         *     }
         */
        Delivery: {
            /** @description The webhook-id; null when the change is no longer retained */
            change_id: string | null;
            type: string | null;
            /** @enum {string} */
            state: "waiting" | "delivered" | "failed";
            next_attempt_at: string | null;
            delivered_at: string | null;
            failure_reason: string | null;
            attempts: {
                at: string;
                duration_ms: number;
                status: number | null;
                error: string | null;
                /** @description The beginning of the response */
                response: string | null;
            }[];
        };
        /**
         * @example {
         *       "sync_event_id": "01a2044e-3646-7e56-9520-473af17ce8b2",
         *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
         *       "kind": "tickets",
         *       "sync_type": "full",
         *       "trigger": "connect",
         *       "state": "succeeded",
         *       "total": 250,
         *       "done": 250,
         *       "inserted": 250,
         *       "changed": 0,
         *       "unchanged": 0,
         *       "archived": 0,
         *       "failed": 0,
         *       "repaired": 0,
         *       "pages": 3,
         *       "repeat_count": 0,
         *       "repeats_since": null,
         *       "rate_per_second": 936.3,
         *       "waiting_for": null,
         *       "waiting_until": null,
         *       "error_code": null,
         *       "error": null,
         *       "requested_at": "2026-11-22T17:29:24.271Z",
         *       "started_at": "2026-11-22T17:29:25.457Z",
         *       "finished_at": "2026-11-22T17:29:25.724Z"
         *     }
         */
        SyncEvent: {
            sync_event_id: string;
            integration_id: string;
            kind: string;
            /** @enum {string} */
            sync_type: "full" | "incremental";
            /** @enum {string} */
            trigger: "api" | "connect" | "schedule";
            /** @enum {string} */
            state: "queued" | "running" | "waiting" | "succeeded" | "partial" | "failed" | "cancelled";
            /** @description How many records HubSpot counted before the run began */
            total: number | null;
            done: number;
            inserted: number;
            changed: number;
            unchanged: number;
            /** @description Issues that became tombstones: archived, merged or deleted in HubSpot */
            archived: number;
            /** @description Records that could not be saved */
            failed: number;
            /** @description Records that were saved, but not verbatim */
            repaired: number;
            pages: number;
            /** @description How many scheduled runs directly before this one found nothing either; this run stands for them */
            repeat_count: number;
            /** @description When the first of them started */
            repeats_since: string | null;
            rate_per_second: number | null;
            /** @description Why the run waits: an error code */
            waiting_for: string | null;
            waiting_until: string | null;
            error_code: string | null;
            error: string | null;
            requested_at: string;
            started_at: string | null;
            finished_at: string | null;
        };
        HealthLiveResponse: {
            /** @enum {string} */
            status: "ok";
        };
        HealthReadyResponse: {
            /** @enum {string} */
            status: "ok" | "unavailable";
            checks: {
                /** @enum {string} */
                draining: "no" | "yes";
                /**
                 * @description ok, or what is wrong
                 * @example ok
                 */
                database: string;
                /**
                 * @description ok, or what is wrong
                 * @example ok
                 */
                schema: string;
                /**
                 * @description ok, or what is wrong
                 * @example ok
                 */
                disk: string;
            };
        };
        TenantResponse: {
            /** @enum {boolean} */
            success: true;
            tenant_id: string;
            created_at: string;
        };
        TenantsListResponse: {
            /** @enum {boolean} */
            success: true;
            tenants: components["schemas"]["Tenant"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        TenantsEraseResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /** @enum {string} */
            status: "erasing";
        };
        ApiKeysCreateResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            key_id: string;
            name: string;
            scopes: ("read" | "sync" | "manage")[];
            created_at: string;
            expires_at: string | null;
            revoked_at: string | null;
            /** @description To within a minute */
            last_used_at: string | null;
            /**
             * @description Shown only once; null when a request with the same Idempotency-Key is repeated
             * @example spk_3f9c0a7be21d4455_<secret>
             */
            api_key: string | null;
        };
        ApiKeysListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            api_keys: components["schemas"]["ApiKey"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        ApiKeyResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            key_id: string;
            name: string;
            scopes: ("read" | "sync" | "manage")[];
            created_at: string;
            expires_at: string | null;
            revoked_at: string | null;
            /** @description To within a minute */
            last_used_at: string | null;
        };
        SessionResponse: {
            /** @enum {boolean} */
            success: true;
            /** @enum {string} */
            principal: "open" | "admin" | "tenant";
            /** @description null except for a tenant */
            tenant_id: string | null;
            scopes: ("read" | "sync" | "manage")[];
            /** @description The credential, as in the audit log */
            actor: string;
            /** @description null without a session */
            csrf_token: string | null;
            expires_at: string | null;
        };
        SessionEndResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * @description false: there was no session
             * @example true
             */
            ended: boolean;
        };
        AuditListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            events: components["schemas"]["AuditEvent"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        AuditListOperatorResponse: {
            /** @enum {boolean} */
            success: true;
            events: components["schemas"]["AuditEvent"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        IntegrationsListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            integrations: components["schemas"]["Integration"][];
            /** @example 1 */
            total_count: number;
        };
        IntegrationResponse: {
            /** @enum {boolean} */
            success: true;
            /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
            tenant_id: string;
            /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
            integration_id: string;
            /** @enum {string} */
            integration_type: "hubspot";
            /**
             * @example active
             * @enum {string}
             */
            status: "pending" | "active" | "degraded" | "reauth_required" | "disconnected";
            status_reason: string | null;
            /** @example 25000195 */
            hub_id: number | null;
            /** @example northwind-bikes.example.com */
            hub_domain: string | null;
            /**
             * @description null: HubSpot did not return them
             * @example [
             *       "oauth",
             *       "tickets",
             *       "crm.objects.owners.read"
             *     ]
             */
            scopes: string[] | null;
            /** @example 2026-11-22T17:29:24.271Z */
            created_at: string;
            /** @description When the last run ended */
            last_sync: string | null;
            resources: {
                properties: components["schemas"]["Resource"];
                pipelines: components["schemas"]["Resource"];
                owners: components["schemas"]["Resource"];
                contacts: components["schemas"]["Resource"];
                companies: components["schemas"]["Resource"];
                deals: components["schemas"]["Resource"];
            };
        };
        IntegrationsDisconnectResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            /** @enum {string} */
            status: "disconnected";
            /**
             * @description false: not requested, or connected again meanwhile
             * @example false
             */
            purged: boolean;
            /** @description Whether the token was revoked at HubSpot */
            revoked: boolean;
        };
        IntegrationsStatusResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            /** @description false: `code` and `error` say why, the rest is as last known */
            connected: boolean;
            /** @example northwind-bikes.example.com */
            hub_domain: string | null;
            /**
             * @description null: HubSpot did not return them
             * @example [
             *       "oauth",
             *       "tickets",
             *       "crm.objects.owners.read"
             *     ]
             */
            scopes: string[] | null;
            /** @enum {string} */
            token_type: "access";
            /** @description Seconds; null: the token does not expire, or its expiry is unknown */
            expires_in: number | null;
            /** @example 25000195 */
            hub_id: number | null;
            /**
             * @example active
             * @enum {string}
             */
            status: "pending" | "active" | "degraded" | "reauth_required" | "disconnected";
            /**
             * @description How changes arrive: within seconds through HubSpot’s webhooks or its journal, with scheduled polling as a backup; or through scheduled polling only
             * @enum {string}
             */
            change_source: "webhooks" | "journal" | "polling";
            resources: {
                properties: components["schemas"]["Resource"];
                pipelines: components["schemas"]["Resource"];
                owners: components["schemas"]["Resource"];
                contacts: components["schemas"]["Resource"];
                companies: components["schemas"]["Resource"];
                deals: components["schemas"]["Resource"];
            };
            error?: string;
            code?: string;
        };
        OauthAuthorizeResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /** @example https://app.hubspot.com/oauth/authorize?client_id=…&redirect_uri=…&scope=…&state=… */
            authorization_url: string;
            /** @example 01a2044e-4bd8-71e8-9844-fcb13357773f */
            integration_id: string;
        };
        IssuesListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            issues: components["schemas"]["Issue"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
            /**
             * @description How many issues the query finds; null: not requested
             * @example null
             */
            count: number | null;
            /**
             * @description at_least: there are more than 10,000, and they were not counted
             * @example null
             */
            count_is: ("exact" | "at_least") | null;
            /**
             * @description By issue id: where the words of `q` are; null: there is no `q`
             * @example null
             */
            highlights: {
                [key: string]: {
                    /** @enum {string} */
                    field: "subject" | "content";
                    /** @description The part of the field that has the words */
                    text: string;
                    /** @description Where the words begin in `text`, and behind their last character, in UTF-16 units */
                    indices: [
                        number,
                        number
                    ][];
                }[];
            } | null;
            /**
             * @description Integrations whose issues the query does not find yet, because their first load or the index that follows it is in progress. A list without a filter, sort or count has all issues
             * @example []
             */
            indexing: string[];
        };
        IssueFacetsResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /** @description Issues that the query finds */
            count: number;
            /** @description For each, the 100 most frequent values, the most frequent first. A value of null: issues without one. A name is cut after 200 characters */
            facets: {
                integration: {
                    integration_id: string;
                    count: number;
                }[];
                pipeline: {
                    integration_id: string;
                    pipeline_id: string | null;
                    pipeline_name: string | null;
                    count: number;
                }[];
                stage: {
                    integration_id: string;
                    pipeline_id: string | null;
                    pipeline_name: string | null;
                    stage_id: string | null;
                    stage_name: string | null;
                    stage_closed: boolean | null;
                    count: number;
                }[];
                owner: {
                    integration_id: string;
                    owner_id: string | null;
                    owner_name: string | null;
                    owner_email: string | null;
                    count: number;
                }[];
                priority: {
                    priority: string | null;
                    count: number;
                }[];
                category: {
                    category: string | null;
                    count: number;
                }[];
            };
            /** @description By time, in order: the latest 1,000 that have an issue. null: no `interval` was given */
            buckets: {
                start: string;
                count: number;
            }[] | null;
            /** @description See `issues.list` */
            indexing: string[];
        };
        IssuesReadResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            issues: components["schemas"]["Issue"][];
            /**
             * @description Of those asked for: the ones that this tenant does not have, in the form of the request
             * @example [
             *       "01a2044e-3b22-7014-9cc8-9f60e5564520"
             *     ]
             */
            missing: (string | {
                integration_id: string;
                ticket_id: string;
            })[];
            /**
             * @description The rest of those asked for, from the first that did not fit in 512 KiB: ask for them again. Some of them may be missing
             * @example []
             */
            unread: (string | {
                integration_id: string;
                ticket_id: string;
            })[];
        };
        HubSpotSearchResultsResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            total: number;
            results: {
                id: string;
                /** @description Spoke’s id */
                issue_id: string;
                /** @description The account: ids of tickets are unique within it */
                integration_id: string;
                properties: {
                    [key: string]: string | null;
                };
                createdAt: string;
                updatedAt: string;
                /** @enum {boolean} */
                archived: false;
                url?: string;
            }[];
            /** @description Absent: this is the last page */
            paging?: {
                next: {
                    /** @description Send it as `after` */
                    after: string;
                };
            };
            /** @description See `issues.list` */
            indexing: string[];
        };
        HubSpotClientSearchResultsResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            total: number;
            results: {
                id: string;
                /** @description Spoke’s id */
                issue_id: string;
                /** @description The account: ids of tickets are unique within it */
                integration_id: string;
                properties: {
                    [key: string]: string | null;
                };
                createdAt: string;
                updatedAt: string;
                /** @enum {boolean} */
                archived: false;
                url?: string;
            }[];
            /** @description Absent: this is the last page */
            paging?: {
                next: {
                    /** @description Send it as `after` */
                    after: string;
                };
            };
            /** @description See `issues.list` */
            indexing: string[];
        };
        TicketsListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            tickets: components["schemas"]["Ticket"][];
            /**
             * @description HubSpot’s own count; up to a minute old, or older if HubSpot does not return it; null: never returned
             * @example 250
             */
            total_count: number | null;
            /** @description null: never returned */
            total_count_at: string | null;
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        IssueResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            issue_id: string;
            integration_id: string;
            /** @description HubSpot’s id */
            ticket_id: string;
            subject: string | null;
            content: string | null;
            pipeline_id: string | null;
            pipeline_name: string | null;
            stage_id: string | null;
            stage_name: string | null;
            /** @description Whether tickets in this stage count as closed */
            stage_closed: boolean | null;
            priority: string | null;
            category: string | null;
            owner_id: string | null;
            /** @description First and last name, or the email address if there is no name */
            owner_name: string | null;
            owner_email: string | null;
            /** @description null: unknown */
            created_at: string | null;
            /** @description Time of the last change in HubSpot; null: unknown */
            modified_at: string | null;
            archived: boolean;
            archived_at: string | null;
            /** @description When Spoke found that the ticket no longer exists in HubSpot */
            deleted_at: string | null;
            /** @description HubSpot’s id of the ticket that this one was merged into */
            merged_into: string | null;
            url: string | null;
            properties: {
                [key: string]: string | null;
            };
            /** @description null: never read */
            associations: {
                /** @description null: not read because HubSpot does not allow it; see `resources` in the integration’s status */
                contacts: {
                    /** @description HubSpot’s id of the contact, company or deal */
                    id: string;
                    labels: {
                        category: string;
                        type_id: number;
                        label: string | null;
                    }[];
                }[] | null;
                /** @description null: not read because HubSpot does not allow it; see `resources` in the integration’s status */
                companies: {
                    /** @description HubSpot’s id of the contact, company or deal */
                    id: string;
                    labels: {
                        category: string;
                        type_id: number;
                        label: string | null;
                    }[];
                }[] | null;
                /** @description null: not read because HubSpot does not allow it; see `resources` in the integration’s status */
                deals: {
                    /** @description HubSpot’s id of the contact, company or deal */
                    id: string;
                    labels: {
                        category: string;
                        type_id: number;
                        label: string | null;
                    }[];
                }[] | null;
            } | null;
            /** @description When the stored content last changed */
            synced_at: string;
        };
        ProblemsListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            problems: components["schemas"]["RecordProblem"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        ChangesListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            changes: components["schemas"]["Change"][];
            /**
             * @description Whether more changes are available now
             * @example false
             */
            has_more: boolean;
            /**
             * @description Pass it as `after` to continue; present even when there are no changes
             * @example WyI1ZjBlMGY0ZSIsIjQyLjBjM2Y5YTEyIl0
             */
            next_after: string;
        };
        EndpointsCreateResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            endpoint_id: string;
            url: string;
            types: string[] | null;
            in_order: boolean;
            include: string[];
            created_at: string;
            /** @description No delivery has succeeded since then */
            failing_since: string | null;
            disabled_at: string | null;
            disabled_reason: string | null;
            /** @description Until then the previous secret also signs */
            previous_secret_expires_at: string | null;
            /** @description Number of webhooks waiting to be delivered */
            waiting: number;
            /**
             * @description Shown only once; null when the response is replayed
             * @example whsec_b25lLW9mLXRoZS1leGFtcGxlcy1hbmQtbm8tc2VjcmV0
             */
            secret: string | null;
        };
        EndpointsListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            endpoints: components["schemas"]["Endpoint"][];
        };
        EndpointResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            endpoint_id: string;
            url: string;
            types: string[] | null;
            in_order: boolean;
            include: string[];
            created_at: string;
            /** @description No delivery has succeeded since then */
            failing_since: string | null;
            disabled_at: string | null;
            disabled_reason: string | null;
            /** @description Until then the previous secret also signs */
            previous_secret_expires_at: string | null;
            /** @description Number of webhooks waiting to be delivered */
            waiting: number;
        };
        EndpointsDeleteResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01
             */
            endpoint_id: string;
        };
        EndpointsTestResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01
             */
            endpoint_id: string;
            /**
             * Format: uuid
             * @example 0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55
             */
            change_id: string;
        };
        EndpointsRecoverResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01
             */
            endpoint_id: string;
            /**
             * @description Number of webhooks queued by this request
             * @example 17
             */
            queued: number;
        };
        EndpointsDeliveriesResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01
             */
            endpoint_id: string;
            /** @description Newest first */
            deliveries: components["schemas"]["Delivery"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        SyncStartResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            message: string;
            sync_event_id: string;
            /** @enum {string} */
            sync_type: "full" | "incremental";
            /** @description Whether a run of this type was already queued, running or waiting */
            already_running: boolean;
            /** @description Whether that run was waiting for its next attempt and was resumed */
            resumed: boolean;
        };
        SyncListResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            /**
             * @description Runs of this page that have not ended
             * @example []
             */
            running: components["schemas"]["SyncEvent"][];
            /** @description Newest first */
            events: components["schemas"]["SyncEvent"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        SyncEventResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            integration_id: string;
            sync_event_id: string;
            kind: string;
            /** @enum {string} */
            sync_type: "full" | "incremental";
            /** @enum {string} */
            trigger: "api" | "connect" | "schedule";
            /** @enum {string} */
            state: "queued" | "running" | "waiting" | "succeeded" | "partial" | "failed" | "cancelled";
            /** @description How many records HubSpot counted before the run began */
            total: number | null;
            done: number;
            inserted: number;
            changed: number;
            unchanged: number;
            /** @description Issues that became tombstones: archived, merged or deleted in HubSpot */
            archived: number;
            /** @description Records that could not be saved */
            failed: number;
            /** @description Records that were saved, but not verbatim */
            repaired: number;
            pages: number;
            /** @description How many scheduled runs directly before this one found nothing either; this run stands for them */
            repeat_count: number;
            /** @description When the first of them started */
            repeats_since: string | null;
            rate_per_second: number | null;
            /** @description Why the run waits: an error code */
            waiting_for: string | null;
            waiting_until: string | null;
            error_code: string | null;
            error: string | null;
            requested_at: string;
            started_at: string | null;
            finished_at: string | null;
        };
        InboxGetResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            /** @description Whether this service accepts webhooks */
            webhooks: boolean;
            /** @description When the newest of the drained changes was received */
            last_received_at: string | null;
            /** @description When the newest of the drained changes occurred, by HubSpot’s clock */
            last_occurred_at: string | null;
            /** @description When a sync first found new tickets that no webhook had reported */
            webhooks_missing_since: string | null;
            /** @description How many drains in a row have failed */
            failures: number;
            next_attempt_at: string | null;
            error_code: string | null;
            waiting: number;
            waiting_since: string | null;
            /** @example 1 */
            dead_lettered: number;
            /** @description The dead-lettered changes, in the order in which they were dead-lettered */
            dead_letters: components["schemas"]["DeadLetter"][];
            /** @description Pass it as `after` for the next page; null: this is the last one */
            next_after: string | null;
        };
        InboxReplayResponse: {
            /** @enum {boolean} */
            success: true;
            /**
             * Format: uuid
             * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
             */
            tenant_id: string;
            /**
             * Format: uuid
             * @example 01a2044e-3639-7888-95cf-ef6ead9b1a46
             */
            integration_id: string;
            /**
             * @description How many changes will be drained again
             * @example 1
             */
            replayed: number;
        };
    };
    responses: {
        /** @description `bad_request`, `validation_failed`, `invalid_id` */
        BadRequest: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_json` */
        BadRequestOrBody: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `unauthenticated` */
        Unauthenticated: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `insufficient_scope`, `forged_request` */
        Forbidden: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `integration_not_found` */
        NotFound: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `idempotency_in_progress` */
        InProgress: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_too_large` */
        BodyTooLarge: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `unsupported_media_type` */
        UnsupportedMediaType: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `misdirected_request` */
        Misdirected: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `idempotency_mismatch` */
        IdempotencyMismatch: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `rate_limited` */
        Limited: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `request_too_large` */
        RequestTooLarge: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `internal` */
        Internal: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description `overloaded`, `disk_full`, `unavailable` */
        Unavailable: {
            headers: {
                "Request-Id": components["headers"]["Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /** @description The id of the change, the same for each attempt: process each id once */
        "webhook-id": string;
        /** @description When the attempt was made, in seconds since 1970 */
        "webhook-timestamp": string;
        /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
        "webhook-signature": string;
        /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
        "Idempotency-Key": string;
        /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
        tenant_id: string;
        /** @example 3f9c0a7be21d4455 */
        key_id: string;
        /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
        integration_id: string;
        /** @example 01a2044e-4bd8-71e8-9844-fcb13357773f */
        confirmation_id: string;
        /** @description ETags of responses that the caller has, or `*`: if one is still right, 304 without a body. */
        "If-None-Match": string;
        /** @example 01a2044e-3b22-7014-9cc8-9f60e5564519 */
        issue_id: string;
        /** @description The id of the last event that was received: the stream continues after it. */
        "Last-Event-ID": string;
        /** @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01 */
        endpoint_id: string;
        /** @example 0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55 */
        change_id: string;
        /** @example 01a2044e-3646-7e56-9520-473af17ce8b2 */
        sync_event_id: string;
    };
    requestBodies: never;
    headers: {
        /** @description As X-Request-Id of the request, or a new id; also on each log line of the request */
        "Request-Id": string;
        /** @description For a tenant’s credential, and when a limit is reached: how many requests are left, and in how many seconds the limit resets */
        RateLimit: string;
        /** @description With RateLimit: the limit, and its window in seconds */
        "RateLimit-Policy": string;
        /** @description Seconds to wait */
        "Retry-After": number;
        /** @description Which credential to send */
        "WWW-Authenticate": string;
        /** @description Path of the run, or of the next page */
        Location: string;
        /** @description Of this response; send it as If-None-Match to ask whether it is still right */
        ETag: string;
        /** @description The cookie of the session or of the page, or its removal */
        "Set-Cookie": string;
        /** @description A name for the file */
        "Content-Disposition": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    "health.live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    "application/json": components["schemas"]["HealthLiveResponse"];
                };
            };
            /** @description `bad_request` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    "health.ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok",
                     *       "checks": {
                     *         "draining": "no",
                     *         "database": "ok",
                     *         "schema": "ok",
                     *         "disk": "ok"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["HealthReadyResponse"];
                };
            };
            /** @description `bad_request` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description Not ready: see `checks` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "unavailable",
                     *       "checks": {
                     *         "draining": "no",
                     *         "database": "timeout",
                     *         "schema": "unknown",
                     *         "disk": "ok"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["HealthReadyResponse"];
                };
            };
        };
    };
    "health.metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Samples */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description `bad_request`, `validation_failed` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "tenants.list": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 50 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenants": [
                     *         {
                     *           "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *           "created_at": "2026-11-22T17:29:24.271Z"
                     *         }
                     *       ],
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["TenantsListResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "tenants.create": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11"
                 *     }
                 */
                "application/json": {
                    /**
                     * Format: uuid
                     * @description A UUID of your choice; version 7 keeps new tenants together
                     * @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11
                     */
                    tenant_id: string;
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "created_at": "2026-11-22T17:29:24.271Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TenantResponse"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "created_at": "2026-11-22T17:29:24.271Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TenantResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_json` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `idempotency_in_progress`, `tenant_erasing` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "tenants.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "created_at": "2026-11-22T17:29:24.271Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TenantResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `tenant_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "tenants.erase": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "status": "erasing"
                     *     }
                     */
                    "application/json": components["schemas"]["TenantsEraseResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `tenant_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "tenants.export": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A JSON object for each line */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Content-Disposition": components["headers"]["Content-Disposition"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `tenant_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "apiKeys.list": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 50 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "api_keys": [
                     *         {
                     *           "key_id": "3f9c0a7be21d4455",
                     *           "name": "reporting",
                     *           "scopes": [
                     *             "read",
                     *             "sync"
                     *           ],
                     *           "created_at": "2026-11-22T17:29:24.271Z",
                     *           "expires_at": "2027-02-20T17:29:24.271Z",
                     *           "revoked_at": null,
                     *           "last_used_at": "2026-11-22T18:02:11.090Z"
                     *         }
                     *       ],
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["ApiKeysListResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `tenant_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "apiKeys.create": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "reporting",
                 *       "scopes": [
                 *         "read",
                 *         "sync"
                 *       ],
                 *       "expires_in": 7776000
                 *     }
                 */
                "application/json": {
                    /** @description For people: who or what uses the key */
                    name: string;
                    scopes: ("read" | "sync" | "manage")[];
                    /** @description Seconds until the key expires; without it the key does not expire */
                    expires_in?: number;
                };
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "key_id": "3f9c0a7be21d4455",
                     *       "name": "reporting",
                     *       "scopes": [
                     *         "read",
                     *         "sync"
                     *       ],
                     *       "created_at": "2026-11-22T17:29:24.271Z",
                     *       "expires_at": "2027-02-20T17:29:24.271Z",
                     *       "revoked_at": null,
                     *       "last_used_at": "2026-11-22T18:02:11.090Z",
                     *       "api_key": "spk_3f9c0a7be21d4455_<secret>"
                     *     }
                     */
                    "application/json": components["schemas"]["ApiKeysCreateResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `tenant_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_in_progress`, `open_mode` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "apiKeys.rotate": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 3f9c0a7be21d4455 */
                key_id: components["parameters"]["key_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /** @example {} */
                "application/json": {
                    /**
                     * @description Seconds for which the old key remains valid; a day by default
                     * @default 86400
                     */
                    overlap?: number;
                };
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "key_id": "3f9c0a7be21d4455",
                     *       "name": "reporting",
                     *       "scopes": [
                     *         "read",
                     *         "sync"
                     *       ],
                     *       "created_at": "2026-11-22T17:29:24.271Z",
                     *       "expires_at": "2027-02-20T17:29:24.271Z",
                     *       "revoked_at": null,
                     *       "last_used_at": "2026-11-22T18:02:11.090Z",
                     *       "api_key": "spk_3f9c0a7be21d4455_<secret>"
                     *     }
                     */
                    "application/json": components["schemas"]["ApiKeysCreateResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `tenant_not_found`, `api_key_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_in_progress`, `api_key_not_active`, `open_mode` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "apiKeys.revoke": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 3f9c0a7be21d4455 */
                key_id: components["parameters"]["key_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "key_id": "3f9c0a7be21d4455",
                     *       "name": "reporting",
                     *       "scopes": [
                     *         "read",
                     *         "sync"
                     *       ],
                     *       "created_at": "2026-11-22T17:29:24.271Z",
                     *       "expires_at": "2027-02-20T17:29:24.271Z",
                     *       "revoked_at": null,
                     *       "last_used_at": "2026-11-22T18:02:11.090Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ApiKeyResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `tenant_not_found`, `api_key_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "session.get": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "principal": "tenant",
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "scopes": [
                     *         "read",
                     *         "sync"
                     *       ],
                     *       "actor": "key:9f2c41d07a6be358",
                     *       "csrf_token": "spc_…",
                     *       "expires_at": "2026-11-23T05:29:24.271Z"
                     *     }
                     */
                    "application/json": components["schemas"]["SessionResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "session.begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "principal": "tenant",
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "scopes": [
                     *         "read",
                     *         "sync"
                     *       ],
                     *       "actor": "key:9f2c41d07a6be358",
                     *       "csrf_token": "spc_…",
                     *       "expires_at": "2026-11-23T05:29:24.271Z"
                     *     }
                     */
                    "application/json": components["schemas"]["SessionResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_json` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "session.end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "ended": true
                     *     }
                     */
                    "application/json": components["schemas"]["SessionEndResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_json` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "audit.list": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 100 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "events": [
                     *         {
                     *           "seq": 2,
                     *           "at": "2026-11-22T17:29:24.301Z",
                     *           "actor": "key:9f2c41d07a6be358",
                     *           "action": "sync.start",
                     *           "target": "integration:01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "address": "203.0.113.7",
                     *           "request_id": "01a2044e-4702-7d11-9c52-3f0f5a1e8b21",
                     *           "phase": "done",
                     *           "result": "202",
                     *           "prev_hash": "6b64a67412e477c5738891bc12138e019ddcc72ce5b7dc58f6624bb193011837",
                     *           "hash": "0c3e4f4a36a1c8b4fd2b0b6e3c2f7f5d1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"
                     *         }
                     *       ],
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["AuditListResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `tenant_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "audit.listOperator": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 100 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "events": [
                     *         {
                     *           "seq": 2,
                     *           "at": "2026-11-22T17:29:24.301Z",
                     *           "actor": "key:9f2c41d07a6be358",
                     *           "action": "sync.start",
                     *           "target": "integration:01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "address": "203.0.113.7",
                     *           "request_id": "01a2044e-4702-7d11-9c52-3f0f5a1e8b21",
                     *           "phase": "done",
                     *           "result": "202",
                     *           "prev_hash": "6b64a67412e477c5738891bc12138e019ddcc72ce5b7dc58f6624bb193011837",
                     *           "hash": "0c3e4f4a36a1c8b4fd2b0b6e3c2f7f5d1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"
                     *         }
                     *       ],
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["AuditListOperatorResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "integrations.list": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integrations": [
                     *         {
                     *           "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *           "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "integration_type": "hubspot",
                     *           "status": "active",
                     *           "status_reason": null,
                     *           "hub_id": 25000195,
                     *           "hub_domain": "northwind-bikes.example.com",
                     *           "scopes": [
                     *             "oauth",
                     *             "tickets",
                     *             "crm.objects.owners.read"
                     *           ],
                     *           "created_at": "2026-11-22T17:29:24.271Z",
                     *           "last_sync": null,
                     *           "resources": {
                     *             "properties": {
                     *               "state": "ok",
                     *               "problem": null,
                     *               "read_at": "2026-11-22T17:29:25.610Z"
                     *             },
                     *             "pipelines": {
                     *               "state": "ok",
                     *               "problem": null,
                     *               "read_at": "2026-11-22T17:29:25.610Z"
                     *             },
                     *             "owners": {
                     *               "state": "ok",
                     *               "problem": null,
                     *               "read_at": "2026-11-22T17:29:25.610Z"
                     *             },
                     *             "contacts": {
                     *               "state": "ok",
                     *               "problem": null,
                     *               "read_at": "2026-11-22T17:29:25.610Z"
                     *             },
                     *             "companies": {
                     *               "state": "ok",
                     *               "problem": null,
                     *               "read_at": "2026-11-22T17:29:25.610Z"
                     *             },
                     *             "deals": {
                     *               "state": "ok",
                     *               "problem": null,
                     *               "read_at": "2026-11-22T17:29:25.610Z"
                     *             }
                     *           }
                     *         }
                     *       ],
                     *       "total_count": 1
                     *     }
                     */
                    "application/json": components["schemas"]["IntegrationsListResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "integrations.connect": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "access_token": "your-hubspot-access-token"
                 *     }
                 */
                "application/json": {
                    /** @example your-hubspot-access-token */
                    access_token: string;
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "integration_type": "hubspot",
                     *       "status": "active",
                     *       "status_reason": null,
                     *       "hub_id": 25000195,
                     *       "hub_domain": "northwind-bikes.example.com",
                     *       "scopes": [
                     *         "oauth",
                     *         "tickets",
                     *         "crm.objects.owners.read"
                     *       ],
                     *       "created_at": "2026-11-22T17:29:24.271Z",
                     *       "last_sync": null,
                     *       "resources": {
                     *         "properties": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "pipelines": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "owners": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "contacts": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "companies": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "deals": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["IntegrationResponse"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "integration_type": "hubspot",
                     *       "status": "active",
                     *       "status_reason": null,
                     *       "hub_id": 25000195,
                     *       "hub_domain": "northwind-bikes.example.com",
                     *       "scopes": [
                     *         "oauth",
                     *         "tickets",
                     *         "crm.objects.owners.read"
                     *       ],
                     *       "created_at": "2026-11-22T17:29:24.271Z",
                     *       "last_sync": null,
                     *       "resources": {
                     *         "properties": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "pipelines": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "owners": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "contacts": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "companies": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "deals": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["IntegrationResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            /** @description `idempotency_in_progress`, `tenant_erasing` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            /** @description `idempotency_mismatch`, `token_invalid`, `hubspot_forbidden`, `missing_scopes` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `hubspot_unavailable` */
            502: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `overloaded`, `disk_full`, `unavailable`, `hubspot_limit`, `oauth_not_configured` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `hubspot_unavailable` */
            504: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "integrations.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "integration_type": "hubspot",
                     *       "status": "active",
                     *       "status_reason": null,
                     *       "hub_id": 25000195,
                     *       "hub_domain": "northwind-bikes.example.com",
                     *       "scopes": [
                     *         "oauth",
                     *         "tickets",
                     *         "crm.objects.owners.read"
                     *       ],
                     *       "created_at": "2026-11-22T17:29:24.271Z",
                     *       "last_sync": null,
                     *       "resources": {
                     *         "properties": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "pipelines": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "owners": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "contacts": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "companies": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "deals": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["IntegrationResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "integrations.disconnect": {
        parameters: {
            query?: {
                /** @description Also delete the synced data and its history */
                purge?: "true" | "false";
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "status": "disconnected",
                     *       "purged": false,
                     *       "revoked": true
                     *     }
                     */
                    "application/json": components["schemas"]["IntegrationsDisconnectResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "integrations.status": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "connected": true,
                     *       "hub_domain": "northwind-bikes.example.com",
                     *       "scopes": [
                     *         "oauth",
                     *         "tickets",
                     *         "crm.objects.owners.read"
                     *       ],
                     *       "token_type": "access",
                     *       "expires_in": null,
                     *       "hub_id": 25000195,
                     *       "status": "active",
                     *       "change_source": "webhooks",
                     *       "resources": {
                     *         "properties": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "pipelines": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "owners": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "contacts": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "companies": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "deals": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["IntegrationsStatusResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "oauth.authorize": {
        parameters: {
            query?: {
                /** @description Integration to reconnect; absent: connect a new one */
                integration_id?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "authorization_url": "https://app.hubspot.com/oauth/authorize?client_id=…&redirect_uri=…&scope=…&state=…",
                     *       "integration_id": "01a2044e-4bd8-71e8-9844-fcb13357773f"
                     *     }
                     */
                    "application/json": components["schemas"]["OauthAuthorizeResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            /** @description `tenant_erasing` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `overloaded`, `disk_full`, `unavailable`, `oauth_not_configured` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "oauth.browserCallback": {
        parameters: {
            query?: {
                code?: string;
                state?: string;
                error?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description To the page that shows the account */
            303: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `bad_request`, `validation_failed`, `invalid_state`, `oauth_denied`, `oauth_code_rejected` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `hub_changed` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            /** @description `token_invalid`, `hubspot_forbidden`, `missing_scopes` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `hubspot_unavailable` */
            502: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `overloaded`, `disk_full`, `unavailable`, `hubspot_limit`, `oauth_not_configured` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `hubspot_unavailable` */
            504: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "oauth.callback": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "code": "oauth-code-from-hubspot",
                 *       "state": "tenant_id:integration_id:nonce"
                 *     }
                 */
                "application/json": {
                    /** @example oauth-code-from-hubspot */
                    code: string;
                    /** @example tenant_id:integration_id:nonce */
                    state: string;
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "integration_type": "hubspot",
                     *       "status": "active",
                     *       "status_reason": null,
                     *       "hub_id": 25000195,
                     *       "hub_domain": "northwind-bikes.example.com",
                     *       "scopes": [
                     *         "oauth",
                     *         "tickets",
                     *         "crm.objects.owners.read"
                     *       ],
                     *       "created_at": "2026-11-22T17:29:24.271Z",
                     *       "last_sync": null,
                     *       "resources": {
                     *         "properties": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "pipelines": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "owners": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "contacts": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "companies": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         },
                     *         "deals": {
                     *           "state": "ok",
                     *           "problem": null,
                     *           "read_at": "2026-11-22T17:29:25.610Z"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["IntegrationResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_json`, `invalid_state`, `oauth_code_rejected` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            /** @description `idempotency_in_progress`, `hub_changed`, `tenant_erasing` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            /** @description `idempotency_mismatch`, `token_invalid`, `hubspot_forbidden`, `missing_scopes` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `hubspot_unavailable` */
            502: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `overloaded`, `disk_full`, `unavailable`, `hubspot_limit`, `oauth_not_configured` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `hubspot_unavailable` */
            504: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "oauth.connectedPage": {
        parameters: {
            query: {
                hub_id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description `bad_request`, `validation_failed` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "oauth.confirmPage": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01a2044e-4bd8-71e8-9844-fcb13357773f */
                confirmation_id: components["parameters"]["confirmation_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description To the page at the end */
            303: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_state` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "oauth.confirm": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01a2044e-4bd8-71e8-9844-fcb13357773f */
                confirmation_id: components["parameters"]["confirmation_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": {
                    /** @enum {string} */
                    decision: "connect" | "cancel";
                };
            };
        };
        responses: {
            /** @description The page */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description To the page at the end */
            303: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_json`, `invalid_state` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `forged_request` */
            403: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `hub_changed`, `tenant_erasing` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            /** @description `token_invalid`, `hubspot_forbidden`, `missing_scopes` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `hubspot_unavailable` */
            502: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `overloaded`, `disk_full`, `unavailable`, `hubspot_limit`, `oauth_not_configured` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `hubspot_unavailable` */
            504: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "issues.list": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 50 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
                integration_id?: string;
                /** @description true: only tombstones; false: only tickets that are live in HubSpot; absent: both */
                archived?: "true" | "false";
                /** @description HubSpot’s id of the ticket. Repeat the parameter for several: any of them, at most 100. */
                ticket_id?: string[];
                /**
                 * @description Words of the subject, the content or the ticket id, in any order, without regard to case and accents. `"…"`: words that follow each other; `-word`: must not occur. The last word may be unfinished. Without `sort`, the best matches first, among the 1,000 that changed last
                 * @example printer "on fire" -solved
                 */
                q?: string;
                /** @description Conditions on any property of the account: `properties.<name>=value` (repeat it for several: any of them), `.in` with a list separated by commas, `.exists` with true or false, and `.gt`, `.gte`, `.lt`, `.lte` for numbers and times. At most 10. Values are compared as the property’s type; a value of more than 200 characters is not found */
                properties?: {
                    [key: string]: string | string[];
                };
                /** @description HubSpot’s id of an associated contact. Repeat the parameter for several: any of them, at most 100. */
                contact_id?: string[];
                /** @description HubSpot’s id of an associated company. Repeat the parameter for several: any of them, at most 100. */
                company_id?: string[];
                /** @description HubSpot’s id of an associated deal. Repeat the parameter for several: any of them, at most 100. */
                deal_id?: string[];
                /** @description Id of the pipeline. Repeat the parameter for several: any of them, at most 100. */
                pipeline_id?: string[];
                /** @description Name of the pipeline, exactly. Repeat the parameter for several: any of them, at most 100. */
                pipeline_name?: string[];
                /** @description Id of the stage. Repeat the parameter for several: any of them, at most 100. */
                stage_id?: string[];
                /** @description Name of the stage, exactly. Repeat the parameter for several: any of them, at most 100. */
                stage_name?: string[];
                /** @description Whether the stage counts as closed in HubSpot */
                closed?: "true" | "false";
                /** @description Id of the owner. Repeat the parameter for several: any of them, at most 100. */
                owner_id?: string[];
                /** @description Name of the owner, exactly. Repeat the parameter for several: any of them, at most 100. */
                owner_name?: string[];
                /** @description Email address of the owner, exactly. Repeat the parameter for several: any of them, at most 100. */
                owner_email?: string[];
                /** @description Whether the ticket has an owner */
                "owner_id.exists"?: "true" | "false";
                /** @description Priority, as HubSpot stores it. Repeat the parameter for several: any of them, at most 100. */
                priority?: string[];
                /** @description Whether the ticket has a priority */
                "priority.exists"?: "true" | "false";
                /** @description Category, as HubSpot stores it. Repeat the parameter for several: any of them, at most 100. */
                category?: string[];
                /** @description Whether the ticket has a category */
                "category.exists"?: "true" | "false";
                /** @description Created in HubSpot after this time */
                "created_at.gt"?: string;
                /** @description Created in HubSpot at or after this time */
                "created_at.gte"?: string;
                /** @description Created in HubSpot before this time */
                "created_at.lt"?: string;
                /** @description Created in HubSpot at or before this time */
                "created_at.lte"?: string;
                /** @description Last changed in HubSpot after this time */
                "modified_at.gt"?: string;
                /** @description Last changed in HubSpot at or after this time */
                "modified_at.gte"?: string;
                /** @description Last changed in HubSpot before this time */
                "modified_at.lt"?: string;
                /** @description Last changed in HubSpot at or before this time */
                "modified_at.lte"?: string;
                /** @description Last changed here after this time */
                "synced_at.gt"?: string;
                /** @description Last changed here at or after this time */
                "synced_at.gte"?: string;
                /** @description Last changed here before this time */
                "synced_at.lt"?: string;
                /** @description Last changed here at or before this time */
                "synced_at.lte"?: string;
                /** @description Archived after this time */
                "archived_at.gt"?: string;
                /** @description Archived at or after this time */
                "archived_at.gte"?: string;
                /** @description Archived before this time */
                "archived_at.lt"?: string;
                /** @description Archived at or before this time */
                "archived_at.lte"?: string;
                /** @description Found to be deleted after this time */
                "deleted_at.gt"?: string;
                /** @description Found to be deleted at or after this time */
                "deleted_at.gte"?: string;
                /** @description Found to be deleted before this time */
                "deleted_at.lt"?: string;
                /** @description Found to be deleted at or before this time */
                "deleted_at.lte"?: string;
                /** @description With a minus: the newest first. Absent: with `q`, the best matches first; otherwise in the order in which they were first saved */
                sort?: "created_at" | "-created_at" | "modified_at" | "-modified_at";
                /** @description Only these fields of each issue, separated by commas or each alone; `properties.<name>` is one property. An issue then has these and its three ids only, whatever the schema of the response requires */
                fields?: string[];
                /** @description exact: counts what the query finds; it takes longer the more there are, so leave it out on later pages. estimated: stops at 10,000 */
                count?: "exact" | "estimated";
            };
            header?: {
                /** @description ETags of responses that the caller has, or `*`: if one is still right, 304 without a body. */
                "If-None-Match"?: components["parameters"]["If-None-Match"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "issues": [
                     *         {
                     *           "issue_id": "01a2044e-3b22-7014-9cc8-9f60e5564519",
                     *           "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "ticket_id": "397940000030",
                     *           "subject": "Feature request: filters for the printer driver",
                     *           "content": "Hi team, any workaround would help.",
                     *           "pipeline_id": "0",
                     *           "pipeline_name": "Support Pipeline",
                     *           "stage_id": "4",
                     *           "stage_name": "Closed",
                     *           "stage_closed": true,
                     *           "priority": "MEDIUM",
                     *           "category": "GENERAL_INQUIRY",
                     *           "owner_id": "48857036",
                     *           "owner_name": "Ada Lovelace",
                     *           "owner_email": "ada.lovelace@northwind-bikes.example.com",
                     *           "created_at": "2025-06-09T15:14:50.410Z",
                     *           "modified_at": "2025-06-09T18:33:36.923Z",
                     *           "archived": false,
                     *           "archived_at": null,
                     *           "deleted_at": null,
                     *           "merged_into": null,
                     *           "url": "https://app.hubspot.com/contacts/25000195/record/0-5/397940000030",
                     *           "properties": {
                     *             "subject": "Feature request: filters for the printer driver",
                     *             "hs_is_closed": "true"
                     *           },
                     *           "associations": {
                     *             "contacts": [
                     *               {
                     *                 "id": "51",
                     *                 "labels": [
                     *                   {
                     *                     "category": "HUBSPOT_DEFINED",
                     *                     "type_id": 16,
                     *                     "label": null
                     *                   }
                     *                 ]
                     *               }
                     *             ],
                     *             "companies": [],
                     *             "deals": null
                     *           },
                     *           "synced_at": "2026-11-22T17:29:25.524Z"
                     *         }
                     *       ],
                     *       "next_after": null,
                     *       "count": null,
                     *       "count_is": null,
                     *       "highlights": null,
                     *       "indexing": []
                     *     }
                     */
                    "application/json": components["schemas"]["IssuesListResponse"];
                };
            };
            /** @description Not Modified: the caller has this response */
            304: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            /** @description `query_too_broad` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "issues.facets": {
        parameters: {
            query?: {
                integration_id?: string;
                /** @description true: only tombstones; false: only tickets that are live in HubSpot; absent: both */
                archived?: "true" | "false";
                /** @description HubSpot’s id of the ticket. Repeat the parameter for several: any of them, at most 100. */
                ticket_id?: string[];
                /**
                 * @description Words of the subject, the content or the ticket id, in any order, without regard to case and accents. `"…"`: words that follow each other; `-word`: must not occur. The last word may be unfinished. Without `sort`, the best matches first, among the 1,000 that changed last
                 * @example printer "on fire" -solved
                 */
                q?: string;
                /** @description Conditions on any property of the account: `properties.<name>=value` (repeat it for several: any of them), `.in` with a list separated by commas, `.exists` with true or false, and `.gt`, `.gte`, `.lt`, `.lte` for numbers and times. At most 10. Values are compared as the property’s type; a value of more than 200 characters is not found */
                properties?: {
                    [key: string]: string | string[];
                };
                /** @description HubSpot’s id of an associated contact. Repeat the parameter for several: any of them, at most 100. */
                contact_id?: string[];
                /** @description HubSpot’s id of an associated company. Repeat the parameter for several: any of them, at most 100. */
                company_id?: string[];
                /** @description HubSpot’s id of an associated deal. Repeat the parameter for several: any of them, at most 100. */
                deal_id?: string[];
                /** @description Id of the pipeline. Repeat the parameter for several: any of them, at most 100. */
                pipeline_id?: string[];
                /** @description Name of the pipeline, exactly. Repeat the parameter for several: any of them, at most 100. */
                pipeline_name?: string[];
                /** @description Id of the stage. Repeat the parameter for several: any of them, at most 100. */
                stage_id?: string[];
                /** @description Name of the stage, exactly. Repeat the parameter for several: any of them, at most 100. */
                stage_name?: string[];
                /** @description Whether the stage counts as closed in HubSpot */
                closed?: "true" | "false";
                /** @description Id of the owner. Repeat the parameter for several: any of them, at most 100. */
                owner_id?: string[];
                /** @description Name of the owner, exactly. Repeat the parameter for several: any of them, at most 100. */
                owner_name?: string[];
                /** @description Email address of the owner, exactly. Repeat the parameter for several: any of them, at most 100. */
                owner_email?: string[];
                /** @description Whether the ticket has an owner */
                "owner_id.exists"?: "true" | "false";
                /** @description Priority, as HubSpot stores it. Repeat the parameter for several: any of them, at most 100. */
                priority?: string[];
                /** @description Whether the ticket has a priority */
                "priority.exists"?: "true" | "false";
                /** @description Category, as HubSpot stores it. Repeat the parameter for several: any of them, at most 100. */
                category?: string[];
                /** @description Whether the ticket has a category */
                "category.exists"?: "true" | "false";
                /** @description Created in HubSpot after this time */
                "created_at.gt"?: string;
                /** @description Created in HubSpot at or after this time */
                "created_at.gte"?: string;
                /** @description Created in HubSpot before this time */
                "created_at.lt"?: string;
                /** @description Created in HubSpot at or before this time */
                "created_at.lte"?: string;
                /** @description Last changed in HubSpot after this time */
                "modified_at.gt"?: string;
                /** @description Last changed in HubSpot at or after this time */
                "modified_at.gte"?: string;
                /** @description Last changed in HubSpot before this time */
                "modified_at.lt"?: string;
                /** @description Last changed in HubSpot at or before this time */
                "modified_at.lte"?: string;
                /** @description Last changed here after this time */
                "synced_at.gt"?: string;
                /** @description Last changed here at or after this time */
                "synced_at.gte"?: string;
                /** @description Last changed here before this time */
                "synced_at.lt"?: string;
                /** @description Last changed here at or before this time */
                "synced_at.lte"?: string;
                /** @description Archived after this time */
                "archived_at.gt"?: string;
                /** @description Archived at or after this time */
                "archived_at.gte"?: string;
                /** @description Archived before this time */
                "archived_at.lt"?: string;
                /** @description Archived at or before this time */
                "archived_at.lte"?: string;
                /** @description Found to be deleted after this time */
                "deleted_at.gt"?: string;
                /** @description Found to be deleted at or after this time */
                "deleted_at.gte"?: string;
                /** @description Found to be deleted before this time */
                "deleted_at.lt"?: string;
                /** @description Found to be deleted at or before this time */
                "deleted_at.lte"?: string;
                /** @description Also counts the issues of each hour, day, week from Monday, or month, in UTC */
                interval?: "hour" | "day" | "week" | "month";
                /** @description The time that `interval` counts by */
                time?: "created_at" | "modified_at";
            };
            header?: {
                /** @description ETags of responses that the caller has, or `*`: if one is still right, 304 without a body. */
                "If-None-Match"?: components["parameters"]["If-None-Match"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "count": 250,
                     *       "facets": {
                     *         "integration": [
                     *           {
                     *             "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *             "count": 250
                     *           }
                     *         ],
                     *         "pipeline": [
                     *           {
                     *             "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *             "pipeline_id": "0",
                     *             "pipeline_name": "Support Pipeline",
                     *             "count": 250
                     *           }
                     *         ],
                     *         "stage": [
                     *           {
                     *             "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *             "pipeline_id": "0",
                     *             "pipeline_name": "Support Pipeline",
                     *             "stage_id": "4",
                     *             "stage_name": "Closed",
                     *             "stage_closed": true,
                     *             "count": 250
                     *           }
                     *         ],
                     *         "owner": [
                     *           {
                     *             "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *             "owner_id": "48857036",
                     *             "owner_name": "Ada Lovelace",
                     *             "owner_email": "ada.lovelace@northwind-bikes.example.com",
                     *             "count": 180
                     *           },
                     *           {
                     *             "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *             "owner_id": null,
                     *             "owner_name": null,
                     *             "owner_email": null,
                     *             "count": 70
                     *           }
                     *         ],
                     *         "priority": [
                     *           {
                     *             "priority": "MEDIUM",
                     *             "count": 200
                     *           },
                     *           {
                     *             "priority": "HIGH",
                     *             "count": 50
                     *           }
                     *         ],
                     *         "category": [
                     *           {
                     *             "category": null,
                     *             "count": 250
                     *           }
                     *         ]
                     *       },
                     *       "buckets": [
                     *         {
                     *           "start": "2025-05-31T00:00:00.000Z",
                     *           "count": 120
                     *         },
                     *         {
                     *           "start": "2025-06-01T00:00:00.000Z",
                     *           "count": 130
                     *         }
                     *       ],
                     *       "indexing": []
                     *     }
                     */
                    "application/json": components["schemas"]["IssueFacetsResponse"];
                };
            };
            /** @description Not Modified: the caller has this response */
            304: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            /** @description `query_too_broad` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "issues.read": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "issue_ids": [
                 *         "01a2044e-3b22-7014-9cc8-9f60e5564519",
                 *         "01a2044e-3b22-7014-9cc8-9f60e5564520"
                 *       ],
                 *       "fields": [
                 *         "subject",
                 *         "stage_name",
                 *         "properties.amount"
                 *       ]
                 *     }
                 */
                "application/json": {
                    issue_ids?: string[];
                    /** @description Instead of `issue_ids`: the issues by HubSpot’s ids */
                    tickets?: {
                        /** Format: uuid */
                        integration_id: string;
                        ticket_id: string;
                    }[];
                    /**
                     * @description Only these fields of each issue, separated by commas or each alone; `properties.<name>` is one property. An issue then has these and its three ids only, whatever the schema of the response requires
                     * @example [
                     *       "subject",
                     *       "stage_name",
                     *       "properties.amount"
                     *     ]
                     */
                    fields?: string[];
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "issues": [
                     *         {
                     *           "issue_id": "01a2044e-3b22-7014-9cc8-9f60e5564519",
                     *           "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "ticket_id": "397940000030",
                     *           "subject": "Feature request: filters for the printer driver",
                     *           "content": "Hi team, any workaround would help.",
                     *           "pipeline_id": "0",
                     *           "pipeline_name": "Support Pipeline",
                     *           "stage_id": "4",
                     *           "stage_name": "Closed",
                     *           "stage_closed": true,
                     *           "priority": "MEDIUM",
                     *           "category": "GENERAL_INQUIRY",
                     *           "owner_id": "48857036",
                     *           "owner_name": "Ada Lovelace",
                     *           "owner_email": "ada.lovelace@northwind-bikes.example.com",
                     *           "created_at": "2025-06-09T15:14:50.410Z",
                     *           "modified_at": "2025-06-09T18:33:36.923Z",
                     *           "archived": false,
                     *           "archived_at": null,
                     *           "deleted_at": null,
                     *           "merged_into": null,
                     *           "url": "https://app.hubspot.com/contacts/25000195/record/0-5/397940000030",
                     *           "properties": {
                     *             "subject": "Feature request: filters for the printer driver",
                     *             "hs_is_closed": "true"
                     *           },
                     *           "associations": {
                     *             "contacts": [
                     *               {
                     *                 "id": "51",
                     *                 "labels": [
                     *                   {
                     *                     "category": "HUBSPOT_DEFINED",
                     *                     "type_id": 16,
                     *                     "label": null
                     *                   }
                     *                 ]
                     *               }
                     *             ],
                     *             "companies": [],
                     *             "deals": null
                     *           },
                     *           "synced_at": "2026-11-22T17:29:25.524Z"
                     *         }
                     *       ],
                     *       "missing": [
                     *         "01a2044e-3b22-7014-9cc8-9f60e5564520"
                     *       ],
                     *       "unread": []
                     *     }
                     */
                    "application/json": components["schemas"]["IssuesReadResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "issues.search": {
        parameters: {
            query?: {
                /** @description Of one account; absent: of all of the tenant’s */
                integration_id?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /** @example {} */
                "application/json": {
                    /** @description One of the groups must hold, and of a group all filters */
                    filterGroups?: {
                        filters: {
                            /** @description A property, or associations.contact, associations.company, associations.deal */
                            propertyName: string;
                            /** @enum {string} */
                            operator: "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" | "BETWEEN" | "IN" | "NOT_IN" | "HAS_PROPERTY" | "NOT_HAS_PROPERTY" | "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN";
                            value?: string | number | boolean;
                            /** @description For BETWEEN */
                            highValue?: string | number | boolean;
                            /** @description For IN and NOT_IN */
                            values?: (string | number | boolean)[];
                        }[];
                    }[];
                    /** @description Beginnings of words of the subject, the content or the ticket id */
                    query?: string;
                    /** @description Absent: the oldest ticket first */
                    sorts?: (string | {
                        propertyName: string;
                        /** @enum {string} */
                        direction?: "ASCENDING" | "DESCENDING";
                    })[];
                    properties?: string[];
                    limit?: number;
                    after?: string | number;
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "total": 1,
                     *       "results": [
                     *         {
                     *           "id": "397940000030",
                     *           "issue_id": "01a2044e-3b22-7014-9cc8-9f60e5564519",
                     *           "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "properties": {
                     *             "subject": "Feature request: filters for the printer driver",
                     *             "hs_ticket_priority": "HIGH",
                     *             "createdate": "2025-06-09T15:14:50.410Z",
                     *             "hs_lastmodifieddate": "2025-06-09T18:33:36.923Z",
                     *             "hs_object_id": "397940000030"
                     *           },
                     *           "createdAt": "2025-06-09T15:14:50.410Z",
                     *           "updatedAt": "2025-06-09T18:33:36.923Z",
                     *           "archived": false,
                     *           "url": "https://app.hubspot.com/contacts/25000195/record/0-5/397940000030"
                     *         }
                     *       ],
                     *       "indexing": []
                     *     }
                     */
                    "application/json": components["schemas"]["HubSpotSearchResultsResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            /** @description `query_too_broad` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "issues.searchByClient": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /** @example {} */
                "application/json": {
                    /** @description One of the groups must hold, and of a group all filters */
                    filterGroups?: {
                        filters: {
                            /** @description A property, or associations.contact, associations.company, associations.deal */
                            propertyName: string;
                            /** @enum {string} */
                            operator: "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" | "BETWEEN" | "IN" | "NOT_IN" | "HAS_PROPERTY" | "NOT_HAS_PROPERTY" | "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN";
                            value?: string | number | boolean;
                            /** @description For BETWEEN */
                            highValue?: string | number | boolean;
                            /** @description For IN and NOT_IN */
                            values?: (string | number | boolean)[];
                        }[];
                    }[];
                    /** @description Beginnings of words of the subject, the content or the ticket id */
                    query?: string;
                    /** @description Absent: the oldest ticket first */
                    sorts?: (string | {
                        propertyName: string;
                        /** @enum {string} */
                        direction?: "ASCENDING" | "DESCENDING";
                    })[];
                    properties?: string[];
                    limit?: number;
                    after?: string | number;
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "total": 1,
                     *       "results": [
                     *         {
                     *           "id": "397940000030",
                     *           "issue_id": "01a2044e-3b22-7014-9cc8-9f60e5564519",
                     *           "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "properties": {
                     *             "subject": "Feature request: filters for the printer driver",
                     *             "hs_ticket_priority": "HIGH",
                     *             "createdate": "2025-06-09T15:14:50.410Z",
                     *             "hs_lastmodifieddate": "2025-06-09T18:33:36.923Z",
                     *             "hs_object_id": "397940000030"
                     *           },
                     *           "createdAt": "2025-06-09T15:14:50.410Z",
                     *           "updatedAt": "2025-06-09T18:33:36.923Z",
                     *           "archived": false,
                     *           "url": "https://app.hubspot.com/contacts/25000195/record/0-5/397940000030"
                     *         }
                     *       ],
                     *       "indexing": []
                     *     }
                     */
                    "application/json": components["schemas"]["HubSpotClientSearchResultsResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            /** @description `query_too_broad` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "issues.export": {
        parameters: {
            query?: {
                integration_id?: string;
                /** @description true: only tombstones; false: only tickets that are live in HubSpot; absent: both */
                archived?: "true" | "false";
                /** @description HubSpot’s id of the ticket. Repeat the parameter for several: any of them, at most 100. */
                ticket_id?: string[];
                /**
                 * @description Words of the subject, the content or the ticket id, in any order, without regard to case and accents. `"…"`: words that follow each other; `-word`: must not occur. The last word may be unfinished. Without `sort`, the best matches first, among the 1,000 that changed last
                 * @example printer "on fire" -solved
                 */
                q?: string;
                /** @description Conditions on any property of the account: `properties.<name>=value` (repeat it for several: any of them), `.in` with a list separated by commas, `.exists` with true or false, and `.gt`, `.gte`, `.lt`, `.lte` for numbers and times. At most 10. Values are compared as the property’s type; a value of more than 200 characters is not found */
                properties?: {
                    [key: string]: string | string[];
                };
                /** @description HubSpot’s id of an associated contact. Repeat the parameter for several: any of them, at most 100. */
                contact_id?: string[];
                /** @description HubSpot’s id of an associated company. Repeat the parameter for several: any of them, at most 100. */
                company_id?: string[];
                /** @description HubSpot’s id of an associated deal. Repeat the parameter for several: any of them, at most 100. */
                deal_id?: string[];
                /** @description Id of the pipeline. Repeat the parameter for several: any of them, at most 100. */
                pipeline_id?: string[];
                /** @description Name of the pipeline, exactly. Repeat the parameter for several: any of them, at most 100. */
                pipeline_name?: string[];
                /** @description Id of the stage. Repeat the parameter for several: any of them, at most 100. */
                stage_id?: string[];
                /** @description Name of the stage, exactly. Repeat the parameter for several: any of them, at most 100. */
                stage_name?: string[];
                /** @description Whether the stage counts as closed in HubSpot */
                closed?: "true" | "false";
                /** @description Id of the owner. Repeat the parameter for several: any of them, at most 100. */
                owner_id?: string[];
                /** @description Name of the owner, exactly. Repeat the parameter for several: any of them, at most 100. */
                owner_name?: string[];
                /** @description Email address of the owner, exactly. Repeat the parameter for several: any of them, at most 100. */
                owner_email?: string[];
                /** @description Whether the ticket has an owner */
                "owner_id.exists"?: "true" | "false";
                /** @description Priority, as HubSpot stores it. Repeat the parameter for several: any of them, at most 100. */
                priority?: string[];
                /** @description Whether the ticket has a priority */
                "priority.exists"?: "true" | "false";
                /** @description Category, as HubSpot stores it. Repeat the parameter for several: any of them, at most 100. */
                category?: string[];
                /** @description Whether the ticket has a category */
                "category.exists"?: "true" | "false";
                /** @description Created in HubSpot after this time */
                "created_at.gt"?: string;
                /** @description Created in HubSpot at or after this time */
                "created_at.gte"?: string;
                /** @description Created in HubSpot before this time */
                "created_at.lt"?: string;
                /** @description Created in HubSpot at or before this time */
                "created_at.lte"?: string;
                /** @description Last changed in HubSpot after this time */
                "modified_at.gt"?: string;
                /** @description Last changed in HubSpot at or after this time */
                "modified_at.gte"?: string;
                /** @description Last changed in HubSpot before this time */
                "modified_at.lt"?: string;
                /** @description Last changed in HubSpot at or before this time */
                "modified_at.lte"?: string;
                /** @description Last changed here after this time */
                "synced_at.gt"?: string;
                /** @description Last changed here at or after this time */
                "synced_at.gte"?: string;
                /** @description Last changed here before this time */
                "synced_at.lt"?: string;
                /** @description Last changed here at or before this time */
                "synced_at.lte"?: string;
                /** @description Archived after this time */
                "archived_at.gt"?: string;
                /** @description Archived at or after this time */
                "archived_at.gte"?: string;
                /** @description Archived before this time */
                "archived_at.lt"?: string;
                /** @description Archived at or before this time */
                "archived_at.lte"?: string;
                /** @description Found to be deleted after this time */
                "deleted_at.gt"?: string;
                /** @description Found to be deleted at or after this time */
                "deleted_at.gte"?: string;
                /** @description Found to be deleted before this time */
                "deleted_at.lt"?: string;
                /** @description Found to be deleted at or before this time */
                "deleted_at.lte"?: string;
                /** @description With a minus: the newest first. Absent: with `q`, the best matches first; otherwise in the order in which they were first saved */
                sort?: "created_at" | "-created_at" | "modified_at" | "-modified_at";
                /** @description Only these fields of each issue, separated by commas or each alone; `properties.<name>` is one property. An issue then has these and its three ids only, whatever the schema of the response requires */
                fields?: string[];
                /** @description ndjson: a JSON object for each line */
                format?: "ndjson" | "csv";
                /** @description true: puts an apostrophe before each value in CSV that a spreadsheet would calculate. Such values are then not as in HubSpot */
                csv_safe?: "true" | "false";
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A JSON object for each line, or CSV */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Content-Disposition": components["headers"]["Content-Disposition"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                    "text/csv": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            /** @description `query_too_broad` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "tickets.list": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 50 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "tickets": [
                     *         {
                     *           "id": "397940000006",
                     *           "properties": {
                     *             "subject": "Can somebody call me about single sign-on?",
                     *             "hs_ticket_priority": "MEDIUM",
                     *             "hs_pipeline_stage": "4",
                     *             "hs_lastmodifieddate": "2025-06-02T04:49:10.732Z"
                     *           },
                     *           "createdAt": "2025-05-31T22:07:14.763Z",
                     *           "updatedAt": "2025-06-02T04:49:10.732Z",
                     *           "archived": false
                     *         }
                     *       ],
                     *       "total_count": 250,
                     *       "total_count_at": null,
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["TicketsListResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            /** @description `integration_not_connected`, `token_invalid`, `hubspot_forbidden` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            /** @description `missing_scopes` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `hubspot_unavailable` */
            502: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `overloaded`, `disk_full`, `unavailable`, `hubspot_limit`, `oauth_not_configured` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `hubspot_unavailable` */
            504: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "issues.get": {
        parameters: {
            query?: {
                /** @description Only these fields of each issue, separated by commas or each alone; `properties.<name>` is one property. An issue then has these and its three ids only, whatever the schema of the response requires */
                fields?: string[];
            };
            header?: {
                /** @description ETags of responses that the caller has, or `*`: if one is still right, 304 without a body. */
                "If-None-Match"?: components["parameters"]["If-None-Match"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3b22-7014-9cc8-9f60e5564519 */
                issue_id: components["parameters"]["issue_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "issue_id": "01a2044e-3b22-7014-9cc8-9f60e5564519",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "ticket_id": "397940000030",
                     *       "subject": "Feature request: filters for the printer driver",
                     *       "content": "Hi team, any workaround would help.",
                     *       "pipeline_id": "0",
                     *       "pipeline_name": "Support Pipeline",
                     *       "stage_id": "4",
                     *       "stage_name": "Closed",
                     *       "stage_closed": true,
                     *       "priority": "MEDIUM",
                     *       "category": "GENERAL_INQUIRY",
                     *       "owner_id": "48857036",
                     *       "owner_name": "Ada Lovelace",
                     *       "owner_email": "ada.lovelace@northwind-bikes.example.com",
                     *       "created_at": "2025-06-09T15:14:50.410Z",
                     *       "modified_at": "2025-06-09T18:33:36.923Z",
                     *       "archived": false,
                     *       "archived_at": null,
                     *       "deleted_at": null,
                     *       "merged_into": null,
                     *       "url": "https://app.hubspot.com/contacts/25000195/record/0-5/397940000030",
                     *       "properties": {
                     *         "subject": "Feature request: filters for the printer driver",
                     *         "hs_is_closed": "true"
                     *       },
                     *       "associations": {
                     *         "contacts": [
                     *           {
                     *             "id": "51",
                     *             "labels": [
                     *               {
                     *                 "category": "HUBSPOT_DEFINED",
                     *                 "type_id": 16,
                     *                 "label": null
                     *               }
                     *             ]
                     *           }
                     *         ],
                     *         "companies": [],
                     *         "deals": null
                     *       },
                     *       "synced_at": "2026-11-22T17:29:25.524Z"
                     *     }
                     */
                    "application/json": components["schemas"]["IssueResponse"];
                };
            };
            /** @description Not Modified: the caller has this response */
            304: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `issue_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "problems.list": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 50 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "problems": [
                     *         {
                     *           "kind": "tickets",
                     *           "record_id": "300000000123",
                     *           "state": "repaired",
                     *           "reason": "subject: removed characters that the database cannot store",
                     *           "record": null,
                     *           "found_at": "2026-11-22T17:29:25.724Z"
                     *         }
                     *       ],
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["ProblemsListResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "changes.list": {
        parameters: {
            query?: {
                /** @description A cursor of the feed, or `now`: no changes, only the cursor of its end. Absent: from the oldest retained change */
                after?: string;
                /** @description Maximum number of items; 100 by default */
                limit?: number;
                /** @description Seconds to wait for a change when there is none yet */
                wait?: number;
                /** @description issue: a change of an issue has the issue as of that change */
                include?: "issue";
            };
            header?: {
                /** @description The id of the last event that was received: the stream continues after it. */
                "Last-Event-ID"?: components["parameters"]["Last-Event-ID"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "changes": [
                     *         {
                     *           "cursor": "WyI1ZjBlMGY0ZSIsIjQyLjBjM2Y5YTEyIl0",
                     *           "change_id": "0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55",
                     *           "type": "issue.updated",
                     *           "at": "2026-11-26T09:30:00.412Z",
                     *           "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "issue_id": "01a2044e-4f2a-7f01-8a77-3c9d2b1e6f00",
                     *           "ticket_id": "300000000123",
                     *           "changed": {
                     *             "subject": {
                     *               "from": "Printer",
                     *               "to": "Printer on fire"
                     *             }
                     *           },
                     *           "detail": null
                     *         }
                     *       ],
                     *       "has_more": false,
                     *       "next_after": "WyI1ZjBlMGY0ZSIsIjQyLjBjM2Y5YTEyIl0"
                     *     }
                     */
                    "application/json": components["schemas"]["ChangesListResponse"];
                    "text/event-stream": string;
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            /** @description `cursor_gone` */
            410: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.list": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoints": [
                     *         {
                     *           "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
                     *           "url": "https://hooks.example.com/spoke",
                     *           "types": [
                     *             "issue.created",
                     *             "issue.updated"
                     *           ],
                     *           "in_order": true,
                     *           "include": [],
                     *           "created_at": "2026-11-26T09:00:00.000Z",
                     *           "failing_since": null,
                     *           "disabled_at": null,
                     *           "disabled_reason": null,
                     *           "previous_secret_expires_at": null,
                     *           "waiting": 0
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointsListResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.create": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "url": "https://hooks.example.com/spoke",
                 *       "types": [
                 *         "issue.created",
                 *         "issue.updated"
                 *       ],
                 *       "include": [
                 *         "issue"
                 *       ]
                 *     }
                 */
                "application/json": {
                    /**
                     * @description https, and publicly reachable
                     * @example https://hooks.example.com/spoke
                     */
                    url: string;
                    /**
                     * @description The types to send; null or absent: all
                     * @example [
                     *       "issue.created",
                     *       "issue.updated"
                     *     ]
                     */
                    types?: ("issue.created" | "issue.updated" | "issue.archived" | "issue.restored" | "issue.merged" | "sync.completed" | "sync.failed" | "integration.connected" | "integration.reauth_required" | "integration.disconnected" | "integration.purged" | "endpoint.disabled" | "endpoint.test")[] | null;
                    /**
                     * @description Each change of a ticket waits until the earlier ones are delivered or have failed; true by default
                     * @default true
                     */
                    in_order?: boolean;
                    /**
                     * @description issue: a change of an issue has the issue as of that change
                     * @default []
                     * @example [
                     *       "issue"
                     *     ]
                     */
                    include?: "issue"[];
                    /** @description whsec_ followed by 24 to 64 bytes in base64; absent: one is generated */
                    secret?: string;
                };
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
                     *       "url": "https://hooks.example.com/spoke",
                     *       "types": [
                     *         "issue.created",
                     *         "issue.updated"
                     *       ],
                     *       "in_order": true,
                     *       "include": [],
                     *       "created_at": "2026-11-26T09:00:00.000Z",
                     *       "failing_since": null,
                     *       "disabled_at": null,
                     *       "disabled_reason": null,
                     *       "previous_secret_expires_at": null,
                     *       "waiting": 0,
                     *       "secret": "whsec_b25lLW9mLXRoZS1leGFtcGxlcy1hbmQtbm8tc2VjcmV0"
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointsCreateResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            /** @description `idempotency_in_progress`, `too_many_endpoints` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.change": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01 */
                endpoint_id: components["parameters"]["endpoint_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "types": [
                 *         "issue.created",
                 *         "issue.updated"
                 *       ],
                 *       "include": [
                 *         "issue"
                 *       ],
                 *       "enabled": true
                 *     }
                 */
                "application/json": {
                    url?: string;
                    /**
                     * @description The types to send; null or absent: all
                     * @example [
                     *       "issue.created",
                     *       "issue.updated"
                     *     ]
                     */
                    types?: ("issue.created" | "issue.updated" | "issue.archived" | "issue.restored" | "issue.merged" | "sync.completed" | "sync.failed" | "integration.connected" | "integration.reauth_required" | "integration.disconnected" | "integration.purged" | "endpoint.disabled" | "endpoint.test")[] | null;
                    in_order?: boolean;
                    /**
                     * @description issue: a change of an issue has the issue as of that change
                     * @example [
                     *       "issue"
                     *     ]
                     */
                    include?: "issue"[];
                    /**
                     * @description Enables a disabled endpoint
                     * @enum {boolean}
                     */
                    enabled?: true;
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
                     *       "url": "https://hooks.example.com/spoke",
                     *       "types": [
                     *         "issue.created",
                     *         "issue.updated"
                     *       ],
                     *       "in_order": true,
                     *       "include": [],
                     *       "created_at": "2026-11-26T09:00:00.000Z",
                     *       "failing_since": null,
                     *       "disabled_at": null,
                     *       "disabled_reason": null,
                     *       "previous_secret_expires_at": null,
                     *       "waiting": 0
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `endpoint_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: components["responses"]["InProgress"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01 */
                endpoint_id: components["parameters"]["endpoint_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01"
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointsDeleteResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `endpoint_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.rotate": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01 */
                endpoint_id: components["parameters"]["endpoint_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
                     *       "url": "https://hooks.example.com/spoke",
                     *       "types": [
                     *         "issue.created",
                     *         "issue.updated"
                     *       ],
                     *       "in_order": true,
                     *       "include": [],
                     *       "created_at": "2026-11-26T09:00:00.000Z",
                     *       "failing_since": null,
                     *       "disabled_at": null,
                     *       "disabled_reason": null,
                     *       "previous_secret_expires_at": null,
                     *       "waiting": 0,
                     *       "secret": "whsec_b25lLW9mLXRoZS1leGFtcGxlcy1hbmQtbm8tc2VjcmV0"
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointsCreateResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `endpoint_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: components["responses"]["InProgress"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.test": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01 */
                endpoint_id: components["parameters"]["endpoint_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
                     *       "change_id": "0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55"
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointsTestResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `endpoint_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: components["responses"]["InProgress"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.recover": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01 */
                endpoint_id: components["parameters"]["endpoint_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "since": "2026-11-25T00:00:00Z"
                 *     }
                 */
                "application/json": {
                    /** Format: date-time */
                    since: string;
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
                     *       "queued": 17
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointsRecoverResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `endpoint_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: components["responses"]["InProgress"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.deliveries": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 50 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01 */
                endpoint_id: components["parameters"]["endpoint_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
                     *       "deliveries": [
                     *         {
                     *           "change_id": "0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55",
                     *           "type": "issue.updated",
                     *           "state": "waiting",
                     *           "next_attempt_at": "2026-11-26T09:35:00.000Z",
                     *           "delivered_at": null,
                     *           "failure_reason": null,
                     *           "attempts": [
                     *             {
                     *               "at": "2026-11-26T09:30:00.600Z",
                     *               "duration_ms": 130,
                     *               "status": 503,
                     *               "error": null,
                     *               "response": "upgrading"
                     *             }
                     *           ]
                     *         }
                     *       ],
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointsDeliveriesResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `endpoint_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "endpoints.resend": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01 */
                endpoint_id: components["parameters"]["endpoint_id"];
                /** @example 0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55 */
                change_id: components["parameters"]["change_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "endpoint_id": "01a2153c-8f10-7c55-b0a1-6f1f0f5b9a01",
                     *       "change_id": "0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55"
                     *     }
                     */
                    "application/json": components["schemas"]["EndpointsTestResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `endpoint_not_found`, `delivery_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: components["responses"]["InProgress"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "sync.list": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 50 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "running": [],
                     *       "events": [
                     *         {
                     *           "sync_event_id": "01a2044e-3646-7e56-9520-473af17ce8b2",
                     *           "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *           "kind": "tickets",
                     *           "sync_type": "full",
                     *           "trigger": "connect",
                     *           "state": "succeeded",
                     *           "total": 250,
                     *           "done": 250,
                     *           "inserted": 250,
                     *           "changed": 0,
                     *           "unchanged": 0,
                     *           "archived": 0,
                     *           "failed": 0,
                     *           "repaired": 0,
                     *           "pages": 3,
                     *           "repeat_count": 0,
                     *           "repeats_since": null,
                     *           "rate_per_second": 936.3,
                     *           "waiting_for": null,
                     *           "waiting_until": null,
                     *           "error_code": null,
                     *           "error": null,
                     *           "requested_at": "2026-11-22T17:29:24.271Z",
                     *           "started_at": "2026-11-22T17:29:25.457Z",
                     *           "finished_at": "2026-11-22T17:29:25.724Z"
                     *         }
                     *       ],
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["SyncListResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "sync.start": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /** @example {} */
                "application/json": {
                    /**
                     * @default full
                     * @enum {string}
                     */
                    sync_type?: "full" | "incremental";
                };
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "message": "HubSpot full sync started in background",
                     *       "sync_event_id": "01a2044e-3646-7e56-9520-473af17ce8b2",
                     *       "sync_type": "full",
                     *       "already_running": false,
                     *       "resumed": false
                     *     }
                     */
                    "application/json": components["schemas"]["SyncStartResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            /** @description `idempotency_in_progress`, `integration_not_connected`, `token_invalid`, `hubspot_forbidden` */
            409: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            /** @description `idempotency_mismatch`, `missing_scopes` */
            422: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `hubspot_unavailable` */
            502: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `overloaded`, `disk_full`, `unavailable`, `hubspot_limit`, `oauth_not_configured` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `hubspot_unavailable` */
            504: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "sync.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
                /** @example 01a2044e-3646-7e56-9520-473af17ce8b2 */
                sync_event_id: components["parameters"]["sync_event_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "sync_event_id": "01a2044e-3646-7e56-9520-473af17ce8b2",
                     *       "kind": "tickets",
                     *       "sync_type": "full",
                     *       "trigger": "connect",
                     *       "state": "succeeded",
                     *       "total": 250,
                     *       "done": 250,
                     *       "inserted": 250,
                     *       "changed": 0,
                     *       "unchanged": 0,
                     *       "archived": 0,
                     *       "failed": 0,
                     *       "repaired": 0,
                     *       "pages": 3,
                     *       "repeat_count": 0,
                     *       "repeats_since": null,
                     *       "rate_per_second": 936.3,
                     *       "waiting_for": null,
                     *       "waiting_until": null,
                     *       "error_code": null,
                     *       "error": null,
                     *       "requested_at": "2026-11-22T17:29:24.271Z",
                     *       "started_at": "2026-11-22T17:29:25.457Z",
                     *       "finished_at": "2026-11-22T17:29:25.724Z"
                     *     }
                     */
                    "application/json": components["schemas"]["SyncEventResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `sync_event_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "sync.events": {
        parameters: {
            query?: never;
            header?: {
                /** @description The id of the last event that was received: the stream continues after it. */
                "Last-Event-ID"?: components["parameters"]["Last-Event-ID"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
                /** @example 01a2044e-3646-7e56-9520-473af17ce8b2 */
                sync_event_id: components["parameters"]["sync_event_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An event for each change of the run */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description `integration_not_found`, `sync_event_not_found` */
            404: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "inbox.get": {
        parameters: {
            query?: {
                /** @description Maximum number of items; 50 by default */
                limit?: number;
                /** @description The next_after of the previous page */
                after?: string;
            };
            header?: never;
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "webhooks": true,
                     *       "last_received_at": null,
                     *       "last_occurred_at": null,
                     *       "webhooks_missing_since": null,
                     *       "failures": 0,
                     *       "next_attempt_at": null,
                     *       "error_code": null,
                     *       "waiting": 0,
                     *       "waiting_since": null,
                     *       "dead_lettered": 1,
                     *       "dead_letters": [
                     *         {
                     *           "ticket_id": "300000000123",
                     *           "change": "propertyChange",
                     *           "occurred_at": "2026-11-25T08:12:44.003Z",
                     *           "received_at": "2026-11-25T08:12:44.651Z",
                     *           "attempt_count": 5,
                     *           "dead_letter_reason": "HubSpot tickets batch read: rejected (400)"
                     *         }
                     *       ],
                     *       "next_after": null
                     *     }
                     */
                    "application/json": components["schemas"]["InboxGetResponse"];
                };
            };
            /** @description `bad_request`, `validation_failed`, `invalid_id`, `invalid_cursor` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "inbox.replay": {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeats the response of an earlier request with the same key, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @example 5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11 */
                tenant_id: components["parameters"]["tenant_id"];
                /** @example 01a2044e-3639-7888-95cf-ef6ead9b1a46 */
                integration_id: components["parameters"]["integration_id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "ticket_ids": [
                 *         "300000000123"
                 *       ]
                 *     }
                 */
                "application/json": {
                    /**
                     * @example [
                     *       "300000000123"
                     *     ]
                     */
                    ticket_ids?: string[];
                    /** Format: date-time */
                    received_from?: string;
                    /** Format: date-time */
                    received_to?: string;
                };
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "tenant_id": "5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11",
                     *       "integration_id": "01a2044e-3639-7888-95cf-ef6ead9b1a46",
                     *       "replayed": 1
                     *     }
                     */
                    "application/json": components["schemas"]["InboxReplayResponse"];
                };
            };
            400: components["responses"]["BadRequestOrBody"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["InProgress"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            422: components["responses"]["IdempotencyMismatch"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    "webhooks.receive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `bad_request`, `validation_failed`, `invalid_json` */
            400: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid_signature` */
            401: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["Misdirected"];
            429: components["responses"]["Limited"];
            431: components["responses"]["RequestTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `overloaded`, `disk_full`, `unavailable`, `webhooks_not_configured` */
            503: {
                headers: {
                    "Request-Id": components["headers"]["Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "webhook.issue.created": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.issue.updated": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.issue.archived": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.issue.restored": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.issue.merged": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.sync.completed": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.sync.failed": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.integration.connected": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.integration.reauth_required": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.integration.disconnected": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.integration.purged": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.endpoint.disabled": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "webhook.endpoint.test": {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the change, the same for each attempt: process each id once */
                "webhook-id": components["parameters"]["webhook-id"];
                /** @description When the attempt was made, in seconds since 1970 */
                "webhook-timestamp": components["parameters"]["webhook-timestamp"];
                /** @description As in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; one for each secret that is valid, separated by spaces */
                "webhook-signature": components["parameters"]["webhook-signature"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Webhook"];
            };
        };
        responses: {
            /** @description Gone: disables the endpoint */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered: repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
