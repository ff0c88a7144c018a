-- Tenants, the key ring that seals their data keys, and what periodic work is due.
create table tenants (
  tenant_id uuid primary key,
  data_key text not null,
  -- Read from the sealed value itself, so that the two cannot disagree.
  key_id text not null generated always as (
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
  ) stored,
  created_at timestamptz not null default now(),
  erasing_at timestamptz
);

comment on table tenants is 'distributed: tenant_id';

comment on column tenants.data_key is 'encrypts the tenant''s secrets; itself encrypted with a key of the key ring';

comment on column tenants.key_id is 'the key of the key ring that encrypts data_key';

comment on column tenants.erasing_at is 'when the erasure of the tenant began; never reset';

create index tenants_erasing on tenants (tenant_id) where erasing_at is not null;

alter table tenants enable row level security, force row level security;

create policy own_tenant on tenants to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update (data_key) on tenants to spoke_app;

-- The system role lists tenants, and finds those to erase and those that a key still seals. It
-- never reads the sealed data key: each is resealed in its own tenant's scope.
create policy list_tenants on tenants for select to spoke_system using (true);

grant select (tenant_id, key_id, created_at, erasing_at) on tenants to spoke_system;

-- The eraser can neither remove a mark nor read the sealed data key.
create policy read_mark on tenants for select to spoke_eraser using (tenant_id = spoke_tenant());

create policy mark on tenants for update to spoke_eraser
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant() and erasing_at is not null);

create policy erase_marked on tenants for delete to spoke_eraser
  using (tenant_id = spoke_tenant() and erasing_at is not null);

grant select (tenant_id, erasing_at), update (erasing_at), delete on tenants to spoke_eraser;

-- A sentinel for each key of the ring, which it must open before the service starts.
create table ring_keys (
  key_id text primary key,
  sentinel text not null,
  first_used_at timestamptz not null default now()
);

comment on table ring_keys is 'reference';

comment on column ring_keys.sentinel is 'random bytes encrypted with the key; another key with the same name cannot decrypt them';

grant select, insert, delete on ring_keys to spoke_system;

-- When each periodic task is due. One process at a time claims it.
create table periodic_tasks (
  task text primary key,
  due_at timestamptz not null
);

comment on table periodic_tasks is 'reference';

grant select, insert, update on periodic_tasks to spoke_system;
