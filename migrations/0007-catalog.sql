-- All of a ticket: what an account has defined, the names behind the ids, and what hangs on each ticket.
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

comment on column integration_parts.asked_at is 'when HubSpot was asked last; before a reconnect, what it said then counts no more';

comment on column integration_parts.due_at is 'from then on it may be asked again';

comment on column integration_parts.read_at is 'when HubSpot gave it last; null: never';

comment on column integration_parts.problem is 'why it could not be read when it was asked last; null: it could';

comment on column integration_parts.content is 'of properties: their definitions, by name';

-- Joined when issues are read, so that a renamed stage is renamed everywhere at once. None is ever deleted: issues
-- go on pointing at what HubSpot no longer lists.
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

comment on column labels.parent is 'of a stage: its pipeline, since two may use one stage id; of the others: empty';

comment on column labels.archived is 'HubSpot says so, or lists it no more';

-- Beside issues, because what hangs on a ticket changes without the ticket changing.
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

comment on column issue_associations.associations is 'by kind: a list; null: may not be read; absent: not read yet';

comment on column issue_associations.observed_at is 'HubSpot''s Date of the answer that carried this content';

-- Tombstones alone, so that they are found among the many that live. Partial, so that no statement which does not ask
-- for them can take one of these for the key of its row.
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
