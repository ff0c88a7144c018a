-- Erasure: once a tenant is marked, only the erasure can enter it. Also what retention needs.
do $$
begin
  if not exists (select from pg_roles where rolname = 'spoke_eraser') then
    begin
      create role spoke_eraser nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit;
    exception when duplicate_object or unique_violation then
      null; -- created concurrently by another database of this server
    end;
  end if;
  begin
    execute format('grant spoke_eraser to %I', current_user);
  exception when insufficient_privilege or internal_error then
    null; -- granted earlier by an administrator; the start-up check reports if it was not
  end;
  execute format('grant usage on schema %I to spoke_eraser', current_schema());
end $$;

alter table tenants add column erasing_at timestamptz;

comment on column tenants.erasing_at is 'when the erasure of the tenant began; never reset';

create index tenants_erasing on tenants (tenant_id) where erasing_at is not null;

create function spoke_erasing() returns boolean language plpgsql stable as $$
begin
  return exists (select from tenants where tenant_id = spoke_tenant() and erasing_at is not null);
end $$;

-- Each unit of work of a tenant calls this first. It takes a shared lock on the tenant until the
-- transaction ends, and sees the mark, since each statement in the function sees what was committed
-- before it.
create function spoke_enter() returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(spoke_tenant()::text, 1));
  if spoke_erasing() then
    raise exception 'the tenant is being erased' using errcode = 'SP002';
  end if;
end $$;

-- An erasure takes an exclusive lock: it starts when the last unit of work that saw no mark has
-- ended.
create function spoke_enter_alone() returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(spoke_tenant()::text, 1));
end $$;

-- The third database role. It sets the mark and deletes what is marked; it can neither remove a
-- mark nor read the sealed data key.
create policy see_mark on tenants for select to spoke_eraser using (tenant_id = (select spoke_tenant()));

create policy mark on tenants for update to spoke_eraser
  using (tenant_id = (select spoke_tenant()))
  with check (tenant_id = (select spoke_tenant()) and erasing_at is not null);

create policy erase_marked on tenants for delete to spoke_eraser
  using (tenant_id = (select spoke_tenant()) and erasing_at is not null);

grant select (tenant_id, erasing_at), update (erasing_at), delete on tenants to spoke_eraser;

-- The only role that may delete from the audit log. A tenant's events are deleted with the tenant,
-- in steps like the rest.
create policy see_marked on audit_events for select to spoke_eraser
  using (tenant_id = (select spoke_tenant()) and (select spoke_erasing()));

create policy erase_marked on audit_events for delete to spoke_eraser
  using (tenant_id = (select spoke_tenant()) and (select spoke_erasing()));

grant select, delete on audit_events to spoke_eraser;

-- The system role finds tenants to erase, and expired idempotency keys, including those of tenants
-- that were never created.
grant select (erasing_at) on tenants to spoke_system;

create policy find_expired on idempotency_keys for select to spoke_system using (expires_at <= now());

grant select (tenant_id, expires_at) on idempotency_keys to spoke_system;

grant delete on budgets to spoke_system;

create index issues_archived_at on issues (tenant_id, archived_at) where archived;

create index record_problems_found on record_problems (tenant_id, found_at);

-- When each periodic task is due. One process at a time claims it.
create table periodic_tasks (
  task text primary key,
  due_at timestamptz not null
);

comment on table periodic_tasks is 'reference';

grant select, insert, update on periodic_tasks to spoke_system;
