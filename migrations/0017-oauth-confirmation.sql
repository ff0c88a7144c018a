-- Connecting in a browser: HubSpot's grant waits until a person has seen the account and confirmed
-- it. Also records who asked.
alter table authorizations add column asked_by text;

comment on column authorizations.asked_by is 'the principal that started it; null: started before this column existed, and expires within ten minutes';

create table confirmations (
  tenant_id uuid not null references tenants on delete cascade,
  confirmation_id uuid not null,
  integration_id uuid not null,
  secret_hash text not null,
  portal_id bigint not null,
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

alter table confirmations enable row level security;

alter table confirmations force row level security;

create policy own_tenant on confirmations to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

-- The system role finds expired confirmations, and whether one is pending for an account whose
-- token is to be revoked.
create policy find_waiting on confirmations for select to spoke_system using (true);

grant select, insert, update, delete on confirmations to spoke_app;

grant select (tenant_id, confirmation_id, portal_id, confirmed_at, expires_at) on confirmations to spoke_system;
