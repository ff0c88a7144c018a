-- Who is calling, and what was done: API keys, browser sessions, the audit log.

-- Only a hash of each key is stored, keyed by the tenant's own data key. A reference table, because
-- a caller presents a key id, and that leads to the tenant.
create table api_keys (
  key_id text primary key,
  tenant_id uuid not null,
  name text not null,
  scopes text[] not null check (
    cardinality(scopes) > 0 and scopes <@ array['read', 'sync', 'manage']
  ),
  key_hash text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

comment on table api_keys is 'reference';

comment on column api_keys.key_id is 'part of the key itself; not secret';

comment on column api_keys.key_hash is 'keyed hash of the whole key and its scopes, under the tenant''s data key';

comment on column api_keys.last_used_at is 'accurate to a minute';

create index api_keys_tenant on api_keys (tenant_id, key_id);

alter table api_keys enable row level security, force row level security;

create policy own_tenant on api_keys to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on api_keys to spoke_app;

create policy find_key on api_keys for select to spoke_system using (true);

create policy touch_key on api_keys for update to spoke_system using (true) with check (true);

grant select (key_id, tenant_id, scopes, key_hash, expires_at, revoked_at, last_used_at), update (last_used_at)
  on api_keys to spoke_system;

-- Browser sessions. A request carries only a token, so the system role looks up its session; the
-- tenant role can only read and delete its own, when the tenant is erased. A row alone grants
-- nothing: what it opens is bound to the key ring.
create table sessions (
  token_hash text primary key,
  tenant_id uuid,
  scopes text[] not null,
  created_by text not null,
  binding text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  check ((tenant_id is null) = (created_by = 'admin'))
);

comment on table sessions is 'reference';

comment on column sessions.tenant_id is 'null: a session of the admin key';

comment on column sessions.created_by is 'the credential that created the session: admin, key:<id> or jwt:<subject>';

comment on column sessions.binding is 'an HMAC under a key of the key ring over the session''s token, tenant, scopes, creator and expiry, and the admin key or the identity provider; the token is not stored';

comment on column sessions.last_used_at is 'accurate to a minute';

create index sessions_of_tenant on sessions (tenant_id);

alter table sessions enable row level security, force row level security;

create policy own_tenant on sessions to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, delete on sessions to spoke_app;

create policy manage_sessions on sessions to spoke_system using (true) with check (true);

grant select, insert, delete, update (last_used_at) on sessions to spoke_system;

-- The audit log: who did what, to what, from where, with what result. One chain of hashes per
-- tenant, and the operator's for everything above tenants. spoke_app and spoke_system may insert
-- and read, nothing else.
create table audit_events (
  tenant_id uuid not null references tenants on delete cascade,
  seq bigint not null check (seq > 0),
  at timestamptz not null,
  actor text not null,
  action text not null,
  target text,
  address text,
  request_id text,
  phase text not null check (phase in ('requested', 'done')),
  result text,
  prev_hash text not null,
  hash text not null,
  primary key (tenant_id, seq)
);

comment on table audit_events is 'distributed: tenant_id';

comment on column audit_events.seq is 'starts at 1, without gaps';

comment on column audit_events.actor is 'the owner of the credential; never the credential itself';

comment on column audit_events.target is 'ids within the tenant';

comment on column audit_events.result is 'the outcome of the action: the status, and the code of an error';

comment on column audit_events.hash is 'SHA-256 over all other columns; includes all earlier rows through prev_hash';

alter table audit_events enable row level security, force row level security;

create policy own_tenant on audit_events to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert on audit_events to spoke_app;

-- The only role that may delete from the audit log. A tenant's events are deleted with the tenant,
-- in steps like the rest.
create policy read_marked on audit_events for select to spoke_eraser
  using (tenant_id = spoke_tenant() and spoke_erasing());

create policy erase_marked on audit_events for delete to spoke_eraser
  using (tenant_id = spoke_tenant() and spoke_erasing());

grant select, delete on audit_events to spoke_eraser;

-- No tenant_id: a tenant that does not exist, or no longer does, is recorded as a keyed hash of its
-- id.
create table operator_audit (
  seq bigint primary key check (seq > 0),
  at timestamptz not null,
  actor text not null,
  action text not null,
  target text,
  address text,
  request_id text,
  phase text not null check (phase in ('requested', 'done')),
  result text,
  prev_hash text not null,
  hash text not null
);

comment on table operator_audit is 'local';

grant select, insert on operator_audit to spoke_system;
