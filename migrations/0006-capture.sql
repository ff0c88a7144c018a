-- What can happen to a ticket after it was synced: absence, deletion, merging. Also records that
-- could not be stored as received.
alter table issues add column deleted_at timestamptz;

comment on column issues.deleted_at is 'when a read by id found that HubSpot no longer has the ticket, neither live nor archived';

-- When a read by list or by id last returned the ticket unchanged. A table of its own, because a
-- full pass updates each of these rows but rewrites only the issues that changed. No foreign key:
-- every writer has locked the integration's row, and checking the key row by row took a tenth of
-- the time to store a page. Code that deletes issues deletes these rows too.
create table issue_last_seen (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  seen_at timestamptz not null,
  primary key (tenant_id, integration_id, ticket_id)
) with (fillfactor = 70);

comment on table issue_last_seen is 'distributed: tenant_id';

comment on column issue_last_seen.seen_at is 'on HubSpot''s clock; searches do not count, because the search index may contain deleted records';

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

create table record_problems (
  tenant_id uuid not null,
  integration_id uuid not null,
  kind text not null,
  record_id text not null,
  state text not null check (state in ('repaired', 'set_aside')),
  reason text not null,
  record text,
  found_at timestamptz not null default now(),
  primary key (tenant_id, integration_id, kind, record_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table record_problems is 'distributed: tenant_id';

comment on column record_problems.record is 'of a quarantined record: what HubSpot returned, as far as it can be stored as text';

alter table sync_streams
  add column withheld bigint,
  add column list_asked_at timestamptz;

comment on column sync_streams.withheld is 'how many issues the last full pass did not find and did not mark deleted, because there were too many';

comment on column sync_streams.list_asked_at is 'when a window was last checked with the list and nothing was missing';

alter table sync_events
  add column archived bigint not null default 0,
  add column repaired bigint not null default 0;

alter table issue_last_seen enable row level security;

alter table issue_last_seen force row level security;

create policy own_tenant on issue_last_seen to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table issue_merges enable row level security;

alter table issue_merges force row level security;

create policy own_tenant on issue_merges to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table record_problems enable row level security;

alter table record_problems force row level security;

create policy own_tenant on record_problems to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert, update, delete on issue_last_seen, issue_merges, record_problems to spoke_app;
