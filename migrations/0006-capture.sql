-- What befalls a ticket after it was synced: absence, deletion, merging; and records that could not be kept as they came.
alter table issues add column deleted_at timestamptz;

comment on column issues.deleted_at is 'HubSpot knows the ticket no more, neither live nor archived: read by id at that time';

-- When a read by list or by id last showed the ticket without changing it. Beside issues, because a full pass moves each of these rows and
-- rewrites no issue that did not change. No foreign key: whoever writes holds the integration's lock, and checking it
-- row by row was a tenth of keeping a page. Who deletes issues deletes these.
create table issue_last_seen (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  seen_at timestamptz not null,
  primary key (tenant_id, integration_id, ticket_id)
) with (fillfactor = 70);

comment on table issue_last_seen is 'distributed: tenant_id';

comment on column issue_last_seen.seen_at is 'on HubSpot''s clock; a search does not count, because its index may hold deleted records';

-- HubSpot merges two tickets into a new one, for good. Kept beside issues because survivor and loser arrive in any order.
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

comment on column record_problems.record is 'what HubSpot gave, as far as text can hold it; of a record that was set aside';

alter table sync_streams
  add column withheld bigint,
  add column list_asked_at timestamptz;

comment on column sync_streams.withheld is 'how many issues the last full pass missed and did not mark deleted, because they were too many';

comment on column sync_streams.list_asked_at is 'when a window was last settled by the list and nothing was missing';

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
