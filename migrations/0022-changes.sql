-- The change feed: changes of each tenant's issues and integrations, numbered in commit order.
create table change_counters (
  tenant_id uuid primary key,
  last_seq bigint not null
);

comment on table change_counters is 'distributed: tenant_id';

comment on column change_counters.last_seq is 'locked from a transaction''s first change to its end, so that no later number is visible before an earlier one';

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
  primary key (tenant_id, seq)
);

comment on table changes is 'distributed: tenant_id';

comment on column changes.change_id is 'unlike seq, never reused, not even after a restore from a backup';

comment on column changes.detail is 'for an issue: old and new values; for an integration: the reason; for a run: its counts';

-- New issues are reported from this time on, not while the first full run loads existing ones.
alter table tenant_integrations add column loaded_at timestamptz;

comment on column tenant_integrations.loaded_at is 'when the first full run had loaded everything';

alter table tenant_integrations no force row level security;

alter table sync_streams no force row level security;

update tenant_integrations i set loaded_at = last_sync_at
where exists (
  select from sync_streams s
  where s.tenant_id = i.tenant_id and s.integration_id = i.integration_id and s.mode = 'full' and s.watermark is not null);

alter table sync_streams force row level security;

alter table tenant_integrations force row level security;

alter table change_counters enable row level security;

alter table change_counters force row level security;

create policy own_tenant on change_counters to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

-- One query covers the change notifications of many tenants.
create policy find_news on change_counters for select to spoke_system using (true);

alter table changes enable row level security;

alter table changes force row level security;

create policy own_tenant on changes to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert, update, delete on change_counters, changes to spoke_app;

grant select on change_counters to spoke_system;
