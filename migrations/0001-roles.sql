-- The two doors to tenants' rows. Neither role owns or bypasses anything; the login drops to one of them for each
-- unit of work. Roles belong to the whole server, so a second database of the same server finds them made.
do $$
declare role_name text;
begin
  foreach role_name in array array['spoke_app', 'spoke_system'] loop
    begin
      execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit', role_name);
    exception when duplicate_object or unique_violation then
      null;
    end;
    if not pg_has_role(current_user, role_name, 'member') then
      execute format('grant %I to %I', role_name, current_user);
    end if;
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
