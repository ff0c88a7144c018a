-- Browser sessions. A request carries only a token, so the system role looks up its session; the
-- tenant role can only read and delete its own, when the tenant is erased.
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

comment on column sessions.tenant_id is 'null: a session of the admin key';

comment on column sessions.made_by is 'the credential that created the session: admin, key:<id> or jwt:<subject>';

comment on column sessions.bound_to is 'an HMAC of the admin key, or of the identity provider, under the session''s token, which is not stored; null: created with an API key, whose own row is checked';

comment on column sessions.last_used_at is 'accurate to a minute';

create index sessions_of_tenant on sessions (tenant_id);

alter table sessions enable row level security;

alter table sessions force row level security;

create policy own_tenant on sessions to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

create policy hold_sessions on sessions to spoke_system using (true) with check (true);

grant select, delete on sessions to spoke_app;

grant select, insert, delete, update (last_used_at) on sessions to spoke_system;
