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

alter table integration_aliases enable row level security;

alter table integration_aliases force row level security;

create policy own_tenant on integration_aliases to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert, update, delete on integration_aliases to spoke_app;

-- Properties that HubSpot refuses to return because they became sensitive. They are omitted until
-- the property list is read again.
alter table integration_parts add column omitted text[];

comment on column integration_parts.omitted is 'for properties: the names that the token may not read; null: none';
