-- The schema after all migrations, written by `npm run schema`. A test compares it with a migrated
-- database. It is for reading only: comments are shown beside what they describe, and `spoke migrate`
-- creates the tables. The tables of the migrator are left out.

-- Roles
CREATE ROLE spoke_app WITH NOLOGIN NOINHERIT;
CREATE ROLE spoke_eraser WITH NOLOGIN NOINHERIT;
CREATE ROLE spoke_guard WITH NOLOGIN INHERIT;
CREATE ROLE spoke_reader WITH NOLOGIN INHERIT;
CREATE ROLE spoke_search WITH NOLOGIN NOINHERIT;
CREATE ROLE spoke_system WITH NOLOGIN NOINHERIT;
CREATE ROLE spoke_views WITH NOLOGIN INHERIT;
GRANT USAGE ON SCHEMA public TO spoke_app;
GRANT USAGE ON SCHEMA public TO spoke_eraser;
GRANT USAGE ON SCHEMA public TO spoke_search;
GRANT USAGE ON SCHEMA public TO spoke_system;
GRANT USAGE ON SCHEMA public TO spoke_views;
GRANT USAGE ON SCHEMA spoke_views TO spoke_reader;
GRANT USAGE ON SCHEMA spoke_views TO spoke_views;

-- account_routes: reference; erased at once
CREATE TABLE account_routes (
    hub_id bigint NOT NULL, -- exported
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    -- exported: when our own app was last connected to the account; null: a pasted token
    installed_at timestamp with time zone,
    CONSTRAINT account_routes_pkey PRIMARY KEY (hub_id, tenant_id, integration_id)
);
ALTER TABLE account_routes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_ids ON account_routes FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON account_routes FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE (installed_at), DELETE ON account_routes TO spoke_app;
GRANT SELECT ON account_routes TO spoke_system;

-- api_keys: reference; erased at once
CREATE TABLE api_keys (
    key_id text NOT NULL, -- exported: part of the key itself; not secret
    tenant_id uuid NOT NULL, -- exported
    name text NOT NULL, -- exported
    scopes text[] NOT NULL, -- exported
    -- secret: keyed hash of the whole key and its scopes, under the tenant's data key
    key_hash text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    expires_at timestamp with time zone, -- exported
    revoked_at timestamp with time zone, -- exported
    last_used_at timestamp with time zone, -- exported: accurate to a minute
    CONSTRAINT api_keys_pkey PRIMARY KEY (key_id),
    CONSTRAINT api_keys_scopes_check CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['read'::text, 'sync'::text, 'manage'::text])
);
CREATE INDEX api_keys_tenant ON api_keys USING btree (tenant_id, key_id);
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_key ON api_keys FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON api_keys FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY touch_key ON api_keys FOR UPDATE TO spoke_system
    USING (true)
    WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO spoke_app;
GRANT SELECT (key_id, tenant_id, scopes, key_hash, expires_at, revoked_at, last_used_at), UPDATE (last_used_at) ON api_keys TO spoke_system;

-- attempts: distributed: tenant_id; erased in steps
CREATE TABLE attempts (
    tenant_id uuid NOT NULL, -- exported
    endpoint_id uuid NOT NULL, -- exported
    seq bigint NOT NULL, -- exported
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(), -- exported
    duration_ms integer NOT NULL, -- exported
    status smallint, -- exported
    error text, -- exported
    response text, -- exported
    CONSTRAINT attempts_pkey PRIMARY KEY (tenant_id, endpoint_id, seq, at)
);
ALTER TABLE attempts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON attempts FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON attempts TO spoke_app;

-- audit_events: distributed: tenant_id; erased by the eraser
CREATE TABLE audit_events (
    tenant_id uuid NOT NULL, -- exported
    seq bigint NOT NULL, -- exported: starts at 1, without gaps
    at timestamp with time zone NOT NULL, -- exported
    actor text NOT NULL, -- exported: the owner of the credential; never the credential itself
    action text NOT NULL, -- exported
    target text, -- exported: ids within the tenant
    address text, -- exported
    request_id text, -- exported
    phase text NOT NULL, -- exported
    result text, -- exported: the outcome of the action: the status, and the code of an error
    prev_hash text NOT NULL, -- exported
    -- exported: SHA-256 over all other columns; includes all earlier rows through prev_hash
    hash text NOT NULL,
    CONSTRAINT audit_events_pkey PRIMARY KEY (tenant_id, seq),
    CONSTRAINT audit_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(tenant_id) ON DELETE CASCADE,
    CONSTRAINT audit_events_phase_check CHECK (phase = ANY (ARRAY['requested'::text, 'done'::text])),
    CONSTRAINT audit_events_seq_check CHECK (seq > 0)
);
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY erase_marked ON audit_events FOR DELETE TO spoke_eraser
    USING (tenant_id = spoke_tenant() AND spoke_erasing());
CREATE POLICY own_tenant ON audit_events FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_marked ON audit_events FOR SELECT TO spoke_eraser
    USING (tenant_id = spoke_tenant() AND spoke_erasing());
GRANT SELECT, INSERT ON audit_events TO spoke_app;
GRANT SELECT, DELETE ON audit_events TO spoke_eraser;

-- authorizations: distributed: tenant_id; erased at once
CREATE TABLE authorizations (
    tenant_id uuid NOT NULL, -- exported
    state_hash text NOT NULL, -- secret
    integration_id uuid NOT NULL, -- exported
    code_verifier text NOT NULL, -- secret
    requested_by text NOT NULL, -- exported: the principal that started it
    expires_at timestamp with time zone NOT NULL, -- exported
    CONSTRAINT authorizations_pkey PRIMARY KEY (tenant_id, state_hash),
    CONSTRAINT authorizations_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE
);
ALTER TABLE authorizations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON authorizations FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON authorizations TO spoke_app;

-- budgets: reference
CREATE TABLE budgets (
    app text NOT NULL,
    hub_id bigint NOT NULL,
    bucket text NOT NULL,
    -- when the next slot of the whole budget is due (GCRA)
    next_slot_at timestamp with time zone NOT NULL,
    max_calls integer, -- calls per interval_ms, as last reported by HubSpot; null: not reported yet
    interval_ms integer,
    daily_limit bigint,
    daily_left bigint,
    -- the part of the limit that was available to us at paced_at, 0 to 1; grows back over time
    pace double precision NOT NULL DEFAULT 1,
    paced_at timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
    -- when the next slot of the share reserved for interactive calls is due
    next_reserved_slot_at timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
    -- until then, background slots leave no gaps for interactive calls
    dense_until timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
    interactive_at timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
    -- slots given out so far; used to tell other apps' calls from our own
    slots_given bigint NOT NULL DEFAULT 0,
    closed_until timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
    -- the policy of the last 429; daily: one probe at a time checks whether the limit still applies
    closed_by text,
    probing_until timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
    CONSTRAINT budgets_pkey PRIMARY KEY (app, hub_id, bucket),
    CONSTRAINT budgets_bucket_check CHECK (bucket = ANY (ARRAY['calls'::text, 'search'::text, 'associations'::text]))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON budgets TO spoke_system;

-- change_counters: distributed: tenant_id; erased in steps
CREATE TABLE change_counters (
    tenant_id uuid NOT NULL, -- exported
    -- exported: locked from a transaction's first change to its end, so that no later number is visible before an earlier one
    last_seq bigint NOT NULL,
    CONSTRAINT change_counters_pkey PRIMARY KEY (tenant_id)
);
ALTER TABLE change_counters ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_changes ON change_counters FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON change_counters FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON change_counters TO spoke_app;
GRANT SELECT ON change_counters TO spoke_system;

-- changes: distributed: tenant_id; erased in steps
CREATE TABLE changes (
    tenant_id uuid NOT NULL, -- exported
    seq bigint NOT NULL, -- exported
    -- exported: unlike seq, never reused, not even after a restore from a backup
    change_id uuid NOT NULL DEFAULT gen_random_uuid(),
    type text NOT NULL, -- exported
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(), -- exported
    integration_id uuid, -- exported
    issue_id uuid, -- exported
    ticket_id text, -- exported
    -- exported: for an issue: old and new values; for an integration: the reason; for a run: its counts
    detail jsonb,
    -- exported: size of the detail, as JSON
    bytes integer NOT NULL GENERATED ALWAYS AS (COALESCE(octet_length(detail::text), 0)) STORED,
    CONSTRAINT changes_pkey PRIMARY KEY (tenant_id, seq)
);
ALTER TABLE changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON changes FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON changes FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON changes TO spoke_app;
GRANT SELECT (tenant_id, seq, change_id, type, at, integration_id, issue_id, ticket_id, detail) ON changes TO spoke_views;

-- confirmations: distributed: tenant_id; erased once revoked
CREATE TABLE confirmations (
    tenant_id uuid NOT NULL, -- exported
    confirmation_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported: the integration to connect
    -- secret: hash of the secret in the cookie of the browser that returned from HubSpot
    secret_hash text NOT NULL,
    hub_id bigint NOT NULL, -- exported
    hub_domain text, -- exported
    ui_domain text, -- exported
    hub_user text, -- exported
    scopes text[], -- exported
    -- secret: encrypted for this row only, like refresh_token; null once confirmed
    access_token text,
    refresh_token text, -- secret
    token_expires_at timestamp with time zone, -- exported
    confirmed_at timestamp with time zone, -- exported
    expires_at timestamp with time zone NOT NULL, -- exported
    CONSTRAINT confirmations_pkey PRIMARY KEY (tenant_id, confirmation_id),
    CONSTRAINT confirmations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(tenant_id) ON DELETE CASCADE,
    CONSTRAINT confirmations_check CHECK ((confirmed_at IS NULL) = (access_token IS NOT NULL))
);
ALTER TABLE confirmations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_pending ON confirmations FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON confirmations FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON confirmations TO spoke_app;
GRANT SELECT (tenant_id, confirmation_id, hub_id, confirmed_at, expires_at) ON confirmations TO spoke_system;

-- deliveries: distributed: tenant_id; erased in steps
CREATE TABLE deliveries (
    tenant_id uuid NOT NULL, -- exported
    endpoint_id uuid NOT NULL, -- exported
    seq bigint NOT NULL, -- exported: seq of the change that is sent
    -- exported: when it is sent; while it is being sent: when another process may take it over; infinity: delivered or failed
    due_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    ordering_key text, -- exported: the ticket, for an endpoint that receives changes in order
    attempt_count smallint NOT NULL DEFAULT 0, -- exported
    delivered_at timestamp with time zone, -- exported
    failure_reason text, -- exported
    CONSTRAINT deliveries_pkey PRIMARY KEY (tenant_id, endpoint_id, seq)
);
CREATE INDEX deliveries_before ON deliveries USING btree (tenant_id, endpoint_id, ordering_key, seq) WHERE due_at < 'infinity'::timestamp with time zone;
CREATE INDEX deliveries_due ON deliveries USING btree (tenant_id, endpoint_id, due_at) WHERE due_at < 'infinity'::timestamp with time zone;
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_due ON deliveries FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON deliveries FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries TO spoke_app;
GRANT SELECT (tenant_id, endpoint_id, due_at) ON deliveries TO spoke_system;

-- endpoints: distributed: tenant_id; erased in steps
CREATE TABLE endpoints (
    tenant_id uuid NOT NULL, -- exported
    endpoint_id uuid NOT NULL, -- exported
    url text NOT NULL, -- exported
    types text[], -- exported: null: changes of every type
    -- exported: a change of a ticket waits until the earlier changes of the same ticket are delivered
    in_order boolean NOT NULL,
    secret text NOT NULL, -- secret
    -- secret: signs together with the new secret until previous_secret_expires_at, so that the receiver has time to switch
    previous_secret text,
    previous_secret_expires_at timestamp with time zone, -- exported
    created_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    failing_since timestamp with time zone, -- exported
    disabled_at timestamp with time zone, -- exported
    disabled_reason text, -- exported
    -- exported: issue: a change of an issue has the issue as of that change
    include text[] NOT NULL DEFAULT '{}'::text[],
    CONSTRAINT endpoints_pkey PRIMARY KEY (tenant_id, endpoint_id),
    CONSTRAINT endpoints_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(tenant_id)
);
ALTER TABLE endpoints ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON endpoints FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON endpoints TO spoke_app;

-- idempotency_keys: distributed: tenant_id; erased in steps
CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL, -- exported
    key_hash text NOT NULL, -- secret: hash of the key that the caller sent
    claim uuid NOT NULL, -- exported: identifies the request in progress
    salt text NOT NULL, -- secret
    -- secret: salted hash of method, path and body; salted because the body of a connect request contains a token
    request_hash text NOT NULL,
    -- exported: while no response is stored: when another request may take over the key
    lease_until timestamp with time zone,
    status smallint, -- exported
    response json, -- exported: the response as it was sent; never contains a secret
    expires_at timestamp with time zone NOT NULL, -- exported
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key_hash),
    CONSTRAINT idempotency_keys_check CHECK ((status IS NULL) = (response IS NULL))
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys USING btree (tenant_id, expires_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_expired ON idempotency_keys FOR SELECT TO spoke_system
    USING (expires_at <= now());
CREATE POLICY own_tenant ON idempotency_keys FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO spoke_app;
GRANT SELECT (tenant_id, expires_at) ON idempotency_keys TO spoke_system;

-- inbox_entries: distributed: tenant_id; erased in steps
CREATE TABLE inbox_entries (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    -- exported: when it is drained, together with everything else that is waiting; infinity: dead-lettered
    due_at timestamp with time zone NOT NULL,
    entry_id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY, -- exported
    ticket_ids text[] NOT NULL, -- exported
    -- exported: HubSpot's name of the change; every change except an associationChange is drained by reading the ticket
    change text NOT NULL,
    occurred_at timestamp with time zone NOT NULL, -- exported: on HubSpot's clock
    received_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    -- exported: how often HubSpot refused to return the ticket
    attempt_count smallint NOT NULL DEFAULT 0,
    -- exported: how often a response was inconclusive and the change was postponed by a second
    inconclusive_count smallint NOT NULL DEFAULT 0,
    dead_letter_reason text, -- exported: why it cannot be drained; null again after a replay
    CONSTRAINT inbox_entries_pkey PRIMARY KEY (tenant_id, integration_id, due_at, entry_id),
    CONSTRAINT inbox_entries_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE,
    CONSTRAINT inbox_entries_ticket_ids_check CHECK (cardinality(ticket_ids) > 0)
);
ALTER TABLE inbox_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY enqueue ON inbox_entries FOR INSERT TO spoke_system
    WITH CHECK (true);
CREATE POLICY find_due ON inbox_entries FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON inbox_entries FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox_entries TO spoke_app;
GRANT SELECT (tenant_id, integration_id, due_at), INSERT (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at) ON inbox_entries TO spoke_system;

-- inboxes: distributed: tenant_id; erased in steps
CREATE TABLE inboxes (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    lease_until timestamp with time zone, -- exported
    lease_owner text, -- exported
    failures integer NOT NULL DEFAULT 0, -- exported
    not_before timestamp with time zone, -- exported
    -- exported: the inbox waits because HubSpot could not be reached and gave no time to retry
    awaits_hubspot boolean NOT NULL DEFAULT false,
    error_code text, -- exported
    -- exported: when the newest drained change was received
    last_received_at timestamp with time zone,
    -- exported: HubSpot's time of the newest drained change
    last_occurred_at timestamp with time zone,
    -- exported: since when syncs have found changes that no notification reported; null once a notification arrives
    webhooks_missing_since timestamp with time zone,
    CONSTRAINT inboxes_pkey PRIMARY KEY (tenant_id, integration_id),
    CONSTRAINT inboxes_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE
);
CREATE INDEX inboxes_awaiting ON inboxes USING btree (not_before) WHERE awaits_hubspot;
CREATE INDEX inboxes_missing_webhooks ON inboxes USING btree (tenant_id, integration_id) WHERE webhooks_missing_since IS NOT NULL;
ALTER TABLE inboxes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_due ON inboxes FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON inboxes FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON inboxes TO spoke_app;
GRANT SELECT (tenant_id, integration_id, lease_until, lease_owner, not_before, awaits_hubspot, webhooks_missing_since) ON inboxes TO spoke_system;

-- integration_aliases: distributed: tenant_id; erased in steps
CREATE TABLE integration_aliases (
    tenant_id uuid NOT NULL, -- exported
    alias_id uuid NOT NULL, -- exported: the id of an integration that was never created
    integration_id uuid NOT NULL, -- exported: the existing integration that was reconnected instead
    created_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    CONSTRAINT integration_aliases_pkey PRIMARY KEY (tenant_id, alias_id),
    CONSTRAINT integration_aliases_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE
);
CREATE INDEX integration_aliases_of ON integration_aliases USING btree (tenant_id, integration_id, created_at);
ALTER TABLE integration_aliases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON integration_aliases FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON integration_aliases TO spoke_app;

-- integration_resources: distributed: tenant_id; erased in steps
CREATE TABLE integration_resources (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    resource text NOT NULL, -- exported
    -- exported: when it was last requested from HubSpot; responses from before a reconnect do not count
    requested_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL, -- exported: the earliest time of the next request
    -- exported: when HubSpot last returned the content; null: never
    read_at timestamp with time zone,
    problem text, -- exported: why the last read failed; null: it succeeded
    content jsonb, -- exported: for properties: their definitions, by name
    omitted text[], -- exported: for properties: the names that the token may not read; null: none
    -- exported: for properties: the field type of each, by name
    field_types jsonb GENERATED ALWAYS AS (spoke_field_types(content)) STORED,
    -- exported: for properties: the type of each, by name
    property_types jsonb GENERATED ALWAYS AS (spoke_property_types(content)) STORED,
    CONSTRAINT integration_resources_pkey PRIMARY KEY (tenant_id, integration_id, resource),
    CONSTRAINT integration_resources_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE,
    CONSTRAINT integration_resources_resource_check CHECK (resource = ANY (ARRAY['properties'::text, 'pipelines'::text, 'owners'::text, 'contacts'::text, 'companies'::text, 'deals'::text]))
);
ALTER TABLE integration_resources ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON integration_resources FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON integration_resources TO spoke_app;

-- integration_tokens: distributed: tenant_id; erased once revoked
CREATE TABLE integration_tokens (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    -- exported: oauth: of our own app; static: does not expire; foreign: an access token of another app
    kind text NOT NULL,
    access_token text, -- secret
    refresh_token text, -- secret
    expires_at timestamp with time zone, -- exported
    refresh_at timestamp with time zone, -- exported
    confirmed_at timestamp with time zone, -- exported
    -- exported: incremented by each claim and each write, so that a stale refresh changes nothing
    epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamp with time zone, -- exported
    CONSTRAINT integration_tokens_pkey PRIMARY KEY (tenant_id, integration_id),
    CONSTRAINT integration_tokens_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE,
    CONSTRAINT integration_tokens_kind_check CHECK (kind = ANY (ARRAY['oauth'::text, 'static'::text, 'foreign'::text]))
);
ALTER TABLE integration_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON integration_tokens FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON integration_tokens TO spoke_app;

-- issue_associations: distributed: tenant_id; erased in steps
CREATE TABLE issue_associations (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    ticket_id text NOT NULL, -- exported
    -- exported: by kind: a list; null: reading it is not permitted; absent: not read yet
    associations jsonb NOT NULL,
    -- exported: size of the associations, as JSON
    bytes integer NOT NULL GENERATED ALWAYS AS (octet_length(associations::text)) STORED,
    -- exported: the Date header of the HubSpot response that contained this content
    observed_at timestamp with time zone NOT NULL,
    CONSTRAINT issue_associations_pkey PRIMARY KEY (tenant_id, integration_id, ticket_id),
    CONSTRAINT issue_associations_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE
);
ALTER TABLE issue_associations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON issue_associations FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON issue_associations FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON issue_associations TO spoke_app;
GRANT SELECT (tenant_id, integration_id, ticket_id, associations) ON issue_associations TO spoke_views;

-- issue_last_seen: distributed: tenant_id; erased in steps
CREATE TABLE issue_last_seen (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    ticket_id text NOT NULL, -- exported
    -- exported: on HubSpot's clock; searches do not count, because the search index may contain deleted records
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT issue_last_seen_pkey PRIMARY KEY (tenant_id, integration_id, ticket_id)
) WITH (fillfactor=70);
ALTER TABLE issue_last_seen ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON issue_last_seen FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON issue_last_seen TO spoke_app;

-- issue_merges: distributed: tenant_id; erased in steps
CREATE TABLE issue_merges (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    loser_id text NOT NULL, -- exported
    survivor_id text NOT NULL, -- exported
    CONSTRAINT issue_merges_pkey PRIMARY KEY (tenant_id, integration_id, loser_id),
    CONSTRAINT issue_merges_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE
);
ALTER TABLE issue_merges ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON issue_merges FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON issue_merges FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON issue_merges TO spoke_app;
GRANT SELECT (tenant_id, integration_id, loser_id, survivor_id) ON issue_merges TO spoke_views;

-- issue_search: distributed: tenant_id; erased in steps
CREATE TABLE issue_search (
    tenant_id uuid NOT NULL, -- derived: from the issue
    integration_id uuid NOT NULL, -- derived: from the issue
    ticket_id text NOT NULL, -- derived: from the issue
    issue_id uuid NOT NULL, -- derived: from the issue
    pipeline_id text, -- derived: from the issue
    stage_id text, -- derived: from the issue
    owner_id text, -- derived: from the issue
    priority text, -- derived: from the issue
    category text, -- derived: from the issue
    archived boolean NOT NULL, -- derived: from the issue
    created_at timestamp with time zone NOT NULL, -- derived: from the issue
    modified_at timestamp with time zone NOT NULL, -- derived: from the issue
    archived_at timestamp with time zone, -- derived: from the issue
    deleted_at timestamp with time zone, -- derived: from the issue
    synced_at timestamp with time zone NOT NULL, -- derived: from the issue
    CONSTRAINT issue_search_pkey PRIMARY KEY (tenant_id, integration_id, ticket_id)
);
CREATE INDEX issue_search_category ON issue_search USING btree (tenant_id, category, modified_at, issue_id);
CREATE INDEX issue_search_created ON issue_search USING btree (tenant_id, created_at, issue_id);
CREATE INDEX issue_search_first ON issue_search USING btree (tenant_id, issue_id);
CREATE INDEX issue_search_modified ON issue_search USING btree (tenant_id, modified_at, issue_id);
CREATE INDEX issue_search_owner ON issue_search USING btree (tenant_id, owner_id, modified_at, issue_id);
CREATE INDEX issue_search_pipeline ON issue_search USING btree (tenant_id, pipeline_id, modified_at, issue_id);
CREATE INDEX issue_search_priority ON issue_search USING btree (tenant_id, priority, modified_at, issue_id);
CREATE INDEX issue_search_stage ON issue_search USING btree (tenant_id, stage_id, modified_at, issue_id);
ALTER TABLE issue_search ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON issue_search FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON issue_search FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON issue_search TO spoke_app;
GRANT SELECT ON issue_search TO spoke_views;

-- issue_terms: distributed: tenant_id; erased in steps
CREATE TABLE issue_terms (
    tenant_id uuid NOT NULL, -- derived: from the issue
    integration_id uuid NOT NULL, -- derived: from the issue
    ticket_id text NOT NULL, -- derived: from the issue
    -- derived: words of ticket id, subject and content, each after a prefix of the tenant's own
    words tsvector NOT NULL,
    -- derived: a hash of the tenant with each property, each value and each association
    terms bigint[] NOT NULL,
    CONSTRAINT issue_terms_pkey PRIMARY KEY (tenant_id, integration_id, ticket_id)
);
CREATE INDEX issue_terms_found ON issue_terms USING gin (words, terms) WITH (gin_pending_list_limit='256');
ALTER TABLE issue_terms ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON issue_terms FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY search ON issue_terms FOR SELECT TO spoke_search
    USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON issue_terms TO spoke_app;
GRANT SELECT ON issue_terms TO spoke_search;

-- issues: distributed: tenant_id; erased in steps
CREATE TABLE issues (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    ticket_id text NOT NULL, -- exported
    issue_id uuid NOT NULL, -- exported
    properties jsonb NOT NULL, -- exported
    -- exported
    subject text GENERATED ALWAYS AS (NULLIF(properties ->> 'subject'::text, ''::text)) STORED,
    -- exported
    content text GENERATED ALWAYS AS (NULLIF(properties ->> 'content'::text, ''::text)) STORED,
    -- exported
    pipeline_id text GENERATED ALWAYS AS (NULLIF(properties ->> 'hs_pipeline'::text, ''::text)) STORED,
    -- exported
    stage_id text GENERATED ALWAYS AS (NULLIF(properties ->> 'hs_pipeline_stage'::text, ''::text)) STORED,
    -- exported
    priority text GENERATED ALWAYS AS (NULLIF(properties ->> 'hs_ticket_priority'::text, ''::text)) STORED,
    -- exported
    category text GENERATED ALWAYS AS (NULLIF(properties ->> 'hs_ticket_category'::text, ''::text)) STORED,
    -- exported
    owner_id text GENERATED ALWAYS AS (NULLIF(properties ->> 'hubspot_owner_id'::text, ''::text)) STORED,
    -- exported: size of the properties, as JSON
    bytes integer NOT NULL GENERATED ALWAYS AS (octet_length(properties::text)) STORED,
    url text, -- exported
    ticket_created_at timestamp with time zone, -- exported
    -- exported: HubSpot's time of the last change; together with observed_at the version of the row
    modified_at timestamp with time zone NOT NULL,
    archived boolean NOT NULL DEFAULT false, -- exported
    archived_at timestamp with time zone, -- exported
    -- exported: when a read by id found that HubSpot no longer has the ticket, neither live nor archived
    deleted_at timestamp with time zone,
    -- exported: whether the issue was ever live here; no change reports a tombstone that was not
    was_live boolean NOT NULL DEFAULT true,
    -- exported: the Date header of the HubSpot response that contained this content
    observed_at timestamp with time zone NOT NULL,
    first_synced_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    -- exported: when the stored content last changed
    synced_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT issues_pkey PRIMARY KEY (tenant_id, integration_id, ticket_id),
    CONSTRAINT issues_tenant_id_issue_id_key UNIQUE (tenant_id, issue_id)
);
CREATE INDEX issues_archived ON issues USING btree (tenant_id, issue_id) WHERE archived;
CREATE INDEX issues_archived_at ON issues USING btree (tenant_id, archived_at) WHERE archived;
CREATE INDEX issues_archived_of ON issues USING btree (tenant_id, integration_id, ticket_id) WHERE archived;
ALTER TABLE issues ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON issues FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON issues FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON issues TO spoke_app;
GRANT SELECT (tenant_id, integration_id, ticket_id, properties, subject, content, url) ON issues TO spoke_views;

-- journal_subscriptions: reference
CREATE TABLE journal_subscriptions (
    client_id text NOT NULL,
    hub_id bigint NOT NULL, -- 0: events of the app itself, in any account
    -- installed_at of the account's route when the subscription was last requested
    installed_at timestamp with time zone NOT NULL,
    -- when it is requested again, because it may be lost and the account's properties change
    due_at timestamp with time zone NOT NULL,
    ending boolean NOT NULL DEFAULT false, -- no integration is connected to the account any more
    failures integer NOT NULL DEFAULT 0,
    error_code text,
    CONSTRAINT journal_subscriptions_pkey PRIMARY KEY (client_id, hub_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON journal_subscriptions TO spoke_system;

-- journals: reference
CREATE TABLE journals (
    client_id text NOT NULL,
    -- HubSpot's offset of the last file that was saved; null: start at the earliest file
    "position" text,
    -- when HubSpot last returned a file, or reported that there is no newer one
    read_at timestamp with time zone,
    lease_until timestamp with time zone,
    lease_owner text,
    failures integer NOT NULL DEFAULT 0,
    not_before timestamp with time zone,
    error_code text,
    -- when reading last restarted at the earliest file, because HubSpot no longer knew the position
    restarted_at timestamp with time zone,
    unreadable_offset text, -- the next file, if it could not be read so far
    unreadable_since timestamp with time zone,
    CONSTRAINT journals_pkey PRIMARY KEY (client_id)
);
GRANT SELECT, INSERT, UPDATE ON journals TO spoke_system;

-- labels: distributed: tenant_id; erased in steps
CREATE TABLE labels (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    topic text NOT NULL, -- exported
    -- exported: for a stage: its pipeline, because two pipelines may use the same stage id; otherwise empty
    parent text NOT NULL,
    id text NOT NULL, -- exported
    label text, -- exported
    email text, -- exported
    closed boolean, -- exported
    archived boolean NOT NULL, -- exported: HubSpot reports it as archived, or no longer lists it
    CONSTRAINT labels_pkey PRIMARY KEY (tenant_id, integration_id, topic, parent, id),
    CONSTRAINT labels_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE,
    CONSTRAINT labels_topic_check CHECK (topic = ANY (ARRAY['pipeline'::text, 'stage'::text, 'owner'::text]))
);
ALTER TABLE labels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON labels FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON labels FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON labels TO spoke_app;
GRANT SELECT ON labels TO spoke_views;

-- operator_audit: local
CREATE TABLE operator_audit (
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text,
    address text,
    request_id text,
    phase text NOT NULL,
    result text,
    prev_hash text NOT NULL,
    hash text NOT NULL,
    CONSTRAINT operator_audit_pkey PRIMARY KEY (seq),
    CONSTRAINT operator_audit_phase_check CHECK (phase = ANY (ARRAY['requested'::text, 'done'::text])),
    CONSTRAINT operator_audit_seq_check CHECK (seq > 0)
);
GRANT SELECT, INSERT ON operator_audit TO spoke_system;

-- periodic_tasks: reference
CREATE TABLE periodic_tasks (
    task text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    CONSTRAINT periodic_tasks_pkey PRIMARY KEY (task)
);
GRANT SELECT, INSERT, UPDATE ON periodic_tasks TO spoke_system;

-- product_endpoint: reference
CREATE TABLE product_endpoint (
    endpoint_id uuid NOT NULL,
    types text[],
    CONSTRAINT product_endpoint_pkey PRIMARY KEY (endpoint_id)
);
GRANT SELECT ON product_endpoint TO spoke_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON product_endpoint TO spoke_system;

-- record_problems: distributed: tenant_id; erased in steps
CREATE TABLE record_problems (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    kind text NOT NULL, -- exported
    record_id text NOT NULL, -- exported
    state text NOT NULL, -- exported
    reason text NOT NULL, -- exported
    -- exported: of a quarantined record: what HubSpot returned, as far as it can be stored as text
    record text,
    found_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    CONSTRAINT record_problems_pkey PRIMARY KEY (tenant_id, integration_id, kind, record_id),
    CONSTRAINT record_problems_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE,
    CONSTRAINT record_problems_state_check CHECK (state = ANY (ARRAY['repaired'::text, 'quarantined'::text]))
);
CREATE INDEX record_problems_found ON record_problems USING btree (tenant_id, found_at);
ALTER TABLE record_problems ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON record_problems FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON record_problems TO spoke_app;

-- ring_keys: reference
CREATE TABLE ring_keys (
    key_id text NOT NULL,
    -- random bytes encrypted with the key; another key with the same name cannot decrypt them
    sentinel text NOT NULL,
    first_used_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT ring_keys_pkey PRIMARY KEY (key_id)
);
GRANT SELECT, INSERT, DELETE ON ring_keys TO spoke_system;

-- search_builds: distributed: tenant_id; erased in steps
CREATE TABLE search_builds (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    -- exported: issues up to this one have their rows in issue_search
    ticket_id text NOT NULL DEFAULT ''::text,
    -- exported: when all of them had one; null: it is in progress
    finished_at timestamp with time zone,
    CONSTRAINT search_builds_pkey PRIMARY KEY (tenant_id, integration_id),
    CONSTRAINT search_builds_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE
);
CREATE INDEX search_builds_unfinished ON search_builds USING btree (tenant_id, integration_id) WHERE finished_at IS NULL;
ALTER TABLE search_builds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_due ON search_builds FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON search_builds FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON search_builds FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON search_builds TO spoke_app;
GRANT SELECT (tenant_id, integration_id, finished_at) ON search_builds TO spoke_system;
GRANT SELECT (tenant_id, integration_id, finished_at) ON search_builds TO spoke_views;

-- sessions: reference; erased at once
CREATE TABLE sessions (
    token_hash text NOT NULL, -- secret
    tenant_id uuid, -- exported: null: a session of the admin key
    scopes text[] NOT NULL, -- exported
    -- exported: the credential that created the session: admin, key:<id> or jwt:<subject>
    created_by text NOT NULL,
    -- secret: an HMAC under a key of the key ring over the session's token, tenant, scopes, creator and expiry, and the admin key or the identity provider; the token is not stored
    binding text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    last_used_at timestamp with time zone NOT NULL DEFAULT now(), -- exported: accurate to a minute
    expires_at timestamp with time zone NOT NULL, -- exported
    CONSTRAINT sessions_pkey PRIMARY KEY (token_hash),
    CONSTRAINT sessions_check CHECK ((tenant_id IS NULL) = (created_by = 'admin'::text))
);
CREATE INDEX sessions_of_tenant ON sessions USING btree (tenant_id);
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY manage_sessions ON sessions FOR ALL TO spoke_system
    USING (true)
    WITH CHECK (true);
CREATE POLICY own_tenant ON sessions FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, DELETE ON sessions TO spoke_app;
GRANT SELECT, INSERT, UPDATE (last_used_at), DELETE ON sessions TO spoke_system;

-- sql_logins: reference; erased at once
CREATE TABLE sql_logins (
    -- exported: the name of the database role; random, because every login can read the names of all
    login text NOT NULL,
    tenant_id uuid NOT NULL, -- exported
    name text, -- exported: what the login is for, in the operator's words
    statement_seconds integer NOT NULL, -- exported: how long a statement may run
    connections integer NOT NULL, -- exported: how many sessions may be open at once
    created_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    CONSTRAINT sql_logins_pkey PRIMARY KEY (login),
    CONSTRAINT sql_logins_connections_check CHECK (connections >= 1 AND connections <= 100),
    CONSTRAINT sql_logins_login_check CHECK (login ~ '^spoke_sql_[0-9a-f]{16}$'::text),
    CONSTRAINT sql_logins_statement_seconds_check CHECK (statement_seconds >= 1 AND statement_seconds <= 3600)
);
CREATE INDEX sql_logins_of_tenant ON sql_logins USING btree (tenant_id, login);
ALTER TABLE sql_logins ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY list_limits ON sql_logins FOR SELECT TO spoke_guard
    USING (true);
CREATE POLICY list_logins ON sql_logins FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_login ON sql_logins FOR SELECT TO spoke_reader
    USING (login = SESSION_USER);
CREATE POLICY own_tenant ON sql_logins FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, DELETE ON sql_logins TO spoke_app;
GRANT SELECT (login, statement_seconds) ON sql_logins TO spoke_guard;
GRANT SELECT (login, tenant_id) ON sql_logins TO spoke_reader;
GRANT SELECT ON sql_logins TO spoke_system;

-- sync_events: distributed: tenant_id; erased in steps
CREATE TABLE sync_events (
    tenant_id uuid NOT NULL, -- exported
    sync_event_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    kind text NOT NULL, -- exported
    sync_type text NOT NULL, -- exported
    trigger text NOT NULL, -- exported
    state text NOT NULL, -- exported
    -- exported: incremented by each change of the row; the id of a progress event
    version integer NOT NULL DEFAULT 1,
    total bigint, -- exported
    done bigint NOT NULL DEFAULT 0, -- exported
    inserted bigint NOT NULL DEFAULT 0, -- exported
    changed bigint NOT NULL DEFAULT 0, -- exported
    unchanged bigint NOT NULL DEFAULT 0, -- exported
    archived bigint NOT NULL DEFAULT 0, -- exported
    repaired bigint NOT NULL DEFAULT 0, -- exported
    failed bigint NOT NULL DEFAULT 0, -- exported
    pages bigint NOT NULL DEFAULT 0, -- exported
    waiting_for text, -- exported
    waiting_until timestamp with time zone, -- exported
    error_code text, -- exported
    error text, -- exported
    requested_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    started_at timestamp with time zone, -- exported
    finished_at timestamp with time zone, -- exported
    -- exported: how many scheduled runs directly before this one found nothing either; this row stands for them
    repeat_count integer NOT NULL DEFAULT 0,
    repeats_since timestamp with time zone, -- exported: when the first of them started
    CONSTRAINT sync_events_pkey PRIMARY KEY (tenant_id, sync_event_id),
    CONSTRAINT sync_events_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE,
    CONSTRAINT sync_events_state_check CHECK (state = ANY (ARRAY['queued'::text, 'running'::text, 'waiting'::text, 'succeeded'::text, 'partial'::text, 'failed'::text, 'cancelled'::text])),
    CONSTRAINT sync_events_sync_type_check CHECK (sync_type = ANY (ARRAY['full'::text, 'incremental'::text])),
    CONSTRAINT sync_events_trigger_check CHECK (trigger = ANY (ARRAY['api'::text, 'connect'::text, 'schedule'::text]))
);
CREATE INDEX sync_events_history ON sync_events USING btree (tenant_id, integration_id, sync_event_id DESC);
ALTER TABLE sync_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON sync_events FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON sync_events FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON sync_events TO spoke_app;
GRANT SELECT (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state, total, done, inserted, changed, unchanged, archived, repaired, failed, pages, waiting_for, waiting_until, error_code, error, requested_at, started_at, finished_at, repeat_count, repeats_since) ON sync_events TO spoke_views;

-- sync_streams: distributed: tenant_id; erased at once
CREATE TABLE sync_streams (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    kind text NOT NULL, -- exported
    sync_type text NOT NULL, -- exported
    epoch bigint NOT NULL DEFAULT 0, -- exported
    lease_until timestamp with time zone, -- exported
    -- exported: the process; an embedded database has one process at a time, so a lease of another process is dead there
    lease_owner text,
    sync_event_id uuid, -- exported: the running or queued run; null: idle
    cursor jsonb, -- exported
    -- exported: on HubSpot's clock: all changes before this time are saved
    watermark timestamp with time zone,
    -- exported: how many issues the last full pass did not find and did not mark deleted, because there were too many
    deletions_held_back bigint,
    -- exported: when a window was last checked with the list and nothing was missing
    list_checked_at timestamp with time zone,
    failures integer NOT NULL DEFAULT 0, -- exported
    not_before timestamp with time zone, -- exported: when a waiting run resumes
    -- exported: the run waits because HubSpot could not be reached and gave no time to retry
    awaits_hubspot boolean NOT NULL DEFAULT false,
    -- exported: the run was resumed early, to check whether HubSpot is available again
    is_probe boolean NOT NULL DEFAULT false,
    next_run_at timestamp with time zone, -- exported: when the schedule starts the next run
    -- exported: when a worker has something to do here: a run to start or to resume, or a lease to take over
    due_at timestamp with time zone GENERATED ALWAYS AS (LEAST(next_run_at,
CASE
    WHEN sync_event_id IS NOT NULL THEN GREATEST(not_before, lease_until, '-infinity'::timestamp with time zone)
    ELSE NULL::timestamp with time zone
END)) STORED,
    CONSTRAINT sync_streams_pkey PRIMARY KEY (tenant_id, integration_id, kind, sync_type),
    CONSTRAINT sync_streams_tenant_id_integration_id_fkey FOREIGN KEY (tenant_id, integration_id) REFERENCES tenant_integrations(tenant_id, integration_id) ON DELETE CASCADE,
    CONSTRAINT sync_streams_sync_type_check CHECK (sync_type = ANY (ARRAY['full'::text, 'incremental'::text]))
);
CREATE INDEX sync_streams_awaiting ON sync_streams USING btree (not_before) WHERE awaits_hubspot;
CREATE INDEX sync_streams_due ON sync_streams USING btree (sync_type, due_at);
ALTER TABLE sync_streams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY find_due ON sync_streams FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY own_tenant ON sync_streams FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON sync_streams TO spoke_app;
GRANT SELECT (tenant_id, integration_id, kind, sync_type, epoch, lease_until, lease_owner, sync_event_id, not_before, awaits_hubspot, next_run_at, due_at) ON sync_streams TO spoke_system;

-- tenant_integrations: distributed: tenant_id; erased after the rest
CREATE TABLE tenant_integrations (
    tenant_id uuid NOT NULL, -- exported
    integration_id uuid NOT NULL, -- exported
    integration_type text NOT NULL DEFAULT 'hubspot'::text, -- exported
    status text NOT NULL, -- exported
    status_reason text, -- exported
    hub_id bigint, -- exported
    hub_domain text, -- exported
    ui_domain text, -- exported
    hub_user text, -- exported
    scopes text[], -- exported: null: HubSpot does not report them
    total_count bigint, -- exported: HubSpot's own count of tickets, at total_count_at
    total_count_at timestamp with time zone, -- exported
    last_sync_at timestamp with time zone, -- exported
    loaded_at timestamp with time zone, -- exported: when the first full run had loaded everything
    connected_at timestamp with time zone, -- exported
    created_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    updated_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    CONSTRAINT tenant_integrations_pkey PRIMARY KEY (tenant_id, integration_id),
    CONSTRAINT tenant_integrations_tenant_id_hub_id_key UNIQUE (tenant_id, hub_id),
    CONSTRAINT tenant_integrations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(tenant_id) ON DELETE CASCADE,
    CONSTRAINT tenant_integrations_status_check CHECK (status = ANY (ARRAY['pending'::text, 'active'::text, 'degraded'::text, 'reauth_required'::text, 'disconnected'::text]))
);
ALTER TABLE tenant_integrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenant_integrations FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_login_tenant ON tenant_integrations FOR SELECT TO spoke_views
    USING (tenant_id = spoke_login_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_integrations TO spoke_app;
GRANT SELECT (tenant_id, integration_id, integration_type, status, status_reason, hub_id, hub_domain, scopes, total_count, total_count_at, last_sync_at, connected_at, created_at, updated_at) ON tenant_integrations TO spoke_views;

-- tenants: distributed: tenant_id; erased last
CREATE TABLE tenants (
    tenant_id uuid NOT NULL, -- exported
    -- secret: encrypts the tenant's secrets; itself encrypted with a key of the key ring
    data_key text NOT NULL,
    -- exported: the key of the key ring that encrypts data_key
    key_id text NOT NULL GENERATED ALWAYS AS ("substring"(encode(decode(rpad(translate(split_part(data_key, '.'::text, 1), '-_'::text, '+/'::text), (length(split_part(data_key, '.'::text, 1)) + 3) / 4 * 4, '='::text), 'base64'::text), 'escape'::text), '"kid":"([A-Za-z0-9_-]{1,32})"'::text)) STORED,
    created_at timestamp with time zone NOT NULL DEFAULT now(), -- exported
    -- exported: when the erasure of the tenant began; never reset
    erasing_at timestamp with time zone,
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id)
);
CREATE INDEX tenants_erasing ON tenants USING btree (tenant_id) WHERE erasing_at IS NOT NULL;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY erase_marked ON tenants FOR DELETE TO spoke_eraser
    USING (tenant_id = spoke_tenant() AND erasing_at IS NOT NULL);
CREATE POLICY list_tenants ON tenants FOR SELECT TO spoke_system
    USING (true);
CREATE POLICY mark ON tenants FOR UPDATE TO spoke_eraser
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant() AND erasing_at IS NOT NULL);
CREATE POLICY own_tenant ON tenants FOR ALL TO spoke_app
    USING (tenant_id = spoke_tenant())
    WITH CHECK (tenant_id = spoke_tenant());
CREATE POLICY read_mark ON tenants FOR SELECT TO spoke_eraser
    USING (tenant_id = spoke_tenant());
GRANT SELECT, INSERT, UPDATE (data_key) ON tenants TO spoke_app;
GRANT SELECT (tenant_id, erasing_at), UPDATE (erasing_at), DELETE ON tenants TO spoke_eraser;
GRANT SELECT (tenant_id, key_id, created_at, erasing_at) ON tenants TO spoke_system;

-- webhook_receipts: reference
CREATE TABLE webhook_receipts (
    signature_hash bytea NOT NULL,
    received_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT webhook_receipts_pkey PRIMARY KEY (signature_hash)
);
CREATE INDEX webhook_receipts_age ON webhook_receipts USING btree (received_at);
GRANT SELECT, INSERT, DELETE ON webhook_receipts TO spoke_system;

-- own_issue_terms: the rows of issue_terms of the transaction's tenant
CREATE VIEW own_issue_terms (
    tenant_id,
    integration_id,
    ticket_id,
    words,
    terms
) AS
 SELECT tenant_id,
    integration_id,
    ticket_id,
    words,
    terms
   FROM issue_terms one
  WHERE tenant_id = spoke_tenant();
ALTER VIEW own_issue_terms OWNER TO spoke_search;
GRANT SELECT ON own_issue_terms TO spoke_app;

-- spoke_views.changes: the tenant's change feed, as long as it is retained
CREATE VIEW spoke_views.changes (
    tenant_id, -- the tenant of this login
    seq, -- the number of the change; later commits have higher numbers
    change_id, -- unique; unlike seq never reused, not even after a restore from a backup
    type, -- such as issue.created, issue.updated or sync.completed
    at, -- when Spoke recorded it
    integration_id, -- the integration concerned; null: none
    issue_id, -- the issue concerned; null: none
    ticket_id, -- HubSpot's id of the ticket; null: none
    -- for an issue: old and new values; for an integration: the reason; for a run: its counts
    detail
) AS
 SELECT tenant_id,
    seq,
    change_id,
    type,
    at,
    integration_id,
    issue_id,
    ticket_id,
    detail
   FROM changes one
  WHERE tenant_id = (( SELECT spoke_login_tenant() AS spoke_login_tenant));
ALTER VIEW spoke_views.changes OWNER TO spoke_views;
GRANT SELECT ON spoke_views.changes TO spoke_reader;

-- spoke_views.integrations: the tenant's links to HubSpot accounts
CREATE VIEW spoke_views.integrations (
    tenant_id, -- the tenant of this login
    integration_id, -- the integration
    integration_type, -- hubspot
    status, -- pending, active, degraded, reauth_required or disconnected
    status_reason, -- why the status is not active; null: no reason is known
    hub_id, -- the HubSpot account; null: not connected yet
    hub_domain, -- the domain of the account; null: HubSpot does not report it
    scopes, -- the scopes that HubSpot granted; null: HubSpot does not report them
    total_count, -- HubSpot's own count of tickets, at total_count_at
    total_count_at, -- when HubSpot returned total_count
    last_sync_at, -- when a sync last ended well
    -- since when view issues has every issue of this integration; null: its first load or its index is not complete yet
    issues_complete_at,
    connected_at, -- when it was last connected
    created_at, -- when the integration was created
    updated_at -- when this row last changed
) AS
 SELECT t.tenant_id,
    t.integration_id,
    t.integration_type,
    t.status,
    t.status_reason || ''::text AS status_reason,
    t.hub_id,
    t.hub_domain || ''::text AS hub_domain,
    t.scopes || ARRAY[]::text[] AS scopes,
    t.total_count,
    t.total_count_at,
    t.last_sync_at,
    b.finished_at AS issues_complete_at,
    t.connected_at,
    t.created_at,
    t.updated_at
   FROM tenant_integrations t
     LEFT JOIN search_builds b ON b.tenant_id = t.tenant_id AND b.integration_id = t.integration_id
  WHERE t.tenant_id = (( SELECT spoke_login_tenant() AS spoke_login_tenant));
ALTER VIEW spoke_views.integrations OWNER TO spoke_views;
GRANT SELECT ON spoke_views.integrations TO spoke_reader;

-- spoke_views.issues: Spoke's copy of the tickets, with tombstones
CREATE VIEW spoke_views.issues (
    tenant_id, -- the tenant of this login
    integration_id, -- the integration that the ticket came from
    ticket_id, -- HubSpot's id of the ticket; unique within an integration
    issue_id, -- Spoke's id; unique
    subject, -- property subject; null: empty
    content, -- property content; null: empty
    pipeline_id, -- property hs_pipeline
    pipeline_name, -- the pipeline's name now; null: unknown
    stage_id, -- property hs_pipeline_stage
    stage_name, -- the stage's name now; null: unknown
    stage_closed, -- whether tickets in this stage count as closed; null: unknown
    priority, -- property hs_ticket_priority
    category, -- property hs_ticket_category
    owner_id, -- property hubspot_owner_id
    owner_name, -- first and last name, or the email address if there is no name; null: unknown
    owner_email, -- the owner's email address; null: unknown
    created_at, -- when the ticket was created in HubSpot; 1970-01-01 00:00 UTC: unknown
    modified_at, -- when the ticket last changed in HubSpot; 1970-01-01 00:00 UTC: unknown
    archived, -- true for a tombstone: the ticket was archived, merged or deleted in HubSpot
    -- when it was archived, by HubSpot's clock; null: it is live, or HubSpot gave no time
    archived_at,
    deleted_at, -- when Spoke found that HubSpot no longer has the ticket; null: it has
    merged_into, -- HubSpot's id of the ticket that this one was merged into; null: none
    url, -- the ticket's page in HubSpot; null: unknown
    properties, -- every property that Spoke reads, by its HubSpot name; values are texts or null
    -- by kind (contacts, companies, deals) a list of ids with labels; a kind that is null may not be read; null: never read
    associations,
    synced_at -- when this row's content last changed in Spoke
) AS
 SELECT s.tenant_id,
    s.integration_id,
    s.ticket_id,
    s.issue_id,
    i.subject || ''::text AS subject,
    i.content || ''::text AS content,
    s.pipeline_id,
    p.label || ''::text AS pipeline_name,
    s.stage_id,
    g.label || ''::text AS stage_name,
    g.closed AS stage_closed,
    s.priority,
    s.category,
    s.owner_id,
    o.label || ''::text AS owner_name,
    o.email || ''::text AS owner_email,
    s.created_at,
    s.modified_at,
    s.archived,
    s.archived_at,
    s.deleted_at,
    m.survivor_id AS merged_into,
    i.url || ''::text AS url,
    i.properties,
    a.associations,
    s.synced_at
   FROM issue_search s
     LEFT JOIN issues i ON i.tenant_id = s.tenant_id AND i.integration_id = s.integration_id AND i.ticket_id = s.ticket_id
     LEFT JOIN labels p ON p.tenant_id = s.tenant_id AND p.integration_id = s.integration_id AND p.topic = 'pipeline'::text AND p.parent = ''::text AND p.id = s.pipeline_id
     LEFT JOIN labels g ON g.tenant_id = s.tenant_id AND g.integration_id = s.integration_id AND g.topic = 'stage'::text AND g.parent = s.pipeline_id AND g.id = s.stage_id
     LEFT JOIN labels o ON o.tenant_id = s.tenant_id AND o.integration_id = s.integration_id AND o.topic = 'owner'::text AND o.parent = ''::text AND o.id = s.owner_id
     LEFT JOIN issue_merges m ON m.tenant_id = s.tenant_id AND m.integration_id = s.integration_id AND m.loser_id = s.ticket_id
     LEFT JOIN issue_associations a ON a.tenant_id = s.tenant_id AND a.integration_id = s.integration_id AND a.ticket_id = s.ticket_id
  WHERE s.tenant_id = (( SELECT spoke_login_tenant() AS spoke_login_tenant));
ALTER VIEW spoke_views.issues OWNER TO spoke_views;
GRANT SELECT ON spoke_views.issues TO spoke_reader;

-- spoke_views.labels: the account's names of pipelines, stages and owners
CREATE VIEW spoke_views.labels (
    tenant_id, -- the tenant of this login
    integration_id, -- the integration that the name came from
    topic, -- pipeline, stage or owner
    -- for a stage: its pipeline, because two pipelines may use the same stage id; otherwise null
    pipeline_id,
    id, -- HubSpot's id, as in issues
    label, -- the name; null: HubSpot has none
    email, -- for an owner: the email address
    closed, -- for a stage: whether tickets in it count as closed
    archived -- HubSpot reports it as archived, or no longer lists it
) AS
 SELECT tenant_id,
    integration_id,
    topic,
    NULLIF(parent, ''::text) AS pipeline_id,
    id,
    label || ''::text AS label,
    email || ''::text AS email,
    closed,
    archived
   FROM labels one
  WHERE tenant_id = (( SELECT spoke_login_tenant() AS spoke_login_tenant));
ALTER VIEW spoke_views.labels OWNER TO spoke_views;
GRANT SELECT ON spoke_views.labels TO spoke_reader;

-- spoke_views.sync_events: the runs of the tenant's syncs
CREATE VIEW spoke_views.sync_events (
    tenant_id, -- the tenant of this login
    sync_event_id, -- the run; ids sort by time
    integration_id, -- the integration that was synced
    kind, -- the kind of record: tickets
    sync_type, -- full or incremental
    trigger, -- what started it: api, connect or schedule
    state, -- queued, running, waiting, succeeded, partial, failed or cancelled
    total, -- how many records HubSpot counted before the run began; null: it did not say
    done, -- how many records were read
    inserted, -- how many were new
    changed, -- how many had changed
    unchanged, -- how many had not changed
    archived, -- how many issues became tombstones
    repaired, -- how many were saved, but not verbatim
    failed, -- how many could not be saved
    pages, -- how many pages were read from HubSpot
    -- how many scheduled runs directly before this one found nothing either; this row stands for them
    repeat_count,
    repeats_since, -- when the first of them started
    waiting_for, -- why a waiting run waits: an error code
    waiting_until, -- when a waiting run resumes
    error_code, -- why the run failed; null: it did not
    error, -- the same in words
    requested_at, -- when the run was requested
    started_at, -- when it started
    finished_at -- when it ended; null: it has not
) AS
 SELECT tenant_id,
    sync_event_id,
    integration_id,
    kind,
    sync_type,
    trigger,
    state,
    total,
    done,
    inserted,
    changed,
    unchanged,
    archived,
    repaired,
    failed,
    pages,
    repeat_count,
    repeats_since,
    waiting_for,
    waiting_until,
    error_code,
    error || ''::text AS error,
    requested_at,
    started_at,
    finished_at
   FROM sync_events one
  WHERE tenant_id = (( SELECT spoke_login_tenant() AS spoke_login_tenant));
ALTER VIEW spoke_views.sync_events OWNER TO spoke_views;
GRANT SELECT ON spoke_views.sync_events TO spoke_reader;

CREATE OR REPLACE FUNCTION public.spoke_begin_erasure()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
  perform pg_advisory_xact_lock(hashtextextended(spoke_tenant()::text, 1));
end $function$;

CREATE OR REPLACE FUNCTION public.spoke_begin_tenant()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  tenant uuid := spoke_tenant();
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(tenant::text, 1));
  if exists (select from tenants where tenant_id = tenant and erasing_at is not null) then
    raise exception 'the tenant is being erased' using errcode = 'SP002';
  end if;
end $function$;

CREATE OR REPLACE FUNCTION public.spoke_erasing()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  tenant uuid := spoke_tenant();
begin
  return exists (select 1 from tenants where tenant_id = tenant and erasing_at is not null);
end $function$;

CREATE OR REPLACE FUNCTION public.spoke_field_types(definitions jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select jsonb_object_agg(d ->> 'name', d ->> 'fieldType') from jsonb_array_elements(definitions) d
$function$;

CREATE OR REPLACE FUNCTION public.spoke_login_tenant()
 RETURNS uuid
 LANGUAGE sql
 STABLE
RETURN COALESCE((SELECT one.tenant_id FROM sql_logins one WHERE (one.login = SESSION_USER)), spoke_no_tenant());

CREATE OR REPLACE FUNCTION public.spoke_no_tenant()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
  raise exception 'no tenant context' using errcode = 'SP001';
end $function$;

CREATE OR REPLACE FUNCTION public.spoke_property_types(definitions jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select jsonb_object_agg(d ->> 'name', coalesce(d ->> 'type', '')) filter (where d ->> 'name' is not null)
  from jsonb_array_elements(case jsonb_typeof(definitions) when 'array' then definitions else '[]' end) d
$function$;

CREATE OR REPLACE FUNCTION public.spoke_tenant()
 RETURNS uuid
 LANGUAGE sql
 STABLE
RETURN COALESCE((NULLIF(current_setting('spoke.tenant_id'::text, true), ''::text))::uuid, spoke_no_tenant());
