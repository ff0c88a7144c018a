-- Sessions of browsers. A request shows a token and nothing else, so a session is found through the system door; the tenant's own
-- door can only delete what is its own, when the tenant is erased.
create table sessions (
  token_hash text primary key,
  tenant_id uuid,
  scopes text[] not null,
  made_by text not null,
  bound_to text,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  check ((tenant_id is null) = (made_by = 'admin'))
);

comment on table sessions is 'reference';

comment on column sessions.tenant_id is 'null: the admin key''s';

comment on column sessions.made_by is 'the credential that made it: admin, key:<id> or jwt:<subject>';

comment on column sessions.bound_to is 'an HMAC of the admin key, or of the identity provider, under the session''s own token, which is not here; null: the key has a row to ask';

comment on column sessions.last_used_at is 'to the minute';

create index sessions_of_tenant on sessions (tenant_id);

alter table sessions enable row level security;

alter table sessions force row level security;

create policy own_tenant on sessions to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

create policy hold_sessions on sessions to spoke_system using (true) with check (true);

grant select, delete on sessions to spoke_app;

grant select, insert, delete, update (last_used_at) on sessions to spoke_system;
