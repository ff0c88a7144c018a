-- A session row alone grants nothing: what it opens is bound to the key ring. Older rows grant
-- nothing any more, and are deleted when they expire.
comment on column sessions.bound_to is 'an HMAC under a key of the key ring over the session''s token, tenant, scopes, creator and expiry, and the admin key or the identity provider; the token is not stored';

comment on column api_keys.key_hash is 'keyed hash of the whole key and its scopes, under the tenant''s data key';

-- Our functions resolve names only in this schema, whatever the session's search_path and temporary
-- tables.
do $$
declare
  made text;
begin
  foreach made in array array['spoke_tenant', 'spoke_erasing', 'spoke_enter', 'spoke_enter_alone'] loop
    execute format('alter function %I() set search_path = %I, pg_temp', made, current_schema());
  end loop;
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
