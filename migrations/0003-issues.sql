-- Issues: our copy of each ticket. Filterable values have columns; everything read is stored as
-- jsonb.
create table issues (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  issue_id uuid not null,
  subject text,
  content text,
  pipeline_id text,
  stage_id text,
  priority text,
  category text,
  owner_id text,
  ticket_created_at timestamptz,
  modified_at timestamptz not null,
  archived boolean not null default false,
  archived_at timestamptz,
  url text,
  properties jsonb not null,
  observed_at timestamptz not null,
  first_synced_at timestamptz not null default now(),
  synced_at timestamptz not null default now(),
  primary key (tenant_id, integration_id, ticket_id),
  unique (tenant_id, issue_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table issues is 'distributed: tenant_id';

comment on column issues.modified_at is 'HubSpot''s time of the last change; together with observed_at the version of the row';

comment on column issues.observed_at is 'the Date header of the HubSpot response that contained this content';

comment on column issues.synced_at is 'when the stored content last changed';

alter table issues enable row level security;

alter table issues force row level security;

create policy own_tenant on issues to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert, update, delete on issues to spoke_app;
