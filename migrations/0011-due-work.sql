-- Rows say what is due, and workers find it by an index. The job queue that woke workers is gone.

-- A run is due when its wait or a dead process's lease ends; the schedule also makes a stream due.
alter table sync_streams add column due_at timestamptz generated always as (
  least(
    next_run_at,
    case when sync_event_id is not null then greatest(not_before, lease_until, timestamptz '-infinity') end
  )
) stored;

comment on column sync_streams.due_at is 'exported: when a worker has something to do here: a run to start or to resume, or a lease to take over';

-- Read across tenants, so the time leads.
create index sync_streams_due on sync_streams (sync_type, due_at);

grant select (due_at) on sync_streams to spoke_system;

alter table sync_events add column repeat_count integer not null default 0;

alter table sync_events add column repeats_since timestamptz;

comment on column sync_events.repeat_count is 'exported: how many scheduled runs directly before this one found nothing either; this row stands for them';

comment on column sync_events.repeats_since is 'exported: when the first of them started';

-- Read across tenants, too: those that wait for HubSpot, the latest next attempt first.
drop index sync_streams_awaiting;

create index sync_streams_awaiting on sync_streams (not_before) where awaits_hubspot;

drop index inboxes_awaiting;

create index inboxes_awaiting on inboxes (not_before) where awaits_hubspot;

create index inboxes_missing_webhooks on inboxes (tenant_id, integration_id) where webhooks_missing_since is not null;

-- The tenant is read once into a variable: on Citus, that leads to one shard.
create or replace function spoke_begin_tenant() returns void language plpgsql as $$
declare
  tenant uuid := spoke_tenant();
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(tenant::text, 1));
  if exists (select from tenants where tenant_id = tenant and erasing_at is not null) then
    raise exception 'the tenant is being erased' using errcode = 'SP002';
  end if;
end $$;

do $$
begin
  execute format('alter function spoke_begin_tenant() set search_path = %I, pg_temp', current_schema());
end $$;

-- The schema of the former queue, whose jobs named tenants; not one that serves others.
do $$
declare
  ours boolean;
begin
  if exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'pgboss' and c.relname = 'queue' and pg_has_role(n.nspowner, 'usage')
  ) then
    execute $q$select bool_or(name = 'sync-full')
      and bool_and(name in ('sync-full', 'sync-incremental') or name like '\_\_pgboss\_\_%') from pgboss.queue$q$ into ours;
    if ours then
      drop schema pgboss cascade;
    end if;
  end if;
end $$;
