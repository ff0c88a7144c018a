-- Streams (where a sync resumes) and sync events (the history for people). These rows are
-- authoritative; a queued job is only a wake-up.
create table sync_streams (
  tenant_id uuid not null,
  integration_id uuid not null,
  kind text not null,
  sync_type text not null check (sync_type in ('full', 'incremental')),
  epoch bigint not null default 0,
  lease_until timestamptz,
  lease_owner text,
  sync_event_id uuid,
  cursor jsonb,
  watermark timestamptz,
  deletions_held_back bigint,
  list_checked_at timestamptz,
  failures integer not null default 0,
  not_before timestamptz,
  awaits_hubspot boolean not null default false,
  is_probe boolean not null default false,
  next_run_at timestamptz,
  primary key (tenant_id, integration_id, kind, sync_type),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table sync_streams is 'distributed: tenant_id';

comment on column sync_streams.lease_owner is 'the process; an embedded database has one process at a time, so a lease of another process is dead there';

comment on column sync_streams.sync_event_id is 'the running or queued run; null: idle';

comment on column sync_streams.watermark is 'on HubSpot''s clock: all changes before this time are saved';

comment on column sync_streams.deletions_held_back is 'how many issues the last full pass did not find and did not mark deleted, because there were too many';

comment on column sync_streams.list_checked_at is 'when a window was last checked with the list and nothing was missing';

comment on column sync_streams.not_before is 'when a waiting run resumes';

-- The first response after an outage of HubSpot resumes those that wait for it before their backoff
-- ends.
comment on column sync_streams.awaits_hubspot is 'the run waits because HubSpot could not be reached and gave no time to retry';

comment on column sync_streams.is_probe is 'the run was resumed early, to check whether HubSpot is available again';

comment on column sync_streams.next_run_at is 'when the schedule starts the next run';

create index sync_streams_awaiting on sync_streams (tenant_id, integration_id, not_before) where awaits_hubspot;

alter table sync_streams enable row level security, force row level security;

create policy own_tenant on sync_streams to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on sync_streams to spoke_app;

create policy find_due on sync_streams for select to spoke_system using (true);

grant select (tenant_id, integration_id, kind, sync_type, epoch, lease_until, lease_owner, sync_event_id, not_before,
  awaits_hubspot, next_run_at) on sync_streams to spoke_system;

create table sync_events (
  tenant_id uuid not null,
  sync_event_id uuid not null,
  integration_id uuid not null,
  kind text not null,
  sync_type text not null check (sync_type in ('full', 'incremental')),
  trigger text not null check (trigger in ('api', 'connect', 'schedule')),
  state text not null
    check (state in ('queued', 'running', 'waiting', 'succeeded', 'partial', 'failed', 'cancelled')),
  version integer not null default 1,
  total bigint,
  done bigint not null default 0,
  inserted bigint not null default 0,
  changed bigint not null default 0,
  unchanged bigint not null default 0,
  archived bigint not null default 0,
  repaired bigint not null default 0,
  failed bigint not null default 0,
  pages bigint not null default 0,
  waiting_for text,
  waiting_until timestamptz,
  error_code text,
  error text,
  requested_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  primary key (tenant_id, sync_event_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table sync_events is 'distributed: tenant_id';

comment on column sync_events.version is 'incremented by each change of the row; the id of a progress event';

create index sync_events_history on sync_events (tenant_id, integration_id, sync_event_id desc);

alter table sync_events enable row level security, force row level security;

create policy own_tenant on sync_events to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on sync_events to spoke_app;
