-- The change feed, and outgoing webhooks: the endpoints, the deliveries, and the result of each
-- attempt.

-- Changes of each tenant's issues and integrations are numbered in commit order.
create table change_counters (
  tenant_id uuid primary key,
  last_seq bigint not null
);

comment on table change_counters is 'distributed: tenant_id';

comment on column change_counters.last_seq is 'locked from a transaction''s first change to its end, so that no later number is visible before an earlier one';

alter table change_counters enable row level security, force row level security;

create policy own_tenant on change_counters to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on change_counters to spoke_app;

-- One query covers the change notifications of many tenants.
create policy find_changes on change_counters for select to spoke_system using (true);

grant select on change_counters to spoke_system;

create table changes (
  tenant_id uuid not null,
  seq bigint not null,
  change_id uuid not null default gen_random_uuid(),
  type text not null,
  at timestamptz not null default clock_timestamp(),
  integration_id uuid,
  issue_id uuid,
  ticket_id text,
  detail jsonb,
  bytes integer not null generated always as (coalesce(octet_length(detail::text), 0)) stored,
  primary key (tenant_id, seq)
);

comment on table changes is 'distributed: tenant_id';

comment on column changes.change_id is 'unlike seq, never reused, not even after a restore from a backup';

comment on column changes.detail is 'for an issue: old and new values; for an integration: the reason; for a run: its counts';

comment on column changes.bytes is 'size of the detail, as JSON';

alter table changes enable row level security, force row level security;

create policy own_tenant on changes to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on changes to spoke_app;

create table endpoints (
  tenant_id uuid not null references tenants,
  endpoint_id uuid not null,
  url text not null,
  types text[],
  in_order boolean not null,
  secret text not null,
  previous_secret text,
  previous_secret_expires_at timestamptz,
  created_at timestamptz not null default now(),
  failing_since timestamptz,
  disabled_at timestamptz,
  disabled_reason text,
  primary key (tenant_id, endpoint_id)
);

comment on table endpoints is 'distributed: tenant_id';

comment on column endpoints.types is 'null: changes of every type';

comment on column endpoints.in_order is 'a change of a ticket waits until the earlier changes of the same ticket are delivered';

comment on column endpoints.previous_secret is 'signs together with the new secret until previous_secret_expires_at, so that the receiver has time to switch';

alter table endpoints enable row level security, force row level security;

create policy own_tenant on endpoints to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on endpoints to spoke_app;

-- The product's own endpoint receives the changes of every tenant. Its URL and secret are in the
-- configuration; this row records that it exists.
create table product_endpoint (
  endpoint_id uuid primary key,
  types text[]
);

comment on table product_endpoint is 'reference';

grant select on product_endpoint to spoke_app;

grant select, insert, update, delete on product_endpoint to spoke_system;

create table deliveries (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  seq bigint not null,
  due_at timestamptz not null default clock_timestamp(),
  ordering_key text,
  attempt_count smallint not null default 0,
  delivered_at timestamptz,
  failure_reason text,
  primary key (tenant_id, endpoint_id, seq)
);

comment on table deliveries is 'distributed: tenant_id';

comment on column deliveries.seq is 'seq of the change that is sent';

comment on column deliveries.due_at is 'when it is sent; while it is being sent: when another process may take it over; infinity: delivered or failed';

comment on column deliveries.ordering_key is 'the ticket, for an endpoint that receives changes in order';

create index deliveries_due on deliveries (tenant_id, endpoint_id, due_at) where due_at < 'infinity';

create index deliveries_before on deliveries (tenant_id, endpoint_id, ordering_key, seq) where due_at < 'infinity';

alter table deliveries enable row level security, force row level security;

create policy own_tenant on deliveries to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on deliveries to spoke_app;

create policy find_due on deliveries for select to spoke_system using (true);

grant select (tenant_id, endpoint_id, due_at) on deliveries to spoke_system;

create table attempts (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  seq bigint not null,
  at timestamptz not null default clock_timestamp(),
  duration_ms integer not null,
  status smallint,
  error text,
  response text,
  primary key (tenant_id, endpoint_id, seq, at)
);

comment on table attempts is 'distributed: tenant_id';

alter table attempts enable row level security, force row level security;

create policy own_tenant on attempts to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on attempts to spoke_app;
