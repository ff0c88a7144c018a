-- Tenants' connections to HubSpot accounts, their sealed tokens, and pending authorizations.
create table tenant_integrations (
  tenant_id uuid not null references tenants on delete cascade,
  integration_id uuid not null,
  integration_type text not null default 'hubspot',
  status text not null check (status in ('pending', 'active', 'degraded', 'reauth_required', 'disconnected')),
  status_reason text,
  hub_id bigint,
  hub_domain text,
  ui_domain text,
  hub_user text,
  scopes text[],
  total_count bigint,
  total_count_at timestamptz,
  last_sync_at timestamptz,
  loaded_at timestamptz,
  connected_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, integration_id),
  unique (tenant_id, hub_id)
);

comment on table tenant_integrations is 'distributed: tenant_id';

comment on column tenant_integrations.scopes is 'null: HubSpot does not report them';

comment on column tenant_integrations.total_count is 'HubSpot''s own count of tickets, at total_count_at';

-- New issues are reported from this time on, not while the first full run loads existing ones.
comment on column tenant_integrations.loaded_at is 'when the first full run had loaded everything';

alter table tenant_integrations enable row level security, force row level security;

create policy own_tenant on tenant_integrations to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on tenant_integrations to spoke_app;

-- Ids that an authorization returned before its connect renewed an existing integration. They
-- remain valid as aliases of that integration.
create table integration_aliases (
  tenant_id uuid not null,
  alias_id uuid not null,
  integration_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, alias_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table integration_aliases is 'distributed: tenant_id';

comment on column integration_aliases.alias_id is 'the id of an integration that was never created';

comment on column integration_aliases.integration_id is 'the existing integration that was reconnected instead';

create index integration_aliases_of on integration_aliases (tenant_id, integration_id, created_at);

alter table integration_aliases enable row level security, force row level security;

create policy own_tenant on integration_aliases to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on integration_aliases to spoke_app;

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

alter table integration_tokens enable row level security, force row level security;

create policy own_tenant on integration_tokens to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on integration_tokens to spoke_app;

-- OAuth in progress, from the redirect to HubSpot until the browser returns.
create table authorizations (
  tenant_id uuid not null,
  state_hash text not null,
  integration_id uuid not null,
  code_verifier text not null,
  requested_by text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, state_hash),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table authorizations is 'distributed: tenant_id';

comment on column authorizations.requested_by is 'the principal that started it';

alter table authorizations enable row level security, force row level security;

create policy own_tenant on authorizations to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on authorizations to spoke_app;

-- Connecting in a browser: HubSpot's grant waits until a person has seen the account and confirmed
-- it.
create table confirmations (
  tenant_id uuid not null references tenants on delete cascade,
  confirmation_id uuid not null,
  integration_id uuid not null,
  secret_hash text not null,
  hub_id bigint not null,
  hub_domain text,
  ui_domain text,
  hub_user text,
  scopes text[],
  access_token text,
  refresh_token text,
  token_expires_at timestamptz,
  confirmed_at timestamptz,
  expires_at timestamptz not null,
  primary key (tenant_id, confirmation_id),
  check ((confirmed_at is null) = (access_token is not null))
);

comment on table confirmations is 'distributed: tenant_id';

-- No foreign key to the integration: when it is deleted, the grant must still be there to be
-- revoked.
comment on column confirmations.integration_id is 'the integration to connect';

comment on column confirmations.secret_hash is 'hash of the secret in the cookie of the browser that returned from HubSpot';

comment on column confirmations.access_token is 'encrypted for this row only, like refresh_token; null once confirmed';

alter table confirmations enable row level security, force row level security;

create policy own_tenant on confirmations to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on confirmations to spoke_app;

-- The system role finds expired confirmations, and whether one is pending for an account whose
-- token is to be revoked.
create policy find_pending on confirmations for select to spoke_system using (true);

grant select (tenant_id, confirmation_id, hub_id, confirmed_at, expires_at) on confirmations to spoke_system;

-- The integrations connected to a HubSpot account, across all tenants. Only live connections; the
-- ids lead to a tenant's scope.
create table account_routes (
  hub_id bigint not null,
  tenant_id uuid not null,
  integration_id uuid not null,
  installed_at timestamptz,
  primary key (hub_id, tenant_id, integration_id)
);

comment on table account_routes is 'reference';

comment on column account_routes.installed_at is 'when our own app was last connected to the account; null: a pasted token';

alter table account_routes enable row level security, force row level security;

create policy own_tenant on account_routes to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update (installed_at), delete on account_routes to spoke_app;

create policy find_ids on account_routes for select to spoke_system using (true);

grant select on account_routes to spoke_system;

-- What is read of an account besides tickets: its definitions, the names for ids, associated
-- records.
create table integration_resources (
  tenant_id uuid not null,
  integration_id uuid not null,
  resource text not null check (resource in ('properties', 'pipelines', 'owners', 'contacts', 'companies', 'deals')),
  requested_at timestamptz not null,
  due_at timestamptz not null,
  read_at timestamptz,
  problem text,
  content jsonb,
  omitted text[],
  primary key (tenant_id, integration_id, resource),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table integration_resources is 'distributed: tenant_id';

comment on column integration_resources.requested_at is 'when it was last requested from HubSpot; responses from before a reconnect do not count';

comment on column integration_resources.due_at is 'the earliest time of the next request';

comment on column integration_resources.read_at is 'when HubSpot last returned the content; null: never';

comment on column integration_resources.problem is 'why the last read failed; null: it succeeded';

comment on column integration_resources.content is 'for properties: their definitions, by name';

-- HubSpot refuses to return properties that became sensitive. They are omitted until the property
-- list is read again.
comment on column integration_resources.omitted is 'for properties: the names that the token may not read; null: none';

alter table integration_resources enable row level security, force row level security;

create policy own_tenant on integration_resources to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on integration_resources to spoke_app;
