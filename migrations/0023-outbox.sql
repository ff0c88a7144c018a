-- Outgoing webhooks: the endpoints, the deliveries, and the result of each attempt.
create table endpoints (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  url text not null,
  types text[],
  in_order boolean not null default false,
  secret text not null,
  older_secret text,
  older_until timestamptz,
  created_at timestamptz not null default now(),
  failing_since timestamptz,
  disabled_at timestamptz,
  disabled_for text,
  primary key (tenant_id, endpoint_id),
  foreign key (tenant_id) references tenants
);

comment on table endpoints is 'distributed: tenant_id';

comment on column endpoints.types is 'null: changes of every type';

comment on column endpoints.in_order is 'a change of a ticket waits until the earlier changes of the same ticket are delivered';

comment on column endpoints.older_secret is 'signs together with the new secret until older_until, so that the receiver has time to switch';

-- The product's own endpoint receives the changes of every tenant. Its URL and secret are in the
-- configuration; this row records that it exists.
create table product_endpoint (
  endpoint_id uuid primary key,
  types text[]
);

comment on table product_endpoint is 'reference';

create table deliveries (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  seq bigint not null,
  due_at timestamptz not null default clock_timestamp(),
  subject text,
  tries smallint not null default 0,
  delivered_at timestamptz,
  given_up_for text,
  primary key (tenant_id, endpoint_id, seq)
);

comment on table deliveries is 'distributed: tenant_id';

comment on column deliveries.seq is 'seq of the change that is sent';

comment on column deliveries.due_at is 'when it is sent; while it is being sent: when another process may take it over; infinity: delivered or given up';

comment on column deliveries.subject is 'the ticket, for an endpoint that receives changes in order';

create index deliveries_due on deliveries (tenant_id, endpoint_id, due_at) where due_at < 'infinity';

create index deliveries_before on deliveries (tenant_id, endpoint_id, subject, seq) where due_at < 'infinity';

create table attempts (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  seq bigint not null,
  at timestamptz not null default clock_timestamp(),
  ms integer not null,
  status smallint,
  error text,
  answer text,
  primary key (tenant_id, endpoint_id, seq, at)
);

comment on table attempts is 'distributed: tenant_id';

alter table endpoints enable row level security;

alter table endpoints force row level security;

create policy own_tenant on endpoints to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

alter table deliveries enable row level security;

alter table deliveries force row level security;

create policy own_tenant on deliveries to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

create policy find_due on deliveries for select to spoke_system using (true);

alter table attempts enable row level security;

alter table attempts force row level security;

create policy own_tenant on attempts to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert, update, delete on endpoints, deliveries, attempts to spoke_app;

grant select on product_endpoint to spoke_app;

grant select (tenant_id, endpoint_id, due_at) on deliveries to spoke_system;

grant select, insert, update, delete on product_endpoint to spoke_system;
