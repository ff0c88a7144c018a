-- The three database roles with access to tenants' rows, and the functions that tie a transaction
-- to one tenant. The baseline is split by subject: a file is named after the folders of src/ that
-- write its tables, and everything about a table stands next to it.

-- The roles own and bypass nothing; the login switches to one of them for each unit of work.
-- spoke_app: the rows of one tenant. spoke_system: ids and times that lead to a tenant, and rows
-- that belong to no tenant. spoke_eraser: sets the mark on a tenant and deletes what is marked.
--
-- Roles belong to the whole server, so in a second database of the same server they already exist.
do $$
declare role_name text;
begin
  foreach role_name in array array['spoke_app', 'spoke_system', 'spoke_eraser'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      begin
        execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit', role_name);
      exception when duplicate_object or unique_violation then
        null; -- created concurrently by another database of this server
      end;
    end if;
    begin
      -- Since PostgreSQL 16, creating a role does not allow SET ROLE to it.
      execute format('grant %I to %I', role_name, current_user);
    exception when insufficient_privilege or internal_error then
      null; -- granted earlier by an administrator; the start-up check reports if it was not
    end;
  end loop;
  execute format('grant usage on schema %I to spoke_app, spoke_system, spoke_eraser', current_schema());
end $$;

-- Spoke does not use temporary tables. Only the database's owner can revoke them; `spoke doctor
-- isolation` reports whether they still are allowed.
do $$
begin
  if has_database_privilege('spoke_app', current_database(), 'TEMPORARY') then
    execute format('revoke temporary on database %I from public', current_database());
  end if;
exception when insufficient_privilege then
  null;
end $$;

create function spoke_no_tenant() returns uuid language plpgsql stable as $$
begin
  raise exception 'no tenant context' using errcode = 'SP001';
end $$;

-- The tenant of this transaction. An unset or empty context raises an error; it never means "all".
-- Every policy names this function directly, because Citus accepts no sub-select in a policy. So it
-- is evaluated once for each scan, some hundred times for a page of issues: the planner inlines a
-- single SQL expression, which is cheaper than a call. The names in it are resolved now, not when
-- it runs.
create function spoke_tenant() returns uuid language sql stable
  return coalesce(nullif(current_setting('spoke.tenant_id', true), '')::uuid, spoke_no_tenant());

-- Whether the erasure of the transaction's tenant has begun. On Citus, a tenant in a variable leads
-- to one shard, and a comparison with the function itself would visit all of them.
create function spoke_erasing() returns boolean language plpgsql stable as $$
declare
  tenant uuid := spoke_tenant();
begin
  return exists (select 1 from tenants where tenant_id = tenant and erasing_at is not null);
end $$;

-- Each unit of work of a tenant calls this first. It takes a shared lock on the tenant until the
-- transaction ends, and sees the mark, since each statement in the function sees what was committed
-- before it.
create function spoke_begin_tenant() returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(spoke_tenant()::text, 1));
  if spoke_erasing() then
    raise exception 'the tenant is being erased' using errcode = 'SP002';
  end if;
end $$;

-- An erasure takes an exclusive lock: it starts when the last unit of work that saw no mark has
-- ended.
create function spoke_begin_erasure() returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(spoke_tenant()::text, 1));
end $$;

-- A body in plpgsql resolves names when it runs: in this schema only, whatever the session's
-- search_path and temporary tables. spoke_tenant needs no such setting, which would keep the
-- planner from inlining it.
do $$
declare
  function_name text;
begin
  foreach function_name in array array['spoke_no_tenant', 'spoke_erasing', 'spoke_begin_tenant', 'spoke_begin_erasure'] loop
    execute format('alter function %I() set search_path = %I, pg_temp', function_name, current_schema());
  end loop;
end $$;
