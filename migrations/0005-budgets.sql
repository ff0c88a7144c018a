-- The calls that a HubSpot account still allows, shared by all processes. No tenant: several
-- tenants may share one account.
create table budgets (
  app text not null,
  portal_id bigint not null,
  bucket text not null check (bucket in ('calls', 'search')),
  next_at timestamptz not null,
  primary key (app, portal_id, bucket)
);

comment on table budgets is 'reference';

comment on column budgets.next_at is 'the theoretical arrival time of the next call (GCRA)';

grant select, insert, update on budgets to spoke_system;
