-- Tenants, their connections to HubSpot accounts, sealed tokens, and pending authorisations.
create table tenants (
  tenant_id uuid primary key,
  data_key text not null,
  created_at timestamptz not null default now()
);

comment on table tenants is 'distributed: tenant_id';

comment on column tenants.data_key is 'encrypts the tenant''s secrets; itself encrypted with a key of the key ring';

create table tenant_integrations (
  tenant_id uuid not null references tenants on delete cascade,
  integration_id uuid not null,
  integration_type text not null default 'hubspot',
  status text not null check (status in ('pending', 'active', 'degraded', 'reauth_required', 'disconnected')),
  status_reason text,
  portal_id bigint,
  hub_domain text,
  ui_domain text,
  hub_user text,
  scopes text[],
  total_count bigint,
  total_count_at timestamptz,
  last_sync_at timestamptz,
  connected_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, integration_id),
  unique (tenant_id, portal_id)
);

comment on table tenant_integrations is 'distributed: tenant_id';

comment on column tenant_integrations.scopes is 'null: HubSpot does not report them';

comment on column tenant_integrations.total_count is 'HubSpot''s own count of tickets, at total_count_at';

create table integration_tokens (
  tenant_id uuid not null,
  integration_id uuid not null,
  kind text not null check (kind in ('oauth', 'static', 'foreign')),
  access_token text,
  refresh_token text,
  expires_at timestamptz,
  refresh_at timestamptz,
  confirmed_at timestamptz,
  epoch bigint not null default 0,
  lease_until timestamptz,
  primary key (tenant_id, integration_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table integration_tokens is 'distributed: tenant_id';

comment on column integration_tokens.kind is 'oauth: of our own app; static: does not expire; foreign: an access token of another app';

comment on column integration_tokens.epoch is 'incremented by each claim and each write, so that a stale refresh changes nothing';

create table authorizations (
  tenant_id uuid not null,
  state_hash text not null,
  integration_id uuid not null,
  code_verifier text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, state_hash),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table authorizations is 'distributed: tenant_id';

-- The integrations connected to a HubSpot account, across all tenants. Only live connections; the
-- ids lead to a tenant's scope.
create table portal_routes (
  portal_id bigint not null,
  tenant_id uuid not null,
  integration_id uuid not null,
  primary key (portal_id, tenant_id, integration_id)
);

comment on table portal_routes is 'reference';

alter table tenants enable row level security;

alter table tenants force row level security;

create policy own_tenant on tenants to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table tenant_integrations enable row level security;

alter table tenant_integrations force row level security;

create policy own_tenant on tenant_integrations to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table integration_tokens enable row level security;

alter table integration_tokens force row level security;

create policy own_tenant on integration_tokens to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table authorizations enable row level security;

alter table authorizations force row level security;

create policy own_tenant on authorizations to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table portal_routes enable row level security;

alter table portal_routes force row level security;

create policy own_tenant on portal_routes to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

create policy find_ids on portal_routes for select to spoke_system using (true);

grant select, insert on tenants to spoke_app;

grant select, insert, update, delete on tenant_integrations, integration_tokens, authorizations to spoke_app;

grant select, insert, delete on portal_routes to spoke_app;

grant select on portal_routes to spoke_system;
