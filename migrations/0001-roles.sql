-- The two doors to tenants' rows. Neither role owns or bypasses anything; the login drops to one of them for each
-- unit of work. Roles belong to the whole server, so a second database of the same server finds them made.
do $$
declare role_name text;
begin
  foreach role_name in array array['spoke_app', 'spoke_system'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      begin
        execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit', role_name);
      exception when duplicate_object or unique_violation then
        null; -- another database of this server made it at the same moment
      end;
    end if;
    begin
      -- Since PostgreSQL 16 the maker of a role may not yet act as it.
      execute format('grant %I to %I', role_name, current_user);
    exception when insufficient_privilege or internal_error then
      null; -- granted before, by whoever prepared the roles; the start-up check tells if it was not
    end;
  end loop;
  execute format('grant usage on schema %I to spoke_app, spoke_system', current_schema());
end $$;

-- The tenant of this transaction. An unset or empty context raises; it never means "all".
create function spoke_tenant() returns uuid language plpgsql stable as $$
declare
  context text := current_setting('spoke.tenant_id', true);
begin
  if context is null or context = '' then
    raise exception 'no tenant context' using errcode = 'SP001';
  end if;
  return context::uuid;
end $$;
