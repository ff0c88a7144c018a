-- The two database roles with access to tenants' rows. Neither owns or bypasses anything; the login
-- switches to one of them for each unit of work. Roles belong to the whole server, so in a second
-- database of the same server they already exist.
do $$
declare role_name text;
begin
  foreach role_name in array array['spoke_app', 'spoke_system'] loop
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
  execute format('grant usage on schema %I to spoke_app, spoke_system', current_schema());
end $$;

-- The tenant of this transaction. An unset or empty context raises an error; it never means "all".
create function spoke_tenant() returns uuid language plpgsql stable as $$
declare
  context text := current_setting('spoke.tenant_id', true);
begin
  if context is null or context = '' then
    raise exception 'no tenant context' using errcode = 'SP001';
  end if;
  return context::uuid;
end $$;
