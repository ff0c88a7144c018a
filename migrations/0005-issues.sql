-- Issues: our copy of each ticket, and what belongs to a ticket.

-- Everything read is stored as jsonb. Values for filters, sorts and joins have generated columns:
-- they can never disagree with the properties, and a page sends each value once.
--
-- No foreign key to the integration: checking it row by row took a fifth of the time to store a
-- page. Every writer has locked the integration's row and so knows it exists; code that deletes an
-- integration deletes its issues.
create table issues (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  issue_id uuid not null,
  properties jsonb not null,
  subject text generated always as (nullif(properties ->> 'subject', '')) stored,
  content text generated always as (nullif(properties ->> 'content', '')) stored,
  pipeline_id text generated always as (nullif(properties ->> 'hs_pipeline', '')) stored,
  stage_id text generated always as (nullif(properties ->> 'hs_pipeline_stage', '')) stored,
  priority text generated always as (nullif(properties ->> 'hs_ticket_priority', '')) stored,
  category text generated always as (nullif(properties ->> 'hs_ticket_category', '')) stored,
  owner_id text generated always as (nullif(properties ->> 'hubspot_owner_id', '')) stored,
  -- The length of the JSON, so that a page can be limited by bytes before any is read: values are
  -- stored compressed and out of line, so measuring one means reading it.
  bytes integer not null generated always as (octet_length(properties::text)) stored,
  url text,
  ticket_created_at timestamptz,
  modified_at timestamptz not null,
  archived boolean not null default false,
  archived_at timestamptz,
  deleted_at timestamptz,
  was_live boolean not null default true,
  observed_at timestamptz not null,
  first_synced_at timestamptz not null default now(),
  synced_at timestamptz not null default now(),
  primary key (tenant_id, integration_id, ticket_id),
  unique (tenant_id, issue_id)
);

comment on table issues is 'distributed: tenant_id';

comment on column issues.bytes is 'size of the properties, as JSON';

comment on column issues.modified_at is 'HubSpot''s time of the last change; together with observed_at the version of the row';

comment on column issues.deleted_at is 'when a read by id found that HubSpot no longer has the ticket, neither live nor archived';

comment on column issues.was_live is 'whether the issue was ever live here; no change reports a tombstone that was not';

comment on column issues.observed_at is 'the Date header of the HubSpot response that contained this content';

comment on column issues.synced_at is 'when the stored content last changed';

-- Only tombstones, so that they are found quickly among many live issues. Partial, so that
-- statements that do not ask for tombstones never use one of these to look up a row by its key.
create index issues_archived on issues (tenant_id, issue_id) where archived;

create index issues_archived_of on issues (tenant_id, integration_id, ticket_id) where archived;

create index issues_archived_at on issues (tenant_id, archived_at) where archived;

alter table issues enable row level security, force row level security;

create policy own_tenant on issues to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on issues to spoke_app;

-- When a read by list or by id last returned the ticket unchanged. A table of its own, because a
-- full pass updates each of these rows but rewrites only the issues that changed. No foreign key,
-- as for issues; code that deletes issues deletes these rows too.
create table issue_last_seen (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  seen_at timestamptz not null,
  primary key (tenant_id, integration_id, ticket_id)
) with (fillfactor = 70);

comment on table issue_last_seen is 'distributed: tenant_id';

comment on column issue_last_seen.seen_at is 'on HubSpot''s clock; searches do not count, because the search index may contain deleted records';

alter table issue_last_seen enable row level security, force row level security;

create policy own_tenant on issue_last_seen to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on issue_last_seen to spoke_app;

-- HubSpot merges two tickets into a new one, permanently. A table of its own, because survivor and
-- loser arrive in any order.
create table issue_merges (
  tenant_id uuid not null,
  integration_id uuid not null,
  loser_id text not null,
  survivor_id text not null,
  primary key (tenant_id, integration_id, loser_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table issue_merges is 'distributed: tenant_id';

alter table issue_merges enable row level security, force row level security;

create policy own_tenant on issue_merges to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on issue_merges to spoke_app;

-- A table of its own, because a ticket's associations change without the ticket changing.
create table issue_associations (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  associations jsonb not null,
  bytes integer not null generated always as (octet_length(associations::text)) stored,
  observed_at timestamptz not null,
  primary key (tenant_id, integration_id, ticket_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table issue_associations is 'distributed: tenant_id';

comment on column issue_associations.associations is 'by kind: a list; null: reading it is not permitted; absent: not read yet';

comment on column issue_associations.bytes is 'size of the associations, as JSON';

comment on column issue_associations.observed_at is 'the Date header of the HubSpot response that contained this content';

alter table issue_associations enable row level security, force row level security;

create policy own_tenant on issue_associations to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on issue_associations to spoke_app;

-- The account's names for ids. Joined when issues are read, so that renaming a stage takes effect
-- everywhere at once. Never deleted, because issues still refer to objects that HubSpot no longer
-- lists.
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

alter table labels enable row level security, force row level security;

create policy own_tenant on labels to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on labels to spoke_app;

-- Records that could not be stored as received.
create table record_problems (
  tenant_id uuid not null,
  integration_id uuid not null,
  kind text not null,
  record_id text not null,
  state text not null check (state in ('repaired', 'quarantined')),
  reason text not null,
  record text,
  found_at timestamptz not null default now(),
  primary key (tenant_id, integration_id, kind, record_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table record_problems is 'distributed: tenant_id';

comment on column record_problems.record is 'of a quarantined record: what HubSpot returned, as far as it can be stored as text';

create index record_problems_found on record_problems (tenant_id, found_at);

alter table record_problems enable row level security, force row level security;

create policy own_tenant on record_problems to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on record_problems to spoke_app;
