-- States next to each column of a tenant's table whether an export contains it, and next to each such
-- table when an erasure deletes its rows. Export and erasure read these marks from the catalogue.

-- A column's comment begins with `exported` or `secret`; an explanation follows after a colon.
-- `secret` marks secrets, and hashes and salts that would help someone guess one. A column without a mark is not
-- exported, and a test fails for it: a migration that adds one marks it too. At this point the secret
-- columns are those named here, and all others are exported.
do $$
declare
  one record;
begin
  for one in
    select c.relname, a.attname, concat_ws(': ',
      case when c.relname || '.' || a.attname in (
        'tenants.data_key',
        'integration_tokens.access_token', 'integration_tokens.refresh_token',
        'api_keys.key_hash',
        'authorizations.state_hash', 'authorizations.code_verifier',
        'confirmations.secret_hash', 'confirmations.access_token', 'confirmations.refresh_token',
        'sessions.token_hash', 'sessions.binding',
        'endpoints.secret', 'endpoints.previous_secret',
        'idempotency_keys.key_hash', 'idempotency_keys.salt', 'idempotency_keys.request_hash'
      ) then 'secret' else 'exported' end,
      col_description(c.oid, a.attnum)) as comment
    from pg_class c
    join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
  loop
    execute format('comment on column %I.%I is %L', one.relname, one.attname, one.comment);
  end loop;
end $$;

-- At once: in the transaction that marks the tenant; small tables that grant access or create work.
comment on table account_routes is 'reference; erased at once';

comment on table api_keys is 'reference; erased at once';

comment on table authorizations is 'distributed: tenant_id; erased at once';

comment on table sessions is 'reference; erased at once';

comment on table sync_streams is 'distributed: tenant_id; erased at once';

-- Once revoked: a few rows at a time, each after its grant was revoked at HubSpot.
comment on table confirmations is 'distributed: tenant_id; erased once revoked';

comment on table integration_tokens is 'distributed: tenant_id; erased once revoked';

-- In steps: some rows in each transaction.
comment on table attempts is 'distributed: tenant_id; erased in steps';

comment on table change_counters is 'distributed: tenant_id; erased in steps';

comment on table changes is 'distributed: tenant_id; erased in steps';

comment on table deliveries is 'distributed: tenant_id; erased in steps';

comment on table endpoints is 'distributed: tenant_id; erased in steps';

comment on table idempotency_keys is 'distributed: tenant_id; erased in steps';

comment on table inbox_entries is 'distributed: tenant_id; erased in steps';

comment on table inboxes is 'distributed: tenant_id; erased in steps';

comment on table integration_aliases is 'distributed: tenant_id; erased in steps';

comment on table integration_resources is 'distributed: tenant_id; erased in steps';

comment on table issue_associations is 'distributed: tenant_id; erased in steps';

comment on table issue_last_seen is 'distributed: tenant_id; erased in steps';

comment on table issue_merges is 'distributed: tenant_id; erased in steps';

comment on table issues is 'distributed: tenant_id; erased in steps';

comment on table labels is 'distributed: tenant_id; erased in steps';

comment on table record_problems is 'distributed: tenant_id; erased in steps';

comment on table sync_events is 'distributed: tenant_id; erased in steps';

-- By the eraser: in steps, by the only role that may delete them.
comment on table audit_events is 'distributed: tenant_id; erased by the eraser';

-- After the rest: in steps; other rows of the tenant refer to these.
comment on table tenant_integrations is 'distributed: tenant_id; erased after the rest';

comment on table tenants is 'distributed: tenant_id; erased last';
