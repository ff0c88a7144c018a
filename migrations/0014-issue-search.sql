-- What queries filter and sort issues by. A table of its own: the first load of an account stores its
-- issues without these indexes, and its rows here follow in the background. After that, each
-- statement that writes an issue writes its row here too.
create table issue_search (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  issue_id uuid not null,
  pipeline_id text,
  stage_id text,
  owner_id text,
  priority text,
  category text,
  archived boolean not null,
  -- 1970-01-01: unknown, so that rows can be compared and sorted.
  created_at timestamptz not null,
  modified_at timestamptz not null,
  archived_at timestamptz,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  primary key (tenant_id, integration_id, ticket_id)
);

comment on table issue_search is 'distributed: tenant_id; erased in steps';

-- The order of a query without a sort.
create index issue_search_first on issue_search (tenant_id, issue_id);

create index issue_search_modified on issue_search (tenant_id, modified_at, issue_id);

create index issue_search_created on issue_search (tenant_id, created_at, issue_id);

-- With the time, so that the newest of many need no sort.
create index issue_search_pipeline on issue_search (tenant_id, pipeline_id, modified_at, issue_id);

create index issue_search_stage on issue_search (tenant_id, stage_id, modified_at, issue_id);

create index issue_search_owner on issue_search (tenant_id, owner_id, modified_at, issue_id);

create index issue_search_priority on issue_search (tenant_id, priority, modified_at, issue_id);

create index issue_search_category on issue_search (tenant_id, category, modified_at, issue_id);

alter table issue_search enable row level security, force row level security;

create policy own_tenant on issue_search to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on issue_search to spoke_app;

-- One row for each integration whose first load has ended: how far its issues have their rows in
-- issue_search.
create table search_builds (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null default '',
  finished_at timestamptz,
  primary key (tenant_id, integration_id),
  foreign key (tenant_id, integration_id) references tenant_integrations on delete cascade
);

comment on table search_builds is 'distributed: tenant_id; erased in steps';

comment on column search_builds.ticket_id is 'exported: issues up to this one have their rows in issue_search';

comment on column search_builds.finished_at is 'exported: when all of them had one; null: it is in progress';

create index search_builds_unfinished on search_builds (tenant_id, integration_id) where finished_at is null;

alter table search_builds enable row level security, force row level security;

create policy own_tenant on search_builds to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

create policy find_due on search_builds for select to spoke_system using (true);

grant select, insert, update, delete on search_builds to spoke_app;

grant select (tenant_id, integration_id, finished_at) on search_builds to spoke_system;

-- An export has these values with the issues.
do $$
declare
  one record;
begin
  for one in
    select attname from pg_attribute
    where attrelid = 'issue_search'::regclass and attnum > 0 and not attisdropped
  loop
    execute format('comment on column issue_search.%I is %L', one.attname, 'derived: from the issue');
  end loop;
end $$;

comment on column search_builds.tenant_id is 'exported';

comment on column search_builds.integration_id is 'exported';

-- Those that are loaded already.
alter table tenant_integrations no force row level security;

alter table search_builds no force row level security;

insert into search_builds (tenant_id, integration_id)
select tenant_id, integration_id from tenant_integrations where loaded_at is not null;

alter table tenant_integrations force row level security;

alter table search_builds force row level security;
