-- Credentials of tenants. Only a hash of each key is stored, keyed by the tenant's own data key. A
-- reference table, because a caller presents a key id, and that leads to the tenant.
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

comment on column api_keys.key_hash is 'keyed hash of the whole key, under the tenant''s data key';

comment on column api_keys.last_used_at is 'accurate to a minute';

create index api_keys_tenant on api_keys (tenant_id, key_id);

alter table api_keys enable row level security;

alter table api_keys force row level security;

create policy own_tenant on api_keys to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

create policy find_key on api_keys for select to spoke_system using (true);

create policy touch_key on api_keys for update to spoke_system using (true) with check (true);

grant select, insert, update, delete on api_keys to spoke_app;

grant select (key_id, tenant_id, scopes, key_hash, expires_at, revoked_at, last_used_at) on api_keys to spoke_system;

grant update (last_used_at) on api_keys to spoke_system;

-- The operator's list of tenants.
grant select (created_at) on tenants to spoke_system;
