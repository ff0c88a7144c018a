-- The rest of a ticket: the account's definitions, the names for ids, and each ticket's
-- associations.
create table integration_parts (
  tenant_id uuid not null,
  integration_id uuid not null,
  part text not null check (part in ('properties', 'pipelines', 'owners', 'contacts', 'companies', 'deals')),
  asked_at timestamptz not null,
  due_at timestamptz not null,
  read_at timestamptz,
  problem text,
  content jsonb,
  primary key (tenant_id, integration_id, part),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table integration_parts is 'distributed: tenant_id';

comment on column integration_parts.asked_at is 'when HubSpot was last asked; responses from before a reconnect do not count';

comment on column integration_parts.due_at is 'the earliest time of the next request';

comment on column integration_parts.read_at is 'when HubSpot last returned the content; null: never';

comment on column integration_parts.problem is 'why the last read failed; null: it succeeded';

comment on column integration_parts.content is 'for properties: their definitions, by name';

-- Joined when issues are read, so that renaming a stage takes effect everywhere at once. Never
-- deleted, because issues still refer to objects that HubSpot no longer lists.
create table labels (
  tenant_id uuid not null,
  integration_id uuid not null,
  topic text not null check (topic in ('pipeline', 'stage', 'owner')),
  parent text not null,
  id text not null,
  label text,
  email text,
  closed boolean,
  archived boolean not null,
  primary key (tenant_id, integration_id, topic, parent, id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table labels is 'distributed: tenant_id';

comment on column labels.parent is 'for a stage: its pipeline, because two pipelines may use the same stage id; otherwise empty';

comment on column labels.archived is 'HubSpot reports it as archived, or no longer lists it';

-- A table of its own, because a ticket's associations change without the ticket changing.
create table issue_associations (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  associations jsonb not null,
  observed_at timestamptz not null,
  primary key (tenant_id, integration_id, ticket_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table issue_associations is 'distributed: tenant_id';

comment on column issue_associations.associations is 'by kind: a list; null: reading it is not permitted; absent: not read yet';

comment on column issue_associations.observed_at is 'the Date header of the HubSpot response that contained this content';

-- Only tombstones, so that they are found quickly among many live issues. Partial, so that
-- statements that do not ask for tombstones never use one of these to look up a row by its key.
create index issues_archived on issues (tenant_id, issue_id) where archived;

create index issues_archived_of on issues (tenant_id, integration_id, ticket_id) where archived;

alter table integration_parts enable row level security;

alter table integration_parts force row level security;

create policy own_tenant on integration_parts to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table labels enable row level security;

alter table labels force row level security;

create policy own_tenant on labels to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table issue_associations enable row level security;

alter table issue_associations force row level security;

create policy own_tenant on issue_associations to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert, update, delete on integration_parts, labels, issue_associations to spoke_app;
