-- A session's row opens nothing by itself: what it opens is tied to the key ring. Rows of before open nothing any more, and go when
-- they have ended.
comment on column sessions.bound_to is 'an HMAC under a key of the ring over the session''s token, tenant, scopes, maker and end, and the admin key or the identity provider; the token is not here';

comment on column api_keys.key_hash is 'of the whole key and its scopes, keyed by the data key of the tenant';

-- Our functions find what they name in this schema alone, whatever a session's search_path says and whatever temporary tables it has.
do $$
declare
  made text;
begin
  foreach made in array array['spoke_tenant', 'spoke_erasing', 'spoke_enter', 'spoke_enter_alone'] loop
    execute format('alter function %I() set search_path = %I, pg_temp', made, current_schema());
  end loop;
end $$;

-- Nobody of ours makes temporary tables. Only the database's owner may say so: `spoke doctor isolation` tells whether it holds.
do $$
begin
  if has_database_privilege('spoke_app', current_database(), 'TEMPORARY') then
    execute format('revoke temporary on database %I from public', current_database());
  end if;
exception when insufficient_privilege then
  null;
end $$;
