-- The audit log: who did what, to what, from where, with what result. One chain of hashes per
-- tenant, and the operator's for everything above tenants. spoke_app and spoke_system may insert
-- and read, nothing else.
create table audit_events (
  tenant_id uuid not null references tenants on delete cascade,
  seq bigint not null check (seq > 0),
  at timestamptz not null,
  actor text not null,
  action text not null,
  target text,
  address text,
  request_id text,
  phase text not null check (phase in ('asked', 'done')),
  result text,
  prev_hash text not null,
  hash text not null,
  primary key (tenant_id, seq)
);

comment on table audit_events is 'distributed: tenant_id';

comment on column audit_events.seq is 'starts at 1, without gaps';

comment on column audit_events.actor is 'the owner of the credential; never the credential itself';

comment on column audit_events.target is 'ids within the tenant';

comment on column audit_events.result is 'the outcome of the action: the status, and the code of an error';

comment on column audit_events.hash is 'SHA-256 over all other columns; includes all earlier rows through prev_hash';

-- No tenant_id: a tenant that does not exist, or no longer does, is recorded as a keyed hash of its
-- id.
create table operator_audit (
  seq bigint primary key check (seq > 0),
  at timestamptz not null,
  actor text not null,
  action text not null,
  target text,
  address text,
  request_id text,
  phase text not null check (phase in ('asked', 'done')),
  result text,
  prev_hash text not null,
  hash text not null
);

comment on table operator_audit is 'local';

alter table audit_events enable row level security;

alter table audit_events force row level security;

create policy own_tenant on audit_events to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert on audit_events to spoke_app;

grant select, insert on operator_audit to spoke_system;
