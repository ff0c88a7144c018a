-- The key that seals each tenant's data key, read from the sealed value itself, so that the two
-- cannot disagree. And a sentinel for each key, which it must open before the service starts.
alter table tenants
  add column key_id text generated always as (
    substring(
      encode(
        decode(
          rpad(
            translate(split_part(data_key, '.', 1), '-_', '+/'),
            (length(split_part(data_key, '.', 1)) + 3) / 4 * 4,
            '='
          ),
          'base64'
        ),
        'escape'
      ) from '"kid":"([A-Za-z0-9_-]{1,32})"'
    )
  ) stored not null;

comment on column tenants.key_id is 'the key of the key ring that encrypts data_key';

create table ring_keys (
  key_id text primary key,
  sentinel text not null,
  first_used_at timestamptz not null default now()
);

comment on table ring_keys is 'reference';

comment on column ring_keys.sentinel is 'random bytes encrypted with the key; another key with the same name cannot decrypt them';

-- The system role finds the tenants that a key still seals, but never reads the sealed data key:
-- each is resealed in its own tenant's scope.
create policy find_keys on tenants for select to spoke_system using (true);

grant select (tenant_id, key_id) on tenants to spoke_system;

grant update (data_key) on tenants to spoke_app;

grant select, insert, delete on ring_keys to spoke_system;
